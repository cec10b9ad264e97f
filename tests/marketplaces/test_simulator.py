"""The simulator keeps its word: state, webhooks with retries, journal, buyers."""

import json
from datetime import timedelta
from pathlib import Path

from marketplaces.adapters.seatgeek import ADAPTER as SEATGEEK
from marketplaces.adapters.stubhub import ADAPTER as STUBHUB
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.buyers import Demand
from tests.marketplaces.conftest import BASE, STARTS, Bench, draft


def test_one_platform_knows_nothing_of_the_other(bench: Bench) -> None:
    for adapter in (STUBHUB, SEATGEEK):
        adapter.create(bench.link(adapter), draft())
        bench.control("sell", platform=adapter.traits.key, external_id="a" * 32, seats=[1, 2])
    sales = bench.ledger()["sales"]
    assert [(sale["platform"], sale["seats"]) for sale in sales] == [("stubhub", [1, 2]), ("seatgeek", [1, 2])]


def test_what_is_sold_cannot_be_bought_again_there(bench: Bench) -> None:
    STUBHUB.create(bench.link(STUBHUB), draft())
    bench.control("sell", platform="stubhub", external_id="a" * 32, seats=[1, 2])
    wish = {"platform": "stubhub", "external_id": "a" * 32, "seats": [2]}
    assert bench.http.post(f"{BASE}/_sim/sell", json=wish).status_code == 400


def test_webhooks_are_retried_then_dropped(bench: Bench) -> None:
    SEATGEEK.create(bench.link(SEATGEEK), draft())
    bench.control("sell", platform="seatgeek", external_id="a" * 32)
    bench.statuses = [500] * 10
    for _ in range(10):
        bench.simulator.deliveries.deliver_due(everything=True)
    assert len(bench.sent) == 4
    assert bench.simulator.deliveries.dropped == 1


def test_lost_and_duplicated_webhooks(bench: Bench) -> None:
    SEATGEEK.create(bench.link(SEATGEEK), draft())
    bench.control("faults", platform="seatgeek", shares={"duplicated": 1.0})
    bench.control("sell", platform="seatgeek", external_id="a" * 32, seats=[1])
    bench.control("faults", platform="seatgeek", shares={"lost": 1.0})
    bench.control("sell", platform="seatgeek", external_id="a" * 32, seats=[2])
    bench.simulator.deliveries.deliver_due(everything=True)
    ids = [json.loads(body)["metadata"]["notification_id"] for _, _, body in bench.sent]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert bench.ledger()["faults"]["seatgeek"] == {"duplicated": 1, "lost": 1}


def test_bad_control_input_says_what_is_wrong(bench: Bench) -> None:
    answer = bench.http.post(f"{BASE}/_sim/faults", json={"platform": "stubhub", "shares": {"gremlins": 1}})
    assert answer.status_code == 400
    assert "gremlins" in answer.json()["error"]


def test_the_journal_brings_everything_back(tmp_path: Path, bench: Bench) -> None:
    STUBHUB.create(bench.link(STUBHUB), draft())
    bench.control("sell", platform="stubhub", external_id="a" * 32, seats=[1])
    bench.simulator.state_path = tmp_path / "sim.json"
    bench.simulator.save()
    restored = Simulator(state_path=tmp_path / "sim.json")
    assert restored.state.dump() == bench.simulator.state.dump()


def test_buyers_come_by_the_curve_and_a_seed_repeats_them(bench: Bench) -> None:
    STUBHUB.create(bench.link(STUBHUB), draft())
    before = STARTS - timedelta(hours=2)
    bench.simulator.buyers.chance = Demand(base_per_hour=1000.0)
    assert bench.simulator.buyers.tick(1.0, before) == 1
    bench.simulator.buyers.chance = Demand(base_per_hour=0.0)
    assert bench.simulator.buyers.tick(1.0, before) == 0


def test_demand_falls_with_the_price_and_rises_towards_the_game(bench: Bench) -> None:
    STUBHUB.create(bench.link(STUBHUB), draft(price="100.00"))
    (listing,) = bench.simulator.state.listings
    demand = Demand()
    assert demand(listing, 24, 100.0) > demand(listing, 24, 50.0)
    assert demand(listing, 24, 100.0) > demand(listing, 240, 100.0)
    assert demand(listing, 0, 100.0) == 0.0
