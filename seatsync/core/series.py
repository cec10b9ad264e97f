"""Time series tables: TimescaleDB hypertables where the extension is at hand, native range partitions where not."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.migrations.operations.models import CreateModel

ENGINE_FACT = "series_engine"


def timescale_available(schema_editor: Any) -> bool:
    """Whether CREATE EXTENSION timescaledb can work on this server."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'")
        return cursor.fetchone() is not None


class CreateSeries(CreateModel):
    """CreateModel for a table with CompositePrimaryKey("time", "id"): a hypertable, or partitions by month.

    The engine found at the first migrate is recorded in core's SystemFact and kept; only `convert_series` changes it.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Create the table with the recorded (or now found) engine."""
        model = to_state.apps.get_model(app_label, self.name)
        table = model._meta.db_table
        hyper = timescale_available(schema_editor)
        sql, params = schema_editor.table_sql(model)
        if hyper:
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            schema_editor.execute(sql, params or None)
            schema_editor.execute(
                f"SELECT create_hypertable('{table}', 'time', chunk_time_interval => INTERVAL '7 days')"
            )
        else:
            schema_editor.execute(f'{sql} PARTITION BY RANGE ("time")', params or None)
            schema_editor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
        schema_editor.execute(
            "INSERT INTO system_facts (key, value, created_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
            [ENGINE_FACT, '"timescale"' if hyper else '"partitions"'],
        )


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
