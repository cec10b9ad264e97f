"""The holders: several tenants, each person with a season ticket and an account at every marketplace."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from itertools import groupby
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from marketplaces.contracts import Capability
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, adapter_list, platform_can
from marketplaces.services import connect, links
from portfolios.models import Game, League, Seat, Team, Venue, VenueSection
from portfolios.services.mapping import event_mapping_confirm
from portfolios.services.season_tickets import season_ticket_create
from seatsync.accounts.models import Role
from seatsync.accounts.selectors import actor_for
from seatsync.chaos.door import Door
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.venue_time import local
from seatsync.demo.people import user_make
from seatsync.demo.reference import fees_load
from seatsync.tenants.models import Tenant

TENANTS = 3
GAMES = 60
SEATS_A_GAME = 20
SALES_A_HOLDER = 500
LEAST_HOLDERS = 3
ZONE = "America/Los_Angeles"
# How many neighbouring seats are offered together.
SIZES = (1, 2, 4, 4, 6, 8, 8, 10)


@dataclass(frozen=True, slots=True)
class Holder:
    """One seller with his accounts, and the runs of seats that he may offer."""

    actor: Actor
    accounts: list[MarketplaceAccount]
    groups: list[list[uuid.UUID]]


def holders_make(door: Door, sales: int, chance: random.Random) -> list[Holder]:
    """People, seats and accounts enough for so many sales, made by the services that holders use."""
    fees_load()
    games = _games(door)
    made = []
    for number in range(max(LEAST_HOLDERS, -(-sales // SALES_A_HOLDER))):
        tenant, _ = Tenant.objects.get_or_create(
            slug=f"chaos-{number % TENANTS}", defaults={"name": f"Chaos {number % TENANTS}"}
        )
        user = user_make(f"holder-{number}@example.com", f"Holder {number}", tenant, Role.HOLDER)
        actor = actor_for(user, tenant.pk, "chaos")
        section = f"{101 + number}"
        VenueSection.objects.create(venue=games[0].venue, name=section, zone="Lower Box")
        ticket = season_ticket_create(
            actor=actor, user_id=user.pk, team_id=games[0].home_team_id, season_year=games[0].season_year,
            section=section, row="1", seat_from=1, seat_to=SEATS_A_GAME, cost_basis=Decimal("20000.00"),
            order_reference=f"CHAOS-{number}",
        )  # fmt: skip
        seats = Seat.objects.filter(season_ticket=ticket).order_by("game__starts_at", "seat_number")
        groups = list(_cut(list(seats.values_list("game_id", "pk")), chance))
        chance.shuffle(groups)
        made.append(Holder(actor, [_connected(actor, adapter.traits.key) for adapter in adapter_list()], groups))
    return made


def _games(door: Door) -> list[Game]:
    """A home season in the coming weeks, known to every marketplace and mapped there."""
    league = League.objects.create(key="chaos", name="Chaos League")
    venue = Venue.objects.create(name="Harbor Park", city="Seattle", timezone=ZONE)
    home = Team.objects.create(league=league, name="Harbor Gulls", abbreviation="HAR", venue=venue)
    away = Team.objects.create(league=league, name="Inland Owls", abbreviation="INL")
    first = local(now(), ZONE).replace(hour=19, minute=10, second=0, microsecond=0) + timedelta(days=14)
    starts = [(first + timedelta(days=number)).astimezone(UTC) for number in range(GAMES)]
    year = first.year
    games = [
        Game.objects.create(
            home_team=home, opponent=away, venue=venue, starts_at=at, season_year=year,
            game_date=local(at, ZONE).date(), source="chaos", source_key=str(number),
        )
        for number, at in enumerate(starts)
    ]  # fmt: skip
    events = [
        {
            "id": 500_000 + number, "name": f"{home.name} vs {away.name}", "venue": venue.name,
            "starts_at": game.starts_at.isoformat(), "local_date": game.game_date.isoformat(),
        }
        for number, game in enumerate(games)
    ]  # fmt: skip
    door.post("events", events=events)
    for adapter in adapter_list():
        if platform_can(adapter.traits.key, Capability.SEARCH_EVENTS):
            for game, event in zip(games, events, strict=True):
                event_mapping_confirm(
                    game=game, platform=adapter.traits.key, remote_event_id=str(event["id"]), by="chaos"
                )
    return games


def _cut(seats: list[tuple[uuid.UUID, uuid.UUID]], chance: random.Random) -> Iterator[list[uuid.UUID]]:
    """Each game's row of seats in runs of different lengths."""
    for _, row in groupby(seats, key=lambda seat: seat[0]):
        left = [pk for _, pk in row]
        while left:
            size = min(chance.choice(SIZES), len(left))
            yield left[:size]
            left = left[size:]


def _connected(actor: Actor, platform: str) -> MarketplaceAccount:
    """A paper account at this marketplace, by consent or by token."""
    if adapter_get(platform).traits.auth != "oauth2":
        return connect.connect_token(actor=actor, platform=platform, mode=Mode.PAPER, token="")
    redirect = f"{settings.BASE_URL}/settings/connections/done/"
    url = connect.connect_start(actor=actor, platform=platform, mode=Mode.PAPER, redirect_uri=redirect)
    answer = links.shared_client().get(url)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return connect.connect_finish(actor=actor, state=query["state"][0], code=query["code"][0], redirect_uri=redirect)
