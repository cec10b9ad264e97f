"""The pages and the API of delivery: terms, tickets seat by seat, and what a sale waits for."""

import base64
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from listings.models import DeliveryTerms, Listing, MarketplaceCommand, Sale, SaleState, SeatTicket
from listings.services.seat_tickets import Entry, tickets_enter
from marketplaces.delivery import DeliveryStep, HandOver
from marketplaces.errors import PermanentError
from seatsync.live.models import Alert
from tests.builders import bearer, browser
from tests.market import Market

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4 one ticket\n%%EOF"


@pytest.fixture
def sale(market: Market) -> Sale:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    return Sale.objects.get()


@pytest.fixture
def tickets_page(market: Market) -> str:
    ticket, game = market.holding.ticket, market.holding.game
    return f"/portfolio/season-tickets/{ticket.pk}/games/{game.pk}/tickets/"


def test_barcodes_are_entered_on_a_page_and_a_bad_one_stays_as_typed(market: Market, tickets_page: str) -> None:
    owner = browser()
    assert "Seat 4" in owner.get(f"{tickets_page}?kind=barcode").text
    bad = owner.post(tickets_page, {"kind": "barcode", "seat_1": "880012345678", "seat_2": "no"})
    assert bad.status_code == 422
    assert "six to eighty letters and digits" in bad.text
    assert 'value="880012345678"' in bad.text
    assert not SeatTicket.objects.exists()
    good = owner.post(tickets_page, {"kind": "barcode", "seat_1": "880012345678", "seat_2": "880012345679"})
    assert good.status_code == 302
    page = owner.get(tickets_page).text
    assert ("ends in 5678" in page, "880012345678" in page) == (True, False)
    assert owner.post(tickets_page, {"kind": "barcode"}).status_code == 422


def test_files_are_entered_on_a_page(market: Market, tickets_page: str) -> None:
    owner = browser()
    wrong = SimpleUploadedFile("t.pdf", b"GIF89a", content_type="application/pdf")
    answer = owner.post(tickets_page, {"kind": "pdf", "seat_1": wrong})
    assert (answer.status_code, "This is not a PDF." in answer.text) == (422, True)
    right = SimpleUploadedFile("seat one.pdf", PDF, content_type="application/pdf")
    assert owner.post(tickets_page, {"kind": "pdf", "seat_1": right}).status_code == 302
    kept = SeatTicket.objects.get()
    assert (kept.kind, kept.media_type, kept.hint) == ("pdf", "application/pdf", "seat one.pdf")
    assert PDF not in bytes(kept.sealed)


def test_who_may_only_look_enters_nothing(market: Market, tickets_page: str) -> None:
    viewer = browser("viewer")
    assert "You may look at these seats." in viewer.get(tickets_page).text
    assert viewer.post(tickets_page, {"kind": "barcode", "seat_1": "880012345678"}).status_code == 403
    assert browser("other").get(tickets_page).status_code == 404
    terms = f"/portfolio/season-tickets/{market.holding.ticket.pk}/delivery/"
    assert "<form" not in viewer.get(terms).text.partition("What buyers are promised")[2].partition("</section>")[0]


def test_a_sale_that_waits_for_barcodes_is_handed_over_by_them(market: Market, sale: Sale) -> None:
    Sale.objects.update(delivery_step=DeliveryStep.BARCODES)
    owner, address = browser(), f"/portfolio/sales/{sale.pk}/hand-over/"
    page = owner.get(address).text
    assert ("Give the barcode of each ticket." in page, 'name="confirmation"' in page) == (True, False)
    lacking = owner.post(address, {"method": "barcode", "seat_1": "880012345678"})
    assert lacking.status_code == 422
    assert "The barcode of seat 2 is missing." in lacking.text
    other = owner.post(address, {"method": "mobile_transfer", "confirmation": "TX-1"})
    assert "Alpha asks for something else now than mobile_transfer." in other.text
    given = {"method": "barcode", "seat_1": "880012345678", "seat_2": "880012345679"}
    assert owner.post(address, given).status_code == 302
    market.work()
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED


def test_terms_are_kept_on_the_page_and_by_the_api(market: Market) -> None:
    ticket = market.holding.ticket
    page, same = f"/portfolio/season-tickets/{ticket.pk}/delivery/", f"/api/v1/season-tickets/{ticket.pk}/delivery/"
    client = bearer()
    assert client.get(same).json()["version"] == 0
    kept = browser().post(page, {"delivery": "pdf", "disclosures": ["aisle"], "version": "0"})
    assert kept.status_code == 302
    told = client.get(same).json()
    assert (told["delivery"], told["disclosures"], told["version"]) == ("pdf", ["aisle"], 1)
    assert told["account_number"] == ticket.order_reference
    body: dict[str, Any] = {"delivery": "barcode", "version": 0}
    assert client.put(same, body, content_type="application/json").status_code == 409
    assert client.put(same, {**body, "version": 1}, content_type="application/json").status_code == 200
    assert DeliveryTerms.objects.get().delivery == "barcode"
    stale = browser().post(page, {"delivery": "pdf", "version": "1"})
    assert (stale.status_code, "changed this meanwhile" in stale.text) == (422, True)


def test_a_client_enters_tickets_reads_what_a_sale_waits_for_and_hands_over(market: Market, sale: Sale) -> None:
    client, holding = bearer(), market.holding
    Sale.objects.update(delivery_step=DeliveryStep.FILES)
    waits = client.get(f"/api/v1/sales/{sale.pk}/delivery/").json()
    assert (waits["step"], waits["ways"], waits["words"]) == ("files", ["pdf"], "Give the PDF of each ticket.")
    at = f"/api/v1/season-tickets/{holding.ticket.pk}/games/{holding.game.pk}/tickets/"
    file = base64.b64encode(PDF).decode()
    first = {"seat": str(holding.seats[0].pk), "file": file, "name": "1.pdf"}
    assert client.put(at, {"kind": "pdf", "tickets": [first]}, content_type="application/json").status_code == 200
    bad = client.put(at, {"kind": "pdf", "tickets": [{**first, "file": "not base64"}]}, content_type="application/json")
    assert bad.status_code == 422
    (told,) = client.get(at).json()
    assert (told["seat"], told["kind"], told["hint"]) == (first["seat"], "pdf", "1.pdf")
    assert file not in client.get(at).text
    second = {"seat": str(holding.seats[1].pk), "file": base64.b64encode(PDF + b"2%%EOF").decode(), "name": "2.pdf"}
    over = client.post(
        f"/api/v1/sales/{sale.pk}/fulfil/", {"method": "pdf", "tickets": [second]}, content_type="application/json"
    )
    assert over.status_code == 202
    strange = {"seat": str(holding.seats[3].pk), "file": file}
    refused = client.post(
        f"/api/v1/sales/{sale.pk}/fulfil/", {"method": "pdf", "tickets": [strange]}, content_type="application/json"
    )
    assert (refused.status_code, "seat that was not sold" in refused.text) == (422, True)
    market.work()
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED
    assert client.get(f"/api/v1/sales/{sale.pk}/delivery/").json()["ways"] == []


def test_an_error_on_a_publication_repeats_no_ticket(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    holding = market.holding
    entries = [Entry(seat.pk, barcode=f"88001234567{seat.seat_number}") for seat in holding.seats]
    tickets_enter(actor=holding.actor, kind="barcode", entries=entries)

    def refuse(_: Any, draft: Any) -> Any:
        raise PermanentError(f"known already: {' '.join(ticket.barcode for ticket in draft.tickets)}")

    monkeypatch.setattr(market.alpha, "create", refuse)
    market.publish(account_ids=[market.accounts["alpha"].pk])
    Listing.objects.update(delivery="barcode")
    market.work()
    command = MarketplaceCommand.objects.get(kind="create")
    assert command.last_error == f"known already: {' '.join(['(left out)'] * 4)}"
    assert "8800123" not in str(list(Alert.objects.values_list("body", flat=True)))


def test_an_error_of_a_marketplace_repeats_no_ticket(
    market: Market, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:

    def refuse(link: Any, sale_id: str, proof: Any) -> Any:
        raise PermanentError(f"we do not like {proof.tickets[0].barcode} at all")

    monkeypatch.setattr(market.alpha, "fulfil", refuse)
    Sale.objects.update(delivery_step=DeliveryStep.BARCODES)
    given = {"method": HandOver.BARCODE.value, "seat_1": "880012345678", "seat_2": "880012345679"}
    browser().post(f"/portfolio/sales/{sale.pk}/hand-over/", given)
    market.work()
    command = sale.commands.get(kind="fulfil")
    assert (command.state, command.last_error) == ("needs_person", "we do not like (left out) at all")
