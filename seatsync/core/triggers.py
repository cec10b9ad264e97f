"""SQL that makes a table append-only: the database itself refuses UPDATE, DELETE and, where asked for, TRUNCATE."""

from django.db import migrations

_FUNCTION = """
CREATE OR REPLACE FUNCTION seatsync_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""


def append_only(table: str) -> migrations.RunSQL:
    """A reversible migration operation that refuses changes to `table`'s rows."""
    return _refused(table, f"{table}_append_only", "UPDATE OR DELETE", each="ROW")


def never_emptied(table: str) -> migrations.RunSQL:
    """A reversible migration operation that refuses TRUNCATE of `table`, which no trigger on rows ever sees."""
    return _refused(table, f"{table}_never_emptied", "TRUNCATE", each="STATEMENT")


def _refused(table: str, name: str, what: str, *, each: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        sql=f"{_FUNCTION} CREATE TRIGGER {name} BEFORE {what} ON {table} "
        f"FOR EACH {each} EXECUTE FUNCTION seatsync_append_only();",
        reverse_sql=f"DROP TRIGGER IF EXISTS {name} ON {table};",
    )
