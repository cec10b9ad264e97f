"""Many listings at once: what would become of each is shown first, and then done as it was shown, each by itself."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from listings.contracts import PriceChange, PriceOutcome, Verdict
from listings.models import Listing, ListingStatus
from listings.selectors import listing_list, wants_of
from listings.services.allowed import listings_for
from listings.services.delist import listings_delist
from listings.services.net_floor import net_expected
from listings.services.pricing import price_apply, prices_foresee
from listings.states import OPEN, WANTED
from marketplaces.models import Mode
from seatsync.core.actors import Actor
from seatsync.core.errors import Busy, InvalidInput
from seatsync.core.money import LARGEST, money_text, round_money

# So many are looked through by a person, and by a request in its time.
MOST = 200
# A batch holds the locks of its listings until it is done, and a sale of any of them waits meanwhile.
AT_ONCE = 10
_BUSY = Verdict(
    "busy", allowed=False, reason="Somebody else is changing it at this moment.", remedy="Try it again in a moment."
)


class Act(StrEnum):
    """What is to become of them."""

    TO = "to"
    BY_PERCENT = "by_percent"
    BY_AMOUNT = "by_amount"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A listing, and the version of it that was seen; None: none was."""

    listing_id: uuid.UUID
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One of them, as it was before: at which price it is, or would be, offered, or why not.

    `price` per ticket, None where it is to come down or is no price that can be asked; the nets likewise, None where
    they are not known. `waits_for`: the "event" or the "section" there that is to be confirmed before it goes up.
    """

    listing: Listing
    asked: Decimal
    net: Decimal | None
    price: Decimal | None = None
    net_then: Decimal | None = None
    refusal: Verdict | None = None
    waits_for: str = ""

    @property
    def not_up(self) -> bool:
        """Whether nothing is sent for it now: its publication was refused, and waits for a person."""
        return self.listing.status == ListingStatus.ERROR

    @property
    def changes(self) -> bool:
        """Whether anything of it becomes, or became, otherwise."""
        return self.refusal is None and self.price != self.asked

    @property
    def by_hand(self) -> bool:
        """Whether its holder has to do it there himself."""
        return self.listing.account.mode == Mode.ASSISTED

    @property
    def to_confirm(self) -> bool:
        """Whether it is refused only until a person says that it is meant."""
        return self.refusal is not None and self.refusal.field == "confirmed"


def listings_bulk(
    *, actor: Actor, chosen: Sequence[Chosen], act: Act, amount: Decimal | None = None, confirmed: bool = False,
    reason: str = "", dry_run: bool = False,
) -> list[Line]:  # fmt: skip
    """Price these listings anew or take them down; `dry_run`: say what would become of each, and change nothing.

    `amount`: the price per ticket, what it moves by, or by how many percent. Each is judged as if it were changed
    alone, and one that is refused keeps no other from it; of another version than was seen no price is changed. In the
    order of their games. Raises InvalidInput by field (`listings`, `amount`), NotFound, or NotAllowed where the actor
    may not change one of them.
    """
    versions = {one.listing_id: one.version for one in chosen}
    _check_chosen(versions)
    listings_for(actor, versions, verb="delist" if act == Act.DOWN else "reprice")
    listings = listing_list(actor).filter(pk__in=versions).order_by("game__starts_at", "section", "row", "platform")
    waits = wants_of(listings)
    lines = [
        Line(listing, listing.price, listing.proceeds, waits_for=waits.get(listing.pk, "")) for listing in listings
    ]
    if act == Act.DOWN:
        return _down(actor, lines, reason, dry_run=dry_run)
    wanted = _check_amount(act, amount, {line.listing.currency for line in lines})
    lines = [_wish(line, _moved(line.asked, act, wanted)) for line in lines]
    done: dict[uuid.UUID, PriceOutcome | Verdict] = {}
    for part in _parts([line for line in lines if line.refusal is None]):
        changes = [
            PriceChange(line.listing.pk, line.price, versions[line.listing.pk], reason, confirmed)
            for line in part if line.price is not None
        ]  # fmt: skip
        done |= _priced(actor, changes, dry_run=dry_run)
    return [_told(line, done.get(line.listing.pk)) for line in lines]


def _check_chosen(versions: dict[uuid.UUID, int | None]) -> None:
    if not versions:
        raise InvalidInput("No listing was chosen.", field="listings", remedy="Choose at least one.")
    if len(versions) > MOST:
        raise InvalidInput(
            f"{len(versions)} listings are too many at once.", field="listings", remedy=f"Choose {MOST} at most."
        )


def _check_amount(act: Act, amount: Decimal | None, currencies: set[str]) -> Decimal:
    """The amount. Raises InvalidInput where it makes no sense for this act."""
    if amount is None or not amount.is_finite() or (act == Act.TO and not 0 < amount <= LARGEST):
        raise InvalidInput("That is no amount.", field="amount", remedy="Write it like 70.50.")
    if amount == 0:
        raise InvalidInput("That changes nothing.", field="amount", remedy="Write by how much, like 5 or -5.")
    if act == Act.BY_PERCENT and not -100 < amount <= 1_000:
        raise InvalidInput(f"{amount} % makes no price.", field="amount", remedy="Choose from -99 to 1000.")
    if act != Act.BY_PERCENT and len(currencies) > 1:
        raise InvalidInput(
            f"They are asked for in {' and '.join(sorted(currencies))}.", field="amount",
            remedy="Change them by percent, or those of one currency at a time.",
        )  # fmt: skip
    return amount


def _moved(price: Decimal, act: Act, amount: Decimal) -> Decimal:
    if act == Act.TO:
        return round_money(amount)
    return round_money(price * (100 + amount) / 100 if act == Act.BY_PERCENT else price + amount)


def _wish(line: Line, price: Decimal) -> Line:
    if not 0 < price <= LARGEST:
        said = f"{money_text(price, line.listing.currency)} is not a price."
        return replace(line, refusal=Verdict("price", allowed=False, reason=said, remedy="Change it by less."))
    return replace(line, price=price, net_then=net_expected(line.listing, price))


def _parts(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """In the order in which listings are locked, so that two who change the same ones do not block each other."""
    ordered = sorted(lines, key=lambda line: line.listing.pk)
    for first in range(0, len(ordered), AT_ONCE):
        yield ordered[first : first + AT_ONCE]


def _priced(actor: Actor, changes: Sequence[PriceChange], *, dry_run: bool) -> dict[uuid.UUID, PriceOutcome | Verdict]:
    judge = prices_foresee if dry_run else price_apply
    try:
        return {outcome.listing_id: outcome for outcome in judge(actor=actor, changes=changes)}
    except Busy:
        return {change.listing_id: _BUSY for change in changes}


def _told(line: Line, outcome: PriceOutcome | Verdict | None) -> Line:
    refusal = outcome.refusal if isinstance(outcome, PriceOutcome) else outcome
    return line if refusal is None else replace(line, refusal=refusal)


def _down(actor: Actor, lines: list[Line], reason: str, *, dry_run: bool) -> list[Line]:
    lines = [_down_wish(line) for line in lines]
    if dry_run:
        return lines
    busy = set[uuid.UUID]()
    for part in _parts([line for line in lines if line.refusal is None]):
        ids = [line.listing.pk for line in part]
        try:
            listings_delist(actor=actor, listing_ids=ids, reason=reason)
        except Busy:
            busy |= set(ids)
    return [replace(line, refusal=_BUSY) if line.listing.pk in busy else line for line in lines]


def _down_wish(line: Line) -> Line:
    listing = line.listing
    if listing.status in WANTED:
        return line
    said = "It is on its way down already." if listing.status in OPEN else f"The listing is {listing.standing}."
    return replace(line, refusal=Verdict("status", allowed=False, reason=said, remedy="Nothing is to be done."))
