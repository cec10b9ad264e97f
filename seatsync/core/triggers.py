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
    name = f"{table}_append_only"
    return migrations.RunSQL(
        sql=f"{_FUNCTION} CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION seatsync_append_only();",
        reverse_sql=f"DROP TRIGGER IF EXISTS {name} ON {table};",
    )


def never_emptied(table: str) -> migrations.RunSQL:
    """A reversible migration operation that refuses TRUNCATE of `table`, which no trigger on rows ever sees."""
    name = f"{table}_never_emptied"
    return migrations.RunSQL(
        sql=f"{_FUNCTION} CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION seatsync_append_only();",
        reverse_sql=f"DROP TRIGGER IF EXISTS {name} ON {table};",
    )
