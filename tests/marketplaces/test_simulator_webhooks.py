"""Webhooks on their way: retried as documented, and lost, late, doubled or shuffled on purpose."""

import json
import threading

import pytest

from marketplaces.contracts import Draft
from marketplaces.registry import adapter_get
from tests.marketplaces.conftest import SECRET, World


@pytest.fixture
def seller(world: World, draft: Draft) -> World:
    """A seller at each platform with a listing and a webhook."""
    for platform in ("stubhub", "seatgeek"):
        adapter, link = adapter_get(platform), world.link(platform, webhook_url=f"https://seatsync.test/{platform}")
        if platform == "stubhub":
            adapter.register_webhook(link, url=f"https://seatsync.test/{platform}", secret=SECRET)
        adapter.create(link, draft)
    return world


PLATFORMS = pytest.mark.parametrize("platform", ["stubhub", "seatgeek"])


@PLATFORMS
def test_one_sale_one_delivery(seller: World, platform: str) -> None:
    seller.sell(platform, 1)
    assert seller.simulator.deliver_due() == 1
    assert seller.simulator.deliver_due() == 0
    assert [url for url, _, _ in seller.delivered] == [f"https://seatsync.test/{platform}"]


@PLATFORMS
def test_duplicate_has_the_same_identity(seller: World, platform: str) -> None:
    seller.fault(kind="webhook_duplicate", platform=platform, delay_s=0, count=1)
    seller.sell(platform, 1)
    seller.simulator.deliver_due()
    (_, first_headers, first), (_, second_headers, second) = seller.delivered
    assert first == second
    adapter = adapter_get(platform)
    notices = [
        adapter.parse_webhook({key.lower(): value for key, value in headers.items()}, body.encode())[0]
        for headers, body in ((first_headers, first), (second_headers, second))
    ]
    assert notices[0] == notices[1]
    assert notices[0].delivery_id


@PLATFORMS
def test_late(seller: World, platform: str) -> None:
    seller.fault(kind="webhook_late", platform=platform, delay_s=45, count=1)
    seller.sell(platform, 1)
    seller.moment += 44
    assert seller.simulator.deliver_due() == 0
    seller.moment += 1
    assert seller.simulator.deliver_due() == 1


@PLATFORMS
def test_lost(seller: World, platform: str) -> None:
    seller.fault(kind="webhook_lost", platform=platform, count=1)
    seller.sell(platform, 1)
    seller.moment += 3600
    assert seller.simulator.deliver_due() == 0
    assert [item["state"] for item in seller.state(platform)["deliveries"]] == ["lost"]


def test_reordered(seller: World) -> None:
    seller.fault(kind="webhook_reorder", delay_s=60, count=4)
    sold = [seller.sell("stubhub", 1)["sale_id"] for _ in range(4)]
    seller.moment += 60
    seller.simulator.deliver_due()
    told = [str(json.loads(body)["_embedded"]["sale"]["id"]) for _, _, body in seller.delivered]
    assert sorted(told) == sorted(sold)
    assert told != sold


@pytest.mark.parametrize(("platform", "retries", "apart_s"), [("seatgeek", 3, 1.0), ("stubhub", 2, 10.0)])
def test_retries_then_dropped(seller: World, platform: str, retries: int, apart_s: float) -> None:
    seller.control("settings", {"webhook_retries": {"stubhub": 2}, "webhook_retry_s": {"stubhub": 10.0}})
    seller.answers = [500, 0, 503, 500]
    seller.sell(platform, 1)
    for turn in range(1, retries + 4):
        seller.simulator.deliver_due()
        seller.moment += apart_s - 0.1
        # None was accepted either way: that none was sent sooner shows in what arrived.
        assert (seller.simulator.deliver_due(), len(seller.delivered)) == (0, min(turn, retries + 1))
        seller.moment += 0.1
    assert len(seller.delivered) == retries + 1
    assert [item["state"] for item in seller.state(platform)["deliveries"]] == ["dropped"]


def test_a_retry_that_succeeds_ends_it(seller: World) -> None:
    seller.answers = [500, 200]
    seller.sell("seatgeek", 1)
    seller.simulator.deliver_due()
    seller.moment += 1
    assert seller.simulator.deliver_due() == 1
    seller.moment += 60
    seller.simulator.deliver_due()
    assert len(seller.delivered) == 2


def test_ping_and_unsubscribe(world: World) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    held = adapter.register_webhook(link, url="https://seatsync.test/x", secret=SECRET)
    headers = {"Authorization": f"Bearer {link.grant.access_token}"}
    assert world.http.post(f"{link.base_url}/v2/webhooks/{held}/ping", headers=headers).status_code == 202
    world.simulator.deliver_due()
    assert json.loads(world.delivered[0][2])["topic"] == "Ping"
    assert world.http.delete(f"{link.base_url}/v2/webhooks/{held}", headers=headers).status_code == 204
    assert world.http.post(f"{link.base_url}/v2/webhooks/{held}/ping", headers=headers).status_code == 404


def test_control_makes_waiting_deliveries_due(seller: World) -> None:
    seller.fault(kind="webhook_late", delay_s=9999, count=1)
    seller.sell("seatgeek", 1)
    assert seller.control("deliver", {}) == {"due": 1}
    assert seller.simulator.deliver_due() == 1


def test_sellers_are_told_at_once_and_each_in_order(seller: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told, both = list[tuple[str, str]](), threading.Barrier(2, timeout=60)

    def send(url: str, headers: dict[str, str], body: str) -> int:
        # Nobody gets on before the other seller is being told as well.
        both.wait()
        told.append((url, body))
        return 200

    outbox = seller.simulator.outbox
    monkeypatch.setattr(outbox, "_sender", send)
    monkeypatch.setattr(outbox, "at_once", 2)
    for platform in ("stubhub", "seatgeek", "stubhub", "seatgeek"):
        seller.sell(platform, 1)
        seller.moment += 1
    queued = [(item.url, item.body) for item in seller.simulator.ledger.deliveries.values()]
    assert seller.simulator.deliver_due() == 4
    for platform in ("stubhub", "seatgeek"):
        own = [one for one in told if one[0].endswith(platform)]
        assert own == [one for one in queued if one[0].endswith(platform)]
        assert len(own) == 2
