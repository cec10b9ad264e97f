"""One game: its seats, offers, market and comparables."""

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from analytics.selectors.overview import SeatView, seat_view
from intelligence.models import AiPrediction
from intelligence.selectors import latest_predictions
from listings.board import Cell, cells_of
from listings.models import Listing, ListingStatus, Sale, TradingState
from listings.selectors import (
    brake_of_holder,
    brakes_of_game,
    event_requests,
    listing_list,
    live_sales_of_seats,
    offered_on,
    price_history_of,
    push_halts_of,
)
from listings.states import MAY_BE_UP, NOTHING_NEW, OPEN
from marketplaces.contracts import Capability, PrimaryLeft
from marketplaces.market import LastSales, MarketFigures, last_sales_of_games, market_of_games
from marketplaces.models import MarketplaceAccount, MarketSnapshot
from marketplaces.registry import platform_can, platform_name
from marketplaces.selectors import account_list, game_asks, game_daily_median, game_prints
from portfolios.labels import seats_label
from portfolios.models import EventMapping, Game, OwnerState, SeasonTicket, Seat
from portfolios.selectors import event_mappings_of, game_get, seats_of_game
from seatsync.core.actors import Actor
from seatsync.core.charts import Line, Mark
from seatsync.core.money import round_money

COMPARABLES, CHOSEN_FROM = 10, 200
# Seats on offer: each with the accounts that offer it, and their platforms.
Offers = dict[uuid.UUID, dict[uuid.UUID, str]]
_COLOURS = ("own", "c2", "c3", "c4", "c5", "c6")


@dataclass(frozen=True, slots=True)
class SoldSeats:
    """A sale that took seats of a block, and the price of one of them."""

    sale: Sale

    @property
    def each(self) -> Decimal:
        """The list price per ticket."""
        return round_money(self.sale.gross / self.sale.quantity) if self.sale.quantity else self.sale.gross


@dataclass(frozen=True, slots=True)
class EventLine:
    """What a marketplace says of a game: in its own word, on which day, and what its club has left; each with its time.

    `off` says in words why nothing is offered there under this event; empty where it may be.
    """

    platform: str
    paper: bool
    event_id: str
    word: str
    day: date | None
    read_at: datetime | None
    left: str
    left_at: datetime | None
    off: str
    # Whether it tells anything of its events at all.
    tells: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Seats that go together: one group, or the seats of a row without one; with its price suggestion."""

    season_ticket: SeasonTicket
    section: str
    row: str
    label: str
    seats: list[SeatView]
    cost: Decimal
    prediction: AiPrediction | None
    asks: list[Decimal]
    sales: list[SoldSeats]
    may_list: bool

    @property
    def undecided(self) -> bool:
        """Whether any of the seats is still the holder's to price."""
        return any(seat.state == OwnerState.AVAILABLE for seat in self.seats)


class GamePage:
    """Everything that the game page shows; each part is read when it is first asked for.

    Both columns of an open page fetch themselves again when something happens, and neither needs all of it.
    """

    def __init__(self, actor: Actor, game: Game) -> None:
        self.actor, self.game = actor, game

    @cached_property
    def _seats(self) -> list[Seat]:
        return list(seats_of_game(self.actor, self.game))

    @cached_property
    def _own(self) -> list[Listing]:
        own = listing_list(self.actor).filter(game=self.game)
        return list(own.order_by("section", "row", "platform", "-created_at"))

    @cached_property
    def _open(self) -> list[Listing]:
        return [listing for listing in self._own if listing.status in OPEN]

    @cached_property
    def _sections(self) -> set[str]:
        return {seat.section for seat in self._seats}

    @cached_property
    def _cells(self) -> dict[uuid.UUID, Cell]:
        shown = [listing for listing in self._own if listing.status in MAY_BE_UP]
        return cells_of(shown, self.actor)

    @cached_property
    def blocks(self) -> list[Block]:
        """The seats, as they go together."""
        return _blocks(self.actor, self._seats, self.offers, self._open)

    @cached_property
    def offers(self) -> Offers:
        """Where the seats are on offer."""
        return offered_on(seat.pk for seat in self._seats)

    @property
    def listings(self) -> list[Cell]:
        """The open listings."""
        return [self._cells[listing.pk] for listing in self._open]

    @property
    def failed(self) -> list[Cell]:
        """The listings that did not come about."""
        return [self._cells[listing.pk] for listing in self._own if listing.status == ListingStatus.ERROR]

    @property
    def closed(self) -> list[Listing]:
        """The newest of the listings that have ended."""
        return [listing for listing in self._own if listing.status not in MAY_BE_UP][:10]

    @cached_property
    def brakes(self) -> list[TradingState]:
        """What stops selling here alone: the holder's own brake stands on every page."""
        tickets = {seat.season_ticket_id for seat in self._seats}
        return brakes_of_game(self.actor, self.game, tickets, [account.pk for account in self.accounts])

    @cached_property
    def stopped(self) -> set[uuid.UUID]:
        """The accounts over which a brake lets nothing go up now: all of them, where it stands on more than those."""
        stopping = [brake for brake in self.brakes if brake.state in NOTHING_NEW]
        own, halts = brake_of_holder(self.actor), [h for h in push_halts_of(self.actor) if h.state in NOTHING_NEW]
        mine = {block.season_ticket.pk for block in self.blocks if block.may_list}
        seats = {brake.season_ticket_id for brake in stopping if brake.scope in {"season", "game"}}
        everywhere = own is not None and own.state in NOTHING_NEW
        if everywhere or (mine and mine <= seats) or any(not halt.platform for halt in halts):
            return {account.pk for account in self.accounts}
        there, places = {brake.scope_id for brake in stopping}, {halt.platform for halt in halts}
        return {account.pk for account in self.accounts if account.pk in there or account.platform in places}

    @property
    def nothing_goes_up(self) -> bool:
        """Whether a brake stops every account."""
        return bool(self.accounts) and len(self.stopped) == len(self.accounts)

    @cached_property
    def market(self) -> MarketFigures | None:
        """What others ask."""
        return market_of_games([self.game.pk]).get(self.game.pk)

    @cached_property
    def last_sales(self) -> LastSales | None:
        """What others sold for."""
        return last_sales_of_games([self.game.pk]).get(self.game.pk)

    @cached_property
    def events(self) -> list[EventLine]:
        """What each marketplace says of the game, where it is mapped: in the markets in which the person sells."""
        papers = {account.paper for account in self.accounts} or {False}
        return [_event_line(mapping) for mapping in event_mappings_of(self.game, papers)]

    @cached_property
    def asked(self) -> list[EventMapping]:
        """The marketplaces that are asked to add the game for the person's listings, and have not yet."""
        return list(event_requests(self.actor).filter(game=self.game))

    @cached_property
    def comparables(self) -> list[MarketSnapshot]:
        """Others' offers near the own seats."""
        return list(game_asks(self.game, self._sections)[:COMPARABLES])

    @cached_property
    def prints(self) -> list[MarketSnapshot]:
        """The newest of others' sales near the own seats: more than are shown, to choose from."""
        return list(game_prints(self.game, self._sections)[:CHOSEN_FROM])

    @cached_property
    def accounts(self) -> list[MarketplaceAccount]:
        """The connected accounts that take listings."""
        return [a for a in account_list(self.actor).filter(is_active=True) if a.takes_listings]

    @cached_property
    def lines(self) -> list[Line]:
        """The market's and the own prices over time."""
        return _lines(self.game, self._open)

    @property
    def marked(self) -> list[tuple[Block, list[Mark]]]:
        """The blocks, each with the prices that are marked beside its suggestion."""
        return [(block, _marks(self.market, block.asks)) for block in self.blocks]

    @property
    def movable(self) -> bool:
        """Whether any seat may be kept or freed: it is neither sold nor listed."""
        return any(seat.css not in {"sold", "held", "listed"} for block in self.blocks for seat in block.seats)

    @property
    def listed(self) -> bool:
        """Whether any seat is listed."""
        return any(seat.css == "listed" for block in self.blocks for seat in block.seats)

    @property
    def may_list(self) -> bool:
        """Whether the person may offer, reprice or take down any of these seats."""
        return any(block.may_list for block in self.blocks)

    @property
    def currency(self) -> str:
        """The currency of the own seats."""
        return self.blocks[0].season_ticket.currency if self.blocks else "USD"


def game_page(actor: Actor, game_id: uuid.UUID) -> GamePage:
    """The page of one game of the actor's; raises NotFound."""
    return GamePage(actor, game_get(actor, game_id))


_LEFT = {
    PrimaryLeft.PLENTY: "available", PrimaryLeft.FEW: "few left", PrimaryLeft.NONE: "none left",
    PrimaryLeft.UNKNOWN: "not known there",
}  # fmt: skip


def _event_line(mapping: EventMapping) -> EventLine:
    return EventLine(
        mapping.platform, mapping.paper, mapping.remote_event_id, mapping.told_word, mapping.event_date,
        mapping.told_at,
        _LEFT[PrimaryLeft(mapping.primary_left)] if mapping.primary_left else "", mapping.primary_at,
        "" if mapping.fits else "not the game's day: nothing is offered there under this event",
        platform_can(mapping.platform, Capability.EVENT_STANDING),
    )  # fmt: skip


def _blocks(actor: Actor, seats: list[Seat], offers: Offers, listings: list[Listing]) -> list[Block]:
    together: dict[tuple[uuid.UUID, str, str, uuid.UUID | None], list[Seat]] = defaultdict(list)
    for seat in seats:
        together[seat.season_ticket_id, seat.section, seat.row, seat.group_id].append(seat)
    taken = live_sales_of_seats([seat.pk for seat in seats if seat.state in {OwnerState.SOLD, OwnerState.HELD}])
    predictions = latest_predictions(actor, {seat.group_id for seat in seats if seat.group_id})
    may = {ticket.pk: ticket.may(actor, "list") for ticket in {seat.season_ticket for seat in seats}}
    asks: dict[uuid.UUID | None, list[Decimal]] = defaultdict(list)
    for listing in listings:
        asks[listing.seat_group_id].append(listing.price)
    return [
        Block(
            season_ticket=of_block[0].season_ticket,
            section=section,
            row=row,
            label=_label(of_block),
            seats=[seat_view(seat, listed=seat.pk in offers) for seat in of_block],
            cost=sum((seat.cost for seat in of_block), Decimal("0.00")),
            prediction=predictions.get(group) if group else None,
            asks=asks[group] if group else [],
            sales=_sold(of_block, taken),
            may_list=may[ticket_id],
        )
        for (ticket_id, section, row, group), of_block in together.items()
    ]


def _sold(seats: list[Seat], taken: dict[uuid.UUID, Sale]) -> list[SoldSeats]:
    sales = {taken[seat.pk].pk: taken[seat.pk] for seat in seats if seat.pk in taken}
    return [SoldSeats(sale) for sale in sales.values()]


def _label(seats: list[Seat]) -> str:
    return seats_label(seats[0].seat_number, seats[-1].seat_number)


def _marks(market: MarketFigures | None, asks: list[Decimal]) -> list[Mark]:
    marks = [Mark(market.get_in, "get-in"), Mark(market.median, "market median")] if market else []
    own = sorted(set(asks))
    # One name for all of one's own asks: the lowest bears it.
    return [*marks, *(Mark(ask, "" if place else "your lowest ask", "own") for place, ask in enumerate(own))]


def _lines(game: Game, offers: list[Listing]) -> list[Line]:
    history = price_history_of(listing.pk for listing in offers)
    median = game_daily_median(game)
    lines = [Line("Market median", median, "market")] if median else []
    shown: list[tuple[Listing, list[tuple[datetime, Decimal]]]] = [
        (listing, [(point.time, point.price) for point in history.get(listing.pk, [])]) for listing in offers
    ]
    for (listing, points), css in zip((s for s in shown if s[1]), _COLOURS, strict=False):
        seats = f" {listing.seat_group.label}" if listing.seat_group else ""
        name = f"{platform_name(listing.platform)} {listing.section}/{listing.row}{seats}"
        lines.append(Line(name, points, css, step=True))
    return lines
