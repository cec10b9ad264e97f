"""SQL that makes a table append-only: the database itself refuses UPDATE and DELETE."""

from django.db import migrations

_FUNCTION = """
CREATE OR REPLACE FUNCTION seatsync_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""


def append_only(table: str) -> migrations.RunSQL:
    """A reversible migration operation that refuses changes to `table`'s rows."""
    name = f"{table}_append_only"
    return migrations.RunSQL(
        sql=f"{_FUNCTION} CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION seatsync_append_only();",
        reverse_sql=f"DROP TRIGGER IF EXISTS {name} ON {table};",
    )
