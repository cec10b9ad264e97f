"""Emptying the tables after a test that commits."""

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from seatsync.tenants.apps import make_default_tenant

# What a flush empties and makes anew, the same each time.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
# For these alone, in this transaction, the audit lets go of its rows.
GUARDED = ("audit", "audit_links")


def tables_empty() -> None:
    """Every table that has rows; the default tenant is there again afterwards, as after each migrate."""
    names = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    quote = connection.ops.quote_name
    asked = (f"SELECT '{name}' WHERE EXISTS (SELECT FROM {quote(name)})" for name in sorted(names))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        if filled := [quote(name) for (name,) in cursor.fetchall()]:
            _guard(cursor, "DISABLE")
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
            _guard(cursor, "ENABLE")
    make_default_tenant()


def _guard(cursor: CursorWrapper, verb: str) -> None:
    for table in GUARDED:
        cursor.execute(f"ALTER TABLE {table} {verb} TRIGGER {table}_never_emptied")
