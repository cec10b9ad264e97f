"""What goes to StubHub, and what the simulator answers in its name, against StubHub's published schemas."""

import json
from dataclasses import replace
from typing import Any

import pytest

from marketplaces.contracts import Draft, EventQuery, ListingRef
from marketplaces.delivery import DeliveryStep, DeliveryType, Fulfilment, HandOver
from marketplaces.registry import adapter_get
from tests.marketplaces.conftest import BASE, SECRET, START, World, last_body, requested
from tests.marketplaces.specs import BESIDE, VENDORED, violations
from tests.marketplaces.test_adapter_contract import KIND_OF, proof_by, tickets_of

INVENTORY, SALES, HOOKS, CATALOG = (f"stubhub-{name}.json" for name in ("inventory", "sales", "webhooks", "catalog"))
STUBHUB = adapter_get("stubhub")


def test_the_published_specs_are_here_with_their_licence() -> None:
    assert {path.name for path in VENDORED.glob("*.json")} == {INVENTORY, SALES, HOOKS, CATALOG, "stubhub-account.json"}
    assert "MIT" in (VENDORED / "LICENSE.md").read_text()


def test_the_checker_refuses_what_does_not_fit() -> None:
    assert violations(INVENTORY, "PostSellerListingRequest", {"seating": {}, "price": 1})


@pytest.mark.parametrize(
    ("known", "call", "schema"),
    [
        (True, "create", "PostSellerListingRequest"),
        (False, "create", "PostRequestedEventSellerListingRequest"),
        (True, "preview", "PostSellerListingPreviewRequest"),
        (False, "preview", "PostRequestedEventSellerListingPreviewRequest"),
    ],
)
@pytest.mark.parametrize("split", ["any", "none", "pairs", "avoid_one", "avoid_one_and_three"])
def test_listing_bodies(world: World, draft: Draft, known: bool, call: str, schema: str, split: str) -> None:
    offered = Draft(**{**{name: getattr(draft, name) for name in draft.__dataclass_fields__}, "split": split})
    getattr(STUBHUB, call)(world.link("stubhub"), offered if known else requested(offered))
    body = last_body(world, "POST")
    assert violations(INVENTORY, schema, body) == []
    assert world.requests[-1].read().count(b'"amount": 84.10') == 1


def test_requested_event_names_the_local_start(world: World, draft: Draft) -> None:
    assert "MobileTransfer" in STUBHUB.constraints(world.link("stubhub"), requested(draft)).ticket_types
    body = last_body(world, "PUT")
    assert violations(INVENTORY, "PutRequestedEventRequest", body) == []
    assert body["event"]["start_date"] == "2026-04-10T19:05:00-04:00"
    assert body["venue"] == {"name": "Yankee Stadium", "city": "Bronx", "state_province": "NY"}


def test_an_event_that_is_to_be_added_is_sent_as_published_and_told_later(world: World, draft: Draft) -> None:
    link, asked = world.link("stubhub"), replace(requested(draft), event_name="Harbor Gulls vs Inland Owls")
    ref = ListingRef(draft.external_id, "", "", draft.quantity)
    assert STUBHUB.create(link, asked).event_id == ""
    assert violations(INVENTORY, "PostRequestedEventSellerListingRequest", last_body(world, "POST")) == []
    query = EventQuery("Harbor Gulls", "Yankee Stadium", START, "2026-04-10")
    assert "Harbor Gulls vs Inland Owls" not in {event.name for event in STUBHUB.search_events(link, query)}
    answer = world.http.get(
        f"{BASE}/stubhub/v2/sellerlistings", headers={"Authorization": f"Bearer {link.grant.access_token}"}
    )
    assert violations(INVENTORY, "SellerListings", answer.json()) == []
    world.simulator.advance(world.simulator.clock() + world.simulator.ledger.settings.add_event_s)
    (found,) = [event for event in STUBHUB.search_events(link, query) if event.name == "Harbor Gulls vs Inland Owls"]
    told = STUBHUB.fetch(link, ref)
    assert told is not None
    assert (told.event_id, told.event.starts_at) == (found.event_id, START)


def test_change_bodies(world: World, draft: Draft, ref: ListingRef) -> None:
    link = world.link("stubhub")
    STUBHUB.create(link, draft)
    STUBHUB.reprice(link, ref, draft.price + 1, "USD")
    assert violations(INVENTORY, "PatchSellerListingRequest", last_body(world, "PATCH")) == []
    STUBHUB.resize(link, ref, (3, 4))
    body = last_body(world, "PATCH")
    assert violations(INVENTORY, "PatchSellerListingRequest", body) == []
    assert body["seating"] == {"section": "120A", "row": "12", "seat_from": "3", "seat_to": "4"}


def test_sale_and_webhook_bodies(world: World, draft: Draft) -> None:
    link = world.link("stubhub")
    STUBHUB.create(link, draft)
    sale_id = world.sell("stubhub", 2)["sale_id"]
    STUBHUB.confirm(link, sale_id)
    assert violations(SALES, "PatchSaleRequest", last_body(world, "PATCH")) == []
    STUBHUB.fulfil(link, sale_id, Fulfilment("transfer_url", ("https://t.example/1",)))
    assert violations(SALES, "PatchSaleRequest", last_body(world, "PATCH")) == []
    STUBHUB.register_webhook(link, url="https://seatsync.test/hooks", secret=SECRET)
    assert violations(HOOKS, "PostWebhookRequest", last_body(world, "POST")) == []


@pytest.mark.parametrize("way", HandOver)
def test_hand_over_bodies(world: World, draft: Draft, way: HandOver) -> None:
    link = world.link("stubhub")
    STUBHUB.create(link, draft)
    sale_id = world.sell("stubhub", 2)["sale_id"]
    world.control("wants", {"sale_id": sale_id, "delivery": KIND_OF[way]})
    step = DeliveryStep.LABELS if way is HandOver.TRACKING else DeliveryStep.UNTOLD
    STUBHUB.fulfil(link, sale_id, replace(proof_by(way, draft.seats[:2]), step=step))
    schema = "PatchShipmentRequest" if way is HandOver.TRACKING else "PatchSaleRequest"
    assert violations(SALES, schema, last_body(world, "PATCH")) == []


def test_a_listing_with_barcodes_and_notes(world: World, draft: Draft) -> None:
    kind = DeliveryType.BARCODE
    tickets = tickets_of(HandOver.BARCODE, draft.seats)
    STUBHUB.create(world.link("stubhub"), replace(draft, delivery=kind, tickets=tickets, disclosures=("Aisle seat",)))
    body = last_body(world, "POST")
    assert violations(INVENTORY, "PostSellerListingRequest", body) == []
    assert (body["notes"], body["barcodes"][0]["seat"]) == ("Aisle seat", str(draft.seats[0]))


def test_the_simulator_answers_as_published(world: World, draft: Draft) -> None:
    link = world.link("stubhub")
    made = STUBHUB.create(link, draft)
    sale_id = world.sell("stubhub", 2)["sale_id"]
    STUBHUB.fulfil(link, sale_id, Fulfilment("mobile_transfer", (), "C1"))
    (paid,) = world.control("pay", {"platform": "stubhub"})["payments"]
    STUBHUB.search_events(link, EventQuery("Yankees", "Yankee Stadium", START, "2026-04-10"))

    def shown(path: str) -> Any:
        answer = world.http.get(f"{BASE}/stubhub{path}", headers={"Authorization": f"Bearer {link.grant.access_token}"})
        return json.loads(answer.content)

    for path, spec, schema in (
        (f"/v2/sellerlistings/{made.listing_id}", INVENTORY, "SellerListing"),
        ("/v2/sellerlistings", INVENTORY, "SellerListings"),
        ("/v2/events/501/listingconstraints", INVENTORY, "ListingConstraints"),
        (f"/v2/sales/{sale_id}", SALES, "Sale"),
        ("/v2/sales", SALES, "Sales"),
        (f"/v2/payments/{paid['id']}", SALES, "Payment"),
        ("/v2/webhooks", HOOKS, "Webhooks"),
        ("/v2/user", "stubhub-account.json", "User"),
    ):
        assert violations(spec, schema, shown(path)) == [], path


@pytest.mark.skipif(not BESIDE.exists(), reason="the reconstructed specs are not beside this checkout")
def test_seatgeek_bodies_fit_the_reconstructed_schema(world: World, draft: Draft, ref: ListingRef) -> None:
    spec, adapter, link = "seatgeek-seller-direct.reconstructed.json", adapter_get("seatgeek"), world.link("seatgeek")
    adapter.create(link, draft)
    assert violations(spec, "ListingWrite", last_body(world, "PUT")) == []
    adapter.reprice(link, ref, draft.price, "USD")
    assert violations(spec, "ListingPatch", last_body(world, "PATCH")) == []
    adapter.resize(link, ref, (1, 2))
    assert violations(spec, "ListingPatch", last_body(world, "PATCH")) == []
    (listing,) = world.http.get(
        f"{BASE}/seatgeek/listings", headers={"Authorization": f"Bearer {link.grant.access_token}"}
    ).json()["listings"]
    assert violations(spec, "Listing", listing) == []
