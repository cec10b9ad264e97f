"""A floor on what reaches the seller is kept by what his marketplace really takes (I-11)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from listings.models import CommandKind, CommandState, Listing, ListingSeat, MarketplaceCommand
from listings.services.bounds import listing_bounds_set
from listings.services.commands import command_write
from listings.services.delist import listings_delist
from listings.services.events import event_learn
from listings.services.execute import execute
from listings.services.net_floor import NetTold, net_told_keep
from listings.services.outbox import command_claim
from listings.services.pricing import listing_reprice
from listings.services.record import Outcome
from marketplaces.contracts import Capability, RemoteListing
from marketplaces.errors import TemporaryError
from marketplaces.models import FeeVersion, MarketplaceAccount, Mode
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput
from seatsync.core.venue_time import local
from seatsync.live.models import Alert, AlertState
from tests.builders import bearer, browser
from tests.market import Market

pytestmark = pytest.mark.django_db
BELOW = "listing.net_below_floor"


def listed(market: Market, price: str = "100.00", *, floor: str = "85.00") -> Listing:
    """A listing on alpha, of which the fee table says that a tenth is taken."""
    (listing,) = market.publish(
        price=price, floor=Decimal(floor), floor_basis="net", account_ids=[market.accounts["alpha"].pk]
    )
    market.work()
    listing.refresh_from_db()
    return listing


def reprice(market: Market, listing: Listing, price: str) -> Listing:
    listing.refresh_from_db()
    listing_reprice(
        actor=market.holding.actor, listing_id=listing.pk, price=Decimal(price), version=None, confirmed=True
    )
    market.work()
    listing.refresh_from_db()
    return listing


def calls(market: Market) -> list[str]:
    return [call for call, _ in market.alpha.calls]


def open_alerts(listing: Listing) -> list[str]:
    """What the holder is told of it."""
    told = Alert.objects.filter(kind=BELOW, object_id=str(listing.pk), user_id=listing.season_ticket.user_id)
    return list(told.exclude(state=AlertState.RECOVERED).values_list("body", flat=True))


def test_i11_what_its_marketplace_says_brings_less_than_the_floor_is_not_listed(market: Market) -> None:
    market.alpha.takes = Decimal(20)
    listing = listed(market)
    said = "Alpha says that $100.00 brings you $80.00 a ticket, below your floor of $85.00"
    assert (listing.status, listing.status_reason) == ("error", f"not published: {said}")
    command = MarketplaceCommand.objects.get()
    assert (command.state, command.last_error) == (CommandState.NEEDS_PERSON, said)
    assert said in Alert.objects.get(kind="command.needs_person").body
    assert calls(market) == ["preview"]
    assert market.alpha.listings == {}


@pytest.fixture
def at_noon(travel: time_machine.Traveller) -> None:
    """A moment that reads the same on every page."""
    travel.move_to(local(now(), "America/Los_Angeles").replace(hour=12, minute=34, second=0, microsecond=0))


@pytest.mark.usefixtures("at_noon")
def test_what_a_refused_price_brings_is_known_with_its_time_wherever_it_stands(market: Market) -> None:
    FeeVersion.objects.all().delete()
    market.alpha.takes = Decimal(20)
    listing, moment = listed(market), now()
    assert (listing.proceeds, listing.net_previewed_at) == (Decimal("80.00"), moment)
    holder, board = browser(), reverse("listings:listing_list")
    pages = {
        "board": holder.get(board),
        "row": holder.get(reverse("listings:listing_row", args=[listing.pk])),
        "page": holder.get(reverse("listings:listing_detail", args=[listing.pk])),
        "together": holder.post(
            reverse("listings:listing_bulk"),
            {"listing": f"{listing.pk}:{listing.version}", "act": "by_amount", "amount": "10"},
        ),
    }
    for name, page in pages.items():
        assert (name, "$80.00" in page.text, "fee unknown" in page.text) == (name, True, False)
        assert "previewed" in page.text, name
        assert local(moment, listing.game.venue.timezone).strftime("%H:%M") in page.text, name
    told = bearer().get(f"/api/v1/listings/{listing.pk}/").json()
    assert (told["proceeds"], parse_datetime(told["net_previewed_at"])) == ("80.00", moment)


@pytest.mark.usefixtures("at_noon")
def test_a_look_first_knows_it_where_its_marketplace_does_not_answer(market: Market) -> None:
    FeeVersion.objects.all().delete()
    market.alpha.takes = Decimal(20)
    listing, moment = listed(market), now()
    market.alpha.script["preview"] = [TemporaryError("away")] * 9
    seats = [str(seat.pk) for seat in market.holding.seats]
    page = {"price": "100.00", "seats": seats}
    said = f"previewed by Alpha on {moment:%-d %b, %H:%M} UTC"
    assert said in browser().get(reverse("analytics:game_net", args=[listing.game_id]), page).text

    def look(price: str, seat_ids: list[str]) -> tuple[object, ...]:
        lines = bearer().get("/api/v1/listings/net/", {"price": price, "seat_ids": seat_ids}).json()
        (alpha,) = (line for line in lines if line["platform"] == "alpha")
        return alpha["net"], alpha["basis"], alpha["said"], alpha["told_at"] and parse_datetime(alpha["told_at"])

    assert look("100.00", seats) == ("80.00", "preview", said, moment)
    # Of another price, or of other seats, it has said nothing.
    assert look("101.00", seats)[:2] == look("100.00", seats[:2])[:2] == (None, "not_told")


def test_it_is_of_that_price_alone_and_overtaken_by_what_is_told_of_what_is_up(market: Market) -> None:
    listing = listed(market)
    market.alpha.takes = Decimal(12)
    listing = reprice(market, listing, "95.00")
    assert (listing.proceeds, listing.net_previewed_at is None) == (Decimal("83.60"), False)
    assert '<span class="sub">previewed ' in browser().get("/").text
    # Another price is asked for meanwhile: what was said of the one before is not of it.
    net_told_keep(listing, NetTold(Decimal("94.00"), Decimal("1.00")))
    assert listing.proceeds == Decimal("83.60")
    listing = reprice(market, listing, "99.00")
    assert (listing.live_price, listing.proceeds, listing.net_previewed_at) == (
        Decimal("99.00"),
        Decimal("87.12"),
        None,
    )
    assert Listing.objects.get().net_told_price is None


def test_i11_a_lower_price_that_would_bring_less_is_not_sent(market: Market) -> None:
    listing = listed(market)
    market.alpha.takes = Decimal(12)
    # By the table it brings 85.50; its marketplace has told nothing else of this listing yet.
    assert reprice(market, listing, "95.00").live_price == Decimal("100.00")
    command = MarketplaceCommand.objects.get(kind="reprice")
    assert command.state == CommandState.NEEDS_PERSON
    assert command.last_error == "Alpha says that $95.00 brings you $83.60 a ticket, below your floor of $85.00"
    assert market.alpha.listings[listing.external_id].price == Decimal("100.00")
    assert calls(market) == ["preview", "create", "preview"]


def test_i11_what_brings_enough_is_asked_for_once_and_sent(market: Market) -> None:
    market.alpha.takes = Decimal(12)
    listing = listed(market)
    assert (listing.status, listing.proceeds) == ("active", Decimal("88.00"))
    assert reprice(market, listing, "97.00").live_price == Decimal("97.00")
    # A higher price brings no less than now: nothing is asked.
    assert reprice(market, listing, "99.00").live_price == Decimal("99.00")
    assert calls(market) == ["preview", "create", "preview", "reprice", "reprice"]


def test_a_floor_on_the_list_price_asks_nothing(market: Market) -> None:
    market.alpha.takes = Decimal(60)
    alpha, _ = market.published()
    assert reprice(market, alpha, "80.00").live_price == Decimal("80.00")
    assert calls(market) == ["create", "reprice"]
    assert not Alert.objects.filter(kind=BELOW).exists()


def test_what_cannot_preview_is_kept_by_the_fee_table(market: Market) -> None:
    market.alpha.lacks = frozenset({Capability.PREVIEW})
    market.alpha.takes = Decimal(20)
    listing = listed(market)
    assert (listing.status, calls(market)) == ("active", ["create"])
    assert open_alerts(listing) == [
        "$100.00 a ticket brings $80.00 there, and your floor on what reaches you is $85.00. Raise the price."
    ]


def test_a_preview_that_fails_for_now_is_asked_again_and_nothing_is_sent(market: Market) -> None:
    market.alpha.script["preview"] = [TemporaryError("busy")]
    listing = listed(market)
    assert (listing.status, calls(market)) == ("publishing", ["preview"])
    market.hurry()
    market.work()
    assert calls(market) == ["preview", "preview", "create"]


def test_where_no_fee_is_known_its_marketplace_is_asked(market: Market) -> None:
    FeeVersion.objects.filter(platform="alpha").delete()
    market.alpha.takes = Decimal(12)
    listing = listed(market)
    assert (listing.status, listing.proceeds) == ("active", Decimal("88.00"))
    with pytest.raises(InvalidInput, match=r"\$96.00 brings \$84.48 at Alpha, below your floor of \$85.00"):
        reprice(market, listing, "96.00")
    assert reprice(market, listing, "97.00").proceeds == Decimal("85.36")


def test_nobody_can_ask_for_an_account_that_is_worked_by_hand(market: Market) -> None:
    FeeVersion.objects.filter(platform="alpha").delete()
    MarketplaceAccount.objects.filter(platform="alpha").update(mode=Mode.ASSISTED)
    with pytest.raises(InvalidInput) as caught:
        listed(market)
    assert [problem.field for problem in caught.value.problems] == ["floor_basis"]


def test_i11_once_less_is_told_than_the_table_says_a_lower_price_is_judged_by_that(market: Market) -> None:
    market.alpha.takes = Decimal(12)
    listing = listed(market)
    with pytest.raises(InvalidInput, match=r"\$96.00 brings \$84.48 at Alpha"):
        reprice(market, listing, "96.00")
    assert listing.price == Decimal("100.00")
    listing_reprice(
        actor=market.holding.actor, listing_id=listing.pk, price=Decimal("98.00"), version=None, confirmed=True
    )
    listing.refresh_from_db()
    # Also before it has answered.
    assert listing.proceeds == Decimal("86.24")
    with pytest.raises(InvalidInput, match=r"\$96.00 brings \$84.48 at Alpha"):
        reprice(market, listing, "96.00")


def test_a_cent_of_rounding_is_no_other_fee(market: Market) -> None:
    listing = listed(market, "84.05", floor="50.00")
    Listing.objects.filter(pk=listing.pk).update(proceeds=Decimal("75.63"))
    assert reprice(market, listing, "55.56").proceeds == Decimal("50.00")


def test_its_people_are_told_once_that_less_than_the_floor_is_told_until_it_is_over(market: Market) -> None:
    listing = listed(market)
    market.alpha.takes = Decimal(20)
    # It takes more since then, as a higher price tells.
    reprice(market, listing, "101.00")
    reprice(market, listing, "102.00")
    assert open_alerts(listing) == [
        "$102.00 a ticket brings $81.60 there, and your floor on what reaches you is $85.00. Raise the price."
    ]
    assert set(Alert.objects.filter(kind=BELOW).values_list("severity", flat=True)) == {"action"}
    reprice(market, listing, "107.00")
    assert open_alerts(listing) == []


@pytest.mark.parametrize("way", ["down", "floor", "sold"])
def test_nobody_is_asked_about_it_any_more_once_it_is_down_or_the_floor_is_lower(market: Market, way: str) -> None:
    listing = listed(market)
    market.alpha.takes = Decimal(20)
    reprice(market, listing, "101.00")
    assert len(open_alerts(listing)) == 1
    if way == "down":
        listings_delist(actor=market.holding.actor, listing_ids=[listing.pk])
    elif way == "floor":
        listing_bounds_set(
            actor=market.holding.actor, listing_id=listing.pk, floor=Decimal("80.80"), ceiling=Decimal("200.00"),
            version=None,
        )  # fmt: skip
    else:
        market.webhook(market.alpha.sell(listing.external_id, (1, 2, 3, 4)))
    assert open_alerts(listing) == []


def test_a_floor_above_what_is_told_is_refused(market: Market) -> None:
    market.alpha.takes = Decimal(12)
    listing = listed(market)
    with pytest.raises(InvalidInput) as caught:
        listing_bounds_set(
            actor=market.holding.actor, listing_id=listing.pk, floor=Decimal("89.00"), ceiling=Decimal("200.00"),
            version=None,
        )  # fmt: skip
    assert [problem.field for problem in caught.value.problems] == ["price"]


def test_what_a_sweep_tells_of_the_net_is_kept_and_said(market: Market) -> None:
    listing = listed(market)
    Listing.objects.update(updated_at=now() - timedelta(hours=1))
    there: RemoteListing = market.alpha.listings[listing.external_id]
    market.alpha.listings[listing.external_id] = replace(there, proceeds=Decimal("80.00"))
    command_write(account=market.accounts["alpha"], kind=CommandKind.SYNC_ACCOUNT, key="sweep-1")
    market.work()
    listing.refresh_from_db()
    assert listing.proceeds == Decimal("80.00")
    assert len(open_alerts(listing)) == 1


@pytest.mark.parametrize("kind", ["create", "reprice"])
def test_nobody_is_asked_what_the_price_of_sold_seats_would_bring(
    market: Market, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Seats that are sold while their event is asked for leave a draft of none, which no marketplace can price."""
    market.publish(price="100.00", floor=Decimal("85.00"), floor_basis="net", account_ids=[market.accounts["alpha"].pk])
    if kind == "reprice":
        market.work()
        command_write(listing=Listing.objects.get(), kind=CommandKind.REPRICE, key="later", payload={"version": 9})
        Listing.objects.update(price=Decimal("99.00"))
    command = command_claim()
    assert command is not None
    assert command.kind == kind
    learn = event_learn

    def sold(*given: Any) -> str:
        ListingSeat.objects.update(offered=False)
        Listing.objects.update(status="sold")
        return learn(*given)

    monkeypatch.setattr("listings.services.execute.event_learn", sold)
    market.alpha.calls.clear()
    answer = execute(command)
    assert "preview" not in calls(market)
    assert answer.outcome != Outcome.REFUSED
