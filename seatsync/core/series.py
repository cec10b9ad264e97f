"""Time series tables: TimescaleDB hypertables where the extension is at hand, native range partitions where not."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import NotSupportedError, ProgrammingError, connection, transaction
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.models import CreateModel

ENGINE_FACT = "series_engine"
TIMESCALE, PARTITIONS = "timescale", "partitions"


class _OtherLicenceError(Exception):
    """TimescaleDB is there without what compresses and keeps hours."""


def timescale_missing(database: Any) -> str:
    """Make TimescaleDB ready in the database of this connection; returns "", or why that cannot be and what to do."""
    with database.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'")
        if cursor.fetchone() is None:
            return "This PostgreSQL server has no TimescaleDB. Install its Community edition there, and preload it."
        # A setting of the part that a server loads at its start. Without it, CREATE EXTENSION ends the connection.
        cursor.execute("SELECT current_setting('timescaledb.disable_load', true)")
        if cursor.fetchone()[0] is None:
            return (
                "TimescaleDB is installed but not loaded. Add timescaledb to the server's shared_preload_libraries and "
                "restart it."
            )
    try:
        with transaction.atomic(using=database.alias):
            _make_extension(database)
    except _OtherLicenceError as error:
        return f"TimescaleDB runs under its {error} licence, which compresses nothing. Use its Community edition."
    except (NotSupportedError, ProgrammingError) as error:
        told = str(error).splitlines()[0].rstrip(".")
        return f"TimescaleDB could not be created ({told}). Have a superuser run CREATE EXTENSION timescaledb."
    return ""


def _make_extension(database: Any) -> None:
    with database.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        cursor.execute("SELECT current_setting('timescaledb.license', true)")
        licence = str(cursor.fetchone()[0])
    if licence != "timescale":
        raise _OtherLicenceError(licence)


def hypertable_sql(table: str) -> str:
    """The statement that makes an empty table a hypertable. Its key begins with the time: no index but our own."""
    return (
        f"SELECT create_hypertable('{table}', 'time', chunk_time_interval => INTERVAL '7 days', "
        "create_default_indexes => false)"
    )


def default_partition_sql(table: str) -> str:
    """The statement that makes the partition of rows whose month has none yet."""
    return f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT"


def recorded_engine(schema_editor: Any) -> str:
    """The engine that this installation's series were made with; "" before the first one."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT value #>> '{}' FROM system_facts WHERE key = %s", [ENGINE_FACT])
        row = cursor.fetchone()
    return str(row[0]) if row else ""


class CreateSeries(CreateModel):
    """CreateModel for a table with CompositePrimaryKey("time", "id"): a hypertable, or partitions by month.

    The engine found at the first migrate is recorded in core's SystemFact and kept; only `convert_series` changes it.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Create the table with the recorded (or now found) engine."""
        model = to_state.apps.get_model(app_label, self.name)
        table = model._meta.db_table
        database = schema_editor.connection
        engine = recorded_engine(schema_editor) or (PARTITIONS if timescale_missing(database) else TIMESCALE)
        sql, params = schema_editor.table_sql(model)
        if engine == TIMESCALE:
            schema_editor.execute(sql, params or None)
            schema_editor.execute(hypertable_sql(table))
        else:
            schema_editor.execute(f'{sql} PARTITION BY RANGE ("time")', params or None)
            schema_editor.execute(default_partition_sql(table))
        # As Django's own CreateModel does: table_sql tells no indexes.
        schema_editor.deferred_sql.extend(schema_editor._model_indexes_sql(model))
        schema_editor.execute(
            "INSERT INTO system_facts (key, value, created_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
            [ENGINE_FACT, f'"{engine}"'],
        )


class SummariseSeries(Operation):
    """What is kept of a series by the hour, as `<table>_hourly`: `by` names the columns that rows are told apart by.

    Hypertables get a continuous aggregate, and compress what is older than 30 days, in segments of `segment_by`.
    Partitions get a view of the same name and columns. For a migration that is not atomic; a run that was cut short
    can be repeated.
    """

    reversible = True

    def __init__(self, table: str, *, by: tuple[str, ...], segment_by: tuple[str, ...]) -> None:
        self.table, self.by, self.segment_by = table, by, segment_by
        self.name = f"{table}_hourly"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """As migrations write it."""
        return type(self).__name__, [self.table], {"by": self.by, "segment_by": self.segment_by}

    def describe(self) -> str:
        """For `migrate --plan`."""
        return f"Keep {self.table} by the hour"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """No model changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """By the recorded engine."""
        _execute_all(schema_editor, self.make_sql(recorded_engine(schema_editor)))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop the hours, and uncompress what was compressed."""
        engine = recorded_engine(schema_editor)
        _execute_all(schema_editor, self.timescale_reverse_sql() if engine == TIMESCALE else [self.drop_sql(engine)])

    def make_sql(self, engine: str) -> list[str]:
        """The statements for this engine."""
        return self.timescale_sql() if engine == TIMESCALE else self.native_sql()

    def drop_sql(self, engine: str) -> str:
        """The statement that drops the hours of this engine; an aggregate takes its policy along."""
        return f"DROP {'MATERIALIZED ' if engine == TIMESCALE else ''}VIEW IF EXISTS {self.name}"

    def native_sql(self) -> list[str]:
        """The statements for partitions."""
        hours = self.hours("date_trunc('hour', \"time\", 'UTC')")
        return [f"CREATE OR REPLACE VIEW {self.name} AS {hours}"]

    def timescale_sql(self) -> list[str]:
        """The statements for hypertables."""
        hours = self.hours("time_bucket(INTERVAL '1 hour', \"time\")")
        # Every column of the primary key must be in one of the two lists, or older versions refuse.
        settings = (
            f"timescaledb.compress, timescaledb.compress_segmentby = '{', '.join(self.segment_by)}', "
            "timescaledb.compress_orderby = 'time DESC, id'"
        )
        # Not only what was materialised: the newest hour is there at once, as in an ordinary view.
        kept = "timescaledb.continuous, timescaledb.materialized_only = false"
        # From the very start, since recorded seasons come in late; only hours that changed are worked out anew.
        when = "start_offset => NULL, end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '1 hour'"
        return [
            f"ALTER TABLE {self.table} SET ({settings})",
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {self.name} WITH ({kept}) AS {hours} WITH NO DATA",
            f"SELECT add_continuous_aggregate_policy('{self.name}', {when}, if_not_exists => true)",
            # Last: once a chunk is compressed, the first statement cannot be repeated.
            f"SELECT add_compression_policy('{self.table}', INTERVAL '30 days', if_not_exists => true)",
        ]

    def timescale_reverse_sql(self) -> list[str]:
        """What undoes `timescale_sql`."""
        # Asked of no other chunk: once compression is off, that is an error, and this could not be repeated.
        decompress = (
            "SELECT decompress_chunk((quote_ident(chunk_schema) || '.' || quote_ident(chunk_name))::regclass) "
            f"FROM timescaledb_information.chunks WHERE hypertable_name = '{self.table}' AND is_compressed"
        )
        return [
            self.drop_sql(TIMESCALE),
            f"SELECT remove_compression_policy('{self.table}', if_exists => true)",
            decompress,
            f"ALTER TABLE {self.table} SET (timescaledb.compress = false)",
        ]

    def hours(self, bucket: str) -> str:
        """The query: lowest, highest and sum of the prices, and how many. Sums and counts of hours add up to days."""
        columns = ", ".join(self.by)
        return (
            f"SELECT {bucket} AS hour, {columns}, min(price) AS lowest, max(price) AS highest, sum(price) AS total, "
            f"count(*) AS readings FROM {self.table} GROUP BY {bucket}, {columns}"
        )


def _execute_all(schema_editor: Any, statements: Iterable[str]) -> None:
    # One at a time: several in one would be a transaction, which TimescaleDB refuses for some of them.
    for statement in statements:
        schema_editor.execute(statement)


def months_between(first: datetime, last: datetime) -> list[datetime]:
    """One moment of every calendar month (UTC) from that of `first` to that of `last`."""
    start, end = first.astimezone(UTC), last.astimezone(UTC)
    count = (end.year - start.year) * 12 + end.month - start.month + 1
    origin = start.replace(day=1)
    return [
        origin.replace(year=origin.year + (origin.month - 1 + step) // 12, month=(origin.month - 1 + step) % 12 + 1)
        for step in range(count)
    ]


def ensure_partitions(table: str, months: Iterable[datetime]) -> int:
    """Create the monthly partitions that hold `months` (any moment of the month); returns how many were new.

    Rows that reached the default partition first are moved: the new partition is filled, then attached. Does
    nothing on a hypertable.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind FROM pg_class WHERE relname = %s", [table])
        row = cursor.fetchone()
    if row is None or row[0] != "p":
        return 0
    starts = {moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0) for moment in months}
    return sum(_partition(table, start) for start in sorted(starts))


def ensure_partitions_of_default(table: str) -> int:
    """Create the partitions of the rows that lie in the default one, and move these; returns how many were new."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"{table}_default"])
        if cursor.fetchone()[0] is None:
            return 0
        cursor.execute(f"SELECT DISTINCT date_trunc('month', \"time\", 'UTC') FROM {table}_default")
        months = [row[0] for row in cursor.fetchall()]
    return ensure_partitions(table, months)


def _partition(table: str, start: datetime) -> bool:
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    name = f"{table}_{start:%Y%m}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is not None:
            return False
    # One transaction: a process that is killed on the way leaves no partition that is filled but not attached.
    with transaction.atomic(), connection.cursor() as cursor:
        # Keeps rows of the month from reaching the default partition meanwhile, and another maker waiting.
        cursor.execute(f"LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is not None:
            return False
        cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        cursor.execute(
            f'WITH moved AS (DELETE FROM {table}_default WHERE "time" >= %s AND "time" < %s RETURNING *) '
            f"INSERT INTO {name} SELECT * FROM moved",
            [start, end],
        )
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", [start, end])
    return True
