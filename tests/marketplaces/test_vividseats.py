"""Vivid Seats: refusals with HTTP 200, orders in XML, ledgers, and the paces that its lists have."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

import httpx
import pytest
import time_machine

from marketplaces.adapters import _xml
from marketplaces.adapters.vividseats import mapping
from marketplaces.contracts import Draft, Link, ListingRef, PaymentLine, RemoteSaleState
from marketplaces.errors import AlreadyGone, GrantExpired, PermanentError, TemporaryError, UnknownOutcome
from marketplaces.registry import adapter_get
from marketplaces.simulator.dialects.vividseats import views
from tests.marketplaces.conftest import World, last_body, requested
from tests.marketplaces.specs import BESIDE, violations

SPEC = "vividseats-broker-portal.reconstructed.json"
ADAPTER = adapter_get("vividseats")
ORDER = """<order><orderId>77</orderId><orderToken>t</orderToken><brokerTicketId>key</brokerTicketId>
<section>131 &amp; up</section><row>27</row><seats><seat>1</seat><seat>2</seat></seats><quantity>2</quantity>
<cost>75.69</cost><orderDate>2026-04-01T12:00:00</orderDate><expectedShipDate>2026-04-09T00:00:00Z</expectedShipDate>
<status>{}</status><listingId>9</listingId><productionId>501</productionId><orderTokens/></order>"""


UTF_16 = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'.encode("utf-16")


def order(status: str = "UNCONFIRMED") -> Element:
    root = _xml.parsed(ORDER.format(status).encode())
    assert root is not None
    return root


def answering(link: Link, body: str | bytes, status: int = 200) -> Link:
    """A line to a server that says the same to everything."""
    raw = body.encode() if isinstance(body, str) else body
    transport = httpx.MockTransport(lambda request: httpx.Response(status, content=raw))
    return replace(link, http=httpx.Client(transport=transport))


@pytest.fixture
def link(world: World) -> Link:
    return world.link("vividseats")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("UNCONFIRMED", RemoteSaleState.AWAITING_CONFIRM),
        ("PENDING_SHIPMENT", RemoteSaleState.AWAITING_FULFILMENT),
        ("COMPLETED", RemoteSaleState.IN_DELIVERY),
        ("VERIFICATION", RemoteSaleState.UNKNOWN),
        ("PENDING_RESERVATION", RemoteSaleState.UNKNOWN),
        ("", RemoteSaleState.UNKNOWN),
    ],
)
def test_states_of_an_order(status: str, state: RemoteSaleState) -> None:
    assert mapping.sale_of(order(status)).state is state


def test_an_order_tells_what_reaches_the_seller_and_which_seats() -> None:
    sale = mapping.sale_of(order())
    assert (sale.gross, sale.fees, sale.proceeds, sale.gross_known) == (
        Decimal("151.38"), Decimal("0.00"), Decimal("151.38"), False,
    )  # fmt: skip
    assert (sale.seats, sale.section, sale.external_id) == (("1", "2"), "131 & up", "key")
    assert sale.sold_at == datetime(2026, 4, 1, 12, tzinfo=UTC)
    assert sale.ship_by == datetime(2026, 4, 9, tzinfo=UTC)


@pytest.mark.parametrize("lacking", ["orderId", "cost", "orderDate"])
def test_half_an_order_is_none(lacking: str) -> None:
    found = order()
    found.remove(next(node for node in found if node.tag == lacking))
    with pytest.raises(PermanentError):
        mapping.sale_of(found)


@pytest.mark.parametrize("raw", [b"", b"<html>", b"{}", b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', UTF_16])
def test_what_is_no_xml_or_could_grow_is_not_read(raw: bytes, link: Link) -> None:
    assert _xml.parsed(raw) is None
    with pytest.raises(TemporaryError) as caught:
        ADAPTER.fetch_sale(answering(link, raw), "1")
    assert not isinstance(caught.value, UnknownOutcome)


@pytest.mark.parametrize(
    ("split", "word", "value"),
    [("any", "ANY", ""), ("avoid_one", "NEVERLEAVEONE", ""), ("none", "CUSTOM", "4"), ("pairs", "CUSTOM", "2,4")],
)
def test_splits(split: str, word: str, value: str) -> None:
    assert mapping.split_body(split, 4) == {"splitType": word, "splitValue": value}


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Invalid API token", GrantExpired),
        ("Order not found.", AlreadyGone),
        ("The order's token is wrong.", PermanentError),
    ],
)
def test_a_refused_order_comes_with_http_200(link: Link, message: str, error: type[Exception]) -> None:
    said = f"<response><success>false</success><message>{message}</message></response>"
    if error is AlreadyGone:
        assert ADAPTER.fetch_sale(answering(link, said), "1") is None
        return
    with pytest.raises(error):
        ADAPTER.fetch_sale(answering(link, said), "1")


@pytest.mark.parametrize(("body", "status"), [("{}", 200), ("<html>", 404), ('{"listings": 3}', 200), ("[]", 200)])
def test_what_is_no_list_of_listings_is_no_empty_one(link: Link, body: str, status: int) -> None:
    """An account that seems empty would have all its listings taken for gone, and a wrong address for a good one."""
    with pytest.raises((TemporaryError, PermanentError)):
        list(ADAPTER.list_all(answering(link, body, status)))
    with pytest.raises((TemporaryError, PermanentError)):
        ADAPTER.connect(answering(link, body, status), code="", redirect_uri="", code_verifier="")


def test_a_refused_listing_says_every_reason(link: Link, draft: Draft) -> None:
    said = (
        '{"success": false, "message": "Create parameters failed validation, see errors.", "errors": ["One.", "Two."]}'
    )
    with pytest.raises(PermanentError, match=r"see errors\.; One\.; Two\."):
        ADAPTER.create(answering(link, said), draft)


def test_a_section_too_long_is_refused_before_anything_is_sent(world: World, link: Link, draft: Draft) -> None:
    before = len(world.requests)
    with pytest.raises(PermanentError, match="45"):
        ADAPTER.create(link, replace(draft, section="x" * 46))
    assert len(world.requests) == before


def test_a_change_keeps_everything_else_of_the_listing(world: World, link: Link, draft: Draft, ref: ListingRef) -> None:
    ADAPTER.create(link, draft)
    ADAPTER.reprice(link, ref, Decimal("70.00"), "USD")
    body = last_body(world, "PUT")
    assert (body["price"], body["faceValue"], body["inHandDate"]) == (70.0, 60.0, "2026-04-01T00:00:00")
    assert (body["eventName"], body["seatFrom"], body["seatThru"]) == (draft.event_name, "1", "4")


@pytest.mark.skipif(not (BESIDE / SPEC).exists(), reason="the reconstructed description is not beside this checkout")
def test_bodies_fit_the_description(world: World, link: Link, draft: Draft, ref: ListingRef) -> None:
    for split in ("any", "none", "pairs", "avoid_one", "avoid_one_and_three"):
        for one in (replace(draft, split=split), requested(replace(draft, split=split))):
            # Each change reads its listing first: ten of these a second.
            world.moment += 1
            ADAPTER.create(link, one)
            assert violations(SPEC, "ManagedBrokerListingDoc", last_body(world, "POST")) == []
            ADAPTER.reprice(link, ref, Decimal("70.00"), "USD")
            ADAPTER.resize(link, replace(ref, split=split), (1, 2))
            assert violations(SPEC, "ManagedBrokerListingDoc", last_body(world, "PUT")) == []
            ADAPTER.delist(link, ref)


def test_a_payment_of_several_orders_is_parted_to_the_cent() -> None:
    header = {"id": 5, "referenceNumber": "VS-5", "paymentDate": "2026-05-01", "amount": "90.00"}
    whole: dict[str, Any] = {
        "creditItems": [{"orderNumber": ["1", "2", "3"], "amount": 100}],
        "debitItems": [{"orderNumber": [], "amount": -10}],
    }
    paid = mapping.payment_of(header, whole)
    assert [line.net for line in paid.lines] == [
        Decimal("33.33"),
        Decimal("33.33"),
        Decimal("33.34"),
        Decimal("-10.00"),
    ]
    assert sum(line.net for line in paid.lines) == paid.net
    assert paid.lines[-1] == PaymentLine("", Decimal(0), Decimal(0), Decimal(10), Decimal(-10))


@pytest.mark.parametrize(
    ("paid", "credited", "debited", "expected"),
    [
        # What is taken off comes with a minus or without.
        ("90", ["100"], ["10"], [("100", "0"), ("0", "10")]),
        ("90", ["100"], ["-10"], [("100", "0"), ("0", "10")]),
        # A sale that is taken back, and a charge that is given back.
        ("-100", ["-100"], [], [("-100", "0")]),
        ("110", ["100"], ["-10"], [("100", "0"), ("0", "-10")]),
        ("115", ["100"], ["10", "-25"], [("100", "0"), ("0", "10"), ("0", "-25")]),
        # Where the payment settles nothing, a plus is what is taken off.
        ("100", ["100"], ["10"], [("100", "0"), ("0", "10")]),
    ],
)  # fmt: skip
def test_vivids_amounts_keep_their_signs(
    paid: str,
    credited: list[str],
    debited: list[str],
    expected: list[tuple[str, str]],
) -> None:
    whole = {
        name: [{"orderNumber": ["1"], "amount": amount} for amount in amounts]
        for name, amounts in (("creditItems", credited), ("debitItems", debited))
    }
    lines = mapping.payment_of({"id": 5, "amount": paid}, whole).lines
    assert [(line.gross, line.penalty) for line in lines] == [(Decimal(g), Decimal(p)) for g, p in expected]
    assert [line.net for line in lines] == [line.gross - line.penalty for line in lines]


def lists(world: World) -> list[str]:
    """Which lists of orders were asked for, since the last look."""
    asked = [one.url for one in world.requests if one.url.path.endswith(("/getOrders", "/getCompletedOrders"))]
    world.requests.clear()
    return [url.params.get("status", "COMPLETED") for url in asked]


def test_a_new_order_does_not_wait_for_the_list_that_may_be_asked_for_once_a_minute(
    world: World, link: Link, draft: Draft
) -> None:
    whole = ["UNCONFIRMED", "PENDING_SHIPMENT", "COMPLETED"]
    with time_machine.travel(datetime.fromtimestamp(world.moment, UTC), tick=False):
        since = datetime.now(UTC)
        ADAPTER.create(link, draft)
        assert (list(ADAPTER.sales_since(link, since)), lists(world)) == ([], whole)
        sale_id = str(world.sell("vividseats", 2)["sale_id"])
        world.moment += ADAPTER.traits.poll_sales_every_s
        # The list of those that wait for their tickets says that it may be asked for in 49 seconds.
        assert [sale.sale_id for sale in ADAPTER.sales_since(link, since)] == [sale_id]
        assert lists(world) == whole
        world.moment += 61
        assert [sale.sale_id for sale in ADAPTER.sales_since(link, since)] == [sale_id]
        # Who asks for the past is told everything, or that he must wait; what is new he is told all the same.
        world.moment += 11
        found: list[str] = []
        with pytest.raises(TemporaryError) as caught:
            found.extend(sale.sale_id for sale in ADAPTER.sales_since(link, since - timedelta(days=1)))
        assert (found, caught.value.retry_after_s) == ([sale_id], 49.0)
        # What may be asked for sooner than the next poll is waited for, as is the list of new orders.
        for later in (39, 1):
            world.moment += later
            with pytest.raises(TemporaryError):
                list(ADAPTER.sales_since(link, since))


def sold_in_ones(world: World, link: Link, draft: Draft, count: int) -> list[str]:
    """The ids of so many orders of a seat each that wait for their tickets, oldest first."""
    ADAPTER.create(link, replace(draft, seats=tuple(range(1, count + 1))))
    sales = [str(world.sell("vividseats", 1)["sale_id"]) for _ in range(count)]
    for sale in world.simulator.ledger.sales.values():
        sale.confirmed, sale.status = True, "PENDING_SHIPMENT"
    return sales


def test_all_orders_that_wait_are_read_however_many_they_are(world: World, link: Link, draft: Draft) -> None:
    sales = sold_in_ones(world, link, draft, 101)
    found = list(ADAPTER.sales_since(link, datetime.fromtimestamp(world.moment, UTC)))
    assert [sale.sale_id for sale in found] == sales
    asked = [one.url.params for one in world.requests if one.url.path.endswith(("/getOrders", "/getCompletedOrders"))]
    # One request of each: another is allowed a minute later only. These are the most that are published.
    assert [one.get("pageSize") or one.get("limit") for one in asked] == ["10000", "10000", "5000"]


def test_what_does_not_go_into_one_answer_is_read_on_from_the_bookmark(
    world: World, link: Link, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplaces.adapters.vividseats.adapter._ORDERS_AT_ONCE", 2)
    sales = sold_in_ones(world, link, draft, 5)

    def later(_: httpx.Request) -> None:
        world.moment += 62

    world.http.event_hooks["request"].append(later)
    found = list(ADAPTER.sales_since(link, datetime.fromtimestamp(world.moment, UTC)))
    assert [sale.sale_id for sale in found] == sales
    bookmarks = [one.url.params.get("bookmark") for one in world.requests if one.url.path.endswith("/getOrders")]
    assert bookmarks == [None, None, sales[1], sales[3]]
    # A server that does not know bookmarks says the same again, and is asked no more.
    same = answering(link, f"<orders>{ORDER.format('UNCONFIRMED')}{ORDER.format('UNCONFIRMED')}</orders>")
    assert {sale.sale_id for sale in ADAPTER.sales_since(same, datetime.fromtimestamp(world.moment, UTC))} == {"77"}


def test_the_simulator_refuses_an_act_on_an_order_with_http_200_too(world: World, link: Link, draft: Draft) -> None:
    """As published: an order's failures are HTTP 200 with success=false."""
    ADAPTER.create(link, draft)
    sale_id = str(world.sell("vividseats", 2)["sale_id"])
    ADAPTER.reject(link, sale_id)
    order_token = views.token(world.simulator.ledger.sales[int(sale_id)])
    form = {"apiToken": link.grant.access_token, "orderId": sale_id, "orderToken": order_token}
    answer = world.http.post(f"{link.base_url}/v1/confirmOrder", data=form)
    assert (answer.status_code, "<success>false</success>" in answer.text) == (200, True)


def test_the_simulator_keeps_to_the_published_limit_of_labels_and_asks_for_both_days(world: World, link: Link) -> None:
    label = {"apiToken": link.grant.access_token, "orderId": "1"}
    statuses = [world.http.get(f"{link.base_url}/v1/getAirbill", params=label).status_code for _ in range(2)]
    world.moment += 2
    statuses.append(world.http.get(f"{link.base_url}/v1/getAirbill", params=label).status_code)
    assert statuses == [200, 429, 200]
    days = {"venueKeyword": "Yankee", "fromDate": "2026-04-10T00:00:00"}
    headers = {"Api-token": link.grant.access_token}
    assert world.http.get(f"{link.base_url}/events/search", params=days, headers=headers).status_code == 400
