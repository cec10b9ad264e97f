"""I-10: what one buyer was given, or may be given by a marketplace, goes to no other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from listings.models import Listing, ListingTicket, MarketplaceCommand, Sale, TradingState
from listings.services import fulfil, given_once
from listings.services.delist import listings_delist
from listings.services.delivery_terms import delivery_terms_set
from listings.services.fulfil import sale_fulfil
from listings.services.inbound import on_listing_update
from listings.services.sale_saga import sale_apply
from listings.services.seat_tickets import Entry, tickets_enter
from marketplaces.contracts import Buyer, RemoteSaleState
from marketplaces.delivery import DeliveryStep, DeliveryType
from marketplaces.errors import TemporaryError
from marketplaces.models import InboundEvent
from portfolios.models import Seat
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db
ANN, BOB = Buyer("Ann Buyer", "ann@buyers.example", ""), Buyer("Bob Buyer", "bob@buyers.example", "")


def sold(market: Market, alpha: Listing, seats: tuple[int, ...], buyer: Buyer | None, **more: Any) -> Sale:
    """These seats of the listing are bought by this person."""
    remote = market.alpha.sell(alpha.external_id, seats)
    market.alpha.sales[remote.sale_id] = replace(remote, buyer=buyer, **more)
    market.webhook(remote)
    market.work()
    return Sale.objects.get(platform_sale_id=remote.sale_id)


@pytest.fixture
def two(market: Market) -> Callable[[Buyer | None, Buyer | None], tuple[Sale, Sale]]:
    """Two sales of two seats each, and who bought them."""

    def sell(first: Buyer | None, second: Buyer | None) -> tuple[Sale, Sale]:
        alpha, _ = market.published()
        return sold(market, alpha, (1, 2), first), sold(market, alpha, (3, 4), second)

    return sell


def give(market: Market, sale: Sale, number: str, method: str = "mobile_transfer") -> MarketplaceCommand:
    return sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method=method, confirmation=number)


def halted() -> bool:
    return TradingState.objects.in_force().filter(scope="holder", state="HALTED").exists()


@pytest.mark.parametrize("method", ["mobile_transfer", "tracking", "reservation_code"])
@pytest.mark.parametrize("spelled", ["TX-1001", "tx 1001", "TX1001"])
def test_one_number_goes_to_one_buyer(market: Market, two: Any, method: str, spelled: str) -> None:
    first, second = two(ANN, BOB)
    Listing.objects.update(delivery="mobile_transfer" if method == "mobile_transfer" else "paper")
    give(market, first, "TX-1001", method)
    market.work()
    with pytest.raises(Conflict) as caught:
        give(market, second, spelled, method)
    (problem,) = caught.value.problems
    assert (problem.field, f"the buyer of Alpha sale {first.platform_sale_id}." in problem.detail) == (
        "confirmation", True,
    )  # fmt: skip
    assert (halted(), second.commands.filter(kind="fulfil").exists()) == (True, False)
    # It is free once that buyer is none any more.
    off = market.alpha.move(first.platform_sale_id, RemoteSaleState.CANCELLED)
    sale_apply(account=market.accounts["alpha"], remote=off)
    assert give(market, second, spelled, method).kind == "fulfil"


def test_one_buyers_sales_may_go_in_one_transfer_and_nobody_elses(market: Market, two: Any) -> None:
    first, second = two(ANN, replace(ANN, name="A. Buyer", email="Ann@Buyers.example"))
    give(market, first, "TX-1001")
    assert give(market, second, "TX-1001").kind == "fulfil"
    market.work()
    # Of those two one alone is enough to keep it from others.
    off = market.alpha.move(first.platform_sale_id, RemoteSaleState.CANCELLED)
    sale_apply(account=market.accounts["alpha"], remote=off)
    (again,) = market.publish(market.holding.seats[:2], account_ids=[market.accounts["alpha"].pk])
    market.work()
    third = sold(market, again, (1, 2), BOB)
    with pytest.raises(Conflict, match=f"the buyer of Alpha sale {second.platform_sale_id}"):
        give(market, third, "TX-1001")


@pytest.mark.parametrize("buyers", [(None, BOB), (ANN, None), (None, None)], ids=["first", "second", "both"])
def test_whose_buyer_is_not_known_gets_a_number_of_his_own(market: Market, two: Any, buyers: Any) -> None:
    first, second = two(*buyers)
    give(market, first, "TX-1001")
    with pytest.raises(InvalidInput) as caught:
        give(market, second, "TX-1001")
    (problem,) = caught.value.problems
    assert (problem.field, problem.detail.startswith(f"Alpha sale {first.platform_sale_id} has this number")) == (
        "confirmation", True,
    )  # fmt: skip
    # It may be a mistake of writing: nothing is halted for it.
    assert (halted(), second.commands.filter(kind="fulfil").exists()) == (False, False)
    assert give(market, second, "TX-1002").kind == "fulfil"


def test_a_receipt_may_be_for_the_tickets_of_several_buyers(market: Market, two: Any) -> None:
    first, second = two(ANN, BOB)
    Listing.objects.update(delivery="paper")
    give(market, first, "R-1", "drop_off")
    assert give(market, second, "R-1", "drop_off").kind == "fulfil"


def test_a_number_that_two_sales_are_given_in_the_same_moment_goes_to_one(
    market: Market, two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two(ANN, BOB)
    give(market, first, "TX-1001")
    free, looked = given_once.number_free, list[bool]()

    def early(sale: Sale, mark: str) -> bool:
        # The first look is too early to see the other one.
        looked.append(True)
        return free(sale, mark) if len(looked) > 1 else True

    monkeypatch.setattr(fulfil, "number_free", early)
    monkeypatch.setattr(fulfil, "_check_once", lambda *given: None)
    with pytest.raises(Conflict, match="All selling is halted"):
        give(market, second, "TX-1001")
    assert (len(looked), second.commands.filter(kind="fulfil").exists()) == (2, False)


def enter(market: Market, *barcodes: tuple[Seat, str]) -> None:
    entries = [Entry(seat.pk, barcode=barcode) for seat, barcode in barcodes]
    tickets_enter(actor=market.holding.actor, kind="barcode", entries=entries)


@pytest.fixture
def sent(market: Market) -> Listing:
    """Seats one and two on alpha with their barcodes, of which the first has another one here by now."""
    market.alpha.deliveries = (DeliveryType.BARCODE,)
    delivery_terms_set(actor=market.holding.actor, ticket_id=market.holding.ticket.pk, delivery=DeliveryType.BARCODE)
    one, two = market.holding.seats[:2]
    enter(market, (one, "880012340001"), (two, "880012340002"))
    (listing,) = market.publish([one, two], account_ids=[market.accounts["alpha"].pk])
    market.work()
    enter(market, (one, "990012340001"))
    listing.refresh_from_db()
    return listing


def refused(market: Market, seat: Seat) -> str:
    with pytest.raises(InvalidInput) as caught:
        enter(market, (seat, "8800 1234 0001"))
    (problem,) = caught.value.problems
    assert problem.field == f"seat_{seat.seat_number}"
    return problem.detail


def test_a_barcode_that_went_with_a_listing_is_no_other_seats_while_that_may_sell(
    market: Market, sent: Listing
) -> None:
    one, _, three = market.holding.seats[:3]
    assert refused(market, three) == f"It went with seat 1 of 131/27 to Alpha listing {sent.listing_id}."
    sale = sold(market, sent, (1, 2), ANN)
    assert refused(market, three) == f"It went with seat 1 of 131/27 to Alpha sale {sale.platform_sale_id}."
    # To its own seat it may come back.
    enter(market, (one, "880012340001"))
    enter(market, (one, "990012340001"))
    off = market.alpha.move(sale.platform_sale_id, RemoteSaleState.CANCELLED)
    sale_apply(account=market.accounts["alpha"], remote=off)
    market.work()
    enter(market, (three, "880012340001"))


def test_it_is_free_when_the_listing_is_down(market: Market, sent: Listing) -> None:
    listings_delist(actor=market.holding.actor, listing_ids=[sent.pk])
    assert refused(market, market.holding.seats[2])
    market.work()
    enter(market, (market.holding.seats[2], "880012340001"))


def test_an_unclear_sale_of_its_listing_may_have_it(market: Market, sent: Listing) -> None:
    remote = market.alpha.sell(sent.external_id, (1,), tell_seats=False)
    market.webhook(remote)
    market.work()
    assert Sale.objects.get().state == "needs_person"
    assert refused(market, market.holding.seats[2])


def test_what_is_sent_anew_takes_the_place_of_what_went_before(market: Market, sent: Listing) -> None:
    """Two barcodes were mixed up, and its marketplace hides the listing until it has the right ones."""
    Listing.objects.update(undeliverable_at=sent.created_at)
    enter(market, (market.holding.seats[0], "770012340001"))
    enter(market, (market.holding.seats[2], "880012340001"))
    market.work()
    assert [call for call, _ in market.alpha.calls].count("supply") == 1
    marks = set(ListingTicket.objects.values_list("fingerprint", flat=True))
    now_here = set(sent.listing_seats.values_list("seat__ticket__fingerprint", flat=True))
    assert (marks, len(marks)) == (now_here, 2)
    assert Listing.objects.get().undeliverable_at is None
    # It is seat three's by now.
    enter(market, (market.holding.seats[2], "660012340001"))
    enter(market, (market.holding.seats[2], "880012340001"))


def test_what_replaces_a_barcode_that_went_with_a_listing_goes_there_too(market: Market, sent: Listing) -> None:
    """Its marketplace gives what it has to whoever buys, and the old one opens no gate."""
    assert sent.undeliverable_at is None
    market.work()
    assert market.alpha.calls[-1][0] == "supply"
    marks = set(ListingTicket.objects.filter(listing=sent).values_list("fingerprint", flat=True))
    assert marks == set(sent.listing_seats.values_list("seat__ticket__fingerprint", flat=True))
    # The same ones again are no news, and the old one is free.
    enter(market, (market.holding.seats[0], "990012340001"))
    assert not MarketplaceCommand.objects.filter(kind="supply", state="pending").exists()
    enter(market, (market.holding.seats[2], "880012340001"))


def test_a_barcode_that_its_marketplace_refuses_is_asked_for_by_its_seats(market: Market, sent: Listing) -> None:
    market.work()
    event = InboundEvent(
        account=market.accounts["alpha"], tenant_id=sent.tenant_id, kind="listing_update", topic="SellerListingUpdates",
        action="FailedBarcodeValidation", resource_id=sent.listing_id, external_id=sent.external_id,
        mode=sent.mode,
    )  # fmt: skip
    for _ in range(2):
        on_listing_update(event)
    alert = Alert.objects.get(kind="listing.barcode_failed", user_id=market.holding.user.pk)
    assert (alert.severity, alert.title[:33]) == ("critical", "Alpha refuses a barcode of 131/27")
    assert str(sent.game_id) in alert.url
    assert not Alert.objects.filter(kind="marketplace.notice").exists()
    enter(market, (market.holding.seats[0], "550012340001"))
    market.work()
    alert.refresh_from_db()
    assert alert.state == "recovered"


def test_it_is_not_handed_over_with_a_sale_of_another_seat_either(market: Market, sent: Listing) -> None:
    three, four = market.holding.seats[2:]
    # What replaces it does not arrive there.
    market.alpha.script["supply"] = [TemporaryError("busy")] * 20
    Listing.objects.update(undeliverable_at=sent.created_at)
    enter(market, (three, "880012340001"), (four, "880012340004"))
    # Its marketplace shows it again as it was.
    Listing.objects.update(undeliverable_at=None)
    (listing,) = market.publish([three, four], account_ids=[market.accounts["alpha"].pk])
    market.work()
    sale = sold(market, listing, (3, 4), BOB, step=DeliveryStep.BARCODES)
    with pytest.raises(InvalidInput, match=f"seat 1 of 131/27 to Alpha listing {sent.listing_id}"):
        sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="barcode")
    assert not sale.commands.filter(kind="fulfil").exists()


def test_it_is_written_down_before_it_is_sent(market: Market, sent: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies in between has sent nothing that nobody knows of."""
    seen = list[int]()

    def watched(*given: Any) -> Any:
        seen.append(ListingTicket.objects.count())
        raise TemporaryError("busy")

    monkeypatch.setattr(market.alpha, "create", watched)
    enter(market, (market.holding.seats[2], "880012340003"))
    market.publish(market.holding.seats[2:3], account_ids=[market.accounts["alpha"].pk])
    market.work()
    assert seen == [3]
