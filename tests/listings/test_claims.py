"""Several workers, one outbox: each command is claimed once, and one that kills its worker ends with a person."""

import threading
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from psycopg.errors import UniqueViolation

from listings.locks import command_claimable
from listings.models import CommandKind, CommandState, MarketplaceCommand
from listings.services import outbox
from listings.services.commands import command_write
from listings.services.outbox import command_claim, leases_reap
from marketplaces.models import MarketplaceAccount
from seatsync.core import locks
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from tests.elsewhere import held_elsewhere
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market

WORKERS, COMMANDS = 6, 300


@pytest.fixture
def account(
    transactional_db: None, platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch
) -> MarketplaceAccount:
    """One that other connections see too, and whose commands nobody carries out by himself."""
    valkey().flushdb()
    monkeypatch.setattr("listings.services.commands.outbox_wake", lambda **_: None)
    return build_market(platforms).accounts["alpha"]


@pytest.mark.django_db(transaction=True)
def test_no_two_workers_claim_the_same_command(account: MarketplaceAccount) -> None:
    for number in range(COMMANDS):
        command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{number}")
    claimed: list[uuid.UUID] = []
    start = threading.Barrier(WORKERS)

    def work() -> None:
        try:
            start.wait()
            while (command := command_claim()) is not None:
                claimed.append(command.pk)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [pk for pk, times in Counter(claimed).items() if times > 1] == []
    assert len(claimed) == COMMANDS


@pytest.mark.django_db(transaction=True)
def test_a_command_that_another_worker_took_after_our_look_is_not_taken(
    account: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key="only")
    picked = outbox._pick

    def late(spent: outbox.Spent, *, urgent: bool) -> MarketplaceCommand | None:
        found = picked(spent, urgent=urgent)
        if found is not None:
            # As if the other worker's commit came between our reading and our writing.
            MarketplaceCommand.objects.filter(pk=found.pk).update(state="in_flight", fence=7)
        return found

    monkeypatch.setattr(outbox, "_pick", late)
    assert command_claim() is None
    assert MarketplaceCommand.objects.get().fence == 7


@pytest.mark.django_db
def test_i23_a_command_that_kills_every_worker_ends_with_a_person(market: Market) -> None:
    market.publish(account_ids=[market.accounts["alpha"].pk])
    for _ in range(30):
        if command_claim() is None:
            break
        MarketplaceCommand.objects.update(lease_until=now() - timedelta(seconds=1))
        assert leases_reap() == 1
        market.hurry()
    command = MarketplaceCommand.objects.get()
    assert (command.state, command.attempts) == ("needs_person", 8)


@pytest.mark.django_db
def test_i03_what_is_urgent_is_claimed_before_all_that_waited_longer(market: Market) -> None:
    """Also where more is due than one look reads."""
    account, before = market.accounts["alpha"], now() - timedelta(minutes=1)
    for number in range(2 * outbox.CLAIM_LOOK_AHEAD):
        command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{number}")
    MarketplaceCommand.objects.update(not_before=before)
    urgent = command_write(account=account, kind=CommandKind.DELIST, key="delist:now")
    claimed = command_claim()
    assert claimed is not None
    assert claimed.pk == urgent.pk


@pytest.mark.django_db(transaction=True)
def test_a_command_that_another_worker_has_locked_is_skipped_and_not_waited_for(
    account: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever waits for a lock is refused before the one who holds it lets go.
    monkeypatch.setattr(locks, "LOCK_TIMEOUT_MS", 50)
    older, younger = (
        command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{number}") for number in range(2)
    )
    held = list[uuid.UUID]()

    def claim() -> None:
        taken = command_claimable(urgent=False, spent=(), spent_ordinary=(), spent_kinds=(), look_ahead=1)
        held.extend([taken.pk] if taken else [])

    with held_elsewhere(claim):
        claimed = [command_claim(), command_claim()]
    assert held == [older.pk]
    assert [command and command.pk for command in claimed] == [younger.pk, None]


@pytest.mark.django_db
def test_commands_of_a_disconnected_account_are_not_sent(market: Market) -> None:
    market.publish()
    mine = MarketplaceAccount.objects.filter(pk=market.accounts["alpha"].pk)
    mine.update(is_active=False)
    market.work()
    waiting = MarketplaceCommand.objects.get(account__in=mine)
    assert (waiting.state, waiting.attempts, market.alpha.calls) == ("pending", 0, [])
    assert len(market.beta.shown()) == 1
    mine.update(is_active=True)
    market.work()
    assert len(market.alpha.shown()) == 1


def refused_in_flight(command: MarketplaceCommand) -> str | None:
    """Which constraint of the database refuses to have this command in flight."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        MarketplaceCommand.objects.filter(pk=command.pk).update(state=CommandState.IN_FLIGHT)
    assert isinstance(caught.value.__cause__, UniqueViolation)
    return caught.value.__cause__.diag.constraint_name


@pytest.mark.django_db
def test_the_database_refuses_a_second_command_of_a_listing_in_flight(market: Market) -> None:
    alpha, beta = market.published()
    first, second = (
        command_write(listing=alpha, kind=CommandKind.REPRICE, key=f"reprice:{number}") for number in range(2)
    )
    elsewhere = command_write(listing=beta, kind=CommandKind.REPRICE, key="reprice:beta")
    wanted = MarketplaceCommand.objects.filter(pk__in=[first.pk, elsewhere.pk])
    assert wanted.update(state=CommandState.IN_FLIGHT) == 2
    assert refused_in_flight(second) == "command_one_in_flight"
    MarketplaceCommand.objects.filter(pk=first.pk).update(state=CommandState.DONE)
    assert MarketplaceCommand.objects.filter(pk=second.pk).update(state=CommandState.IN_FLIGHT) == 1


@pytest.mark.django_db
def test_the_database_refuses_a_second_command_of_a_whole_account_in_flight(market: Market) -> None:
    first, second, elsewhere = (
        command_write(account=market.accounts[key], kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{number}")
        for number, key in enumerate(["alpha", "alpha", "beta"])
    )
    MarketplaceCommand.objects.update(whole_account=True)
    wanted = MarketplaceCommand.objects.filter(pk__in=[first.pk, elsewhere.pk])
    assert wanted.update(state=CommandState.IN_FLIGHT) == 2
    assert refused_in_flight(second) == "command_one_in_flight_account"
    # Where the platform's rule is one a listing, the account may have several.
    MarketplaceCommand.objects.filter(pk=second.pk).update(whole_account=False, state=CommandState.IN_FLIGHT)
