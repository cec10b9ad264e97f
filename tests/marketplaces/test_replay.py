"""Working received items off anew: one, or all that were given up; by page, API and admin; nothing happens twice."""

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import MarketplaceCommand, Sale
from marketplaces.models import InboundEvent, InboxState
from marketplaces.services.understand import inbound_process, inbound_replay, inbound_retry_all
from portfolios.models import SeatChange
from seatsync.accounts.models import User
from seatsync.core.errors import Conflict, NotFound
from seatsync.core.models import AuditEntry
from tests.builders import browser, verified_client
from tests.market import Market

pytestmark = pytest.mark.django_db


def sold(market: Market) -> InboundEvent:
    """A sale that was told and worked off."""
    alpha, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    return InboundEvent.objects.get()


def given_up(market: Market, count: int = 2, key: str = "alpha") -> list[InboundEvent]:
    for number in range(count):
        market.announce(f"x{number}", "e1", key=key)
    InboundEvent.objects.filter(account=market.accounts[key]).update(state=InboxState.FAILED, attempts=10)
    return list(InboundEvent.objects.filter(account=market.accounts[key]))


def root() -> Client:
    return verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))


def test_i21_a_replayed_sale_changes_nothing(market: Market) -> None:
    event = sold(market)
    before = (Sale.objects.get().version, SeatChange.objects.count(), MarketplaceCommand.objects.count())
    inbound_replay(actor=market.holding.actor, event_id=event.pk)
    assert inbound_process(event_id=event.pk)
    event.refresh_from_db()
    assert (event.state, event.replays) == ("done", 1)
    assert (Sale.objects.get().version, SeatChange.objects.count(), MarketplaceCommand.objects.count()) == before
    assert AuditEntry.objects.filter(verb="inbound.replay", object_id=str(event.pk)).count() == 1


def test_what_is_being_worked_off_is_not_replayed(market: Market) -> None:
    event = sold(market)
    inbound_replay(actor=market.holding.actor, event_id=event.pk)
    with pytest.raises(Conflict):
        inbound_replay(actor=market.holding.actor, event_id=event.pk)
    for actor in (market.holding.other, market.holding.outsider, market.holding.co_owner):
        with pytest.raises(NotFound):
            inbound_replay(actor=actor, event_id=event.pk)


def test_all_that_was_given_up_over_one_account_is_queued(market: Market) -> None:
    given_up(market, 3)
    (elsewhere,) = given_up(market, 1, key="beta")
    account = market.accounts["alpha"]
    for actor in (market.holding.other, market.holding.outsider):
        with pytest.raises(NotFound):
            inbound_retry_all(actor=actor, account_id=account.pk)
    assert inbound_retry_all(actor=market.holding.actor, account_id=account.pk) == 3
    assert inbound_retry_all(actor=market.holding.actor, account_id=account.pk) == 0
    elsewhere.refresh_from_db()
    assert elsewhere.state == "failed"


def test_the_page_replays_one_and_all(market: Market) -> None:
    event = sold(market)
    url = reverse("listings:account_detail", args=[event.account_id])
    assert reverse("marketplaces:inbound_replay", args=[event.pk]) in browser().get(url).content.decode()
    answer = browser().post(reverse("marketplaces:inbound_replay", args=[event.pk]), follow=True)
    assert answer.redirect_chain == [(url, 302)]
    assert "It is being worked off anew." in answer.content.decode()
    again = browser().post(reverse("marketplaces:inbound_replay", args=[event.pk]), follow=True)
    assert "The item is received." in again.content.decode()
    InboundEvent.objects.update(state="failed")
    retry = reverse("marketplaces:inbound_retry_all", args=[event.account_id])
    assert "1 item will be tried again." in browser().post(retry, follow=True).content.decode()
    assert "Nothing there was given up." in browser().post(retry, follow=True).content.decode()


def test_staff_sees_the_figures_of_what_is_chosen_and_replays_it(market: Market) -> None:
    event, client = sold(market), root()
    market.announce("late", "e9", key="beta")
    url = reverse("admin:marketplaces_inboundevent_changelist")
    text = client.get(url).text
    assert "In the last 24 hours 2 received" in text
    assert "n 1)" in text
    assert "In the last 24 hours 1 received" in client.get(f"{url}?account__platform=alpha").text
    assert "In the last 24 hours 0 received" in client.get(f"{url}?q=nobody").text
    answer = client.post(url, {"action": "replay", "_selected_action": [str(event.pk)]}, follow=True)
    assert "1 queued" in answer.text
    InboundEvent.objects.update(state="failed")
    accounts = reverse("admin:marketplaces_marketplaceaccount_changelist")
    chosen = [str(account.pk) for account in market.accounts.values()]
    assert "2 queued" in client.post(
        accounts, {"action": "retry_failed", "_selected_action": chosen}, follow=True
    ).text  # fmt: skip
