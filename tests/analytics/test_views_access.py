"""Who sees which page: the holder and the people of the ticket, nobody else."""

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import Sale
from seatsync.core.clock import now
from tests.analytics.conftest import SignIn
from tests.market import Market


@pytest.fixture
def addresses(market: Market) -> dict[str, str]:
    alpha, _ = market.published()
    sale = Sale.objects.create(
        tenant_id=alpha.tenant_id, account=alpha.account, mode="paper", listing=alpha, game=alpha.game,
        platform="alpha", platform_sale_id="S-1", state="confirmed", sold_at=now(), noticed_at=now(),
    )  # fmt: skip
    return {
        "season": reverse("analytics:season_detail", args=[market.holding.ticket.pk]),
        "game": reverse("analytics:game_detail", args=[market.holding.game.pk]),
        "listing": reverse("listings:listing_detail", args=[alpha.pk]),
        "row": reverse("listings:listing_row", args=[alpha.pk]),
        "sale": reverse("listings:sale_detail", args=[sale.pk]),
    }


OPEN_TO_ALL = (
    "analytics:desk", "analytics:search", "portfolios:season_ticket_list", "listings:listing_list",
    "listings:sale_list", "listings:trading_detail", "live:alert_list", "accounts:settings",
    "marketplaces:account_list",
)  # fmt: skip


@pytest.mark.parametrize("who", ["actor", "co_owner", "viewer", "staff"])
def test_people_of_the_ticket_see_its_pages(
    market: Market, addresses: dict[str, str], sign_in: SignIn, who: str
) -> None:
    client = sign_in(getattr(market.holding, who))
    assert {name: client.get(url).status_code for name, url in addresses.items()} == dict.fromkeys(addresses, 200)


@pytest.mark.parametrize("who", ["other", "outsider"])
def test_strangers_get_404(market: Market, addresses: dict[str, str], sign_in: SignIn, who: str) -> None:
    client = sign_in(getattr(market.holding, who))
    assert {name: client.get(url).status_code for name, url in addresses.items()} == dict.fromkeys(addresses, 404)


def test_nobody_is_sent_to_sign_in(addresses: dict[str, str]) -> None:
    for url in addresses.values():
        answer = Client().get(url)
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", OPEN_TO_ALL)
@pytest.mark.parametrize("who", ["actor", "outsider"])
def test_own_pages_answer_everyone(market: Market, sign_in: SignIn, name: str, who: str) -> None:
    answer = sign_in(getattr(market.holding, who)).get(reverse(name))
    assert answer.status_code == 200
    assert b"Harbor" not in answer.content or who == "actor"


def test_the_front_page_greets_strangers(db: None) -> None:
    answer = Client().get("/")
    assert answer.status_code == 200
    assert b"Create an account" in answer.content


def test_a_missing_page_is_in_the_design(market: Market, sign_in: SignIn) -> None:
    answer = sign_in(market.holding.actor).get("/nothing-here/")
    assert answer.status_code == 404
    assert b"There is nothing here" in answer.content
