"""Handing over: who may, what is sent is what was given, and one ticket goes with one sale whatever comes between."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from listings.models import MarketplaceCommand, Sale, SaleProof, SeatTicket, TradingState
from listings.services import fulfil
from listings.services.fulfil import proof_of, sale_fulfil
from listings.services.seat_tickets import Entry, tickets_enter
from marketplaces.contracts import Buyer
from marketplaces.delivery import DeliveryStep
from marketplaces.errors import PermanentError
from seatsync.accounts.models import User
from seatsync.accounts.services.tokens import tokens_issue
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.live.models import Alert
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


def another(market: Market, sale: Sale) -> Sale:
    """A second sale of the same account, made by nobody's listing here."""
    return Sale.objects.create(
        tenant_id=sale.tenant_id, account=sale.account, mode=sale.mode, platform=sale.platform,
        platform_sale_id="other", quantity=2, state="confirmed", sold_at=now(), noticed_at=now(),
    )  # fmt: skip


def browser(email: str = "owner@example.com") -> Client:
    client = Client()
    client.force_login(User.objects.get(email=email))
    return client


def api(user: User, market: Market) -> Client:
    access = tokens_issue(user, market.holding.ticket.tenant_id).access
    return Client(headers={"Authorization": f"Bearer {access}"})


def pages(sale: Sale) -> str:
    return f"/portfolio/sales/{sale.pk}/hand-over/"


def test_who_may_only_look_learns_nothing_of_the_buyer(market: Market, sale: Sale) -> None:
    Sale.objects.update(delivery_step=DeliveryStep.LABELS)
    viewer = User.objects.get(email="viewer@example.com")
    told = api(market.holding.user, market).get(f"/api/v1/sales/{sale.pk}/delivery/").json()
    assert told["buyer"] == {"name": "Ann Buyer", "email": "ann@buyers.example", "phone": ""}
    assert api(viewer, market).get(f"/api/v1/sales/{sale.pk}/delivery/").json()["buyer"] is None
    assert "ann@buyers.example" in browser().get(pages(sale)).text
    seen = browser("viewer@example.com").get(pages(sale)).text
    assert ("To whom" in seen, "ann@buyers" in seen) == (False, False)
    # A parcel's label says where he lives.
    assert browser("viewer@example.com").get(f"/portfolio/sales/{sale.pk}/label/").status_code == 403
    assert api(viewer, market).get(f"/api/v1/sales/{sale.pk}/label/").status_code == 403
    assert browser().get(f"/portfolio/sales/{sale.pk}/label/").status_code == 302


def test_the_owner_of_an_account_hands_over_a_sale_that_has_no_listing_here(market: Market, sale: Sale) -> None:
    other = another(market, sale)
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
    other = another(market, sale)
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
