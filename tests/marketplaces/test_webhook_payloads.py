"""One payload per event kind, from the documented shapes: what each becomes (expected.json beside them)."""

import json

import pytest

from marketplaces.contracts import Capability, NoticeKind
from marketplaces.errors import PermanentError
from marketplaces.registry import adapter_get, adapter_list
from tests.marketplaces.conftest import expected, fixture, fixture_names, fixture_platforms

CALLING = sorted(adapter.traits.key for adapter in adapter_list() if Capability.WEBHOOK in adapter.traits.capabilities)


def test_every_payload_has_an_expectation() -> None:
    assert fixture_names() == sorted(
        (platform, name) for platform in fixture_platforms() for name in expected(platform)
    )


def test_every_platform_that_calls_us_has_payloads() -> None:
    assert CALLING
    assert set(CALLING) <= set(fixture_platforms())
    for platform in CALLING:
        kinds = {item["kind"] for items in expected(platform).values() for item in items}
        assert {NoticeKind.SALE, NoticeKind.UNKNOWN} <= kinds, "a sale, and a topic that nobody knows"


@pytest.mark.parametrize(("platform", "name"), fixture_names())
def test_payload(platform: str, name: str) -> None:
    notices = adapter_get(platform).parse_webhook({}, fixture(platform, name))
    assert [
        {
            "kind": item.kind,
            "topic": item.topic,
            "resource_id": item.resource_id,
            "external_id": item.external_id,
            **({"listing_id": item.listing_id} if item.listing_id else {}),
        }
        for item in notices
    ] == expected(platform)[name]


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


@pytest.mark.parametrize("platform", CALLING)
@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"{}", b'{"data": 3}', b'{"_embedded": []}'])
def test_shapes_nobody_documented_are_unknown_and_do_not_break(platform: str, body: bytes) -> None:
    assert adapter_get(platform).parse_webhook({}, body)[0].kind is NoticeKind.UNKNOWN


@pytest.mark.parametrize("platform", CALLING)
def test_a_body_that_is_not_json_is_refused(platform: str) -> None:
    with pytest.raises(PermanentError):
        adapter_get(platform).parse_webhook({}, b"\xff\xfe not json")
