"""The predictor protocol and its frozen values. No Django here. Prices per ticket in USD; moments aware UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from seatsync.core.errors import SeatSyncError


@dataclass(frozen=True, slots=True)
class Comparable:
    """A completed sale of a stranger's ticket for the same game."""

    section: str
    zone: str
    price: Decimal
    sold_at: datetime


@dataclass(frozen=True, slots=True)
class PriceQuestion:
    """What are seats of this section worth at `at`? Comparables that were not sold before it are not used (I-34).

    `venue` is the venue's name: sections of other venues with the same label say nothing about this one. `known_by` is
    the moment up to which records may speak, where it is not `at`: a replayed game is asked about as of then.
    """

    section: str
    zone: str
    at: datetime
    comparables: tuple[Comparable, ...]
    venue: str = ""
    known_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an answer stands on: the comparables used, and by reason those of before `at` that were left out."""

    used: tuple[Comparable, ...] = ()
    dropped: tuple[tuple[str, tuple[Comparable, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class PriceAnswer:
    """A value with its interval. `quantiles` by probability; `n` comparables used at `level`.

    `coverage` is the stated one of [lower, upper], `measured` what such intervals covered on later sales of the level,
    None where too few were scored.
    """

    value: Decimal
    quantiles: dict[float, Decimal]
    lower: Decimal
    upper: Decimal
    coverage: Decimal
    n: int
    level: str
    data_as_of: datetime | None
    reasons: tuple[str, ...]
    evidence: Evidence = Evidence()
    measured: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing is known; the price is kept and the reason said (I-16)."""

    reason: str


class ArtifactRefused(SeatSyncError):
    """The model that would answer is not the one that was shipped with this release: nothing is answered with it."""

    status = 503
    code = "model_refused"
    title = "The model cannot be used"


@dataclass(frozen=True, slots=True)
class TrainingSale:
    """One recorded sale for fitting."""

    game: str
    venue: str
    section: str
    zone: str
    price: Decimal
    sold_at: datetime


class Predictor(Protocol):
    """One way to answer. `fit` gives the artifact as JSON bytes, `predict` answers each question with it."""

    kind: str
    engine: str
    version: str

    def fit(self, rows: Sequence[TrainingSale]) -> bytes:
        """Learn from sales; the rows need no order."""
        ...

    def predict(self, questions: Sequence[PriceQuestion], artifact: bytes) -> list[PriceAnswer | NoAnswer]:
        """One answer a question, in order; raises ArtifactRefused for an artifact that is not this predictor's."""
        ...
