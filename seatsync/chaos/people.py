"""The holders: several tenants, each person with a season ticket and an account at every marketplace."""

import random
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from functools import partial
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from marketplaces.contracts import Capability
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, adapter_list, platform_can
from marketplaces.services import connect, links
from marketplaces.services.figures import fees_load
from portfolios.models import Game, League, Team, Venue, VenueSection
from portfolios.services.mapping import event_mapping_confirm
from portfolios.services.season_tickets import season_ticket_create
from seatsync.accounts.models import Role
from seatsync.accounts.selectors import actor_for
from seatsync.chaos.door import Door
from seatsync.chaos.hands import Hands
from seatsync.chaos.held import account_with_stock
from seatsync.chaos.seats import FIRST_EVENT, GAMES, Group, group_take, groups_cut
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.venue_time import local
from seatsync.demo.people import user_make
from seatsync.tenants.models import Tenant

TENANTS = 3
SEATS_A_GAME = 20
# At so many of the marketplaces each holder has sold before.
HELD_ACCOUNTS = 2
SALES_A_HOLDER = 400
LEAST_HOLDERS = 3
ZONE = "America/Los_Angeles"


@dataclass(frozen=True, slots=True)
class Holder:
    """One seller with his accounts, and the runs of seats that he may offer."""

    actor: Actor
    accounts: list[MarketplaceAccount]
    groups: list[Group]


def holders_make(door: Door, hands: Hands, sales: int, chance: random.Random) -> list[Holder]:
    """People, seats and accounts enough for so many sales, made by the services that holders use.

    Some of the accounts hold something before they are connected (held.py).
    """
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
        groups = list(groups_cut(ticket, chance))
        chance.shuffle(groups)
        platforms = [adapter.traits.key for adapter in adapter_list()]
        # In turn, so that every marketplace has such accounts.
        known = {platforms[(number + at * HELD_ACCOUNTS) % len(platforms)] for at in range(HELD_ACCOUNTS)}
        take = partial(group_take, groups)
        accounts = [
            account_with_stock(door, hands, actor=actor, platform=platform, group=take, chance=chance)
            if platform in known else _connected(door, hands, actor, platform)
            for platform in platforms
        ]  # fmt: skip
        made.append(Holder(actor, accounts, groups))
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
            "id": FIRST_EVENT + number, "name": f"{home.name} vs {away.name}", "venue": venue.name,
            "starts_at": game.starts_at.isoformat(), "local_date": game.game_date.isoformat(),
        }
        for number, game in enumerate(games)
    ]  # fmt: skip
    door.post("events", events=events)
    for adapter in adapter_list():
        if platform_can(adapter.traits.key, Capability.SEARCH_EVENTS):
            for game, event in zip(games, events, strict=True):
                event_mapping_confirm(
                    game=game, platform=adapter.traits.key, paper=True, remote_event_id=str(event["id"]), by="chaos"
                )
    return games


def _connected(door: Door, hands: Hands, actor: Actor, platform: str) -> MarketplaceAccount:
    """A new paper account at this marketplace, by consent or by token."""
    if adapter_get(platform).traits.auth != "oauth2":
        account = connect.connect_token(actor=actor, platform=platform, mode=Mode.PAPER, token="")
        hands.whose[account.pk] = {"token": account.access_token}
        return account
    account_id = f"new-{platform}-{actor.user_id}"
    door.post("accounts", platform=platform, account_id=account_id)
    redirect = f"{settings.BASE_URL}/settings/connections/done/"
    url = connect.connect_start(actor=actor, platform=platform, mode=Mode.PAPER, redirect_uri=redirect)
    answer = links.shared_client().get(f"{url}&login_hint={account_id}")
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    account = connect.connect_finish(
        actor=actor, state=query["state"][0], code=query["code"][0], redirect_uri=redirect
    )  # fmt: skip
    hands.whose[account.pk] = {"account_id": account_id}
    return account
