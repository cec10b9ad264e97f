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
    "EMAIL_URL": "smtp://a:b@mail.example:587",
}  # fmt: skip
REACHABLE = {
    "BASE_URL": "https://app.example.com", "ALLOWED_HOSTS": "app.example.com",
    "DEFAULT_FROM_EMAIL": "Seats <no-reply@app.example.com>",
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
    ("REDIS_URL", "redis://h/first", "a database that is no number"), ("EMAIL_URL", "", "is not set"),
    ("EMAIL_URL", "http://mail.example", "is no such address"),
    ("EMAIL_URL", "smtp://u@mail.example", "without a password"),
    ("DJANGO_SETTINGS_MODULE", "seatsync.settings.dev", "is seatsync.settings.dev in production"),
    ("DJANGO_SETTINGS_MODULE", "seatsync.settings.base", "in production"),
    ("DJANGO_SETTINGS_MODULE", "seatsync.settings.test", "in production"),
]  # fmt: skip
ENTRIES = {
    "web": [str(BIN / "granian"), "--interface", "asginl", "--port", "PORT", "seatsync.web:application"],
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
    assert not value or value not in problem.fault or name == "DJANGO_SETTINGS_MODULE"


def run(command: list[str], **values: str) -> "subprocess.CompletedProcess[str]":
    """A process in production, with these variables and no others of ours."""
    given = {key: value for key, value in os.environ.items() if key not in HIDDEN}
    return subprocess.run(
        [word.replace("PORT", str(free_port())) for word in command], cwd=ROOT, capture_output=True, text=True,
        env=given | {"ENVIRONMENT": "production", "PYTHONPATH": str(ROOT)} | values, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_refuses_published_secrets_and_debug(entry: str) -> None:
    bad = {"DEBUG": "true", "DATABASE_URL": "postgres://h:abc/db", "SECRET_KEY": INSECURE_SECRET_KEY}
    # Neither an address of the simulator's nor settings of development pass because something else is told first.
    bad |= {"STUBHUB_BASE_URL": "http://localhost:9100/stubhub", "DJANGO_SETTINGS_MODULE": "seatsync.settings.dev"}
    done = run(ENTRIES[entry], **bad)
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    for name in (
        "SECRET_KEY", "JWT_SECRET_KEY", "ENCRYPTION_KEY", "DEBUG", "DATABASE_URL", "REDIS_URL", "EMAIL_URL",
        "STUBHUB_BASE_URL", "DJANGO_SETTINGS_MODULE",
    ):  # fmt: skip
        assert f"  {name} " in said, said
    assert entry != "manage" or "Traceback" not in said


@pytest.mark.parametrize("module", ["wsgi", "asgi", "celery"])
def test_what_servers_and_workers_import_refuses_a_live_address_that_is_the_simulators(module: str) -> None:
    done = run([sys.executable, "-c", f"import seatsync.{module}"], **GOOD, STUBHUB_BASE_URL="http://127.0.0.1:9100")
    assert done.returncode != 0
    assert done.stderr.endswith(
        "Production does not start:\n"
        "  STUBHUB_BASE_URL is the simulator's address. Give the platform's own address, or leave it unset.\n"
    )


def test_the_simulator_is_also_known_where_it_was_moved() -> None:
    moved = {"SIMULATOR_URL": "http://paper.example:9000", "SEATGEEK_BASE_URL": "http://PAPER.example:9000/seatgeek"}
    done = run([sys.executable, "-c", "import seatsync.wsgi"], **GOOD, **moved)
    assert "Production does not start:\n  SEATGEEK_BASE_URL is the simulator's address." in done.stderr
    assert done.returncode != 0


def test_settings_that_put_a_default_back_are_refused_when_the_applications_are_ready(tmp_path: Path) -> None:
    own = f"from seatsync.settings.production import *\nSECRET_KEY = {INSECURE_SECRET_KEY!r}\n"
    (tmp_path / "ours.py").write_text(own)
    done = run(
        [sys.executable, "-c", "import seatsync.wsgi"], **GOOD,
        PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}", DJANGO_SETTINGS_MODULE="ours",
    )  # fmt: skip
    assert done.returncode != 0
    assert "SeatSync does not start:\n  SECRET_KEY is the published default." in done.stderr


def test_the_production_settings_are_production_whatever_the_environment_says() -> None:
    shown = "from seatsync.settings import production; print(production.ENVIRONMENT)"
    done = run([sys.executable, "-c", shown], **GOOD, ENVIRONMENT="dev")
    assert done.stdout == "production\n", done.stderr


def deploy_check(**values: str) -> "subprocess.CompletedProcess[str]":
    good = GOOD | {"SECRET_KEY": "".join(chr(97 + number % 26) for number in range(60))} | REACHABLE
    return run([sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], **good | values)


def test_djangos_own_advice_for_production_is_followed_or_answered() -> None:
    done = deploy_check()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BASE_URL", "", "Set BASE_URL"), ("BASE_URL", "http://app.example.com", "Set BASE_URL"),
        ("BASE_URL", "https://127.0.0.1", "Set BASE_URL"),
        ("ALLOWED_HOSTS", "other.example", "Add app.example.com to ALLOWED_HOSTS."),
        ("DEFAULT_FROM_EMAIL", "", "Set DEFAULT_FROM_EMAIL"),
    ],
)  # fmt: skip
def test_what_would_serve_nobody_is_named_before_it_is_deployed(name: str, value: str, says: str) -> None:
    done = deploy_check(**{name: value})
    assert done.returncode == 1
    assert f"(seatsync.W001) {name} " in done.stderr
    assert says in done.stderr
