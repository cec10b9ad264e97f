"""Rules and models at the pricing door: what they may not do keeps the price, and is kept with its reason."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse

from automation.models import ThresholdVersion
from listings.contracts import Grounds, PriceChange, PriceOutcome
from listings.models import Listing, MarketplaceCommand, PriceProposal
from listings.services.pricing import listing_reprice, price_apply
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.clock import now
from tests.market import Market

pytestmark = pytest.mark.django_db
DWELL = timedelta(minutes=settings.MIN_PRICE_DWELL_MINUTES)
MANUAL = timedelta(hours=settings.MANUAL_PRICE_HOURS)
OLDEST = timedelta(minutes=settings.MARKET_DATA_MAX_AGE_MINUTES)
SECOND = timedelta(seconds=1)
SCHEDULED = Grounds(scheduled=True)


def propose(listing: Listing, price: str, grounds: Grounds | None = SCHEDULED) -> PriceOutcome:
    """A rule wants this price."""
    rule = Actor(ActorKind.RULE, "rule-1", listing.tenant_id)
    (outcome,) = price_apply(actor=rule, changes=[PriceChange(listing.pk, Decimal(price), grounds=grounds)])
    return outcome


def refused_by(outcome: PriceOutcome) -> str:
    return outcome.refusal.guard if outcome.refusal else ""


def kept(market: Market, listing: Listing, price: str, guard: str) -> PriceProposal:
    """Nothing is sent, and what was refused is kept with who wanted it and why it was not done."""
    listing.refresh_from_db()
    assert listing.price == Decimal(price)
    market.work()
    assert market.alpha.listings[listing.external_id].price == Decimal(price)
    assert not MarketplaceCommand.objects.filter(listing=listing, state="pending").exists()
    proposal = PriceProposal.objects.filter(listing=listing).latest("created_at")
    (verdict,) = [verdict for verdict in proposal.verdicts if not verdict["allowed"]]
    assert (proposal.accepted, proposal.actor_kind, proposal.actor_id) == (False, "rule", "rule-1")
    assert (verdict["guard"], bool(verdict["reason"])) == (guard, True)
    return proposal


@pytest.fixture
def alpha(market: Market, travel: time_machine.Traveller) -> Listing:
    """A listing on alpha at 84.00 that has stood long enough."""
    listing, _ = market.published()
    travel.shift(DWELL)
    return listing


def test_i15_a_price_stands_before_a_rule_moves_it_again_whoever_set_it(
    market: Market, alpha: Listing, travel: time_machine.Traveller
) -> None:
    assert propose(alpha, "83.00").accepted
    travel.shift(DWELL - SECOND)
    assert refused_by(propose(alpha, "82.00")) == "dwell_time"
    kept(market, alpha, "83.00", "dwell_time")
    # What was refused does not begin the time anew.
    travel.shift(SECOND)
    assert propose(alpha, "82.00").accepted


def test_i26_staff_date_what_holds_machines_back_and_it_holds_from_that_day_on(
    market: Market, alpha: Listing, travel: time_machine.Traveller
) -> None:
    """Without a row the product's own setting holds, and a row of tomorrow changes nothing today."""
    dated: dict[str, Any] = {"name": "MIN_PRICE_DWELL_MINUTES", "source": "a measure of ours", "checked_on": now()}
    tomorrow = now().date() + timedelta(days=1)
    ThresholdVersion.objects.create(value=1, valid_from=tomorrow, **dated)
    assert propose(alpha, "83.00").accepted
    travel.shift(DWELL - SECOND)
    assert refused_by(propose(alpha, "82.00")) == "dwell_time"
    ThresholdVersion.objects.create(value=2 * settings.MIN_PRICE_DWELL_MINUTES, valid_from=now().date(), **dated)
    travel.shift(SECOND)
    outcome = propose(alpha, "82.00")
    assert refused_by(outcome) == "dwell_time"
    assert outcome.refusal is not None
    assert f"it stands for {2 * settings.MIN_PRICE_DWELL_MINUTES} before" in outcome.refusal.reason
    travel.shift(DWELL)
    assert propose(alpha, "82.00").accepted


def test_i15_what_was_just_published_stands_too(market: Market, travel: time_machine.Traveller) -> None:
    fresh, _ = market.published()
    assert refused_by(propose(fresh, "83.00")) == "dwell_time"
    kept(market, fresh, "84.00", "dwell_time")


def test_i15_rules_change_a_price_so_many_times_a_day_and_a_person_still_may(
    market: Market, alpha: Listing, travel: time_machine.Traveller
) -> None:
    begun = now()
    for number in range(settings.MAX_PRICE_CHANGES_PER_DAY):
        assert propose(alpha, f"{84 - (number + 1) % 2}.00").accepted
        # To propose what it is already costs nothing.
        assert propose(alpha, f"{84 - (number + 1) % 2}.00").accepted
        travel.shift(DWELL)
    assert now() - begun < timedelta(hours=24)
    assert refused_by(propose(alpha, "82.00")) == "change_budget"
    kept(market, alpha, "84.00", "change_budget")
    travel.move_to(begun + timedelta(hours=24))
    assert propose(alpha, "82.00").accepted
    alpha.refresh_from_db()
    changed = listing_reprice(
        actor=market.holding.actor, listing_id=alpha.pk, price=Decimal("81.00"), version=alpha.version
    )
    assert changed.price == Decimal("81.00")


@pytest.mark.parametrize(
    ("seen", "comparables", "in_range"),
    [(None, 0, True), (timedelta(0), 0, True), (OLDEST + SECOND, 9, True), (timedelta(0), 9, False)],
    ids=["never", "none", "stale", "out of range"],
)  # fmt: skip
def test_i16_without_data_the_price_is_kept_and_never_falls_to_the_floor(
    market: Market, alpha: Listing, seen: timedelta | None, comparables: int, in_range: bool, client: Client
) -> None:
    observed = None if seen is None else now() - seen
    outcome = propose(alpha, str(alpha.floor + 14), Grounds(comparables, observed, in_range))
    assert refused_by(outcome) == "market_data"
    kept(market, alpha, "84.00", "market_data")
    assert outcome.refusal is not None
    assert outcome.refusal.reason.startswith("No data: ")
    client.force_login(market.holding.user)
    why = client.get(reverse("listings:listing_detail", args=[alpha.pk])).text
    assert "No data: " in why
    assert "what the market shows" in why


def test_i16_with_fresh_comparables_a_rule_moves_the_price(alpha: Listing) -> None:
    assert propose(alpha, "83.00", Grounds(3, now() - OLDEST)).accepted


def test_i16_what_says_nothing_of_its_grounds_is_refused(market: Market, alpha: Listing) -> None:
    assert refused_by(propose(alpha, "83.00", None)) == "market_data"
    kept(market, alpha, "84.00", "market_data")


def test_i18_a_persons_price_wins_for_its_time_and_a_rule_may_move_it_then(
    market: Market, alpha: Listing, travel: time_machine.Traveller
) -> None:
    listing_reprice(actor=market.holding.actor, listing_id=alpha.pk, price=Decimal("88.00"), version=alpha.version)
    market.work()
    travel.shift(MANUAL - SECOND)
    outcome = propose(alpha, "83.00")
    assert refused_by(outcome) == "manual_price"
    assert outcome.refusal is not None
    assert f"it stands for {settings.MANUAL_PRICE_HOURS} hours" in outcome.refusal.reason
    kept(market, alpha, "88.00", "manual_price")
    travel.shift(SECOND)
    assert propose(alpha, "83.00").accepted


def test_i18_a_person_who_keeps_the_price_has_set_it_and_one_who_was_refused_has_not(
    market: Market, alpha: Listing, travel: time_machine.Traveller
) -> None:
    actor = market.holding.actor
    (refused,) = price_apply(actor=actor, changes=[PriceChange(alpha.pk, Decimal("1.00"))])
    assert not refused.accepted
    assert propose(alpha, "83.00").accepted
    travel.shift(DWELL)
    (again,) = price_apply(actor=actor, changes=[PriceChange(alpha.pk, Decimal("83.00"))])
    assert again.accepted
    assert refused_by(propose(alpha, "82.00")) == "manual_price"


def test_each_listing_of_a_batch_has_its_own_past(market: Market, travel: time_machine.Traveller) -> None:
    alpha, beta = market.published()
    travel.shift(DWELL)
    assert propose(alpha, "83.00").accepted
    rule = Actor(ActorKind.RULE, "rule-1", alpha.tenant_id)
    outcomes = price_apply(
        actor=rule,
        changes=[PriceChange(one.pk, Decimal("82.00"), grounds=SCHEDULED) for one in (alpha, beta)],
    )  # fmt: skip
    assert [refused_by(outcome) for outcome in outcomes] == ["dwell_time", ""]
