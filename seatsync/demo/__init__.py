"""The demo: a real team's real schedule, moved by whole weeks, with a paper market and one holder."""
