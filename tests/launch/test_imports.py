"""What a process loads: nothing that it never needs, as every start pays for it, and all that its first job needs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.launch.tools import PATIENCE_S, ROOT, environment

LOADED = """
import sys
from seatsync.environment import use_settings
use_settings()
import django
django.setup()
import seatsync.urls
print(*sys.modules)
"""
UNUSED = {"daphne", "numpy", "twisted.internet", "autobahn", "playwright"}


def printed(script: str, state: Path) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(state), capture_output=True, text=True,
        timeout=PATIENCE_S, check=True,
    ).stdout.split()  # fmt: skip


def test_heavy_packages_that_no_page_uses_are_not_loaded(tmp_path: Path) -> None:
    assert set(printed(LOADED, tmp_path)) & UNUSED == set()


WEB = "import seatsync.web"
# What `celery worker` does before its pool is forked.
WORKER = """
from celery.signals import worker_init
from seatsync.celery import app
app.loader.init_worker()
worker_init.send(sender=None)
"""


@pytest.mark.parametrize("process", [WEB, WORKER])
def test_the_addresses_are_read_before_the_first_request_or_job(process: str, tmp_path: Path) -> None:
    """A worker that links an alert to its page would read them while it holds the seats of a sale."""
    asked = "\nfrom django.urls import get_resolver\nprint(get_resolver()._populated)"
    assert printed(process + asked, tmp_path) == ["True"]


SOCKETS = "import seatsync.asgi"
COMMAND = """
from seatsync.environment import use_settings
use_settings()
import django
django.setup()
"""


@pytest.mark.parametrize("process", [WEB, WORKER, SOCKETS, COMMAND])
def test_garbage_is_searched_for_again_once_a_process_has_loaded_what_stays(process: str, tmp_path: Path) -> None:
    asked = "\nimport gc\nprint(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    assert printed(process + asked, tmp_path) == ["True", "True"]


def test_the_web_has_compiled_its_pages_and_their_icons_before_the_first_request(tmp_path: Path) -> None:
    asked = """
from django.template import engines
from lucide import _load_icon
loader = engines["django"].engine.template_loaders[0]
print(len(loader.get_template_cache) > 60, _load_icon.cache_info().currsize > 15)
"""
    assert printed(WEB + asked, tmp_path) == ["True", "True"]
