"""A season ticket at a glance: totals and one row a game, in a constant number of queries."""

import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from intelligence.models import AiPrediction
from intelligence.selectors import latest_predictions
from listings.models import Listing, Sale, SaleState
from listings.payables import came_of, taken_back_of
from listings.selectors import charged_for_ended_sales, listing_list, live_sales_of_seats, offers_of_ticket
from listings.states import OPEN, sale_counts
from marketplaces.market import LastSales, MarketFigures, last_sales_of_games, market_of_games
from marketplaces.models import Mode
from portfolios.models import Game, OwnerState, SeasonTicket, Seat
from portfolios.selectors import seats_of_ticket
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.money import Money

ZERO = Decimal("0.00")
_GIVEN = {OwnerState.TRANSFERRED, OwnerState.DONATED, OwnerState.SWAPPED, OwnerState.RELINQUISHED}

# A seat's look -> the part of the season's totals that it belongs to.
_PARTS = {
    "sold": "sold", "held": "held", "listed": "listed", "attending": "kept", "given": "given",
    "available": "undecided", "unused": "unused",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeatView:
    """One seat as shown: its number, and its state as a word and a look. "listed" is derived from open listings."""

    id: uuid.UUID
    number: int
    css: str
    word: str
    group_id: uuid.UUID | None
    state: str


@dataclass(frozen=True, slots=True)
class GameRow:
    """One game of a season ticket. Money per game in the ticket's currency; market and suggestion per ticket.

    `other_currency` of the sold seats were paid in another one, and `called_off` of them are of sales that bring
    nothing because the game is off: they are in none of the sums, nor are the `untold` ones, of sales whose proceeds
    are not told and of which nothing came yet. Proceeds are less what was charged for their sales, and less what was
    `taken_back` of them. `promised_seats` are being paid for: they are not sold yet, and `promised` is what they will
    bring, as far as it is told in the ticket's currency. Where anything of the ticket is for real, what is `practised`
    (sold, or being paid for, on paper) and `practice_listings` are in no figure beside it.
    """

    game: Game
    seats: list[SeatView]
    cost: Decimal
    market: MarketFigures | None
    suggestion: AiPrediction | None
    listings: list[Listing]
    sold_seats: int
    sold_proceeds: Decimal
    sold_cost: Decimal
    state: str
    last_sales: LastSales | None = None
    other_currency: int = 0
    called_off: int = 0
    untold: int = 0
    untold_sales: int = 0
    taken_back: Decimal = ZERO
    promised_seats: int = 0
    promised: Decimal = ZERO
    practised: int = 0
    practice_proceeds: Decimal = ZERO
    practice_listings: int = 0

    @property
    def lowest_ask(self) -> Decimal | None:
        """The lowest of the own open asks."""
        return min((listing.price for listing in self.listings), default=None)

    @property
    def result(self) -> Decimal | None:
        """Proceeds less cost of the sold seats; None where none is sold for money of the ticket's currency."""
        left_out = self.other_currency + self.called_off + self.untold
        return self.sold_proceeds - self.sold_cost if self.sold_seats > left_out else None


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the season's seats, and what they cost."""

    seats: int = 0
    cost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class SeasonTotals:
    """The season in figures: every seat lies in exactly one part, so that seats and costs add up to the whole.

    `undecided` seats are free and still to come, `unused` ones were neither sold, kept nor given before their game.
    `asked` is what open listings ask, each seat once at its lowest price. `other_currency` of the sold seats were paid
    in another currency than the ticket's, `called_off` are of games that are off, and `untold` of `untold_sales` sales
    whose proceeds nobody told and of which nothing came yet: proceeds, result and the cost beside them leave them out.
    `charged` is what sales that are over cost; the result bears it. `taken_back` of sales that stand is off their
    proceeds, and `promised` is what the seats that are being paid for will bring.
    Money on paper and real money are never one sum: all of it is of the one or the other (`on_paper`, where nothing of
    the ticket is for real). Else what was `practised` is told apart: seats, what they brought, what is asked on paper.
    """

    games: int
    whole: Part
    sold: Part
    held: Part
    listed: Part
    kept: Part
    given: Part
    undecided: Part
    unused: Part
    undecided_games: int
    sold_proceeds: Decimal
    sold_cost: Decimal
    asked: Decimal
    other_currency: int
    called_off: int
    untold: int
    untold_sales: int
    charged: Decimal
    taken_back: Decimal
    promised: Decimal
    on_paper: bool
    practised: int
    practice_proceeds: Decimal
    practice_asked: Decimal

    @property
    def parts(self) -> list[Part]:
        """All parts of the whole."""
        return [self.sold, self.held, self.listed, self.kept, self.given, self.undecided, self.unused]

    @property
    def counted(self) -> int:
        """How many sold seats the proceeds are of."""
        return self.sold.seats - self.other_currency - self.called_off - self.untold - self.practised

    @property
    def result(self) -> Decimal | None:
        """Proceeds less cost over the counted seats, and less what was charged; None where there is none of either."""
        return self.sold_proceeds - self.sold_cost - self.charged if self.counted or self.charged else None

    @property
    def result_percent(self) -> Decimal | None:
        """The result as a share of those seats' cost."""
        return self.result / self.sold_cost * 100 if self.result is not None and self.sold_cost else None


@dataclass(frozen=True, slots=True)
class SeasonOverview:
    """A season ticket's totals and games."""

    season_ticket: SeasonTicket
    totals: SeasonTotals
    games: list[GameRow]


@dataclass(slots=True)
class _Facts:
    currency: str
    # Of which market the figures are: of the paper one only where nothing is for real.
    on_paper: bool
    offered: dict[bool, dict[uuid.UUID, Decimal]]
    sales: dict[uuid.UUID, Sale]
    # What came of those sales whose proceeds are not told.
    came: dict[uuid.UUID, Decimal]
    # What was taken back of the others.
    taken_back: dict[uuid.UUID, Decimal]
    listings: dict[uuid.UUID, list[Listing]]
    market: dict[uuid.UUID, MarketFigures]
    last_sales: dict[uuid.UUID, LastSales]
    charged: Decimal
    predictions: dict[uuid.UUID, AiPrediction] = field(default_factory=dict)


def season_overview(actor: Actor, season_ticket: SeasonTicket) -> SeasonOverview:
    """Totals and game rows of one visible season ticket; the query count does not grow with the games."""
    seats = seats_of_ticket(actor, season_ticket)
    by_game: dict[uuid.UUID, list[Seat]] = defaultdict(list)
    for seat in seats:
        by_game[seat.game_id].append(seat)
    facts = _facts(actor, season_ticket, seats)
    rows = [_row(of_game, facts) for of_game in by_game.values()]
    return SeasonOverview(season_ticket, _totals(season_ticket, seats, rows, facts), rows)


def _facts(actor: Actor, season_ticket: SeasonTicket, seats: list[Seat]) -> _Facts:
    open_listings = listing_list(actor).filter(season_ticket=season_ticket, status__in=OPEN)
    by_game: dict[uuid.UUID, list[Listing]] = defaultdict(list)
    for listing in open_listings:
        by_game[listing.game_id].append(listing)
    groups = {seat.group_id for seat in seats if seat.group_id}
    games = {seat.game_id for seat in seats}
    market = market_of_games(games)
    sold = [seat.pk for seat in seats if seat.state in {OwnerState.SOLD, OwnerState.HELD}]
    sales = live_sales_of_seats(sold)
    offered, charged = offers_of_ticket(season_ticket), charged_for_ended_sales(season_ticket)
    for_real = bool(offered[False] or charged[False]) or any(not sale.on_paper for sale in sales.values())
    on_paper = not for_real and bool(offered[True] or charged[True] or sales)
    return _Facts(
        currency=season_ticket.currency,
        on_paper=on_paper,
        offered=offered,
        sales=sales,
        came=came_of(sale for sale in sales.values() if not sale.proceeds_told),
        taken_back=taken_back_of(sale for sale in sales.values() if sale.proceeds_told),
        listings=by_game,
        market=market,
        # They stand where no offer was seen.
        last_sales=last_sales_of_games(games - market.keys()),
        charged=charged[on_paper],
        predictions=latest_predictions(actor, groups),
    )


def _row(seats: list[Seat], facts: _Facts) -> GameRow:
    game = seats[0].game
    taken = [(seat, facts.sales[seat.pk]) for seat in seats if seat.pk in facts.sales]
    promised = [sale for _, sale in taken if sale.state == SaleState.PROVISIONAL]
    every = [(seat, sale) for seat, sale in taken if sale.state != SaleState.PROVISIONAL]
    sold = [(seat, sale) for seat, sale in every if sale.on_paper == facts.on_paper]
    practice = [sale for _, sale in every if sale.on_paper != facts.on_paper]
    own = [listing for listing in facts.listings.get(game.pk, []) if (listing.mode == Mode.PAPER) == facts.on_paper]
    # Amounts of two currencies have no sum.
    same = [(seat, sale) for seat, sale in sold if sale.currency == facts.currency]
    counting = [(seat, sale) for seat, sale in same if sale_counts(sale.state, sale.ending)]
    untold = [sale for _, sale in counting if not sale.proceeds_told and sale.pk not in facts.came]
    added = [(seat, sale) for seat, sale in counting if sale.proceeds_told or sale.pk in facts.came]
    views = [seat_view(seat, listed=any(seat.pk in there for there in facts.offered.values())) for seat in seats]
    group = next((seat.group_id for seat in seats if seat.group_id in facts.predictions), None)
    return GameRow(
        game=game,
        seats=views,
        cost=sum((seat.cost for seat in seats), ZERO),
        market=facts.market.get(game.pk),
        suggestion=facts.predictions.get(group) if group else None,
        listings=sorted(own, key=lambda listing: listing.price),
        sold_seats=len(sold),
        sold_proceeds=_proceeds([sale for _, sale in added], facts),
        sold_cost=sum((seat.cost for seat, _ in added), ZERO),
        state=_game_state(views),
        last_sales=facts.last_sales.get(game.pk),
        other_currency=len(sold) - len(same),
        called_off=len(same) - len(counting),
        untold=len(untold),
        untold_sales=len({sale.pk for sale in untold}),
        taken_back=sum({sale.pk: facts.taken_back.get(sale.pk, ZERO) for _, sale in added}.values(), ZERO),
        promised_seats=len(promised),
        promised=_proceeds([one for one in promised if _counts_promised(one, facts)], facts),
        practised=len(practice),
        practice_proceeds=_proceeds([one for one in practice if _brings(one, facts)], facts),
        practice_listings=len(facts.listings.get(game.pk, [])) - len(own),
    )


def _counts_promised(sale: Sale, facts: _Facts) -> bool:
    """Whether what a promised sale will bring is told, in this currency and market."""
    return sale.proceeds_told and sale.currency == facts.currency and sale.on_paper == facts.on_paper


def _brings(sale: Sale, facts: _Facts) -> bool:
    """Whether what a sale brings is known, in this currency."""
    known = sale.proceeds_told or sale.pk in facts.came
    return known and sale.currency == facts.currency and sale_counts(sale.state, sale.ending)


def seat_view(seat: Seat, *, listed: bool) -> SeatView:
    """How a seat is shown."""
    word = seat.get_state_display()
    css = seat.state
    if seat.state in _GIVEN:
        css = "given"
    elif seat.state == OwnerState.AVAILABLE and listed:
        css, word = "listed", "listed"
    elif seat.state == OwnerState.AVAILABLE and seat.game.starts_at <= now():
        css, word = "unused", "unused"
    elif seat.state == OwnerState.HELD:
        word = "being paid for"
    return SeatView(seat.pk, seat.seat_number, css, word, seat.group_id, seat.state)


def _proceeds(sales: list[Sale], facts: _Facts) -> Decimal:
    """What sales brought that are given once a seat: of each its share, rounded once and not for every seat."""
    seats = Counter(sale.pk for sale in sales)
    by_id = {sale.pk: sale for sale in sales}
    brought = {
        pk: facts.came.get(pk, sale.to_you) - facts.taken_back.get(pk, ZERO) for pk, sale in by_id.items()
    }  # fmt: skip
    shares = (Money(brought[pk] * n / (by_id[pk].quantity or n), by_id[pk].currency) for pk, n in seats.items())
    return sum(shares, Money(ZERO, facts.currency)).amount


def _game_state(views: list[SeatView]) -> str:
    looks = {view.css for view in views}
    if len(looks) > 1:
        return "mixed"
    return {"available": "open", "attending": "kept"}.get(next(iter(looks)), next(iter(looks)))


def _totals(ticket: SeasonTicket, seats: list[Seat], rows: list[GameRow], facts: _Facts) -> SeasonTotals:
    looks = {view.id: view.css for row in rows for view in row.seats}
    by_part: dict[str, list[Seat]] = defaultdict(list)
    for seat in seats:
        sale = facts.sales.get(seat.pk)
        # What is only promised may come to nothing: its seats are held for it, and their money is counted apart.
        promised = sale is not None and sale.state == SaleState.PROVISIONAL
        part = "held" if promised else "sold" if sale is not None else _PARTS[looks[seat.pk]]
        by_part[part].append(seat)
    parts = {name: Part(len(found), sum((seat.cost for seat in found), ZERO)) for name, found in by_part.items()}
    return SeasonTotals(
        games=len(rows),
        whole=Part(len(seats), ticket.cost_basis),
        undecided_games=len({seat.game_id for seat in by_part["undecided"]}),
        sold_proceeds=sum((row.sold_proceeds for row in rows), ZERO),
        sold_cost=sum((row.sold_cost for row in rows), ZERO),
        other_currency=sum(row.other_currency for row in rows),
        called_off=sum(row.called_off for row in rows),
        untold=sum(row.untold for row in rows),
        untold_sales=sum(row.untold_sales for row in rows),
        charged=facts.charged,
        taken_back=sum((row.taken_back for row in rows), ZERO),
        promised=sum((row.promised for row in rows), ZERO),
        on_paper=facts.on_paper,
        practised=sum(row.practised for row in rows),
        practice_proceeds=sum((row.practice_proceeds for row in rows), ZERO),
        asked=_asked(by_part["listed"], facts.offered[facts.on_paper]),
        practice_asked=_asked(by_part["listed"], {} if facts.on_paper else facts.offered[True]),
        **{name: parts.get(name, Part()) for name in set(_PARTS.values())},
    )


def _asked(listed: list[Seat], offered: dict[uuid.UUID, Decimal]) -> Decimal:
    """What is asked for those of these seats that are among the offered ones."""
    return sum((offered[seat.pk] for seat in listed if seat.pk in offered), ZERO)
