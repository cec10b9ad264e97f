"""Every request that leaves for StubHub, whichever test makes it leave, against the published operations."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from marketplaces.adapters.stubhub import client
from marketplaces.contracts import Draft, EventAsked, EventQuery, ListingRef
from marketplaces.delivery import DeliveryStep, DeliveryType, HandOver
from marketplaces.registry import adapter_get
from tests.marketplaces.conftest import BASE, SECRET, START, World, requested
from tests.marketplaces.outgoing import WATCH, places, problems
from tests.marketplaces.test_adapter_contract import KIND_OF, proof_by, tickets_of
from tests.marketplaces.test_simulator_oauth import trade

STUBHUB = adapter_get("stubhub")


def test_nothing_else_leaves_for_stubhub_than_what_is_published(world: World, draft: Draft, ref: ListingRef) -> None:
    """Every line of the adapter that sends something is taken once; each request is looked at (tests/conftest.py)."""
    WATCH.seen.clear()
    WATCH.lines.clear()
    world.control("settings", {"review_s": 0})
    link = world.link("stubhub")
    trade(world)
    event = EventQuery("Yankees", "Yankee Stadium", START, "2026-04-10")
    STUBHUB.search_events(link, event)
    list(STUBHUB.event_standings(link, [EventAsked("501", "Yankee Stadium", "2026-04-10")]))
    list(STUBHUB.market_view(link, "501"))
    for offered in (draft, requested(draft)):
        STUBHUB.constraints(link, offered)
        STUBHUB.preview(link, offered)
        STUBHUB.create(link, offered)
    coded = replace(draft, delivery=DeliveryType.BARCODE, external_id="b" * 32, disclosures=("Aisle seat",))
    STUBHUB.create(link, coded)
    coded_ref = replace(ref, external_id=coded.external_id)
    STUBHUB.supply(link, coded_ref, tickets_of(HandOver.BARCODE, draft.seats))
    for kind, way in ((DeliveryType.PDF, HandOver.PDF), (DeliveryType.QR_CODE, HandOver.QR_CODE)):
        filed = STUBHUB.create(link, replace(draft, delivery=kind, external_id=uuid4().hex))
        filed_ref = replace(ref, external_id=filed.external_id, listing_id=filed.listing_id)
        STUBHUB.supply(link, filed_ref, tickets_of(way, draft.seats))
    STUBHUB.create(link, draft)
    STUBHUB.reprice(link, ref, draft.price + 1, "USD")
    STUBHUB.resize(link, ref, (3, 4))
    # An event that takes tickets of one other kind alone.
    world.control("events", {"events": [{
        "event_id": 502, "name": draft.event_name, "venue": "Yankee Stadium", "starts_at": START.isoformat(),
        "ticket_types": ["ETicketUrl"],
    }]})  # fmt: skip
    STUBHUB.create(link, replace(draft, event_id="502", external_id="c" * 32))
    list(STUBHUB.list_all(link))
    # The second one takes the place of the first.
    for _ in range(2):
        held = STUBHUB.register_webhook(link, url="https://seatsync.test/hooks", secret=SECRET)
    STUBHUB.unregister_webhook(link, held)
    for way in HandOver:
        one = replace(draft, external_id=uuid4().hex)
        STUBHUB.create(link, one)
        sale_id = world.sell("stubhub", 2, one.external_id)["sale_id"]
        STUBHUB.confirm(link, sale_id)
        world.control("wants", {"sale_id": sale_id, "delivery": KIND_OF[way]})
        if way is HandOver.TRACKING:
            STUBHUB.shipping_label(link, sale_id)
        for step in (DeliveryStep.LABELS, DeliveryStep.UNTOLD)[way is not HandOver.TRACKING :]:
            STUBHUB.fulfil(link, sale_id, replace(proof_by(way, draft.seats[:2]), step=step))
    for since in (START - timedelta(days=400), datetime.now(UTC)):
        list(STUBHUB.sales_since(link, since))
    STUBHUB.next_payment(link)
    world.control("pay", {"platform": "stubhub"})
    list(STUBHUB.payments(link, START - timedelta(days=400)))
    refused = world.sell("stubhub", 1, ref.external_id)["sale_id"]
    assert STUBHUB.fetch_sale(link, refused) is not None
    STUBHUB.reject(link, refused)
    STUBHUB.delist(link, ref)
    assert STUBHUB.fetch(link, ref) is None
    assert places() - WATCH.lines == set()
    assert WATCH.wrong == []
    # Each has a name, by which staff limit it and a 429 holds it.
    assert [operation for operation in sorted(WATCH.seen) if not client.REQUESTS.name(*operation.split())] == []
    assert {operation.split()[0] for operation in WATCH.seen} == {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("POST", "/v2/events/1/sellerlistings", {"colour": "red"}, "colour"),
        ("PATCH", "/v2/sales/1", {"confirmed": "yes"}, "confirmed"),
        ("PATCH", "/v2/sales/1", None, "None"),
        ("DELETE", "/v2/sales/1", {"why": "sold"}, "takes no body"),
        ("GET", "/v2/sellerlistings?colour=red", None, "no query colour"),
        ("GET", "/v2/tickets", None, "no such operation"),
    ],
)  # fmt: skip
def test_the_watch_sees_what_is_not_as_published(method: str, path: str, body: Any, problem: str) -> None:
    content = b"" if body is None else json.dumps(body).encode()
    (found,) = problems(httpx.Request(method, f"{BASE}/stubhub{path}", content=content))
    assert problem in found
