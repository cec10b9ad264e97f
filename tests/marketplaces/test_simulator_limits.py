"""What Vivid Seats, SeatGeek and Discovery publish or show of their bounds, at the simulator."""

import json
from typing import Any

import pytest

from marketplaces.simulator.app import Simulator
from marketplaces.simulator.http import Request, Response
from marketplaces.simulator.state import Account, Event

NOW = 1_800_000_000.0


@pytest.fixture
def simulator() -> Simulator:
    made = Simulator(clock=lambda: NOW, sender=lambda *_: 200)
    made.ledger.accounts["s"] = Account("s", "seatgeek", "tok")
    for number in range(3):
        made.ledger.events[number + 1] = Event(number + 1, f"Hawks {number}", "Arena", NOW + 3600, "2027-01-15")
    return made


def ask(simulator: Simulator, method: str, path: str, body: Any = None, **query: str) -> Response:
    headers = {"content-type": "application/json", "authorization": "Bearer tok"}
    sent = b"" if body is None else json.dumps(body).encode()
    return simulator.answer(Request(method, path, "http://sim", query, headers, sent))


def discover(simulator: Simulator, **query: str) -> Response:
    return ask(simulator, "GET", "/ticketmaster/discovery/v2/events.json", apikey="k", keyword="Arena", **query)


@pytest.mark.parametrize(
    ("size", "page", "status"),
    [("20", "0", 200), ("20", "49", 200), ("20", "50", 400), ("500", "1", 200), ("500", "2", 400)],
)
def test_discovery_goes_no_deeper_than_a_thousand_events(
    simulator: Simulator, size: str, page: str, status: int
) -> None:
    assert discover(simulator, size=size, page=page).status == status


def test_a_page_of_discovery_has_five_hundred_events_at_most(simulator: Simulator) -> None:
    assert discover(simulator, size="900").body["page"]["size"] == 500


def test_discovery_says_what_is_left_of_a_keys_day_and_refuses_more(simulator: Simulator) -> None:
    told = [discover(simulator).headers for _ in range(5000)]
    assert [one["Rate-Limit-Available"] for one in (told[0], told[-1])] == ["4999", "0"]
    assert int(told[0]["Rate-Limit-Reset"]) > NOW * 1000
    refused = discover(simulator)
    assert (refused.status, refused.body["fault"]["detail"]["errorcode"]) == (429, "policies.ratelimit.QuotaViolation")
    assert refused.body["fault"]["faultstring"].startswith("Rate limit quota violation. Quota limit  exceeded.")
    other = ask(simulator, "GET", "/ticketmaster/discovery/v2/events.json", apikey="another", keyword="Arena")
    assert other.status == 200


def test_seatgeek_asks_for_a_token_in_its_own_words(simulator: Simulator) -> None:
    odd = Request("GET", "/seatgeek/listings", "http://sim", {}, {"token": "tok"})
    answer = simulator.answer(odd)
    assert (answer.status, answer.body) == (400, {"code": 400113, "message": "Token is required"})


@pytest.mark.parametrize(("electronic", "status"), [(True, 200), (False, 400), (None, 400)])
def test_what_seatgeek_delivers_at_once_is_delivered_electronically(
    simulator: Simulator, *, electronic: bool | None, status: int
) -> None:
    body = {
        "event": "Hawks 0", "venue": "Arena", "event_date": "2027-01-15", "quantity": 1, "cost": 20, "section": "1",
        "row": "A", "is_instant": True, **({} if electronic is None else {"is_edelivery": electronic}),
    }  # fmt: skip
    assert ask(simulator, "PUT", "/seatgeek/listings/single/k1", body).status == status


def test_seatgeek_names_no_customer_after_the_event(simulator: Simulator) -> None:
    body = {
        "event": "Hawks 0", "venue": "Arena", "event_date": "2027-01-15", "quantity": 1, "cost": 20, "section": "1",
        "row": "A", "event_id": 1,
    }  # fmt: skip
    ask(simulator, "PUT", "/seatgeek/listings/single/k1", body)
    ask(simulator, "POST", "/_sim/sell", {"platform": "seatgeek", "external_id": "k1", "quantity": 1})
    order = next(iter(simulator.ledger.sales))

    def customer() -> Response:
        return ask(simulator, "GET", "/seatgeek/orders/customer", order_id=str(order))

    assert customer().body["customer"]["last_name"] == "Buyer"
    simulator.ledger.events[1].starts_at = NOW - 1
    assert customer().status == 404


def test_vivid_seats_reads_ten_listings_and_deletes_fifty_a_second() -> None:
    moment = NOW
    made = Simulator(clock=lambda: moment, sender=lambda *_: 200)
    made.ledger.accounts["v"] = Account("v", "vividseats", "tok")

    def answers(method: str, path: str, count: int) -> list[int]:
        sent = [Request(method, path, "http://sim", {"listingId": "1"}, {"api-token": "tok"}) for _ in range(count)]
        return [made.answer(one).status for one in sent]

    for method, path, most in (
        ("GET", "/vividseats/listings/v2/get", 10),
        ("DELETE", "/vividseats/listings/v2/delete", 50),
    ):
        told = answers(method, path, most + 1)
        assert (429 in told[:most], told[most]) == (False, 429)
    moment += 0.5
    told = answers("GET", "/vividseats/listings/v2/get", 6)
    assert (429 in told[:5], told[5]) == (False, 429)
