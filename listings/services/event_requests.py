"""Events that a marketplace was asked to add: what it tells of them afterwards, when its listings name an id.

It maps or adds them in its own time. Its word is checked as a person's is (docs/adr/0011-mapping.md).
"""

from collections.abc import Callable, Iterable
from datetime import date

from django.db import transaction
from django.db.models import Q

from listings.locks import listings_lock
from listings.models import Listing
from listings.services.delist import listing_take_down
from listings.services.drift_alerts import alert_other_event, alert_second_event, second_event_settle
from listings.services.events import event_problem
from listings.services.mapping_withdraw import mapping_offers, mapping_withdraw
from listings.services.notify import listing_changed
from listings.states import OFFERED
from marketplaces.contracts import Capability, RemoteEvent, RemoteListing
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import platform_can
from portfolios.models import EventMapping, Game
from portfolios.selectors import event_mapping_get, event_request_get, events_asked
from portfolios.services.mapping import event_mapping_confirm, event_request_take
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict
from seatsync.core.venue_time import local

# How `confirmed_by` of a mapping says that it came of a request.
ASKED_FOR = "asked for"


def requests_answered(
    account: MarketplaceAccount, shown: Iterable[RemoteListing], *, alive: Callable[[], None]
) -> None:  # fmt: skip
    """Take what a sweep was shown for word of the events that the account's platform is asked for."""
    if not platform_can(account.platform, Capability.REQUEST_EVENT):
        return
    named = {item.external_id: item for item in shown if item.external_id and item.event_id}
    # Also where another listing of the same request was answered before: it may lie under another event.
    there = {"platform": account.platform, "paper": account.paper}
    told = EventMapping.objects.filter(confirmed_at__isnull=False, confirmed_by=ASKED_FOR, **there)
    games = Q(game__in=events_asked().filter(**there).values("game")) | Q(game__in=told.values("game"))
    offers = Listing.objects.filter(games, account=account, status__in=OFFERED)
    for listing in offers.filter(external_id__in=named).select_related("account", "game__venue").order_by("pk"):
        alive()
        request_answered(listing, named[listing.external_id])


@transaction.atomic
def request_answered(listing: Listing, told: RemoteListing) -> bool:
    """What its marketplace tells of a listing that went out in words; returns whether the game is mapped by it.

    An event that cannot be the game confirms nothing: what is offered under it comes down, and its people are told.
    Where another listing of the same request told another event before, they are asked. Nothing happens where no id is
    told, or nothing was asked for.
    """
    if not told.event_id or not platform_can(listing.platform, Capability.REQUEST_EVENT):
        return False
    game, account = listing.game, listing.account
    mapping = event_request_get(game, account.platform, paper=account.paper)
    if mapping is None or not event_request_take(mapping):
        _beside_mapped(listing, told)
        return False
    problem, actor = _problem(mapping, told, game), Actor.marketplace(account.tenant_id, account.pk)
    if not problem:
        try:
            event_mapping_confirm(
                game=game, platform=account.platform, paper=account.paper, remote_event_id=told.event_id,
                by=ASKED_FOR, event_date=_day(told, game),
            )  # fmt: skip
        except Conflict:
            problem = "it is mapped to another game"
    if problem:
        _set_aside(actor, mapping, told, problem)
        return False
    audit_record(
        actor=actor, verb="event_mapping.confirm", object_type="event_mapping", object_id=mapping.pk,
        subject=account.user_id, after={"game": game.pk, "platform": account.platform, "event": told.event_id},
    )  # fmt: skip
    for one in mapping_offers(mapping, OFFERED):
        listing_changed(one)
    return True


def _beside_mapped(listing: Listing, told: RemoteListing) -> None:
    """A listing went out in words, and another one of the same request has told the event that the game is mapped to.

    Under the same event it is mapped. Under another one that cannot be the game it comes down; of one that may be, so
    that its marketplace has the game twice, or has put two events together, its people are asked.
    """
    mapping = event_mapping_get(listing.game, listing.platform, paper=listing.account.paper)
    if mapping is None or mapping.confirmed_at is None or mapping.confirmed_by != ASKED_FOR:
        return
    if listing.created_at >= mapping.confirmed_at:
        return  # it went out under the event itself
    (locked,) = listings_lock([listing.pk])
    if told.event_id == mapping.remote_event_id or locked.status not in OFFERED:
        second_event_settle(listing)
        return
    event = told.event
    problem = ""
    if event.starts_at is not None:
        there = RemoteEvent(told.event_id, event.name, event.venue, event.starts_at)
        problem = event_problem(there, listing.game)
    if not problem:
        alert_second_event(listing, told.event_id, mapping.remote_event_id)
    elif listing_take_down(locked, reason=f"it was put under event {told.event_id}: {problem}"):
        alert_other_event(locked, told.event_id, problem)


def _problem(mapping: EventMapping, told: RemoteListing, game: Game) -> str:
    """Why what is told cannot be the game; empty where it can, or where only an id is told."""
    if mapping.remote_event_id == told.event_id:
        return "that was undone before"
    event = told.event
    if event.starts_at is None:
        return ""
    return event_problem(RemoteEvent(told.event_id, event.name, event.venue, event.starts_at), game)


def _day(told: RemoteListing, game: Game) -> date | None:
    return local(told.event.starts_at, game.venue.timezone).date() if told.event.starts_at is not None else None


def _set_aside(actor: Actor, mapping: EventMapping, told: RemoteListing, problem: str) -> None:
    """It put our seats under an event that is not their game: nobody may buy them there, whoever offers them."""
    down = mapping_withdraw(
        actor=actor, mapping=mapping, statuses=OFFERED, reason=f"it was put under event {told.event_id}: {problem}",
        after={"event": told.event_id, "why": problem},
    )  # fmt: skip
    for listing in down or ():
        alert_other_event(listing, told.event_id, problem)
