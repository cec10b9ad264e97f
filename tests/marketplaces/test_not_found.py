"""404 is said by marketplaces of a thing, and by what stands before them of an address: only the former is believed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from marketplaces.contracts import Capability, Draft, Link, ListingRef, MarketplaceAdapter
from marketplaces.errors import AlreadyGone, TemporaryError, UnknownOutcome
from marketplaces.registry import adapter_get, adapter_list
from marketplaces.simulator.http import render
from marketplaces.simulator.transport import SimulatorTransport
from tests.marketplaces.conftest import START, World

SINCE = datetime.fromisoformat("2026-03-30T00:00:00+00:00")
ALL = pytest.mark.parametrize("adapter", adapter_list(), ids=lambda adapter: adapter.traits.key)
ROUTING = b'{"type":"https://tools.ietf.org/html/rfc7231#section-6.5.4","title":"Not Found","status":404,"traceId":"0"}'
FOREIGN = pytest.mark.parametrize(
    "body",
    [
        b"<html><body><h1>Down for maintenance</h1></body></html>", ROUTING, b"", b"null", b"[]",
        b'{"message": "no Route matched with those values"}', b"<error>not found</error>",
    ],
    ids=["page", "routing", "empty", "null", "list", "gateway", "xml"],
)  # fmt: skip
# What answers a question for a list, and for one thing, without a word of either.
NOTHING = pytest.mark.parametrize(
    "body", [b"{}", b'{"message": "Service temporarily unavailable"}', b"", b"null", b"<ok/>"],
    ids=["object", "message", "empty", "null", "xml"],
)  # fmt: skip
# Whose 404 for a thing reads like one for an address, as far as is known.
ALIKE = {
    "seatgeek": b'{"error": {"message": "Not found"}, "meta": {"status": 404}}', "gametime": b'{"error": "Not found"}',
}  # fmt: skip


class Shut(SimulatorTransport):
    """Says the same to every request of the API; Gametime's file lies on another server."""

    def __init__(self, world: World, body: bytes, status: int = 404, only: str = "") -> None:
        super().__init__(world.simulator)
        self.body, self.status, self.only = body, status, only

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/drop") or self.only not in request.url.path:
            return super().handle_request(request)
        return httpx.Response(self.status, content=self.body, headers={"content-type": "application/json"})


def shut(world: World, link: Link, body: bytes, status: int = 404, only: str = "") -> Link:
    return replace(link, http=httpx.Client(transport=Shut(world, body, status, only)))


def writes(adapter: MarketplaceAdapter, draft: Draft, ref: ListingRef, sale_id: str) -> list[Callable[[Link], Any]]:
    """What would be done or taken for done; Gametime's prices and sizes go by its file."""
    found: list[Callable[[Link], Any]] = [
        lambda link: adapter.delist(link, ref), lambda link: adapter.reject(link, sale_id),
    ]  # fmt: skip
    if not adapter.traits.whole_account:
        found += [
            lambda link: adapter.reprice(link, ref, Decimal("90.00"), "USD"),
            lambda link: adapter.resize(link, ref, (3, 4)), lambda link: adapter.create(link, draft),
        ]  # fmt: skip
    if Capability.REGISTER_WEBHOOK in adapter.traits.capabilities:
        found.append(lambda link: adapter.unregister_webhook(link, "7"))
    return found


def reads(adapter: MarketplaceAdapter, ref: ListingRef, sale_id: str) -> list[Callable[[Link], Any]]:
    """What would be taken for nothing there; Gametime's listings are in its file."""
    found: list[Callable[[Link], Any]] = [
        lambda link: list(adapter.sales_since(link, SINCE)), lambda link: adapter.fetch_sale(link, sale_id),
    ]  # fmt: skip
    if not adapter.traits.whole_account:
        found += [lambda link: list(adapter.list_all(link)), lambda link: adapter.fetch(link, ref)]
    if Capability.PAYMENTS in adapter.traits.capabilities:
        found.append(lambda link: list(adapter.payments(link, SINCE)))
    return found


@pytest.fixture
def sale_id(world: World, draft: Draft, adapter: MarketplaceAdapter, link: Link) -> str:
    """Two of the seats of a listing are sold."""
    adapter.create(link, draft)
    return str(world.sell(adapter.traits.key, 2)["sale_id"])


@pytest.fixture
def link(world: World, adapter: MarketplaceAdapter) -> Link:
    return world.link(adapter.traits.key)


def shows(adapter: MarketplaceAdapter, link: Link) -> int:
    return sum(one.quantity for one in adapter.list_all(link))


@ALL
@FOREIGN
def test_a_404_that_is_not_theirs_says_nothing(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef, sale_id: str, body: bytes
) -> None:
    line = shut(world, link, body)
    for write in writes(adapter, draft, ref, sale_id):
        with pytest.raises(TemporaryError):
            write(line)
    for read in reads(adapter, ref, sale_id):
        with pytest.raises(TemporaryError):
            read(line)
    # What was sent may have been done by then: it is read back first.
    with pytest.raises(UnknownOutcome):
        adapter.delist(line, ref)


@ALL
def test_an_address_that_does_not_exist_is_no_listing_that_is_gone(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef, sale_id: str
) -> None:
    """As the simulator words it."""
    body = world.simulator.platforms[adapter.traits.key].no_route().body
    line = shut(world, link, (body if isinstance(body, str) else render(body)).encode())
    for act in [*writes(adapter, draft, ref, sale_id), *reads(adapter, ref, sale_id)]:
        with pytest.raises(TemporaryError):
            act(line)


def test_the_simulator_says_so_of_every_address_that_it_does_not_have(world: World) -> None:
    for key in ("seatgeek", "ticketmaster"):
        link = world.link(key)
        bearer = {"Authorization": f"Bearer {link.grant.access_token}"}
        answer = world.http.get(f"{link.base_url}/v9/listings", headers=bearer)
        assert (answer.status_code, "Not Found" in answer.text) == (404, True)
        with pytest.raises(ValueError, match="Expecting value"):
            answer.json()


@ALL
@NOTHING
def test_an_answer_that_says_nothing_is_no_empty_list(
    adapter: MarketplaceAdapter, world: World, link: Link, ref: ListingRef, sale_id: str, body: bytes
) -> None:
    line = shut(world, link, body, 200)
    listed = [read for at, read in enumerate(reads(adapter, ref, sale_id)) if at not in {1, 3}]
    for read in listed:
        with pytest.raises(TemporaryError):
            read(line)
    if body in {b"", b"null"}:
        for read in reads(adapter, ref, sale_id):
            with pytest.raises(TemporaryError):
                read(line)


@ALL
def test_their_own_404_is_believed(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    adapter.create(link, draft)
    adapter.delist(link, ref)
    assert (adapter.fetch(link, ref), shows(adapter, link)) == (None, 0)
    assert adapter.fetch_sale(link, "999999") is None
    assert list(adapter.sales_since(link, START)) == []
    if not adapter.traits.whole_account:
        with pytest.raises(AlreadyGone):
            adapter.reprice(link, ref, Decimal("90.00"), "USD")
    with pytest.raises(AlreadyGone):
        adapter.reject(link, "999999")


@pytest.mark.parametrize("adapter", [adapter_get(key) for key in ALIKE], ids=list(ALIKE))
def test_where_both_read_alike_the_account_itself_must_answer(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef, sale_id: str
) -> None:
    line = shut(world, link, ALIKE[adapter.traits.key])
    acts = writes(adapter, draft, ref, sale_id)
    # A publication is told that its event is not known: that is for a person, and nothing is taken for gone.
    for act in [*acts[:4], *reads(adapter, ref, sale_id)[:2]]:
        with pytest.raises(TemporaryError):
            act(line)


def test_the_proof_costs_one_request_and_only_where_something_is_said_to_be_gone(world: World, ref: ListingRef) -> None:
    seatgeek, link = adapter_get("seatgeek"), world.link("seatgeek")
    world.requests.clear()
    with pytest.raises(AlreadyGone):
        seatgeek.reprice(link, ref, Decimal("90.00"), "USD")
    asked = [(one.method, one.url.path.removeprefix("/seatgeek")) for one in world.requests]
    assert asked == [("PATCH", f"/listings/single/{ref.external_id}"), ("GET", "/listings")]
    world.requests.clear()
    seatgeek.delist(link, ref)
    assert (seatgeek.fetch(link, ref), len(world.requests)) == (None, 2)
