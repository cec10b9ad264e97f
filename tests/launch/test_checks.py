"""What bin/test says of its checks: each by name, and what the first of them found."""

import subprocess
import sys
from pathlib import Path

from tests.launch.tools import ROOT

GOOD = [sys.executable, "-c", "print('all is well')"]
BAD = [sys.executable, "-c", "print('line 7 is wrong'); raise SystemExit(3)"]


def told(listed: list[tuple[str, list[str]]]) -> tuple[int, str]:
    asked = f"import _test; _test.checks = lambda: {listed!r}; raise SystemExit(_test.checked())"
    said = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT / "bin", capture_output=True, text=True, check=False, timeout=60
    )
    return said.returncode, said.stdout + said.stderr


def test_each_check_is_named_with_its_time_and_nothing_else_is_said() -> None:
    status, said = told([("one", GOOD), ("two", GOOD)])
    assert status == 0
    assert sorted(line.split("(")[0].strip() for line in said.splitlines()) == ["one", "two"]


def test_what_a_check_found_is_shown_with_its_status_and_what_waits_does_not_begin(tmp_path: Path) -> None:
    last = tmp_path / "last"
    waiting = [(f"later {number}", GOOD) for number in range(30)]
    status, said = told([("one", BAD), *waiting, ("last", ["touch", str(last)])])
    assert status == 3
    assert "line 7 is wrong\nerror: one found something; see above." in said
    assert not last.exists()
