"""The sweep over a whole account: what a marketplace shows is compared with what we believe, and drift is mended.

Push streams lose things (I-22). The sweep corrects both ways: what is up and should not be comes down, what is gone is
known to be gone, a wrong price or size is sent again; what we do not know is told to the holder and left alone.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial, reduce
from operator import or_

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from listings.locks import listings_lock
from listings.models import (
    CommandKind,
    CommandState,
    FoundKind,
    FoundListing,
    FoundState,
    Listing,
    ListingStatus,
    Unlike,
)  # fmt: skip
from listings.services.adopt import delivery_take, listing_price_take, listing_rest_adopt
from listings.services.commands import command_write, commands_supersede
from listings.services.delist import listing_take_down
from listings.services.deliverable import deliverable_note
from listings.services.doubled import is_doubled
from listings.services.drift_alerts import alert_adopted, alert_elsewhere, alert_vanished
from listings.services.event_news import events_ask
from listings.services.event_requests import requests_answered
from listings.services.list_until import expiry_note
from listings.services.net_floor import net_floor_note
from listings.services.notify import listing_changed
from listings.services.place_there import PlacesThere
from listings.services.refs import listing_ref
from listings.services.restate import listing_restate
from listings.services.settling import SETTLE
from listings.services.stock import stock_ask, stock_begin, stock_take
from listings.services.sweep_order import sweep_order
from listings.services.sync import account_sync_sales
from listings.services.unlike import may_be_sold, unlike_alert, unlike_note
from listings.services.views_told import views_note
from listings.states import HAS_MORE, OVER, UP, listing_may_move
from marketplaces.contracts import Capability, Link, MarketplaceAdapter, RemoteListing, RemoteListingState
from marketplaces.errors import ConnectedTwice, PermanentError, StockUnknown
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import platform_can
from marketplaces.services.links import link_anew
from seatsync.core.clock import now
from seatsync.core.http import calls_within
from seatsync.core.jobs import due_slot

log = structlog.get_logger(__name__)
EVERY_S = 600
# Steps of a sweep that are more than a reading.
_SALES, _SIGN_OF_LIFE = "sales", "sign of life"
_WAITING = (CommandState.PENDING, CommandState.IN_FLIGHT)


@dataclass(slots=True)
class Drift:
    """What one sweep found, by listing id of the marketplace; how many it showed; whose listings are as we want them.

    `confirmed` are our own ids.
    """

    # Where its listings are to be, and whether every sale up to now was read.
    places: PlacesThere
    sales_known: bool
    still_up: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    # Shown under another event, or in another section or row, than its seats are of: it comes down.
    elsewhere: list[str] = field(default_factory=list)
    wrong_price: list[str] = field(default_factory=list)
    wrong_size: list[str] = field(default_factory=list)
    # Shown with fewer seats than ours: a sale may not be told yet, so nothing is sent again before the next sweep.
    fewer: list[str] = field(default_factory=list)
    # There, and shown to no buyer.
    hidden: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    # Made there by hand, and kept in step from now on.
    adopted: list[str] = field(default_factory=list)
    shown: int = 0
    confirmed: list[uuid.UUID] = field(default_factory=list)
    # How often buyers looked at those of which it is told.
    views: dict[uuid.UUID, int] = field(default_factory=dict)
    # Hears of what is found, by kind and id there, in the transaction in which it is mended.
    keep: Callable[[str, str], None] = lambda _kind, _listing_id: None

    def note(self, kind: str, listing_id: str) -> None:
        """This was found."""
        getattr(self, kind).append(listing_id)
        self.keep(kind, listing_id)

    @property
    def any(self) -> bool:
        """Whether anything was not as we believed."""
        return any(self.found.values())

    @property
    def found(self) -> dict[str, list[str]]:
        """What was found, by kind."""
        return {
            "still_up": self.still_up, "vanished": self.vanished, "elsewhere": self.elsewhere,
            "wrong_price": self.wrong_price, "wrong_size": self.wrong_size, "fewer": self.fewer,
            "hidden": self.hidden, "foreign": self.foreign, "adopted": self.adopted,
        }  # fmt: skip


def accounts_reconcile_due() -> int:
    """Write one sync command for every account that can be swept; returns how many were written."""
    # What cannot be read before its holder has said something is not asked for again and again.
    known = MarketplaceAccount.objects.filter(is_active=True, needs_reconnect=False, stock_unknown=False)
    accounts = known.exclude(mode=Mode.ASSISTED)
    slot = due_slot(EVERY_S)
    return sum(sweep_order(account, str(int(slot.timestamp()))) for account in accounts)


def account_reconcile_soon(account: MarketplaceAccount, *, listing_id: str, key: str) -> bool:
    """Its marketplace speaks of a listing that is none of ours: order a sweep at once; returns whether one was.

    Not for a listing that was found already: what its holder was asked, or has said, of it stays so.
    """
    named = [Q(remote_id=listing_id)] * bool(listing_id) + [Q(remote_key=key)] * bool(key)
    if not named or account.mode == Mode.ASSISTED or account.stock_taken_at is None:
        return False
    found = FoundListing.objects.filter(reduce(or_, named), account=account, kind=FoundKind.LISTING)
    known = found.exclude(state=FoundState.GONE).exists()
    return not known and sweep_order(account, f"heard:{now():%Y%m%d%H%M%S%f}")


def account_reconcile(
    *, adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, alive: Callable[[], None] = lambda: None,
    keep: Callable[[str, str], None] = lambda _kind, _listing_id: None,
) -> Drift:  # fmt: skip
    """Read every listing and the newest sales of an account and mend what drifted. Raises MarketplaceError.

    No transaction may be open: each listing is judged in its own, after the reading. A listing that changed here
    after the reading began, or that has a command on its way, is left to the next sweep. Raises ConnectedTwice, before
    anything is judged, where another connection of the same seller has what it shows. `alive` hears of every step,
    `keep` of what is found (Drift.keep). A listing that cannot be read is told, and keeps no other from being mended.
    MustWait where the account's limit is used up: called again soon, with the same answers, it goes on from there.
    """
    began = now()
    stock_begin(account)
    remote = _shown_now(adapter, link, account, alive)
    # Where it was broken off and goes on, what it was told first is as old as that.
    began = min(began, link.answers.began)
    alive()
    if account.stock_taken_at is not None and not link.answers.passed(_SALES):
        # After its listings, so that none counts as gone that was sold; once, however often it is broken off later.
        account_sync_sales(account=account)
        link.answers.note_passed(_SALES)
        alive()
    if Capability.KEEP_ALIVE in adapter.traits.capabilities and not link.answers.passed(_SIGN_OF_LIFE):
        with calls_within(settings.HTTP_TOTAL_TIMEOUT_S):
            # What sold since must not come back with it.
            adapter.keep_alive(link_anew(link, account))
        link.answers.note_passed(_SIGN_OF_LIFE)
        alive()
    drift = Drift(shown=len(remote), keep=keep, places=PlacesThere(account), sales_known=_sales_known(adapter, account))
    for listing, shown in _ours(account, remote):
        alive()
        alone = shown is None and listing.status in UP
        found = _asked_alone(adapter, link, listing) if alone else shown
        _mend(account, listing, found, began - SETTLE, drift, whole=not link.unread.told)
    drift.foreign = stock_take(
        adapter=adapter, link=link, account=account, shown=remote, alive=alive, adopted=partial(drift.note, "adopted")
    )
    requests_answered(account, remote, alive=alive)
    views_note(drift.views)
    # After what is ours was judged: it asks more often than anything else here, and may find its limit spent.
    events_ask(adapter=adapter, link=link, account=account, alive=alive)
    if drift.any:
        log.warning(
            "account.drift", account_id=str(account.pk), platform=account.platform, **drift.found
        )  # fmt: skip
    return drift


def _ours(
    account: MarketplaceAccount, remote: Iterable[RemoteListing]
) -> Iterator[tuple[Listing, RemoteListing | None]]:  # fmt: skip
    """The account's listings that are shown, or believed to be up, each as it is shown."""
    by_key = {item.external_id: item for item in remote if item.external_id}
    by_id = {item.listing_id: item for item in remote if item.listing_id}
    own = Listing.objects.filter(account=account)
    by_hand = own.filter(made_there=True, remote_key__in=by_key)
    shown = own.filter(external_id__in=by_key) | own.filter(listing_id__in=by_id) | by_hand
    believed = own.filter(status__in=UP).exclude(listing_id="")
    for listing in (shown | believed).distinct():
        yield listing, by_key.get(listing.key_there) or by_id.get(listing.listing_id)


def _mend(
    account: MarketplaceAccount, listing: Listing, found: RemoteListing | None, settled: datetime, drift: Drift, *,
    whole: bool,
) -> None:  # fmt: skip
    """`whole`: everything that is there could be read, so that what is not shown is gone."""
    if found is not None and _has_more(account, listing, found):
        return
    if found is not None or whole:
        _judge(listing, found, settled, drift)


def _asked_alone(adapter: MarketplaceAdapter, link: Link, listing: Listing) -> RemoteListing | None:
    """A listing that the list did not show, asked for by itself where that can be: lists move while they are read.

    Where something could not be read that may be it, and nothing counts as gone.
    """
    if Capability.FETCH not in adapter.traits.capabilities or link.unread.told:
        return None
    try:
        found = adapter.fetch(link, listing_ref(listing))
    except PermanentError as error:
        link.unread.note(f"{listing.listing_id}: {error}")
        return None
    return None if found is None or found.state is RemoteListingState.GONE else found


def _shown_now(
    adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, alive: Callable[[], None]
) -> list[RemoteListing]:
    """What the account shows. Raises StockUnknown, its holder being asked then, or ConnectedTwice."""
    shown = []
    try:
        for item in adapter.list_all(link):
            alive()
            if item.state is not RemoteListingState.GONE:
                shown.append(item)
    except StockUnknown as error:
        stock_ask(account, str(error))
        raise
    if is_doubled(account, shown):
        raise ConnectedTwice("another connection of the same account has its listings")
    return shown


def _sales_known(adapter: MarketplaceAdapter, account: MarketplaceAccount) -> bool:
    """Whether its sales were all read and applied, as of the last poll: then what is missing was not told as sold."""
    if Capability.SALES_SINCE not in adapter.traits.capabilities:
        return False
    return MarketplaceAccount.objects.filter(pk=account.pk, stock_taken_at__isnull=False, last_error="").exists()


def _has_more(account: MarketplaceAccount, listing: Listing, found: RemoteListing) -> bool:
    """Whether it was met by a sale, and shows seats of which nobody knew: they are on offer from now on.

    At once, however late its marketplace tells of that sale in its list: what was sold is none of them.
    """
    if not listing.made_there or listing.status not in HAS_MORE:
        return False
    if not listing_rest_adopt(account=account, known=listing, item=found):
        return False
    listing.refresh_from_db()
    alert_adopted(listing)
    return True


@transaction.atomic
def _judge(known: Listing, found: RemoteListing | None, settled: datetime, drift: Drift) -> None:
    (listing,) = listings_lock([known.pk])
    if listing.updated_at > settled or listing.commands.filter(state__in=_WAITING).exists():
        return
    # What waits for a person is his to decide while we want the listing up; what must come down waits for nobody.
    if listing.status in UP and listing.commands.filter(state=CommandState.NEEDS_PERSON).exists():
        if found is not None:
            _seats_as_we_want_them(listing, found, drift)
        return
    if found is None:
        if listing.status in UP:
            _vanished(listing, drift)
        return
    if listing.status in OVER or listing.status == ListingStatus.DELISTING:
        _still_up(listing, drift)
    elif listing.status == ListingStatus.ERROR:
        _arrived_after_all(listing, found, drift)
    elif listing.status in UP:
        _as_we_want_it(listing, found, drift)


def _vanished(listing: Listing, drift: Drift) -> None:
    """Nothing there, and no sale told of it: it was taken down by hand or by the marketplace."""
    drift.note("vanished", listing.listing_id)
    listing_restate(listing, ListingStatus.CANCELLED, "the marketplace no longer shows it")
    alert_vanished(listing)


def _still_up(listing: Listing, drift: Drift) -> None:
    drift.note("still_up", listing.listing_id)
    if listing_may_move(listing.status, ListingStatus.DELISTING):
        listing_restate(listing, ListingStatus.DELISTING, "the marketplace still showed it")
    command_write(listing=listing, kind=CommandKind.DELIST, key=_key("delist", listing))


def _arrived_after_all(listing: Listing, found: RemoteListing, drift: Drift) -> None:
    """We gave its create up and there it is: it is what the holder asked for, so it is his listing now."""
    listing.listing_id = found.listing_id
    listing.live_price = found.price
    listing.status = ListingStatus.ACTIVE
    listing.status_reason = ""
    listing.published_at = listing.published_at or now()
    listing.version += 1
    listing.save()
    commands_supersede(listing, frozenset({CommandKind.CREATE}))
    listing_changed(listing)
    _as_we_want_it(listing, found, drift)


def _as_we_want_it(listing: Listing, found: RemoteListing, drift: Drift) -> None:
    if where := drift.places.elsewhere(listing, found):
        _elsewhere(listing, where, drift)
        return
    deliverable_note(listing, found)
    if found.views is not None:
        drift.views[listing.pk] = found.views
    expiry_note(listing, found.expires_at)
    was = listing.delivery
    delivery_take(listing, found)
    if listing.delivery != was:
        listing.save(update_fields=["delivery", "updated_at"])
        listing_changed(listing)
    lasting = _unlike(listing, found)
    same_price = _price(listing, found, drift)
    same_size = _size(listing, found, drift, lasting)
    hidden = found.state is RemoteListingState.HIDDEN
    if hidden:
        drift.note("hidden", listing.listing_id)
    elif same_price and same_size:
        drift.confirmed.append(listing.pk)


def _seats_as_we_want_them(listing: Listing, found: RemoteListing, drift: Drift) -> None:
    """Whatever waits for a person (a refused price): seats that may be sold elsewhere are put right at once."""
    if where := drift.places.elsewhere(listing, found):
        _elsewhere(listing, where, drift)
    else:
        _size(listing, found, drift, frozenset())


def _unlike(listing: Listing, found: RemoteListing) -> frozenset[Unlike]:
    """Keep what of it may mend itself, or only a person mends; what an earlier sweep saw too is told and returned."""
    there = {
        Unlike.FEWER: found.quantity < listing.quantity,
        # Where that is for want of its tickets it is told by itself.
        Unlike.HIDDEN: found.state is RemoteListingState.HIDDEN and not found.undeliverable,
        Unlike.CURRENCY: found.currency != listing.currency,
    }
    lasting = unlike_note(listing, [kind for kind, so in there.items() if so])
    for kind in lasting - {Unlike.FEWER}:
        unlike_alert(listing, kind)
    return lasting


def _price(listing: Listing, found: RemoteListing, drift: Drift) -> bool:
    """Whether it has our price, in our currency; another one is sent again."""
    ours = found.currency == listing.currency
    if ours and listing.made_there and listing.live_price is None:
        listing_price_take(listing, found)
        listing_changed(listing)
    if not ours or found.price != listing.price:
        drift.note("wrong_price", listing.listing_id)
        payload = {"version": listing.version}
        command_write(listing=listing, kind=CommandKind.REPRICE, key=_key("reprice", listing), payload=payload)
        return False
    if found.proceeds not in {None, listing.proceeds}:
        # What it takes of this price has changed, or is told here first.
        listing.proceeds, listing.net_told_price, listing.net_told_at = found.proceeds, None, None
        listing.save(update_fields=["proceeds", "net_told_price", "net_told_at", "updated_at"])
        net_floor_note(listing, found.proceeds)
        listing_changed(listing)
    return True


def _size(listing: Listing, found: RemoteListing, drift: Drift, lasting: frozenset[Unlike]) -> bool:
    """Whether it has as many seats as ours, and no others; what may be sold elsewhere is put right at once."""
    fewer = found.quantity < listing.quantity
    wrong = found.quantity > listing.quantity or _other_seats(listing, found)
    if fewer:
        drift.note("fewer", listing.listing_id)
    if wrong:
        drift.note("wrong_size", listing.listing_id)
        if platform_can(listing.platform, Capability.RESIZE):
            command_write(listing=listing, kind=CommandKind.RESIZE, key=_key("resize", listing))
        else:
            what = "more seats than are left" if found.quantity > listing.quantity else "other seats"
            listing_take_down(listing, reason=f"its marketplace shows {what}")
    elif Unlike.FEWER in lasting:
        _still_fewer(listing, drift)
    return not (fewer or wrong)


def _elsewhere(listing: Listing, where: str, drift: Drift) -> None:
    """It sells something else there than its seats: nobody may buy it so, whoever moved it (I-09)."""
    drift.note("elsewhere", listing.listing_id)
    if listing_take_down(listing, reason=f"its marketplace has it {where}"):
        alert_elsewhere(listing, where)


def _still_fewer(listing: Listing, drift: Drift) -> None:
    """Two sweeps saw fewer seats than ours: sent again where no buyer can have them, else told.

    A hand that makes a listing of its own smaller means it, and which seats are left only its holder knows.
    """
    unsold = drift.sales_known and not may_be_sold(listing)
    if unsold and not listing.made_there and platform_can(listing.platform, Capability.RESIZE):
        command_write(listing=listing, kind=CommandKind.RESIZE, key=_key("resize", listing))
    else:
        unlike_alert(listing, Unlike.FEWER)


def _other_seats(listing: Listing, found: RemoteListing) -> bool:
    """Whether it shows seats that are not the listing's, as far as it names numbers: they may be on sale elsewhere.

    Of fewer a sale may not be told yet, and a hand's listing may have seats that we were never told of.
    """
    if listing.made_there:
        return False
    ends = found.seat_from, found.seat_to or found.seat_from
    if not all(end.isdecimal() for end in ends):
        return False
    first, last = map(int, ends)
    # Where numbers are left out, as in rows of odd seats, the ends alone are certain.
    told = set(range(first, last + 1)) if last - first + 1 == found.quantity else {first, last}
    return not told <= set(listing.listing_seats.values_list("seat__seat_number", flat=True))


def _key(kind: str, listing: Listing) -> str:
    return f"{kind}:{listing.external_id}:sweep:{now():%Y%m%d%H%M%S}"
