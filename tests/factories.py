"""Rows of reference data and people, one line each; what has rules (tickets, listings, sales) is made by services."""

from datetime import timedelta
from typing import Any

from factory.declarations import LazyAttribute, LazyFunction, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory, Password
from factory.helpers import post_generation

from portfolios.models import Game, League, Team, Venue, VenueSection
from seatsync.accounts.models import Membership, Role, User
from seatsync.core.clock import now
from seatsync.core.venue_time import local
from seatsync.tenants.models import Tenant

PASSWORD = "a-long-password-1"


class TenantFactory(DjangoModelFactory[Tenant]):
    """Another tenant than the default one."""

    class Meta:
        model = Tenant

    name = Sequence(lambda n: f"Client {n}")
    slug = Sequence(lambda n: f"client-{n}")


class UserFactory(DjangoModelFactory[User]):
    """A person with a proved address and a password."""

    class Meta:
        model = User

    email = Sequence(lambda n: f"person-{n}@example.com")
    email_verified_at = LazyFunction(now)
    password = Password(PASSWORD)


class MembershipFactory(DjangoModelFactory[Membership]):
    """A holder of the default tenant, unless told otherwise."""

    class Meta:
        model = Membership

    user = SubFactory(UserFactory)
    tenant = LazyFunction(lambda: Tenant.objects.get(is_default=True))
    role = Role.HOLDER


class LeagueFactory(DjangoModelFactory[League]):
    """One league for all."""

    class Meta:
        model = League
        django_get_or_create = ("key",)

    key = "mlb"
    name = "MLB"


class VenueFactory(DjangoModelFactory[Venue]):
    """A park in Seattle with section 131 in the Lower Box."""

    class Meta:
        model = Venue
        skip_postgeneration_save = True

    name = Sequence(lambda n: f"Park {n}")
    city = "Seattle"
    timezone = "America/Los_Angeles"

    @post_generation
    def section(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        """The one section that tests sit in."""
        if create:
            VenueSection.objects.create(venue=self, name=extracted or "131", zone="Lower Box")


class TeamFactory(DjangoModelFactory[Team]):
    """A team with a venue of its own."""

    class Meta:
        model = Team

    league = SubFactory(LeagueFactory)
    name = Sequence(lambda n: f"Team {n}")
    abbreviation = Sequence(lambda n: f"T{n}")
    venue = SubFactory(VenueFactory)


class GameFactory(DjangoModelFactory[Game]):
    """A scheduled home game of season 2026, a week from now."""

    class Meta:
        model = Game

    home_team = SubFactory(TeamFactory)
    opponent = SubFactory(TeamFactory, venue=None)
    venue = SelfAttribute("home_team.venue")
    starts_at = LazyFunction(lambda: now() + timedelta(days=7))
    game_date = LazyAttribute(lambda game: local(game.starts_at, game.venue.timezone).date())
    season_year = 2026
