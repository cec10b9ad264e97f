"""People of the demo: one holder, one staff user, one white-label client with a holder of its own."""

from dataclasses import dataclass
from decimal import Decimal

from portfolios.models import Game, SeasonTicket
from portfolios.services.season_tickets import season_ticket_create
from seatsync.accounts.models import Membership, Role, User
from seatsync.accounts.selectors import actor_for
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.tenants.models import Tenant, TenantDomain
from seatsync.tenants.selectors import tenant_default

HOLDER_EMAIL = "holder@example.com"
STAFF_EMAIL = "staff@example.com"
CLIENT_HOLDER_EMAIL = "holder@harborseats.example"
# Of the demo alone: `manage.py demo` refuses to run in production.
PASSWORD = "take-me-out-2024"  # noqa: S105 - printed by bin/start
SECTION, ROW, SEAT_FROM, SEAT_TO = "131", "27", 1, 4
INVOICE = Decimal("12960.00")


@dataclass(frozen=True, slots=True)
class People:
    """Who was made."""

    holder: User
    actor: Actor
    ticket: SeasonTicket


def people_load(games: list[Game]) -> People:
    """Make who and what is missing. Idempotent."""
    tenant = tenant_default()
    holder = user_make(HOLDER_EMAIL, "Sam Morgan", tenant, Role.HOLDER)
    user_make(STAFF_EMAIL, "Staff", tenant, Role.SUPPORT, staff=True)
    client, _ = Tenant.objects.get_or_create(
        slug="harbor-seats",
        defaults={"name": "Harbor Seats", "accent_dark": "#5cc8c0", "accent_light": "#0b6a63"},
    )
    TenantDomain.objects.get_or_create(host="harborseats.localhost", defaults={"tenant": client, "verified_at": now()})
    user_make(CLIENT_HOLDER_EMAIL, "Robin Ames", client, Role.HOLDER)
    actor = actor_for(holder, tenant.pk, "demo")
    return People(holder, actor, _ticket(holder, actor, games))


def user_make(email: str, name: str, tenant: Tenant, role: str, *, staff: bool = False) -> User:
    """A user with the demo's password, a proved address and a membership; made once."""
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(
            email, PASSWORD, full_name=name, email_verified_at=now(), is_staff=staff, is_superuser=staff
        )
    _verify_address(user)
    Membership.objects.get_or_create(user=user, tenant=tenant, defaults={"role": role})
    return user


def _verify_address(user: User) -> None:
    from allauth.account.models import EmailAddress

    EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})


def _ticket(holder: User, actor: Actor, games: list[Game]) -> SeasonTicket:
    first = games[0]
    # A recorded season's ticket may be of the same team and year; its seats lie elsewhere.
    found = SeasonTicket.objects.filter(
        user=holder, team=first.home_team, season_year=first.season_year, section=SECTION, row=ROW
    ).first()
    return found or season_ticket_create(
        actor=actor, user_id=holder.pk, team_id=first.home_team_id, season_year=first.season_year, section=SECTION,
        row=ROW, seat_from=SEAT_FROM, seat_to=SEAT_TO, cost_basis=INVOICE, order_reference="DEMO-2024-131-27",
        source=first.source,
    )  # fmt: skip
