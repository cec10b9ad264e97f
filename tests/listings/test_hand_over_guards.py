"""Handing over: who may, what is sent is what was given, and one ticket goes with one sale whatever comes between."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from listings.locks import sale_lock
from listings.models import Listing, MarketplaceCommand, Sale, SaleProof, SaleSeat, SeatTicket, TradingState
from listings.services import fulfil
from listings.services.fulfil import proof_of, sale_fulfil, ways_of
from listings.services.sale_saga import sale_apply
from listings.services.seat_tickets import Entry, tickets_enter
from marketplaces.contracts import Buyer, RemoteSaleState
from marketplaces.delivery import DeliveryStep, HandOver
from marketplaces.errors import PermanentError
from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.live.models import Alert
from tests.builders import bearer, browser
from tests.listings.selling import another
from tests.market import Market

pytestmark = pytest.mark.django_db
CODES = {"method": "barcode", "seat_1": "880012345678", "seat_2": "880012345679"}


@pytest.fixture
def sale(market: Market) -> Sale:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    market.alpha.sales[sold.sale_id] = replace(sold, buyer=Buyer("Ann Buyer", "ann@buyers.example", ""))
    market.webhook(sold)
    market.work()
    return Sale.objects.get()


def pages(sale: Sale) -> str:
    return f"/portfolio/sales/{sale.pk}/hand-over/"


def test_who_may_only_look_learns_nothing_of_the_buyer(market: Market, sale: Sale) -> None:
    Sale.objects.update(delivery_step=DeliveryStep.LABELS)
    viewer = User.objects.get(email="viewer@example.com")
    told = bearer(market.holding.user).get(f"/api/v1/sales/{sale.pk}/delivery/").json()
    assert told["buyer"] == {"name": "Ann Buyer", "email": "ann@buyers.example", "phone": ""}
    assert bearer(viewer).get(f"/api/v1/sales/{sale.pk}/delivery/").json()["buyer"] is None
    assert "ann@buyers.example" in browser().get(pages(sale)).text
    seen = browser("viewer").get(pages(sale)).text
    assert ("To whom" in seen, "ann@buyers" in seen) == (False, False)
    # A parcel's label says where he lives.
    assert browser("viewer").get(f"/portfolio/sales/{sale.pk}/label/").status_code == 403
    assert bearer(viewer).get(f"/api/v1/sales/{sale.pk}/label/").status_code == 403
    assert browser().get(f"/portfolio/sales/{sale.pk}/label/").status_code == 302


def test_the_owner_of_an_account_hands_over_a_sale_that_has_no_listing_here(market: Market, sale: Sale) -> None:
    other = another(sale)
    assert 'name="confirmation"' in browser().get(pages(other)).text
    given = {"method": "mobile_transfer", "confirmation": "TX-1"}
    assert browser().post(pages(other), given).status_code == 302
    assert other.commands.filter(kind="fulfil").exists()


@pytest.mark.parametrize("link", ["https://[bad/1", "https://", "ftp://t.example/1", "https:///x"])
def test_what_is_no_address_is_refused_and_not_taken_for_a_fault_of_ours(market: Market, sale: Sale, link: str) -> None:
    given = {"method": "transfer_url", "transfer_urls": f"{link}\nhttps://t.example/2"}
    answer = browser().post(pages(sale), given)
    assert (answer.status_code, "is no https address" in answer.text) == (422, True)
    assert not sale.commands.filter(kind="fulfil").exists()


def test_no_tickets_are_given_beside_a_number(market: Market, sale: Sale) -> None:
    tickets = [Entry(market.holding.seats[0].pk, barcode="880012345678")]
    with pytest.raises(InvalidInput, match="No tickets are sent with mobile_transfer") as caught:
        sale_fulfil(
            actor=market.holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="TX-1", tickets=tickets
        )
    assert [problem.field for problem in caught.value.problems] == ["tickets"]
    assert not SeatTicket.objects.exists()


def fulfilment(sale: Sale) -> MarketplaceCommand:
    return sale.commands.get(kind="fulfil", state__in=["pending", "in_flight", "needs_person"])


def test_a_ticket_that_was_replaced_after_it_was_given_is_not_sent(market: Market, sale: Sale) -> None:
    Sale.objects.update(delivery_step=DeliveryStep.BARCODES)
    browser().post(pages(sale), CODES)
    seat = market.holding.seats[0]
    proof = proof_of(fulfilment(sale))
    assert [ticket.barcode for ticket in proof.tickets] == ["880012345678", "880012345679"]
    tickets_enter(actor=market.holding.actor, kind="barcode", entries=[Entry(seat.pk, barcode="990012345678")])
    with pytest.raises(PermanentError, match="not here any more"):
        proof_of(fulfilment(sale))
    market.work()
    assert not [call for call in market.alpha.calls if call[0] == "fulfil"]
    command = fulfilment(sale)
    assert (command.state, "give it again" in command.last_error) == ("needs_person", True)
    # Given again, it is what is there now.
    browser().post(pages(sale), {**CODES, "seat_1": "990012345678"})
    market.work()
    assert [call[0] for call in market.alpha.calls].count("fulfil") == 1


def test_what_is_handed_over_anew_takes_the_place_of_what_waits_for_a_person(market: Market, sale: Sale) -> None:
    market.alpha.script["fulfil"] = [PermanentError("no such transfer")]
    browser().post(pages(sale), {"method": "mobile_transfer", "confirmation": "TX-1"})
    market.work()
    refused = fulfilment(sale)
    alert = Alert.objects.get(dedupe_key=f"command:{refused.pk}", user_id=market.holding.user.pk)
    assert (refused.state, alert.state) == ("needs_person", "firing")
    browser().post(pages(sale), {"method": "mobile_transfer", "confirmation": "TX-2"})
    refused.refresh_from_db()
    alert.refresh_from_db()
    assert (refused.state, alert.state) == ("superseded", "recovered")
    market.work()
    sale.refresh_from_db()
    assert sale.state == "fulfilled"
    assert [proof_of(row.command).confirmation for row in SaleProof.objects.filter(live=True)] == ["TX-2"]


def test_i10_one_ticket_given_to_two_sales_in_the_same_moment_halts_all_selling(
    market: Market, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = ["https://t.example/1", "https://t.example/2"]
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="transfer_url", transfer_urls=links)
    other = another(sale)
    check, looked = fulfil._check_once, list[bool]()

    def late(*given: Any) -> None:
        # The first look is too early to see the other one.
        looked.append(True)
        if len(looked) > 1:
            check(*given)

    monkeypatch.setattr(fulfil, "_check_once", late)
    with pytest.raises(Conflict, match="All selling is halted"):
        sale_fulfil(actor=market.holding.actor, sale_id=other.pk, method="transfer_url", transfer_urls=links)
    assert TradingState.objects.in_force().filter(scope="holder", state="HALTED").exists()
    assert (other.commands.exists(), len(looked)) == (False, 2)


@pytest.mark.parametrize("spelled", [
    "HTTPS://t.example/1", "https://T.Example/1", "https://t.example:443/1", "https://t.example/1#", " https://t.example/1",
    "https://t.example./1",
])  # fmt: skip
def test_i10_a_link_is_the_same_in_every_spelling(market: Market, sale: Sale, spelled: str) -> None:
    links = ["https://t.example/1", "https://t.example/2"]
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="transfer_url", transfer_urls=links)
    other = another(sale)
    with pytest.raises(Conflict, match="All selling is halted"):
        sale_fulfil(
            actor=market.holding.actor, sale_id=other.pk, method="transfer_url",
            transfer_urls=[spelled, "https://t.example/3"],
        )  # fmt: skip


def test_a_link_in_two_spellings_is_given_twice(market: Market, sale: Sale) -> None:
    given = "https://t.example/a\nhttps://T.example:443/a"
    answer = browser().post(pages(sale), {"method": "transfer_url", "transfer_urls": given})
    assert (answer.status_code, "An address is given twice." in answer.text) == (422, True)
    # Paths that differ are other tickets, and so are other ports.
    given = "https://t.example/a\nhttps://t.example/A\n"
    assert browser().post(pages(sale), {"method": "transfer_url", "transfer_urls": given}).status_code == 302


@pytest.mark.parametrize("spelled", ["ab8800123401", "AB 8800 1234 01", "AB-8800123401"])
def test_i10_a_barcode_is_the_same_in_every_spelling(market: Market, spelled: str) -> None:
    first, second = market.holding.seats[:2]
    actor = market.holding.actor
    tickets_enter(actor=actor, kind="barcode", entries=[Entry(first.pk, barcode="AB8800123401")])
    with pytest.raises(InvalidInput, match="given twice"):
        tickets_enter(actor=actor, kind="barcode", entries=[Entry(second.pk, barcode=spelled)])


def test_i10_what_a_buyer_was_sent_goes_with_no_other_sale_though_it_was_replaced(market: Market, sale: Sale) -> None:
    actor = market.holding.actor
    old = ["https://t.example/1", "https://t.example/2"]
    sale_fulfil(actor=actor, sale_id=sale.pk, method="transfer_url", transfer_urls=old)
    market.work()
    Sale.objects.filter(pk=sale.pk).update(asked_again_at=now())
    new = ["https://t.example/8", "https://t.example/9"]
    sale_fulfil(actor=actor, sale_id=sale.pk, method="transfer_url", transfer_urls=new)
    other = another(sale)
    with pytest.raises(Conflict, match="All selling is halted"):
        sale_fulfil(actor=actor, sale_id=other.pk, method="transfer_url", transfer_urls=old)
    # Once that sale is over they are free.
    sale_apply(
        account=market.accounts["alpha"], remote=market.alpha.move(sale.platform_sale_id, RemoteSaleState.CANCELLED)
    )
    sale_fulfil(actor=actor, sale_id=other.pk, method="transfer_url", transfer_urls=old)


def test_what_was_never_sent_may_go_with_another_sale(market: Market, sale: Sale) -> None:
    actor, links = market.holding.actor, ["https://t.example/1", "https://t.example/2"]
    market.alpha.script["fulfil"] = [PermanentError("not so")]
    sale_fulfil(actor=actor, sale_id=sale.pk, method="transfer_url", transfer_urls=links)
    market.work()
    sale_fulfil(actor=actor, sale_id=sale.pk, method="mobile_transfer", confirmation="TX-1")
    other = another(sale)
    sale_fulfil(actor=actor, sale_id=other.pk, method="transfer_url", transfer_urls=links)
    assert other.commands.filter(kind="fulfil").exists()


@pytest.mark.parametrize("how", ["called off", "ended meanwhile"])
def test_nothing_is_handed_over_with_a_sale_that_does_not_stand(market: Market, sale: Sale, how: str) -> None:
    if how == "called off":
        Sale.objects.filter(pk=sale.pk).update(ending="game_off")
    else:
        Sale.objects.filter(pk=sale.pk).update(state="cancelled")
    sale.refresh_from_db()
    assert ways_of(sale) == ()
    with pytest.raises((Conflict, InvalidInput)):
        sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="TX-1")
    assert not sale.commands.filter(kind="fulfil").exists()


def test_tickets_need_to_be_of_seats_that_are_known(market: Market, sale: Sale) -> None:
    Sale.objects.update(delivery_step=DeliveryStep.BARCODES, quantity=3)
    with pytest.raises(Conflict, match="not known which seats"):
        sale_fulfil(
            actor=market.holding.actor, sale_id=sale.pk, method="barcode",
            tickets=[Entry(seat.pk, barcode=f"88001234567{seat.seat_number}") for seat in market.holding.seats[:2]],
        )  # fmt: skip


def test_seats_that_the_sale_lost_while_its_lock_was_waited_for_get_no_ticket_of_it(
    market: Market, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    Sale.objects.update(delivery_step=DeliveryStep.BARCODES)

    def late(sale_id: uuid.UUID) -> Sale:
        # Its marketplace has named other seats meanwhile.
        rows = SaleSeat.objects.filter(sale_id=sale_id).order_by("seat__seat_number")
        for row, seat in zip(rows, market.holding.seats[2:], strict=True):
            SaleSeat.objects.filter(pk=row.pk).update(seat=seat)
        return sale_lock(sale_id)

    monkeypatch.setattr("listings.services.fulfil.sale_lock", late)
    with pytest.raises(InvalidInput, match="seat that was not sold"):
        sale_fulfil(
            actor=market.holding.actor, sale_id=sale.pk, method="barcode",
            tickets=[Entry(seat.pk, barcode=f"88001234567{seat.seat_number}") for seat in market.holding.seats[:2]],
        )  # fmt: skip
    assert not SeatTicket.objects.exists()


@pytest.mark.parametrize(
    ("delivery", "ways"),
    [
        ("mobile_transfer", ["mobile_transfer", "transfer_url"]), ("barcode", ["barcode"]), ("pdf", ["pdf"]),
        ("qr_code", ["qr_code"]), ("paper", ["tracking", "reservation_code", "drop_off"]),
    ],
)  # fmt: skip
def test_while_its_marketplace_tells_nothing_the_ways_are_those_of_what_was_promised(
    market: Market, sale: Sale, delivery: str, ways: list[str]
) -> None:
    Listing.objects.update(delivery=delivery)
    told = bearer(market.holding.user).get(f"/api/v1/sales/{sale.pk}/delivery/").json()
    assert told["ways"] == ways
    # Where its marketplace says what it wants, that counts.
    Sale.objects.update(delivery_step=DeliveryStep.FILES)
    assert ways_of(Sale.objects.get()) == ("pdf",)


@pytest.mark.parametrize("change", [{"made_there": True}, {"delivery": "paper"}], ids=str)
def test_where_that_is_not_known_or_is_not_taken_every_way_is_offered(
    market: Market, sale: Sale, change: dict[str, Any]
) -> None:
    market.alpha.hand_overs = (HandOver.PDF, HandOver.BARCODE)
    Listing.objects.update(**change)
    assert ways_of(Sale.objects.get()) == ("pdf", "barcode")


def test_a_way_that_is_not_wanted_is_what_is_wrong_whatever_is_given_with_it(market: Market, sale: Sale) -> None:
    Sale.objects.update(delivery_step=DeliveryStep.BARCODES)
    given = {"method": "pdf", "tickets": [{"seat": market.holding.seats[0].pk, "barcode": "880012345678"}]}
    answer = bearer(market.holding.user).post(
        f"/api/v1/sales/{sale.pk}/fulfil/", given, content_type="application/json"
    )
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["remedy"]) == ("method", "Use barcode.")
