"""What a price would bring before anything is listed: as its marketplace says, else by the fee table, and which."""

from datetime import timedelta
from decimal import Decimal

import pytest
import redis
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from listings.models import Listing
from listings.services import net_preview
from listings.services.net_preview import nets_preview
from marketplaces.contracts import Capability
from marketplaces.errors import GrantExpired, PermanentError, PriceRefused, TemporaryError
from marketplaces.models import FeeVersion, LimitVersion, MarketplaceAccount, Mode
from marketplaces.registry import adapter_keys, platform_can
from marketplaces.selectors import Net, accounts_able
from marketplaces.simulator.app import Simulator
from portfolios.models import Seat
from portfolios.services.mapping import event_mapping_confirm, section_mapping_confirm
from seatsync.core.clock import now
from seatsync.core.errors import NotAllowed, NotFound
from seatsync.core.http import calls_within
from seatsync.core.limiters import valkey
from tests.builders import Holding, bearer
from tests.listings.selling import connected
from tests.listings.simulated import control
from tests.market import Market

pytestmark = pytest.mark.django_db
TELLING = [key for key in adapter_keys() if platform_can(key, Capability.PREVIEW)]


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nothing was asked a moment ago."""
    valkey().flushdb()


def nets(market: Market, price: str = "84.00", seats: list[Seat] | None = None) -> dict[str, Net]:
    holder = market.holding
    chosen = [seat.pk for seat in (holder.seats[:2] if seats is None else seats)]
    lines = nets_preview(
        actor=holder.actor, accounts=list(accounts_able(holder.actor)), price=Decimal(price), seat_ids=chosen
    )
    return {line.account.platform: line for line in lines}


def asked(market: Market) -> int:
    return [call for call, _ in market.alpha.calls].count("preview")


def test_who_previews_fees_is_asked_and_the_others_are_told_by_the_fee_table(market: Market) -> None:
    market.alpha.takes, market.beta.lacks = Decimal(13), frozenset({Capability.PREVIEW})
    found = nets(market)
    assert (found["alpha"].net, found["alpha"].basis, found["alpha"].said) == (
        Decimal("73.08"), "preview", "previewed by Alpha",
    )  # fmt: skip
    assert found["alpha"].fee_percent is None
    assert (found["beta"].net, found["beta"].basis, found["beta"].said) == (
        Decimal("75.60"), "fee_schedule", "from Beta's fee schedule of 1 Jan 2024",
    )  # fmt: skip
    assert not Listing.objects.exists()
    assert market.beta.calls == []


def test_what_nobody_has_told_is_said_to_be_so(market: Market) -> None:
    FeeVersion.objects.all().delete()
    market.beta.lacks = frozenset({Capability.PREVIEW})
    market.alpha.takes = Decimal(13)
    found = nets(market)
    assert (found["beta"].net, found["beta"].basis, found["beta"].said) == (
        None, "not_told", "Beta has not told its fee",
    )  # fmt: skip
    assert found["alpha"].net == Decimal("73.08")


def test_the_same_question_is_asked_once(market: Market) -> None:
    nets(market)
    nets(market)
    assert asked(market) == 1
    nets(market, "85.00")
    nets(market, "85.00", market.holding.seats)
    assert asked(market) == 3


def test_who_does_not_answer_is_left_alone_for_a_while(market: Market) -> None:
    market.alpha.takes = Decimal(13)
    market.alpha.script["preview"] = [TemporaryError("away")]
    assert nets(market)["alpha"].basis == "fee_schedule"
    assert nets(market, "85.00")["alpha"].basis == "fee_schedule"
    assert asked(market) == 1
    valkey().flushdb()
    assert nets(market)["alpha"].basis == "preview"


@pytest.mark.parametrize("error", [PermanentError("no such section"), GrantExpired("revoked")])
def test_who_refuses_to_say_is_told_by_the_fee_table(market: Market, error: Exception) -> None:
    market.alpha.script["preview"] = [error]
    assert nets(market)["alpha"].basis == "fee_schedule"
    account = MarketplaceAccount.objects.get(platform="alpha")
    assert (account.needs_reconnect, account.last_error) == (False, "")


def test_it_has_a_moment_and_no_more(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def noted(seconds: float) -> object:
        given.append(seconds)
        return calls_within(seconds)

    monkeypatch.setattr(net_preview, "calls_within", noted)
    nets(market)
    assert given == [1.0, 1.0]


def test_nobody_waits_for_a_token(market: Market) -> None:
    market.alpha.takes = Decimal(13)
    LimitVersion.objects.create(
        platform="alpha", per_second=Decimal("0.001"), burst=2, reserved=1, valid_from=now().date(), source="test",
        checked_on=now().date(),
    )  # fmt: skip
    found = [nets(market, price)["alpha"].basis for price in ("84.00", "85.00")]
    # One was there; the other one is kept for what comes down.
    assert found == ["preview", "fee_schedule"]


def test_a_grant_that_is_about_to_end_is_not_renewed_for_it(market: Market) -> None:
    MarketplaceAccount.objects.filter(platform="alpha").update(expires_at=now() + timedelta(seconds=30))
    assert nets(market)["alpha"].basis == "fee_schedule"
    assert market.alpha.calls == []


def test_without_valkey_the_fee_table_tells(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> object:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(cache, "get", away)
    assert nets(market)["alpha"].basis == "fee_schedule"


def test_seats_that_are_no_one_listing_and_accounts_by_hand_are_told_by_the_fee_table(market: Market) -> None:
    assert nets(market, seats=[])["alpha"].basis == "fee_schedule"
    other = market.holding.seats_of(market.holding.games[-1])
    assert nets(market, seats=[market.holding.seats[0], other[0]])["alpha"].basis == "fee_schedule"
    MarketplaceAccount.objects.filter(platform="alpha").update(mode=Mode.ASSISTED)
    assert nets(market)["alpha"].basis == "fee_schedule"
    assert asked(market) == 0


def test_what_cannot_be_left_of_a_price_is_not_believed(market: Market) -> None:
    market.alpha.takes = Decimal(-10)
    assert nets(market)["alpha"].basis == "fee_schedule"


def test_strangers_and_viewers_ask_nobody(market: Market) -> None:
    holder, accounts = market.holding, list(accounts_able(market.holding.actor))
    for actor, refusal in ((holder.outsider, NotFound), (holder.other, NotFound), (holder.viewer, NotAllowed)):
        with pytest.raises(refusal):
            nets_preview(
                actor=actor, accounts=accounts, price=Decimal("84.00"), seat_ids=[seat.pk for seat in holder.seats]
            )
    assert asked(market) == 0


@pytest.mark.parametrize("platform", TELLING)
@pytest.mark.parametrize("mapped", [True, False])
def test_the_simulated_ones_tell_it_whether_or_not_the_game_is_mapped(
    holding: Holding, simulator: Simulator, platform: str, mapped: bool
) -> None:
    control("settings", fee_percent={platform: 20.0})
    account = connected(holding, platform)
    if mapped:
        event_mapping_confirm(game=holding.game, platform=platform, paper=True, remote_event_id="501", by="test")
        section_mapping_confirm(
            venue=holding.game.venue, section="131", platform=platform, paper=True, remote_section="131", by="test"
        )
    (line,) = nets_preview(
        actor=holding.actor, accounts=[account], price=Decimal("84.00"), seat_ids=[s.pk for s in holding.seats[:2]]
    )
    assert (line.net, line.basis.value) == (Decimal("67.20"), "preview")
    assert not simulator.ledger.listings


# How each names the field, and what it takes.
REFUSED = {
    "stubhub": ("StubHub", "ticket_price Out of range"),
    "ticketmaster": ("Ticketmaster", "price: is in USD, from 100.00 to"),
}


@pytest.mark.parametrize("platform", TELLING)
def test_a_price_that_its_event_does_not_take_is_said_to_be_refused(
    holding: Holding, simulator: Simulator, client: Client, platform: str
) -> None:
    simulator.ledger.events[501].min_price_cents = 10_000
    account, (name, field) = connected(holding, platform), REFUSED[platform]
    event_mapping_confirm(game=holding.game, platform=platform, paper=True, remote_event_id="501", by="test")
    seats = [seat.pk for seat in holding.seats[:2]]
    (line,) = nets_preview(actor=holding.actor, accounts=[account], price=Decimal("84.00"), seat_ids=seats)
    why = f"{name} refuses this price: "
    assert (line.net, line.basis.value, line.fee_percent) == (None, "price_refused", None)
    assert line.said.startswith(why)
    assert field in line.said
    query = {"price": "84.00", "seat_ids": [str(pk) for pk in seats]}
    told = bearer(holding.user).get(reverse("api:listing_net"), query).json()
    assert [(one["net"], one["basis"], one["said"]) for one in told] == [(None, "price_refused", line.said)]
    assert why in render_to_string("analytics/_net_line.html", {"line": line})
    (line,) = nets_preview(actor=holding.actor, accounts=[account], price=Decimal("184.00"), seat_ids=seats)
    assert line.basis.value == "preview"


def test_a_price_that_is_refused_brings_nothing_and_says_why(market: Market) -> None:
    market.alpha.script["preview"] = [PriceRefused("too low")]
    found = nets(market)["alpha"]
    assert (found.net, found.said) == (None, "Alpha refuses this price: too low")


def test_a_refusal_that_is_not_of_the_price_leaves_the_fee_schedule_to_tell(market: Market) -> None:
    market.alpha.script["preview"] = [PermanentError("no such section")]
    found = nets(market)["alpha"]
    assert (found.basis, found.net) == ("fee_schedule", Decimal("75.60"))
    assert "no such section" not in found.said
