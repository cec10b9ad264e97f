"""The tickets of seats: what is taken for one, that two seats may change theirs, and that no error shows any."""

import base64
from typing import Any

import pytest
from django.test import Client

from listings.models import Listing, ListingTicket, MarketplaceCommand, SeatTicket
from listings.services import seat_tickets
from listings.services.seat_tickets import Entry, barcodes_whole, opened, tickets_enter, tickets_send
from marketplaces.delivery import DeliveryType
from portfolios.models import Seat
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput
from tests.builders import Holding, bearer
from tests.market import Market

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
    answer = bearer(holding.user).put(
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


@pytest.mark.parametrize(("barcode", "hint"), [("123456", "56"), ("880012340", "340"), ("880012340001", "0001")])
def test_of_a_barcode_a_third_at_most_lies_in_the_clear(holding: Holding, barcode: str, hint: str) -> None:
    tickets_enter(actor=holding.actor, kind="barcode", entries=[Entry(holding.seats[0].pk, barcode=barcode)])
    assert SeatTicket.objects.get().hint == f"ends in {hint}"


def test_a_client_who_sends_a_barcode_as_a_file_reads_why_it_is_refused(holding: Holding) -> None:
    ticket = {"seat": holding.seats[0].pk, "barcode": ONE, "file": base64.b64encode(PDF).decode()}
    answer = bearer(holding.user).put(
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


def test_seats_that_were_taken_out_of_the_ledger_meanwhile_get_no_tickets(
    holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, check = holding.seats[1], seat_tickets._checked

    def late(*given: Any) -> list[str]:
        Seat.objects.filter(pk=gone.pk).delete()
        return check(*given)

    monkeypatch.setattr(seat_tickets, "_checked", late)
    with pytest.raises(Conflict, match="season ticket of these seats was changed"):
        tickets_enter(
            actor=holding.actor, kind="barcode",
            entries=[Entry(holding.seats[0].pk, barcode=ONE), Entry(gone.pk, barcode=TWO)],
        )  # fmt: skip
    assert not SeatTicket.objects.exists()


def test_barcodes_go_with_a_listing_all_or_none(market: Market) -> None:
    (listing,) = market.publish(market.holding.seats[:2], account_ids=[market.accounts["alpha"].pk])
    seats, actor = market.holding.seats, market.holding.actor
    tickets_enter(actor=actor, kind="barcode", entries=[Entry(seats[0].pk, barcode=ONE)])
    assert (barcodes_whole(listing), tickets_send(listing)) == ((), ())
    assert not ListingTicket.objects.exists()
    tickets_enter(actor=actor, kind="barcode", entries=[Entry(seats[1].pk, barcode=TWO)])
    assert [ticket.barcode for ticket in barcodes_whole(listing)] == [ONE, TWO]


@pytest.mark.parametrize(
    ("seen", "kind", "supplied"),
    [
        ({}, "barcode", True), ({"status": "paused"}, "barcode", True), ({"status": "cancelled"}, "barcode", False),
        ({"status": "delisting"}, "barcode", False), ({"undeliverable_at": None}, "barcode", False), ({}, "pdf", False),
    ],
    ids=str,
)  # fmt: skip
def test_only_listings_that_are_hidden_for_want_of_barcodes_are_supplied(
    market: Market, seen: dict[str, Any], kind: str, *, supplied: bool
) -> None:
    alpha, _ = market.published(market.holding.seats[:1])
    Listing.objects.filter(pk=alpha.pk).update(**{"undeliverable_at": now(), **seen})
    given = {"barcode": ONE} if kind == "barcode" else {"content": PDF}
    tickets_enter(actor=market.holding.actor, kind=kind, entries=[Entry(market.holding.seats[0].pk, **given)])
    assert MarketplaceCommand.objects.filter(kind="supply", listing=alpha).exists() is supplied


def test_a_seat_that_a_hidden_listing_offers_no_more_is_not_what_it_waits_for(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    Listing.objects.filter(pk=alpha.pk).update(undeliverable_at=now())
    first, second = market.holding.seats[:2]
    alpha.listing_seats.filter(seat=first).update(offered=False)
    tickets_enter(actor=market.holding.actor, kind="barcode", entries=[Entry(first.pk, barcode=ONE)])
    assert not MarketplaceCommand.objects.filter(kind="supply").exists()
    tickets_enter(actor=market.holding.actor, kind="barcode", entries=[Entry(second.pk, barcode=TWO)])
    assert MarketplaceCommand.objects.filter(kind="supply", listing=alpha).count() == 1
