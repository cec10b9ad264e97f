"""Handing over: written down first, sent once, and refused where it makes no sense."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import CommandKind, MarketplaceCommand, Sale, SaleState
from listings.services.fulfil import sale_fulfil
from listings.services.outbox import leases_reap
from marketplaces import registry
from marketplaces.contracts import RemoteSaleState
from marketplaces.delivery import HandOver
from marketplaces.errors import UnknownOutcome
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.builders import bearer, browser
from tests.market import Market

pytestmark = pytest.mark.django_db
PROOF: dict[str, Any] = {"method": "mobile_transfer", "confirmation": "TX-77"}


@pytest.fixture
def sale(market: Market) -> Sale:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    return Sale.objects.get()


def test_the_proof_reaches_the_marketplace_and_the_sale_is_delivered(market: Market, sale: Sale) -> None:
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, **PROOF)
    assert ("fulfil", "TX-77") not in market.alpha.calls
    market.work()
    assert ("fulfil", "TX-77") in market.alpha.calls
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED


def test_i23_a_lost_answer_is_read_back_and_the_tickets_are_not_sent_twice(market: Market, sale: Sale) -> None:
    market.alpha.script_applied["fulfil"] = [UnknownOutcome("timeout")]
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, **PROOF)
    market.work()
    MarketplaceCommand.objects.filter(kind=CommandKind.FULFIL).update(not_before=sale.noticed_at)
    leases_reap()
    market.work()
    assert market.alpha.calls.count(("fulfil", "TX-77")) == 1
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED


@pytest.mark.parametrize(
    ("proof", "field"),
    [
        ({"method": "pigeon"}, "method"),
        ({"method": "mobile_transfer"}, "confirmation"),
        ({"method": "transfer_url", "transfer_urls": ["https://t.example/1"]}, "transfer_urls"),
        ({"method": "transfer_url", "transfer_urls": ["http://t.example/1", "https://t.example/2"]}, "transfer_urls"),
        ({"method": "transfer_url", "transfer_urls": ["https://t.example/1"] * 2}, "transfer_urls"),
        ({"method": "mobile_transfer", "confirmation": "7" * 81}, "confirmation"),
        ({"method": "mobile_transfer", "confirmation": "\x01"}, "confirmation"),
        ({"method": "mobile_transfer", "confirmation": "TX-77\u200e"}, "confirmation"),
    ],
)
def test_bad_proof_names_the_field(market: Market, sale: Sale, proof: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, **proof)
    assert field in {problem.field for problem in caught.value.problems}
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.FULFIL).exists()


def test_a_link_that_is_too_long_is_refused_at_the_door(market: Market, sale: Sale) -> None:
    links = ["https://t.example/1", f"https://t.example/{'2' * 483}"]
    assert len(links[1]) == 501
    client = browser()
    page = client.post(
        reverse("listings:sale_fulfil", args=[sale.pk]), {"method": "transfer_url", "transfer_urls": "\n".join(links)}
    )
    assert (page.status_code, "Line 2 has 501 signs, and 500 are taken." in page.text) == (422, True)
    told = bearer().post(
        f"/api/v1/sales/{sale.pk}/fulfil/", {"method": "transfer_url", "transfer_urls": links},
        content_type="application/json",
    )  # fmt: skip
    assert (told.status_code, told.json()["errors"][0]["field"]) == (422, "transfer_urls.1")
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.FULFIL).exists()
    links[1] = links[1][:-1]
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="transfer_url", transfer_urls=links)
    market.work()
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED


def test_a_sale_is_handed_over_once_and_only_while_it_waits(market: Market, sale: Sale) -> None:
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, **PROOF)
    with pytest.raises(Conflict, match="on its way"):
        sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, **PROOF)
    market.work()
    with pytest.raises(Conflict, match="delivered"):
        sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, **PROOF)


def test_a_sale_cancelled_meanwhile_is_not_handed_over(market: Market, sale: Sale) -> None:
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, **PROOF)
    market.webhook(market.alpha.move(sale.platform_sale_id, RemoteSaleState.CANCELLED), kind="sale_update")
    market.work()
    assert ("fulfil", "TX-77") not in market.alpha.calls
    assert MarketplaceCommand.objects.get(kind=CommandKind.FULFIL).state == "superseded"


def test_strangers_find_no_sale_and_viewers_may_not(market: Market, sale: Sale) -> None:
    for stranger in (market.holding.other, market.holding.outsider):
        with pytest.raises(NotFound):
            sale_fulfil(actor=stranger, sale_id=sale.pk, **PROOF)
    with pytest.raises(NotAllowed):
        sale_fulfil(actor=market.holding.viewer, sale_id=sale.pk, **PROOF)


def test_only_the_ways_that_the_marketplace_takes_are_taken(market: Market, sale: Sale) -> None:
    market.alpha.hand_overs = (HandOver.TRANSFER_URL,)
    with pytest.raises(InvalidInput) as caught:
        sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, **PROOF)
    (problem,) = caught.value.problems
    assert (problem.field, problem.detail, problem.remedy) == (
        "method", "Alpha does not take mobile_transfer.", "Use transfer_url.",
    )  # fmt: skip
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.FULFIL).exists()


def test_a_marketplace_that_takes_no_proof_says_where_instead(market: Market, sale: Sale) -> None:
    market.alpha.hand_overs = ()
    with pytest.raises(Conflict) as caught:
        sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, **PROOF)
    assert (caught.value.detail, caught.value.remedy) == (
        "Alpha takes no proof here.", "Hand the tickets over on its own site.",
    )  # fmt: skip


def test_a_sale_of_a_marketplace_that_is_no_longer_installed_is_still_shown(
    market: Market, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_found", dict)
    client = Client()
    client.force_login(market.holding.user)
    (shown,) = bearer(market.holding.user).get("/api/v1/sales/").json()["results"]
    assert (shown["id"], shown["hand_overs"]) == (str(sale.pk), [])
    for name in ("listings:sale_list", "listings:sale_detail", "listings:sale_fulfil"):
        url = reverse(name, kwargs={} if name.endswith("list") else {"sale_id": sale.pk})
        answer = client.get(url)
        assert (name, answer.status_code) == (name, 200)
    assert "Alpha takes no proof from SeatSync" in answer.text
    with pytest.raises(Conflict, match="Alpha takes no proof here"):
        sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, **PROOF)
