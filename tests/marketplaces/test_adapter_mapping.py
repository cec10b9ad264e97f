"""The corners of reading and writing that a simulated day does not reach."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from marketplaces.adapters import _wire
from marketplaces.adapters.seatgeek import mapping as seatgeek
from marketplaces.adapters.stubhub import client
from marketplaces.adapters.stubhub import mapping as stubhub
from marketplaces.adapters.stubhub.payments import payment_of
from marketplaces.contracts import Draft, Grant, Link, ListingRef, PaymentLine, RemoteListingState, RemoteSaleState
from marketplaces.delivery import DeliveryType
from marketplaces.errors import AlreadySold, GrantExpired, NotSupported, PermanentError, TemporaryError, UnknownOutcome
from marketplaces.registry import adapter_get
from tests.marketplaces.conftest import World


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("UnderReview", RemoteSaleState.PROVISIONAL),
        ("ConfirmSale", RemoteSaleState.AWAITING_CONFIRM),
        ("Confirm Sales", RemoteSaleState.AWAITING_CONFIRM),
        ("UploadTicketsLinks", RemoteSaleState.AWAITING_FULFILMENT),
        ("Upload Ticket Links", RemoteSaleState.AWAITING_FULFILMENT),
        ("TransferTDT", RemoteSaleState.AWAITING_FULFILMENT),
        ("WaitUntil2DaysBeforeTheEvent", RemoteSaleState.AWAITING_FULFILMENT),
        ("ProcessingTransfer", RemoteSaleState.IN_DELIVERY),
        ("On The Way", RemoteSaleState.IN_DELIVERY),
        ("GetPaid", RemoteSaleState.IN_DELIVERY),
        ("Cancelled", RemoteSaleState.CANCELLED),
        ("Issue", RemoteSaleState.ISSUE),
        ("Teleported", RemoteSaleState.UNKNOWN),
        ("", RemoteSaleState.UNKNOWN),
    ],
)
def test_stubhub_sale_states(status: str, state: RemoteSaleState) -> None:
    assert stubhub.sale_state(status) is state


@pytest.mark.parametrize(
    ("first", "last", "quantity", "seats"),
    [
        ("1", "4", 4, ("1", "2", "3", "4")),
        ("7", "7", 1, ("7",)),
        ("1", "7", 4, ("1", "3", "5", "7")),
        ("1", "4", 2, ()),
        ("1", "4", 3, ()),
        ("4", "1", 4, ()),
        ("A", "A", 1, ("A",)),
        ("A", "B", 2, ("A", "B")),
        ("A", "D", 4, ()),
        ("", "", 2, ()),
        ("1", "3", 0, ()),
    ],
)
def test_stubhub_allocation_is_read_and_never_guessed(
    first: str, last: str, quantity: int, seats: tuple[str, ...]
) -> None:
    assert stubhub.seats_of({"seating": {"seat_from": first, "seat_to": last}}, quantity) == seats


def test_stubhub_allocation_from_barcodes() -> None:
    body = {"seating": {"section": "1"}, "barcodes": [{"seat": "5"}, {"seat": "8"}]}
    assert stubhub.seats_of(body, 2) == ("5", "8")
    assert stubhub.seats_of(body, 3) == ()


@pytest.mark.parametrize(
    ("split", "quantity", "body"),
    [
        ("any", 4, {"split_type": "ANY"}),
        ("avoid_one", 4, {"split_type": "DONTLEAVEONE"}),
        ("none", 4, {"split_type": "CUSTOM", "splits": "4"}),
        ("pairs", 4, {"split_type": "CUSTOM", "splits": "2,4"}),
        ("pairs", 3, {"split_type": "CUSTOM", "splits": "3"}),
        ("pairs", 5, {"split_type": "CUSTOM", "splits": "2,5"}),
        ("pairs", 1, {"split_type": "CUSTOM", "splits": "1"}),
        ("avoid_one_and_three", 4, {"split_type": "CUSTOM", "splits": "2,4"}),
        ("avoid_one_and_three", 6, {"split_type": "CUSTOM", "splits": "1,2,4,6"}),
    ],
)
def test_seatgeek_splits_end_at_the_quantity(split: str, quantity: int, body: dict[str, str]) -> None:
    assert seatgeek.split_body(split, quantity) == body


@pytest.mark.parametrize("mapping", [stubhub.split_type, lambda split: seatgeek.split_body(split, 4)])
def test_an_unknown_split_is_refused(mapping: Any) -> None:
    with pytest.raises(PermanentError):
        mapping("thirds")


@pytest.mark.parametrize(
    ("status", "issue", "state"),
    [
        ("submitted", "", RemoteSaleState.AWAITING_CONFIRM),
        ("confirmed", "", RemoteSaleState.AWAITING_FULFILMENT),
        ("confirmed", "broken link", RemoteSaleState.AWAITING_FULFILMENT),
        ("fulfilled", "wrong seats", RemoteSaleState.ISSUE),
        ("fulfilled", "", RemoteSaleState.IN_DELIVERY),
        ("denied", "late", RemoteSaleState.CANCELLED),
        ("void", "", RemoteSaleState.CANCELLED),
        ("teleported", "", RemoteSaleState.UNKNOWN),
    ],
)
def test_seatgeek_order_states(status: str, issue: str, state: RemoteSaleState) -> None:
    order = {"id": "1", "created": "2026-04-01", "status": status, "fulfillment_issue_message": issue}
    assert seatgeek.sale_of(order).state is state


def test_seatgeek_amounts_fill_each_other() -> None:
    order = {"id": "1", "created": "2026-04-01T00:00:00Z", "listing": {"price": Decimal("10.10"), "quantity": 2}}
    sale = seatgeek.sale_of(order)
    assert (sale.gross, sale.fees, sale.proceeds) == (Decimal("20.20"), Decimal(0), Decimal("20.20"))
    sale = seatgeek.sale_of({**order, "total": Decimal("19.19")})
    assert (sale.gross, sale.fees, sale.proceeds) == (Decimal("20.20"), Decimal("1.01"), Decimal("19.19"))


def test_stubhub_gross_survives_a_reprice() -> None:
    base = {"id": 1, "created_at": "2026-04-01T00:00:00Z", "number_of_tickets": 2}
    sale = stubhub.sale_of({**base, "proceeds": {"amount": Decimal("151.38"), "currency_code": "USD"}})
    now = {"ticket_price": {"amount": Decimal(100)}, "ticket_proceeds": {"amount": Decimal(90)}}
    assert stubhub.gross_of(sale, now) == Decimal("168.20")
    assert stubhub.gross_of(sale, None) is None


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({}, RemoteListingState.ACTIVE),
        ({"number_of_tickets": 0}, RemoteListingState.GONE),
        ({"undeliverable": True}, RemoteListingState.HIDDEN),
        ({"_links": {"sellerlisting:publish": {}}}, RemoteListingState.HIDDEN),
        ({"_links": {"sellerlisting:unpublish": {}}}, RemoteListingState.ACTIVE),
        ({"surprise": [1]}, RemoteListingState.ACTIVE),
    ],
)
def test_stubhub_listing_states(body: dict[str, Any], state: RemoteListingState) -> None:
    whole = {"id": 5, "number_of_tickets": 2, "ticket_price": {"amount": 10, "currency_code": "USD"}, **body}
    assert stubhub.listing_of(whole).state is state


@pytest.mark.parametrize(
    ("total", "charges", "expected"),
    [
        # What is taken off comes with a minus or without.
        ("90", [("order_payment", "100"), ("seller_fees", "-10")], ("100", "10", "0", "90")),
        ("90", [("order_payment", "100"), ("seller_fees", "10")], ("100", "10", "0", "90")),
        ("65", [("order_payment", "100"), ("seller_fees", "10"), ("late_fee", "25")], ("100", "10", "25", "65")),
        # A sale that is taken back with its fee, and charges that are given back.
        ("-90", [("order_payment", "-100"), ("seller_fees", "10")], ("-100", "-10", "0", "-90")),
        ("-90", [("order_payment", "-100"), ("seller_fees", "-10")], ("-100", "-10", "0", "-90")),
        ("115", [("order_payment", "100"), ("seller_fees", "-10"), ("late_fee", "25")], ("100", "10", "-25", "115")),
        ("25", [("late_fee", "25")], ("0", "0", "-25", "25")),
        ("-25", [("late_fee", "25")], ("0", "0", "25", "-25")),
        # Where the total settles nothing, a minus is what is taken off.
        ("100", [("order_payment", "100"), ("seller_fees", "-10")], ("100", "10", "0", "90")),
    ],
)  # fmt: skip
def test_seatgeek_amounts_keep_their_signs(
    total: str, charges: list[tuple[str, str]], expected: tuple[str, ...]
) -> None:
    told = [{"type": kind, "order_id": "9", "amount": amount} for kind, amount in charges]
    (line,) = seatgeek.invoice_of({"invoice_id": 1, "total": total, "charges": told}).lines
    assert (line.gross, line.fee, line.penalty, line.net) == tuple(map(Decimal, expected))


def detail(amount: str, reason: str) -> dict[str, Any]:
    return {"amount": {"amount": Decimal(amount), "currency_code": "USD"}, "reason_description": reason}


def stubhub_paid(net: str, **parts: Any) -> tuple[PaymentLine, ...]:
    """What we make of a payment of one sale, each part an amount and what it is called."""
    given = {"proceeds": (), "charges": (), "credits": (), **parts}
    sale = {name: [detail(*one) for one in part] for name, part in given.items()}
    sales = [{**sale, "_embedded": {"sale": {"id": 9}}}]
    return payment_of({"id": 1, "payment_amount": {"amount": Decimal(net)}, "_embedded": {"sales": sales}}).lines


def line_9(gross: str, fee: str, penalty: str, net: str, note: str = "") -> tuple[PaymentLine, ...]:
    return (PaymentLine("9", Decimal(gross), Decimal(fee), Decimal(penalty), Decimal(net), note),)


@pytest.mark.parametrize("minus", ["", "-"])
def test_stubhub_penalties_are_not_fees(minus: str) -> None:
    paid = stubhub_paid(
        "70.00", proceeds=[("100.00", "Sale")], credits=[("5.00", "Goodwill")],
        charges=[(f"{minus}10.00", "Selling fee"), (f"{minus}25.00", "Failed order penalty")],
    )  # fmt: skip
    assert paid == line_9("100.00", "10.00", "25.00", "70.00", "Failed order penalty")


@pytest.mark.parametrize(
    "name",
    [
        "Selling fee",
        "Seller Fees",
        "Commission",
        "Service fee (10 %)",
        "Cancellation protection fee",
        "Refined plate fee",
    ],
)
def test_stubhub_takes_a_fee(name: str) -> None:
    assert stubhub_paid("90.00", proceeds=[("100.00", "Sale")], charges=[("10.00", name)]) == line_9(
        "100.00", "10.00", "0.00", "90.00"
    )


@pytest.mark.parametrize(
    "name",
    [
        "Denied entry: 200 %", "Chargeback", "Charge-back fee", "Tickets not delivered", "Non-delivery fee",
        "Undelivered order fee", "Late delivery fee", "Failed delivery fee", "Penalty fee", "Fine",
        "Late transfer fine", "Invalid ticket fee", "Replacement tickets", "Replacement fee", "Cancellation fee",
        "Cancelled order fee", "Admin fee", "Reversed sale", "Something new", "",
    ],
)  # fmt: skip
def test_stubhub_penalises_by_whatever_is_not_plainly_a_fee(name: str) -> None:
    assert stubhub_paid("-336.00", charges=[("336.00", name)]) == line_9("0.00", "0.00", "336.00", "-336.00", name)


@pytest.mark.parametrize(
    ("net", "parts", "expected"),
    [
        (
            "-151.20", {"proceeds": [("-168.00", "Reversed sale")], "charges": [("-16.80", "Selling fee")]},
            ("-168.00", "-16.80", "0.00", "-151.20"),
        ),
        (
            "0.00", {
                "proceeds": [("168.00", "Sale"), ("-168.00", "Reversed sale")],
                "charges": [("16.80", "Selling fee"), ("-16.80", "Selling fee")],
            }, ("0.00", "0.00", "0.00", "0.00"),
        ),
        ("16.80", {"charges": [("-16.80", "Selling fee refund")]}, ("0.00", "-16.80", "0.00", "16.80")),
        ("25.00", {"charges": [("-25.00", "Penalty")]}, ("0.00", "0.00", "-25.00", "25.00", "Penalty")),
        ("-5.00", {"credits": [("-5.00", "Goodwill taken back")]}, ("0.00", "0.00", "0.00", "-5.00")),
        # Where the deposit settles nothing, a plus is what is taken off.
        ("115.00", {"proceeds": [("100.00", "Sale")], "charges": [("10.00", "Selling fee")]}, (
            "100.00", "10.00", "0.00", "90.00",
        )),
    ],
)  # fmt: skip
def test_stubhub_amounts_keep_their_signs(net: str, parts: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert stubhub_paid(net, **parts) == line_9(*expected)


@pytest.mark.parametrize(
    ("venue", "expected"),
    [
        ("Yankee Stadium", {"name": "Yankee Stadium", "city": None}),
        ("Fenway Park, Boston", {"name": "Fenway Park", "city": "Boston"}),
        ("Fenway Park, Boston, MA", {"name": "Fenway Park", "city": "Boston", "state_province": "MA"}),
    ],
)
def test_stubhub_venue_in_words(draft: Draft, venue: str, expected: dict[str, Any]) -> None:
    assert stubhub.event_body(replace(draft, venue=venue))["venue"] == expected


def test_local_start_falls_back_to_utc(draft: Draft) -> None:
    assert stubhub.local_start(replace(draft, local_time="TBD")) == "2026-04-10T23:05:00+00:00"
    assert stubhub.local_start(replace(draft, local_date="2020-01-01")) == "2026-04-10T23:05:00+00:00"


def test_money_is_exact_in_json() -> None:
    assert _wire.dumps({"a": Decimal("84.1"), "b": [Decimal("0.005"), 3, None, True, "x"]}) == (
        '{"a": 84.10, "b": [0.01, 3, null, true, "x"]}'
    )
    assert _wire.loads('{"a": 84.10}') == {"a": Decimal("84.10")}
    assert _wire.decimal_of("$1,084.5") == Decimal("1084.50")
    assert _wire.decimal_of("NaN") is None
    assert _wire.decimal_of(True) is None
    assert _wire.int_of(_wire.loads("Infinity")) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "12"}, 12.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-4"}, 0.0),
        # Their clock is a day behind ours: the wait is still a minute.
        ({"Retry-After": "Wed, 01 Apr 2026 12:01:00 GMT", "Date": "Wed, 01 Apr 2026 12:00:00 GMT"}, 60.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert _wire.retry_after_s(httpx.Response(429, headers=headers)) == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-04-02T16:20:11.4170000Z", datetime(2026, 4, 2, 16, 20, 11, 417000, UTC)),
        ("2026-04-02T12:20:11-04:00", datetime(2026, 4, 2, 16, 20, 11, 0, UTC)),
        ("2026-04-02T16:20:11", datetime(2026, 4, 2, 16, 20, 11, 0, UTC)),
        ("2026-04-02", datetime(2026, 4, 2, tzinfo=UTC)),
        ("yesterday", None),
        (None, None),
    ],
)
def test_moments(text: Any, moment: datetime | None) -> None:
    assert _wire.moment_of(text) == moment


def _answering(platform: str, status: int, body: Any, **headers: str) -> Link:
    answer = httpx.Response(status, content=json.dumps(body), headers=headers)
    http = httpx.Client(transport=httpx.MockTransport(lambda request: answer))
    return Link(http, "https://platform.test", Grant("t", "r"))


@pytest.mark.parametrize("last", ["2", "1"])
def test_a_last_page_that_names_itself_as_the_next_one_is_read_once(last: str) -> None:
    """StubHub's `next`: it is followed by its query alone, and one that leads back to the same page is the end."""
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        page = asked[-1].get("page", "1")
        following = {"href": f"https://elsewhere.test/v2/payments?page={last}&page_size=1"}
        return httpx.Response(200, json={"_embedded": {"items": [{"id": page}]}, "_links": {"next": following}})

    line = Link(httpx.Client(transport=httpx.MockTransport(answer)), "https://platform.test", Grant("t", "r"))
    found = list(client.pages(line, "/v2/payments", {"page": "1", "page_size": "1"}))
    assert asked == [{"page": page, "page_size": "1"} for page in ("1", "2")[: int(last)]]
    assert [one["id"] for one in found] == ["1", "2"][: int(last)]


def test_seatgeek_409_waits_five_minutes(ref: ListingRef) -> None:
    with pytest.raises(TemporaryError) as caught:
        adapter_get("seatgeek").resize(_answering("seatgeek", 409, {"error": {"message": "5 minutes"}}), ref, (1, 2))
    assert caught.value.retry_after_s == 300.0
    assert not isinstance(caught.value, UnknownOutcome)


def test_seatgeek_five_minute_rule_at_the_platform(world: World, draft: Draft, ref: ListingRef) -> None:
    adapter, link = adapter_get("seatgeek"), world.link("seatgeek")
    adapter.create(link, draft)
    world.sell("seatgeek", 2)
    with pytest.raises(TemporaryError) as caught:
        adapter.resize(link, ref, (1, 2, 3, 4))
    assert caught.value.retry_after_s == 300.0
    assert adapter.reprice(link, ref, Decimal("70.00"), "USD").quantity == 2
    world.moment += 300
    assert adapter.resize(link, ref, (1, 2, 3, 4)).quantity == 4


def test_seatgeek_without_broker_data(world: World) -> None:
    world.control("settings", {"broker_data": False})
    with pytest.raises(NotSupported):
        list(adapter_get("seatgeek").market_view(world.link("seatgeek"), "501"))


def test_stubhub_refused_delete_of_a_sold_listing_is_already_sold(world: World, draft: Draft, ref: ListingRef) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    world.sell("stubhub", 4)
    with pytest.raises(AlreadySold):
        adapter.delist(link, ref)


def test_stubhub_refused_delete_of_a_standing_listing_needs_a_person(
    world: World, draft: Draft, ref: ListingRef
) -> None:
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)

    def refuse(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            return httpx.Response(403, json={"code": "invalid_delete", "message": None, "errors": {}})
        return world.http.send(request)

    with pytest.raises(PermanentError) as caught:
        adapter.delist(replace(link, http=httpx.Client(transport=httpx.MockTransport(refuse))), ref)
    assert not isinstance(caught.value, AlreadySold)
    assert "invalid_delete" in str(caught.value)


def test_stubhub_takes_another_ticket_type_where_the_first_is_refused(world: World, draft: Draft) -> None:
    event = {
        "event_id": 503, "name": "Paper Game", "venue": "Yankee Stadium", "starts_at": "2026-05-01T23:00:00Z",
        "ticket_types": ["PaperTicket", "TicketMasterMobile"],
    }  # fmt: skip
    world.control("events", {"events": [event]})
    noted: list[str] = []
    adapter = adapter_get("stubhub")
    link = replace(world.link("stubhub"), note_bounds=lambda event_id, told: noted.append(event_id))
    made = adapter.create(link, replace(draft, event_id="503"))
    assert (made.quantity, noted) == (4, ["503"])
    assert world.state("stubhub")["listings"][0]["ticket_type"] == "TicketMasterMobile"
    # Never one of another kind: what is not there cannot be delivered.
    with pytest.raises(PermanentError, match="say how yours are delivered"):
        adapter.create(link, replace(draft, event_id="503", external_id="b" * 32, delivery=DeliveryType.PDF))


def test_stubhub_price_out_of_bounds_names_the_field(world: World, draft: Draft) -> None:
    with pytest.raises(PermanentError, match="ticket_price") as caught:
        adapter_get("stubhub").create(world.link("stubhub"), replace(draft, price=Decimal("2.00")))
    assert caught.value.status == 400


def test_stubhub_401_with_any_body_is_an_expired_grant(ref: ListingRef) -> None:
    link = _answering("stubhub", 401, ["surprise"])
    with pytest.raises(GrantExpired):
        adapter_get("stubhub").fetch(link, ref)


def test_errors_never_show_the_query(ref: ListingRef) -> None:
    def drop(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    link = Link(httpx.Client(transport=httpx.MockTransport(drop)), "https://platform.test", Grant("secret-token"))
    with pytest.raises(TemporaryError) as caught:
        list(adapter_get("seatgeek").market_view(link, "501"))
    assert "secret-token" not in str(caught.value)
