"""A small real world, built by the services themselves: one holder with four seats of six games, and the others."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from portfolios.models import Game, SeasonTicket, SeasonTicketShare, Seat
from portfolios.services.season_tickets import season_ticket_create
from seatsync.accounts.models import Role, User
from seatsync.accounts.selectors import actor_for
from seatsync.accounts.services.tokens import tokens_issue
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.venue_time import local
from seatsync.tenants.models import Tenant
from tests.factories import GameFactory, MembershipFactory, TeamFactory, TenantFactory, UserFactory, VenueFactory

GAMES = 6
SEATS = 4


@dataclass(frozen=True)
class Holding:
    """One holder's season ticket, its games and the first coming game's seats, with every kind of actor."""

    moment: datetime
    user: User
    actor: Actor
    co_owner: Actor
    viewer: Actor
    other: Actor
    outsider: Actor
    staff: Actor
    ticket: SeasonTicket
    games: list[Game]
    game: Game
    seats: list[Seat]

    def seats_of(self, game: Game) -> list[Seat]:
        return list(Seat.objects.filter(season_ticket=self.ticket, game=game).order_by("seat_number"))


def person(email: str, tenant: Tenant, *, role: str = Role.HOLDER, staff: bool = False) -> tuple[User, Actor]:
    user = UserFactory.create(email=email, is_staff=staff)
    MembershipFactory.create(user=user, tenant=tenant, role=role)
    return user, actor_for(user, tenant.pk, "request-1")


def schedule(count: int = GAMES) -> list[Game]:
    """One past game, the rest in the coming weeks; season year 2026."""
    park = VenueFactory.create(name="Harbor Park")
    home = TeamFactory.create(name="Harbor Gulls", abbreviation="HAR", venue=park)
    away = TeamFactory.create(name="Inland Owls", abbreviation="INL", venue=None)
    # In the evening there, at whatever hour the tests run: hours later it is still the same day.
    today = local(now(), park.timezone)
    first = today.replace(hour=19, minute=10, second=0, microsecond=0) - timedelta(days=3)
    return [
        GameFactory.create(
            home_team=home, opponent=away, starts_at=(first + timedelta(days=7 * number)).astimezone(UTC)
        )
        for number in range(count)
    ]


def build_holding(games: int = GAMES) -> Holding:
    """Everything, in the default tenant; the outsider is of a second one."""
    tenant = Tenant.objects.get(is_default=True)
    foreign = TenantFactory.create(name="Other Co", slug="other-co")
    user, actor = person("owner@example.com", tenant)
    co_user, co_owner = person("co@example.com", tenant)
    view_user, viewer = person("viewer@example.com", tenant)
    all_games = schedule(games)
    ticket = season_ticket_create(
        actor=actor, user_id=user.pk, team_id=all_games[0].home_team_id, season_year=2026, section="131", row="27",
        seat_from=1, seat_to=SEATS, cost_basis=Decimal("1000.01"), order_reference="ACC-1",
    )  # fmt: skip
    SeasonTicketShare.objects.create(tenant=tenant, season_ticket=ticket, user=co_user, role="co_owner")
    SeasonTicketShare.objects.create(tenant=tenant, season_ticket=ticket, user=view_user, role="viewer")
    coming = next(game for game in all_games if game.starts_at > now())
    return Holding(
        moment=now(),
        user=user,
        actor=actor,
        co_owner=co_owner,
        viewer=viewer,
        other=person("other@example.com", tenant)[1],
        outsider=person("outsider@example.com", foreign)[1],
        staff=person("staff@example.com", tenant, staff=True)[1],
        ticket=ticket,
        games=all_games,
        game=coming,
        seats=list(Seat.objects.filter(game=coming).order_by("seat_number")),
    )


def browser(who: User | str = "owner") -> Client:
    """A browser in which this person, or the one of this name, has signed in."""
    client = Client()
    client.force_login(_user(who))
    return client


def bearer(who: User | str = "owner") -> Client:
    """The API, as this person, or the one of this name, uses it."""
    user = _user(who)
    access = tokens_issue(user, user.memberships.get().tenant_id).access
    return Client(headers={"Authorization": f"Bearer {access}"})


def _user(who: User | str) -> User:
    return who if isinstance(who, User) else User.objects.get(email=f"{who}@example.com")


def verified_client(user: User) -> Client:
    """A browser in which this person has signed in with a second factor."""
    client = Client()
    client.force_login(user)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = TOTPDevice.objects.create(user=user, name="a", confirmed=True).persistent_id
    session.save()
    return client
