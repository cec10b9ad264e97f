"""Which seeds a heavy test runs with: all of its own, or the one that the environment names (.ci/run's sample)."""

import os


def seeds(*own: int) -> list[int]:
    """SEATSYNC_TEST_SEED where it is set, else the test's own."""
    named = os.environ.get("SEATSYNC_TEST_SEED")
    return [int(named)] if named else list(own)
