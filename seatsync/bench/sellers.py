"""Holders of the benches' own, so that no figure depends on what the demo's holder did, and no demo on a figure."""

import time
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from listings.models import Listing
from listings.services.publish import listing_publish
from listings.states import OPEN
from marketplaces.errors import MarketplaceError
from marketplaces.models import MarketplaceAccount
from portfolios.models import Game, OwnerState, SeasonTicket, Seat
from portfolios.services.season_tickets import season_ticket_create
from seatsync.accounts.models import Role, User
from seatsync.accounts.selectors import actor_for
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.demo.accounts import accounts_load
from seatsync.demo.facts import facts
from seatsync.demo.paper import SimulatorDoor
from seatsync.demo.people import user_make
from seatsync.tenants.selectors import tenant_default

# A section for each bench: their holders' seats lie beside each other in one ledger.
SECTIONS = {"delist": "140", "publish": "141", "overhead": "142"}
SEATS_A_GAME, FIRST_ROW = 20, 40
PRICE, FLOOR, CEILING = Decimal("80.00"), Decimal("60.00"), Decimal("200.00")
PATIENCE_S = 180.0
# No listing comes down in the middle of a bench: no platform ends the sale of its kind of tickets so early.
_AHEAD = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Seller:
    """One holder with a season ticket and a paper account at either platform."""

    user: User
    actor: Actor
    ticket: SeasonTicket
    accounts: list[MarketplaceAccount]


def sellers_make(count: int, door: SimulatorDoor, *, bench: str) -> list[Seller]:
    """So many holders of a bench (a key of SECTIONS), made once.

    Raises LookupError where the demo is missing or the simulator refuses an account.
    """
    if count < 1:
        raise LookupError("At least one holder is needed.")
    game = Game.objects.filter(source=facts().source, starts_at__gt=now()).order_by("starts_at").first()
    if game is None:
        raise LookupError("The demo is not loaded, or its season is over. Run `manage.py demo` first.")
    try:
        return [_seller(game, door, bench, number) for number in range(count)]
    except MarketplaceError as error:
        raise LookupError(f"The simulator refused the bench's account ({error}). Start from a fresh state.") from error


def _seller(game: Game, door: SimulatorDoor, bench: str, number: int) -> Seller:
    tenant, name = tenant_default(), f"bench-{bench}-{number}"
    user = user_make(f"{name}@example.com", "Bench", tenant, Role.HOLDER)
    actor = actor_for(user, tenant.pk)
    ticket = SeasonTicket.objects.filter(user=user).first()
    if ticket is None:
        ticket = season_ticket_create(
            actor=actor, user_id=user.pk, team_id=game.home_team_id, season_year=game.season_year,
            section=SECTIONS[bench], row=str(FIRST_ROW + number), seat_from=1, seat_to=SEATS_A_GAME,
            cost_basis=Decimal("1000.00"), order_reference="BENCH", source=game.source,
        )  # fmt: skip
    return Seller(user, actor, ticket, accounts_load(actor, door, token=f"{name}-token"))


def offer(seller: Seller, count: int) -> list[list[Listing]]:
    """Offer `count` single seats of coming games on both platforms; the listings of a seat together.

    Raises LookupError where too few seats are free.
    """
    offered = Listing.objects.filter(status__in=OPEN)
    free = Seat.objects.filter(
        season_ticket=seller.ticket, state=OwnerState.AVAILABLE, game__starts_at__gt=now() + _AHEAD
    ).exclude(listing_seats__listing__in=offered)
    seats = list(free.order_by("game__starts_at", "seat_number")[:count])
    if len(seats) < count:
        raise LookupError(f"{len(seats)} free seats are left; {count} are needed. Start from a fresh state.")
    return [
        listing_publish(
            actor=seller.actor, seat_ids=[seat.pk], account_ids=[account.pk for account in seller.accounts],
            price=PRICE, floor=FLOOR, ceiling=CEILING,
        )
        for seat in seats
    ]  # fmt: skip


def wait_active(listings: list[Listing]) -> None:
    """Until all are up, as long as some go up. Raises LookupError where for PATIENCE_S none did."""
    ids, before, deadline = [listing.pk for listing in listings], len(listings), time.monotonic() + PATIENCE_S
    while left := Listing.objects.filter(pk__in=ids, status="publishing").count():
        if left < before:
            before, deadline = left, time.monotonic() + PATIENCE_S
        if time.monotonic() > deadline:
            raise LookupError(f"{left} listings were not published in time. Is the sync worker running?")
        time.sleep(0.5)
