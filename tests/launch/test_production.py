"""Production on real processes: every entry refuses what is unsafe, naming each variable and its remedy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seatsync.core.embedded.ports import free_port
from seatsync.settings.safety import (
    INSECURE_ENCRYPTION_KEY,
    INSECURE_JWT_SECRET_KEY,
    INSECURE_SECRET_KEY,
    production_problems,
)
from tests.launch.tools import HIDDEN, PATIENCE_S, ROOT

BIN = Path(sys.executable).parent
FERNET = "c2VhdHN5bmMtcHJvZHVjdGlvbi10ZXN0LTMyLWJ5dGU="
GOOD = {
    "SECRET_KEY": "s" * 50, "JWT_SECRET_KEY": f"a:{'j' * 32},b:{'k' * 32}", "ENCRYPTION_KEY": f"{FERNET},{FERNET}",
    "DEBUG": "false", "DATABASE_URL": "postgres://a:b@127.0.0.1:1/a", "REDIS_URL": "redis://127.0.0.1:1/0",
}  # fmt: skip
BAD = [
    ("SECRET_KEY", "", "is not set"), ("SECRET_KEY", "s" * 49, "too short"),
    ("SECRET_KEY", INSECURE_SECRET_KEY, "published default"),
    ("JWT_SECRET_KEY", "", "is not set"), ("JWT_SECRET_KEY", "a:", "no kid or no secret in entry 1"),
    ("JWT_SECRET_KEY", "j" * 40, "no kid or no secret in entry 1"),
    ("JWT_SECRET_KEY", f":{'j' * 40}", "no kid or no secret in entry 1"),
    ("JWT_SECRET_KEY", f"a:{'j' * 40},b:short", "too short a secret in entry 2"),
    ("JWT_SECRET_KEY", f"a:{'j' * 40},a:{'k' * 40}", "the kid of an earlier entry in entry 2"),
    ("JWT_SECRET_KEY", INSECURE_JWT_SECRET_KEY, "published default"),
    ("JWT_SECRET_KEY", f"other:{INSECURE_JWT_SECRET_KEY.partition(':')[2]}", "published default"),
    ("ENCRYPTION_KEY", "", "is not set"), ("ENCRYPTION_KEY", "abc", "no Fernet key in entry 1"),
    ("ENCRYPTION_KEY", f"{FERNET},{FERNET[:-2]}", "no Fernet key in entry 2"),
    ("ENCRYPTION_KEY", f"{FERNET},{INSECURE_ENCRYPTION_KEY}", "published default"),
    ("ENCRYPTION_KEY", FERNET.replace("c2V", "c2V!!"), "no Fernet key in entry 1"),
    ("DEBUG", "true", "is on"), ("DEBUG", "1", "is on"),
    ("DATABASE_URL", "", "is not set"), ("DATABASE_URL", "postgres://a@h:abc/db", "no number"),
    ("DATABASE_URL", "postgres://a@h:99999/db", "no number"), ("DATABASE_URL", ":abc/db", "is no such address"),
    ("DATABASE_URL", "mysql://a@h/db", "is no such address"), ("DATABASE_URL", "postgres://a@h", "lacks its host"),
    ("DATABASE_URL", "postgres://[::1/db", "no number"), ("REDIS_URL", "", "is not set"),
    ("REDIS_URL", "localhost:6379", "is no such address"), ("REDIS_URL", "redis://", "lacks its host"),
]  # fmt: skip
ENTRIES = {
    "wsgi": [str(BIN / "granian"), "--interface", "wsgi", "--port", "PORT", "seatsync.wsgi:application"],
    "asgi": [str(BIN / "daphne"), "-b", "127.0.0.1", "-p", "PORT", "seatsync.asgi:application"],
    "celery": [sys.executable, "-m", "celery", "-A", "seatsync.celery", "--skip-checks", "worker", "-c", "1"],
    "beat": [sys.executable, "-m", "celery", "-A", "seatsync.celery", "--skip-checks", "beat", "--pidfile="],
    "manage": [sys.executable, "manage.py", "migrate"],
}


def test_good_values_are_let_through() -> None:
    assert production_problems(GOOD) == []


@pytest.mark.parametrize(("name", "value", "fault"), BAD)
def test_each_fault_is_named_with_its_variable_and_a_remedy(name: str, value: str, fault: str) -> None:
    (problem,) = production_problems({**GOOD, name: value})
    assert problem.name == name
    assert fault in problem.fault
    assert name in problem.remedy
    # No secret is told.
    assert not value or value not in problem.fault


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_refuses_published_secrets_and_debug(entry: str) -> None:
    given = {key: value for key, value in os.environ.items() if key not in HIDDEN}
    bad = {"ENVIRONMENT": "production", "DEBUG": "true", "DATABASE_URL": "postgres://h:abc/db", "PYTHONPATH": str(ROOT),
           "SECRET_KEY": INSECURE_SECRET_KEY}  # fmt: skip
    command = [word.replace("PORT", str(free_port())) for word in ENTRIES[entry]]
    done = subprocess.run(
        command, cwd=ROOT, env=given | bad, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    for name in ("SECRET_KEY", "JWT_SECRET_KEY", "ENCRYPTION_KEY", "DEBUG", "DATABASE_URL", "REDIS_URL"):
        assert f"  {name} " in said, said
    assert entry != "manage" or "Traceback" not in said
