"""Whether each sale that ended badly has its exact effect: state, seats and money, and nothing is on sale again."""

from collections.abc import Collection, Iterator, Mapping

from listings.models import Sale, SaleEnding, SaleState
from listings.payables import tells_payouts
from listings.services.obstacles import hold_key
from listings.states import SALE_LIVE
from portfolios.models import OwnerState
from seatsync.chaos.books import Books, Ended, Row, allocates, did
from seatsync.core.models import AuditEntry

Findings = Iterator[str]
_E = SaleEnding
# What a sale may say that its marketplace ended so: a replacement's interface may tell of the cancellation alone.
SAID: Mapping[str, frozenset[str]] = {
    _E.PROMISE_CANCELLED: frozenset({_E.PROMISE_CANCELLED, _E.CANCELLED}),
    _E.CANCELLED: frozenset({_E.CANCELLED}),
    _E.REPLACEMENT: frozenset({_E.REPLACEMENT, _E.CANCELLED}),
    _E.GAME_OFF: frozenset({_E.GAME_OFF}),
    _E.CLAIM: frozenset({_E.CLAIM}),
    _E.PENALTY: frozenset({_E.PENALTY}),
}
# Those after which the sale is over and its seats are free: said here by itself, not read where the product reads it.
OVER = frozenset({_E.PROMISE_CANCELLED, _E.CANCELLED, _E.REPLACEMENT, _E.GAME_OFF})
# Those by which a marketplace lets go of a sale that nobody may have promised.
LET_GO = frozenset({_E.PROMISE_CANCELLED, _E.CANCELLED})


def endings_wrong(books: Books, ended: Mapping[str, Ended], games_off: Collection[int] = ()) -> Findings:
    """Sales that their marketplaces ended, and that say otherwise or have other seats; and refused ones."""
    for sale in books.sales:
        known, one = books.known.get(str(sale["sale_id"])), ended.get(str(sale["sale_id"]))
        name = f"{sale['platform']} sale {sale['sale_id']}"
        if known is None:
            continue
        if one is not None:
            said = SAID[one.kind] | _causes(books, sale, known, one, game_off=int(sale["event_id"]) in games_off)
            if wrong := _wrong(books, known, one, said):
                yield f"{name} was ended by {one.kind}{' and settled' * one.settled}; here {wrong}"
        elif sale["cancelled"]:
            # One that was to be refused had no seats.
            if known.state not in {SaleState.CANCELLED, SaleState.CONFLICT}:
                yield f"{name} was taken back, and is {known.state} here"
        elif sale["rejected"] and (known.ending != _E.REJECTED or books.live.get(known.pk)):
            yield f"{name} was refused, and says {known.ending or 'nothing'} here"
        elif not sale["cancelled"] and not sale["rejected"] and known.ending:
            yield f"{name} stands, and says {known.ending} here"


def _causes(books: Books, sale: Row, known: Sale, one: Ended, *, game_off: bool) -> frozenset[str]:
    """What else it may say of why it is over: what came before the word of its marketplace."""
    # A game that is off is the cause of whatever comes after.
    causes = {_E.GAME_OFF} if one.kind in OVER and game_off else set[str]()
    # It was to be refused, since its seats went to another sale, and its marketplace let go of it before it heard.
    own, others = books.listings.get(str(sale["external_id"])), books.named.items()
    elsewhere = set[object]().union(*(seats for pk, seats in others if pk != known.pk))
    if one.kind in LET_GO and own is not None and set(own.seats.values()) & elsewhere:
        causes |= set() if did(sale, "confirm") or did(sale, "hand_over") else {_E.REJECTED}
    return frozenset(causes)


def _wrong(books: Books, known: Sale, one: Ended, said: frozenset[str]) -> str:
    if one.settled:
        return f"it says {known.ending}" if known.ending else "" if known.state in SALE_LIVE else f"it is {known.state}"
    # Cancelled before we heard of it: it never had anything that could end.
    unheard = known.state == SaleState.CANCELLED and not books.named.get(known.pk)
    live, over = books.live.get(known.pk, set()), one.kind in OVER
    if known.ending not in said and not unheard:
        return f"it says {known.ending or 'nothing'}"
    if over != (known.state == SaleState.CANCELLED):
        return f"it is {known.state}"
    if over and live:
        return f"it still has {len(live)} seats"
    if not over and len(live) != known.quantity:
        return f"it has {len(live)} of {known.quantity} seats"
    return ""


def owners_wrong(books: Books) -> Findings:
    """Seats whose owner in the ledger is not the sale that has them, or is one that has them no more."""
    keys = {hold_key(known.account_id, known.platform_sale_id): known for known in books.known.values()}
    for key, known in keys.items():
        for seat in books.live.get(known.pk, set()):
            wanted = OwnerState.HELD if known.state == SaleState.PROVISIONAL else OwnerState.SOLD
            if books.owners.get(seat) != (wanted, key):
                yield f"seat {seat} is sold by {known}, and is {books.owners.get(seat, ('available', ''))[0]}"
    for seat, (state, held_by) in books.owners.items():
        holder = keys.get(held_by)
        if held_by.startswith("sale:") and (holder is None or seat not in books.live.get(holder.pk, set())):
            yield f"seat {seat} is {state} for {holder or held_by}, which does not have it"


def listed_again(books: Books) -> Findings:
    """Listings that show what they are not to show any more: they are over, or a sale that is over took those seats."""
    for rows in books.showings.values():
        row = rows[-1]
        own = books.listings.get(row["external_id"])
        if own is None or row["state"] != "active":
            continue
        name = f"{row['platform']} listing {row['external_id']}"
        if not own.open:
            yield f"{name} is over, and shows {row['quantity']} seats"
        elif row["quantity"] > len(own.offered) or _numbered_otherwise(own.platform, row, own.offered):
            yield f"{name} shows {row['seats'] or row['quantity']}, and is to show {sorted(own.offered)}"


def _numbered_otherwise(platform: str, row: Row, offered: set[int]) -> bool:
    return not allocates(platform) and bool(set(row["seats"]) - offered)


def money_wrong(books: Books, ended: Mapping[str, Ended]) -> Findings:
    """Payouts that are not as the marketplaces made them, lines that were edited, and charges that no sale has.

    What is taken back must be a line of its own in a later payout: each payout's lines stay as they were paid.
    """
    for payment, lines in books.paid.items():
        ours = books.booked.get(payment)
        if ours != lines:
            yield f"payment {payment} is {lines}, and {ours} here"
    for payment in books.booked.keys() - books.paid.keys():
        yield f"payment {payment} was made up"
    for sale_id, known in books.known.items():
        one, charged, told = ended.get(sale_id), books.charged.get(sale_id, 0), int((known.told_charge or 0) * 100)
        if tells_payouts(known.platform) and int(known.charged * 100) != charged:
            yield f"{known.platform} sale {sale_id} is charged {charged / 100:.2f}, and {known.charged} here"
        elif one is not None and known.ending == _E.PENALTY and told != one.cents * (not tells_payouts(one.platform)):
            yield f"{known.platform} sale {sale_id} costs {one.cents / 100:.2f}, and {known.told_charge} here"
    for edit in AuditEntry.objects.filter(verb="payout.corrected"):
        yield f"payout {edit.object_id} was edited"
