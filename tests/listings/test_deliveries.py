"""Every kind of tickets on every marketplace: published, sold, handed over in its own way, and driven to complete."""

import logging
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from listings.models import (
    DeliveryTerms,
    Listing,
    ListingTicket,
    MarketplaceCommand,
    Payout,
    Sale,
    SaleProof,
    SaleState,
    SeatTicket,
    TradingState,
)
from listings.selectors import deadlines
from listings.services import delivery_terms
from listings.services.delivery_terms import delivery_terms_set, terms_of
from listings.services.fulfil import sale_fulfil, ways_of
from listings.services.labels import label_fetch, label_of_sale
from listings.services.payouts import payout_receive
from listings.services.publish import listing_publish
from listings.services.reconcile import account_reconcile
from listings.services.sale_saga import sale_apply
from listings.services.sale_scene import buyer_of, step_take
from listings.services.seat_tickets import Entry, tickets_enter
from listings.services.sync import account_sync_sales, sale_read
from marketplaces.delivery import OF_SEATS, STEPS, DeliveryStep, DeliveryType, HandOver, step_of
from marketplaces.registry import adapter_get, adapter_keys, hand_overs_of, platform_name
from marketplaces.services.links import over_link
from marketplaces.simulator.app import Simulator
from portfolios.models import Seat
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleVersion
from seatsync.core.limiters import valkey
from seatsync.core.venue_time import local
from seatsync.live.models import Alert
from seatsync.tenants.models import Tenant
from tests.builders import Holding, bearer, browser
from tests.listings.selling import PROOF, Seller, another, connected, sell
from tests.listings.simulated import control
from tests.listings.simulated import work as drain

pytestmark = pytest.mark.django_db
# What tickets are that go in such a way, and what the simulator calls them where its platform asks by the order.
KINDS = {
    HandOver.MOBILE_TRANSFER: DeliveryType.MOBILE_TRANSFER, HandOver.TRANSFER_URL: DeliveryType.MOBILE_TRANSFER,
    HandOver.BARCODE: DeliveryType.BARCODE, HandOver.PDF: DeliveryType.PDF, HandOver.QR_CODE: DeliveryType.QR_CODE,
    HandOver.TRACKING: DeliveryType.PAPER, HandOver.RESERVATION_CODE: DeliveryType.MOBILE_TRANSFER,
    HandOver.DROP_OFF: DeliveryType.MOBILE_TRANSFER,
}  # fmt: skip
ASKED = {
    ("vividseats", HandOver.BARCODE): "barcode", ("gametime", HandOver.BARCODE): "barcode",
    ("stubhub", HandOver.RESERVATION_CODE): "reservation_code", ("stubhub", HandOver.DROP_OFF): "drop_off",
}  # fmt: skip
NUMBERS = {
    HandOver.TRACKING: "1Z999AA1", HandOver.RESERVATION_CODE: "R-77", HandOver.DROP_OFF: "REC-5",
}  # fmt: skip
PDF, PNG = b"%PDF-1.4 one ticket\n%%EOF", b"\x89PNG\r\n\x1a\n one code"
WAYS = [(platform, way) for platform in adapter_keys() for way in hand_overs_of(platform)]


def work() -> None:
    """The clock stands, and so what a limit makes wait would wait for ever: no limit has been used yet."""
    valkey().flushdb()
    drain()


def entries_of(way: str, seats: list[Seat]) -> list[Entry]:
    """A ticket for each seat."""
    if way == HandOver.BARCODE:
        return [Entry(seat.pk, barcode=f"88001234{seat.seat_number:04}") for seat in seats]
    content, ending = (PDF, "pdf") if way == HandOver.PDF else (PNG, "png")
    return [
        Entry(seat.pk, content=content + str(seat.seat_number).encode() + b"%%EOF", name=f"{seat.seat_number}.{ending}")
        for seat in seats
    ]


def sold_seats(sale: Sale) -> list[Seat]:
    return [row.seat for row in sale.sale_seats.select_related("seat").order_by("seat__seat_number")]


def proof_for(sale: Sale, way: HandOver) -> dict[str, Any]:
    """What a holder gives for this way."""
    if way in OF_SEATS:
        return {"tickets": entries_of(way, sold_seats(sale))}
    return {"confirmation": NUMBERS[way]} if way in NUMBERS else PROOF[way]


def again(seller: Seller) -> Sale:
    """What its marketplace says now."""
    sale_read(sale=seller.sale)
    return seller.sale


@pytest.mark.parametrize(("platform", "way"), WAYS, ids=str)
def test_one_sale_of_each_kind_is_driven_to_complete(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str, way: HandOver,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    seller = sell(holding, simulator, travel, platform, KINDS[way])
    there = simulator.ledger.sales[int(seller.sale.platform_sale_id)]
    if asked := ASKED.get((platform, way)):
        control("wants", sale_id=there.id, delivery=asked)
    sale = again(seller)
    assert sale.state == SaleState.CONFIRMED
    assert way in ways_of(sale)
    buyer = buyer_of(sale)
    assert buyer is not None
    assert buyer.email.endswith("@example.com")
    sale_fulfil(actor=holding.actor, sale_id=sale.pk, method=way, **proof_for(sale, way))
    work()
    sale = seller.sale
    assert (sale.state, there.fulfilled) == (SaleState.FULFILLED, True)
    assert ways_of(sale) == ()
    if way in OF_SEATS:
        assert set(there.tickets) == {str(seat.seat_number) for seat in sold_seats(sale)}
    assert not any("88001234" in record.getMessage() for record in caplog.records)
    if there.status not in {"fulfilled", "COMPLETED", "completed", "GetPaid"}:
        control("advance", sale_id=there.id, to="complete")
    seller.go(holding.game.starts_at + timedelta(days=20))
    account_sync_sales(account=seller.account)
    if platform == "gametime":
        # It never says that it has paid: its holder looks at the bank.
        payout_receive(actor=holding.actor, payout_id=Payout.objects.get().pk)
    assert seller.sale.state == SaleState.COMPLETE


def test_tickets_entered_before_are_handed_over_without_being_given_again(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sell(holding, simulator, travel, "seatgeek", DeliveryType.BARCODE)
    sale = again(seller)
    with pytest.raises(InvalidInput) as caught:
        sale_fulfil(actor=holding.actor, sale_id=sale.pk, method="barcode")
    assert {problem.field for problem in caught.value.problems} == {"seat_1", "seat_2"}
    tickets_enter(actor=holding.actor, kind="barcode", entries=entries_of("barcode", holding.seats))
    sale_fulfil(actor=holding.actor, sale_id=sale.pk, method="barcode")
    work()
    assert seller.sale.state == SaleState.FULFILLED
    there = simulator.ledger.sales[int(sale.platform_sale_id)]
    assert there.tickets == {"1": "880012340001", "2": "880012340002"}
    # Neither table, command nor page shows them.
    assert len(sealed := [bytes(ticket.sealed) for ticket in SeatTicket.objects.all()]) == 4
    assert not any(b"88001234" in content for content in sealed)
    assert "88001234" not in str(MarketplaceCommand.objects.values_list("payload", "last_error"))


@pytest.mark.parametrize(
    ("kind", "entry", "says"),
    [
        ("barcode", {"barcode": "12 é"}, "six to eighty"), ("barcode", {"barcode": "123"}, "six to eighty"),
        ("pdf", {"content": b"GIF89a"}, "not a PDF"), ("pdf", {"content": b""}, "not a PDF"),
        ("pdf", {"content": b"%PDF-" + b"x" * 2_000_001 + b"%%EOF"}, "larger than 2 MB"),
        ("qr_code", {"content": PDF}, "not a PNG or JPEG"),
    ],
)  # fmt: skip
def test_a_ticket_is_checked_by_its_type_and_names_its_seat(
    holding: Holding, kind: str, entry: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        tickets_enter(actor=holding.actor, kind=kind, entries=[Entry(holding.seats[0].pk, **entry)])
    (problem,) = caught.value.problems
    assert (problem.field, says in problem.detail) == ("seat_1", True)
    assert not SeatTicket.objects.exists()


@pytest.mark.parametrize(("kind", "remedy"), [("barcode", "Give a barcode"), ("pdf", "Give a file")])
def test_a_form_without_any_ticket_is_told_so(holding: Holding, kind: str, remedy: str) -> None:
    url = reverse("listings:ticket_enter", args=[holding.ticket.pk, holding.game.pk])
    answer = browser(holding.user).post(url, {"kind": kind})
    assert answer.status_code == 422
    assert f"No ticket was given. {remedy} for at least one seat." in answer.text


def test_no_two_seats_have_one_ticket_and_nobody_else_enters_any(holding: Holding) -> None:
    first, second = holding.seats[:2]
    same = [Entry(first.pk, barcode="8800123456"), Entry(second.pk, barcode="8800123456")]
    with pytest.raises(InvalidInput, match="twice") as caught:
        tickets_enter(actor=holding.actor, kind="barcode", entries=same)
    assert "8800123456" not in str(caught.value.problems)
    tickets_enter(actor=holding.actor, kind="barcode", entries=same[:1])
    with pytest.raises(InvalidInput, match="twice"):
        tickets_enter(actor=holding.actor, kind="barcode", entries=same[1:])
    # Given again to the same seat, it is the same.
    tickets_enter(actor=holding.actor, kind="barcode", entries=same[:1])
    assert SeatTicket.objects.count() == 1
    for stranger in (holding.other, holding.outsider):
        with pytest.raises(NotFound):
            tickets_enter(actor=stranger, kind="barcode", entries=same[:1])
    with pytest.raises(NotAllowed):
        tickets_enter(actor=holding.viewer, kind="barcode", entries=same[:1])


def test_i10_a_client_who_hands_one_ticket_over_twice_is_halted_too(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sell(holding, simulator, travel, "stubhub")
    links = ["https://transfer.example/1", "https://transfer.example/2"]
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method="transfer_url", transfer_urls=links)
    first = seller.sale
    second = another(first)
    answer = bearer(holding.user).post(
        f"/api/v1/sales/{second.pk}/fulfil/", {"method": "transfer_url", "transfer_urls": links},
        content_type="application/json",
    )  # fmt: skip
    assert (answer.status_code, f"went with StubHub sale {first.platform_sale_id}" in answer.text) == (409, True)
    # A refusal undoes what a request began; this one's halt stands.
    assert TradingState.objects.in_force().filter(scope="holder", state="HALTED").exists()
    assert Alert.objects.filter(kind="sale.twice", state="firing").exists()
    assert not second.commands.exists()


def test_i10_one_ticket_in_two_sales_halts_all_selling(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sell(holding, simulator, travel, "stubhub")
    links = ["https://transfer.example/1", "https://transfer.example/2"]
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method="transfer_url", transfer_urls=links)
    work()
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[2:]], account_ids=[seller.account.pk],
        price=Listing.objects.get().price, floor=Listing.objects.get().floor, ceiling=Listing.objects.get().ceiling,
    )  # fmt: skip
    work()
    control("sell", platform="stubhub", external_id=listing.external_id, quantity=2)
    account_sync_sales(account=seller.account)
    work()
    other = Sale.objects.get(listing=listing)
    with pytest.raises(Conflict, match="All selling is halted"):
        sale_fulfil(actor=holding.actor, sale_id=other.pk, method="transfer_url", transfer_urls=[links[0], links[1]])
    assert not other.commands.filter(kind="fulfil").exists()
    assert Alert.objects.filter(kind="sale.twice", severity="critical", state="firing").exists()
    with pytest.raises(Conflict):
        listing_publish(
            actor=holding.actor, seat_ids=[holding.seats[0].pk], account_ids=[seller.account.pk],
            price=listing.price, floor=listing.floor, ceiling=listing.ceiling,
        )  # fmt: skip
    # What is over has no tickets: they may go with another sale.
    first = Sale.objects.exclude(pk=other.pk).get()
    control("advance", sale_id=first.platform_sale_id, cancel=True)
    sale_read(sale=first)
    assert not SaleProof.objects.filter(sale=first, live=True).exists()
    sale_fulfil(actor=holding.actor, sale_id=other.pk, method="transfer_url", transfer_urls=links)


def test_i10_of_another_tenants_sale_only_staff_hear(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sell(holding, simulator, travel, "stubhub")
    links = ["https://transfer.example/1", "https://transfer.example/2"]
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method="transfer_url", transfer_urls=links)
    first = seller.sale
    stranger = Tenant.objects.get(slug="other-co")
    second = another(first)
    Sale.objects.filter(pk=first.pk).update(tenant_id=stranger.pk)
    with pytest.raises(Conflict, match="went with another sale") as caught:
        sale_fulfil(actor=holding.actor, sale_id=second.pk, method="transfer_url", transfer_urls=links)
    assert first.platform_sale_id not in str(caught.value)
    told = Alert.objects.get(kind="sale.two_tenants")
    assert (told.user_id, told.severity) == (holding.staff.user_id, "critical")


@pytest.mark.parametrize(
    ("platform", "delivery", "way"),
    [
        ("stubhub", "mobile_transfer", HandOver.MOBILE_TRANSFER), ("stubhub", "barcode", HandOver.BARCODE),
        ("seatgeek", "mobile_transfer", HandOver.TRANSFER_URL), ("seatgeek", "barcode", HandOver.BARCODE),
        ("vividseats", "mobile_transfer", HandOver.TRANSFER_URL),
        ("ticketmaster", "mobile_transfer", HandOver.MOBILE_TRANSFER),
    ],
)  # fmt: skip
def test_what_did_not_do_becomes_a_task_and_is_handed_over_again(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str, delivery: str, way: HandOver
) -> None:
    seller = sell(holding, simulator, travel, platform, delivery)
    sale = again(seller)
    sale_fulfil(actor=holding.actor, sale_id=sale.pk, method=way, **proof_for(sale, way))
    work()
    assert seller.sale.state == SaleState.FULFILLED
    control("wants", sale_id=sale.platform_sale_id, again="the gate could not read it")
    # Some may be asked for their orders once a minute only.
    travel.shift(120)
    # By polling, which may bring an old word: its marketplace is asked anew before anybody is.
    account_sync_sales(account=seller.account)
    sale = again(seller)
    assert (sale.state, sale.asked_again_at, way in ways_of(sale)) == (SaleState.FULFILLED, now(), True)
    alert = Alert.objects.get(kind="sale.again", user_id=holding.user.pk)
    assert (alert.severity, alert.state) == ("critical", "firing")
    assert sale in deadlines(holding.actor)
    client = Client()
    client.force_login(holding.user)
    page = client.get(f"/portfolio/sales/{sale.pk}/hand-over/").text
    # That it went once and did not do: in the step's own words, or beside those that do not say it.
    step = STEPS[step_of(sale.delivery_step)]
    name = platform_name(platform)
    assert step.again or f"{name} wants the tickets again. {escape(step.words)}" in page
    assert escape(step.words) in page
    fresh = proof_for(sale, way)
    if way is HandOver.BARCODE:
        fresh = {"tickets": [Entry(seat.pk, barcode=f"99001234{seat.seat_number:04}") for seat in sold_seats(sale)]}
    sale_fulfil(actor=holding.actor, sale_id=sale.pk, method=way, **fresh)
    work()
    sale = again(seller)
    assert (sale.state, sale.asked_again_at, ways_of(sale)) == (SaleState.FULFILLED, None, ())
    alert.refresh_from_db()
    assert alert.state == "recovered"
    if way is HandOver.BARCODE:
        there = simulator.ledger.sales[int(sale.platform_sale_id)]
        assert all(code.startswith("9900") for code in there.tickets.values())


@pytest.mark.parametrize("platform", adapter_keys())
def test_a_sale_that_is_paid_may_be_asked_for_again_too(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str
) -> None:
    seller, way = sell(holding, simulator, travel, platform), hand_overs_of(platform)[0]
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method=way, **PROOF[way])
    work()
    # Some pay days before the game.
    Sale.objects.update(state=SaleState.COMPLETE)
    control("wants", sale_id=seller.sale.platform_sale_id, again="the buyer could not take it")
    travel.shift(120)
    account_sync_sales(account=seller.account)
    sale = again(seller)
    assert (sale.state, sale.asked_again_at, way in ways_of(sale)) == (SaleState.COMPLETE, now(), True)
    alert = Alert.objects.get(kind="sale.again", user_id=holding.user.pk)
    assert alert.state == "firing"
    assert sale in deadlines(holding.actor)
    client = Client()
    client.force_login(holding.user)
    given = {"method": way, "confirmation": "CONF-2", "transfer_urls": "https://t.example/8\nhttps://t.example/9"}
    assert client.post(f"/portfolio/sales/{sale.pk}/hand-over/", given).status_code == 302
    work()
    sale = again(seller)
    assert (sale.state, sale.asked_again_at, ways_of(sale)) == (SaleState.COMPLETE, None, ())
    alert.refresh_from_db()
    assert alert.state == "recovered"


def test_an_old_word_after_the_hand_over_asks_nobody(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sell(holding, simulator, travel, "stubhub")
    adapter = adapter_get("stubhub")
    old = over_link(seller.account, lambda link: adapter.fetch_sale(link, seller.sale.platform_sale_id))
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method="mobile_transfer", confirmation="TX-1")
    work()
    assert old is not None
    sale_apply(account=seller.account, remote=old)
    assert (seller.sale.state, seller.sale.asked_again_at) == (SaleState.FULFILLED, None)
    assert not Alert.objects.filter(kind="sale.again").exists()


@pytest.mark.parametrize("asked", ["later", "address"])
def test_while_its_marketplace_waits_nothing_is_asked_of_the_holder(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, asked: str,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    seller = sell(holding, simulator, travel, "stubhub")
    control("wants", sale_id=seller.sale.platform_sale_id, delivery=asked)
    sale = again(seller)
    assert (sale.state, ways_of(sale)) == (SaleState.CONFIRMED, ())
    with pytest.raises(Conflict, match="asks for nothing now"):
        sale_fulfil(actor=holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="TX-1")
    client = Client()
    client.force_login(holding.user)
    assert "Wait:" in client.get(f"/portfolio/sales/{sale.pk}/hand-over/").text
    # He can have it asked at once.
    assert "Ask StubHub now" in client.get(f"/portfolio/sales/{sale.pk}/").text
    control("wants", sale_id=sale.platform_sale_id, delivery="mobile_transfer")
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"/portfolio/sales/{sale.pk}/ask/").status_code == 302
    assert seller.sale.version > sale.version
    assert HandOver.MOBILE_TRANSFER in ways_of(seller.sale)


@pytest.mark.parametrize("platform", ["stubhub", "vividseats"])
def test_a_parcels_label_is_fetched_once_and_shown_to_its_holder_alone(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str
) -> None:
    seller = sell(holding, simulator, travel, platform, DeliveryType.PAPER)
    sale = again(seller)
    client = Client()
    client.force_login(holding.user)
    assert client.get(f"/portfolio/sales/{sale.pk}/label/").status_code == 302
    assert label_fetch(sale)
    answer = client.get(f"/portfolio/sales/{sale.pk}/label/")
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
    assert b"%PDF" not in bytes(seller.sale.label_sealed)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [(DeliveryType.BARCODE, "barcode"), (DeliveryType.PDF, "PDF"), (DeliveryType.QR_CODE, "picture of its code")],
)
def test_a_listing_that_is_hidden_for_want_of_tickets_asks_for_them_and_is_shown_once_they_are_there(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, kind: DeliveryType, wanted: str
) -> None:
    seller = sell(holding, simulator, travel, "stubhub", kind)
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[2:]], account_ids=[seller.account.pk],
        price=Listing.objects.get().price, floor=Listing.objects.get().floor, ceiling=Listing.objects.get().ceiling,
    )  # fmt: skip
    work()
    control("undeliverable", platform="stubhub", external_id=listing.external_id)

    travel.shift(120)
    adapter = adapter_get("stubhub")
    over_link(seller.account, lambda link: account_reconcile(adapter=adapter, link=link, account=seller.account))
    listing.refresh_from_db()
    assert listing.undeliverable_at == now()
    alert = Alert.objects.get(kind="listing.undeliverable", user_id=holding.user.pk)
    assert (alert.state, f"Enter each seat's {wanted}." in alert.body) == ("firing", True)
    # Those of one seat are not yet all that is wanted.
    given = entries_of(kind, holding.seats[2:])
    tickets_enter(actor=holding.actor, kind=kind, entries=given[:1])
    work()
    assert Listing.objects.get(pk=listing.pk).undeliverable_at is not None
    travel.shift(1)
    tickets_enter(actor=holding.actor, kind=kind, entries=given[1:])
    work()
    # What went there is no other seat's from now on.
    sent = ListingTicket.objects.filter(listing=listing)
    assert set(sent.values_list("seat_id", flat=True)) == {seat.pk for seat in holding.seats[2:]}
    listing.refresh_from_db()
    alert.refresh_from_db()
    assert Listing.objects.get(pk=listing.pk).undeliverable_at is None
    assert alert.state == "recovered"
    there = simulator.ledger.listing_find("stubhub", seller.account.account_id.partition("@")[0], listing.external_id)
    assert there is not None
    assert (there.state, there.undeliverable) == ("active", False)


def test_terms_are_promised_by_what_is_published_from_then_on(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    day = (now() + timedelta(days=1)).date()
    terms = delivery_terms_set(
        actor=holding.actor, ticket_id=holding.ticket.pk, delivery="mobile_transfer", in_hand_on=day,
        disclosures=["obstructed_view", "aisle"], version=0,
    )  # fmt: skip
    assert (terms.version, terms.disclosures) == (1, ["aisle", "obstructed_view"])
    seller = connected(holding, "stubhub")
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[:2]], account_ids=[seller.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    listing.refresh_from_db()
    assert listing.status == "active", listing.status_reason
    assert (listing.delivery, listing.in_hand_on, listing.disclosures) == (
        "mobile_transfer", day, ["aisle", "obstructed_view"],
    )  # fmt: skip
    there = simulator.ledger.listing_find("stubhub", seller.account_id.partition("@")[0], listing.external_id)
    assert there is not None
    promised = local(datetime.fromisoformat(there.extra["in_hand_at"]), holding.game.venue.timezone)
    assert (promised.date(), promised.hour) == (day, 12)
    assert there.extra["notes"] == "Aisle seat; Obstructed view"
    with pytest.raises(StaleVersion):
        delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery="pdf", version=0)
    with pytest.raises(InvalidInput) as caught:
        delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery="owl", disclosures=["x"])
    assert {problem.field for problem in caught.value.problems} == {"delivery", "disclosures"}
    with pytest.raises(NotAllowed):
        delivery_terms_set(actor=holding.viewer, ticket_id=holding.ticket.pk, delivery="pdf")


def test_of_two_who_enter_the_first_terms_at_once_one_is_told_to_look_again(
    holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    none_yet = terms_of(holding.ticket)
    delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery="pdf", version=0)
    # The other one has looked before that, and waits for nobody: there was no row to lock.
    monkeypatch.setattr(delivery_terms, "terms_lock", lambda ticket_id: None)
    monkeypatch.setattr(delivery_terms, "terms_of", lambda ticket: none_yet)
    with pytest.raises(StaleVersion) as caught:
        delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery="barcode", version=0)
    assert caught.value.remedy
    assert DeliveryTerms.objects.get().delivery == "pdf"


def test_i07_no_buyer_who_waits_is_made_to_wait_longer(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sell(holding, simulator, travel, "stubhub")
    later = (now() + timedelta(days=2)).date()
    with pytest.raises(Conflict, match=f"sale {seller.sale.platform_sale_id} was promised tickets at once"):
        delivery_terms_set(
            actor=holding.actor, ticket_id=holding.ticket.pk, delivery="mobile_transfer", in_hand_on=later
        )
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method="mobile_transfer", confirmation="TX-1")
    work()
    delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery="mobile_transfer", in_hand_on=later)


def test_i07_a_buyer_whose_seats_are_not_clear_yet_waits_as_well(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sell(holding, simulator, travel, "stubhub")
    Sale.objects.update(state=SaleState.NEEDS_PERSON)
    with pytest.raises(Conflict, match=f"sale {seller.sale.platform_sale_id} was promised tickets at once"):
        delivery_terms_set(
            actor=holding.actor, ticket_id=holding.ticket.pk, delivery="mobile_transfer",
            in_hand_on=(now() + timedelta(days=2)).date(),
        )  # fmt: skip


def test_i07_what_is_in_hand_only_after_the_game_is_not_offered(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sell(holding, simulator, travel, "stubhub")
    Sale.objects.update(delivered_at=now())
    day, known = holding.game.game_date, Listing.objects.get()

    def offered(in_hand_on: date) -> list[Listing]:
        delivery_terms_set(
            actor=holding.actor, ticket_id=holding.ticket.pk, delivery="mobile_transfer", in_hand_on=in_hand_on
        )
        return listing_publish(
            actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[2:]], account_ids=[seller.account.pk],
            price=known.price, floor=known.floor, ceiling=known.ceiling,
        )  # fmt: skip

    with pytest.raises(InvalidInput, match="after the game") as caught:
        offered(day + timedelta(days=1))
    assert [problem.field for problem in caught.value.problems] == ["seats"]
    assert offered(day)[0].in_hand_on == day


def test_a_parcel_that_is_wanted_again_has_a_label_of_its_own_and_one_that_is_over_has_none(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sell(holding, simulator, travel, "stubhub", DeliveryType.PAPER)
    sale = again(seller)
    assert label_fetch(sale)
    sale = seller.sale
    assert label_of_sale(holding.actor, sale)
    # Handed over, and then asked for once more.
    told = over_link(seller.account, lambda link: adapter_get("stubhub").fetch_sale(link, sale.platform_sale_id))
    assert told is not None
    step_take(sale, replace(told, step=DeliveryStep.UNTOLD))
    assert sale.label_sealed
    step_take(sale, replace(told, step=DeliveryStep.LABELS))
    assert not sale.label_sealed
    Sale.objects.filter(pk=sale.pk).update(state=SaleState.CANCELLED)
    assert label_of_sale(holding.actor, seller.sale) is None


def test_what_a_marketplace_does_not_take_is_not_offered_there(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sell(holding, simulator, travel, "ticketmaster")
    delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery="paper")
    known = Listing.objects.get()
    with pytest.raises(InvalidInput, match="takes no paper"):
        listing_publish(
            actor=holding.actor, seat_ids=[holding.seats[2].pk], account_ids=[seller.account.pk], price=known.price,
            floor=known.floor, ceiling=known.ceiling,
        )  # fmt: skip
