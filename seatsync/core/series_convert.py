"""From one engine to the other: every series is copied into a new table, all in one transaction."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg.errors import DeadlockDetected, LockNotAvailable

from seatsync.core.errors import Busy, Conflict
from seatsync.core.models import SystemFact
from seatsync.core.series import (
    ENGINE_FACT,
    PARTITIONS,
    TIMESCALE,
    CreateSeries,
    SummariseSeries,
    default_partition_sql,
    ensure_partitions,
    hypertable_sql,
    timescale_missing,
)

ENGINES = (TIMESCALE, PARTITIONS)
LOCK_TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one series: `rows` is how many were moved, None where it had the wanted engine already."""

    table: str
    rows: int | None


def series_convert(*, to: str, lock_timeout_ms: int = LOCK_TIMEOUT_MS) -> list[Converted]:
    """Give every series the engine `to`, with its rows, indexes, constraints and hours, and record it.

    All or nothing: whatever ends it on the way leaves everything as it was. Raises Conflict where the migrations are
    not applied or the server lacks TimescaleDB, and Busy where a table is in use for longer than `lock_timeout_ms`.
    """
    found = _series()
    with transaction.atomic():
        if to == TIMESCALE and (missing := timescale_missing(connection)):
            raise Conflict(missing, remedy="Then run this again.")
        with _alone([table for table in found if series_engine(table) != to], lock_timeout_ms):
            done = [_convert(table, hours, to) for table, hours in found.items()]
            SystemFact.objects.update_or_create(key=ENGINE_FACT, defaults={"value": to})
    return done


def series_engine(table: str) -> str:
    """The engine that this table really has; "" for an ordinary table, as a plain dump restores a hypertable."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", [table])
        if cursor.fetchone() == ("p",):
            return PARTITIONS
        cursor.execute("SELECT to_regclass('timescaledb_information.hypertables')")
        if cursor.fetchone() == (None,):
            return ""
        cursor.execute("SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = %s", [table])
        return TIMESCALE if cursor.fetchone() else ""


def _series() -> dict[str, list[SummariseSeries]]:
    """Every series that the migrations made, with its hours."""
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    if executor.migration_plan(graph.leaf_nodes()):
        raise Conflict("The database is not migrated.", remedy="Run manage.py migrate, then this again.")
    steps = [step for key in sorted(graph.nodes) for step in graph.nodes[key].operations]
    tables = sorted(step.options["db_table"] for step in steps if isinstance(step, CreateSeries))
    hours = [step for step in steps if isinstance(step, SummariseSeries)]
    return {table: [step for step in hours if step.table == table] for table in tables}


@contextmanager
def _alone(tables: list[str], lock_timeout_ms: int) -> Iterator[None]:
    """Nobody else reads or writes these tables meanwhile; whoever waits finds the new ones."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {lock_timeout_ms}")
            if tables:
                cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        yield
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
            raise
        raise Busy("The series are in use.", remedy="Stop the product, then run this again.") from error


def _convert(table: str, hours: list[SummariseSeries], to: str) -> Converted:
    engine = series_engine(table)
    if engine == to:
        return Converted(table, None)
    before = f"{table}_before"
    # Read now, made last: their names are free again when the old table is gone.
    kept = _constraints_and_indexes(table)
    _execute(step.drop_sql(engine) for step in hours)
    _execute([f"ALTER TABLE {table} RENAME TO {before}"])
    _make_empty(table, before, to)
    count = _copy(before, table)
    _execute([f"DROP TABLE {before}", *kept])
    _execute(statement for step in hours for statement in step.make_sql(to))
    return Converted(table, count)


def _constraints_and_indexes(table: str) -> list[str]:
    """The statements that make again what LIKE does not copy: keys, and indexes that belong to no constraint."""
    with connection.cursor() as cursor:
        # Checks (c) and NOT NULL (n) come with LIKE.
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = to_regclass(%s) AND contype IN ('p', 'u', 'x', 'f') ORDER BY oid",
            [table],
        )
        keys = [f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}' for name, definition in cursor.fetchall()]
        cursor.execute(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = to_regclass(%s) AND NOT EXISTS"
            " (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid) ORDER BY indexrelid",
            [table],
        )
        # ONLY is how PostgreSQL tells the index of a partitioned table; made so, it would never reach the partitions.
        return keys + [str(definition).replace(" ON ONLY ", " ON ", 1) for (definition,) in cursor.fetchall()]


def _make_empty(table: str, before: str, to: str) -> None:
    """A table of this engine with the columns, defaults and checks of `before`."""
    like = f"CREATE TABLE {table} (LIKE {before} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    if to == TIMESCALE:
        _execute([like, hypertable_sql(table)])
        return
    _execute([f'{like} PARTITION BY RANGE ("time")', default_partition_sql(table)])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT date_trunc('month', \"time\", 'UTC') FROM {before}")
        months = [row[0] for row in cursor.fetchall()]
    ensure_partitions(table, months)


def _copy(before: str, table: str) -> int:
    """Copy every row, and count them again: what was there is dropped next."""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} SELECT * FROM {before}")
        cursor.execute(f"SELECT (SELECT count(*) FROM {before}), (SELECT count(*) FROM {table})")
        old, new = cursor.fetchone()
    if old != new:
        raise Conflict(f"Of {old} rows of {table}, {new} arrived: nothing was changed.", remedy="Check the server.")
    return int(new)


def _execute(statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
