"""Carrying one claimed command to its marketplace. No transaction is open here; what comes back is recorded after."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, time
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings

from listings.disclosures import in_words
from listings.models import CommandKind, Listing, ListingSeat, MarketplaceCommand, Sale
from listings.services.commands import CONFIRMED
from listings.services.doubled import confirmed_by_another
from listings.services.errands import errand_of
from listings.services.event_bounds import event_bounds_hold, price_refusals_told
from listings.services.events import event_learn, event_name
from listings.services.fulfil import proof_of, secrets_of, ways_of
from listings.services.leases import lease_renew
from listings.services.net_floor import NetTold, net_floor_asked, net_floor_keep
from listings.services.reconcile import account_reconcile
from listings.services.record import UNSETTLED, Answer, Outcome
from listings.services.refs import listing_ref
from listings.services.seat_tickets import barcodes_of, barcodes_whole, tickets_send
from listings.services.sendable import braked, braked_among, create_held_back, reprice_held_back
from listings.services.sweeps import sweep_found, sweep_keep
from listings.services.webhook_back import unsubscribe_wanted
from listings.states import OFFERED, SALE_LIVE, WANTED
from marketplaces.contracts import (
    Capability,
    Draft,
    Link,
    ListingRef,
    MarketplaceAdapter,
    RemoteListing,
    RemoteSale,
    RemoteSaleState,
)
from marketplaces.delivery import STEPS, DeliveryType, HandOver, SeatTicket
from marketplaces.errors import (
    AlreadyGone,
    AlreadySold,
    ConnectedTwice,
    GrantExpired,
    MappingNeeded,
    MarketplaceError,
    MustWait,
    NetBelowFloor,
    PermanentError,
    StockUnknown,
    TemporaryError,
    UnknownOutcome,
    secrets_left_out,
    told,
)  # fmt: skip
from marketplaces.registry import adapter_get, platform_can, supplied_as
from marketplaces.services.connect import webhook_register_late
from marketplaces.services.links import link_for
from marketplaces.services.reading import reading_of
from marketplaces.services.sellers import account_doubled
from portfolios.models import Game
from portfolios.selectors import event_mapping_get, section_known, section_mapping_get, section_mapping_undone
from portfolios.services.mapping import section_mapping_confirm
from seatsync.core.clock import now
from seatsync.core.errors import Busy, Conflict
from seatsync.core.http import calls_within
from seatsync.core.venue_time import local

log = structlog.get_logger(__name__)
Runner = Callable[[MarketplaceAdapter, Link, MarketplaceCommand], Answer]


def execute(command: MarketplaceCommand) -> Answer:
    """Do it, once; every error class becomes an answer, so that retry policy is written in one place (record.py)."""
    account = command.account
    try:
        adapter = adapter_get(account.platform)
        with _time_for(command):
            link = link_of([command])
            try:
                return _RUNNERS[CommandKind(command.kind)](adapter, link, command)
            finally:
                link.gate.settle()
    except Exception as error:
        return answer_of(error, command)


def link_of(commands: Sequence[MarketplaceCommand]) -> Link:
    """The line for commands of one account, with the tokens of the first. Whose grant had ended brings a fresh one.

    Their copy of the account knows from then on with which grant they went: a refusal speaks of that (record.py).
    """
    account = commands[0].account
    again = any(one.last_error.startswith(GRANT_ENDED) for one in commands)
    link = link_for(account, force_refresh=again, errand=errand_of(commands[0]))
    account.access_token = link.grant.access_token
    return replace(link, brake=braked_among(account)) if commands[0].whole_account else link


def answer_of(error: Exception, command: MarketplaceCommand) -> Answer:
    """What came of a command that raised this."""
    match error:
        case AlreadySold():
            return Answer(Outcome.SOLD_THERE, error=str(error))
        case AlreadyGone():
            return Answer(Outcome.GONE, error=str(error))
        case MustWait():
            return Answer(Outcome.HELD_BACK, error=str(error), retry_after_s=error.retry_after_s)
        case UnknownOutcome():
            return Answer(Outcome.UNKNOWN, error=str(error), retry_after_s=error.retry_after_s)
        case TemporaryError():
            return Answer(Outcome.RETRY, error=str(error), retry_after_s=error.retry_after_s)
        case GrantExpired():
            return Answer(Outcome.GRANT, error=f"{GRANT_ENDED}: {error}")
        case MarketplaceError():
            return _refusal(error)
        case Busy() if command.kind == CommandKind.SYNC_ACCOUNT:
            # Of what a sweep has written there nothing is unknown: it reads, and others write what it finds.
            return Answer(Outcome.RETRY, error=str(error))
    # Our own fault: it counts as an attempt of unknown outcome, so that it ends with a person and not in a loop.
    log.error("outbox.execute_failed", command_id=str(command.pk), kind=command.kind, exc_info=error)
    return Answer(Outcome.UNKNOWN, error=told(error))


def _refusal(error: MarketplaceError) -> Answer:
    wants = error.wants if isinstance(error, MappingNeeded) else ""
    net_told = NetTold(error.price, error.net) if isinstance(error, NetBelowFloor) else None
    return Answer(Outcome.REFUSED, error=str(error), wants=wants, net_told=net_told)


GRANT_ENDED = "the grant has ended"


def _time_for(command: MarketplaceCommand) -> AbstractContextManager[None]:
    """All requests of a command together stay inside its lease; a sweep renews its own as it goes."""
    whole = command.kind == CommandKind.SYNC_ACCOUNT
    return nullcontext() if whole else calls_within(settings.HTTP_TOTAL_TIMEOUT_S)


def _create(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    listing = drafted_of(command)
    if (answer := create_unsent(listing)) is not None:
        return answer
    if command.outcome_unknown and (found := adapter.fetch(link, listing_ref(listing))) is not None:
        return Answer(Outcome.DONE, remote=found, sent_price=found.price)
    draft = draft_wanted(adapter, link, listing)
    if isinstance(draft, Answer):
        return draft
    refusals_told = price_refusals_told(adapter, link, listing, lambda: draft)
    with secrets_left_out(barcodes_of(draft.tickets)), refusals_told:
        remote = adapter.create(braked(link, partial(create_held_back, listing)), draft)
    return Answer(Outcome.DONE, remote=remote, sent_price=draft.price)


def create_unsent(listing: Listing) -> Answer | None:
    """The answer of a publication that may not be sent (now); None where it may."""
    if listing.status not in WANTED:
        return Answer(Outcome.NOT_WANTED)
    reason = create_held_back(listing)
    return None if reason is None else Answer(Outcome.HELD_BACK, error=reason)


def draft_wanted(adapter: MarketplaceAdapter, link: Link, listing: Listing) -> Draft | Answer:
    """What a publication sends, or the answer of one that is not wanted any more.

    Raises MappingNeeded (I-09), NetBelowFloor where it would bring less than its floor on the net (I-11), or
    PermanentError where it is not what its marketplace takes, or its team or venue asks for (I-12).
    """
    draft = draft_of(adapter, link, listing)
    # Its event and its section may have been asked for, and its seats be sold meanwhile.
    if not Listing.objects.filter(pk=listing.pk, status__in=WANTED).exists():
        return Answer(Outcome.NOT_WANTED)
    event_bounds_hold(adapter, link, listing, draft)
    if net_floor_asked(adapter, listing):
        net_floor_keep(adapter, link, listing, draft)
    # What was asked took its time, and a brake holds from the moment that it is set (I-19).
    if (reason := create_held_back(listing)) is not None:
        return Answer(Outcome.HELD_BACK, error=reason)
    return replace(draft, tickets=_tickets_out(listing)) if draft.tickets else draft


def _tickets_out(
    listing: Listing, kind: HandOver = HandOver.BARCODE, command: MarketplaceCommand | None = None
) -> tuple[SeatTicket, ...]:
    """The tickets that are sent with a listing now. Raises TemporaryError where somebody else has its seats."""
    try:
        return tickets_send(listing, kind, command)
    except Busy as error:
        raise TemporaryError("its seats are being changed") from error


def draft_of(adapter: MarketplaceAdapter, link: Link, listing: Listing) -> Draft:
    """The listing as the platform shall show it. Raises MappingNeeded: event or section is not confirmed (I-09)."""
    draft = draft_unmapped(listing, event_learn(adapter, link, listing.account, listing.game))
    return replace(draft, section=_remote_section(adapter, link, listing, draft))


def draft_unmapped(listing: Listing, event_id: str) -> Draft:
    """The listing for an event there, with the section's name as it is here."""
    offered = listing.listing_seats.filter(offered=True).select_related("seat")
    draft = draft_without_tickets(listing, event_id, [row.seat.seat_number for row in offered])
    return replace(draft, tickets=barcodes_whole(listing) if listing.delivery == DeliveryType.BARCODE else ())


def draft_without_tickets(listing: Listing, event_id: str, seats: Iterable[int]) -> Draft:
    """These seats as the listing offers them; it need not be saved."""
    game = listing.game
    starts = local(game.starts_at, game.venue.timezone)
    return Draft(
        external_id=listing.external_id,
        event_id=event_id,
        event_name=event_name(game),
        venue=_venue_words(listing, event_id),
        starts_at=game.starts_at,
        local_date=f"{starts:%Y-%m-%d}",
        local_time=f"{starts:%H:%M:%S}",
        section=listing.section,
        row=listing.row,
        seats=tuple(sorted(seats)),
        price=listing.price,
        currency=listing.currency,
        split=listing.split_type,
        in_hand_at=in_hand_at(listing),
        delivery=DeliveryType(listing.delivery),
        disclosures=in_words(listing.disclosures),
    )


def _venue_words(listing: Listing, event_id: str) -> str:
    """The venue's name; where a platform is to add the event, its city with it."""
    venue = listing.game.venue
    adds = not event_id and platform_can(listing.platform, Capability.REQUEST_EVENT)
    return venue.address if adds else venue.name


def in_hand_at(listing: Listing) -> datetime | None:
    """The moment (aware UTC) from which its tickets can be delivered: that day's noon at the venue; None: now.

    Of the day of a game that starts before noon, its start: nobody is promised tickets for after it.
    """
    if listing.in_hand_on is None:
        return None
    game = listing.game
    noon = datetime.combine(listing.in_hand_on, time(12), tzinfo=ZoneInfo(game.venue.timezone)).astimezone(UTC)
    return min(noon, game.starts_at) if listing.in_hand_on == game.game_date else noon


def _remote_section(adapter: MarketplaceAdapter, link: Link, listing: Listing, draft: Draft) -> str:
    """The section's confirmed name at the platform. The same name is confirmed by itself; nothing else is guessed.

    Where the platform lists the event's sections ours must be among them; where it lists none, the venue's own list
    decides.
    """
    venue, section, paper = listing.game.venue, listing.section, listing.account.paper
    mapping = section_mapping_get(venue, section, listing.platform, paper=paper)
    if mapping is not None:
        return mapping.remote_section
    if section_mapping_undone(venue, section, listing.platform, paper=paper):
        raise MappingNeeded(
            f"What section {section} of {venue.name} was mapped to at {adapter.traits.name} was undone; confirm which "
            "it is.",
            wants="section",
        )
    offered: tuple[str, ...] = ()
    if Capability.CONSTRAINTS in adapter.traits.capabilities:
        offered = adapter.constraints(link, draft).sections
    same = next((name for name in offered if name.casefold() == section.casefold()), None)
    if same is None and not offered and section_known(venue, section):
        same = section
    if same is None:
        raise MappingNeeded(
            f"Section {section} of {venue.name} is not mapped at {adapter.traits.name}; confirm its mapping first.",
            wants="section",
        )
    try:
        section_mapping_confirm(
            venue=venue, section=section, platform=listing.platform, paper=paper, remote_section=same, by="exact match",
            over_undone=False,
        )  # fmt: skip
    except Conflict as error:
        raise MappingNeeded(f"{adapter.traits.name}: {error.detail}", wants="section") from error
    return same


def _reprice(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    listing = listing_of(command)
    if (answer := reprice_unsent(adapter, link, command, listing)) is not None:
        return answer
    over = braked(link, partial(reprice_held_back, listing))
    with price_refusals_told(adapter, link, listing, partial(_draft_known, listing)):
        remote = adapter.reprice(over, listing_ref(listing), listing.price, listing.currency)
    return Answer(Outcome.DONE, remote=remote, sent_price=listing.price)


def reprice_unsent(
    adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand, listing: Listing
) -> Answer | None:  # fmt: skip
    """The answer of a price that may not be sent (now), or is not the newest; None where it may.

    Raises NetBelowFloor where it would bring less than the listing's floor on the net (I-11).
    """
    answer = _price_unwanted(command, listing)
    if answer is None and net_floor_asked(adapter, listing):
        draft = draft_of(adapter, link, listing)
        # Without seats it is sold meanwhile, and nothing is on show at this price.
        if draft.seats:
            net_floor_keep(adapter, link, listing, draft)
        # What was asked took its time, and a brake holds from the moment that it is set (I-19).
        answer = _price_unwanted(command, listing)
    return answer


def _draft_known(listing: Listing) -> Draft:
    """The listing for the event that its game is mapped to; nothing is looked up there."""
    mapping = event_mapping_get(listing.game, listing.platform, paper=listing.account.paper)
    return draft_unmapped(listing, mapping.remote_event_id if mapping is not None else "")


def _price_unwanted(command: MarketplaceCommand, listing: Listing) -> Answer | None:
    if listing.status not in OFFERED or command.payload.get("version", 0) < _newest_price_version(command):
        return Answer(Outcome.NOT_WANTED)
    reason = reprice_held_back(listing)
    return None if reason is None else Answer(Outcome.HELD_BACK, error=reason)


def _newest_price_version(command: MarketplaceCommand) -> int:
    newer = MarketplaceCommand.objects.filter(
        listing=command.listing_id, kind=CommandKind.REPRICE, state="pending"
    ).values_list("payload__version", flat=True)
    return max((int(version) for version in newer), default=0)


def _resize(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    rows = ListingSeat.objects.filter(listing=command.listing_id, offered=True)
    offered = tuple(sorted(rows.values_list("seat__seat_number", flat=True)))
    # Read after its seats: where the last of them was sold in between, it says so.
    listing = listing_of(command)
    if listing.status not in OFFERED:
        return Answer(Outcome.NOT_WANTED)
    return Answer(Outcome.DONE, remote=adapter.resize(link, listing_ref(listing), offered))


def _delist(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    # What was found there and is no listing of ours is named by what was told of it.
    found = command.payload.get("ref") if command.listing_id is None else None
    adapter.delist(link, ListingRef(**found) if found else listing_ref(listing_of(command)))
    return Answer(Outcome.DONE)


def _verify_gone(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    remote: RemoteListing | None = None
    capabilities = adapter.traits.capabilities
    if Capability.FETCH in capabilities:
        remote = adapter.fetch(link, listing_ref(listing_of(command)))
    if remote is None and command.payload.get(UNSETTLED) and Capability.LIST_ALL in capabilities:
        # Nothing else says that the way there is good: its take-down may have been told the same of what came later.
        next(iter(adapter.list_all(link)), None)
    return Answer(Outcome.DONE, remote=remote)


# What is in none of these was confirmed, or is over.
_UNCONFIRMED = frozenset({RemoteSaleState.AWAITING_CONFIRM, RemoteSaleState.PROVISIONAL, RemoteSaleState.UNKNOWN})


def _confirm(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    sale = command.sale
    if sale is None or sale.state not in SALE_LIVE:
        return Answer(Outcome.NOT_WANTED)
    if command.outcome_unknown:
        there = adapter.fetch_sale(link, sale.platform_sale_id)
        if there is not None and there.state not in _UNCONFIRMED:
            return Answer(Outcome.DONE, remote_sale=there)
    return _unless_over(
        adapter, link, sale, lambda: adapter.confirm(link, sale.platform_sale_id),
        done=lambda there: there.state in CONFIRMED,
    )  # fmt: skip


def _unless_over(
    adapter: MarketplaceAdapter, link: Link, sale: Sale, act: Callable[[], RemoteSale], *,
    done: Callable[[RemoteSale], bool],
) -> Answer:  # fmt: skip
    """What is done to a sale, or nothing where its marketplace refuses because it has taken the sale back meanwhile.

    Nor where that is `done` by now, on its own site. Either can be heard of later than it happens: no person can help
    there.
    """
    try:
        return Answer(Outcome.DONE, remote_sale=act())
    except PermanentError:
        there = adapter.fetch_sale(link, sale.platform_sale_id)
        if there is None or not (done(there) or there.state is RemoteSaleState.CANCELLED):
            raise
        return Answer(Outcome.NOT_WANTED, remote_sale=there)


def _reject(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    # What another connection of the same seller has confirmed is its to deliver.
    if command.sale is None or confirmed_by_another(command.sale):
        return Answer(Outcome.NOT_WANTED)
    if command.outcome_unknown:
        there = adapter.fetch_sale(link, command.sale.platform_sale_id)
        if there is None or there.state is RemoteSaleState.CANCELLED:
            return Answer(Outcome.GONE)
    try:
        adapter.reject(link, command.sale.platform_sale_id)
    except PermanentError:
        # Taken back there meanwhile: nothing is left to refuse, and no person can help.
        there = adapter.fetch_sale(link, command.sale.platform_sale_id)
        if there is None:
            return Answer(Outcome.GONE)
        if there.state is not RemoteSaleState.CANCELLED:
            raise
        return Answer(Outcome.NOT_WANTED, remote_sale=there)
    return Answer(Outcome.DONE)


# Its marketplace has what was handed over.
_HAS_THEM = frozenset({RemoteSaleState.IN_DELIVERY, RemoteSaleState.COMPLETE})


def _has_tickets(there: RemoteSale) -> bool:
    return there.handed_over or there.state in _HAS_THEM


def _fulfil(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    sale = command.sale
    if sale is None or not ways_of(sale):
        return Answer(Outcome.NOT_WANTED)
    if command.outcome_unknown:
        # The proof may have arrived: handing over twice would make a second transfer.
        there = adapter.fetch_sale(link, sale.platform_sale_id)
        if there is not None and _has_tickets(there):
            return Answer(Outcome.DONE, remote_sale=there)
        if there is not None and STEPS[there.step].again and there.step != command.payload.get("step"):
            # It arrived and did not do: what is wanted now is another one.
            return Answer(Outcome.NOT_WANTED, remote_sale=there)
    proof = proof_of(command)
    with secrets_left_out(secrets_of(proof)):
        return _unless_over(
            adapter, link, sale, lambda: adapter.fulfil(link, sale.platform_sale_id, proof), done=_has_tickets
        )


def _supply(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    listing = listing_of(command)
    kind = supplied_as(listing.platform, listing.delivery)
    tickets = _tickets_out(listing, kind, command) if listing.status in OFFERED else ()
    if not tickets:
        return Answer(Outcome.NOT_WANTED)
    with secrets_left_out(barcodes_of(tickets)):
        return Answer(Outcome.DONE, remote=adapter.supply(link, listing_ref(listing), tickets))


def _sync_account(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    began, account = now(), command.account
    alive = partial(lease_renew, command)
    try:
        # The first one reads its past sales too.
        with reading_of(account, "sweep", patient=account.stock_taken_at is None) as answers:
            drift = account_reconcile(
                adapter=adapter, link=replace(link, answers=answers), account=account, alive=alive,
                keep=partial(sweep_found, account),
            )  # fmt: skip
            began = min(began, answers.began)
    except ConnectedTwice:
        account_doubled(account.pk)
        return Answer(Outcome.NOT_WANTED)
    except StockUnknown:
        # Its holder was asked; a sweep comes when he has said.
        return Answer(Outcome.NOT_WANTED)
    sweep_keep(account=account, began=began, drift=drift)
    if not account.webhook_id:
        webhook_register_late(account.pk)
    return Answer(Outcome.DONE)


def _unsubscribe(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> Answer:
    if not unsubscribe_wanted(command):
        return Answer(Outcome.NOT_WANTED)
    adapter.unregister_webhook(link, command.payload["webhook"])
    return Answer(Outcome.DONE)


def _listing_id(command: MarketplaceCommand) -> uuid.UUID:
    if command.listing_id is None:
        raise PermanentError(f"a {command.kind} command without a listing")
    return command.listing_id


def drafted_of(command: MarketplaceCommand) -> Listing:
    """As `listing_of`, with what a draft of it says of its game."""
    listing = listing_of(command)
    listing.game = Game.objects.select_related("home_team", "opponent", "venue").get(pk=listing.game_id)
    return listing


def listing_of(command: MarketplaceCommand) -> Listing:
    """The listing as it is now (a claim may be seconds old), with the command's account, which is its own."""
    listing = Listing.objects.select_related("season_ticket").get(pk=_listing_id(command))
    listing.account = command.account
    return listing


_RUNNERS: dict[CommandKind, Runner] = {
    CommandKind.CREATE: _create,
    CommandKind.REPRICE: _reprice,
    CommandKind.RESIZE: _resize,
    CommandKind.DELIST: _delist,
    CommandKind.VERIFY_GONE: _verify_gone,
    CommandKind.CONFIRM_SALE: _confirm,
    CommandKind.REJECT_SALE: _reject,
    CommandKind.FULFIL: _fulfil,
    CommandKind.SYNC_ACCOUNT: _sync_account,
    CommandKind.SUPPLY: _supply,
    CommandKind.UNSUBSCRIBE: _unsubscribe,
}
