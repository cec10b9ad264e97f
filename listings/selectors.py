"""Reading listings, sales and commands."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
    When,
)  # fmt: skip
from django.db.models.functions import Cast, Coalesce, Concat

from listings.models import (
    NO_NUMBER,
    SOLD_THERE,
    CommandKind,
    CommandState,
    FoundKind,
    FoundListing,
    FoundState,
    Listing,
    ListingQuerySet,
    ListingSeat,
    ListingStatus,
    MarketplaceCommand,
    Payout,
    PayoutLine,
    PayoutQuerySet,
    PriceHistory,
    PriceProposal,
    PushHalt,
    Sale,
    SaleEnding,
    SaleQuerySet,
    SaleSeat,
    SaleState,
    TradingState,
    TradingStateKind,
    TradingStateQuerySet,
)  # fmt: skip
from listings.scopes import game_scope
from listings.states import HANDED_OVER, OPEN, SALE_LIVE, TAKES_DOWN, UP, WANTED
from marketplaces.bounds import Bounds, bounds_of
from marketplaces.contracts import Capability, RemoteSale
from marketplaces.models import FeeVersion, MarketplaceAccount, Mode, modes_of
from marketplaces.registry import platform_can, platform_name
from portfolios.models import EventMapping, Game, GameStatus, SeasonTicket, Seat
from portfolios.ports import Records
from portfolios.selectors import event_request_get, events_asked
from seatsync.accounts.selectors import is_platform_staff
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import NotFound

# States of commands of which something may still come.
UNFINISHED = (CommandState.PENDING, CommandState.IN_FLIGHT, CommandState.NEEDS_PERSON)
# How the key of a task begins that asks again for what was said to be done; its command's id follows.
NOT_DONE = "not-done:"
# Commands that wait for a person's own hands.
FOR_HANDS = Q(state=CommandState.NEEDS_PERSON, by_hand=True)


def listing_list(actor: Actor) -> ListingQuerySet:
    """The visible listings with their game, group and account, newest first; each says whether its event is awaited."""
    return (
        Listing.objects.visible_to(actor)
        .annotate(event_awaited=_event_awaited())
        .select_related("account", "season_ticket", "seat_group", "game__home_team", "game__opponent", "game__venue")
        .order_by("-created_at", "-pk")
    )


def _event_awaited() -> Case:
    """Whether a listing is wanted there, and its marketplace is asked to add its event and has told no id yet."""
    asked = EventMapping.objects.filter(
        game=OuterRef("game"), platform=OuterRef("platform"), event_date=OuterRef("game__game_date"),
        requested_at__isnull=False, confirmed_at=None,
    )  # fmt: skip
    in_market = [Q(Exists(asked.filter(paper=paper)), mode__in=modes_of(paper=paper)) for paper in (True, False)]
    return Case(When(in_market[0] | in_market[1], status__in=WANTED, then=True), default=False)


def listing_get(actor: Actor, pk: Any) -> Listing:
    """One visible listing; raises NotFound."""
    return listing_list(actor).get_for(actor, pk)


def sale_list(actor: Actor) -> SaleQuerySet:
    """The visible sales, newest first."""
    return (
        Sale.objects.visible_to(actor)
        .select_related(
            "account",
            "listing__season_ticket",
            "game__home_team",
            "game__opponent",
            "game__venue",
            "payout_calendar",
            "ship_by_rule",
            "fee_version",
        )
        .order_by("-sold_at", "-pk")
    )


def sales_with_hands(sales: SaleQuerySet) -> SaleQuerySet:
    """Sales with whether a person is to take their seats off show elsewhere (`hands_wanted`), or did (`hands_done`)."""
    tasks = MarketplaceCommand.objects.filter(sale=OuterRef("pk"), by_hand=True, kind__in=TAKES_DOWN)
    return sales.annotate(
        hands_wanted=Exists(tasks.filter(state=CommandState.NEEDS_PERSON)),
        hands_done=Exists(tasks.filter(state=CommandState.DONE)),
    )


def sale_get(actor: Actor, pk: Any) -> Sale:
    """One visible sale; raises NotFound."""
    return sale_list(actor).get_for(actor, pk)


def sale_zone(sale: Sale) -> str:
    """The IANA zone in which a sale's moments are told: its game's; "" (UTC) where no game is known."""
    return sale.game.venue.timezone if sale.game else ""


def commands_of_listing(listing: Listing) -> QuerySet[MarketplaceCommand]:
    """A listing's commands, oldest first."""
    return MarketplaceCommand.objects.filter(listing=listing).order_by("created_at", "pk")


def commands_of_sale(sale: Sale) -> QuerySet[MarketplaceCommand]:
    """The commands that a sale caused, with their listings, oldest first."""
    return (
        MarketplaceCommand.objects.filter(sale=sale).select_related("listing", "account").order_by("created_at", "pk")
    )


def price_history(listing: Listing) -> QuerySet[PriceHistory]:
    """A listing's prices at its marketplace, oldest first."""
    return PriceHistory.objects.filter(listing_id=listing.pk).order_by("time", "id")


def proposals(listing: Listing) -> QuerySet[PriceProposal]:
    """Every proposal for a listing's price with its verdicts, newest first."""
    return PriceProposal.objects.filter(listing=listing).order_by("-created_at", "-pk")


def needs_person(actor: Actor) -> QuerySet[MarketplaceCommand]:
    """Commands of visible accounts that wait for a person, oldest first."""
    accounts = MarketplaceAccount.objects.visible_to(actor).values("pk")
    waiting = MarketplaceCommand.objects.filter(state=CommandState.NEEDS_PERSON, by_hand=False, account__in=accounts)
    return waiting.select_related("account", "listing__seat_group", "listing__game__opponent", "sale").order_by(
        "created_at"
    )


def hand_tasks(actor: Actor) -> QuerySet[MarketplaceCommand]:
    """What waits for a person's hands on visible accounts, what must come down first."""
    accounts = MarketplaceAccount.objects.visible_to(actor).values("pk")
    waiting = MarketplaceCommand.objects.filter(FOR_HANDS, account__in=accounts)
    tasks = hand_facts(waiting).select_related(
        "account", "listing__seat_group", "listing__season_ticket", "listing__game__home_team",
        "listing__game__opponent", "listing__game__venue", "sale__listing__game__home_team",
        "sale__listing__game__opponent", "sale__listing__game__venue", "sale__game__venue",
    )  # fmt: skip
    seats = ("listing__listing_seats__seat", "listing__sales__sale_seats", "sale__sale_seats__seat")
    return tasks.prefetch_related(*seats).order_by("priority", "created_at")


def hand_downs(actor: Actor) -> QuerySet[MarketplaceCommand]:
    """What was said in the last day to be down, on visible accounts, and can still be said not to be; newest first."""
    accounts = MarketplaceAccount.objects.visible_to(actor).filter(mode=Mode.ASSISTED, is_active=True).values("pk")
    gone = Q(kind=CommandKind.DELIST, listing__status__in=[ListingStatus.CANCELLED, ListingStatus.EXPIRED])
    smaller = Q(kind=CommandKind.RESIZE, listing__status__in=UP)
    said = MarketplaceCommand.objects.filter(
        gone | smaller, account__in=accounts, by_hand=True, state=CommandState.DONE,
        finished_at__gte=now() - timedelta(days=1), listing__game__starts_at__gt=now(),
    )  # fmt: skip
    # What came down once came down for all that asked for it.
    newest = said.order_by("listing_id", "-finished_at", "pk").distinct("listing_id").values("pk")
    found = MarketplaceCommand.objects.filter(pk__in=newest).order_by("-finished_at", "pk")
    related = ("account", "listing__game__home_team", "listing__game__opponent", "sale")
    return found.select_related(*related).prefetch_related("listing__listing_seats__seat")


def hand_facts(commands: QuerySet[MarketplaceCommand]) -> QuerySet[MarketplaceCommand]:
    """The commands with what tells where to do them and what they bring.

    `told_page`: the event's page at the real marketplace, where the game is mapped to an event on its day;
    `fee_percent` and `fee_from`: the row of the fee table in force; `made_smaller`: see there.
    """
    fits = Q(event_date=None) | Q(event_date=F("game__game_date")) | Q(event_date=F("accepted_date"))
    pages = EventMapping.objects.filter(
        fits, platform=OuterRef("account__platform"), paper=False, confirmed_at__isnull=False,
        game=Coalesce(OuterRef("listing__game"), OuterRef("sale__game")),
    )  # fmt: skip
    fees = FeeVersion.objects.filter(
        platform=OuterRef("account__platform"), side="seller", valid_from__lte=now().date()
    ).order_by("-valid_from")
    return commands.annotate(
        told_page=Subquery(pages.values("told_page")[:1]), fee_percent=Subquery(fees.values("percent")[:1]),
        fee_from=Subquery(fees.values("valid_from")[:1]),
        made_smaller=Subquery(_made_smaller(OuterRef("listing")).values("payload__seats")[:1]),
    )  # fmt: skip


def made_smaller(listing: Listing) -> list[int] | None:
    """The numbers of the seats to which its marketplace, or its holder's hands, last made a listing smaller.

    None where nobody did. What was said to be done by mistake was not.
    """
    return _made_smaller(listing).values_list("payload__seats", flat=True).first()


def _made_smaller(listing: Listing | OuterRef) -> QuerySet[MarketplaceCommand]:
    resizes = MarketplaceCommand.objects.filter(
        listing=listing, kind=CommandKind.RESIZE, state=CommandState.DONE, payload__has_key="seats"
    )
    said_again = Concat(Value(NOT_DONE), Cast(OuterRef("pk"), TextField()))
    mistaken = MarketplaceCommand.objects.filter(idempotency_key=said_again)
    return resizes.exclude(Exists(mistaken)).order_by("-finished_at", "-pk")


def command_own(actor: Actor, command_id: uuid.UUID) -> MarketplaceCommand:
    """A command of one of the actor's own accounts, or for staff of the tenant's; raises NotFound."""
    unknown = NotFound("No command with this id.")
    if actor.tenant_id is None:
        raise unknown
    found = MarketplaceCommand.objects.select_related("account").filter(pk=command_id, tenant=actor.tenant_id).first()
    if found is None or not found.account.is_of(actor):
        raise unknown
    return found


def mappings_waiting(actor: Actor) -> QuerySet[MarketplaceCommand]:
    """Publications of visible accounts that wait for an event or a section to be confirmed, oldest first."""
    return (
        needs_person(actor)
        .filter(payload__wants__in=["event", "section"], listing__isnull=False)
        .select_related(
            "account", "listing__seat_group", "listing__game__home_team", "listing__game__opponent",
            "listing__game__venue",
        )
    )  # fmt: skip


def wants_of(listings: Iterable[Listing]) -> dict[uuid.UUID, str]:
    """What those of these listings wait for that wait for a mapping: "event" or "section"."""
    waiting = MarketplaceCommand.objects.filter(
        listing__in=[listing.pk for listing in listings], state=CommandState.NEEDS_PERSON, by_hand=False,
        payload__wants__in=["event", "section"],
    )  # fmt: skip
    return {pk: str(payload["wants"]) for pk, payload in waiting.values_list("listing__pk", "payload")}


def mappings_queue(actor: Actor) -> QuerySet[MarketplaceCommand]:
    """What waits for a mapping, each with `publications`: how many of that holder's one confirmation would send."""
    same = MarketplaceCommand.objects.filter(
        state=CommandState.NEEDS_PERSON, account__platform=OuterRef("account__platform"),
        account__user=OuterRef("account__user"), payload__wants=OuterRef("payload__wants"),
    )  # fmt: skip
    of_game = same.filter(listing__game=OuterRef("listing__game"))
    of_section = same.filter(
        listing__game__venue=OuterRef("listing__game__venue"), listing__section=OuterRef("listing__section")
    )
    waits_for = Case(When(payload__wants="event", then=_counted_rows(of_game)), default=_counted_rows(of_section))
    return mappings_waiting(actor).annotate(publications=waits_for)


def event_requests(actor: Actor) -> QuerySet[EventMapping]:
    """The games of visible listings whose marketplaces are asked to add them and have told no id yet, newest first."""
    own = Listing.objects.visible_to(actor).filter(game=OuterRef("game"), platform=OuterRef("platform"))
    in_market = [Q(Exists(own.filter(mode__in=modes_of(paper=paper))), paper=paper) for paper in (True, False)]
    asked = events_asked().filter(in_market[0] | in_market[1])
    return asked.select_related("game__home_team", "game__opponent", "game__venue").order_by("-requested_at", "pk")


def asked_of(listing: Listing) -> EventMapping | None:
    """What a listing's marketplace is asked to add for it; None where it has that, or the listing is wanted no more."""
    wanted = listing.status in WANTED and platform_can(listing.platform, Capability.REQUEST_EVENT)
    return event_request_get(listing.game, listing.platform, paper=listing.account.paper) if wanted else None


def mappings_search(rows: QuerySet[MarketplaceCommand], text: str) -> QuerySet[MarketplaceCommand]:
    """Those in which each word of the text is part of a team's, the venue's or the section's name."""
    for word in text.split():
        rows = rows.filter(
            Q(listing__game__home_team__name__icontains=word) | Q(listing__game__opponent__name__icontains=word)
            | Q(listing__game__venue__name__icontains=word) | Q(listing__section__icontains=word)
        )  # fmt: skip
    return rows


def _counted_rows(rows: QuerySet[MarketplaceCommand]) -> Subquery:
    return Subquery(rows.order_by().values("state").annotate(n=Count("pk")).values("n"), output_field=IntegerField())


def mapping_question(command: MarketplaceCommand) -> tuple[object, ...]:
    """What a publication waits for: those of one holder with the same question have the same answer."""
    listing = command.listing
    if listing is None:
        raise LookupError(f"command {command.pk} has no listing")
    whose = (command.account.platform, command.account.user_id)
    if command.payload["wants"] == "event":
        return (*whose, listing.game_id)
    return (*whose, listing.game.venue_id, listing.section)


def mapping_groups(rows: Iterable[MarketplaceCommand]) -> list[MarketplaceCommand]:
    """The oldest publication of each question; the others that wait for the same answer are counted in it."""
    firsts: dict[tuple[object, ...], MarketplaceCommand] = {}
    for command in rows:
        firsts.setdefault(mapping_question(command), command)
    return list(firsts.values())


def mapping_waiting_get(actor: Actor, pk: Any) -> MarketplaceCommand:
    """One publication that waits for a mapping; raises NotFound."""
    return _publication(mappings_waiting(actor), pk)


def publication_get(actor: Actor, pk: Any) -> MarketplaceCommand:
    """One publication over a visible account, whatever became of it; raises NotFound."""
    accounts = MarketplaceAccount.objects.visible_to(actor).values("pk")
    every = MarketplaceCommand.objects.filter(kind=CommandKind.CREATE, account__in=accounts, listing__isnull=False)
    return _publication(every.select_related("account", "listing__game__venue"), pk)


def _publication(commands: QuerySet[MarketplaceCommand], pk: Any) -> MarketplaceCommand:
    unknown = NotFound(
        "No publication with this id waits for a mapping.", field="command", remedy="Use the id of one that is listed."
    )
    try:
        key = uuid.UUID(str(pk))
    except ValueError as error:
        raise unknown from error
    found = commands.filter(pk=key).first()
    if found is None:
        raise unknown
    return found


def offered_among(seat_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """The seats among these that a marketplace shows or may show (fills the ledger's port)."""
    offers = ListingSeat.objects.filter(may_be_shown(), seat_id__in=list(seat_ids), offered=True)
    return set(offers.values_list("seat_id", flat=True))


def records_of_ticket(ticket_id: uuid.UUID) -> Records:
    """What was ever listed and sold of a season ticket, in words (fills the ledger's port).

    What came to nothing binds nobody; what no marketplace has yet binds until it is taken down.
    """
    binding = Listing.objects.filter(season_ticket_id=ticket_id).exclude(came_to_nothing())
    under_way = binding.filter(_never_there(), _commands_of_it(state__in=UNFINISHED)).count()
    sold = Sale.objects.filter(Q(listing__season_ticket_id=ticket_id) | Q(sale_seats__seat__season_ticket_id=ticket_id))
    counts = {"listing": binding.count() - under_way, "sale": sold.distinct().count()}
    return Records(
        [_counted(count, word) for word, count in counts.items() if count],
        [f"{_counted(under_way, 'publication')} under way (take down first)"] if under_way else [],
    )


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count != 1 else ''}"


def came_to_nothing() -> Q:
    """Listings that are over and that no marketplace ever had: whatever was sent for them was answered, and refused."""
    over = Q(status__in=[ListingStatus.CANCELLED, ListingStatus.ERROR])
    return _never_there() & over & ~Q(_commands_of_it(state__in=UNFINISHED))


def _never_there() -> Q:
    """Listings of which no marketplace said, sold or may have kept anything."""
    sold = Q(Exists(Sale.objects.filter(listing=OuterRef("pk")))) | Q(status_reason=SOLD_THERE)
    return Q(published_at=None, listing_id="") & ~sold & ~Q(_commands_of_it(outcome_unknown=True))


def _commands_of_it(**conditions: Any) -> Exists:
    return Exists(MarketplaceCommand.objects.filter(listing=OuterRef("pk"), **conditions))


def offered_on(seat_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[uuid.UUID, str]]:
    """The seats among these that are shown or may be: each with the accounts that offer it, and their platforms."""
    offers = ListingSeat.objects.filter(may_be_shown(), seat_id__in=list(seat_ids), offered=True)
    found: dict[uuid.UUID, dict[uuid.UUID, str]] = {}
    for offer in offers.select_related("listing"):
        found.setdefault(offer.seat_id, {})[offer.listing.account_id] = offer.listing.platform
    return found


def sale_set_aside(account: MarketplaceAccount, remote: RemoteSale) -> bool:
    """Whether a sale concerns nobody: its holder said that it, or its listing, is not his, or is still to say so."""
    of_listing = Q(kind=FoundKind.LISTING, state=FoundState.NOT_OURS)
    named = Q(remote_id=remote.listing_id) if remote.listing_id else Q(pk=None)
    named |= Q(remote_key=remote.external_id) if remote.external_id else Q(pk=None)
    itself = Q(kind=FoundKind.SALE, remote_id=remote.sale_id, state__in=[FoundState.NOT_OURS, FoundState.WAITING])
    return FoundListing.objects.filter(itself | of_listing & named, account=account).exists()


def found_list(actor: Actor) -> QuerySet[FoundListing]:
    """What was found on visible accounts and not made here: what waits first, then the newest."""
    waits = Case(When(state=FoundState.WAITING, then=0), default=1, output_field=IntegerField())
    return (
        FoundListing.objects.visible_to(actor)
        .select_related("account", "game__home_team", "game__opponent", "game__venue", "listing")
        .annotate(waits=waits)
        .order_by("waits", "-last_seen_at", "pk")
    )


def found_get(actor: Actor, pk: Any) -> FoundListing:
    """One thing that was found on a visible account; raises NotFound."""
    return FoundListing.objects.visible_to(actor).select_related("account").get_for(actor, pk)


def may_be_shown() -> Q:
    """Listing seats of open listings, and of those whose create was given up without knowing what came of it."""
    unknown = MarketplaceCommand.objects.filter(kind=CommandKind.CREATE, outcome_unknown=True)
    given_up = Q(listing__status=ListingStatus.ERROR, listing__in=unknown.values("listing_id"))
    return Q(listing__status__in=OPEN) | given_up


def brake_of_holder(actor: Actor) -> TradingState | None:
    """The brake that a person has put on everything of their own; None where they sell freely."""
    if actor.tenant_id is None or actor.user_id is None:
        return None
    own = TradingState.objects.filter(tenant_id=actor.tenant_id, scope="holder", scope_id=actor.user_id)
    return own.in_force().exclude(state=TradingStateKind.ACTIVE).first()


def trading_states(actor: Actor) -> TradingStateQuerySet:
    """The brakes of the actor's tenant that concern the actor's own scopes."""
    if actor.tenant_id is None:
        return TradingState.objects.none()
    rows = (
        TradingState.objects.filter(tenant_id=actor.tenant_id)
        .select_related("season_ticket", "game__opponent", "game__home_team")
        .order_by("scope", "scope_id")
    )
    if actor.is_staff:
        return rows
    accounts = MarketplaceAccount.objects.visible_to(actor).values_list("pk", flat=True)
    tickets = list(SeasonTicket.objects.visible_to(actor).values_list("pk", flat=True))
    pairs = Seat.objects.filter(season_ticket__in=tickets).values_list("season_ticket_id", "game_id").distinct()
    games = [game_scope(ticket_id, game_id) for ticket_id, game_id in pairs]
    return rows.filter(scope_id__in=[actor.user_id, *accounts, *tickets, *games])


def push_halts_of(actor: Actor) -> list[PushHalt]:
    """Staff's brakes in force on the actor's tenant, at some platform or at all; none for whoever has no tenant."""
    if actor.tenant_id is None:
        return []
    everybody_or_ours = Q(tenant=None) | Q(tenant=actor.tenant_id)
    return list(PushHalt.objects.in_force().filter(everybody_or_ours).order_by("platform", "pk"))


def push_halts_seen(actor: Actor) -> QuerySet[PushHalt]:
    """Staff's brakes that the actor may know of, the newest first.

    The platform's staff: all that ever were. A tenant's support: those on it or on everybody. Others: of these, those
    in force.
    """
    rows = PushHalt.objects.order_by("-created_at", "-pk")
    if is_platform_staff(actor):
        return rows
    if actor.tenant_id is None:
        return rows.none()
    known = rows.filter(Q(tenant=None) | Q(tenant=actor.tenant_id))
    return known if actor.is_staff else known & PushHalt.objects.in_force()


@dataclass(frozen=True, slots=True)
class BrakeLine:
    """A brake in force, on what it stands in words, and whether the actor may lift it."""

    state: TradingState
    what: str
    may_lift: bool


def brake_lines(actor: Actor) -> list[BrakeLine]:
    """The brakes in force that the actor sees, but for the one on everything of the actor's own."""
    own = Q(scope="holder", scope_id=actor.user_id)
    rows = trading_states(actor).in_force().exclude(own).exclude(state=TradingStateKind.ACTIVE)
    rows = rows.prefetch_related("season_ticket__shares")
    accounts = MarketplaceAccount.objects.filter(pk__in=[row.scope_id for row in rows if row.scope == "account"])
    by_id = {account.pk: account for account in accounts}
    return [_brake_line(actor, row, by_id.get(row.scope_id)) for row in rows]


def _brake_line(actor: Actor, row: TradingState, account: MarketplaceAccount | None) -> BrakeLine:
    ticket, game = row.season_ticket, row.game
    if ticket is not None and game is not None:
        place = f"{ticket.section}/{ticket.row}/{ticket.seat}"
        return BrakeLine(row, f"{game}, seats {place}", ticket.may(actor, "delist"))
    if ticket is not None:
        return BrakeLine(row, f"Season ticket {ticket}", ticket.may(actor, "delist"))
    if account is not None:
        return BrakeLine(row, f"{platform_name(account.platform)} ({account.mode})", account.is_of(actor))
    return BrakeLine(row, "A holder", actor.is_staff)


def brakes_of_game(
    actor: Actor, game: Game, ticket_ids: Iterable[uuid.UUID], account_ids: Iterable[uuid.UUID]
) -> list[TradingState]:
    """The brakes in force on a game, on the season tickets of its seats and on accounts: not on the holder."""
    if actor.tenant_id is None:
        return []
    tickets = list(ticket_ids)
    places = (
        Q(scope="game", game=game, season_ticket__in=tickets)
        | Q(scope="season", season_ticket__in=tickets)
        | Q(scope="account", scope_id__in=list(account_ids))
    )
    rows = TradingState.objects.in_force().filter(places, tenant_id=actor.tenant_id)
    return list(rows.exclude(state=TradingStateKind.ACTIVE))


def offers_of_ticket(season_ticket: SeasonTicket) -> dict[bool, dict[uuid.UUID, Decimal]]:
    """The seats of a season ticket that open listings offer, each with its lowest ask: on paper (True) and for real."""
    offers = ListingSeat.objects.filter(
        offered=True, listing__season_ticket=season_ticket, listing__status__in=OPEN
    ).values_list("seat_id", "listing__price", "listing__mode")
    lowest: dict[bool, dict[uuid.UUID, Decimal]] = {True: {}, False: {}}
    for seat_id, price, mode in offers:
        there = lowest[mode == Mode.PAPER]
        there[seat_id] = min(price, there.get(seat_id, price))
    return lowest


def sold_among(seat_ids: Iterable[uuid.UUID]) -> QuerySet[SaleSeat]:
    """Those of these seats that a live sale has, each with it, in seat order."""
    wanted = seat_ids if isinstance(seat_ids, QuerySet) else list(seat_ids)
    sold = SaleSeat.objects.filter(seat_id__in=wanted, live=True)
    return sold.select_related("sale", "seat").order_by("seat__seat_number")


def sold_of_listing(listing: Listing) -> QuerySet[SaleSeat]:
    """The seats that live sales of a listing have."""
    return SaleSeat.objects.filter(sale__listing=listing, live=True)


def live_sales_of_seats(seat_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Sale]:
    """The one live sale of each of these seats that has one."""
    return {row.seat_id: row.sale for row in sold_among(seat_ids).select_related("sale__listing")}


def charged_for_ended_sales(season_ticket: SeasonTicket) -> dict[bool, Decimal]:
    """What marketplaces kept back for sales of a season ticket that are over, beyond what they had paid for them.

    On paper (True), and for real. A line that takes back what was paid costs nothing: the sums of a sale's lines are
    looked at, not each of them.
    """
    over = Sale.objects.filter(
        listing__season_ticket=season_ticket, currency=season_ticket.currency,
        state__in=[SaleState.CANCELLED, SaleState.CONFLICT],
    )  # fmt: skip
    paid = PayoutLine.objects.filter(sale__in=over, payout__paid_at__isnull=False)
    # What was paid and will be taken back is no gain.
    nets = paid.values("sale", "sale__listing__mode").order_by("sale").annotate(sum=Sum("net")).filter(sum__lt=0)
    charged = {True: Decimal("0.00"), False: Decimal("0.00")}
    for net, mode in nets.values_list("sum", "sale__listing__mode"):
        charged[mode == Mode.PAPER] -= net
    return charged


def price_history_of(listing_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[PriceHistory]]:
    """Several listings' prices at their marketplaces, oldest first."""
    found: dict[uuid.UUID, list[PriceHistory]] = {}
    for point in PriceHistory.objects.filter(listing_id__in=list(listing_ids)).order_by("time", "id"):
        found.setdefault(point.listing_id, []).append(point)
    return found


def views_of(listing_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How often buyers looked at these listings, as their marketplaces told last; without those that tell nothing."""
    told = PriceHistory.objects.filter(listing_id__in=list(listing_ids), views__isnull=False)
    newest = told.order_by("listing_id", "-time", "-id").distinct("listing_id")
    return {listing_id: views for listing_id, views in newest.values_list("listing_id", "views") if views is not None}


def bounds_of_listing(listing: Listing) -> Bounds:
    """What a listing must keep to beside its holder's floor and ceiling."""
    return bounds_of(listing.game, listing.platform, paper=listing.account.paper)


def to_hand_over() -> Q:
    """Sales whose buyer waits for the tickets, or wants them again, and for which none are on their way."""
    going = [CommandState.PENDING, CommandState.IN_FLIGHT]
    sent = MarketplaceCommand.objects.filter(sale=OuterRef("pk"), kind=CommandKind.FULFIL, state__in=going)
    waits = Q(state=SaleState.CONFIRMED) | Q(state__in=HANDED_OVER, asked_again_at__isnull=False)
    return waits & ~Q(ending=SaleEnding.GAME_OFF) & ~Q(Exists(sent))


def hand_over_end() -> Case:
    """By when a sale's tickets must be with their buyer: its deadline, else the start of its game, if that is known.

    Of what is wanted again only what is still to come then.
    """
    dated = ~Q(game__status=GameStatus.POSTPONED)
    begins = Case(When(dated, then="game__starts_at"), default=None)
    begins_later = Case(When(dated, game__starts_at__gt=F("asked_again_at"), then="game__starts_at"), default=None)
    again = Q(ship_by=None) | Q(ship_by__lte=F("asked_again_at"))
    return Case(When(again, asked_again_at__isnull=False, then=begins_later), default=Coalesce("ship_by", begins))


def waits_for_holder() -> Q:
    """Sales that wait for their holder: to be confirmed by a moment, or to be handed over."""
    return Q(state=SaleState.PROVISIONAL, confirm_by__isnull=False) & ~Q(ending=SaleEnding.GAME_OFF) | to_hand_over()


def deadlines(actor: Actor) -> QuerySet[Sale]:
    """Sales that wait for the holder, with `due` where that is known, the nearest first."""
    waiting = sale_list(actor).filter(waits_for_holder()).annotate(due=sale_due())
    return waiting.order_by(F("due").asc(nulls_last=True), "sold_at")


def sale_due() -> Case:
    """By when its holder must have done what a sale waits for."""
    return Case(When(state=SaleState.PROVISIONAL, then="confirm_by"), default=hand_over_end())


def payout_list(actor: Actor) -> PayoutQuerySet:
    """The payouts to the actor's own accounts with their lines, newest first; no announced one that is empty."""
    empty = ~Exists(PayoutLine.objects.filter(payout=OuterRef("pk")).exclude(gross=0, net=0))
    shown = Payout.objects.visible_to(actor).exclude(Q(empty), paid_at=None, returned_at=None, net=0)
    lines = PayoutLine.objects.select_related("sale__game__opponent", "sale__game__venue", "sale__listing").order_by(
        "created_at", "pk"
    )
    shown = shown.select_related("account", "told_with").prefetch_related(Prefetch("lines", lines))
    return shown.order_by("-created_at", "-pk")


def payout_get(actor: Actor, pk: Any) -> Payout:
    """One payout to the actor's own accounts; raises NotFound."""
    return payout_list(actor).get_for(actor, pk)


def payout_lines_of_sale(actor: Actor, sale: Sale) -> QuerySet[PayoutLine]:
    """The parts of payouts that paid a sale; the account owner's business alone."""
    own = Payout.objects.visible_to(actor).values("pk")
    return PayoutLine.objects.filter(sale=sale, payout__in=own).select_related("payout").order_by("created_at")


def seats_of_listing(listing: Listing | None) -> list[Seat]:
    """The seats that a listing was made of, in seat order; none where the listing is unknown."""
    if listing is None:
        return []
    rows = ListingSeat.objects.filter(listing=listing).select_related("seat").order_by("seat__seat_number")
    return [row.seat for row in rows]


def ticket_of(actor: Actor, pk: Any) -> SeasonTicket:
    """One of the actor's season tickets; raises NotFound."""
    return SeasonTicket.objects.get_for(actor, pk)


def seats_with_tickets(ticket: SeasonTicket, game_id: uuid.UUID) -> tuple[Game, list[Seat]]:
    """A game of this season ticket with its seats in their order, each with its ticket where it has one.

    Raises NotFound where the ticket has no seat of it.
    """
    rows = ticket.seats.filter(game_id=game_id).select_related("game__opponent", "game__home_team", "game__venue")
    seats = list(rows.select_related("ticket").order_by("section", "row", "seat_number"))
    if not seats:
        raise NotFound(
            "This season ticket has no seat of this game.", field="game", remedy="Use the id of one of its games."
        )
    return seats[0].game, seats


def seats_of_sale(sale: Sale) -> QuerySet[SaleSeat]:
    """The seats of a sale in seat order."""
    return SaleSeat.objects.filter(sale=sale).select_related("seat").order_by("seat__seat_number")


def sales_unnumbered(listing: Listing) -> SaleQuerySet:
    """What was told of a listing in one tap, stands, and has no number yet."""
    return Sale.objects.filter(listing=listing, platform_sale_id__startswith=NO_NUMBER, state__in=SALE_LIVE)


def listings_by_hand(actor: Actor) -> ListingQuerySet:
    """What is up at assisted accounts, as the actor's own hands have listed it, the next games first."""
    found = listing_list(actor).filter(account__mode=Mode.ASSISTED, account__is_active=True, status__in=UP)
    return found.order_by("game__starts_at", "section", "row", "pk")
