"""The judge: what the ledger of the marketplaces shows of our promises. Each finding is told in a line, too."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise
from math import inf

from django.db.models import Count

from listings.models import CommandState, MarketplaceCommand, Sale, SaleState
from marketplaces.models import InboundEvent, InboxState
from marketplaces.registry import traits_of
from seatsync.chaos.books import SILENT_ON_ENDS, Books, Decided, Row, allocates, did, had, promised, promised_from
from seatsync.live.models import Alert

Findings = Iterator[str]
# Purchases are read, the file is made and sent: each request may take as long as our timeout.
LONGEST_FLIGHT_S = 24.0


def seats_oversold(books: Books) -> Findings:
    """Seats with two sales that we confirmed or handed over, and that stood at the same time.

    What its marketplace had taken back before the other one was confirmed is none.
    """
    sold: dict[uuid.UUID, list[tuple[tuple[float, float], str]]] = defaultdict(list)
    for sale in books.sales:
        if (stood := promised_from(sale)) is not None:
            for seat in books.seats_of(sale):
                sold[seat].append((stood, f"{sale['platform']} {sale['sale_id']}"))
    for seat, sales in sold.items():
        for ((since, until), one), ((from_, to), other) in combinations(sales, 2):
            if since < to and from_ < until:
                yield f"seat {seat} was sold to {one} and {other}"


def sales_lost(books: Books) -> Findings:
    """Sales that we know nothing of, gave no or other seats, left undecided, or refused although their seats were free.

    One that waits for a person is counted there. One that was over before anybody told us of it, at a marketplace that
    tells no more of such, can be known to nobody.
    """
    sold = {seat for sale in filter(promised, books.sales) for seat in books.seats_of(sale)}
    for sale in books.sales:
        known = books.known.get(str(sale["sale_id"]))
        name = f"{sale['platform']} sale {sale['sale_id']} of {sale['quantity']} from {sale['external_id']}"
        if known is None:
            if not (sale["cancelled"] and sale["platform"] in SILENT_ON_ENDS):
                yield f"{name} is not known here"
        elif sale["rejected"]:
            if not books.seats_of(sale) & sold and not had(books, books.seats_of(sale), known.noticed_at):
                yield f"{name} was refused, and nobody else has its seats ({known.state_reason})"
        elif sale["cancelled"] or known.state == SaleState.NEEDS_PERSON:
            continue
        elif not promised(sale):
            yield f"{name} is neither confirmed nor refused; here it is {known.state} ({known.state_reason})"
        elif len(live := books.live.get(known.pk, set())) != sale["quantity"] or live != books.seats_of(sale):
            yield f"{name} has {len(live)} seats here, or others ({known.state}, {known.state_reason})"
    theirs = {str(sale["sale_id"]) for sale in books.sales}
    for key in books.known.keys() - theirs:
        yield f"sale {key} was made up"


def left_active(books: Books) -> Findings:
    """Listings that still show a seat which was sold."""
    sold = {seat for sale in filter(promised, books.sales) for seat in books.seats_of(sale)}
    for row in _last_showings(books):
        own = books.listings.get(row["external_id"])
        if own is None or row["state"] != "active":
            continue
        shown = {own.seats[number] for number in row["seats"] if number in own.seats}
        # Where the seller says which seats a sale took, a listing promises a number of them, not their numbers.
        free = sum(seat not in sold for seat in own.seats.values())
        if row["quantity"] > free if allocates(own.platform) else shown & sold:
            yield f"{row['platform']} listing {row['external_id']} still shows {row['quantity']} seats: {row['seats']}"


def never_shown(books: Books) -> Findings:
    """Listings that we took for published, and that their marketplaces never showed: their command was no success.

    Our own word that it was done proves nothing, and the next sweep would take such a listing for one that vanished.
    """
    shown = {(rows[0]["platform"], rows[0]["external_id"]) for rows in books.showings.values()}
    for key, own in books.listings.items():
        if own.published and (own.platform, key) not in shown:
            yield f"{own.platform} listing {key} was published by our own word alone"


def dropped(books: Books) -> Findings:
    """Listings of ours that are off sale there, unsold, although nobody asked for that: another one's change took them.

    A file that is the account may lose a row, and a take-down may name the wrong listing; the next sweep would take
    them for listings that vanished.
    """
    newest: dict[tuple[str, str], Row] = {}
    for row in _last_showings(books):
        key: tuple[str, str] = row["platform"], row["external_id"]
        newest[key] = max(newest.get(key, row), row, key=lambda one: one["id"])
    for (platform, name), row in newest.items():
        own = books.listings.get(name)
        if own is not None and row["state"] == "deleted" and not own.down_asked:
            yield f"{platform} listing {name} was taken down, and nobody asked for it"


def wrong_prices(books: Books) -> Findings:
    """Prices that were shown and that nobody decided, or that were over; and in the end any but the listing's own."""
    # A file that a buyer overtook shows his listing once more, at the price at which it stood: that was sent by nobody.
    stood = {after["id"]: before["price_cents"] for before, after in _remade(books) if overtaken_file(before, after)}
    for rows in books.showings.values():
        key = rows[0]["external_id"]
        decided = books.prices.get(key, [])
        for cents in {row["price_cents"] for row in rows} - {cents for _, cents in decided}:
            yield f"{rows[0]['platform']} listing {key} was shown at {cents / 100:.2f}, which nobody decided"
        for row, why in _stale(rows, decided, stood.get(rows[0]["id"])):
            shown = f"{row['price_cents'] / 100:.2f}"
            yield f"{row['platform']} listing {key} came to be shown at {shown}, which was over ({row['state']}): {why}"
    for row in _last_showings(books):
        own = books.listings.get(row["external_id"])
        if own is not None and row["state"] == "active" and row["price_cents"] != int(own.price * 100):
            shown = f"{row['price_cents'] / 100:.2f}"
            yield f"{row['platform']} listing {row['external_id']} ends at {shown}, not at {own.price}"


def _stale(rows: Sequence[Row], decided: Sequence[Decided], stood: int | None) -> Iterator[tuple[Row, str]]:
    """Showings at which a listing came to a price that another one had replaced, and why: it was sent too late (I-14).

    One that has been shown there since proves it at once. What had not reached the marketplace yet may be overtaken on
    its way: a command takes the price when it begins, and has so long to arrive. `stood`: the price (cents) at which it
    was shown before.
    """
    shown, before = -1, stood
    for row in rows:
        cents: int = row["price_cents"]
        if cents == before:
            continue
        before = cents
        until_then = [at for at, (since, each) in enumerate(decided) if each == cents and since <= row["at"]]
        if not until_then:
            # Decided later; or never, which is another finding.
            if any(each == cents for _, each in decided):
                yield row, "it was decided later"
            continue
        newest = until_then[-1]
        replaced = decided[newest + 1][0] if newest + 1 < len(decided) else inf
        if newest < shown:
            yield row, "a newer one had been shown"
        elif row["at"] - replaced > LONGEST_FLIGHT_S:
            yield row, f"replaced {row['at'] - replaced:.0f} s before"
        shown = max(shown, newest)


def duplicates(books: Books) -> Findings:
    """What was done twice: listings of one key, acts on one sale, rows of one sale, alerts of one sale."""
    for before, after in _remade(books):
        if not overtaken_file(before, after):
            yield f"{after['platform']} made another listing of the key {after['external_id']} ({before['state']})"
    for sale in books.sales:
        for what in ("confirm", "reject", "hand_over"):
            if len(did(sale, what)) > 1:
                yield f"{sale['platform']} sale {sale['sale_id']}: {what} {len(did(sale, what))} times"
        if did(sale, "confirm") and did(sale, "reject"):
            yield f"{sale['platform']} sale {sale['sale_id']} was confirmed and refused"
    rows = Sale.objects.values("account_id", "platform_sale_id").annotate(count=Count("pk")).filter(count__gt=1)
    for row in rows:
        yield f"sale {row['platform_sale_id']} has {row['count']} rows"
    told = Alert.objects.filter(kind="sale.sold").values("user_id", "object_id").annotate(count=Count("pk"))
    for alert in told.filter(count__gt=1):
        yield f"sale {alert['object_id']} was told {alert['count']} times to the same person"


def overtaken_file(before: Row, after: Row) -> bool:
    """Whether a buyer took a listing while a file that still offers it was on its way, where the file is the account.

    Such a file is taken at its word, and nobody can call it back: it is a purchase that a delist could not overtake
    (docs/adr/0019). What we took down ourselves must never come back so.
    """
    traits = traits_of(after["platform"])
    by_file = traits is not None and traits.whole_account
    return by_file and before["state"] == "sold" and after["at"] - before["at"] <= LONGEST_FLIGHT_S


def files_overtaken(books: Books) -> int:
    """How often that was so."""
    return sum(overtaken_file(before, after) for before, after in _remade(books))


def _remade(books: Books) -> Iterator[tuple[Row, Row]]:
    """Where a key came to have another listing: the end of the one before, and the beginning of the next."""
    by_key: dict[tuple[str, str], list[list[Row]]] = defaultdict(list)
    for rows in books.showings.values():
        by_key[rows[0]["platform"], rows[0]["external_id"]].append(rows)
    for made in by_key.values():
        made.sort(key=lambda rows: rows[0]["id"])
        for before, after in pairwise(made):
            # As it stood when the next one was made.
            yield [row for row in before if row["id"] < after[0]["id"]][-1], after[0]


def late_rejections(books: Books) -> Findings:
    """Conflicts that were not refused before their confirm-by time, or not at all."""
    for sale in books.sales:
        known = books.known.get(str(sale["sale_id"]))
        refused = did(sale, "reject")
        if refused and refused[0] > sale["confirm_by"]:
            yield f"{sale['platform']} sale {sale['sale_id']} was refused too late"
        elif not refused and not sale["cancelled"] and known is not None and known.state == SaleState.CONFLICT:
            yield f"{sale['platform']} sale {sale['sale_id']} is a conflict and was not refused"


def waiting_for_a_person() -> Findings:
    """Commands, sales and notices that ended with a person."""
    for command in MarketplaceCommand.objects.filter(state=CommandState.NEEDS_PERSON).select_related("account"):
        yield f"{command.account.platform} {command.kind}: {command.last_error}"
    for sale in Sale.objects.filter(state=SaleState.NEEDS_PERSON):
        yield f"{sale.platform} sale {sale.platform_sale_id}: {sale.state_reason}"
    for event in InboundEvent.objects.filter(state=InboxState.FAILED):
        yield f"notice {event.pk}: {event.last_error}"


def success_rate() -> float:
    """Commands that reached their goal without a person, of all that were not superseded."""
    counted = MarketplaceCommand.objects.exclude(state=CommandState.SUPERSEDED)
    # A sweep of a whole account may be under way whenever one looks.
    counted = counted.exclude(kind="sync_account", state__in=[CommandState.PENDING, CommandState.IN_FLIGHT])
    whole = counted.count()
    return round(counted.filter(state=CommandState.DONE).count() / whole, 6) if whole else 1.0


Check = Callable[[Books], Findings]
# What must be zero, by its name in the report.
ZEROS: dict[str, Check] = {
    "seats_oversold": seats_oversold,
    "sales_lost": sales_lost,
    "listings_left_active_for_sold_seats": left_active,
    "listings_never_shown": never_shown,
    "listings_dropped": dropped,
    "wrong_price_pushes": wrong_prices,
    "duplicate_side_effects": duplicates,
    "conflicts_rejected_late": late_rejections,
}


def _last_showings(books: Books) -> Iterator[Row]:
    return (rows[-1] for rows in books.showings.values())
