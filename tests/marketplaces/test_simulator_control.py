"""Selling, faults, and the memory of the simulator."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from marketplaces.contracts import Draft, ListingRef, RemoteSaleState
from marketplaces.errors import AlreadyGone, GrantExpired, PermanentError, TemporaryError, UnknownOutcome
from marketplaces.registry import adapter_get
from marketplaces.simulator import journal
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.state import Listing
from marketplaces.simulator.transport import SimulatorTransport
from tests.marketplaces.conftest import BASE, World


def test_the_same_seats_sell_on_both_platforms_until_delisted(world: World, draft: Draft, ref: ListingRef) -> None:
    links = {platform: world.link(platform) for platform in ("stubhub", "seatgeek")}
    for platform, link in links.items():
        adapter_get(platform).create(link, draft)
    assert world.sell("stubhub", 2)["seats"] == [1, 2]
    assert world.sell("seatgeek", 2)["seats"] == [1, 2]
    adapter_get("seatgeek").delist(links["seatgeek"], ref)
    answer = world.http.post(
        f"{BASE}/_sim/sell", json={"platform": "seatgeek", "external_id": draft.external_id, "quantity": 1}
    )
    assert answer.status_code == 409


def test_sell_takes_named_seats_and_keeps_the_split(world: World, draft: Draft, ref: ListingRef) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, replace(draft, split="pairs"))
    with pytest.raises(AssertionError, match="does not sell 1"):
        world.sell("stubhub", 1)
    with pytest.raises(AssertionError, match="has no seats"):
        world.sell("stubhub", 2, seats=[7, 8])
    sold = world.sell("stubhub", 2, seats=[3, 4])
    sale = adapter.fetch_sale(link, sold["sale_id"])
    assert sale is not None
    assert sale.seats == ("3", "4")
    left = adapter.fetch(link, ref)
    assert left is not None
    assert (left.quantity, left.seat_from, left.seat_to) == (2, "1", "2")


@pytest.mark.parametrize("split", ["pairs", "none", "avoid_one_and_three"])
def test_seatgeek_keeps_the_split_too(world: World, draft: Draft, split: str) -> None:
    adapter_get("seatgeek").create(world.link("seatgeek"), replace(draft, split=split))
    with pytest.raises(AssertionError, match="does not sell 1"):
        world.sell("seatgeek", 1)


def test_a_provisional_sale_that_is_cancelled_gives_the_seats_back(world: World, draft: Draft, ref: ListingRef) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    sold = world.sell("stubhub", 4, provisional=True)
    world.control("advance", {"sale_id": sold["sale_id"], "to": "cancelled"})
    found = adapter.fetch(link, ref)
    assert found is not None
    assert (found.quantity, found.seat_from, found.seat_to) == (4, "1", "4")


def test_sale_of_a_listing_taken_down_meanwhile_stays_cancelled(world: World, draft: Draft, ref: ListingRef) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    sold = world.sell("stubhub", 2, provisional=True)
    adapter.delist(link, ref)
    world.control("advance", {"sale_id": sold["sale_id"], "to": "cancelled"})
    assert adapter.fetch(link, ref) is None
    with pytest.raises(AlreadyGone):
        adapter.delist(link, ref)


def test_fault_by_route_and_count(world: World, draft: Draft, ref: ListingRef) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    world.fault(kind="status", platform="stubhub", route="DELETE /v2/external", status=503, retry_after_s=3, count=2)
    assert adapter.fetch(link, ref) is not None
    for _ in range(2):
        with pytest.raises(UnknownOutcome) as caught:
            adapter.delist(link, ref)
        assert caught.value.retry_after_s == 3.0
    adapter.delist(link, ref)
    (fault,) = world.http.get(f"{BASE}/_sim/faults").json()["faults"]
    assert (fault["struck"], fault["count"]) == (2, 0)


def test_a_fault_of_writes_spares_reads(world: World, draft: Draft, ref: ListingRef) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    world.fault(kind="status", platform="stubhub", status=503, writes=True)
    assert adapter.fetch(link, ref) is not None
    with pytest.raises(UnknownOutcome):
        adapter.delist(link, ref)
    (fault,) = world.http.get(f"{BASE}/_sim/faults").json()["faults"]
    assert fault["struck"] == 1


def test_fault_by_chance_is_the_same_under_the_same_seed(world: World) -> None:
    def outcomes() -> list[int]:
        world.control("seed", {"seed": 3})
        return [world.http.get(f"{BASE}/seatgeek/listings").status_code for _ in range(40)]

    world.fault(kind="status", status=500, probability=0.5)
    first = outcomes()
    assert set(first) == {500, 400}  # without a token it says 400113
    assert outcomes() == first


def test_timeouts_before_and_after(world: World, draft: Draft, ref: ListingRef) -> None:
    adapter, link = adapter_get("seatgeek"), world.link("seatgeek")
    adapter.create(link, draft)
    world.fault(kind="timeout_before", route="bulk-delete", count=1)
    with pytest.raises(UnknownOutcome):
        adapter.delist(link, ref)
    assert adapter.fetch(link, ref) is not None
    world.fault(kind="timeout_after", route="bulk-delete", count=1)
    with pytest.raises(UnknownOutcome):
        adapter.delist(link, ref)
    assert adapter.fetch(link, ref) is None


def test_latency_delays_every_answer_by_a_time_of_its_own_within_its_bound_and_by_the_seed(
    world: World, draft: Draft, ref: ListingRef
) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    world.fault(kind="latency", platform="stubhub", delay_s=2.0, probability=0.8)

    def delays() -> list[float]:
        world.control("seed", {"seed": 3})
        answers = [world.http.get(f"{BASE}/stubhub/v2/sellerlistings") for _ in range(40)]
        assert {answer.status_code for answer in answers} == {401}
        return [float(answer.headers.get("X-Sim-Late", 0)) for answer in answers]

    first = delays()
    late = [seconds for seconds in first if seconds]
    assert 20 < len(late) < 40
    assert len(set(late)) == len(late)
    assert 0 < min(late) < 1 < max(late) <= 2.0
    assert delays() == first
    (fault,) = world.http.get(f"{BASE}/_sim/faults").json()["faults"]
    assert (fault["kind"], fault["struck"]) == ("latency", 2 * len(late))
    assert "X-Sim-Late" not in world.http.get(f"{BASE}/seatgeek/listings").headers
    # What is late is done all the same.
    adapter.delist(link, ref)
    assert adapter.fetch(link, ref) is None


def test_an_answer_later_than_the_caller_waits_is_a_timeout_although_it_was_done(
    world: World, draft: Draft, ref: ListingRef
) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    world.http.timeout = httpx.Timeout(0.001)
    world.fault(kind="latency", route="DELETE", delay_s=10.0, count=1)
    with pytest.raises(UnknownOutcome):
        adapter.delist(link, ref)
    assert adapter.fetch(link, ref) is None


def test_faults_can_be_cleared(world: World) -> None:
    world.fault(kind="status", status=500)
    assert world.control("faults", {"clear": True}) == {"faults": []}
    list(adapter_get("seatgeek").list_all(world.link("seatgeek")))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("faults", {"add": [{"kind": "earthquake"}]}, 400),
        ("faults", {"add": [{"kind": "status", "colour": 1}]}, 400),
        ("faults", {"add": [{"kind": "latency", "delay_s": 0}]}, 400),
        ("faults", {"add": [{"kind": "latency", "delay_s": 60}]}, 400),
        ("bounce", {"payment_id": 1}, 404),
        ("sell", {"platform": "stubhub"}, 400),
        ("sell", {"platform": "nowhere", "external_id": "x", "quantity": 1}, 400),
        ("sell", {"platform": "stubhub", "external_id": "x", "quantity": 1}, 404),
        ("settings", {"gravity": 1}, 400),
        ("buyers", {"action": "dance"}, 400),
        ("buyers", {"demand": {"mood": 1}}, 400),
        ("buyers", {"demand": {"urgency": "much"}}, 400),
        ("advance", {"sale_id": "1", "to": "sold"}, 404),
        ("events", {"events": [{"name": "x"}]}, 400),
        ("nothing", {}, 404),
    ],
)
def test_control_says_what_is_wrong(world: World, path: str, body: dict[str, Any], status: int) -> None:
    answer = world.http.post(f"{BASE}/_sim/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_control_takes_json_only(world: World) -> None:
    assert world.http.post(f"{BASE}/_sim/reset", data={"seed": "1"}).status_code == 415


def test_requests_without_a_grant_or_an_agent_are_refused(world: World) -> None:
    assert world.http.get(f"{BASE}/stubhub/v2/sellerlistings").status_code == 401
    none = world.http.get(f"{BASE}/seatgeek/listings")
    assert (none.status_code, none.json()["code"]) == (400, 400113)
    wrong = world.http.get(f"{BASE}/seatgeek/listings", headers={"Authorization": "Bearer made-up"})
    assert wrong.status_code == 401
    assert world.http.get(f"{BASE}/stubhub/v2/user", headers={"User-Agent": ""}).status_code == 400
    assert world.http.get(f"{BASE}/nowhere/x").status_code == 404


def test_a_body_of_the_wrong_shape_is_refused(world: World) -> None:
    link = world.link("stubhub")
    headers = {"Authorization": f"Bearer {link.grant.access_token}", "Content-Type": "application/json"}
    for body in (b"[1]", b"{", b'{"number_of_tickets": "many"}', b'{"seating": 3}'):
        answer = world.http.post(f"{link.base_url}/v2/events/501/sellerlistings", headers=headers, content=body)
        assert answer.status_code == 400, body


def test_reset_forgets(world: World, draft: Draft) -> None:
    link = world.link("stubhub")
    adapter_get("stubhub").create(link, draft)
    world.control("reset", {"seed": 5})
    assert world.state("stubhub")["listings"] == []
    with pytest.raises(GrantExpired):
        list(adapter_get("stubhub").list_all(link))


def test_the_journal_brings_everything_back(world: World, draft: Draft, ref: ListingRef, tmp_path: Path) -> None:
    path = tmp_path / "state" / "simulator.json"
    world.simulator.state_path = path
    links = {platform: world.link(platform) for platform in ("stubhub", "seatgeek")}
    for platform, link in links.items():
        adapter_get(platform).create(link, draft)
    sold = world.sell("stubhub", 2)
    world.control("buyers", {"action": "start", "demand": {"urgency": 9}})
    world.simulator.save()
    again = Simulator(clock=lambda: world.moment, sender=lambda *_: 200, state_path=path)
    assert again.ledger.dump() == world.simulator.ledger.dump()
    assert (again.buyers.running, again.buyers.demand.urgency) == (True, 9.0)
    with httpx.Client(transport=SimulatorTransport(again)) as http:
        for platform, link in links.items():
            found = adapter_get(platform).fetch(replace(link, http=http), ref)
            assert found is not None
            assert found.quantity == (2 if platform == "stubhub" else 4)
        link = replace(links["stubhub"], http=http)
        assert adapter_get("stubhub").fetch_sale(link, sold["sale_id"]) is not None
        assert adapter_get("stubhub").refresh(link).access_token
    assert [item.name for item in path.parent.iterdir()] == ["simulator.json"]


def test_a_damaged_journal_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    path.write_text("{half")
    with pytest.raises(ValueError, match="move it away"):
        Simulator(state_path=path)


def test_a_failed_save_leaves_the_old_state(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    journal.save(path, {"a": 1})
    with pytest.raises(TypeError):
        journal.save(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [item.name for item in tmp_path.iterdir()] == ["simulator.json"]


def test_stubhub_confirm_under_review_is_refused(world: World, draft: Draft) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    sold = world.sell("stubhub", 1, provisional=True)
    with pytest.raises(PermanentError):
        adapter.confirm(link, sold["sale_id"])


def test_a_read_that_times_out_is_temporary(world: World, ref: ListingRef) -> None:
    link = world.link("seatgeek")
    world.fault(kind="timeout_before", count=1)
    with pytest.raises(TemporaryError) as caught:
        adapter_get("seatgeek").fetch(link, ref)
    assert not isinstance(caught.value, UnknownOutcome)


def test_an_account_is_known_by_its_token(world: World) -> None:
    first = world.control("accounts", {"platform": "seatgeek", "token": "tok"})
    hook = {"platform": "seatgeek", "token": "tok", "webhook_url": "https://seatsync.test/x"}
    assert world.control("accounts", hook) == first
    assert world.control("accounts", {"platform": "seatgeek"}) != first
    body = {"platform": "stubhub", "account_id": first["account_id"]}
    assert world.http.post(f"{BASE}/_sim/accounts", json=body).status_code == 409


def test_expire_ends_every_access_token(world: World, ref: ListingRef) -> None:
    link = world.link("stubhub")
    assert world.control("expire", {"platform": "stubhub"})["ended"] == 1
    with pytest.raises(GrantExpired):
        adapter_get("stubhub").fetch(link, ref)
    assert adapter_get("stubhub").refresh(link).access_token


def test_sell_takes_everything_where_no_quantity_is_told(world: World, draft: Draft) -> None:
    adapter_get("seatgeek").create(world.link("seatgeek"), draft)
    shown = world.http.get(f"{BASE}/_sim/state").json()["listings"]
    assert [(item["shown"], item["price"], item["platform"]) for item in shown] == [(True, "84.10", "seatgeek")]
    sold = world.control("sell", {"platform": "seatgeek", "external_id": draft.external_id})
    assert (sold["quantity"], sold["gross_cents"]) == (4, 33640)
    assert world.http.get(f"{BASE}/_sim/state").json()["listings"][0]["shown"] is False


def test_market_and_events_take_their_short_names(world: World) -> None:
    event = {"id": 777, "name": "A vs B", "venue": "C", "starts_at": "2026-05-01T23:00:00Z", "local_date": "2026-05-01"}
    assert world.control("events", {"events": [event]}) == {"events": [{"event_id": 777, "name": "A vs B"}]}
    asks = [{"section": "1", "row": "2", "quantity": 2, "price": "55.50"}]
    assert world.control("market", {"event_id": "777", "asks": asks}) == {"listings": 1}
    (point,) = adapter_get("seatgeek").market_view(world.link("seatgeek"), "777")
    assert str(point.price) == "55.50"


def test_what_each_listing_showed_is_written_down_where_it_is_asked_for(
    world: World, draft: Draft, ref: ListingRef
) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    assert world.http.get(f"{BASE}/_sim/showings").json() == {"showings": []}
    world.control("settings", {"keep_showings": True})
    adapter.reprice(link, ref, Decimal("80.00"), "USD")
    world.moment += 5
    world.sell("stubhub", 3)
    adapter.reprice(link, ref, Decimal("80.00"), "USD")
    adapter.delist(link, ref)
    rows = world.http.get(f"{BASE}/_sim/showings").json()["showings"]
    assert [(row["at"] - world.moment, row["state"], row["price_cents"], row["seats"]) for row in rows] == [
        (-5, "active", 8000, [1, 2, 3, 4]), (0, "active", 8000, [4]), (0, "deleted", 8000, [4]),
    ]  # fmt: skip
    assert {row["external_id"] for row in rows} == {draft.external_id}


def test_what_a_hand_lists_is_shown_from_then_on_and_no_more_when_its_game_is_called_off(world: World) -> None:
    world.control("settings", {"keep_showings": True})
    event = world.control("events", {"events": [
        {"name": "Owls at Gulls", "venue": "Park", "starts_at": "2027-06-01T19:10:00+00:00"},
    ]})["events"][0]["event_id"]  # fmt: skip
    wish = {
        "platform": "seatgeek",
        "account_id": "hand",
        "event_id": event,
        "section": "1",
        "row": "1",
        "seats": [1, 2],
    }
    made = world.control("listings", wish | {"price": "50.00"})
    sold = world.control("sell", {"platform": "seatgeek", "listing_id": made["id"], "quantity": 1})
    world.control("charge", {"sale_id": sold["sale_id"], "amount": "5.00", "reason": "late"})
    world.control("call-off", {"event_id": event})
    rows = world.http.get(f"{BASE}/_sim/showings").json()["showings"]
    assert [(row["state"], row["quantity"]) for row in rows] == [("active", 2), ("active", 1), ("deleted", 1)]
    assert [charge["cents"] for charge in world.state("seatgeek")["charges"]] == [500]


def test_showings_and_acts_outlive_a_restart(tmp_path: Path) -> None:
    def world() -> Simulator:
        return Simulator(seed=7, state_path=tmp_path / "state.json")

    first = world()
    first.ledger.settings.keep_showings = True
    first.ledger.listing_add(Listing(5, "stubhub", "a", "key", 1, "1", "1", [1], 1, 100, "USD", "Any", 1.0, 1.0))
    first.ledger.showings_note("a", 1.0)
    first.save()
    second = world()
    second.ledger.showings_note("a", 2.0)
    assert [(row.at, row.seats) for row in second.ledger.showings.values()] == [(1.0, [1])]


def test_what_the_seller_did_to_a_sale_is_written_down_repetitions_too(world: World, draft: Draft) -> None:
    adapter, link = adapter_get("seatgeek"), world.link("seatgeek")
    adapter.create(link, draft)
    sold = world.sell("seatgeek", 1)
    for _ in range(2):
        adapter.confirm(link, sold["sale_id"])
    adapter.reject(link, sold["sale_id"])
    with pytest.raises(PermanentError):
        adapter.confirm(link, sold["sale_id"])
    (kept,) = world.state("seatgeek")["sales"]
    assert kept["acts"] == [["confirm", world.moment], ["confirm", world.moment], ["reject", world.moment]]


def test_a_complaint_is_over_with_its_sale_when_the_game_is_called_off(world: World, draft: Draft) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    sold = world.sell("stubhub", 2)
    world.control("end", {"sale_id": sold["sale_id"], "how": "claim"})
    (event,) = {row["event_id"] for row in world.state("stubhub")["sales"]}

    def there() -> RemoteSaleState:
        found = adapter.fetch_sale(link, str(sold["sale_id"]))
        assert found is not None
        return found.state

    assert there() is RemoteSaleState.ISSUE
    world.control("call-off", {"event_id": event})
    assert there() is RemoteSaleState.CANCELLED
