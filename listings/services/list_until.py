"""Until when a listing may be on sale (I-08), and which of all that bounds it comes first."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import Q

from listings.models import Listing
from listings.services.allowed import listing_locked_for
from listings.services.notify import listing_changed
from marketplaces.deadlines import CutOff, CutOffBasis, ListUntils
from marketplaces.delivery import DeliveryType
from marketplaces.models import TICKET_KINDS, TransferCutOffVersion
from marketplaces.registry import platform_name
from marketplaces.selectors import list_untils, transfer_cut_offs
from portfolios.models import Game
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.core.venue_time import local


class Bound(StrEnum):
    """What a listing comes down for."""

    # Its marketplace's list-until for tickets of its kind, or our own caution.
    EXCHANGE = "exchange"
    # Its marketplace said of this very listing when it ends it.
    TOLD = "told"
    # The club or the league lets no ticket be transferred any more.
    TRANSFER = "transfer"
    OWN = "own"
    START = "start"


@dataclass(frozen=True, slots=True)
class ComesDown:
    """When a listing comes down (aware UTC), for which of its bounds, and why in words."""

    at: datetime
    bound: Bound
    why: str

    @property
    def over(self) -> bool:
        """Whether that moment is past: nothing is listed any more."""
        return self.at <= now()


@dataclass(frozen=True, slots=True)
class CutOffs:
    """The dated rows in force, read once for any number of listings."""

    untils: ListUntils
    of_teams: Mapping[uuid.UUID, TransferCutOffVersion] = field(default_factory=dict)
    of_leagues: Mapping[uuid.UUID, TransferCutOffVersion] = field(default_factory=dict)

    def transfer_of(self, game: Game) -> TransferCutOffVersion | None:
        """The home club's own, else its league's; None where neither has one."""
        return self.of_teams.get(game.home_team_id) or self.of_leagues.get(game.home_team.league_id)


def cut_offs() -> CutOffs:
    """The rows in force today; two queries."""
    rows = transfer_cut_offs()
    return CutOffs(
        list_untils(),
        {row.team_id: row for row in rows if row.team_id is not None},
        {row.league_id: row for row in rows if row.league_id is not None},
    )


def comes_down(listing: Listing, rows: CutOffs | None = None) -> ComesDown:
    """When this listing comes down, and for which of its bounds: the first of them; of two at once the nearer to us.

    `rows`: those in force, where several listings are asked about. Where it matters whether its tickets lie at the
    marketplace it is looked up, or read from the prefetched `tickets_sent`.
    """
    rows = rows or cut_offs()
    game, name = listing.game, platform_name(listing.platform)
    found = [_by_exchange(listing, rows.untils, name), ComesDown(game.starts_at, Bound.START, "the game begins")]
    if listing.list_until is not None:
        found.append(ComesDown(listing.list_until, Bound.OWN, "your own cut-off"))
    if listing.expires_there is not None:
        found.append(ComesDown(listing.expires_there, Bound.TOLD, f"{name} ends this listing then"))
    transfer = rows.transfer_of(game) if listing.delivery == DeliveryType.MOBILE_TRANSFER else None
    if transfer is not None:
        long = CutOff(transfer.hours)
        why = f"{transfer.team or transfer.league} lets no ticket be transferred from {long.words} before the game on"
        found.append(ComesDown(long.before(game.starts_at, game.venue.timezone), Bound.TRANSFER, why))
    return min(found, key=lambda one: one.at)


def ends_of(game: Game, platforms: Iterable[str], delivery: str) -> dict[str, ComesDown]:
    """When seats of a game that are listed now would come down, by platform, with tickets of this kind."""
    rows = cut_offs()
    return {
        platform: comes_down(Listing(game=game, platform=platform, delivery=delivery), rows) for platform in platforms
    }


def _by_exchange(listing: Listing, untils: ListUntils, name: str) -> ComesDown:
    until = untils.of(listing.platform, listing.delivery, uploaded=_uploaded(listing, untils))
    tickets, long = TICKET_KINDS[DeliveryType(listing.delivery)], until.cut_off.words
    why = {
        CutOffBasis.STOPS: f"{name} stops {tickets} sales {long} before the game",
        CutOffBasis.DELIVERY: f"{name} wants what it sold handed over by {long} before the game",
        CutOffBasis.CAUTION: f"{long} before the game, our own caution: {name} publishes no end of {tickets} sales",
    }[until.basis]
    at = until.cut_off.before(listing.game.starts_at, listing.game.venue.timezone)
    return ComesDown(at, Bound.EXCHANGE, why)


def _uploaded(listing: Listing, untils: ListUntils) -> bool:
    """Whether every ticket of it lies at its marketplace; asked only where that makes a difference."""
    if listing._state.adding or not untils.asks_uploaded(listing.platform, listing.delivery):
        return False
    there = {row.seat_id for row in listing.tickets_sent.all()}
    return bool(there) and {row.seat_id for row in listing.listing_seats.all() if row.offered} <= there


def may_be_due(rows: CutOffs) -> list[Q]:
    """Listings that may have to come down now, as conditions for SQL: each for itself, since all in one use no index.

    By the widest bound of tickets of each kind; `comes_down` says of each that is found.
    """
    moment = now()
    by_kind = Q(pk__in=[])
    transfers = [CutOff(row.hours).at_most for row in (*rows.of_teams.values(), *rows.of_leagues.values())]
    for kind in DeliveryType:
        spans = [rows.untils.at_most(kind), *(transfers if kind is DeliveryType.MOBILE_TRANSFER else [])]
        by_kind |= Q(delivery=kind.value, game__starts_at__lte=moment + max(spans))
    return [by_kind, Q(list_until__lte=moment), Q(expires_there__lte=moment)]


def until_told(down: ComesDown, zone: str) -> str:
    """When and why, in words, by the venue's clock: "26 Nov 18:00 PST: Vivid Seats stops PDF sales 48 h before it"."""
    return f"{local(down.at, zone):%-d %b %H:%M %Z}: {down.why}"


def own_until_check(list_until: datetime | None, game: Game) -> None:
    """Raises InvalidInput for a cut-off of the holder's own that is not to come, or does not come before the start."""
    if list_until is None:
        return
    if list_until <= now():
        raise InvalidInput(
            "Your own cut-off is over already.", field="list_until", remedy="Choose a moment that is still to come."
        )
    if list_until >= game.starts_at:
        starts = local(game.starts_at, game.venue.timezone)
        raise InvalidInput(
            f"The game begins {starts:%-d %b %H:%M %Z}, before your own cut-off.", field="list_until",
            remedy="Choose an earlier moment, or leave it empty.",
        )  # fmt: skip


def still_listable_check(
    listing: Listing, rows: CutOffs | None = None, *, else_do: str = "Leave this marketplace out."
) -> None:  # fmt: skip
    """Raises Conflict, with `else_do` for a remedy, where the listing would have to come down at once."""
    down = comes_down(listing, rows)
    if not down.over:
        return
    told = until_told(down, listing.game.venue.timezone)
    own = down.bound is Bound.OWN
    raise Conflict(
        f"It is too late to list these seats on {platform_name(listing.platform)}. Until {told}.",
        field="list_until" if own else "accounts",
        remedy="Choose a later cut-off of your own." if own else else_do,
    )  # fmt: skip


@transaction.atomic
def listing_until_set(
    *, actor: Actor, listing_id: uuid.UUID, list_until: datetime | None, version: int | None
) -> Listing:  # fmt: skip
    """Set until when its holder wants a listing on sale; None: as long as it may be.

    Raises NotFound, NotAllowed, StaleVersion, InvalidInput for a moment that is over or not before the start, or
    Conflict where it is not on offer.
    """
    remedy = "Publish the seats again, until when you like."
    listing = listing_locked_for(actor, listing_id, version=version, remedy=remedy)
    own_until_check(list_until, listing.game)
    before = {"list_until": listing.list_until}
    listing.list_until = list_until
    listing.version += 1
    listing.save(update_fields=["list_until", "version", "updated_at"])
    listing_changed(listing)
    audit_record(
        actor=actor, verb="listing.until", object_type="listing", object_id=listing.pk,
        subject=listing.season_ticket.user_id, before=before, after={"list_until": list_until},
    )  # fmt: skip
    return listing


def expiry_note(listing: Listing, expires_at: datetime | None) -> None:
    """Note when its marketplace will end a locked listing; one that tells none has said nothing new."""
    if expires_at is None or expires_at == listing.expires_there:
        return
    listing.expires_there = expires_at
    listing.save(update_fields=["expires_there", "updated_at"])
    listing_changed(listing)
