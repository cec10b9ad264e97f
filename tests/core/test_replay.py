"""The words of the replay label."""

from datetime import UTC, datetime

from seatsync.core.replay import replay_labels

OPENING = datetime(2025, 10, 24, 2, 10, tzinfo=UTC)


def test_one_label_a_season_the_oldest_first() -> None:
    labels = replay_labels([("recorded", 28, OPENING), ("facts", 83, OPENING)])
    assert [label.text for label in labels] == [
        "2024 season replayed, shifted 83 weeks",
        "2025 season replayed, shifted 28 weeks",
    ]
    assert [label.source for label in labels] == ["facts", "recorded"]


def test_one_week_is_one_week_and_the_same_words_are_said_once() -> None:
    labels = replay_labels([("a", 1, OPENING), ("b", 1, OPENING)])
    assert [label.text for label in labels] == ["2025 season replayed, shifted 1 week"]


def test_nothing_moved_has_no_label() -> None:
    assert replay_labels([]) == []
