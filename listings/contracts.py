"""Frozen values of the pricing door, shared with guards. No Django here."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a machine's price rests on (I-16): how many comparables, and when the newest of them was seen.

    `in_range` False: its model was asked for what it does not know. `scheduled`: it rests on the clock alone.
    """

    comparables: int = 0
    observed_at: datetime | None = None
    in_range: bool = True
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A wish to price a listing. `version` is the one the proposer saw; None only for machines that just read it.

    `confirmed`: a person has been shown that the change is unusually large and wants it. `grounds`: a machine has some.
    """

    listing_id: uuid.UUID
    price: Decimal
    version: int | None = None
    reason: str = ""
    confirmed: bool = False
    grounds: Grounds | None = None


@dataclass(frozen=True, slots=True)
class PriceContext:
    """What a guard may know of one proposal; prices per ticket in `currency`, moments aware UTC.

    `changed_at`: since when the price stands. `person_set_at`: when a person last set it, if one did within the month.
    `machine_changes`: how often machines changed it within the last 24 hours. These three are told of a machine's
    proposal; of a person's the door does not look.
    """

    platform: str
    price: Decimal
    proposed: Decimal
    floor: Decimal
    ceiling: Decimal
    currency: str
    actor_is_person: bool
    confirmed: bool
    hours_to_game: float
    at: datetime
    changed_at: datetime
    person_set_at: datetime | None = None
    machine_changes: int = 0
    grounds: Grounds | None = None

    @property
    def machine_moves(self) -> bool:
        """Whether a machine would make it another price, which is held back where a person does as he likes."""
        return not self.actor_is_person and self.proposed != self.price


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
