"""Series by the hour: right numbers on partitions, the same query on hypertables, and the recorded engine decides."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any, Self

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.db.migrations.state import ProjectState

from listings.models import PriceHistory
from marketplaces.models import MarketSnapshot
from seatsync.core import series
from seatsync.core.ids import uuid7
from seatsync.core.models import SystemFact
from seatsync.core.series import CreateSeries, SummariseSeries, timescale_missing
from seatsync.core.series_convert import series_convert

TENANT = uuid7()
HOUR = datetime(2031, 5, 17, 12, tzinfo=UTC)
MIGRATIONS = {
    "listings": import_module("listings.migrations.0006_price_history_hourly").Migration,
    "marketplaces": import_module("marketplaces.migrations.0004_market_snapshots_hourly").Migration,
}
PRICES, MARKETS = (MIGRATIONS[app].operations[0] for app in ("listings", "marketplaces"))


class Recorder:
    """A schema editor, connection and cursor that writes down what is executed, and knows one engine."""

    def __init__(self, engine: str) -> None:
        self.engine, self.executed = engine, list[str]()
        self.connection = self

    def cursor(self) -> "Recorder":
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def execute(self, sql: str, params: Sequence[object] | None = None) -> None:
        if "FROM system_facts" not in sql:
            self.executed.append(sql)

    def fetchone(self) -> tuple[str] | None:
        return (self.engine,) if self.engine else None


def hours(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return sorted(cursor.fetchall(), key=str)


def indexes(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", [table])
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db
def test_hours_of_a_listing_tell_lowest_highest_sum_and_how_many() -> None:
    listing, other = uuid7(), uuid7()
    for minutes, price in ((0, "80.00"), (59, "70.10"), (60, "90.00"), (-1, "99.00")):
        moment = HOUR + timedelta(minutes=minutes)
        PriceHistory.objects.create(
            tenant_id=TENANT, time=moment, listing_id=listing, platform="alpha", price=Decimal(price)
        )
    PriceHistory.objects.create(tenant_id=TENANT, time=HOUR, listing_id=other, platform="alpha", price=Decimal("1.00"))
    # An hour of a zone that is half an hour off is still one of UTC.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Kolkata'")
        cursor.execute(
            "SELECT hour AT TIME ZONE 'UTC', lowest, highest, total, readings FROM price_history_hourly"
            " WHERE listing_id = %s AND platform = 'alpha' AND currency = 'USD' ORDER BY hour",
            [listing],
        )
        found = cursor.fetchall()
    noon = HOUR.replace(tzinfo=None)
    assert found == [
        (noon - timedelta(hours=1), Decimal("99.00"), Decimal("99.00"), Decimal("99.00"), 1),
        (noon, Decimal("70.10"), Decimal("80.00"), Decimal("150.10"), 2),
        (noon + timedelta(hours=1), Decimal("90.00"), Decimal("90.00"), Decimal("90.00"), 1),
    ]


@pytest.mark.django_db
def test_hours_of_the_market_keep_apart_what_cannot_be_compared() -> None:
    game = uuid7()
    for kind, basis, price in (
        ("ask", "list", "10"),
        ("ask", "list", "30"),
        ("ask", "all_in", "40"),
        ("print", "list", "5"),
    ):
        MarketSnapshot.objects.create(
            time=HOUR, game_id=game, platform="x", kind=kind, price_basis=basis, price=Decimal(price)
        )
    found = hours("SELECT kind, price_basis, lowest, total, readings FROM market_snapshots_hourly")
    assert found == [
        ("ask", "all_in", Decimal("40.00"), Decimal("40.00"), 1),
        ("ask", "list", Decimal("10.00"), Decimal("40.00"), 2),
        ("print", "list", Decimal("5.00"), Decimal("5.00"), 1),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("operation", [PRICES, MARKETS])
def test_the_aggregate_of_hypertables_answers_as_the_view_does(operation: SummariseSeries) -> None:
    for minutes in (0, 59, 60):
        moment = HOUR + timedelta(minutes=minutes)
        PriceHistory.objects.create(
            tenant_id=TENANT, time=moment, listing_id=uuid7(), platform="x", price=Decimal(minutes)
        )
        MarketSnapshot.objects.create(
            time=moment, game_id=uuid7(), platform="x", price=Decimal(minutes), price_basis="list"
        )
    (aggregate,) = (sql for sql in operation.timescale_sql() if sql.startswith("CREATE MATERIALIZED VIEW"))
    query = aggregate.partition(" AS ")[2].removesuffix(" WITH NO DATA")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('time_bucket(interval, timestamptz)')")
        if cursor.fetchone() == (None,):
            # What TimescaleDB's own function does with hours, whose origin is a full one.
            cursor.execute(
                "CREATE FUNCTION time_bucket(width interval, at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE"
                " AS $$ SELECT date_bin(width, at, '2000-01-03 00:00+00') $$"
            )
        cursor.execute(f"SELECT * FROM {operation.name} LIMIT 0")
        names = [column.name for column in cursor.description]
        cursor.execute(f"{query} LIMIT 0")
        assert [column.name for column in cursor.description] == names
    assert hours(query) == hours(f"SELECT * FROM {operation.name}") != []


@pytest.mark.parametrize("app", sorted(MIGRATIONS))
def test_the_migrations_are_not_atomic_and_send_one_statement_at_a_time(app: str) -> None:
    assert MIGRATIONS[app].atomic is False
    (operation,) = MIGRATIONS[app].operations
    editor = Recorder("timescale")
    operation.database_forwards(app, editor, ProjectState(), ProjectState())
    operation.database_backwards(app, editor, ProjectState(), ProjectState())
    assert [sql for sql in editor.executed if ";" in sql] == []


def test_hypertables_are_compressed_and_summed_up_in_an_order_that_can_be_repeated() -> None:
    editor = Recorder("timescale")
    PRICES.database_forwards("listings", editor, ProjectState(), ProjectState())
    bucket = "time_bucket(INTERVAL '1 hour', \"time\")"
    compress, aggregate, refresh, when = editor.executed
    assert compress == (
        "ALTER TABLE price_history SET (timescaledb.compress, timescaledb.compress_segmentby = 'listing_id', "
        "timescaledb.compress_orderby = 'time DESC, id')"
    )
    assert aggregate == (
        "CREATE MATERIALIZED VIEW IF NOT EXISTS price_history_hourly WITH (timescaledb.continuous, "
        f"timescaledb.materialized_only = false) AS SELECT {bucket} AS hour, listing_id, platform, currency, "
        "min(price) AS lowest, max(price) AS highest, sum(price) AS total, count(*) AS readings FROM price_history "
        f"GROUP BY {bucket}, listing_id, platform, currency WITH NO DATA"
    )
    assert refresh == (
        "SELECT add_continuous_aggregate_policy('price_history_hourly', start_offset => NULL, end_offset => "
        "INTERVAL '1 hour', schedule_interval => INTERVAL '1 hour', if_not_exists => true)"
    )
    assert when == "SELECT add_compression_policy('price_history', INTERVAL '30 days', if_not_exists => true)"
    editor.executed.clear()
    PRICES.database_backwards("listings", editor, ProjectState(), ProjectState())
    decompress = (
        "SELECT decompress_chunk((quote_ident(chunk_schema) || '.' || quote_ident(chunk_name))::regclass) "
        "FROM timescaledb_information.chunks WHERE hypertable_name = 'price_history' AND is_compressed"
    )
    assert editor.executed == [
        "DROP MATERIALIZED VIEW IF EXISTS price_history_hourly",
        "SELECT remove_compression_policy('price_history', if_exists => true)",
        decompress,
        "ALTER TABLE price_history SET (timescaledb.compress = false)",
    ]


@pytest.mark.parametrize("engine", ["partitions", ""])
def test_without_hypertables_there_is_a_view_and_nothing_else(engine: str) -> None:
    editor = Recorder(engine)
    MARKETS.database_forwards("marketplaces", editor, ProjectState(), ProjectState())
    MARKETS.database_backwards("marketplaces", editor, ProjectState(), ProjectState())
    view, drop = editor.executed
    assert view.startswith(
        "CREATE OR REPLACE VIEW market_snapshots_hourly AS SELECT date_trunc('hour', \"time\", 'UTC')"
    )
    assert drop == "DROP VIEW IF EXISTS market_snapshots_hourly"


@pytest.mark.django_db
@pytest.mark.parametrize("model", [MarketSnapshot, PriceHistory])
def test_series_have_the_indexes_that_their_models_name(model: type[models.Model]) -> None:
    assert {index.name for index in model._meta.indexes} - indexes(model._meta.db_table) == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "index", "migration"),
    [
        ("price_history", "price_history_listing", "listings.migrations.0009_price_history_index"),
        ("market_snapshots", "snapshot_game_time", "marketplaces.migrations.0005_market_snapshots_index"),
    ],
)
def test_series_that_were_made_without_their_index_get_it(table: str, index: str, migration: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {index}")
    (operation,) = import_module(migration).Migration.operations
    for _ in range(2):
        with connection.schema_editor() as editor:
            operation.database_forwards("any", editor, ProjectState(), ProjectState())
        assert index in indexes(table)


@pytest.mark.django_db
def test_a_new_series_gets_its_indexes() -> None:
    fields = [
        ("pk", models.CompositePrimaryKey("time", "id")),
        ("time", models.DateTimeField()),
        ("id", models.UUIDField()),
    ]
    named = {"indexes": [models.Index(fields=["id"], name="later_id")]}
    operation = CreateSeries("Later", fields, options={"db_table": "later", **named})
    state = ProjectState()
    operation.state_forwards("core", state)
    with connection.schema_editor() as editor:
        operation.database_forwards("core", editor, ProjectState(), state)
    assert indexes("later") == {"later_pkey", "later_id"}


@pytest.mark.django_db
def test_the_recorded_engine_decides_whatever_the_server_offers_now(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = "timescaledb" if timescale_missing(connection) else "not a hypertable"
    series_convert(to=series.PARTITIONS)
    monkeypatch.setattr(series, "timescale_missing", lambda database: "")
    fields = [
        ("pk", models.CompositePrimaryKey("time", "id")),
        ("time", models.DateTimeField()),
        ("id", models.UUIDField()),
    ]
    operation = CreateSeries("Later", fields, options={"db_table": "later"})
    state = ProjectState()
    operation.state_forwards("core", state)
    with connection.schema_editor() as editor:
        operation.database_forwards("core", editor, ProjectState(), state)
        MARKETS.database_backwards("marketplaces", editor, state, state)
        MARKETS.database_forwards("marketplaces", editor, state, state)
    assert hours("SELECT relkind FROM pg_class WHERE relname IN ('later', 'market_snapshots_hourly')") == [
        ("p",),
        ("v",),
    ]
    SystemFact.objects.filter(key=series.ENGINE_FACT).update(value="timescale")
    with pytest.raises(DatabaseError, match=refused), transaction.atomic(), connection.schema_editor() as editor:
        MARKETS.database_forwards("marketplaces", editor, state, state)
