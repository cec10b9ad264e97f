"""The demo's market: what is fitted on records, and what is drawn from it (which needs numpy; the name does not)."""

# Under this name the drawn sales and asks are kept among the market's snapshots.
PLATFORM = "paper"
