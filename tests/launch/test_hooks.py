"""The three places that name the checks name the same: bin/test, `make lint` and the commit hooks."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

from tests.launch.tools import ROOT

LISTED = "import json, _test; print(json.dumps([command for _, command in _test.checks()]))"


def check(words: Iterable[str]) -> str:
    """A command without its folder, its interpreter and its flags: what it checks."""
    names = [Path(word).name for word in words if not word.startswith("-") and word != "."]
    return " ".join(name for name in names if name != "python")


def of_bin_test() -> set[str]:
    said = subprocess.run(
        [sys.executable, "-c", LISTED], cwd=ROOT / "bin", capture_output=True, text=True, check=True, timeout=60
    )
    return {check(command) for command in json.loads(said.stdout)}


def test_the_commit_hooks_run_every_check_of_bin_test() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {check(hook["entry"].split()) for hook in local["hooks"]} == of_bin_test()


def test_make_lint_runs_every_check_of_bin_test() -> None:
    rule = re.search(r"^lint:\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert rule is not None
    commands = re.split(r"&&|\n", rule[1].strip())
    assert {check(command.split()) for command in commands} == of_bin_test()
