"""Deadlines around an event: until when its tickets may be on sale, and by when those that were sold go to their buyer.

What each platform publishes is declared by its adapter, kept as dated rows (I-26) and reckoned here. No Django here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from marketplaces.delivery import DeliveryType

_SUNDAY = 6
_MINUTES = 60


def hours_of(hours: Decimal) -> timedelta:
    """So many hours, to the minute."""
    return timedelta(minutes=int(hours * _MINUTES))


def hours_words(hours: Decimal) -> str:
    """Hours as a person says them: "48 h", "1.5 h"."""
    return f"{hours.normalize():f} h"


@dataclass(frozen=True, slots=True)
class CutOff:
    """How long before its event something ends: hours, or else shipping days."""

    hours: Decimal = Decimal(0)
    # Monday to Saturday at the venue, as Vivid Seats counts them. Which holidays it leaves out it does not publish.
    shipping_days: int = 0

    def before(self, starts_at: datetime, zone: str) -> datetime:
        """The moment (aware UTC). Shipping days are the venue's own (IANA `zone`), and keep the hour of the start."""
        if not self.shipping_days:
            return starts_at - hours_of(self.hours)
        start, left = starts_at.astimezone(ZoneInfo(zone)), self.shipping_days
        day = start.date()
        while left:
            day -= timedelta(days=1)
            left -= day.weekday() != _SUNDAY
        return datetime.combine(day, start.time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)

    @property
    def at_most(self) -> timedelta:
        """No event's is longer before its start: of six days in a row one is a Sunday, and a clock may be changed."""
        if not self.shipping_days:
            return hours_of(self.hours)
        sundays = -(-self.shipping_days // 6)
        return timedelta(days=self.shipping_days + sundays, hours=2)

    @property
    def words(self) -> str:
        """How long, in words: "48 h", "5 shipping days"."""
        if not self.shipping_days:
            return hours_words(self.hours)
        return f"{self.shipping_days} shipping day{'' if self.shipping_days == 1 else 's'}"


class CutOffBasis(StrEnum):
    """What is known of a cut-off."""

    # The platform takes such tickets off sale then.
    STOPS = "stops"
    # What it sells later cannot be handed over in the time that it gives.
    DELIVERY = "delivery"
    # Nothing is published: a measure of our own.
    CAUTION = "caution"


@dataclass(frozen=True, slots=True)
class KnownListUntil:
    """Until when a platform's tickets of these kinds may be on sale, who says so, and when that was read.

    `uploaded`: of those of which every ticket lies there already.
    """

    deliveries: tuple[DeliveryType, ...]
    cut_off: CutOff
    basis: CutOffBasis
    source: str
    checked_on: date
    uploaded: bool = False


_CHECKED = date(2026, 11, 22)
# Where a platform publishes nothing. Paper that was sold has to be sent: the one figure that is published serves all.
CAUTIONS = (
    KnownListUntil(
        tuple(kind for kind in DeliveryType if kind is not DeliveryType.PAPER), CutOff(Decimal(1)),
        CutOffBasis.CAUTION, "Our own caution: nothing is published", _CHECKED,
    ),
    KnownListUntil(
        (DeliveryType.PAPER,), CutOff(shipping_days=5), CutOffBasis.CAUTION,
        "Our own caution, as Vivid Seats has it: nothing is published", _CHECKED,
    ),
)  # fmt: skip


class HandOverKind(StrEnum):
    """By what a platform's rule fixes when sold tickets are to be handed over."""

    # By how long before the event they were sold.
    STEPS = "steps"
    # By the day from which the seller said to have them.
    IN_HAND = "in_hand"


@dataclass(frozen=True, slots=True)
class HandOverStep:
    """Of what is sold at least `sold_before_h` before the event: so long before it, or so long after the sale (h)."""

    sold_before_h: Decimal
    before_h: Decimal | None = None
    within_h: Decimal | None = None


@dataclass(frozen=True, slots=True)
class HandOverRule:
    """By when sold tickets are to be handed over, where a platform publishes that and tells it in no field."""

    kind: HandOverKind
    # The longest before the event first; the last one is of all that is left.
    steps: tuple[HandOverStep, ...] = ()

    def due(
        self, *, sold_at: datetime, starts_at: datetime, in_hand_on: date | None, zone: str
    ) -> datetime | None:  # fmt: skip
        """The moment (aware UTC); None where none follows: of tickets that are in hand a rule by that day says nothing.

        A day ends at midnight at the venue (IANA `zone`); nothing is due after the start.
        """
        if self.kind is HandOverKind.IN_HAND:
            if in_hand_on is None:
                return None
            ends = datetime.combine(in_hand_on + timedelta(days=1), time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
            return min(ends, starts_at) if ends > sold_at else None
        step = self._step(starts_at - sold_at)
        if step is None:
            return None
        if step.within_h is not None:
            return min(sold_at + hours_of(step.within_h), starts_at)
        return starts_at - hours_of(step.before_h or Decimal(0))

    def _step(self, ahead: timedelta) -> HandOverStep | None:
        return next((step for step in self.steps if ahead >= hours_of(step.sold_before_h)), None)

    @property
    def words(self) -> str:
        """The rule in words."""
        if self.kind is HandOverKind.IN_HAND:
            return "by the day from which the tickets are in hand"
        return "; ".join(map(_step_words, self.steps))

    def stored(self) -> list[list[str]]:
        """The steps as a row keeps them: [sold so long before, "before" or "within", so long], in hours."""
        return [
            [f"{step.sold_before_h:f}", "before", f"{step.before_h:f}"]
            if step.before_h is not None
            else [f"{step.sold_before_h:f}", "within", f"{step.within_h:f}"]
            for step in self.steps
        ]


def _step_words(step: HandOverStep) -> str:
    due = (
        f"{hours_words(step.before_h)} before the game"
        if step.before_h is not None
        else f"within {hours_words(step.within_h or Decimal(0))}"
    )
    sold = f"sold {hours_words(step.sold_before_h)} or more before it" if step.sold_before_h else "sold later"
    return f"{sold}: {due}"


def rule_of(kind: str, stored: object) -> HandOverRule:
    """The rule of a row as `HandOverRule.stored` keeps it. Raises ValueError where that is none."""
    if kind == HandOverKind.IN_HAND:
        if stored:
            raise ValueError("a rule by the in-hand day has no steps")
        return HandOverRule(HandOverKind.IN_HAND)
    if not isinstance(stored, Sequence) or isinstance(stored, str) or not stored:
        raise ValueError("give at least one step")
    steps = tuple(map(_step_of, stored))
    ahead = [step.sold_before_h for step in steps]
    if ahead != sorted(set(ahead), reverse=True) or ahead[-1] != 0:
        raise ValueError("the steps go from the longest before the event down to 0, each once")
    return HandOverRule(HandOverKind.STEPS, steps)


def _step_of(row: object) -> HandOverStep:
    """[61, "before", 36] or [26, "within", 24]."""
    if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != 3 or row[1] not in {"before", "within"}:
        raise ValueError('a step is [hours, "before" or "within", hours]')
    try:
        sold, long = Decimal(str(row[0])), Decimal(str(row[2]))
    except ArithmeticError as error:
        raise ValueError("a step counts in hours") from error
    if not (sold.is_finite() and long.is_finite() and 0 <= sold <= 10_000 and 0 <= long <= 10_000):
        raise ValueError("a step counts in hours, none of them below 0")
    return HandOverStep(sold, before_h=long) if row[1] == "before" else HandOverStep(sold, within_h=long)


@dataclass(frozen=True, slots=True)
class KnownHandOver:
    """A platform's rule, who says so, and when that was read."""

    rule: HandOverRule
    source: str
    checked_on: date


Of = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class ListUntil:
    """A cut-off that is in force for some tickets, and what is known of it."""

    cut_off: CutOff
    basis: CutOffBasis


@dataclass(frozen=True, slots=True)
class ListUntils:
    """Those in force: by platform ("": all others), kind of tickets ("": all others), and whether they lie there.

    Of each kind there is one of everybody's (CAUTIONS).
    """

    rows: Mapping[Of, ListUntil]

    def of(self, platform: str, delivery: str, *, uploaded: bool) -> ListUntil:
        """The nearest one: the platform's own before everybody's, of these tickets before those of all."""
        names = (
            (place, kind, there)
            for place in (platform, "")
            for kind in (delivery, "")
            for there in ((True, False) if uploaded else (False,))
        )
        return next(self.rows[name] for name in names if name in self.rows)

    def asks_uploaded(self, platform: str, delivery: str) -> bool:
        """Whether it makes a difference that the tickets lie there."""
        return any((place, kind, True) in self.rows for place in (platform, "") for kind in (delivery, ""))

    def at_most(self, delivery: str) -> timedelta:
        """No platform's of these tickets is longer before the start."""
        return max(row.cut_off.at_most for (_, kind, _), row in self.rows.items() if kind in {delivery, ""})
