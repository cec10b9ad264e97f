"""A marketplace that hangs comes last: it holds nobody else's commands, take-downs, sales or payouts up."""

import uuid
from datetime import timedelta

import pytest
import redis

from listings.models import CommandKind, MarketplaceCommand
from listings.services import payouts, sync
from listings.services.commands import command_write
from listings.services.outbox import Spent, command_claim
from listings.services.sync import accounts_sync_due
from listings.services.wake import POLL_PAYOUTS
from listings.tasks import poll_payouts
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services import slow
from marketplaces.services.slow import answer_timed, slow_accounts, slow_note
from seatsync.core.clock import now
from tests.market import Market

pytestmark = pytest.mark.django_db


def claimed(*, urgent: bool = False, spent: Spent | None = None) -> str:
    command = command_claim(spent, urgent=urgent)
    return "" if command is None else command.account.platform


@pytest.fixture
def waiting(market: Market) -> Market:
    """Alpha's commands wait longer than beta's: an ordinary one of each, and one that takes down."""
    for hours, platform in enumerate(("beta", "alpha"), start=1):
        for kind in (CommandKind.SYNC_ACCOUNT, CommandKind.DELIST):
            command = command_write(account=market.accounts[platform], kind=kind, key=f"{kind}:{platform}")
            MarketplaceCommand.objects.filter(pk=command.pk).update(not_before=now() - timedelta(hours=hours))
    return market


@pytest.mark.parametrize("urgent", [False, True])
def test_i03_what_is_for_a_slow_marketplace_is_taken_after_all_others(waiting: Market, urgent: bool) -> None:
    slow_note(waiting.accounts["alpha"])
    order = [claimed(urgent=urgent) for _ in range(5)]
    if urgent:
        assert order == ["beta", "alpha", "", "", ""]
    else:
        # Whoever sends both takes what is urgent first, of the marketplaces that answer.
        assert order == ["beta", "beta", "alpha", "alpha", ""]


def test_where_none_is_slow_who_waits_longest_comes_first(waiting: Market) -> None:
    assert [claimed() for _ in range(4)] == ["alpha", "beta", "alpha", "beta"]


def test_a_slow_account_without_tokens_is_passed_over_all_the_same(waiting: Market) -> None:
    alpha = waiting.accounts["alpha"]
    slow_note(alpha)
    spent = Spent(urgent={alpha.pk})
    assert [claimed(spent=spent) for _ in range(3)] == ["beta", "beta", ""]


def test_an_answer_that_took_long_is_remembered_for_a_while_whatever_came_of_it(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = market.accounts["alpha"]
    with answer_timed(account):
        pass
    assert slow_accounts() == frozenset()
    monkeypatch.setattr(slow, "SLOW_S", -1.0)
    with pytest.raises(TimeoutError), answer_timed(account):
        raise TimeoutError
    assert slow_accounts() == {account.pk}
    monkeypatch.setattr(slow, "COUNTS_FOR_S", -1.0)
    slow_note(account)
    assert slow_accounts() == frozenset()


def test_commands_and_polls_are_timed_and_sweeps_are_not(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "SLOW_S", -1.0)
    alpha, beta = market.accounts["alpha"], market.accounts["beta"]
    command_write(account=beta, kind=CommandKind.SYNC_ACCOUNT, key="sync:now")
    market.work()
    assert slow_accounts() == frozenset()
    market.publish(account_ids=[alpha.pk])
    market.work()
    assert slow_accounts() == {alpha.pk}
    MarketplaceAccount.objects.update(polled_at=now() - timedelta(days=1))
    accounts_sync_due()
    assert slow_accounts() == {alpha.pk, beta.pk}


def test_a_slow_marketplaces_sales_are_read_after_the_others(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[uuid.UUID] = []

    def keep(*, account: MarketplaceAccount) -> int:
        read.append(account.pk)
        return 0

    monkeypatch.setattr(sync, "account_sync_sales", keep)
    alpha, beta = market.accounts["alpha"].pk, market.accounts["beta"].pk
    for slow_one, expected in ((None, [alpha, beta]), ("alpha", [beta, alpha])):
        read.clear()
        for hours, platform in enumerate(("beta", "alpha"), start=1):
            moment = now() - timedelta(hours=hours)
            MarketplaceAccount.objects.filter(platform=platform).update(polled_at=moment)
        if slow_one:
            slow_note(market.accounts[slow_one])
        accounts_sync_due()
        assert read == expected


def test_payouts_are_read_by_a_job_of_each_account(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered: list[tuple[str, float, bool, str]] = []

    def keep(path: str, *, countdown_s: float, one_waits: bool, account_id: str) -> None:
        ordered.append((path, countdown_s, one_waits, account_id))

    monkeypatch.setattr(payouts, "enqueue_on_commit", keep)
    by_hand = market.accounts["beta"]
    poll_payouts()
    assert sorted(ordered) == sorted(
        (POLL_PAYOUTS, 0.2 * place, True, str(pk))
        for place, pk in enumerate(sorted(account.pk for account in market.accounts.values()))
    )
    ordered.clear()
    MarketplaceAccount.objects.filter(pk=by_hand.pk).update(mode=Mode.ASSISTED)
    assert payouts.accounts_order_payouts() == 1
    assert [account_id for *_, account_id in ordered] == [str(market.accounts["alpha"].pk)]
    assert not market.alpha.calls, "nothing is read by who orders"


def test_without_valkey_nobody_is_slow(waiting: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_note(waiting.accounts["alpha"])

    def away() -> object:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(slow, "valkey", away)
    slow_note(waiting.accounts["beta"])
    assert slow_accounts() == frozenset()
