"""From one engine to the other: no row, index, constraint or hour is lost, and what cannot be done changes nothing."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from listings.models import PriceHistory
from marketplaces.models import MarketSnapshot
from seatsync.core import series, series_convert
from seatsync.core.errors import Busy, Conflict
from seatsync.core.ids import uuid7
from seatsync.core.models import SystemFact
from seatsync.core.series import ENGINE_FACT, PARTITIONS, TIMESCALE, timescale_missing
from seatsync.core.series_convert import Converted, series_engine
from seatsync.core.series_convert import series_convert as convert

SERIES = ("market_snapshots", "price_history")
KEPT = [Converted(table, None) for table in SERIES]
FIRST = datetime(2031, 5, 17, 12, tzinfo=UTC)
DAYS = (0, 0, 20, 45)
NOT_LOADED = (
    "TimescaleDB is installed but not loaded. Add timescaledb to the server's shared_preload_libraries and restart it."
)


def query(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return list(cursor.fetchall()) if cursor.description else []


def fill() -> None:
    for day in DAYS:
        moment, price = FIRST + timedelta(days=day), Decimal(10 + day)
        PriceHistory.objects.create(tenant_id=uuid7(), time=moment, listing_id=uuid7(), platform="x", price=price)
        MarketSnapshot.objects.create(time=moment, game_id=uuid7(), platform="x", price=price, price_basis="list")


def looks() -> dict[str, list[tuple[Any, ...]]]:
    """What a conversion keeps: rows, hours, columns, constraints and indexes."""
    found = {}
    for table in SERIES:
        found[table] = query(f"SELECT row_to_json(t)::text FROM {table} t ORDER BY time, id")
        found[f"{table}_hourly"] = sorted(query(f"SELECT * FROM {table}_hourly"), key=str)
    found["columns"] = query(
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_name = ANY(%s) ORDER BY table_name, ordinal_position",
        [*SERIES, *(f"{table}_hourly" for table in SERIES)],
    )
    found["constraints"] = query(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = ANY(%s::regclass[]) ORDER BY 1, 2",
        list(SERIES),
    )
    found["indexes"] = query(
        "SELECT tablename, indexname, replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes"
        " WHERE tablename = ANY(%s) ORDER BY 1, 2",
        list(SERIES),
    )
    return found


def indexes_of_parts() -> list[tuple[Any, ...]]:
    """How many each partition or chunk of a series has."""
    return query(
        "SELECT p.inhparent::regclass::text, count(DISTINCT i.indexrelid) / count(DISTINCT p.inhrelid)"
        " FROM pg_inherits p JOIN pg_index i ON i.indrelid = p.inhrelid AND i.indisvalid"
        " WHERE p.inhparent = ANY(%s::regclass[]) GROUP BY 1 ORDER BY 1",
        list(SERIES),
    )


def as_plain_dumps_restore_them() -> None:
    """Ordinary tables in the place of the series: what a restore without TimescaleDB makes of hypertables."""
    keys = {
        "market_snapshots": ("snapshot_game_time", "game_id"),
        "price_history": ("price_history_listing", "listing_id"),
    }
    for table, (index, column) in keys.items():
        query(f"DROP {'MATERIALIZED ' if series_engine(table) == TIMESCALE else ''}VIEW {table}_hourly")
        query(f"CREATE TABLE plain (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        query(f"INSERT INTO plain SELECT * FROM {table}")
        query(f"DROP TABLE {table}")
        query(f"ALTER TABLE plain RENAME TO {table}")
        query(f'ALTER TABLE {table} ADD PRIMARY KEY ("time", id)')
        query(f'CREATE INDEX {index} ON {table} ({column}, "time" DESC)')


def comes(sql: str, *params: object) -> bool:
    """Whether the count that is asked for is soon more than none."""
    for _ in range(3000):
        if query(sql, *params)[0][0]:
            return True
        time.sleep(0.01)
    return False


def database() -> object:
    return query("SELECT oid FROM pg_database WHERE datname = current_database()")[0][0]


def other_engine() -> str:
    return PARTITIONS if series_engine("price_history") == TIMESCALE else TIMESCALE


@contextmanager
def in_use(table: str) -> Iterator[None]:
    """Another connection is in the middle of writing."""
    writer = connection.copy()
    try:
        with transaction_of(writer) as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
            yield
    finally:
        writer.close()


@contextmanager
def transaction_of(database: Any) -> Iterator[Any]:
    database.set_autocommit(False)
    with database.cursor() as cursor:
        yield cursor
    database.rollback()


@pytest.fixture
def timescale(db: None) -> None:
    if missing := timescale_missing(connection):
        pytest.skip(f"needs TimescaleDB: {missing}")


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """For tests whose conversions are seen by other connections: the series end with the engine that they had."""
    engine = series_engine("price_history")
    SystemFact.objects.update_or_create(key=ENGINE_FACT, defaults={"value": engine})
    yield
    convert(to=engine)


@pytest.mark.django_db
def test_series_that_have_the_wanted_engine_are_left_alone_and_the_record_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = series_engine("price_history")
    fill()
    SystemFact.objects.filter(key=ENGINE_FACT).delete()
    before, kinds = looks(), query("SELECT oid FROM pg_class WHERE relname = ANY(%s) ORDER BY 1", list(SERIES))
    call_command("convert_series", to=engine)
    assert capsys.readouterr().out.splitlines() == [
        "market_snapshots: is kept so already",
        "price_history: is kept so already",
        f"the series are kept as {engine}",
    ]
    assert SystemFact.objects.get(key=ENGINE_FACT).value == engine
    assert query("SELECT oid FROM pg_class WHERE relname = ANY(%s) ORDER BY 1", list(SERIES)) == kinds
    assert looks() == before


@pytest.mark.django_db
def test_without_timescaledb_it_is_refused_with_the_remedy() -> None:
    if not timescale_missing(connection):
        pytest.skip("this server has TimescaleDB")
    SystemFact.objects.update_or_create(key=ENGINE_FACT, defaults={"value": PARTITIONS})
    with pytest.raises(CommandError, match=r"TimescaleDB.*Then run this again\.$"):
        call_command("convert_series", to=TIMESCALE)
    assert {series_engine(table) for table in SERIES} == {PARTITIONS}
    assert SystemFact.objects.get(key=ENGINE_FACT).value == PARTITIONS


class Server:
    """A connection and its cursor that answer one question after the other."""

    alias = "default"

    def __init__(self, *answers: tuple[Any, ...] | None) -> None:
        self.answers = list(answers)

    def cursor(self) -> "Server":
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        pass

    def fetchone(self) -> tuple[Any, ...] | None:
        return self.answers.pop(0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([None], "This PostgreSQL server has no TimescaleDB. Install its Community edition there, and preload it."),
        (
            [(1,), (None,)],
            NOT_LOADED,
        ),
        (
            [(1,), ("off",), ("apache",)],
            "TimescaleDB runs under its apache licence, which compresses nothing. Use its Community edition.",
        ),
        ([(1,), ("off",), ("timescale",)], ""),
    ],
)
def test_what_a_server_lacks_is_said_with_what_to_do(answers: list[tuple[Any, ...] | None], told: str) -> None:
    assert timescale_missing(Server(*answers)) == told


@pytest.mark.django_db
def test_an_extension_that_may_not_be_made_is_said_and_the_transaction_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "_make_extension", lambda database: query("CREATE EXTENSION seatsync_unknown"))
    told = timescale_missing(Server((1,), ("off",)))
    assert told.startswith("TimescaleDB could not be created (extension ")
    assert told.endswith(". Have a superuser run CREATE EXTENSION timescaledb.")
    assert query("SELECT 1") == [(1,)]


@pytest.mark.django_db
def test_a_database_that_is_not_migrated_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: [("one", False)])
    with pytest.raises(CommandError, match=r"not migrated\. Run manage\.py migrate, then this again\."):
        call_command("convert_series", to=PARTITIONS)


@pytest.mark.django_db
def test_series_in_use_are_refused_within_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_convert, "timescale_missing", lambda database: "")
    engine = series_engine("price_history")
    with in_use("price_history"), pytest.raises(Busy, match="in use") as refused:
        convert(to=other_engine(), lock_timeout_ms=50)
    assert refused.value.remedy == "Stop the product, then run this again."
    assert {series_engine(table) for table in SERIES} == {engine}


@pytest.mark.django_db
def test_whatever_fails_on_the_way_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    as_plain_dumps_restore_them()
    rows = query("SELECT * FROM price_history ORDER BY time")

    def fail(table: str, months: object) -> int:
        assert query("SELECT count(*) FROM price_history_default") == [(0,)]
        raise DatabaseError("the disk is full")

    make = series.ensure_partitions
    monkeypatch.setattr(
        series_convert, "ensure_partitions", lambda table, months: (fail if table == SERIES[1] else make)(table, months)
    )
    with pytest.raises(DatabaseError, match="disk is full"):
        convert(to=PARTITIONS)
    assert [series_engine(table) for table in SERIES] == ["", ""]
    assert query("SELECT * FROM price_history ORDER BY time") == rows
    assert query("SELECT to_regclass('price_history_before'), to_regclass('market_snapshots_default')") == [
        (None, None)
    ]


@pytest.mark.django_db
def test_rows_that_do_not_all_arrive_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    as_plain_dumps_restore_them()
    make = series_convert._make_empty

    def make_leaking(table: str, before: str, to: str) -> None:
        make(table, before, to)
        query(f"CREATE FUNCTION {table}_leak() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        query(f"CREATE TRIGGER leak BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_leak()")

    monkeypatch.setattr(series_convert, "_make_empty", make_leaking)
    with pytest.raises(Conflict, match="Of 4 rows of market_snapshots, 0 arrived: nothing was changed"):
        convert(to=PARTITIONS)
    assert query("SELECT count(*) FROM market_snapshots") == [(4,)]


@pytest.mark.django_db
def test_ordinary_tables_become_partitions_with_all_that_they_had(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    wanted = looks()
    as_plain_dumps_restore_them()
    call_command("convert_series", to=PARTITIONS)
    assert capsys.readouterr().out.splitlines()[:2] == [
        "market_snapshots: 4 rows moved",
        "price_history: 4 rows moved",
    ]
    assert [series_engine(table) for table in SERIES] == [PARTITIONS, PARTITIONS]
    assert looks() == wanted
    assert SystemFact.objects.get(key=ENGINE_FACT).value == PARTITIONS
    parts = "SELECT tableoid::regclass::text, count(*) FROM price_history GROUP BY 1 ORDER BY 1"
    assert query(parts) == [("price_history_203105", 2), ("price_history_203106", 1), ("price_history_203107", 1)]
    assert indexes_of_parts() == [("market_snapshots", 2), ("price_history", 2)]
    assert convert(to=PARTITIONS) == KEPT


def test_a_writer_that_waits_writes_into_the_new_table(committed: None) -> None:
    fill()
    as_plain_dumps_restore_them()
    listing = uuid7()

    def write() -> None:
        try:
            PriceHistory.objects.create(
                tenant_id=uuid7(), time=FIRST, listing_id=listing, platform="x", price=Decimal("1.00")
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            assert convert(to=PARTITIONS)[1] == Converted("price_history", 4)
            waiting = threads.submit(write)
            assert comes("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = %s", database())
        waiting.result(timeout=30)
    assert query("SELECT tableoid::regclass::text FROM price_history WHERE listing_id = %s", listing) == [
        ("price_history_203105",)
    ]
    assert query("SELECT count(*) FROM price_history") == [(5,)]


@pytest.mark.usefixtures("timescale")
def test_partitions_and_hypertables_become_each_other_without_loss() -> None:
    convert(to=PARTITIONS)
    fill()
    wanted = looks()
    assert convert(to=TIMESCALE) == [Converted(table, 4) for table in SERIES]
    assert [series_engine(table) for table in SERIES] == [TIMESCALE, TIMESCALE]
    assert SystemFact.objects.get(key=ENGINE_FACT).value == TIMESCALE
    assert looks() == wanted
    assert indexes_of_parts() == [("market_snapshots", 2), ("price_history", 2)]
    assert jobs() == [("policy_compression", 2), ("policy_refresh_continuous_aggregate", 2)]
    assert convert(to=TIMESCALE) == KEPT
    for table in SERIES:
        query(f"SELECT compress_chunk(chunk) FROM show_chunks('{table}') AS chunk")
    assert looks() == wanted
    assert convert(to=PARTITIONS) == [Converted(table, 4) for table in SERIES]
    assert looks() == wanted
    assert indexes_of_parts() == [("market_snapshots", 2), ("price_history", 2)]
    assert jobs() == []
    assert query("SELECT count(*) FROM timescaledb_information.hypertables") == [(0,)]


@pytest.mark.usefixtures("timescale")
def test_compressed_rows_are_read_and_late_ones_written() -> None:
    convert(to=TIMESCALE)
    fill()
    for table in SERIES:
        query(f"SELECT compress_chunk(chunk) FROM show_chunks('{table}') AS chunk")
    fill()
    assert PriceHistory.objects.count() == MarketSnapshot.objects.count() == 2 * len(DAYS)
    hours = query("SELECT sum(readings), sum(total) FROM price_history_hourly")
    assert hours == [(8, 2 * sum((Decimal(10 + day) for day in DAYS), Decimal(0)))]
    row = PriceHistory.objects.earliest("time")
    with pytest.raises(IntegrityError), transaction.atomic():
        PriceHistory.objects.create(
            time=row.time, id=row.id, tenant_id=uuid7(), listing_id=uuid7(), platform="x", price=Decimal("1.00")
        )


@pytest.mark.usefixtures("timescale")
def test_hours_are_kept_by_the_refresh_and_late_rows_reach_them(committed: None) -> None:
    convert(to=TIMESCALE)
    fill()
    for readings in (4, 8):
        query("CALL refresh_continuous_aggregate('price_history_hourly', NULL, NULL)")
        # Only what was materialised.
        query("ALTER MATERIALIZED VIEW price_history_hourly SET (timescaledb.materialized_only = true)")
        assert query("SELECT sum(readings) FROM price_history_hourly") == [(readings,)]
        fill()


def jobs() -> list[tuple[Any, ...]]:
    return query(
        "SELECT proc_name::text, count(*) FROM timescaledb_information.jobs"
        " WHERE hypertable_name IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
