"""Gametime: the file that is the account, over HTTP and over a real FTP server; purchases; its webhook's two proofs."""

import base64
import csv
import ftplib
import io
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import paramiko
import pytest
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

from marketplaces.adapters._drop import CountedDrop, Drop, FtpDrop, drop_at
from marketplaces.adapters.gametime import client, inventory, mapping
from marketplaces.contracts import (
    Counted,
    Draft,
    Grant,
    Link,
    ListingRef,
    NewPrice,
    OpenGate,
    RemoteListing,
    RemoteSaleState,
)  # fmt: skip
from marketplaces.delivery import Fulfilment
from marketplaces.errors import (
    AlreadyGone,
    AlreadySold,
    BadSignature,
    GrantExpired,
    MustWait,
    PermanentError,
    StockUnknown,
    TemporaryError,
    UnknownOutcome,
)
from marketplaces.registry import adapter_get
from tests.marketplaces.conftest import BASE, SECRET, START, Kept, World
from tests.marketplaces.specs import BESIDE, violations

ADAPTER = adapter_get("gametime")
SPEC = "gametime-v3.reconstructed.json"
PURCHASE: dict[str, Any] = {
    "id": "77", "status": "unconfirmed", "purchased_at": 'ISODate("2026-04-01T12:00:00Z")', "quantity": 2,
    "listing_reference_id": "key", "price": 8410, "seats": {"10": {"barcode": ""}, "9": {}},
    "section": "120A", "row": "12",
}  # fmt: skip


@pytest.fixture
def link(world: World) -> Link:
    return world.link("gametime", webhook_url="https://seatsync.test/hooks")


def rows(content: bytes | str | None) -> dict[str, dict[str, str]]:
    text = content.decode() if isinstance(content, bytes) else content or ""
    return {row["TicketID"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}


# The file.
def test_a_row_says_what_the_draft_says(draft: Draft) -> None:
    row = inventory.row_of(draft)
    assert list(row) == list(inventory.HEADER)
    assert row == dict.fromkeys(inventory.HEADER, "") | {
        "Edit": "Y", "Event": "Boston Red Sox at New York Yankees", "Venue": "Yankee Stadium",
        "EventDate": "4/10/2026", "EventTime": "7:05 PM", "Quantity": "4", "Section": "120A", "Row": "12",
        "SeatFrom": "1", "SeatThru": "4", "Cost": "84.10", "TicketID": "a" * 32, "edelivery_ind": "N",
        "InHandDate": "2026-04-01", "Instant": "N", "Splittype": "ANY", "FaceValue": "60.00",
        "Stock": "mobile_transfer",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("split", "word", "value"),
    [("any", "ANY", ""), ("none", "NOSPLIT", ""), ("avoid_one", "NEVERLEAVEONE", ""), ("pairs", "CUSTOM", "2:4"),
     ("avoid_one_and_three", "CUSTOM", "2:4")],
)  # fmt: skip
def test_splits(split: str, word: str, value: str) -> None:
    found = inventory.seats_in((1, 2, 3, 4), split)
    assert (found["Splittype"], found["Splitvalue"]) == (word, value)


@pytest.mark.skipif(not BESIDE.exists(), reason="the vendor's example row is not beside this checkout")
def test_the_vendors_own_example_is_understood_and_carried_as_it_came() -> None:
    raw = (BESIDE / "gametime-inventory-example.csv").read_bytes()
    found = inventory.parse(raw)
    assert found.columns == inventory.HEADER
    assert rows(inventory.render(found)) == rows(raw)
    shown = [inventory.listing_of(row) for row in found.rows]
    assert [(one.quantity, one.seat_from, one.seat_to, one.price) for one in shown] == [
        (2, "3", "4", Decimal("240.00"))
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"<html>", b'{"a": 1}', b"Event,Cost\r\n"])
def test_what_is_no_inventory_is_not_written_over(link: Link, world: World, draft: Draft, content: bytes) -> None:
    with pytest.raises(TemporaryError):
        inventory.parse(content)
    file = Kept()
    file.keep(content, Counted())
    with pytest.raises(TemporaryError):
        ADAPTER.create(replace(link, file=file), draft)
    assert not [request for request in world.requests if request.method == "PUT"]


def test_nothing_is_written_over_what_is_not_known(link: Link, world: World, draft: Draft) -> None:
    unknown = replace(link, file=Kept())
    for call in (
        lambda: ADAPTER.create(unknown, draft),
        lambda: list(ADAPTER.list_all(unknown)),
        lambda: ADAPTER.fetch(unknown, ListingRef(draft.external_id, "", "", 4)),
    ):
        with pytest.raises(StockUnknown):
            call()
    assert not [request for request in world.requests if request.method == "PUT"]
    with pytest.raises(TemporaryError):
        inventory.parse(b"")


def test_what_a_hand_puts_in_or_takes_out_there_stays_so(link: Link, world: World, draft: Draft) -> None:
    ADAPTER.create(link, draft)
    ADAPTER.create(link, replace(draft, external_id="b" * 32))
    (held,) = world.simulator.ledger.accounts.values()
    by_hand = {**inventory.row_of(draft), "TicketID": "by-hand"}
    there = inventory.parse(held.file.encode()).without(draft.external_id).with_row(by_hand)
    held.file = inventory.render(there).decode()
    ADAPTER.reprice(link, ListingRef("b" * 32, "", "", 4), Decimal("99.00"), "USD")
    assert set(rows(link.file.arrived())) == {"b" * 32, "by-hand"}
    with pytest.raises(AlreadyGone):
        ADAPTER.reprice(link, ListingRef(draft.external_id, "", "", 4), Decimal("99.00"), "USD")


def bought(*sold: tuple[int, set[int]], of: str = "a" * 32) -> inventory.Sold:
    return {of: [inventory.Bought(str(i), number, frozenset(seats), START) for i, (number, seats) in enumerate(sold)]}


def test_a_hands_row_with_signs_that_only_look_like_numbers_is_read(draft: Draft) -> None:
    row = inventory.row_of(draft) | {"TicketID": "hand", "Splittype": "CUSTOM", "Splitvalue": "\u00b2:1"}
    left = inventory.Inventory(rows=(row,)).without_sold(bought((1, {1}), of="hand")).row("hand")

    assert (inventory.number_in(row)["lots"], left and left["Splitvalue"]) == ([1], "1:3")


@pytest.mark.parametrize(
    ("sold", "left"),
    [
        (bought((2, {1, 2})), ("2", "3", "4", "2")),
        (bought((1, {4})), ("3", "1", "3", "2:3")),
        (bought((1, {1}), (1, {2})), ("2", "3", "4", "2")),
        # Sold before the row was written smaller: nothing of it is left in the row.
        (bought((2, {7, 8})), ("4", "1", "4", "2:4")),
        (bought((4, {1, 2, 3, 4})), None),
        # A hole in the middle, or seats that are not told: better off sale than sold twice.
        (bought((1, {2})), None),
        (bought((2, set())), None),
    ],
)
def test_what_was_bought_is_not_offered_again(draft: Draft, sold: inventory.Sold, left: tuple[str, ...] | None) -> None:
    row = inventory.row_of(replace(draft, split="pairs"))
    after = inventory.Inventory(rows=(row,)).without_sold(sold).row("a" * 32)
    found = None if after is None else tuple(after[name] for name in ("Quantity", "SeatFrom", "SeatThru", "Splitvalue"))
    assert found == left


@pytest.mark.parametrize(
    ("sold", "counted", "left"),
    [
        (bought((2, {1, 2}), of="by-hand"), "", ("2", "3", "4", "ANY")),
        # A hole in the middle: as many as are left, one at a time, and none of them is named.
        (bought((1, {2}), of="by-hand"), "", ("3", "", "", "CUSTOM")),
        (bought((2, set()), of="by-hand"), "", ("2", "", "", "CUSTOM")),
        (bought((2, {1, 2}), (1, set()), of="by-hand"), "", ("1", "", "", "CUSTOM")),
        # What the hand that wrote it knew of is in its number.
        (bought((2, set()), of="by-hand"), "0", ("4", "1", "4", "ANY")),
        (bought((2, set()), (1, set()), of="by-hand"), "0", ("3", "", "", "CUSTOM")),
        (bought((4, {1, 2, 3, 4}), of="by-hand"), "", None),
        (bought((4, set()), of="by-hand"), "", None),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_a_row_of_somebodys_hand_stays_with_as_many_as_are_left(
    draft: Draft, sold: inventory.Sold, counted: str, left: tuple[str, ...] | None, named: bool
) -> None:
    row = inventory.row_of(draft) | {"TicketID": "by-hand"}
    if not named:
        row |= {"SeatFrom": "", "SeatThru": ""}
    after = inventory.Inventory(rows=(row,)).without_sold(sold, set(counted)).row("by-hand")
    found = None if after is None else tuple(after[name] for name in ("Quantity", "SeatFrom", "SeatThru", "Splittype"))
    # One that never named its seats is sold as its hand said.
    assert found == (left if named or left is None else (left[0], "", "", "ANY"))


def put_by_hand(link: Link, world: World, draft: Draft, **said: str) -> None:
    """A hand writes its own row into the file there; its tool reads it and uploads it whole."""
    (held,) = world.simulator.ledger.accounts.values()
    there = inventory.parse(held.file.encode()) if held.file else inventory.Inventory()
    key = link.grant.access_token.splitlines()[0]
    row = inventory.row_of(replace(draft, section="300")) | {"TicketID": "by-hand"} | said
    answer = world.http.put(
        f"{BASE}/gametime/drop", params={"source": key}, content=inventory.render(there.with_row(row))
    )
    assert answer.json() == {"refused": []}


def quantity_there(world: World) -> str:
    """What the file there offers of the row of a hand; "" where it is not in it."""
    (held,) = world.simulator.ledger.accounts.values()
    return rows(held.file.encode()).get("by-hand", {}).get("Quantity", "")


UNNAMED = {"SeatFrom": "", "SeatThru": ""}


def test_a_hand_s_row_without_seats_is_not_dropped_for_what_was_bought_of_it(
    link: Link, world: World, draft: Draft
) -> None:
    """Before our first file, between two of ours, and after the hand has written its number anew."""
    link = replace(link, file=Kept())
    put_by_hand(link, world, draft, Quantity="4", **UNNAMED)
    world.moment += 60
    world.sell("gametime", 1, external_id="by-hand")
    world.moment += 60
    put_by_hand(link, world, draft, Quantity="3", **UNNAMED)
    world.moment += 60
    ADAPTER.create(link, draft)
    assert quantity_there(world) == "3"
    # Bought since its hand wrote it: it is counted once, however many files are made.
    world.sell("gametime", 1, external_id="by-hand")
    for price in ("98.00", "99.00"):
        world.moment += 60
        ADAPTER.reprice(link, ListingRef(draft.external_id, "", "", 4), Decimal(price), "USD")
        assert quantity_there(world) == "2"
    # Its hand has more of them.
    put_by_hand(link, world, draft, Quantity="4", **UNNAMED)
    ADAPTER.reprice(link, ListingRef(draft.external_id, "", "", 4), Decimal("97.00"), "USD")
    assert quantity_there(world) == "4"
    world.moment += 60
    world.sell("gametime", 4, external_id="by-hand")
    ADAPTER.reprice(link, ListingRef(draft.external_id, "", "", 4), Decimal("96.00"), "USD")
    assert quantity_there(world) == ""


def test_a_hand_s_row_is_not_offered_at_more_than_what_is_left_before_our_first_file(
    link: Link, world: World, draft: Draft
) -> None:
    link = replace(link, file=Kept())
    put_by_hand(link, world, draft, Quantity="4", **UNNAMED)
    world.moment += 60
    world.sell("gametime", 2, external_id="by-hand")
    ADAPTER.create(link, draft)
    assert quantity_there(world) == "2"


def test_what_was_refused_a_buyer_may_be_offered_again(link: Link, world: World, draft: Draft) -> None:
    link = replace(link, file=Kept())
    put_by_hand(link, world, draft)
    world.sell("gametime", 4, external_id="by-hand")
    (sale,) = world.simulator.ledger.sales
    ADAPTER.reject(link, str(sale))
    put_by_hand(link, world, draft)
    ADAPTER.create(link, draft)
    assert quantity_there(world) == "4"


def test_what_we_took_down_is_not_taken_for_a_row_that_a_hand_put_in(
    link: Link, world: World, draft: Draft, ref: ListingRef
) -> None:
    """Its publication's answer was lost; then it was taken down, and the file could not be written."""
    ADAPTER.create(link, replace(draft, external_id="b" * 32, section="300"))
    world.fault(kind="timeout_after", route="PUT /drop", count=1)
    with pytest.raises(UnknownOutcome):
        ADAPTER.create(link, draft)
    world.fault(kind="status", route="PUT /drop", status=503, count=1)
    with pytest.raises(UnknownOutcome):
        ADAPTER.delist(link, ref)
    ADAPTER.reprice(link, ListingRef("b" * 32, "", "", 4), Decimal("99.00"), "USD")
    active = [one["external_id"] for one in world.state("gametime")["listings"] if one["state"] == "active"]
    assert active == ["b" * 32]


def test_a_price_whose_answer_was_lost_is_no_hand_s(link: Link, world: World, draft: Draft, ref: ListingRef) -> None:
    """It was 84.10, then 90 (arrived, unanswered), then 84.10 again (answer lost): the next file keeps that."""
    ADAPTER.create(link, draft)
    ADAPTER.create(link, replace(draft, external_id="b" * 32, section="300"))
    for price in ("90.00", str(draft.price)):
        world.fault(kind="timeout_after", route="PUT /drop", count=1)
        with pytest.raises(UnknownOutcome):
            ADAPTER.reprice(link, ref, Decimal(price), "USD")
    ADAPTER.reprice(link, ListingRef("b" * 32, "", "", 4), Decimal("99.00"), "USD")
    (held,) = world.simulator.ledger.accounts.values()
    assert Decimal(rows(held.file.encode())[draft.external_id]["Cost"]) == draft.price


class BreaksOff:
    """A drop on which so much of a file arrives, and the line breaks."""

    def __init__(self, inner: Drop, world: World, cut: Callable[[bytes], bytes]) -> None:
        self._inner, self._world, self._cut = inner, world, cut

    def read(self) -> bytes | None:
        """As it lies there; an empty file is one."""
        (held,) = self._world.simulator.ledger.accounts.values()
        return self._inner.read() if held.file else b""

    def written_at(self) -> datetime | None:
        """As it is told."""
        return self._inner.written_at()

    def write(self, content: bytes) -> None:
        """The beginning of it lies there then. Raises UnknownOutcome."""
        (held,) = self._world.simulator.ledger.accounts.values()
        held.file = self._cut(content).decode()
        raise UnknownOutcome("the file server broke off")


def _in_a_price(content: bytes) -> bytes:
    return content[: content.index(b"84.10", content.index(b"201")) + 1]


@pytest.mark.parametrize(
    "cut",
    [
        lambda content: b"".join(content.splitlines(keepends=True)[:2]),
        lambda content: b"".join(content.splitlines(keepends=True)[:-1]),
        _in_a_price, lambda _: b"", lambda content: content[:13], lambda content: content,
    ],
    ids=["after the first", "before the last", "in a price", "at once", "in the header", "whole"],
)  # fmt: skip
@pytest.mark.parametrize("then", ["price", "sweep", "take down"])
def test_an_upload_that_breaks_off_is_no_hands_work(
    link: Link, world: World, draft: Draft, monkeypatch: pytest.MonkeyPatch, cut: Callable[[bytes], bytes], then: str
) -> None:
    """Rows that our own broken file lacks were not taken out by anybody, and half a row was not put in."""
    for number in range(3):
        ADAPTER.create(link, replace(draft, external_id=f"{number}" * 32, section=f"20{number}"))
    put_by_hand(link, world, draft)
    first = ListingRef("0" * 32, "", "", 4)
    ADAPTER.reprice(link, first, Decimal("91.00"), "USD")
    real = client.drop_of
    monkeypatch.setattr(client, "drop_of", lambda line: BreaksOff(real(line), world, cut))
    for _ in range(2):
        with pytest.raises(UnknownOutcome):
            ADAPTER.reprice(link, first, Decimal("92.00"), "USD")
    monkeypatch.setattr(client, "drop_of", real)
    gone = {"1" * 32} if then == "take down" else set[str]()
    if then == "price":
        ADAPTER.reprice(link, first, Decimal("92.00"), "USD")
    elif then == "sweep":
        assert len(list(ADAPTER.list_all(link))) == 4
        ADAPTER.keep_alive(link)
    else:
        # Its row may not have arrived with the broken file, as far as they know of it.
        with suppress(AlreadyGone):
            ADAPTER.delist(link, ListingRef("1" * 32, "", "", 4))
    (held,) = world.simulator.ledger.accounts.values()
    costs = {name: Decimal(row["Cost"]) for name, row in rows(held.file).items()}
    wanted = {"0" * 32: Decimal("92.00"), "1" * 32: draft.price, "2" * 32: draft.price, "by-hand": draft.price}
    assert costs == {name: price for name, price in wanted.items() if name not in gone}
    assert link.file.tried() == []


@pytest.mark.parametrize("again", [False, True])
def test_a_change_that_knew_nothing_of_a_buyer_does_not_offer_his_seats_again(
    world: World, link: Link, draft: Draft, ref: ListingRef, again: bool
) -> None:
    """A size, or a publication whose answer was lost, may name seats that were bought on its way: they are left out."""
    ADAPTER.create(link, draft)
    world.sell("gametime", 2)
    shown = ADAPTER.create(link, draft) if again else ADAPTER.resize(link, ref, (2, 3, 4))
    assert (shown.quantity, shown.seat_from, shown.seat_to) == (2, "3", "4")
    (there,) = [one for one in world.state("gametime")["listings"] if one["state"] == "active"]
    assert there["seats"] == [3, 4]


def shown_there(world: World) -> list[tuple[int, list[int]]]:
    """Quantity and seats of what a buyer can take there."""
    listings = world.state("gametime")["listings"]
    return [(one["quantity"], one["seats"]) for one in listings if one["state"] == "active"]


def edits(world: World) -> list[Any]:
    """The quantities that were set by the API."""
    sent = [one for one in world.requests if one.method == "POST" and one.url.path.startswith("/gametime/listings/")]
    return [httpx.Response(200, content=one.read()).json() for one in sent]


def test_the_number_falls_at_once_and_the_file_then_says_which_seats(
    world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    ADAPTER.create(link, draft)
    world.requests.clear()
    world.fault(kind="status", route="PUT /drop", status=503, count=1)
    with pytest.raises(TemporaryError):
        ADAPTER.resize(link, ref, (3, 4))
    # Four can be sold no more, although no file arrived.
    assert [quantity for quantity, _ in shown_there(world)] == [2]
    assert ADAPTER.resize(link, ref, (3, 4)).quantity == 2
    assert shown_there(world) == [(2, [3, 4])]
    assert edits(world) == [{"quantity": 2, "lots": [1, 2]}] * 2
    methods = [one.method for one in world.requests if one.url.path.startswith("/gametime/")]
    assert methods[-2:] == ["POST", "PUT"]
    assert len(methods) == 2 * ADAPTER.traits.sends["resize"]


@pytest.mark.parametrize(
    ("split", "lots"), [("any", [1, 2, 3]), ("none", [3]), ("avoid_one", [1, 3]), ("avoid_one_and_three", [1, 3])]
)
def test_how_many_may_be_taken_at_once_goes_with_the_number(
    world: World, link: Link, draft: Draft, ref: ListingRef, split: str, lots: list[int]
) -> None:
    ADAPTER.create(link, replace(draft, split=split))
    ADAPTER.resize(link, replace(ref, split=split), (2, 3, 4))
    assert edits(world) == [{"quantity": 3, "lots": lots}]


@pytest.mark.parametrize("trouble", [{"status": 404}, {"status": 422}, {"status": 429}, {"kind": "timeout_after"}])
def test_a_number_that_cannot_be_set_keeps_no_file_back(
    world: World, link: Link, draft: Draft, ref: ListingRef, trouble: dict[str, Any]
) -> None:
    """They may not know the row yet: its file was sent a moment ago."""
    ADAPTER.create(link, draft)
    world.fault(**{"kind": "status", "route": "POST /listings", "count": 1, **trouble})
    assert ADAPTER.resize(link, ref, (3, 4)).quantity == 2
    assert (len(edits(world)), shown_there(world)) == (1, [(2, [3, 4])])


def test_the_number_is_never_more_than_what_buyers_there_have_left(
    world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    """Three are left by what sold elsewhere, and two were bought there that nobody here knows of."""
    ADAPTER.create(link, draft)
    world.sell("gametime", 2)
    ADAPTER.resize(link, ref, (2, 3, 4))
    assert edits(world) == [{"quantity": 2, "lots": [1, 2]}]


def test_where_it_is_not_known_which_seats_are_left_none_is_sold_from_that_moment(
    world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    ADAPTER.create(link, draft)
    world.sell("gametime", 1)
    # Seat 1 is theirs, and 3 was sold elsewhere: what is left are no seats side by side.
    (sale,) = world.simulator.ledger.sales.values()
    sale.seats = [3]
    world.fault(kind="status", route="PUT /drop", status=503, count=1)
    with pytest.raises(TemporaryError):
        ADAPTER.resize(link, ref, (2, 3, 4))
    assert (edits(world), shown_there(world)) == ([{"quantity": 0}], [])


def test_a_number_that_grows_is_left_to_the_file(world: World, link: Link, draft: Draft, ref: ListingRef) -> None:
    ADAPTER.create(link, replace(draft, seats=(3, 4)))
    assert ADAPTER.resize(link, ref, (2, 3, 4)).quantity == 3
    assert edits(world) == []


def test_of_a_listing_that_is_in_no_file_no_number_is_set(world: World, link: Link, draft: Draft) -> None:
    ADAPTER.create(link, draft)
    with pytest.raises(AlreadyGone):
        ADAPTER.resize(link, ListingRef("b" * 32, "", "", 4, "any"), (3, 4))
    assert edits(world) == []


def test_a_refused_file_leaves_the_one_before_as_the_base(world: World, link: Link, draft: Draft) -> None:
    ADAPTER.create(link, draft)
    before = link.file.last()
    world.fault(kind="status", status=422, writes=True, count=1)
    with pytest.raises(PermanentError):
        ADAPTER.create(link, replace(draft, external_id="b" * 32))
    assert link.file.last() == before == link.file.arrived()
    # Of one that may have arrived the next file is made: what it left out must not come back.
    world.fault(kind="timeout_before", writes=True, route="PUT", count=1)
    with pytest.raises(UnknownOutcome):
        ADAPTER.delist(link, ListingRef(draft.external_id, "", "", 4))
    assert rows(link.file.last()) == {}
    assert link.file.arrived() == before
    ADAPTER.create(link, replace(draft, external_id="c" * 32))
    assert set(rows(link.file.last())) == {"c" * 32}


def test_a_delist_is_at_once_and_the_file_follows(world: World, link: Link, draft: Draft) -> None:
    ADAPTER.create(link, draft)
    world.requests.clear()
    ADAPTER.delist(link, ListingRef(draft.external_id, "", "", 4))
    methods = [request.method for request in world.requests]
    assert (methods[0], methods[-1]) == ("DELETE", "PUT")
    assert rows(link.file.arrived()) == {}


@pytest.mark.parametrize("route", ["GET /purchases", "PUT /drop"])
def test_what_was_taken_down_is_not_brought_back_by_anothers_file(
    world: World, link: Link, draft: Draft, ref: ListingRef, route: str
) -> None:
    ADAPTER.create(link, draft)
    ADAPTER.create(link, replace(draft, external_id="b" * 32, seats=(7, 8)))
    world.fault(kind="status", route=route, status=429, count=1)
    with pytest.raises(UnknownOutcome, match="still in the file"):
        ADAPTER.delist(link, ref)
    ADAPTER.reprice(link, replace(ref, external_id="b" * 32), Decimal("80.00"), "USD")
    states = {row["external_id"][0]: row["state"] for row in world.state("gametime")["listings"]}
    assert states == {"a": "deleted", "b": "active"}
    assert len(world.state("gametime")["listings"]) == 2


@pytest.mark.parametrize("route", ["GET /purchases", "PUT /drop"])
def test_a_row_of_somebodys_hand_that_was_taken_down_is_not_taken_for_one_he_puts_in(
    world: World, link: Link, draft: Draft, route: str
) -> None:
    ADAPTER.create(link, replace(draft, external_id="b" * 32, seats=(7, 8)))
    # He adds it to the file himself, and nothing of ours was sent since.
    made = inventory.row_of(replace(draft, external_id="hand-1"))
    there = inventory.parse(link.file.arrived() or b"")
    drop = client.drop_of(link)
    drop.write(inventory.render(there.with_row({**made, "Remarks": "mine"})))
    world.fault(kind="status", route=route, status=429, count=1)
    with pytest.raises(UnknownOutcome, match="still in the file"):
        ADAPTER.delist(link, ListingRef("hand-1", "", "", 4))
    ADAPTER.reprice(link, ListingRef("b" * 32, "", "501", 2, "any"), Decimal("80.00"), "USD")
    states = {row["external_id"][:4]: row["state"] for row in world.state("gametime")["listings"]}
    assert states == {"hand": "deleted", "bbbb": "active"}
    assert len(world.state("gametime")["listings"]) == 2
    # What he puts in later is carried on.
    drop.write(inventory.render(inventory.parse(link.file.arrived() or b"").with_row({**made, "TicketID": "hand-2"})))
    ADAPTER.reprice(link, ListingRef("b" * 32, "", "501", 2, "any"), Decimal("81.00"), "USD")
    assert set(rows(link.file.arrived())) == {"b" * 32, "hand-2"}


def test_a_delist_that_comes_too_late_says_so(world: World, link: Link, draft: Draft) -> None:
    ADAPTER.create(link, draft)
    world.sell("gametime", 4)
    with pytest.raises(AlreadySold):
        ADAPTER.delist(link, ListingRef(draft.external_id, "", "", 4))
    assert rows(link.file.arrived()) == {}


def test_a_delist_that_is_tried_again_is_not_sold_there_by_an_earlier_sale(
    world: World, link: Link, draft: Draft
) -> None:
    ADAPTER.create(link, draft)
    world.sell("gametime", 2)
    ref = ListingRef(draft.external_id, "", "", 2)
    ADAPTER.resize(link, ref, (3, 4))
    world.fault(kind="timeout_before", route="PUT", count=1)
    with pytest.raises(UnknownOutcome):
        ADAPTER.delist(link, ref)
    with pytest.raises(AlreadyGone) as caught:
        ADAPTER.delist(link, ref)
    assert not isinstance(caught.value, AlreadySold)


def test_a_row_of_somebodys_hand_without_a_price_stops_no_sweep(world: World, link: Link, draft: Draft) -> None:
    file = inventory.render(inventory.Inventory(rows=({**inventory.row_of(draft), "TicketID": "by-hand", "Cost": ""},)))
    (held,) = world.simulator.ledger.accounts.values()
    held.file = file.decode()
    ADAPTER.create(link, draft)
    assert [one.external_id for one in ADAPTER.list_all(link)] == [draft.external_id]
    assert set(rows(link.file.arrived())) == {"by-hand", draft.external_id}


def test_a_purchase_that_names_no_row_says_nothing_of_any(draft: Draft) -> None:
    sold = mapping.sold_of([mapping.sale_of({**PURCHASE, "listing_reference_id": ""})])
    row = inventory.row_of(replace(draft, external_id=""))
    assert inventory.Inventory(rows=(row,)).without_sold(sold).rows == (row,)


def test_blank_lines_of_a_credential_count_for_nothing(link: Link) -> None:
    line = replace(link, grant=Grant("key\n\n user \n\npw\n"))
    assert client._parts(line) == ("key", "user", "pw")


def drop_to(http: httpx.Client, address: str, *, key: str = "", user: str = "", password: str = "") -> Drop:
    """The file at an address, over a line that is no account's."""
    line = Link(http, "https://platform.example", Grant("token"))
    return drop_at(line, address, key=key, user=user, password=password, requests=("GET the file", "PUT the file"))


class Counting(OpenGate):
    """Lets so many requests through."""

    def __init__(self, left: int) -> None:
        self.left, self.asked = left, list[tuple[str, bool]]()

    def wait_s(self, request: str, *, write: bool) -> float:
        self.asked.append((request, write))
        self.left -= 1
        return 0.0 if self.left >= 0 else 7.0


@pytest.mark.parametrize("by", ["ftp", "sftp"])
def test_a_file_takes_its_token_on_whatever_server_it_lies(world: World, by: str) -> None:
    key = f"?host_key=ssh-rsa%20{paramiko.RSAKey.generate(2048).get_base64()}" if by == "sftp" else ""
    address = f"{by}://127.0.0.1:1/inventory.csv{key}"
    gate = Counting(1)
    line = Link(world.http, "https://platform.example", Grant("token"), gate=gate)
    drop = drop_at(line, address, key="", user="u", password="p", requests=("GET the file", "PUT the file"))
    # The server is asked, and is not there.
    with pytest.raises(TemporaryError, match="cannot be reached"):
        drop.read()
    for act, write in ((drop.read, False), (partial(drop.write, b"x"), True)):
        with pytest.raises(MustWait) as told:
            act()
        assert (told.value.retry_after_s, gate.asked[-1][1]) == (7.0, write)
    assert [name for name, _ in gate.asked] == ["GET the file", "GET the file", "PUT the file"]


def test_an_address_with_a_query_of_its_own_keeps_it(world: World) -> None:
    drop = drop_to(world.http, "https://files.example/a?box=7", key="k")
    with pytest.raises((TemporaryError, PermanentError)):
        drop.write(b"x")
    assert dict(world.requests[-1].url.params) == {"box": "7", "source": "k"}


def test_a_sign_of_life_repeats_our_file_and_nobody_elses(world: World, link: Link, draft: Draft) -> None:
    ADAPTER.keep_alive(link)
    assert not [request for request in world.requests if request.method == "PUT"]
    ADAPTER.create(link, draft)
    world.moment += 7 * 3600
    world.simulator.tick()
    assert [one["state"] for one in world.state("gametime")["listings"]] == ["hidden"]
    ADAPTER.keep_alive(link)
    assert [one["state"] for one in world.state("gametime")["listings"]] == ["active"]


def test_the_key_is_in_no_error(world: World, link: Link) -> None:
    world.fault(kind="timeout_before", count=1)
    with pytest.raises(TemporaryError) as caught:
        ADAPTER.fetch_sale(link, "1")
    assert link.grant.access_token not in f"{caught.value!r}"


# Purchases.
@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("unconfirmed", RemoteSaleState.AWAITING_CONFIRM),
        ("unfulfilled", RemoteSaleState.AWAITING_FULFILMENT),
        ("completed", RemoteSaleState.IN_DELIVERY),
        ("rejected", RemoteSaleState.CANCELLED),
        ("disputed", RemoteSaleState.UNKNOWN),
    ],
)
def test_states_of_a_purchase(status: str, state: RemoteSaleState) -> None:
    assert mapping.sale_of({**PURCHASE, "status": status}).state is state


def test_a_purchase_tells_cents_seats_and_its_moment() -> None:
    sale = mapping.sale_of(PURCHASE)
    assert (sale.gross, sale.fees, sale.proceeds, sale.gross_known) == (
        Decimal("168.20"), Decimal("0.00"), Decimal("168.20"), False,
    )  # fmt: skip
    assert (sale.seats, sale.external_id, sale.sold_at) == (("9", "10"), "key", datetime(2026, 4, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize("lacking", ["id", "price", "purchased_at"])
def test_half_a_purchase_is_none(lacking: str) -> None:
    with pytest.raises(PermanentError):
        mapping.sale_of({name: value for name, value in PURCHASE.items() if name != lacking})


@pytest.mark.skipif(not BESIDE.exists(), reason="the reconstructed description is not beside this checkout")
def test_what_the_simulator_says_and_what_we_send_fit_the_description(world: World, link: Link, draft: Draft) -> None:
    ADAPTER.create(link, draft)
    sale_id = world.sell("gametime", 2)["sale_id"]
    world.simulator.tick()
    told = httpx.Response(200, content=world.delivered[-1][2].encode()).json()
    assert violations(SPEC, "SaleWebhook", told) == []
    (purchase,) = client.purchases(link, {})
    assert violations(SPEC, "Purchase", purchase) == []
    ADAPTER.confirm(link, sale_id)
    ADAPTER.fulfil(link, sale_id, Fulfilment("mobile_transfer", confirmation="TX-1"))
    sent = world.requests[-2]
    assert (sent.url.path, b'name="transaction_id"' in sent.read()) == (
        f"/gametime/purchases/{sale_id}/confirm_transfer", True,
    )  # fmt: skip


def test_a_completed_purchase_is_a_payment_without_a_day(world: World, link: Link, draft: Draft) -> None:
    ADAPTER.create(link, draft)
    first, second = (world.sell("gametime", 1)["sale_id"] for _ in range(2))
    ADAPTER.fulfil(link, first, Fulfilment("mobile_transfer", confirmation="TX-1"))
    (paid,) = ADAPTER.payments(link, datetime.fromtimestamp(world.moment, UTC))
    assert (paid.reference, paid.paid_at, paid.net) == (f"purchase {first}", None, Decimal("84.10"))
    assert second != first


@pytest.mark.parametrize("header", [f"Bearer {SECRET}", f"Basic {base64.b64encode(f'any:{SECRET}'.encode()).decode()}"])
def test_a_webhook_proves_itself_either_way(header: str) -> None:
    ADAPTER.verify_webhook({"authorization": header}, b"{}", SECRET)


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", f"Basic {SECRET}", f"Digest {SECRET}", f"Basic {'8J+YgA'}"])
def test_a_webhook_that_proves_nothing_is_refused(header: str) -> None:
    with pytest.raises(BadSignature):
        ADAPTER.verify_webhook({"authorization": header}, b"{}", SECRET)


# A real file server.
@dataclass
class FtpPlace:
    """An FTP server in a thread, one user, and the folder that it shows him."""

    address: str
    folder: Path
    server: FTPServer


@pytest.fixture
def ftp(tmp_path: Path) -> Iterator[FtpPlace]:
    authorizer = DummyAuthorizer()
    authorizer.add_user("seller", "pw", str(tmp_path), perm="elradfmwMT")
    authorizer.add_user("reader", "pw", str(tmp_path), perm="elr")
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer})
    server = FTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.05}, daemon=True)
    thread.start()
    yield FtpPlace(f"ftp://127.0.0.1:{server.address[1]}/inventory.csv", tmp_path, server)
    server.close_all()
    thread.join(5)


def over_ftp(link: Link, ftp: FtpPlace, password: str = "pw", user: str = "seller") -> Link:
    grant = Grant(f"{link.grant.access_token}\n{user}\n{password}")
    return replace(link, drop_url=ftp.address, grant=grant)


def test_the_file_goes_over_ftp_and_the_api_takes_the_key_alone(link: Link, ftp: FtpPlace, draft: Draft) -> None:
    line = over_ftp(link, ftp)
    assert ADAPTER.connect(line, code="", redirect_uri="", code_verifier="") == line.grant
    made = ADAPTER.create(line, draft)
    there = (ftp.folder / "inventory.csv").read_bytes()
    assert set(rows(there)) == {draft.external_id}
    assert link.file.arrived() == there
    ref = ListingRef(draft.external_id, "", "", 4)
    assert ADAPTER.fetch(line, ref) == made
    assert ADAPTER.resize(line, ref, (3, 4)).quantity == 2
    assert rows((ftp.folder / "inventory.csv").read_bytes())[draft.external_id]["SeatFrom"] == "3"


def test_what_lies_there_before_our_first_file_is_taken_over(link: Link, ftp: FtpPlace, draft: Draft) -> None:
    other = inventory.row_of(replace(draft, external_id="by-hand"))
    (ftp.folder / "inventory.csv").write_bytes(inventory.render(inventory.Inventory(rows=(other,))))
    ADAPTER.create(over_ftp(link, ftp), draft)
    assert set(rows((ftp.folder / "inventory.csv").read_bytes())) == {"by-hand", draft.external_id}


def test_a_server_that_takes_files_away_is_remembered_by_what_arrived(link: Link, ftp: FtpPlace, draft: Draft) -> None:
    line, ref = over_ftp(link, ftp), ListingRef(draft.external_id, "", "", 4)
    assert ADAPTER.fetch(line, ref) is None
    ADAPTER.create(line, draft)
    (ftp.folder / "inventory.csv").unlink()
    found = ADAPTER.fetch(line, ref)
    assert found is not None
    assert found.quantity == 4
    ADAPTER.create(line, replace(draft, external_id="b" * 32))
    assert set(rows((ftp.folder / "inventory.csv").read_bytes())) == {draft.external_id, "b" * 32}


def test_the_server_tells_when_the_file_was_written(link: Link, ftp: FtpPlace) -> None:
    place, drop = ftp.folder / "inventory.csv", client.drop_of(over_ftp(link, ftp))
    assert drop.written_at() is None
    place.write_bytes(b"TicketID")
    os.utime(place, (START.timestamp(), START.timestamp()))
    assert drop.written_at() == START
    ftp.server.close_all()
    with pytest.raises(TemporaryError):
        drop.written_at()


def test_a_wrong_password_is_an_expired_grant(link: Link, ftp: FtpPlace, draft: Draft) -> None:
    with pytest.raises(GrantExpired):
        ADAPTER.connect(over_ftp(link, ftp, "other"), code="", redirect_uri="", code_verifier="")
    with pytest.raises(GrantExpired):
        ADAPTER.create(over_ftp(link, ftp, "other"), draft)
    assert not link.file.last()


def test_a_server_that_is_away_or_refuses_writes_has_taken_nothing(link: Link, ftp: FtpPlace, draft: Draft) -> None:
    with pytest.raises(PermanentError):
        ADAPTER.create(over_ftp(link, ftp, user="reader"), draft)
    assert not link.file.last()
    ftp.server.close_all()
    with pytest.raises(TemporaryError) as caught:
        ADAPTER.create(over_ftp(link, ftp), draft)
    assert not isinstance(caught.value, UnknownOutcome)


def test_a_first_file_that_is_refused_leaves_nothing_of_somebody_elses_kept(
    link: Link, ftp: FtpPlace, draft: Draft
) -> None:
    other = inventory.row_of(replace(draft, external_id="by-hand"))
    (ftp.folder / "inventory.csv").write_bytes(inventory.render(inventory.Inventory(rows=(other,))))
    with pytest.raises(PermanentError):
        ADAPTER.create(over_ftp(link, ftp, user="reader"), draft)
    assert not link.file.last()


def test_a_refusal_repeats_nothing_that_it_was_sent(
    link: Link, ftp: FtpPlace, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    def echo(self: ftplib.FTP, user: str = "", passwd: str = "", acct: str = "") -> str:
        raise ftplib.error_perm(f"501 PASS {passwd}: not understood")

    monkeypatch.setattr(ftplib.FTP, "login", echo)
    with pytest.raises(PermanentError, match=r"refuses us \(501\)") as caught:
        ADAPTER.create(over_ftp(link, ftp), draft)
    assert "pw" not in str(caught.value)


def test_over_tls_the_servers_certificate_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    drop = drop_to(httpx.Client(), "ftps://files.example/a.csv", user="u", password="p")
    assert isinstance(drop, CountedDrop)
    server = drop._server
    assert isinstance(server, FtpDrop)
    made = server._unconnected()
    assert isinstance(made, ftplib.FTP_TLS)
    assert (made.context.verify_mode, made.context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_file_that_drips_is_cut_off(link: Link, ftp: FtpPlace, draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplaces.adapters._bounds.TOTAL_S", -1.0)
    with pytest.raises(UnknownOutcome):
        ADAPTER.create(over_ftp(link, ftp), draft)
    (ftp.folder / "inventory.csv").write_bytes(inventory.render(inventory.Inventory(rows=(inventory.row_of(draft),))))
    with pytest.raises(TemporaryError, match="broke off"):
        ADAPTER.fetch(over_ftp(link, ftp), ListingRef("x", "", "", 1))


@pytest.mark.parametrize(
    "address", ["ftp://h:99999/a", "ftp://h:x/a", "gopher://x/y", "", "ftp:///inventory.csv", "/etc/passwd"]
)
def test_other_ways_to_a_file_are_refused(world: World, address: str) -> None:
    with pytest.raises(PermanentError):
        drop_to(world.http, address)


def test_what_is_gone_says_gone(link: Link) -> None:
    with pytest.raises(AlreadyGone):
        ADAPTER.delist(link, ListingRef("nothing", "", "", 1))


def test_rows_without_a_ticket_id_are_told_apart_and_nobody_elses(link: Link, world: World, draft: Draft) -> None:
    ADAPTER.create(link, draft)
    (held,) = world.simulator.ledger.accounts.values()
    nameless = [{**inventory.row_of(replace(draft, seats=seats)), "TicketID": ""} for seats in ((5, 6), (7, 8))]
    there = inventory.parse(held.file.encode())
    held.file = inventory.render(inventory.Inventory(there.columns, (*there.rows, *nameless))).decode()
    named = {one.listing_id: one.external_id for one in ADAPTER.list_all(link)}
    assert sorted(named.values()) == ["", "", draft.external_id]
    assert len(named) == 3
    for call in (
        lambda: ADAPTER.delist(link, ListingRef("", "row x", "", 2)),
        lambda: ADAPTER.reprice(link, ListingRef("", "row x", "", 2), Decimal("9.00"), "USD"),
    ):
        with pytest.raises(PermanentError, match="TicketID"):
            call()
    ADAPTER.reprice(link, ListingRef(draft.external_id, "", "", 4), Decimal("99.00"), "USD")
    ADAPTER.keep_alive(link)
    left = inventory.parse(link.file.arrived() or b"").rows
    assert [(row["TicketID"], row["SeatFrom"]) for row in left] == [(draft.external_id, "1"), ("", "5"), ("", "7")]


def test_a_price_that_a_hand_changed_there_stays_where_we_want_no_other(link: Link, world: World, draft: Draft) -> None:
    (held,) = world.simulator.ledger.accounts.values()
    by_hand = {**inventory.row_of(draft), "TicketID": "by-hand"}
    held.file = inventory.render(inventory.Inventory(rows=(by_hand,))).decode()
    ADAPTER.create(link, draft)
    held.file = inventory.render(inventory.parse(held.file.encode()).with_row({**by_hand, "Cost": "150.00"})).decode()
    ADAPTER.keep_alive(link)
    assert rows(link.file.arrived())["by-hand"]["Cost"] == "150.00"


def test_several_changes_go_by_one_file_and_each_has_its_own_end(world: World, link: Link, draft: Draft) -> None:
    first, second = replace(draft, external_id="b" * 32), replace(draft, external_id="c" * 32, row="14")
    ADAPTER.create(link, first)
    before = len(world.requests)
    results = ADAPTER.change_together(
        link,
        [
            NewPrice(ListingRef(first.external_id, "", "", 4), Decimal("91.00"), "USD"),
            second,
            NewPrice(ListingRef("d" * 32, "", "", 4), Decimal("91.00"), "USD"),
            replace(draft, external_id="e" * 32, currency="CAD"),
            replace(draft, external_id="f" * 32, seats=(1, 3)),
        ],
    )
    sent = [request for request in world.requests[before:] if request.method != "GET"]
    assert len(sent) == 1
    priced, made, *wrong = results
    assert isinstance(priced, RemoteListing)
    assert isinstance(made, RemoteListing)
    assert (priced.price, made.external_id, made.price) == (Decimal("91.00"), "c" * 32, Decimal("84.10"))
    assert [type(one) for one in wrong] == [AlreadyGone, PermanentError, PermanentError]
    assert {listing.external_id for listing in ADAPTER.list_all(link)} == {"b" * 32, "c" * 32}


def test_where_no_change_can_be_said_no_file_is_sent(world: World, link: Link, draft: Draft) -> None:
    before = len(world.requests)
    (wrong,) = ADAPTER.change_together(link, [replace(draft, currency="CAD")])
    assert (type(wrong), len(world.requests)) == (PermanentError, before)
