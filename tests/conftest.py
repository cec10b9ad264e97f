"""Test set-up: the real embedded servers, one migrated database cloned per worker, the network closed but loopback."""

import gc
import os

os.environ["ENVIRONMENT"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "seatsync.settings.test"

from seatsync.core.embedded import provide_servers

provide_servers()

import django
from django.conf import settings as django_settings

django.setup()
# While the tests are loaded, too (see `pytest_collection_finish`).
gc.disable()

# A Valkey database for each test process, so that one may be emptied without the others noticing. Workers find the
# settings loaded already, hence no environment variable.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_valkey = f"{os.environ['REDIS_URL'].rsplit('/', 1)[0]}/{1 + _worker}"
django_settings.REDIS_URL = django_settings.CACHES["default"]["LOCATION"] = _valkey

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import TestCase, TransactionTestCase
from hypothesis import settings
from pytest_django.plugin import DjangoDbBlocker
from xdist.remote import Producer

from seatsync.core.limiters import valkey
from seatsync.tenants.models import Tenant
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market, scripted
from tests.marketplaces.outgoing import WATCH, watched
from tests.product import Product
from tests.scheduling import WITH_PRODUCT, Spread, with_product
from tests.standing import standing
from tests.tables import tables_empty
from tests.template import template_make

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spread:
    return Spread(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the running product goes first: it is the longest unit."""
    for item in items:
        if "product" in getattr(item, "fixturenames", ()) and not with_product(item.nodeid):
            raise pytest.UsageError(f"{item.nodeid} uses the running product: put it into one of {WITH_PRODUCT}")
    items.sort(key=lambda item: not with_product(item.nodeid))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through it for garbage again and again took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Every worker's database is a copy of one that was migrated once."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = template_make()


@pytest.fixture(autouse=True, scope="session")
def _static_folder_exists() -> None:
    """Whitenoise warns about a folder that only collectstatic makes."""
    django_settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture(autouse=True, scope="session")
def _only_what_was_written_is_emptied() -> Iterator[None]:
    """A test that commits leaves the tables as a flush would: a fifth of the time, since most of them are empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: tables_empty())
        yield


@pytest.fixture(autouse=True, scope="session")
def _captures_begin_anew() -> Iterator[None]:
    """What a test did before it captures what waits for the commit is another transaction's: none may join it."""
    plain = TestCase.captureOnCommitCallbacks

    @contextmanager
    def capture(*, using: str = "default", execute: bool = False) -> Iterator[list[Any]]:
        connection.run_on_commit = [(savepoints, partial(hook), *rest) for savepoints, hook, *rest in waiting()]
        with plain(using=using, execute=execute) as callbacks:
            yield callbacks

    def waiting() -> list[Any]:
        return list(connection.run_on_commit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestCase, "captureOnCommitCallbacks", capture)
        yield


@pytest.fixture(autouse=True, scope="session")
def _what_leaves_for_stubhub_is_watched() -> Iterator[None]:
    """Whatever a test makes an adapter send there."""
    with watched():
        yield


@pytest.fixture(autouse=True)
def _what_leaves_for_stubhub_is_as_published() -> Iterator[None]:
    """Every request to StubHub passes the published specs, in whichever test it leaves."""
    WATCH.wrong.clear()
    yield
    assert WATCH.wrong == []


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The running product; its tests lie where tests/scheduling.py says, so that one worker starts it once."""
    state = tmp_path_factory.mktemp("state")
    # PostgreSQL runs as another user where we are root, and must be able to get here.
    for folder in (state, *state.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    running = Product(state)
    yield running
    running.stop()


@pytest.fixture
def default_tenant(transactional_db: None) -> Tenant:
    """The tenant that the migrations made; a test with transactions of its own may have emptied the tables before."""
    return Tenant.objects.get_or_create(is_default=True, defaults={"name": "SeatSync", "slug": "seatsync"})[0]


@pytest.fixture
def platforms(monkeypatch: pytest.MonkeyPatch) -> tuple[ScriptedPlatform, ScriptedPlatform]:
    """Two scripted platforms in the place of the registry's own."""
    made = ScriptedPlatform("alpha"), ScriptedPlatform("beta")
    scripted(monkeypatch, made)
    return made


def _apart(item: pytest.Item) -> bool:
    """Whether a test commits, and empties every table afterwards, or fills them by itself."""
    marker, names = item.get_closest_marker("django_db"), set(getattr(item, "fixturenames", ()))
    commits = marker is not None and bool(marker.kwargs.get("transaction") or marker.args)
    fills = "market" not in names and (marker is not None or "db" in names)
    return commits or fills or bool({"transactional_db", "live_server"} & names)


@pytest.fixture(scope="module")
def _standing_market(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Market | None]:
    """The rows of a market for all tests of a module; None where one of them wants to be alone with the tables."""
    if any(_apart(item) for item in request.session.items if item.path == request.path):
        yield None
        return
    with standing(django_db_blocker):
        yield build_market((ScriptedPlatform("alpha"), ScriptedPlatform("beta")))


@pytest.fixture
def market(_standing_market: Market | None, db: None, platforms: tuple[ScriptedPlatform, ScriptedPlatform]) -> Market:
    """A holding with accounts on both of them: what a test writes, and what it changes in the objects, is its own."""
    valkey().flushdb()
    if _standing_market is None:
        return build_market(platforms)
    alpha, beta = platforms
    return replace(copy.deepcopy(_standing_market), alpha=alpha, beta=beta)
