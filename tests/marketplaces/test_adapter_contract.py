"""One body of tests for every adapter: what shared code relies on, over HTTP to the simulator."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from marketplaces.contracts import Capability, EventQuery, ListingRef, MarketplaceAdapter, NoticeKind, RemoteSaleState
from marketplaces.errors import (
    AlreadyGone,
    BadSignature,
    GrantExpired,
    NotSupported,
    PermanentError,
    TemporaryError,
    UnknownOutcome,
)  # fmt: skip
from marketplaces.registry import adapter_list
from tests.marketplaces.conftest import SECRET, STARTS, Bench, draft

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(params=adapter_list(), ids=lambda adapter: adapter.traits.key)
def adapter(request: pytest.FixtureRequest) -> MarketplaceAdapter:
    found: MarketplaceAdapter = request.param
    return found


def ref(listing_id: str = "", external_id: str = "a" * 32, quantity: int = 4) -> ListingRef:
    return ListingRef(external_id, listing_id, "501", quantity)


def test_a_listing_lives_from_create_to_delist(adapter: MarketplaceAdapter, bench: Bench) -> None:
    link = bench.link(adapter)
    made = adapter.create(link, draft())
    assert (made.external_id, made.price, made.quantity, made.seat_from, made.seat_to) == (
        "a" * 32, Decimal("84.50"), 4, "1", "4",
    )  # fmt: skip
    assert adapter.reprice(link, ref(made.listing_id), Decimal("79.99"), "USD").price == Decimal("79.99")
    smaller = adapter.resize(link, ref(made.listing_id), (3, 4))
    assert (smaller.quantity, smaller.seat_from, smaller.seat_to) == (2, "3", "4")
    assert [found.external_id for found in adapter.list_all(link)] == ["a" * 32]
    adapter.delist(link, ref(made.listing_id))
    found = adapter.fetch(link, ref(made.listing_id))
    assert found is None or found.state == "gone"
    assert list(adapter.list_all(link)) == []


def test_taking_down_what_is_not_there_is_success(adapter: MarketplaceAdapter, bench: Bench) -> None:
    link = bench.link(adapter)
    with contextlib.suppress(AlreadyGone):
        adapter.delist(link, ref())
    assert bench.ledger()["sales"] == []


def test_what_is_not_there_cannot_be_priced(adapter: MarketplaceAdapter, bench: Bench) -> None:
    with pytest.raises(AlreadyGone):
        adapter.reprice(bench.link(adapter), ref(), Decimal("80.00"), "USD")
    assert adapter.fetch(bench.link(adapter), ref()) is None


def test_a_wrong_token_is_an_ended_grant(adapter: MarketplaceAdapter, bench: Bench) -> None:
    link = bench.link(adapter)
    with pytest.raises(GrantExpired):
        adapter.create(replace(link, grant=replace(link.grant, access_token="wrong")), draft())
    assert bench.ledger()["listings"] == []


@pytest.mark.parametrize(("kind", "error"), [("429", TemporaryError), ("503", TemporaryError), ("500", UnknownOutcome)])
def test_busy_is_temporary_and_a_broken_write_of_unknown_outcome(
    adapter: MarketplaceAdapter, bench: Bench, kind: str, error: type[Exception]
) -> None:
    link = bench.link(adapter)
    bench.control("faults", platform=adapter.traits.key, next=[{"kind": kind}])
    with pytest.raises(error) as caught:
        adapter.create(link, draft())
    assert type(caught.value) is error


def test_retry_after_is_honoured_and_its_absence_tolerated(adapter: MarketplaceAdapter, bench: Bench) -> None:
    link = bench.link(adapter)
    bench.control("faults", platform=adapter.traits.key, next=[{"kind": "429", "retry_after_s": 7}, {"kind": "429"}])
    waits = []
    for _ in range(2):
        with pytest.raises(TemporaryError) as caught:
            adapter.create(link, draft())
        waits.append(caught.value.retry_after_s)
    assert waits == [7.0, None]


@pytest.mark.parametrize(("kind", "there"), [("timeout_before", False), ("timeout_after", True)])
def test_i23_after_a_lost_answer_reading_back_tells_what_happened(
    adapter: MarketplaceAdapter, bench: Bench, kind: str, there: bool
) -> None:
    link = bench.link(adapter)
    bench.control("faults", platform=adapter.traits.key, next=[{"kind": kind}])
    with pytest.raises(UnknownOutcome):
        adapter.create(link, draft())
    assert (adapter.fetch(link, ref()) is not None) is there


def test_a_refused_listing_is_permanent_and_says_why(adapter: MarketplaceAdapter, bench: Bench) -> None:
    bad = replace(draft(), price=Decimal("0.00"))
    with pytest.raises(PermanentError, match="400"):
        adapter.create(bench.link(adapter), bad)


def test_a_sale_is_told_read_back_confirmed_and_delivered(adapter: MarketplaceAdapter, bench: Bench) -> None:
    link = bench.link(adapter)
    adapter.create(link, draft())
    bench.control("sell", platform=adapter.traits.key, external_id="a" * 32, seats=[1, 2])
    bench.simulator.deliveries.deliver_due(everything=True)
    ((_, headers, body),) = bench.sent
    lowered = {name.lower(): value for name, value in headers.items()}
    adapter.verify_webhook(lowered, body, SECRET)
    (notice,) = adapter.parse_webhook(lowered, body)
    assert (notice.kind, notice.external_id) == (NoticeKind.SALE, "a" * 32)
    sale = adapter.fetch_sale(link, notice.resource_id)
    assert sale is not None
    assert (sale.external_id, sale.quantity, sale.gross, sale.state) == (
        "a" * 32, 2, Decimal("169.00"), RemoteSaleState.AWAITING_CONFIRM,
    )  # fmt: skip
    assert sale.gross == sale.fees + sale.proceeds
    assert sale.seats == (() if adapter.traits.seller_allocates else ("1", "2"))
    assert adapter.confirm(link, sale.sale_id).state is RemoteSaleState.AWAITING_FULFILMENT
    assert [found.sale_id for found in adapter.sales_since(link, LONG_AGO)] == [sale.sale_id]


def test_a_sale_can_be_rejected(adapter: MarketplaceAdapter, bench: Bench) -> None:
    link = bench.link(adapter)
    adapter.create(link, draft())
    sale_id = bench.control("sell", platform=adapter.traits.key, external_id="a" * 32)["sale_id"]
    adapter.reject(link, sale_id)
    sale = adapter.fetch_sale(link, sale_id)
    assert sale is not None
    assert sale.state is RemoteSaleState.CANCELLED
    assert adapter.fetch_sale(link, "999999") is None


def test_i21_a_webhook_with_another_secret_is_refused(adapter: MarketplaceAdapter) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": ""}):
        with pytest.raises(BadSignature):
            adapter.verify_webhook(headers, b"{}", SECRET)
        with pytest.raises(BadSignature):
            adapter.verify_webhook(headers, b"{}", "")


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"topic": "New"}', b'{"metadata": {}, "data": null}'])
def test_an_unknown_delivery_is_of_kind_unknown_and_never_an_error(adapter: MarketplaceAdapter, body: bytes) -> None:
    assert {notice.kind for notice in adapter.parse_webhook({}, body)} == {NoticeKind.UNKNOWN}


def test_what_it_lacks_it_declares(adapter: MarketplaceAdapter, bench: Bench) -> None:
    link = bench.link(adapter)
    query = EventQuery("Harbor Gulls", "Harbor Park", STARTS, "2026-06-30")
    calls: dict[Capability, Callable[[], object]] = {
        Capability.SEARCH_EVENTS: lambda: adapter.search_events(link, query),
        Capability.CONSTRAINTS: lambda: adapter.constraints(link, draft()),
        Capability.PREVIEW: lambda: adapter.preview(link, draft()),
        Capability.MARKET_VIEW: lambda: list(adapter.market_view(link, "501")),
        Capability.REGISTER_WEBHOOK: lambda: adapter.register_webhook(link, url="http://us/hook", secret="s"),
    }
    for capability, call in calls.items():
        if capability in adapter.traits.capabilities:
            call()
        else:
            with pytest.raises(NotSupported):
                call()


def test_sales_since_leaves_out_what_is_older(adapter: MarketplaceAdapter, bench: Bench) -> None:
    link = bench.link(adapter)
    assert list(adapter.sales_since(link, datetime.now(tz=UTC) - timedelta(days=2))) == []
