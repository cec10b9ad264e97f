"""What no process of the product needs is not loaded: every start pays for it in each of them."""

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


@pytest.mark.parametrize("package", ["daphne", "twisted.internet", "autobahn", "playwright"])
def test_a_heavy_package_that_no_page_uses_is_not_loaded(package: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, env=environment(tmp_path), capture_output=True,
        text=True, timeout=PATIENCE_S, check=True,
    )  # fmt: skip
    assert package not in done.stdout.split()
