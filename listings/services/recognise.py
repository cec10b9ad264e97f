"""Which seats of ours a listing or a sale is of that was not made here: for certain, or what may be meant and why."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import QuerySet, Value

from listings.likeness import numbers_of, surely_named
from listings.models import FoundListing
from listings.services.allocation import together
from marketplaces.contracts import EventWords, RemoteListing, RemoteSale
from marketplaces.models import MarketplaceAccount
from portfolios.labels import PlaceKey
from portfolios.models import Game, Seat
from portfolios.selectors import game_mapped_to, seats_sold_by, section_mapped_to, venue_names
from seatsync.core.venue_time import local

# Longer runs of seats than a row has are a misread.
MOST_SEATS = 60
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What a marketplace says of a listing or a sale; `seats` are numbers, empty where it names none that can be.

    `ends` are the first and the last seat as it writes them.
    """

    event_id: str
    event: EventWords
    section: str
    row: str
    seats: tuple[int, ...]
    quantity: int
    ends: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Recognised:
    """The seats, certain where `why` is empty; else what may be meant (perhaps nothing), and why it is not certain."""

    seats: list[Seat] = field(default_factory=list)
    game: Game | None = None
    why: str = ""


def told_of_listing(item: RemoteListing) -> Told:
    """A listing's words."""
    seats = _run(item.seat_from, item.seat_to, item.quantity)
    ends = (item.seat_from, item.seat_to)
    return Told(item.event_id, item.event, item.section, item.row, seats, item.quantity, ends)


def told_of_sale(sale: RemoteSale) -> Told:
    """A sale's words; seats that are no numbers count as not told."""
    numbers = tuple(sorted(int(seat) for seat in sale.seats if seat.isdecimal()))
    named = numbers if len(numbers) == len(sale.seats) else ()
    ends = (sale.seats[0], sale.seats[-1]) if sale.seats else ("", "")
    return Told(sale.event_id, sale.event, sale.section, sale.row, named, sale.quantity, ends)


def told_of_found(found: FoundListing) -> Told:
    """What was kept of something found earlier: a season ticket may have been entered since."""
    seats = _run(found.seat_from, found.seat_to, found.quantity)
    words = EventWords(found.event_name, found.venue, found.local_date, found.starts_at)
    return Told(found.event_id, words, found.section, found.row, seats, found.quantity)


def recognise(account: MarketplaceAccount, told: Told, *, among: QuerySet[Seat] | None = None) -> Recognised:
    """Find the seats among those that may be sold over this account; among fewer of them, where it can be no other.

    Certain are the game (its confirmed mapping, or the only game of that day at that place), the section and the row
    (in whatever spelling, or by a confirmed mapping), and the seats: those that are named, or all that there are of
    that row where as many are told as there are, and they lie side by side.
    """
    own = seats_sold_by(account.user_id, account.tenant_id)
    if among is not None:
        own = own.filter(pk__in=among.values("pk"))
    game, why = _game(account, own, told)
    if game is None:
        return Recognised(why=why)
    there = own.filter(game=game).annotate(section_key=PlaceKey("section"), row_key=PlaceKey("row"))
    in_row = there.filter(row_key=PlaceKey(Value(told.row)))
    section = _section(account, told, game)
    placed: list[Seat] = list(in_row.filter(section_key=PlaceKey(Value(section))).order_by("seat_number"))
    if not placed:
        alike: list[Seat] = [
            seat for seat in in_row.order_by("seat_number") if numbers_of(seat.section) & numbers_of(told.section)
        ]
        if not alike:
            return Recognised(game=game, why=f"you have no seats in section {told.section}, row {told.row}")
        return Recognised(alike, game, f"section {told.section} there may be your {alike[0].section}")
    return _seats(told, placed, game)


def told_otherwise(account: MarketplaceAccount, told: Told, game: Game) -> str:
    """Of which game or day it is told to be, where that cannot be this game; empty where it can."""
    known = _mapped(account, told) or _game(account, seats_sold_by(account.user_id, account.tenant_id), told)[0]
    if known is not None:
        return "" if known == game else f"{known.opponent.name} at {known.home_team.name} on {known.game_date}"
    starts = told.event.starts_at
    day = told.event.local_date or (f"{local(starts, game.venue.timezone):%Y-%m-%d}" if starts else "")
    return "" if day in {"", game.game_date.isoformat()} else f"a game on {day}"


def _mapped(account: MarketplaceAccount, told: Told) -> Game | None:
    """The game that the event which is told is confirmed to be in the account's market."""
    return game_mapped_to(account.platform, told.event_id, paper=account.paper)


def _section(account: MarketplaceAccount, told: Told, game: Game) -> str:
    """Our name of the section that is told, where one is confirmed in the account's market; else its own."""
    return section_mapped_to(game.venue, account.platform, told.section, paper=account.paper) or told.section


def _seats(told: Told, placed: list[Seat], game: Game) -> Recognised:
    if not told.seats:
        if len(placed) != told.quantity:
            return Recognised(placed, game, f"it names no seats, and you have {len(placed)} in that row")
        # One listing holds seats side by side: as many that lie apart are hardly its own.
        apart = "it names no seats, and yours in that row are not side by side"
        return Recognised(placed, game, "" if together(placed) else apart)
    meant = [seat for seat in placed if seat.seat_number in told.seats]
    if len(meant) == len(told.seats) == told.quantity and len({seat.season_ticket_id for seat in meant}) == 1:
        return Recognised(meant, game)
    if not meant:
        return Recognised(game=game, why="its seats are not among yours")
    return Recognised(meant, game, "not all of its seats are among yours")


def _game(account: MarketplaceAccount, own: QuerySet[Seat], told: Told) -> tuple[Game | None, str]:
    mapped = _mapped(account, told)
    games = Game.objects.filter(pk__in=own.values("game_id")).select_related("home_team", "opponent", "venue")
    if mapped is not None:
        found = games.filter(pk=mapped.pk).first()
        return found, "" if found else "you have no seats of its game"
    if not told.event.dated:
        return None, "it does not say which game it is of"
    of_day = [game for game in _of_day(games, told.event) if _is(game, account.platform, told.event)]
    if len(of_day) == 1:
        return of_day[0], ""
    return None, "two of your games are on its day" if of_day else "none of your games is on its day and at its place"


def _of_day(games: QuerySet[Game], words: EventWords) -> list[Game]:
    """The games of its day; with a start that is told, as that falls at each game's own venue."""
    if words.local_date:
        try:
            return list(games.filter(game_date=date.fromisoformat(words.local_date)))
        except ValueError:
            return []
    starts = words.starts_at
    if starts is None:
        return []
    near = games.filter(starts_at__range=(starts - ONE_DAY, starts + ONE_DAY))
    return [game for game in near if local(starts, game.venue.timezone).date() == game.game_date]


def _is(game: Game, platform: str, words: EventWords) -> bool:
    teams = (game.home_team.name, game.opponent.name)
    return surely_named(teams, venue_names(game.venue, platform), event=words.name, place=words.venue)


def _run(first: str, last: str, quantity: int) -> tuple[int, ...]:
    """The seats from the first to the last; empty where they are not told, or not as many as the quantity."""
    if not first.isdecimal():
        return ()
    start, end = int(first), int(last) if last.isdecimal() else int(first)
    if not start <= end < start + MOST_SEATS or end - start + 1 != quantity:
        return ()
    return tuple(range(start, end + 1))
