"""Frozen values of the pricing door, shared with guards. No Django here."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A wish to price a listing. `version` is the one the proposer saw; None only for machines that just read it.

    `confirmed`: a person has been shown that the change is unusually large and wants it.
    """

    listing_id: uuid.UUID
    price: Decimal
    version: int | None = None
    reason: str = ""
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class PriceContext:
    """What a guard may know of one proposal; prices per ticket in `currency`."""

    platform: str
    price: Decimal
    proposed: Decimal
    floor: Decimal
    ceiling: Decimal
    currency: str
    actor_is_person: bool
    confirmed: bool
    hours_to_game: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A guard's answer, with the reason in words a holder understands, and what he can do about it in which field."""

    guard: str
    allowed: bool
    reason: str = ""
    remedy: str = "Choose a price that the rule allows."
    field: str = "price"


@dataclass(frozen=True, slots=True)
class PriceOutcome:
    """What the door made of one change: the listing's price and version afterwards, and every verdict given."""

    listing_id: uuid.UUID
    accepted: bool
    price: Decimal
    version: int
    verdicts: tuple[Verdict, ...]

    @property
    def refusal(self) -> Verdict | None:
        """The first verdict that said no."""
        return next((verdict for verdict in self.verdicts if not verdict.allowed), None)


class Guard(Protocol):
    """A rule that every price must pass, in addition to the door's own."""

    key: str

    def check(self, context: PriceContext) -> Verdict:
        """Allow or refuse, with a reason."""
        ...
