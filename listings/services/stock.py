"""Taking stock of an account: what it held before it was connected, and what is made there by hand since.

Every listing and every past sale that was not made here is written down (FoundListing). Those whose seats are ours for
certain are adopted at once; the others wait for their holder's word (services/found.py), and nothing is done to them.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import structlog
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from listings.locks import found_lock
from listings.models import (
    CommandKind,
    FoundKind,
    FoundListing,
    FoundState,
    Listing,
    MarketplaceCommand,
    Sale,
)  # fmt: skip
from listings.selectors import UNFINISHED
from listings.services.adopt import adoption_problem, delivery_known, kept_problem
from listings.services.come_over import listing_take_in, listings_come_over, sale_come_over
from listings.services.commands import command_write
from listings.services.doubled import sale_of_another
from listings.services.drift_alerts import (
    alert_adopted,
    alert_found,
    alert_left_up,
    alert_stock,
    alert_stock_unknown,
    alerts_found_over,
    left_up_over,
)
from listings.services.events import events_learn
from listings.services.practice import past_practice
from listings.services.recognise import Recognised, Told, recognise, told_of_listing, told_of_sale
from listings.services.refs import listing_called
from listings.services.sale_saga import sale_apply
from listings.services.sync import sale_pages
from listings.services.wake import account_commands_wake
from marketplaces.contracts import Capability, EventWords, Link, MarketplaceAdapter, RemoteListing, RemoteSale
from marketplaces.contracts import RemoteSaleState as Remote
from marketplaces.errors import told as told_of
from marketplaces.locks import accounts_keep
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.alerts import account_changed, alert_reading, alert_reading_recovered
from portfolios.locks import seats_lock_whole
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.money import round_money

log = structlog.get_logger(__name__)
# Sales of a season and of the one before: older ones are nobody's question any more.
SALES_BACK = timedelta(days=400)
# The step of a first reading after which its listings are written down.
_LISTED = "listed"


@dataclass(slots=True)
class Stock:
    """How many of what was found were adopted, and how many wait for their holder."""

    adopted: int = 0
    waiting: int = 0


def undecided_left_up(account_id: uuid.UUID) -> None:
    """An account is given up: what its holder has not said whose it is was not taken down, and he is told."""
    account = MarketplaceAccount.objects.get(pk=account_id)
    waiting = account.found.filter(kind=FoundKind.LISTING, state=FoundState.WAITING)
    if found := list(waiting.order_by("first_seen_at", "pk")):
        alert_left_up(account, found)


def stock_order(account_id: uuid.UUID) -> None:
    """Order the sweep that takes the account's stock, if that was not taken yet."""
    account = MarketplaceAccount.objects.get(pk=account_id)
    left_up_over(account)
    if account.stock_taken_at is None and account.mode != Mode.ASSISTED:
        command_write(
            account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{account.pk}:stock:{now():%Y%m%d%H%M%S%f}"
        )


def stock_begin(account: MarketplaceAccount) -> None:
    """Its stock is being taken from now on, if it was not taken or begun before."""
    fresh = MarketplaceAccount.objects.filter(pk=account.pk, stock_taken_at=None, stock_begun_at=None)
    fresh.update(stock_begun_at=now(), updated_at=now())


def stock_take(
    *, adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, shown: Sequence[RemoteListing],
    alive: Callable[[], None], adopted: Callable[[str], None],
) -> list[str]:  # fmt: skip
    """Write down and, where certain, adopt what was not made here; the first time past sales too.

    `shown` are all listings that the account shows now; returns the ids there of those that were not made here and are
    none of ours. `adopted` hears of each that becomes ours with this, in the transaction in which it does. None may be
    open: each is judged in its own. Raises MarketplaceError.
    """
    # The same moment where it was broken off and goes on, so that the same is asked.
    began, first = min(now(), link.answers.began), account.stock_taken_at is None
    foreign = _foreign(account, shown)
    failed = [f"listing {what}" for what in link.unread.told]
    ours = set[str]()
    # What was told a while ago is not judged once more by that where it goes on.
    if not (first and link.answers.passed(_LISTED)):
        listings_come_over(account, shown)
        foreign = _foreign(account, shown)
        asked = [told_of_listing(item) for item in _not_set_aside(account, foreign)]
        events_learn(adapter=adapter, link=link, account=account, told=asked, alive=alive)
        failed_to_read = bool(failed)
        for item in foreign:
            alive()
            note = partial(_listing_note, account, item, tell=not first, adopted=adopted)
            found = _contained(account, f"listing {item.listing_id}", note, failed)
            if found is not None and found.state == FoundState.ADOPTED:
                ours.add(item.listing_id)
        if not failed_to_read:
            _note_gone(account, shown)
        if first:
            _listed(account)
        if not failed:
            link.answers.note_passed(_LISTED)
    if first and Capability.SALES_SINCE in adapter.traits.capabilities:
        _past_sales_take(adapter, link, account, began - SALES_BACK, alive, failed)
    if failed:
        alert_reading(account, "listings", "; ".join(failed))
    else:
        alert_reading_recovered(account, "listings")
    if first:
        stock_taken(account, _counted(account), began=began - link.clock.behind)
    return [item.listing_id for item in foreign if item.listing_id not in ours]


def _listed(account: MarketplaceAccount) -> None:
    """Its listings are written down: what sells from now on is asked for, while past sales are still read."""
    known = MarketplaceAccount.objects.filter(pk=account.pk, stock_listed_at=None)
    if known.update(stock_listed_at=now(), updated_at=now()):
        account_changed(account)


def _past_sales_take(
    adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, since: datetime, alive: Callable[[], None],
    failed: list[str],
) -> None:  # fmt: skip
    """Write down each past sale as soon as it is read; one that was, is not looked at again where this goes on.

    What cannot be read or kept is added to `failed`.
    """
    before, read = len(link.unread.told), 0
    for page in sale_pages(adapter.sales_since(link, since)):
        alive()
        fresh = [sale for sale in page if not link.answers.passed(_step(sale))]
        events_learn(adapter=adapter, link=link, account=account, told=map(told_of_sale, fresh), alive=alive)
        for sale in fresh:
            alive()
            wrong = len(failed)
            _contained(account, f"sale {sale.sale_id}", partial(past_sale_note, account=account, sale=sale), failed)
            if len(failed) == wrong:
                link.answers.note_passed(_step(sale))
        read += len(page)
        progress = MarketplaceAccount.objects.filter(pk=account.pk, stock_sales_read__lt=read)
        if progress.update(stock_sales_read=read, updated_at=now()):
            account_changed(account)
    failed += [f"sale {what}" for what in link.unread.told[before:]]


def _step(sale: RemoteSale) -> str:
    return f"sale {sale.sale_id}"


def _counted(account: MarketplaceAccount) -> Stock:
    """What came of all that was found since this was begun, however often it was broken off."""
    begun = MarketplaceAccount.objects.values_list("stock_begun_at", flat=True).get(pk=account.pk)
    seen = FoundListing.objects.filter(account=account, last_seen_at__gte=begun or account.created_at)
    states = Counter(seen.values_list("state", flat=True))
    return Stock(adopted=states[FoundState.ADOPTED], waiting=states[FoundState.WAITING])


@transaction.atomic
def _listing_note(
    account: MarketplaceAccount, item: RemoteListing, *, tell: bool, adopted: Callable[[str], None]
) -> FoundListing:
    found = found_listing_note(account=account, item=item, tell=tell)
    if found.state == FoundState.ADOPTED:
        adopted(item.listing_id)
    return found


def _contained(
    account: MarketplaceAccount, what: str, note: Callable[[], FoundListing | None], failed: list[str]
) -> FoundListing | None:
    """What `note` returns. What it raises is kept in `failed`: one odd item keeps no other from being known."""
    try:
        return past_practice(note)
    except Exception as error:
        log.exception("stock.item_failed", account_id=str(account.pk), what=what)
        failed.append(f"{what}: {told_of(error)}")
        return None


def stock_taken(account: MarketplaceAccount, stock: Stock, *, began: datetime) -> None:
    """What the account holds is known from now on, its sales as of `began`: what waited for that may go up."""
    MarketplaceAccount.objects.filter(pk=account.pk).update(
        stock_taken_at=now(),
        stock_unknown=False,
        # What was asked for meanwhile is known for longer.
        sales_synced_until=Greatest("sales_synced_until", Value(began)),
        last_sync_at=now(),
        polled_at=now(),
        updated_at=now(),
    )
    if stock.adopted or stock.waiting:
        alert_stock(account, adopted=stock.adopted, waiting=stock.waiting)
    account_commands_wake(account.pk)
    account_changed(account)


def stock_ask(account: MarketplaceAccount, why: str) -> None:
    """What the account holds cannot be read there: its holder is asked, and nothing goes up meanwhile."""
    if account.stock_taken_at is None and not account.stock_unknown:
        MarketplaceAccount.objects.filter(pk=account.pk).update(stock_unknown=True, updated_at=now())
        alert_stock_unknown(account, why)
        account_changed(account)


def _foreign(account: MarketplaceAccount, shown: Iterable[RemoteListing]) -> list[RemoteListing]:
    own = Listing.objects.filter(account=account)
    ids = set(own.exclude(listing_id="").values_list("listing_id", flat=True))
    keys = {*own.values_list("external_id", flat=True), *own.values_list("remote_key", flat=True)} - {""}
    return [item for item in shown if item.listing_id not in ids and item.external_id not in keys]


def _not_set_aside(account: MarketplaceAccount, foreign: Iterable[RemoteListing]) -> list[RemoteListing]:
    """Those of which their holder has not said that they are none of his."""
    others = FoundListing.objects.filter(account=account, kind=FoundKind.LISTING, state=FoundState.NOT_OURS)
    aside = set(others.values_list("remote_id", flat=True))
    return [item for item in foreign if item.listing_id not in aside]


@transaction.atomic
def found_listing_note(*, account: MarketplaceAccount, item: RemoteListing, tell: bool) -> FoundListing:
    """Write a listing down that was not made here, and adopt it where its seats are certain.

    `tell`: in an alert of its own. What its holder has decided on stays so.
    """
    told = told_of_listing(item)
    kind = item.delivery.value if item.delivery is not None else ""
    found, new = _noted(
        account, FoundKind.LISTING, item.listing_id, item.external_id, told, item.price, item.currency, kind
    )
    back = found.state in {FoundState.GONE, FoundState.COMING_DOWN}
    if found.state in {FoundState.NOT_OURS, FoundState.ADOPTED} or _is_coming_down(found):
        return found
    match = recognise(account, told)
    accounts_keep([account.pk])
    if not MarketplaceAccount.objects.filter(pk=account.pk, mode=account.mode, is_active=True).exists():
        # Given up while it was read: nobody would keep it in step, or take it down.
        _wait(found, match, "its account was disconnected", tell=False)
        return found
    seats = seats_lock_whole(match.seats) if match.seats and not match.why else []
    why = match.why or adoption_problem(seats, item.price, item.currency) or kept_problem(account, seats)
    delivery = "" if why else delivery_known(account, kind, seats)
    why = why or ("" if delivery else "it does not tell how its tickets reach their buyer")
    if why:
        _wait(found, match, why, tell=tell and (new or back))
        return found
    found.listing = listing_take_in(
        actor=Actor.marketplace(account.tenant_id, account.pk), account=account, seats=seats,
        listing_id=item.listing_id, remote_key=item.external_id, price=item.price, currency=item.currency,
        proceeds=item.proceeds, all_in=item.all_in, expires_at=item.expires_at, delivery=delivery,
    )  # fmt: skip
    found.state, found.game, found.why = FoundState.ADOPTED, match.game, ""
    found.save()
    if tell:
        alert_adopted(found.listing)
    return found


def _is_coming_down(found: FoundListing) -> bool:
    """Whether its take-down is still under way; one that is through, and yet on show, is asked about anew."""
    return (
        found.state == FoundState.COMING_DOWN
        and MarketplaceCommand.objects.filter(
            account_id=found.account_id, listing=None, kind=CommandKind.DELIST, state__in=UNFINISHED,
            payload__found=str(found.pk),
        ).exists()
    )  # fmt: skip


def past_sale_note(*, account: MarketplaceAccount, sale: RemoteSale) -> FoundListing | None:
    """A sale from before the account was connected: into the ledger where its seats are certain, else written down.

    None where nothing is to be written down: it is known already, it counts now, it is another connection's, or it came
    to nothing.
    """
    if sale_come_over(account=account, remote=sale) is not None:
        # It may have gone on while nobody heard of it, and no poll looks that far back.
        sale_apply(account=account, remote=sale)
        return None
    return _past_sale_note(account, sale)


@transaction.atomic
def _past_sale_note(account: MarketplaceAccount, sale: RemoteSale) -> FoundListing | None:
    if Sale.objects.filter(account=account, platform_sale_id=sale.sale_id).exists() or sale.state is Remote.CANCELLED:
        return None
    if sale_of_another(account, sale):
        return None
    each = round_money(sale.gross / sale.quantity) if sale.quantity else Decimal(0)
    match = recognise(account, told_of_sale(sale))
    why = match.why or adoption_problem(match.seats, each, sale.currency) or kept_problem(account, match.seats)
    if not why or listing_called(account, key=sale.external_id, listing_id=sale.listing_id) is not None:
        sale_apply(account=account, remote=sale)
        return None
    found, _ = _noted(account, FoundKind.SALE, sale.sale_id, sale.external_id, told_of_sale(sale), each, sale.currency)
    if found.state == FoundState.WAITING:
        _wait(found, match, why, tell=False)
    return found


def _wait(found: FoundListing, match: Recognised, why: str, *, tell: bool) -> None:
    found.state, found.game, found.why = FoundState.WAITING, match.game, why[:200]
    found.save()
    if tell:
        alert_found(found)


def _noted(
    account: MarketplaceAccount, kind: FoundKind, remote_id: str, remote_key: str, told: Told, price: Decimal,
    currency: str, delivery: str = "",
) -> tuple[FoundListing, bool]:  # fmt: skip
    words: EventWords = told.event
    ends = told.ends
    facts = {
        "remote_key": remote_key[:80], "event_id": told.event_id[:80], "event_name": words.name[:200],
        "venue": words.venue[:120], "local_date": words.local_date[:10], "starts_at": words.starts_at,
        "section": told.section[:80], "row": told.row[:40], "seat_from": ends[0][:20], "seat_to": ends[1][:20],
        "quantity": told.quantity, "price": price,
        "currency": currency, "delivery": delivery, "last_seen_at": now(),
    }  # fmt: skip
    first = {"tenant_id": account.tenant_id, "first_seen_at": now()}
    row, new = FoundListing.objects.get_or_create(
        account=account, kind=kind, remote_id=remote_id[:80], defaults=facts | first
    )
    found = found_lock(row.pk)
    if not new:
        for name, value in facts.items():
            setattr(found, name, value)
        found.save()
    return found, new


def _note_gone(account: MarketplaceAccount, shown: Sequence[RemoteListing]) -> None:
    """What waited, or was to come down, and is not there any more is nobody's question."""
    up = [item.listing_id for item in shown]
    still = FoundListing.objects.filter(
        account=account, kind=FoundKind.LISTING, state__in=[FoundState.WAITING, FoundState.COMING_DOWN]
    )
    gone = list(still.exclude(remote_id__in=up))
    still.filter(pk__in=[found.pk for found in gone]).update(state=FoundState.GONE, updated_at=now())
    alerts_found_over(account, gone)
