"""The sweep over an account: drift between a marketplace and us is found and mended, both ways (I-22)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from listings.health import account_health
from listings.models import AccountSweep, CommandKind, Listing, ListingStatus, MarketplaceCommand, Sale
from listings.services import reconcile
from listings.services.pricing import listing_reprice
from listings.services.reconcile import accounts_reconcile_due
from marketplaces.contracts import Capability, RemoteListing, RemoteListingState
from marketplaces.errors import PermanentError, TemporaryError
from seatsync.core.clock import now
from seatsync.core.errors import Busy
from seatsync.live.models import Alert
from tests.builders import browser
from tests.listings.platform import ScriptedPlatform
from tests.market import Market

pytestmark = pytest.mark.django_db


def sweep(market: Market) -> None:
    """Long after everything settled, beat orders the sweep and workers carry it out."""
    Listing.objects.update(updated_at=now() - timedelta(minutes=5))
    MarketplaceCommand.objects.filter(kind=CommandKind.SYNC_ACCOUNT).delete()
    assert accounts_reconcile_due() == 2
    market.work()


def test_nothing_is_touched_where_nothing_drifted(market: Market) -> None:
    alpha, _ = market.published()
    before = [call for call in market.alpha.calls if call[0] in {"reprice", "resize", "delist", "create"}]
    sweep(market)
    assert [call for call in market.alpha.calls if call[0] in {"reprice", "resize", "delist", "create"}] == before
    alpha.refresh_from_db()
    assert alpha.status == ListingStatus.ACTIVE


def test_a_sweep_that_meets_somebody_elses_change_is_no_fault_and_comes_again(
    market: Market, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    market.published()

    def busy(**_: object) -> Any:
        raise Busy("Somebody else is changing this listing.")

    with monkeypatch.context() as patch:
        patch.setattr("listings.services.execute.account_reconcile", busy)
        sweep(market)
    waiting = MarketplaceCommand.objects.filter(kind=CommandKind.SYNC_ACCOUNT)
    assert {(one.state, one.last_error, one.outcome_unknown) for one in waiting} == {
        ("pending", "Somebody else is changing this listing.", False)
    }
    assert "execute_failed" not in caplog.text
    market.hurry()
    market.work()
    assert set(waiting.values_list("state", flat=True)) == {"done"}


def test_i22_what_is_still_up_comes_down(market: Market) -> None:
    alpha, beta = market.published()
    Listing.objects.filter(pk=alpha.pk).update(status=ListingStatus.CANCELLED)
    sweep(market)
    assert alpha.external_id not in market.alpha.shown()
    assert beta.external_id in market.beta.shown()
    alpha.refresh_from_db()
    assert alpha.status == ListingStatus.CANCELLED


def test_i22_what_is_gone_there_is_known_to_be_gone(market: Market) -> None:
    alpha, _ = market.published()
    there = market.alpha.listings[alpha.external_id]
    market.alpha.listings[alpha.external_id] = replace(there, state=RemoteListingState.GONE)
    sweep(market)
    alpha.refresh_from_db()
    assert (alpha.status, alpha.status_reason) == (ListingStatus.CANCELLED, "the marketplace no longer shows it")
    assert Alert.objects.filter(kind="listing.vanished", object_id=str(alpha.pk)).count() >= 1


def test_a_lost_sale_is_found_by_the_sweep_and_not_taken_for_a_vanished_listing(market: Market) -> None:
    alpha, beta = market.published()
    market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    sweep(market)
    alpha.refresh_from_db()
    assert alpha.status == ListingStatus.SOLD
    assert Sale.objects.get().quantity == 4
    assert beta.external_id not in market.beta.shown()


def test_i22_a_wrong_price_and_a_wrong_size_are_sent_again(market: Market) -> None:
    alpha, _ = market.published()
    there = market.alpha.listings[alpha.external_id]
    market.alpha.listings[alpha.external_id] = replace(there, price=Decimal("12.00"), quantity=6)
    sweep(market)
    assert market.alpha.listings[alpha.external_id].price == Decimal("84.00")
    assert market.alpha.listings[alpha.external_id].quantity == 4


def test_i22_a_price_that_waits_for_a_person_is_not_sent_by_a_sweep_and_keeps_no_seat_on_show(market: Market) -> None:
    """What is on show beside his seats may be sold elsewhere: that waits for nobody."""
    alpha, _ = market.published()
    market.alpha.script["reprice"] = [PermanentError("400 too dear", status=400)]
    listing_reprice(actor=market.holding.actor, listing_id=alpha.pk, price=Decimal("90.00"), version=None)
    market.work()
    reprices = alpha.commands.filter(kind="reprice")
    assert [command.state for command in reprices] == ["needs_person"]
    there = market.alpha.listings[alpha.external_id]
    market.alpha.listings[alpha.external_id] = replace(there, quantity=6)
    sweep(market)
    assert market.alpha.listings[alpha.external_id].quantity == 4
    assert [command.state for command in reprices.all()] == ["needs_person"]
    market.alpha.listings[alpha.external_id] = replace(there, section="999")
    sweep(market)
    alpha.refresh_from_db()
    assert (alpha.status, market.alpha.shown()) == (ListingStatus.CANCELLED, [])


@pytest.mark.parametrize(
    ("first", "last", "quantity", "mended"),
    [("3", "4", 2, True), ("1", "7", 2, True), ("1", "2", 2, False), ("2", "2", 1, False), ("*", "", 2, False)],
)
def test_i22_other_seats_than_ours_are_put_right_since_they_may_be_on_sale_elsewhere(
    market: Market, first: str, last: str, quantity: int, mended: bool
) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    there = market.alpha.listings[alpha.external_id]
    market.alpha.listings[alpha.external_id] = replace(there, seat_from=first, seat_to=last, quantity=quantity)
    sweep(market)
    sent = [what for call, what in market.alpha.calls if call == "resize"]
    assert bool(sent) is mended
    assert alpha.commands.filter(kind="resize", state="done").exists() is mended


def test_i22_fewer_seats_than_ours_are_reported_and_nothing_is_offered_that_may_be_sold(market: Market) -> None:
    alpha, beta = market.published(market.holding.seats[:2])
    there = market.alpha.listings[alpha.external_id]
    market.alpha.listings[alpha.external_id] = replace(there, seat_to="1", quantity=1)
    sweep(market)
    assert market.alpha.listings[alpha.external_id].quantity == 1
    for listing in (alpha, beta):
        listing.refresh_from_db()
    assert (alpha.confirmed_at, beta.confirmed_at is not None) == (None, True)
    found = AccountSweep.objects.get(account=alpha.account).drift
    assert found == {"fewer": {"count": 1, "ids": [alpha.listing_id]}}
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:account_detail", args=[alpha.account_id])).content.decode()
    assert "showed fewer seats than yours" in page


def test_i22_more_than_is_left_comes_down_where_it_cannot_be_made_smaller(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    traits = market.alpha.traits
    less = replace(traits, capabilities=traits.capabilities - {Capability.RESIZE})
    monkeypatch.setattr(ScriptedPlatform, "traits", property(lambda _: less))
    there = market.alpha.listings[alpha.external_id]
    market.alpha.listings[alpha.external_id] = replace(there, quantity=4)
    sweep(market)
    assert alpha.external_id not in market.alpha.shown()
    alpha.refresh_from_db()
    assert (alpha.status, alpha.status_reason) == (
        ListingStatus.CANCELLED, "its marketplace shows more seats than are left",
    )  # fmt: skip


def test_a_listing_that_was_not_made_here_is_told_and_left_alone(market: Market) -> None:
    market.published()
    foreign = RemoteListing(
        listing_id="H-1", external_id="", event_id="", section="131", row="27", seat_from="9", seat_to="10", quantity=2,
        price=Decimal("70.00"), currency="USD", state=RemoteListingState.ACTIVE,
    )  # fmt: skip
    market.alpha.listings["by hand"] = foreign
    sweep(market)
    sweep(market)
    assert market.alpha.listings["by hand"] == foreign
    alert = Alert.objects.get(kind="listing.foreign")
    assert "70.00" in alert.body


def test_what_changed_a_moment_ago_or_has_a_command_on_its_way_is_not_judged(market: Market) -> None:
    alpha, beta = market.published()
    market.alpha.listings.clear()
    assert accounts_reconcile_due() == 2
    market.work()
    alpha.refresh_from_db()
    assert alpha.status == ListingStatus.ACTIVE
    there = market.beta.listings[beta.external_id]
    market.beta.listings[beta.external_id] = replace(there, price=Decimal("12.00"))
    MarketplaceCommand.objects.create(
        tenant_id=beta.tenant_id, account=beta.account, listing=beta, kind=CommandKind.REPRICE, idempotency_key="later",
        not_before=now() + timedelta(hours=1),
    )  # fmt: skip
    sweep(market)
    assert market.beta.listings[beta.external_id].price == Decimal("12.00")


def test_i22_what_a_sweep_found_before_it_was_broken_off_is_reported_with_the_rest(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it mended does not differ any more when it is begun anew: it would have been found by nobody."""
    gone, _ = market.published(market.holding.seats[:2])
    dear, _ = market.published(market.holding.seats[2:4])
    del market.alpha.listings[gone.external_id]
    hand = RemoteListing(
        listing_id="H-1", external_id="", event_id="", section="131", row="27", seat_from="90", seat_to="91",
        quantity=2, price=Decimal("70.00"), currency="USD", state=RemoteListingState.ACTIVE,
    )  # fmt: skip
    market.alpha.listings["by hand"] = hand
    broken: list[Exception] = [TemporaryError("503")]

    def break_off(**_: Any) -> None:
        if broken:
            raise broken.pop()

    monkeypatch.setattr(reconcile, "events_ask", break_off)
    sweep(market)
    assert AccountSweep.objects.filter(account=gone.account).count() == 0
    health = account_health(gone.account)
    assert [(line.kind, line.ids) for line in health.meanwhile] == [("vanished", [gone.listing_id])]
    url = reverse("listings:account_detail", args=[gone.account_id])
    assert "A sweep that is not through has found so far" in browser().get(url).text
    # And in between a price is changed there.
    there = market.alpha.listings[dear.external_id]
    market.alpha.listings[dear.external_id] = replace(there, price=Decimal("12.00"))
    Listing.objects.update(updated_at=now() - timedelta(minutes=5))
    market.hurry()
    market.work()
    found = AccountSweep.objects.get(account=gone.account).drift
    assert {kind: one["ids"] for kind, one in found.items()} == {
        "vanished": [gone.listing_id], "wrong_price": [dear.listing_id], "foreign": ["H-1"],
    }  # fmt: skip
    assert account_health(gone.account).meanwhile == []
    # The next sweep reports what it finds itself.
    sweep(market)
    assert set(AccountSweep.objects.get(account=gone.account).drift) == {"foreign"}


def test_one_sweep_of_an_account_waits_at_a_time_and_is_tried_again(market: Market) -> None:
    market.published()
    market.alpha.script["list_all"] = [TemporaryError("503")]
    assert accounts_reconcile_due() == 2
    assert accounts_reconcile_due() == 0
    market.work()
    command = MarketplaceCommand.objects.get(kind=CommandKind.SYNC_ACCOUNT, account=market.accounts["alpha"])
    assert (command.state, command.attempts) == ("pending", 1)
