"""I-20: what a holder practises on paper touches nothing that he sells for real."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import PRACTICE_OVER, FoundListing, FoundState, Listing, ListingStatus, Sale, SaleState
from listings.services.found import found_adopt
from listings.services.reconcile import accounts_reconcile_due
from listings.services.sale_report import sale_report
from listings.services.sale_saga import sale_apply
from marketplaces.contracts import EventWords, RemoteListing, RemoteListingState, RemoteSale, RemoteSaleState
from marketplaces.models import MarketplaceAccount, Mode
from portfolios.models import OwnerState, Seat
from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.live.models import Alert
from tests.builders import browser
from tests.listings.platform import ScriptedPlatform
from tests.market import Market


@pytest.fixture(autouse=True)
def _for_real(market: Market) -> None:
    """Alpha is practice, and at beta the holder sells for real."""
    User.objects.filter(pk=market.holding.user.pk).update(kyc_status="approved")
    MarketplaceAccount.objects.filter(pk=market.accounts["beta"].pk).update(mode=Mode.LIVE)
    market.accounts["beta"].refresh_from_db()


def up(market: Market, key: str) -> Listing:
    """The first two seats are on offer there."""
    (made,) = market.publish(market.holding.seats[:2], account_ids=[market.accounts[key].pk])
    market.work()
    return Listing.objects.get(pk=made.pk)


def words(market: Market) -> EventWords:
    game = market.holding.game
    return EventWords(f"{game.opponent.name} at {game.home_team.name}", game.venue.name, game.game_date.isoformat())


def made_there(market: Market, platform: ScriptedPlatform, section: str = "131") -> None:
    """A hand has listed the first two seats there."""
    platform.listings["hand"] = RemoteListing(
        listing_id="X1", external_id="hand", event_id="", section=section, row="27", seat_from="1", seat_to="2",
        quantity=2, price=Decimal("70.00"), currency="USD", state=RemoteListingState.ACTIVE, event=words(market),
    )  # fmt: skip
    platform.seats["hand"] = [1, 2]


def sold_on_paper(market: Market, state: RemoteSaleState = RemoteSaleState.AWAITING_FULFILMENT) -> RemoteSale:
    remote = market.alpha.sell(up(market, "alpha").external_id, (1, 2), state=state)
    sale_apply(account=market.accounts["alpha"], remote=remote)
    market.work()
    return remote


def sold_for_real(market: Market, remote: RemoteSale) -> RemoteSale:
    """A listing that nobody here knows sold the same seats for real."""
    sold = replace(
        remote, sale_id="real-1", external_id="", listing_id="R1", section="131", row="27", event=words(market),
        state=RemoteSaleState.AWAITING_CONFIRM, remote_status="confirm",
    )  # fmt: skip
    market.beta.sales["real-1"] = sold
    return sold


def swept(market: Market) -> None:
    accounts_reconcile_due()
    market.work()


def states(market: Market) -> list[str]:
    own = Seat.objects.filter(pk__in=[seat.pk for seat in market.holding.seats[:2]])
    return list(own.values_list("state", flat=True))


def called(platform: ScriptedPlatform, *calls: str) -> list[str]:
    return [what for call, what in platform.calls if call in calls]


@pytest.mark.parametrize("tell_seats", [True, False])
def test_i20_a_buyer_on_paper_who_comes_late_takes_nothing_that_is_on_sale_for_real(
    market: Market, tell_seats: bool
) -> None:
    paper = up(market, "alpha")
    remote = market.alpha.sell(paper.external_id, (1, 2) if tell_seats else (1,), tell_seats=tell_seats)
    # It came down, and went up for real, before anybody heard of the buyer.
    Listing.objects.filter(pk=paper.pk).update(status=ListingStatus.CANCELLED)
    real = up(market, "beta")
    market.webhook(remote)
    market.work()
    real.refresh_from_db()
    assert (real.status, market.beta.shown(), states(market)) == ("active", [real.external_id], ["available"] * 2)
    assert called(market.alpha, "reject") == [remote.sale_id]
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:sale_detail", args=[Sale.objects.get().pk])).text
    assert "a seat of it was offered for real, which no sale on paper touches" in page


def test_i20_what_is_announced_on_paper_and_not_read_takes_down_nothing_real(market: Market) -> None:
    paper = up(market, "alpha")
    Listing.objects.filter(pk=paper.pk).update(status=ListingStatus.CANCELLED)
    real = up(market, "beta")
    market.announce("ghost", paper.external_id)
    market.process()
    market.work()
    real.refresh_from_db()
    assert (real.status, states(market)) == ("active", ["available"] * 2)


def test_i20_a_listing_that_is_met_on_paper_is_not_kept_where_its_seats_are_on_sale_for_real(market: Market) -> None:
    real = up(market, "beta")
    made_there(market, market.alpha)
    swept(market)
    found = FoundListing.objects.get()
    assert (found.state, found.why) == (FoundState.WAITING, "seat 1 is offered for real at Beta")
    with pytest.raises(Conflict, match="Seat 1 is offered for real at Beta"):
        found_adopt(
            actor=market.holding.actor, found_id=found.pk, seat_ids=[seat.pk for seat in market.holding.seats[:2]]
        )
    assert list(Listing.objects.all()) == [real]


def test_i20_a_real_buyer_is_not_rejected_for_a_sale_on_paper(market: Market) -> None:
    remote = sold_on_paper(market)
    sale_apply(account=market.accounts["beta"], remote=sold_for_real(market, remote))
    market.work()
    paper, real = Sale.objects.get(platform="alpha"), Sale.objects.get(platform="beta")
    assert (paper.state, real.state, states(market)) == (SaleState.CANCELLED, SaleState.CONFIRMED, ["sold"] * 2)
    assert (called(market.beta, "reject"), called(market.beta, "confirm")) == ([], ["real-1"])
    assert paper.ending_reason.startswith(PRACTICE_OVER)
    # Whatever is said of it on paper later, it stays over.
    moved = market.alpha.move(remote.sale_id, RemoteSaleState.IN_DELIVERY)
    sale_apply(account=market.accounts["alpha"], remote=moved, fresh=True)
    paper.refresh_from_db()
    assert (paper.state, Sale.objects.filter(state=SaleState.CONFLICT).count()) == (SaleState.CANCELLED, 0)


def test_i20_a_real_buyer_of_seats_that_are_only_promised_on_paper_has_them(market: Market) -> None:
    remote = sold_on_paper(market, RemoteSaleState.PROVISIONAL)
    sale_apply(account=market.accounts["beta"], remote=sold_for_real(market, remote))
    assert (Sale.objects.get(platform="beta").state, states(market)) == (SaleState.CONFIRMED, ["sold"] * 2)


def test_i20_a_past_sale_for_real_has_its_seats_whatever_was_sold_on_paper(market: Market) -> None:
    remote = sold_on_paper(market)
    sold = sold_for_real(market, remote)
    market.beta.sales["real-1"] = replace(sold, sold_at=now() - timedelta(days=3))
    MarketplaceAccount.objects.filter(pk=market.accounts["beta"].pk).update(stock_taken_at=None)
    swept(market)
    assert Sale.objects.get(platform="beta").state == SaleState.CONFIRMED
    assert called(market.beta, "reject") == []


@pytest.mark.parametrize("sold", [True, False])
def test_i20_a_listing_that_is_met_for_real_stays_up_whatever_its_seats_did_on_paper(
    market: Market, sold: bool
) -> None:
    if sold:
        sold_on_paper(market)
    else:
        up(market, "alpha")
    made_there(market, market.beta)
    swept(market)
    real = Listing.objects.get(platform="beta")
    assert (real.status, market.beta.shown(), market.alpha.shown()) == ("active", ["hand"], [])
    assert states(market) == [OwnerState.AVAILABLE] * 2


def test_i20_a_person_keeps_a_listing_for_real_whose_seats_were_sold_on_paper(market: Market) -> None:
    sold_on_paper(market)
    made_there(market, market.beta, section="Field 131")
    swept(market)
    found = FoundListing.objects.get()
    assert found.state == FoundState.WAITING
    seats = [seat.pk for seat in market.holding.seats[:2]]
    assert found_adopt(actor=market.holding.actor, found_id=found.pk, seat_ids=seats).state == FoundState.ADOPTED
    market.work()
    assert (Listing.objects.get(platform="beta").status, states(market)) == ("active", ["available"] * 2)


def test_i20_its_holder_says_that_a_sale_was_practice_and_has_his_seats_again(market: Market) -> None:
    remote = sold_on_paper(market)
    sale, client = Sale.objects.get(), Client()
    client.force_login(market.holding.user)
    assert (
        "it was practice on paper, and the seats are mine again"
        in client.get(reverse("listings:sale_report", args=[sale.pk])).text
    )
    client.post(reverse("listings:sale_report", args=[sale.pk]), {"what": "practice", "reason": "I have tried it"})
    sale.refresh_from_db()
    assert (sale.state, sale.ending_reason) == (SaleState.CANCELLED, "it was practice: I have tried it")
    assert states(market) == ["available"] * 2
    up(market, "beta")
    moved = market.alpha.move(remote.sale_id, RemoteSaleState.IN_DELIVERY)
    sale_apply(account=market.accounts["alpha"], remote=moved, fresh=True)
    assert len(market.beta.shown()) == 1


def test_nothing_that_was_sold_for_real_was_practice(market: Market) -> None:
    remote = market.beta.sell(up(market, "beta").external_id, (1, 2))
    sale_apply(account=market.accounts["beta"], remote=remote)
    sale, client = Sale.objects.get(), Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:sale_report", args=[sale.pk])).text
    assert ("it cancelled the sale" in page, "it was practice" in page) == (True, False)
    client.post(reverse("listings:sale_report", args=[sale.pk]), {"what": "practice", "reason": "I have tried it"})
    assert states(market) == ["sold"] * 2


def test_a_sale_on_paper_says_so_and_its_practice_is_ended_in_one_step(market: Market) -> None:
    sold_on_paper(market)
    sale, client = Sale.objects.get(), browser()
    url = reverse("listings:sale_detail", args=[sale.pk])
    page = client.get(url).text
    assert page.index("practice, no buyer is real and no money moves") < page.index('id="sale"')
    report = reverse("listings:sale_report", args=[sale.pk])
    assert f'href="{report}?what=practice">End the practice' in page
    form = client.get(f"{report}?what=practice").text
    assert "<h1>End the practice</h1>" in form
    assert 'value="its holder has practised enough"' in form
    assert "What it says it costs you" not in form
    refused = client.post(report, {"what": "practice"}).text
    assert '<a href="#id_reason">Why</a>: Nothing was entered. Write why the practice ends.' in refused
    client.post(report, {"what": "practice", "reason": "its holder has practised enough"})
    over = client.get(url).text
    assert "over, as practice" in over
    assert "No money moved: it was sold on paper." in over
    assert "cancelled by its marketplace" not in over
    assert "End the practice" not in over
    assert states(market) == ["available"] * 2
    alert = Alert.objects.get(kind="sale.cancelled", user_id=market.holding.user.pk)
    assert alert.title.startswith("Practice is over: ")


def test_a_promise_on_paper_that_was_practice_says_nothing_of_a_payment(market: Market) -> None:
    sold_on_paper(market, RemoteSaleState.PROVISIONAL)
    sale = Sale.objects.get()
    sale_report(actor=market.holding.actor, sale_id=sale.pk, what="practice", reason="enough")
    sale.refresh_from_db()
    assert (sale.ending, sale.ending_said) == ("promise_cancelled", "over, as practice")
