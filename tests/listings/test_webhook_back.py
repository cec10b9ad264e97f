"""Whoever gives an account up is told of no more: its webhook is taken back at its marketplace before the keys go.

Against the simulated platforms that register webhooks, through their real adapters.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand
from listings.services.accounts import LATE
from listings.services.by_hand import tasks_nag
from listings.services.execute import execute
from listings.services.outbox import command_claim
from listings.services.publish import listing_publish
from listings.services.record import record
from listings.services.webhook_back import WAITED_FOR
from marketplaces.contracts import Grant
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.connect import account_keep, account_leave, accounts_close, disconnect, webhook_url
from marketplaces.simulator.app import Simulator
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.simulated import control, settled, work
from tests.listings.test_stock import connect

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("simulator")]
PLATFORMS = pytest.mark.parametrize("platform", ["stubhub", "ticketmaster"])


def fresh(account: MarketplaceAccount) -> MarketplaceAccount:
    return MarketplaceAccount.objects.get(pk=account.pk)


def told_at(simulator: Simulator) -> list[str]:
    """The addresses that are told of sales."""
    return [held.url for held in simulator.ledger.subscriptions.values()]


def taking_back() -> MarketplaceCommand:
    return MarketplaceCommand.objects.get(kind=CommandKind.UNSUBSCRIBE)


def due() -> None:
    MarketplaceCommand.objects.filter(state=CommandState.PENDING).update(not_before=now())
    work()


def audited(account: MarketplaceAccount) -> list[Any]:
    """What the audit says became of its webhook."""
    entries = AuditEntry.objects.filter(verb="account.unsubscribe", object_id=str(account.pk)).order_by("at")
    return [(audit_read(entry) or {})["after"]["taken_back"] for entry in entries]


def given_up(holding: Holding, account: MarketplaceAccount) -> None:
    work()
    disconnect(actor=holding.actor, account_id=account.pk)


def claimed_at(holding: Holding, platform: str) -> tuple[MarketplaceAccount, MarketplaceCommand]:
    """An account that is given up, and the command that takes its webhook back in a worker's hands."""
    account = connect(holding, platform)
    given_up(holding, account)
    claimed = command_claim()
    assert claimed is not None
    return account, claimed


@PLATFORMS
def test_it_is_taken_back_and_then_the_keys_go(holding: Holding, simulator: Simulator, platform: str) -> None:
    account = connect(holding, platform)
    assert told_at(simulator) == [webhook_url(account)]
    given_up(holding, account)
    assert accounts_close() == 0
    # It is written down, and the key is there that it takes.
    left = fresh(account)
    assert (taking_back().state, left.is_active, left.access_token != "") == (CommandState.PENDING, True, True)
    work()
    assert (told_at(simulator), taking_back().state) == ([], CommandState.DONE)
    assert accounts_close() == 1
    left = fresh(account)
    assert (left.is_active, left.access_token, left.refresh_token, left.webhook_id) == (False, "", "", "")
    assert audited(account) == [True]


@PLATFORMS
def test_until_all_is_down_and_read_there_it_is_told_of_sales(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    account = connect(holding, platform)
    work()
    listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[:2]], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    settled()
    disconnect(actor=holding.actor, account_id=account.pk)
    work()
    assert accounts_close() == 0
    assert Listing.objects.get().gone_verified_at is not None
    assert (told_at(simulator), MarketplaceCommand.objects.filter(kind=CommandKind.UNSUBSCRIBE).exists()) == (
        [webhook_url(account)], False,
    )  # fmt: skip
    MarketplaceAccount.objects.update(sales_synced_until=now() + 2 * LATE)
    assert accounts_close() == 0
    work()
    assert (told_at(simulator), accounts_close()) == ([], 1)


@PLATFORMS
def test_of_an_account_in_its_holders_own_hands_too(holding: Holding, simulator: Simulator, platform: str) -> None:
    account = connect(holding, platform)
    work()
    account_leave(actor=holding.actor, account_id=account.pk)
    left = fresh(account)
    assert (left.mode, left.keys_of, left.access_token != "") == (Mode.ASSISTED, Mode.PAPER, True)
    # It is no task for his hands.
    tasks_nag()
    assert not taking_back().by_hand
    work()
    assert told_at(simulator) == []
    accounts_close()
    left = fresh(account)
    assert (left.is_active, left.keys_of, left.access_token, left.refresh_token) == (True, "", "", "")
    # His mails come with the account's own secret.
    assert (left.webhook_id, left.webhook_secret != "", audited(account)) == ("", True, [True])
    disconnect(actor=holding.actor, account_id=account.pk)
    assert not fresh(account).is_active


def test_who_closes_what_he_worked_by_hand_waits_for_it_as_well(holding: Holding, simulator: Simulator) -> None:
    account = connect(holding, "stubhub")
    work()
    account_leave(actor=holding.actor, account_id=account.pk)
    assert disconnect(actor=holding.actor, account_id=account.pk).is_active
    work()
    assert (told_at(simulator), accounts_close(), fresh(account).access_token) == ([], 1, "")
    assert taking_back().state == CommandState.DONE


@PLATFORMS
def test_a_worker_that_was_killed_after_it_asked_is_followed_by_another(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    account, claimed = claimed_at(holding, platform)
    execute(claimed)
    assert (told_at(simulator), taking_back().state) == ([], CommandState.IN_FLIGHT)
    assert accounts_close() == 0
    MarketplaceCommand.objects.update(lease_until=now() - timedelta(seconds=1))
    work()
    # It is not there any more, which is what was wanted.
    assert (taking_back().state, accounts_close(), audited(account)) == (CommandState.DONE, 1, [True])


@PLATFORMS
@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
def test_an_answer_that_is_lost_is_asked_for_again(
    holding: Holding, simulator: Simulator, platform: str, kind: str
) -> None:
    account = connect(holding, platform)
    given_up(holding, account)
    control("faults", add=[{"kind": kind, "platform": platform, "route": "DELETE", "count": 1}])
    work()
    assert (taking_back().state, accounts_close()) == (CommandState.PENDING, 0)
    due()
    assert (told_at(simulator), taking_back().state, accounts_close()) == ([], CommandState.DONE, 1)


@PLATFORMS
@pytest.mark.parametrize("by_hand", [False, True])
def test_without_a_grant_nobody_is_asked_for_another_one_and_the_account_goes(
    holding: Holding, simulator: Simulator, platform: str, by_hand: bool
) -> None:
    account = connect(holding, platform)
    work()
    MarketplaceAccount.objects.update(access_token="revoked", refresh_token="revoked")
    if by_hand:
        account_leave(actor=holding.actor, account_id=account.pk)
    else:
        disconnect(actor=holding.actor, account_id=account.pk)
    work()
    assert taking_back().state == CommandState.SUPERSEDED
    accounts_close()
    left = fresh(account)
    assert (left.is_active, left.access_token, left.keys_of, audited(account)) == (by_hand, "", "", [False])
    assert told_at(simulator) == [webhook_url(account)]
    assert not Alert.objects.exclude(state="recovered").filter(kind="account.reconnect").exists()
    assert not Alert.objects.filter(kind="command.needs_person").exists()


def test_a_marketplace_that_refuses_is_not_asked_again(holding: Holding) -> None:
    account = connect(holding, "stubhub")
    given_up(holding, account)
    control("faults", add=[{"kind": "status", "status": 403, "platform": "stubhub", "route": "DELETE", "count": None}])
    work()
    assert (taking_back().state, accounts_close(), audited(account)) == (CommandState.SUPERSEDED, 1, [False])
    assert not Alert.objects.filter(kind="command.needs_person").exists()


@PLATFORMS
def test_a_marketplace_that_cannot_be_reached_is_asked_for_a_day_and_keeps_no_account_open(
    holding: Holding, platform: str
) -> None:
    account = connect(holding, platform)
    given_up(holding, account)
    control("faults", add=[{"kind": "status", "status": 503, "platform": platform, "count": None}])
    for _ in range(12):
        due()
    # No person is asked, however often it was tried.
    assert (taking_back().state, taking_back().attempts > 10, accounts_close()) == (CommandState.PENDING, True, 0)
    began = now()
    MarketplaceCommand.objects.update(created_at=began - WAITED_FOR + timedelta(minutes=5))
    assert (accounts_close(), fresh(account).access_token != "") == (0, True)
    MarketplaceCommand.objects.update(created_at=began - WAITED_FOR)
    assert (accounts_close(), fresh(account).access_token) == (1, "")
    assert (taking_back().state, audited(account)) == (CommandState.SUPERSEDED, [False])
    reason = AuditEntry.objects.get(verb="account.unsubscribe").reason
    assert reason.startswith("tried for a day: ")
    assert not Alert.objects.filter(kind="command.needs_person").exists()


@PLATFORMS
@pytest.mark.parametrize("asked", [False, True])
def test_who_connects_again_right_after_is_told_of_sales_once(
    holding: Holding, simulator: Simulator, platform: str, asked: bool
) -> None:
    account = connect(holding, platform)
    given_up(holding, account)
    if asked:
        work()
        assert told_at(simulator) == []
    again = connect(holding, platform)
    assert (again.pk, again.takes_listings, again.webhook_id != account.webhook_id) == (account.pk, True, True)
    work()
    assert [str(one) for one in simulator.ledger.subscriptions] == [again.webhook_id]
    assert (accounts_close(), fresh(account).webhook_id) == (0, again.webhook_id)
    # Given up a second time, it is taken back a second time.
    disconnect(actor=holding.actor, account_id=account.pk)
    work()
    assert (told_at(simulator), accounts_close()) == ([], 1)


def as_another(holding: Holding, platform: str) -> MarketplaceAccount:
    """The holder signs in there as another seller, on whose account the same row stands from then on."""
    made = control("accounts", platform=platform, account_id=f"{platform}-2", token=f"{platform}-other")
    grant = Grant(made["access_token"], made.get("refresh_token", ""), None, f"{platform}-2")
    return account_keep(actor=holding.actor, platform=platform, mode=Mode.PAPER, grant=grant)


@PLATFORMS
def test_the_webhook_of_a_seller_whose_place_another_took_is_taken_back_with_his_keys(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    account = connect(holding, platform)
    work()
    again = as_another(holding, platform)
    assert (again.pk, again.account_id, again.webhook_secret != account.webhook_secret) == (
        account.pk, f"{platform}-2", True,
    )  # fmt: skip
    # It is written down, over his keys and no other ones, and the newer webhook is registered.
    former = MarketplaceAccount.objects.exclude(pk=account.pk).get()
    assert (former.account_id, former.is_active, former.takes_listings) == (f"{platform}-1", False, False)
    assert (former.access_token, former.webhook_id) == (account.access_token, account.webhook_id)
    assert taking_back().account == former
    assert len(told_at(simulator)) == 2
    work()
    assert (taking_back().state, taking_back().last_error) == (CommandState.DONE, "")
    assert [str(one) for one in simulator.ledger.subscriptions] == [again.webhook_id]
    assert (accounts_close(), audited(former)) == (0, [True])
    former, again = fresh(former), fresh(again)
    assert (former.access_token, former.refresh_token, former.webhook_id, former.keys_of) == ("", "", "", "")
    assert (again.takes_listings, again.access_token != "", again.webhook_id != "") == (True, True, True)
    assert not Alert.objects.filter(kind__in=["account.reconnect", "command.needs_person"]).exists()


def test_his_keys_wait_a_day_at_most_and_ask_nobody_for_others(holding: Holding, simulator: Simulator) -> None:
    account = connect(holding, "stubhub")
    work()
    as_another(holding, "stubhub")
    former = MarketplaceAccount.objects.exclude(pk=account.pk).get()
    control("faults", add=[{"kind": "status", "status": 503, "platform": "stubhub", "count": None}])
    due()
    accounts_close()
    assert (fresh(former).access_token != "", taking_back().state) == (True, CommandState.PENDING)
    MarketplaceCommand.objects.update(created_at=now() - WAITED_FOR)
    accounts_close()
    assert (fresh(former).access_token, taking_back().state, audited(former)) == ("", CommandState.SUPERSEDED, [False])
    assert not Alert.objects.filter(kind="account.reconnect").exists()


def test_a_fresh_grant_of_the_same_seller_leaves_his_webhook(holding: Holding, simulator: Simulator) -> None:
    account = connect(holding, "stubhub")
    again = connect(holding, "stubhub")
    assert (again.pk, again.webhook_id, MarketplaceAccount.objects.count()) == (account.pk, account.webhook_id, 1)
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.UNSUBSCRIBE).exists()


@PLATFORMS
def test_a_worker_who_comes_late_takes_no_newer_webhook_back(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    account, claimed = claimed_at(holding, platform)
    again = connect(holding, platform)
    record(claimed, execute(claimed))
    assert [str(one) for one in simulator.ledger.subscriptions] == [again.webhook_id]
    assert (taking_back().state, audited(account)) == (CommandState.SUPERSEDED, [])


@PLATFORMS
def test_who_leaves_by_hand_and_connects_again_right_after_has_one_webhook(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    account = connect(holding, platform)
    work()
    account_leave(actor=holding.actor, account_id=account.pk)
    again = connect(holding, platform)
    work()
    accounts_close()
    assert (again.pk != account.pk, told_at(simulator)) == (True, [webhook_url(again)])
    assert (fresh(account).access_token, fresh(again).access_token != "") == ("", True)
