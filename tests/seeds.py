"""Which seeds a heavy test runs with: all of its own, or the one that the environment names (.ci/run's sample)."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar


def seeds(*own: int) -> list[int]:
    """SEATSYNC_TEST_SEED where it is set, else the test's own."""
    named = os.environ.get("SEATSYNC_TEST_SEED")
    return [int(named)] if named else list(own)


T = TypeVar("T")


def sample_of(cases: Sequence[T]) -> list[T]:
    """One of these cases by SEATSYNC_TEST_SEED where it is set, as a sample of what takes long; else all of them."""
    named = os.environ.get("SEATSYNC_TEST_SEED")
    return [random.Random(int(named)).choice(cases)] if named else list(cases)
