"""One migrated database that the databases of all workers, of this run and later ones, are copies of."""

import hashlib
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "migrated_for_tests_"
# Any number that nobody else locks in the server's database of databases.
LOCK = 7_351_902


def template_make() -> str:
    """The name of a database with every migration as it stands; made by whoever comes first, the others wait."""
    name = PREFIX + _digest()
    with psycopg.connect(_address(), autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        known = [row[0] for row in server.execute("SELECT datname FROM pg_database WHERE datname ^@ %s", [PREFIX])]
        if name not in known:
            for old in known:
                server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(old)))
            making = f"{PREFIX}making"
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(making)))
            _migrate(making)
            # Under its name once it is whole.
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            server.execute(rename.format(sql.Identifier(making), sql.Identifier(name)))
    return name


def _migrate(name: str) -> None:
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def _address() -> str:
    known = connection.settings_dict
    return psycopg.conninfo.make_conninfo(
        host=known["HOST"] or None, port=known["PORT"] or None, user=known["USER"] or None,
        password=known["PASSWORD"] or None, dbname="postgres",
    )  # fmt: skip


def _digest() -> str:
    """Of all that decides what the migrations make: their text, what of ours they use, and the packages' versions."""
    files = [
        *ROOT.glob("*/migrations/*.py"),
        *ROOT.glob("seatsync/*/migrations/*.py"),
        *ROOT.glob("seatsync/core/*.py"),
    ]
    found = hashlib.sha256()
    for path in [ROOT / "requirements.txt", *sorted(files)]:
        found.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return found.hexdigest()[:16]
