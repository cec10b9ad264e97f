"""One game: its seats, offers, market and comparables."""

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from analytics.selectors.overview import SeatView, seat_view
from intelligence.models import AiPrediction
from intelligence.selectors import latest_predictions
from listings.board import Cell, cells_of
from listings.models import Listing, ListingStatus, Sale
from listings.selectors import listing_list, live_sales_of_seats, offered_on, price_history_of
from listings.states import OPEN
from marketplaces.market import LastSales, MarketFigures, last_sales_of_games, market_of_games
from marketplaces.models import MarketplaceAccount, MarketSnapshot
from marketplaces.registry import adapter_get, adapter_keys
from marketplaces.selectors import account_list, game_asks, game_daily_median, game_prints
from portfolios.models import Game, OwnerState, SeasonTicket, Seat
from portfolios.selectors import game_get, seats_of_game
from seatsync.core.actors import Actor
from seatsync.core.charts import Line, Mark
from seatsync.core.money import round_money

COMPARABLES = 10
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
class Block:
    """Seats that go together: one group, or the seats of a row without one; with its price suggestion."""

    season_ticket: SeasonTicket
    section: str
    row: str
    label: str
    seats: list[SeatView]
    cost: Decimal
    prediction: AiPrediction | None
    marks: list[Mark]
    sales: list[SoldSeats]
    may_list: bool

    @property
    def undecided(self) -> bool:
        """Whether any of the seats is still the holder's to price."""
        return any(seat.state == OwnerState.AVAILABLE for seat in self.seats)


@dataclass(frozen=True, slots=True)
class GamePage:
    """Everything the game page shows."""

    game: Game
    blocks: list[Block]
    listings: list[Cell]
    failed: list[Cell]
    closed: list[Listing]
    market: MarketFigures | None
    last_sales: LastSales | None
    comparables: list[MarketSnapshot]
    prints: list[MarketSnapshot]
    accounts: list[MarketplaceAccount]
    lines: list[Line]
    offers: Offers

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
    game = game_get(actor, game_id)
    seats = list(seats_of_game(actor, game))
    own = list(listing_list(actor).filter(game=game).order_by("section", "row", "platform", "-created_at"))
    listings = [listing for listing in own if listing.status in OPEN]
    failed = [listing for listing in own if listing.status == ListingStatus.ERROR]
    cells = cells_of([*listings, *failed])
    market = market_of_games([game.pk]).get(game.pk)
    sections = {seat.section for seat in seats}
    offers = offered_on(seat.pk for seat in seats)
    return GamePage(
        game=game,
        blocks=_blocks(actor, seats, offers, listings, market),
        listings=[cells[listing.pk] for listing in listings],
        failed=[cells[listing.pk] for listing in failed],
        closed=[listing for listing in own if listing.status not in {*OPEN, ListingStatus.ERROR}][:10],
        market=market,
        last_sales=last_sales_of_games([game.pk]).get(game.pk),
        comparables=list(game_asks(game, sections)[:COMPARABLES]),
        prints=list(game_prints(game, sections)[:COMPARABLES]),
        accounts=[a for a in account_list(actor).filter(is_active=True) if a.takes_listings],
        lines=_lines(game, listings),
        offers=offers,
    )


def _blocks(
    actor: Actor, seats: list[Seat], offers: Offers, listings: list[Listing], market: MarketFigures | None
) -> list[Block]:
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
            marks=_marks(market, asks[group] if group else []),
            sales=_sold(of_block, taken),
            may_list=may[ticket_id],
        )
        for (ticket_id, section, row, group), of_block in together.items()
    ]


def _sold(seats: list[Seat], taken: dict[uuid.UUID, Sale]) -> list[SoldSeats]:
    sales = {taken[seat.pk].pk: taken[seat.pk] for seat in seats if seat.pk in taken}
    return [SoldSeats(sale) for sale in sales.values()]


def _label(seats: list[Seat]) -> str:
    first, last = seats[0].seat_number, seats[-1].seat_number
    return str(first) if first == last else f"{first}-{last}"


def _marks(market: MarketFigures | None, asks: list[Decimal]) -> list[Mark]:
    marks = [Mark(market.get_in, "get-in"), Mark(market.median, "market median")] if market else []
    own = sorted(set(asks))
    # One name for all of one's own asks: the lowest bears it.
    return [*marks, *(Mark(ask, "" if place else "your lowest ask", "own") for place, ask in enumerate(own))]


def _name(listing: Listing) -> str:
    return adapter_get(listing.platform).traits.name if listing.platform in adapter_keys() else listing.platform.title()


def _lines(game: Game, offers: list[Listing]) -> list[Line]:
    history = price_history_of(listing.pk for listing in offers)
    median = game_daily_median(game)
    lines = [Line("Market median", median, "market")] if median else []
    shown: list[tuple[Listing, list[tuple[datetime, Decimal]]]] = [
        (listing, [(point.time, point.price) for point in history.get(listing.pk, [])]) for listing in offers
    ]
    for (listing, points), css in zip((s for s in shown if s[1]), _COLOURS, strict=False):
        seats = f" {listing.seat_group.label}" if listing.seat_group else ""
        lines.append(Line(f"{_name(listing)} {listing.section}/{listing.row}{seats}", points, css, step=True))
    return lines
