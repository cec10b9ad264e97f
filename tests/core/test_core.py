"""The bottom layer: money, crypto, audit, jobs, limits, locks, series, settings."""

import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from marketplaces.models import MarketplaceAccount, MarketSnapshot
from seatsync.celery import app
from seatsync.core import audit, crypto, jobs
from seatsync.core.actors import Actor
from seatsync.core.clock import now, seconds_from_now
from seatsync.core.errors import InvalidInput
from seatsync.core.ids import external_key, uuid7
from seatsync.core.limiters import Ask, hold, look, take, take_all, valkey
from seatsync.core.models import AppendOnlyError, AuditEntry, AuditLink, PeriodicRun, SystemFact
from seatsync.core.money import Money, parse_money, round_money, split_evenly
from seatsync.core.series import PARTITIONS, ensure_partitions, ensure_partitions_of_default, months_between
from seatsync.core.series_convert import series_convert
from seatsync.core.venue_time import local
from seatsync.schedule import SCHEDULE
from seatsync.settings.env import env_bool, env_database, env_int, env_str
from tests.builders import build_holding
from tests.tables import tables_empty

CENTS = st.decimals("-99999.99", "99999.99", places=2)


# Money.
@given(st.decimals("0.00", "99999.99", places=2), st.integers(1, 500))
def test_i25_an_even_split_sums_to_the_cent_and_differs_by_at_most_one(total: Decimal, parts: int) -> None:
    shares = split_evenly(total, parts)
    assert sum(shares) == total
    assert max(shares) - min(shares) <= Decimal("0.01")


@given(CENTS, CENTS)
def test_i25_sums_of_money_are_exact(one: Decimal, other: Decimal) -> None:
    assert (Money(one) + Money(other)).amount == one + other
    assert ((Money(one) - Money(other)) + Money(other)).amount == one


def test_i25_float_is_never_money_and_currencies_never_mix() -> None:
    with pytest.raises(TypeError):
        round_money(0.1)  # type: ignore[arg-type]  # the types refuse it too
    with pytest.raises(ValueError, match="USD and CAD"):
        Money(Decimal(1)) + Money(Decimal(1), "CAD")


@pytest.mark.parametrize(
    ("value", "rounded"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("1.004", "1.00"), ("2.675", "2.68")]
)
def test_i25_one_rounding_rule(value: str, rounded: str) -> None:
    assert round_money(Decimal(value)) == Decimal(rounded)


@pytest.mark.parametrize(("text", "amount"), [("$1,084.5", "1084.50"), (" 84 ", "84.00")])
def test_money_is_forgiving_in_input(text: str, amount: str) -> None:
    assert parse_money(text, field="price") == Decimal(amount)


@pytest.mark.parametrize("text", ["", "abc", "1.005", "NaN", "Infinity", "999999999"])
def test_money_that_is_none_names_its_field(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_money(text, field="price")
    assert (caught.value.problems[0].field, bool(caught.value.problems[0].remedy)) == ("price", True)


# Time and ids.
def test_i33_a_naive_time_has_no_moment_and_a_venue_shows_its_own() -> None:
    with pytest.raises(ValueError, match="naive"):
        local(datetime.fromisoformat("2026-07-01"), "America/Los_Angeles")
    shown = local(datetime(2026, 7, 1, 2, 10, tzinfo=UTC), "America/Los_Angeles")
    assert (shown.hour, shown.day, shown.tzinfo) == (19, 30, ZoneInfo("America/Los_Angeles"))


def test_i33_the_clock_and_what_it_adds_are_aware_and_utc() -> None:
    for moment in (now(), seconds_from_now(60)):
        assert moment.tzinfo is UTC


def test_ids_sort_by_time_and_external_keys_fit() -> None:
    first = uuid7()
    time.sleep(0.002)
    assert first < uuid7()
    assert (first.version, len(external_key()), len({external_key() for _ in range(100)})) == (7, 32, 100)


# Crypto.
@pytest.mark.django_db
def test_tokens_lie_encrypted_and_rotated_keys_still_read(settings: Settings) -> None:
    holding = build_holding()
    account = MarketplaceAccount.objects.create(
        tenant_id=holding.ticket.tenant_id, user=holding.user, platform="stubhub", access_token="plain-token"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token FROM marketplace_accounts WHERE id = %s", [account.pk])
        stored = cursor.fetchone()[0]
    assert "plain-token" not in stored
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    account.refresh_from_db()
    assert account.access_token == "plain-token"
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(crypto.InvalidToken):
        account.refresh_from_db()


def test_a_malformed_key_is_named(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ["short"]
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEY"):
        crypto.encrypt("x")


# Audit.
def link_now() -> None:
    """What the database does at commit: a test's transaction never gets there."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def record(actor: Actor, number: int) -> AuditEntry:
    return audit.audit_record(
        actor=actor, verb="test", object_type="thing", object_id=str(number), before={"n": Decimal(number)},
        after={"n": number + 1}, reason="because",
    )  # fmt: skip


@pytest.mark.django_db
def test_i35_the_audit_is_chained_and_tells_before_after_actor_request_and_reason() -> None:
    actor = build_holding().actor
    start = AuditEntry.objects.filter(chain=str(actor.tenant_id)).count()
    entries = [record(actor, number) for number in range(3)]
    link_now()
    assert audit.audit_read(entries[0]) == {"before": {"n": "0"}, "after": {"n": 1}}
    assert (entries[0].actor_id, entries[0].request_id, entries[0].reason) == (actor.id, "request-1", "because")
    result = audit.audit_verify(str(actor.tenant_id))
    assert (result.entries, result.broken_at) == (start + 3, None)


@pytest.mark.django_db
def test_i35_the_audit_cannot_be_changed_and_a_forgery_is_found() -> None:
    actor = build_holding().actor
    entry = record(actor, 1)
    link_now()
    with pytest.raises(AppendOnlyError):
        entry.save()
    with pytest.raises(AppendOnlyError):
        entry.delete()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(reason="forged")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit SET reason = 'forged' WHERE id = %s", [entry.pk])
        cursor.execute("ALTER TABLE audit ENABLE TRIGGER USER")
    assert audit.audit_verify(str(actor.tenant_id)).broken_at == entry.link.seq


@pytest.mark.django_db
@pytest.mark.parametrize("emptying", ["audit CASCADE", "audit_links", "users, audit, audit_links CASCADE"])
def test_i35_the_audit_cannot_be_emptied(emptying: str) -> None:
    record(build_holding().actor, 1)
    link_now()
    kept = AuditEntry.objects.count(), AuditLink.objects.count()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(f"TRUNCATE {emptying}")
    assert (AuditEntry.objects.count(), AuditLink.objects.count()) == kept


@pytest.mark.django_db(transaction=True)
def test_i35_a_test_that_commits_leaves_the_audit_as_guarded_as_it_was() -> None:
    record(build_holding().actor, 1)
    tables_empty()
    assert not AuditEntry.objects.exists()
    with pytest.raises(DatabaseError, match="append-only"):
        connection.cursor().execute("TRUNCATE audit_links")


@pytest.mark.django_db
def test_i35_an_entry_that_was_taken_out_or_slipped_in_is_found() -> None:
    actor = build_holding().actor
    entries = [record(actor, number) for number in range(3)]
    link_now()
    first, last = entries[0].link.seq, entries[-1].link.seq
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_links DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM audit_links WHERE entry_id = %s", [entries[-1].pk])
        assert audit.audit_verify(str(actor.tenant_id)).broken_at == last
        cursor.execute("DELETE FROM audit_links WHERE entry_id = %s", [entries[0].pk])
    assert audit.audit_verify(str(actor.tenant_id)).broken_at == first


@pytest.mark.django_db(transaction=True)
def test_i35_auditing_holds_nobody_up_until_the_commit() -> None:
    tenant, other_ended = build_holding().actor, threading.Event()

    def another() -> None:
        try:
            with transaction.atomic():
                record(tenant, 2)
            other_ended.set()
        finally:
            connections.close_all()

    with transaction.atomic():
        record(tenant, 1)
        thread = threading.Thread(target=another)
        thread.start()
        assert other_ended.wait(60), "a second transaction of the tenant waits for the first"
    thread.join()
    result = audit.audit_verify(str(tenant.tenant_id))
    assert (result.entries, result.broken_at) == (AuditEntry.objects.filter(chain=str(tenant.tenant_id)).count(), None)


@pytest.mark.django_db
def test_erasing_a_subject_leaves_the_chain_and_takes_the_content() -> None:
    actor = build_holding().actor
    entry = record(actor, 1)
    link_now()
    assert actor.user_id is not None
    audit.subject_key_destroy(subject=actor.user_id)
    assert audit.audit_read(entry) is None
    assert audit.audit_verify(str(actor.tenant_id)).broken_at is None


# Jobs.
@pytest.mark.django_db(transaction=True)
def test_a_job_is_sent_on_commit_and_never_after_a_rollback(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    class Task:
        @staticmethod
        def apply_async(**options: object) -> None:
            sent.append("sent")

    monkeypatch.setattr(jobs, "task_by_path", lambda path: Task)
    with transaction.atomic():
        jobs.enqueue_on_commit("any.task", id="1")
        assert sent == []
    assert sent == ["sent"]
    with transaction.atomic():
        jobs.enqueue_on_commit("any.task")
        transaction.set_rollback(True)
    assert sent == ["sent"]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_does_not_undo_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Task:
        @staticmethod
        def apply_async(**options: object) -> None:
            raise ConnectionError("no broker")

    monkeypatch.setattr(jobs, "task_by_path", lambda path: Task)
    with transaction.atomic():
        SystemFact.objects.create(key="kept", value=1)
        jobs.enqueue_on_commit("any.task")
    assert SystemFact.objects.filter(key="kept").exists()


@pytest.mark.django_db
def test_a_periodic_run_happens_once_a_slot() -> None:
    runs: list[int] = []
    assert [jobs.once_per_slot("t", 3600, lambda: runs.append(1)) for _ in range(3)] == [True, False, False]
    assert (len(runs), PeriodicRun.objects.count()) == (1, 1)


# Limits.
def test_a_bucket_grants_its_capacity_then_waits_and_keeps_its_reserve() -> None:
    valkey().delete("bucket:test")
    options = {"capacity": 3, "per_second": 0.01}
    ordinary = [take("test", **options, reserve=2).granted for _ in range(2)]
    urgent = [take("test", **options).granted for _ in range(3)]
    assert (ordinary, urgent) == ([True, False], [True, True, False])
    assert 0 < take("test", **options).wait_s <= 100


def test_of_several_buckets_all_grant_or_none_and_what_is_overdrawn_is_waited_for() -> None:
    valkey().delete("bucket:one", "bucket:other")
    one, other = Ask("one", 3, 0.01), Ask("other", 1, 0.01)
    assert [take_all(one, other).granted for _ in range(2)] == [True, False]
    assert look("one", capacity=3, per_second=0.01).tokens_left == pytest.approx(2, abs=0.01)
    assert 95 < take_all(replace(one, tokens=3), replace(other, overdraw=True)).wait_s <= 100
    assert take_all(replace(one, tokens=4, overdraw=True)).granted
    assert look("one", capacity=3, per_second=0.01).tokens_left == pytest.approx(-2, abs=0.01)
    # A debt outlives the time in which an empty bucket fills.
    assert valkey().pttl("bucket:one") > 500_000
    assert 290 < take_all(one).wait_s <= 300
    assert take_all(replace(one, tokens=-9, overdraw=True)).tokens_left == 3


def test_a_held_bucket_grants_nothing_and_a_later_hold_stands() -> None:
    valkey().delete("bucket:held")
    ask = Ask("held", 5, 1.0)
    hold("held", 60)
    hold("held", 5)
    assert 59 < take_all(ask).wait_s <= 60
    assert look("held", capacity=5, per_second=1.0).tokens_left == 5
    # Who waits no longer than that is let through when the last hold is so old.
    assert 9 < take_all(ask, longest_hold_s=10).wait_s <= 10
    # What was begun is finished, but for what can be left.
    assert [take_all(replace(ask, overdraw=True, unheld=unheld)).granted for unheld in (False, True)] == [False, True]
    assert valkey().pttl("bucket:held") > 60_000


# Series.
@pytest.mark.django_db
def test_series_lie_in_monthly_partitions_and_rows_that_came_first_are_moved() -> None:
    series_convert(to=PARTITIONS)
    moment = datetime(2031, 5, 17, tzinfo=UTC)
    common = {"game_id": uuid7(), "platform": "x", "price": Decimal("1.00"), "price_basis": "list"}
    MarketSnapshot.objects.create(time=moment, **common)
    table = "market_snapshots"
    assert ensure_partitions(table, [moment, moment + timedelta(days=30)]) == 2
    assert ensure_partitions(table, [moment]) == 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}_203105")
        assert cursor.fetchone() == (1,)
    MarketSnapshot.objects.create(time=moment + timedelta(days=1), **common)
    assert MarketSnapshot.objects.filter(time__gte=moment).count() == 2
    assert SystemFact.objects.get(key="series_engine").value == PARTITIONS


@pytest.mark.django_db
def test_rows_that_lie_in_the_default_partition_get_the_months_they_need() -> None:
    series_convert(to=PARTITIONS)
    table = "market_snapshots"
    common = {"game_id": uuid7(), "platform": "x", "price": Decimal("1.00"), "price_basis": "list"}
    for moment in (datetime(2031, 1, 31, 23, tzinfo=UTC), datetime(2031, 3, 1, tzinfo=UTC)):
        MarketSnapshot.objects.create(time=moment, **common)
    assert ensure_partitions_of_default(table) == 2
    assert ensure_partitions_of_default(table) == 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}_default")
        assert cursor.fetchone() == (0,)
    assert MarketSnapshot.objects.count() == 2


def test_months_between_counts_months_and_not_days() -> None:
    found = months_between(datetime(2030, 12, 31, tzinfo=UTC), datetime(2031, 3, 1, tzinfo=UTC))
    assert [(moment.year, moment.month) for moment in found] == [(2030, 12), (2031, 1), (2031, 2), (2031, 3)]


# Settings.
def test_a_database_address_hands_its_parameters_on_and_refuses_unknown_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_URL", "postgres://u:p%40@db.example/seats?sslmode=require&connect_timeout=9")
    found = env_database("X_URL", "")
    assert (found["PASSWORD"], found["OPTIONS"]) == (
        "p@", {"application_name": "seatsync", "sslmode": "require", "connect_timeout": "9"},
    )  # fmt: skip
    monkeypatch.setenv("X_URL", "postgres://u@db.example/seats?sslmod=require")
    with pytest.raises(ImproperlyConfigured, match=r"X_URL has sslmod after its \?; known there are .*sslmode"):
        env_database("X_URL", "")


def test_environment_readers_fail_loudly_and_name_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_FLAG", "maybe")
    monkeypatch.setenv("X_COUNT", "many")
    monkeypatch.setenv("X_URL", "mysql://here/there")
    for name, call in (
        ("X_FLAG", lambda: env_bool("X_FLAG", default=False)),
        ("X_COUNT", lambda: env_int("X_COUNT", 1, lowest=1, highest=9)),
        ("X_URL", lambda: env_database("X_URL", "")), ("X_MISSING", lambda: env_str("X_MISSING")),
    ):  # fmt: skip
        with pytest.raises(ImproperlyConfigured, match=name):
            call()


def test_every_scheduled_task_is_one_that_workers_know() -> None:
    app.loader.import_default_modules()
    assert [row.task for row in SCHEDULE if row.task not in app.tasks] == []


def test_workers_keep_the_products_own_logging() -> None:
    """Celery would put plain lines beside our JSON ones."""
    before = list(logging.getLogger().handlers)
    app.log.already_setup = False
    app.log.setup_logging_subsystem(loglevel="INFO")
    assert logging.getLogger().handlers == before
