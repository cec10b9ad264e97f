"""Accounts by the API: their health, and what their marketplaces told us."""

import pytest
import redis

from listings.health import account_health
from marketplaces.contracts import Capability
from marketplaces.models import InboundEvent, MarketplaceAccount
from tests.api.conftest import As
from tests.listings.limited import limit_used
from tests.listings.test_health import narrow, settled, swept
from tests.market import Market
from tests.marketplaces.test_replay import sold

pytestmark = pytest.mark.django_db


def test_the_api_tells_the_same_figures(market: Market, as_: As) -> None:
    owner = as_("owner")
    # A publication is one request where nothing is asked about its event first.
    market.alpha.lacks = frozenset({Capability.CONSTRAINTS})
    narrow()
    settled(market)
    sweep = swept(market)
    account = MarketplaceAccount.objects.get(pk=market.accounts["alpha"].pk)
    before = limit_used(account)
    found = owner.get(f"/marketplace-accounts/{account.pk}/health/").json()
    health = account_health(account)
    # What was used a minute ago leaves the figure meanwhile.
    assert found["limit"]["used_per_second"] in {before.used_per_second, limit_used(account).used_per_second}
    assert before.used_per_second > 0
    assert found["commands"]["done"] == health.commands.done > 0
    assert found["sweep"]["shown"] == sweep.shown == 1
    assert found["drift"] == []
    assert (found["webhook"], found["inbox"]["p50_ms"]) == ("practice", None)
    assert found["webhook_url"].endswith(f"/webhooks/alpha/{account.pk}/")
    assert as_("other").get(f"/marketplace-accounts/{account.pk}/health/").status_code == 404


def test_the_api_tells_all_else_while_nobody_counts_the_requests(
    market: Market, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr("listings.health.look", away)
    answer = as_("owner").get(f"/marketplace-accounts/{market.accounts['alpha'].pk}/health/")
    found = answer.json()
    assert (answer.status_code, found["limit"], found["requests"], found["commands"]["pending"]) == (200, None, [], 0)


def test_the_api_tells_its_holder_what_a_delivery_has_to_carry_where_he_has_it_registered(
    market: Market, as_: As
) -> None:
    account = market.accounts["alpha"]
    path = f"/marketplace-accounts/{account.pk}/health/"
    assert as_("owner").get(path).json()["webhook_secret"] == ""
    MarketplaceAccount.objects.filter(pk=account.pk).update(mode="live")
    assert as_("owner").get(path).json()["webhook_secret"] == "secret-alpha"
    support = as_("staff").get(path)
    assert (support.status_code, support.json()["webhook_secret"]) == (200, "")


def test_the_api_lists_and_replays(market: Market, as_: As) -> None:
    event = sold(market)
    owner = as_("owner")
    (row,) = owner.get(f"/inbound-events/?account={event.account_id}&state=done&kind=sale").json()["results"]
    assert (row["id"], row["replays"], row["duplicates"]) == (str(event.pk), 0, 0)
    assert owner.get("/inbound-events/?state=failed").json()["results"] == []
    assert owner.get("/inbound-events/?state=nonsense").status_code in {400, 422}
    assert owner.get("/inbound-events/?kind=nonsense").status_code in {400, 422}
    assert as_("other").get("/inbound-events/").json()["results"] == []
    assert owner.post(f"/inbound-events/{event.pk}/replay/", {}).json()["state"] == "received"
    assert owner.post(f"/inbound-events/{event.pk}/replay/", {}).status_code == 409
    assert as_("other").post(f"/inbound-events/{event.pk}/replay/", {}).status_code == 404
    InboundEvent.objects.update(state="failed")
    path = f"/marketplace-accounts/{event.account_id}/retry-failed/"
    assert as_("other").post(path, {}).status_code == 404
    assert owner.post(path, {}).json() == {"queued": 1}
