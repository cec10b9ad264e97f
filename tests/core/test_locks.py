"""I-02: one lock order, and one place per app for locks. The order itself is watched at run time by every test."""

import re
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from listings.locks import command_lock, listings_lock
from listings.models import CommandKind
from listings.services.commands import command_write
from marketplaces.locks import accounts_locked
from marketplaces.models import MarketplaceAccount
from marketplaces.services.connect import account_leave, closing_begin, disconnect
from portfolios.locks import seats_lock
from seatsync.accounts.models import LeavingWhy
from seatsync.core import locks
from seatsync.core.actors import Actor
from seatsync.core.errors import Busy
from seatsync.core.ids import uuid7
from seatsync.core.locks import Level, LockOrderError, lock_announce
from seatsync.tenants.models import Tenant
from tests.builders import person
from tests.elsewhere import held_elsewhere

APPS = ("seatsync", "portfolios", "marketplaces", "listings", "intelligence", "automation", "analytics")
SOURCES = [
    path for app in APPS for path in (Path(settings.BASE_DIR) / app).rglob("*.py") if "migrations" not in path.parts
]


def test_i02_rows_are_locked_in_lock_modules_alone() -> None:
    strays = [str(p) for p in SOURCES if p.name != "locks.py" and "select_for_update(" in p.read_text()]
    assert strays == []


def test_i02_every_lock_is_announced_and_lets_others_refer_to_the_row() -> None:
    for path in (p for p in SOURCES if p.name == "locks.py"):
        text = path.read_text()
        functions = re.split(r"^def ", text, flags=re.MULTILINE)[1:]
        for function in functions:
            if "select_for_update(" in function:
                assert "lock_announce(" in function, f"{path}: {function.splitlines()[0]}"
                assert "no_key=True" in function, f"{path}: {function.splitlines()[0]}"


@pytest.mark.django_db
@pytest.mark.parametrize("lock", [seats_lock, listings_lock])
def test_i02_many_rows_are_locked_in_the_order_of_their_keys(lock: Callable[[list[uuid.UUID]], object]) -> None:
    """As the database is asked for it: a small table happens to be read in that order."""
    with transaction.atomic(), CaptureQueriesContext(connection) as caught:
        lock([uuid7(), uuid7()])
    (asked,) = [query["sql"] for query in caught if "FOR NO KEY UPDATE" in query["sql"]]
    assert re.search(r'ORDER BY ("\w+"\."id"|1) ASC', asked)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "then"), [(a, b) for a in Level for b in Level if a > b], ids=lambda level: level.name.lower()
)
def test_i02_no_level_is_locked_after_a_higher_one(first: Level, then: Level) -> None:
    with transaction.atomic():
        lock_announce(first)
        with pytest.raises(LockOrderError):
            lock_announce(then)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("leave", [
    lambda actor, pk: disconnect(actor=actor, account_id=pk),
    lambda actor, pk: account_leave(actor=actor, account_id=pk),
    lambda actor, pk: closing_begin(actor=actor, account_ids=[pk], why=LeavingWhy.ERASURE),
], ids=["disconnect", "leave", "drain"])  # fmt: skip
def test_i02_who_gives_up_an_account_that_is_being_refreshed_is_told_to_try_again(
    leave: Callable[[Actor, uuid.UUID], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_TIMEOUT_MS", 200)
    tenant = Tenant.objects.create(name="Lock Co", slug="lock-co")
    user, actor = person("lock@example.com", tenant)
    account = MarketplaceAccount.objects.create(tenant=tenant, user=user, platform="seatgeek")
    with held_elsewhere(lambda: accounts_locked().get(pk=account.pk)), pytest.raises(Busy, match="is changing"):
        leave(actor, account.pk)
    account.refresh_from_db()
    assert (account.is_active, account.closing_at) == (True, None)


@pytest.mark.django_db(transaction=True)
def test_an_account_that_is_being_refreshed_does_not_hold_up_its_commands() -> None:
    tenant = Tenant.objects.create(name="Lock Co", slug="lock-co")
    user, _ = person("lock@example.com", tenant)
    account = MarketplaceAccount.objects.create(tenant=tenant, user=user, platform="seatgeek")
    with held_elsewhere(lambda: accounts_locked().get(pk=account.pk)):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = 2000")
            command = command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key="sync:lock-test")
        assert command.pk is not None


@pytest.mark.django_db(transaction=True)
def test_i02_the_first_lock_that_may_wait_has_the_timeout_whatever_was_locked_without_waiting() -> None:
    def timeout() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return str(cursor.fetchone()[0])

    with transaction.atomic():
        lock_announce(Level.COMMANDS, waits=False)
        assert timeout() == "0"
        lock_announce(Level.COMMANDS)
        assert timeout() == "3s"


@pytest.mark.django_db(transaction=True)
def test_i02_of_two_that_wait_for_each_other_one_is_told_to_try_again() -> None:
    tenant = Tenant.objects.create(name="Lock Co", slug="lock-co")
    user, _ = person("lock@example.com", tenant)
    account = MarketplaceAccount.objects.create(tenant=tenant, user=user, platform="seatgeek")
    one, two = (command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{n}").pk for n in (1, 2))
    both, came = threading.Barrier(2, timeout=10), list[str]()

    def lock_in_order(first: uuid.UUID, second: uuid.UUID) -> None:
        try:
            with transaction.atomic():
                command_lock(first)
                both.wait()
                command_lock(second)
            came.append("done")
        except Busy as error:
            came.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=lock_in_order, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused, done = sorted(came)
    assert done == "done"
    assert "Somebody else is changing" in refused
