"""Test set-up: the real embedded servers, one migrated database cloned per worker, the network closed but loopback."""

import os

os.environ["ENVIRONMENT"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "seatsync.settings.test"

from seatsync.core.embedded import provide_servers

provide_servers()

import django
from django.conf import settings as django_settings

django.setup()

# A Valkey database for each test process, so that one may be emptied without the others noticing. Workers find the
# settings loaded already, hence no environment variable.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_valkey = f"{os.environ['REDIS_URL'].rsplit('/', 1)[0]}/{1 + _worker}"
django_settings.REDIS_URL = django_settings.CACHES["default"]["LOCATION"] = _valkey

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.product import Product

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")


@pytest.fixture(autouse=True, scope="session")
def _static_folder_exists() -> None:
    """Whitenoise warns about a folder that only collectstatic makes."""
    django_settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The running product; its tests are marked xdist_group("product"), so that one worker starts it once."""
    state = tmp_path_factory.mktemp("state")
    # PostgreSQL runs as another user where we are root, and must be able to get here.
    for folder in (state, *state.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    running = Product(state)
    yield running
    running.stop()
