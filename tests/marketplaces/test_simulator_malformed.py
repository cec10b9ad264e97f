"""The simulated marketplaces refuse whatever is no request of theirs: nothing ends in a traceback, and time goes on."""

import json
import random
from typing import Any

import pytest

from marketplaces.contracts import Draft
from marketplaces.registry import adapter_get
from tests.marketplaces.conftest import BASE, World

ODD: list[Any] = [
    "", "x", None, [], {}, -1, 0, 1e400, float("nan"), "1e400", "9" * 400, {"amount": "Infinity"}, [None], True,
    "\ud800", "\x00", {"amount": 1e400, "currency_code": "USD"}, "NaN", "-0", 2**70, [[1]], {"a": [1e400]},
]  # fmt: skip
DEEP = b"[" * 200_000
NO_OBJECTS = (DEEP, b"\xff\xfe", b"[1]", b"null", b'"x"', b"{", b'{"a":' * 100_000)
# {key}: a listing's own key, {sale}: the number of a sale that waits to be handed over.
ROUTES = {
    "stubhub": (
        "POST /v2/events/501/sellerlistings", "POST /v2/events/501/sellerlistingpreview", "POST /v2/sellerlistings",
        "POST /v2/sellerlistingpreview", "PATCH /v2/externalsellerlistings/{key}", "PUT /v2/listingconstraints",
        "POST /v2/webhooks", "PATCH /v2/sales/{sale}", "POST /v2/sales/{sale}/eticketuploads",
        "PUT /v2/sales/{sale}/shipments", "GET /v2/sellerlistings?page=x",
        "GET /v2/sellerlistings?page=-1&page_size=0", "GET /v2/sales?updated_since=z",
        "GET /v2/sales?page=99999999999999999999", "GET /v2/sales?updated_since=0001-01-01T00:00:00%2B14:00",
        "GET /catalog/events/search?q=%00&dateLocal=zz", "POST /oauth2/token", "POST /v2/nothing",
    ),
    "seatgeek": (
        "PUT /listings/single/{key}", "PATCH /listings/single/{key}", "POST /listings/bulk-delete", "PATCH /order",
        "PUT /v3/order", "GET /orders?page=x&start_date=zz", "GET /listings?per_page=-5&cursor=%ff",
        "GET /order?order_id=abc", "GET /remittances/abc", "GET /2/events?q=&datetime_local.gte=z",
    ),
    "vividseats": (
        "POST /listings/v2/create", "PUT /listings/v2/update", "DELETE /listings/v2/delete?listingId=1e400",
        "GET /listings/v2/get?listingId=x", "GET /v1/getOrders?status=zz", "GET /v1/getOrder?orderId=x",
        "GET /v1/getCompletedOrders?fromEventDate=z", "POST /v1/confirmOrder", "POST /v1/shipOrder",
        "POST /v1/transferOrder?orderId={sale}", "GET /events/search?fromDate=z",
    ),
    "gametime": (
        "POST /listings/{key}", "POST /purchases/{sale}/barcode_upload", "POST /purchases/{sale}/pdf_upload",
        "POST /purchases/{sale}/confirm_transfer", "GET /purchases?page=x",
        "GET /purchases?per_page=99999999999999999999&page=-3", "PUT /drop",
    ),
    "ticketmaster": (
        "POST /constraints", "POST /listings/preview", "PUT /listings/{key}", "PATCH /listings/{key}",
        "POST /orders/{sale}/transfer", "PUT /webhook", "GET /orders?updated_since=99999999-01-01",
        "GET /listings?page=1e400", "GET /payouts?since=z", "GET /discovery/v2/events.json?page=x&size=-1",
        "GET /inventory-status/v1/availability?events=%ff", "POST /oauth/token",
    ),
}  # fmt: skip
FIELDS = (
    "external_id", "ticket_price", "ticket_proceeds", "number_of_tickets", "seating", "quantity", "lots", "cost",
    "seat_from", "seat_thru", "section", "row", "split_type", "seats", "pdf", "confirmed", "barcodes", "eticket_ids",
    "topics", "url", "name", "event", "seller_listing_ids", "order_id", "status", "price", "ticketId", "seatNumbers",
    "productionId", "display_number_of_tickets", "ticket_type", "in_hand_at", "key", "event_id", "splits",
)  # fmt: skip
CONTROLS = (
    "reset", "seed", "settings", "faults", "accounts", "expire", "events", "market", "sell", "listings", "advance",
    "pay", "bounce", "charge", "end", "wants", "undeliverable", "call-off", "move", "buyers", "deliver", "prints",
)  # fmt: skip
CONTROL_FIELDS = (
    "platform", "external_id", "quantity", "listing_id", "sale_id", "seed", "events", "add", "clear", "account_id",
    "rate_per_s", "burst", "seconds", "to", "action", "demand", "prints", "after", "price", "section", "row", "seats",
    "kind", "cents", "reason", "starts_at", "event_id", "name", "venue", "market", "offers", "fee_percent", "payout",
    "access_token_s", "answer_s", "hang_s",
)  # fmt: skip
PLACED: list[dict[str, Any]] = [
    {"seed": 1e400}, {"rate_per_s": "nan", "platform": "stubhub"}, {"rate_per_s": "inf", "platform": "stubhub"},
    {"seconds": 1e400}, {"seconds": float("nan")}, {"platform": "stubhub", "quantity": 1e400},
    {"events": [{"name": 1, "starts_at": "9999-12-31T23:59:59-23:00"}]}, {"answer_s": float("nan")},
    {"add": [{"kind": "status", "status": "x"}]}, {"add": [{"kind": "status", "status": 99999, "count": 1}]},
    {"add": [{"kind": "status", "rate": float("nan")}]}, {"fee_percent": {"stubhub": 1e400}},
]  # fmt: skip


def _bodies(fields: tuple[str, ...], rounds: int) -> list[bytes]:
    chance = random.Random(3)
    made = [
        {name: chance.choice(ODD) for name in chance.sample(fields, chance.randint(1, len(fields)))}
        for _ in range(rounds)
    ]
    return [json.dumps(body).encode() for body in made]


def _world_goes_on(world: World) -> None:
    """Whatever was taken, its state can be read and kept, and what is due comes about."""
    assert world.http.get(f"{BASE}/_sim/state").status_code == 200
    world.moment += 3600
    world.simulator.tick()
    world.control("reset", {"seed": 1})


@pytest.mark.parametrize("platform", ROUTES)
def test_a_request_of_the_wrong_shape_is_refused(world: World, draft: Draft, platform: str) -> None:
    link = world.link(platform)
    adapter_get(platform).create(link, draft)
    sale = world.sell(platform, 2)["sale_id"]
    token = link.grant.access_token
    headers = {"Authorization": f"Bearer {token}", "Api-token": token, "Content-Type": "application/json"}
    for route in ROUTES[platform]:
        method, _, path = route.partition(" ")
        url = f"{BASE}/{platform}{path.format(key=draft.external_id, sale=sale)}"
        url += f"{'&' if '?' in url else '?'}source={token}&apiToken={token}&token={token}"
        for content in (b"",) if method == "GET" else (*NO_OBJECTS, *_bodies(FIELDS, 15)):
            answer = link.http.request(method, url, content=content, headers=headers)
            assert answer.status_code < 500, (route, content[:120], answer.text[:200])
    _world_goes_on(world)


def test_a_deeply_nested_body_is_a_refusal_in_the_platforms_own_words(world: World) -> None:
    link = world.link("stubhub")
    headers = {"Authorization": f"Bearer {link.grant.access_token}"}
    answer = link.http.post(f"{BASE}/stubhub/v2/events/501/sellerlistings", content=DEEP, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request_body")


def test_a_file_with_a_field_beyond_measure_is_a_refusal(world: World) -> None:
    link = world.link("gametime")
    header = "Edit,Event,Venue,EventDate,EventTime,Quantity,Section,Row,Cost,TicketID,edelivery_ind,Instant\n"
    answer = link.http.put(
        f"{BASE}/gametime/drop", content=(header + "x" * 200_000).encode(),
        headers={"Authorization": f"Bearer {link.grant.access_token}", "Content-Type": "text/csv"},
        params={"source": link.grant.access_token},
    )  # fmt: skip
    assert answer.status_code == 400, answer.text[:200]


@pytest.mark.parametrize("what", CONTROLS)
def test_a_control_request_of_the_wrong_shape_is_refused(world: World, what: str) -> None:
    world.link("stubhub")
    for content in (*NO_OBJECTS, *(json.dumps(body).encode() for body in PLACED), *_bodies(CONTROL_FIELDS, 15)):
        answer = world.http.post(
            f"{BASE}/_sim/{what}", content=content, headers={"Content-Type": "application/json"}
        )  # fmt: skip
        assert answer.status_code < 500, (content[:120], answer.text[:200])
    world.control("faults", {"clear": True})
    _world_goes_on(world)
