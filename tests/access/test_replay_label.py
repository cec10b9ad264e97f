"""A replayed season is named on every page of the product, to everybody, and on none while none is loaded."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from portfolios.models import Game
from tests.access.conftest import World
from tests.access.routes import ROUTES, Kind
from tests.access.test_matrix import address, client_of
from tests.builders import verified_client

pytestmark = pytest.mark.django_db
PAGES = [name for name, route in ROUTES.items() if not name.startswith("api:") and route.kind is not Kind.WEBHOOK]
LABEL = re.compile(r"\d{4} season replayed, shifted -?\d+ weeks?")


def replayed(world: World, *, weeks: int = 52) -> list[str]:
    """Two of the world's games become seasons of their own; returns their labels."""
    labels = []
    for game, moved in zip(world.market.holding.games[:2], (weeks, 2 * weeks), strict=True):
        Game.objects.filter(pk=game.pk).update(shifted_weeks=moved, source=f"facts moved by {moved}")
    for game in Game.objects.exclude(shifted_weeks=0).order_by("-shifted_weeks"):
        year = (game.starts_at - timedelta(weeks=game.shifted_weeks)).year
        labels.append(f"{year} season replayed, shifted {game.shifted_weeks} weeks")
    return labels


def whole_page(client: Client, path: str) -> str:
    """The page at an address; "" where it answers with something else (a redirect, a fragment, text)."""
    answer = client.get(path)
    text: str = answer.content.decode()
    return text if answer.status_code in {200, 404} and "<html" in text else ""


@pytest.mark.parametrize("name", PAGES)
def test_every_page_names_the_replayed_seasons(world: World, name: str) -> None:
    labels, path = replayed(world), address(world, name, ROUTES[name])
    for who in ("owner", "nobody"):
        page = whole_page(client_of(world, who, api=False), path)
        if page:
            assert [label for label in labels if page.count(label) != 1] == [], (who, path)


def test_the_apis_description_names_them_too(world: World) -> None:
    labels = replayed(world)
    page = whole_page(Client(), reverse("api:docs"))
    assert [label for label in labels if label not in page] == []


def test_a_page_that_is_not_there_names_them_too(world: World) -> None:
    labels = replayed(world)
    for who in ("owner", "nobody"):
        page = whole_page(client_of(world, who, api=False), "/nothing/here/")
        assert [label for label in labels if label not in page] == []


def test_enough_pages_were_looked_at(world: World) -> None:
    owner, nobody = (client_of(world, who, api=False) for who in ("owner", "nobody"))
    seen = [name for name in PAGES if whole_page(owner, address(world, name, ROUTES[name]))]
    seen += [name for name in PAGES if whole_page(nobody, address(world, name, ROUTES[name]))]
    assert {"analytics:desk", "account_login", "account_signup", "account_reset_password", "mfa_index"} <= set(seen)
    assert {"listings:sale_list", "live:alert_list", "listings:sale_fulfil", "account_email"} <= set(seen)


def test_a_real_season_has_no_label(world: World) -> None:
    for path in ("/", "/portfolio/", "/portfolio/sales/", "/accounts/password/reset/"):
        for who in ("owner", "nobody"):
            assert not LABEL.search(client_of(world, who, api=False).get(path).content.decode())


def test_the_admin_has_the_label_too(world: World) -> None:
    replayed(world)
    person = world.user("staff")
    person.is_superuser = True
    person.save()
    staff = verified_client(person)
    for path in (reverse("admin:index"), reverse("admin:portfolios_game_changelist")):
        assert LABEL.search(staff.get(path).content.decode()), path
    assert LABEL.search(client_of(world, "nobody", api=False).get(reverse("admin:login")).content.decode())
