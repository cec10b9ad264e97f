"""One payload per event kind, from the documented shapes: what each becomes."""

import json

import pytest

from marketplaces.contracts import NoticeKind
from marketplaces.errors import PermanentError
from marketplaces.registry import adapter_get, adapter_keys
from tests.marketplaces.conftest import fixture, fixture_names

EXT = "5f0c1d7a9b3e4c2d8a6f1e0b7c9d3a55"
EXPECTED = {
    ("stubhub", "sales_created"): (NoticeKind.SALE, "438811204", EXT),
    ("stubhub", "provisional_sale_created"): (NoticeKind.PROVISIONAL_SALE, "438811204", EXT),
    ("stubhub", "cancel_provisional_sale"): (NoticeKind.PROVISIONAL_CANCELLED, "438811204", EXT),
    ("stubhub", "sale_updates_failed_barcode"): (NoticeKind.SALE_UPDATE, "438811204", EXT),
    ("stubhub", "re_transfer_ticket"): (NoticeKind.SALE_UPDATE, "438811204", EXT),
    ("stubhub", "sellerlisting_updates_expired"): (NoticeKind.LISTING_UPDATE, "9120033144", EXT),
    ("stubhub", "ping"): (NoticeKind.PING, "77120", ""),
    ("stubhub", "unknown_topic"): (NoticeKind.UNKNOWN, "438811204", EXT),
    ("seatgeek", "order_created"): (NoticeKind.SALE, "G1-88412", EXT),
    ("seatgeek", "order_created_batch"): (NoticeKind.SALE, "G1-88412", EXT),
    ("seatgeek", "order_retransfer"): (NoticeKind.SALE_UPDATE, "G1-88412", EXT),
    ("seatgeek", "order_fulfillment_error"): (NoticeKind.SALE_UPDATE, "G1-88412", EXT),
    ("seatgeek", "order_broken"): (NoticeKind.SALE_UPDATE, "G1-88412", EXT),
    ("seatgeek", "ping"): (NoticeKind.PING, "", ""),
    ("seatgeek", "listing_event_inactive"): (NoticeKind.LISTING_UPDATE, EXT, EXT),
    ("seatgeek", "listing_visibility"): (NoticeKind.LISTING_UPDATE, EXT, EXT),
    ("seatgeek", "listing_normalization_status"): (NoticeKind.LISTING_UPDATE, EXT, EXT),
    ("seatgeek", "listing_normalization_status_changed"): (NoticeKind.LISTING_UPDATE, EXT, EXT),
    ("seatgeek", "unknown_topic"): (NoticeKind.UNKNOWN, "G1-88412", EXT),
}


def test_every_payload_has_an_expectation() -> None:
    assert fixture_names() == sorted(EXPECTED)


@pytest.mark.parametrize(("platform", "name"), sorted(EXPECTED))
def test_payload(platform: str, name: str) -> None:
    body = fixture(platform, name)
    notice = adapter_get(platform).parse_webhook({}, body)[0]
    assert (notice.kind, notice.resource_id, notice.external_id) == EXPECTED[platform, name]
    told = json.loads(body)
    assert notice.topic == (told.get("topic") or told["metadata"]["notification_type"])


def test_a_batch_gives_each_item_its_own_identity() -> None:
    body = fixture("seatgeek", "order_created_batch")
    first, second = adapter_get("seatgeek").parse_webhook({}, body)
    assert (first.resource_id, second.resource_id) == ("G1-88412", "G1-88413")
    assert first.delivery_id != second.delivery_id
    assert first.body in body
    assert second.body in body
    assert json.loads(second.body)["id"] == "G1-88413"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("x-delivery-id", "1993433"), ("StubHub-Delivery", "1993433"), ("x-delivery-attempt", ""), ("x-request-id", "")],
)
def test_delivery_id_of_stubhub(name: str, expected: str) -> None:
    (notice,) = adapter_get("stubhub").parse_webhook({name: "1993433"}, fixture("stubhub", "sales_created"))
    assert notice.delivery_id == expected


@pytest.mark.parametrize("platform", adapter_keys())
@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"{}", b'{"data": 3}', b'{"_embedded": []}'])
def test_shapes_nobody_documented_are_unknown_and_do_not_break(platform: str, body: bytes) -> None:
    assert adapter_get(platform).parse_webhook({}, body)[0].kind is NoticeKind.UNKNOWN


@pytest.mark.parametrize("platform", adapter_keys())
def test_a_body_that_is_not_json_is_refused(platform: str) -> None:
    with pytest.raises(PermanentError):
        adapter_get(platform).parse_webhook({}, b"\xff\xfe not json")
