"""Several workers, one outbox: each command is claimed once, and one that kills its worker ends with a person."""

import threading
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections

from listings.models import CommandKind, MarketplaceCommand
from listings.services import outbox
from listings.services.commands import command_write
from listings.services.outbox import command_claim, leases_reap
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market

WORKERS, COMMANDS = 6, 300


@pytest.mark.django_db(transaction=True)
def test_no_two_workers_claim_the_same_command(
    platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey().flushdb()
    monkeypatch.setattr("listings.services.commands.outbox_wake", lambda **_: None)
    market = build_market(platforms)
    account = market.accounts["alpha"]
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
    platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey().flushdb()
    monkeypatch.setattr("listings.services.commands.outbox_wake", lambda **_: None)
    market = build_market(platforms)
    command_write(account=market.accounts["alpha"], kind=CommandKind.SYNC_ACCOUNT, key="only")
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
