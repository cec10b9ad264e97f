"""The tickets of seats: what is taken for one, that two seats may change theirs, and that no error shows any."""

import base64
from typing import Any

import pytest
from django.test import Client

from listings.models import SeatTicket
from listings.services import seat_tickets
from listings.services.seat_tickets import Entry, opened, tickets_enter
from marketplaces.delivery import DeliveryType
from seatsync.accounts.services.tokens import tokens_issue
from seatsync.core.errors import InvalidInput
from tests.builders import Holding

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4 one ticket\n%%EOF"
ONE, TWO = "880012340001", "880012340002"


def barcodes() -> dict[str, str]:
    """What each seat has, by its number."""
    whole = [opened(ticket) for ticket in SeatTicket.objects.order_by("seat__seat_number")]
    return {ticket.seat: ticket.barcode for ticket in whole if ticket is not None}


@pytest.fixture
def two(holding: Holding) -> list[SeatTicket]:
    """Two seats with their barcodes."""
    first, second = holding.seats[:2]
    return tickets_enter(
        actor=holding.actor, kind="barcode", entries=[Entry(first.pk, barcode=ONE), Entry(second.pk, barcode=TWO)]
    )


def test_two_seats_that_were_given_each_others_ticket_are_put_right_at_once(
    holding: Holding, two: list[SeatTicket]
) -> None:
    first, second = holding.seats[:2]
    client = Client()
    client.force_login(holding.user)
    page = f"/portfolio/season-tickets/{holding.ticket.pk}/games/{holding.game.pk}/tickets/"
    assert client.post(page, {"kind": "barcode", "seat_1": TWO, "seat_2": ONE}).status_code == 302
    assert barcodes() == {"1": TWO, "2": ONE}
    access = tokens_issue(holding.user, holding.ticket.tenant_id).access
    answer = Client(headers={"Authorization": f"Bearer {access}"}).put(
        f"/api/v1{page.removeprefix('/portfolio')}",
        {"kind": "barcode", "tickets": [{"seat": first.pk, "barcode": ONE}, {"seat": second.pk, "barcode": TWO}]},
        content_type="application/json",
    )
    assert (answer.status_code, barcodes()) == (200, {"1": ONE, "2": TWO})


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        ("barcode", {"barcode": ONE, "content": PDF}, "A file is no barcode."),
        ("pdf", {"barcode": ONE, "content": PDF}, "A barcode is no file."),
        ("qr_code", {"barcode": ONE}, "A barcode is no file."),
    ],
)  # fmt: skip
def test_what_is_given_beside_a_ticket_is_not_dropped_without_a_word(
    holding: Holding, kind: str, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        tickets_enter(actor=holding.actor, kind=kind, entries=[Entry(holding.seats[0].pk, **given)])
    (problem,) = caught.value.problems
    assert (problem.field, problem.detail, bool(problem.remedy)) == ("seat_1", says, True)
    assert not SeatTicket.objects.exists()


def test_a_client_who_sends_a_barcode_as_a_file_reads_why_it_is_refused(holding: Holding) -> None:
    access = tokens_issue(holding.user, holding.ticket.tenant_id).access
    ticket = {"seat": holding.seats[0].pk, "barcode": ONE, "file": base64.b64encode(PDF).decode()}
    answer = Client(headers={"Authorization": f"Bearer {access}"}).put(
        f"/api/v1/season-tickets/{holding.ticket.pk}/games/{holding.game.pk}/tickets/",
        {"kind": "pdf", "tickets": [ticket]}, content_type="application/json",
    )  # fmt: skip
    assert (answer.status_code, "A barcode is no file." in answer.text) == (422, True)


def test_a_seat_is_given_once(holding: Holding) -> None:
    seat = holding.seats[0]
    with pytest.raises(InvalidInput) as caught:
        tickets_enter(
            actor=holding.actor, kind="barcode", entries=[Entry(seat.pk, barcode=ONE), Entry(seat.pk, barcode=TWO)]
        )
    assert [(problem.field, problem.detail) for problem in caught.value.problems] == [
        ("seat_1", "The seat is given twice.")
    ]
    assert not SeatTicket.objects.exists()


def test_a_ticket_that_another_seat_is_given_in_the_same_moment_is_refused_by_its_seat(
    holding: Holding, two: list[SeatTicket], monkeypatch: pytest.MonkeyPatch
) -> None:
    check, looked = seat_tickets._check_once, list[bool]()

    def late(*given: Any) -> None:
        # The first look is too early to see the other one.
        looked.append(True)
        if len(looked) > 1:
            check(*given)

    monkeypatch.setattr(seat_tickets, "_check_once", late)
    with pytest.raises(InvalidInput, match="given twice") as caught:
        tickets_enter(actor=holding.actor, kind="barcode", entries=[Entry(holding.seats[2].pk, barcode=ONE)])
    (problem,) = caught.value.problems
    assert (problem.field, ONE in str(caught.value.problems), len(looked)) == ("seat_3", False, 2)
    assert barcodes() == {"1": ONE, "2": TWO}


def test_the_usual_kind_of_a_season_ticket_does_not_decide_what_is_looked_at_next(holding: Holding) -> None:
    client = Client()
    client.force_login(holding.user)
    page = f"/portfolio/season-tickets/{holding.ticket.pk}/games/{holding.game.pk}/tickets/"
    terms = f"/portfolio/season-tickets/{holding.ticket.pk}/delivery/"
    assert client.post(terms, {"delivery": DeliveryType.PDF, "version": "0"}).status_code == 302
    kept = client.post(page, {"kind": "barcode", "seat_1": ONE}, follow=True)
    assert kept.redirect_chain == [(f"{page}?kind=barcode", 302)]
    assert "ends in 0001" in kept.text
