"""The listing board: one row per seat group, one column per marketplace."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Q, QuerySet, prefetch_related_objects

from listings.models import CommandState, Listing, MarketplaceCommand
from listings.selectors import listing_list, views_of
from listings.states import OFFERED, OPEN, WANTED
from marketplaces.contracts import Capability
from marketplaces.models import FeeVersion, Mode
from marketplaces.registry import platform_can, traits_of
from marketplaces.selectors import NetBasis, accounts_able, fee_version, net_said, proceeds_at
from portfolios.models import Game, SeasonTicket
from seatsync.core.actors import Actor
from seatsync.core.clock import now

# Rows a board shows; more are reached by the filters.
BOARD_LISTINGS = 600


@dataclass(frozen=True, slots=True)
class Cell:
    """One marketplace's listing of a row, with what its last command says: "", waiting, sending or needs a person.

    `command` is that command, where there is one; `views` what the marketplace told last, None where it tells none;
    `may_price` and `may_take_down` whether whoever looks may do that now.
    """

    listing: Listing
    sync: str
    error: str
    command: MarketplaceCommand | None = None
    views: int | None = None
    may_price: bool = False
    may_take_down: bool = False

    @property
    def sweeps(self) -> bool:
        """Whether it is up, and its marketplace can be asked whether it is as we want it."""
        up = self.listing.status in OFFERED and not self.by_hand
        return up and platform_can(self.listing.platform, Capability.LIST_ALL)

    @property
    def by_hand(self) -> bool:
        """Whether nobody looks at it there but its holder."""
        return self.listing.account.mode == Mode.ASSISTED


@dataclass(frozen=True, slots=True)
class Preview:
    """What a row's lowest ask would bring on a marketplace where it is not listed; `net` None where no fee is known.

    `said`: how it is known, in words.
    """

    price: Decimal
    currency: str
    net: Decimal | None
    said: str


@dataclass(frozen=True, slots=True)
class BoardRow:
    """The offers of one seat group; `cells` has a place for every column."""

    game: Game
    season_ticket: SeasonTicket
    section: str
    row: str
    label: str
    quantity: int
    platforms: list[str]
    cells: list[list[Cell]]
    previews: dict[str, Preview] = field(default_factory=dict)

    @property
    def offers(self) -> list[tuple[str, list[Cell], Preview | None]]:
        """Each column's platform with its cells, and where there is none what listing there would bring."""
        pairs = zip(self.platforms, self.cells, strict=True)
        return [(platform, cells, self.previews.get(platform)) for platform, cells in pairs]

    @property
    def asks(self) -> list[tuple[Decimal, str]]:
        """What is asked for these seats where they are on offer or could not be published, with the currency."""
        every = (cell.listing for cells in self.cells for cell in cells)
        return [(listing.price, listing.currency) for listing in every if listing.status in WANTED]


@dataclass(frozen=True, slots=True)
class Board:
    """The whole board: the rows of what was asked for, with what else is up of the same seats; `listings` in all."""

    platforms: list[str]
    rows: list[BoardRow]
    listings: int

    @property
    def choosable(self) -> int:
        """How many of its listings whoever looks may change."""
        every = (cell for row in self.rows for cells in row.cells for cell in cells)
        return sum(cell.may_price or cell.may_take_down for cell in every)

    @property
    def tell_views(self) -> str:
        """The marketplaces of the board that tell how often buyers looked, by name; empty where none does."""
        found = [traits_of(platform) for platform in self.platforms]
        return " and ".join(traits.name for traits in found if traits is not None and traits.tells_views)


def board(actor: Actor, *, show: str = "", platform: str = "", status: str = "", opponent: str = "") -> Board:
    """The visible listings as a board, in a constant number of queries."""
    listings = list(_filtered(listing_list(actor), show, platform, status, opponent)[:BOARD_LISTINGS])
    beside = []
    if status or show == "ended" or len(listings) == BOARD_LISTINGS:
        beside = _beside(actor, listings, platform)
    able = {} if platform else _able(actor)
    platforms = sorted({listing.platform for listing in [*listings, *beside]} | able.keys())
    cells = cells_of([*listings, *beside], actor)
    rows: dict[tuple[object, ...], BoardRow] = {}
    for listing in [*listings, *beside]:
        row = rows.setdefault(_seats_key(listing), _row(listing, platforms))
        row.cells[platforms.index(listing.platform)].append(cells[listing.pk])
    fees = {key: fee_version(key) for key in sorted(able)}
    asked = {key for key, by_hand in able.items() if not by_hand}
    for row in rows.values():
        _foresee(row, fees, asked)
    return Board(platforms, sorted(rows.values(), key=lambda row: row.game.starts_at), len(cells))


def _seats_key(listing: Listing) -> tuple[object, ...]:
    """What makes a row: the seats that are offered."""
    return (listing.season_ticket_id, listing.game_id, listing.seat_group_id, listing.section, listing.row)


def _beside(actor: Actor, listings: list[Listing], platform: str) -> list[Listing]:
    """What is up of the same seats and was not asked for: hidden, its place would say that it is not listed."""
    keys = {_seats_key(listing) for listing in listings}
    others = listing_list(actor).filter(
        status__in=WANTED | OPEN, game__in={listing.game_id for listing in listings}
    ).exclude(pk__in=[listing.pk for listing in listings])  # fmt: skip
    if platform:
        others = others.filter(platform=platform)
    return [listing for listing in others if _seats_key(listing) in keys]


def _able(actor: Actor) -> dict[str, bool]:
    """The platforms on which the actor could list something now, and whether that is by hand alone."""
    modes = sorted(accounts_able(actor).order_by().values_list("platform", "mode").distinct())
    return {key: {mode for other, mode in modes if other == key} == {Mode.ASSISTED} for key, _ in modes}


def _foresee(row: BoardRow, fees: Mapping[str, FeeVersion | None], asked: Collection[str]) -> None:
    """What the row's lowest ask would bring where these seats are not offered, as long as they can be."""
    if not row.asks or row.game.starts_at <= now():
        return
    price, currency = min(row.asks)
    for platform, cells in zip(row.platforms, row.cells, strict=True):
        if platform in fees and not any(cell.listing.status in WANTED | OPEN for cell in cells):
            fee = fees[platform]
            basis = NetBasis.UNTOLD if fee is None else NetBasis.FEES
            can = platform in asked and platform_can(platform, Capability.PREVIEW)
            said = net_said(basis, platform, fee.valid_from if fee else None, asked=can)
            row.previews[platform] = Preview(price, currency, proceeds_at(price, fee), said)


def _filtered(listings: QuerySet[Listing], show: str, platform: str, status: str, opponent: str) -> QuerySet[Listing]:
    if status:
        listings = listings.filter(status=status)
    elif show == "ended":
        listings = listings.exclude(status__in=OPEN)
    elif show != "all":
        listings = listings.filter(Q(status__in=OPEN) | Q(status="error"))
    if platform:
        listings = listings.filter(platform=platform)
    if opponent:
        names = Q(game__opponent__name__icontains=opponent) | Q(game__opponent__abbreviation__iexact=opponent)
        listings = listings.filter(names)
    return listings.order_by("game__starts_at", "section", "row", "platform")


def _row(listing: Listing, platforms: list[str]) -> BoardRow:
    group = listing.seat_group
    return BoardRow(
        listing.game, listing.season_ticket, listing.section, listing.row, group.label if group else "",
        listing.quantity, platforms, [[] for _ in platforms],
    )  # fmt: skip


def cells_of(listings: Iterable[Listing], actor: Actor) -> dict[uuid.UUID, Cell]:
    """The cells of listings as `actor` sees them, each with the state of its unfinished command."""
    wanted = list(listings)
    unfinished = MarketplaceCommand.objects.filter(
        listing__in=[listing.pk for listing in wanted],
        state__in=[CommandState.PENDING, CommandState.IN_FLIGHT, CommandState.NEEDS_PERSON],
    ).order_by("created_at")
    last = {command.listing_id: command for command in unfinished}
    views = views_of([listing.pk for listing in wanted])
    tickets = {listing.season_ticket_id: listing.season_ticket for listing in wanted}
    prefetch_related_objects([ticket for ticket in tickets.values() if ticket.user_id != actor.user_id], "shares")
    may = {pk: {verb: ticket.may(actor, verb) for verb in ("reprice", "delist")} for pk, ticket in tickets.items()}
    return {
        listing.pk: _cell(listing, last.get(listing.pk), views.get(listing.pk), may[listing.season_ticket_id])
        for listing in wanted
    }


def _cell(listing: Listing, command: MarketplaceCommand | None, views: int | None, may: Mapping[str, bool]) -> Cell:
    sync, error = ("", "") if command is None else (command.state, command.last_error)
    return Cell(
        listing, sync, error, command, views, may_price=may["reprice"] and listing.status in OFFERED,
        may_take_down=may["delist"] and listing.status in WANTED,
    )  # fmt: skip
