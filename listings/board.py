"""The listing board: one row per seat group, one column per marketplace."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from listings.models import CommandState, Listing, MarketplaceCommand
from listings.selectors import listing_list
from listings.states import OPEN
from portfolios.models import Game, SeasonTicket
from seatsync.core.actors import Actor

# Rows a board shows; more are reached by the filters.
BOARD_LISTINGS = 600


@dataclass(frozen=True, slots=True)
class Cell:
    """One marketplace's listing of a row, with what its last command says: "", waiting, sending or needs a person.

    `command` is that command, where there is one.
    """

    listing: Listing
    sync: str
    error: str
    command: MarketplaceCommand | None = None


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

    @property
    def offers(self) -> list[tuple[str, list[Cell]]]:
        """Each column's platform with its cells."""
        return list(zip(self.platforms, self.cells, strict=True))


@dataclass(frozen=True, slots=True)
class Board:
    """The whole board."""

    platforms: list[str]
    rows: list[BoardRow]
    listings: int


def board(actor: Actor, *, show: str = "", platform: str = "", status: str = "", opponent: str = "") -> Board:
    """The visible listings as a board, in a constant number of queries."""
    listings = list(_filtered(listing_list(actor), show, platform, status, opponent)[:BOARD_LISTINGS])
    platforms = sorted({listing.platform for listing in listings})
    cells = cells_of(listings)
    rows: dict[tuple[object, ...], BoardRow] = {}
    for listing in listings:
        key = (listing.season_ticket_id, listing.game_id, listing.seat_group_id, listing.section, listing.row)
        row = rows.setdefault(key, _row(listing, platforms))
        row.cells[platforms.index(listing.platform)].append(cells[listing.pk])
    return Board(platforms, sorted(rows.values(), key=lambda row: row.game.starts_at), len(listings))


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


def cells_of(listings: Iterable[Listing]) -> dict[uuid.UUID, Cell]:
    """The cells of listings, each with the state of its unfinished command."""
    wanted = list(listings)
    unfinished = MarketplaceCommand.objects.filter(
        listing__in=[listing.pk for listing in wanted],
        state__in=[CommandState.PENDING, CommandState.IN_FLIGHT, CommandState.NEEDS_PERSON],
    ).order_by("created_at")
    last = {command.listing_id: command for command in unfinished}
    return {listing.pk: _cell(listing, last.get(listing.pk)) for listing in wanted}


def _cell(listing: Listing, command: MarketplaceCommand | None) -> Cell:
    if command is None:
        return Cell(listing, "", "")
    return Cell(listing, command.state, command.last_error, command)
