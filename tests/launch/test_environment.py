"""The environment of bin/start on real processes, in a small checkout of its own that needs no network."""

import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from packaging.requirements import Requirement

from tests.launch.tools import HIDDEN, PATIENCE_S, ROOT, small_disk, until

OURS = Path(sys.base_prefix) / "bin"


class Checkout:
    """bin/ as it is, no packages to install, and a launcher that says what it was given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "bin", folder / "bin", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "requirements.txt").write_text("# nothing\n")
        (folder / "seatsync" / "launch").mkdir(parents=True)
        for name in ("seatsync/__init__.py", "seatsync/launch/__init__.py"):
            (folder / name).write_text("")
        (folder / "seatsync/launch/__main__.py").write_text("import sys\nprint('launched', *sys.argv[1:])\n")

    def environment(self, **more: str) -> dict[str, str]:
        given = {key: value for key, value in os.environ.items() if key not in HIDDEN}
        return given | {"PATH": f"{OURS}:{os.environ['PATH']}", "PIP_NO_INDEX": "1"} | more

    def begin(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(self.folder / "bin" / "start"), *arguments], env=self.environment(**more), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self, **more: str) -> tuple[int, str, str]:
        process = self.begin("--check", **more)
        output, errors = process.communicate(timeout=PATIENCE_S)
        return process.returncode, output, errors

    def left(self) -> list[str]:
        """Processes that work in this checkout."""
        found = []
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            found += [" ".join(words)] if any(str(self.folder) in word for word in words) else []
        return found


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    with tempfile.TemporaryDirectory(prefix="seatsync-test-") as folder:
        made = Checkout(Path(folder))
        yield made
        until(lambda: not made.left(), "nothing works in the checkout any more")


def test_a_damaged_environment_is_noticed_and_made_anew(checkout: Checkout) -> None:
    status, output, errors = checkout.start()
    assert (status, output) == (0, "launched --check\n"), errors
    venv = checkout.folder / ".venv"
    site = venv / "lib/python3.11/site-packages"

    # Nothing changed: nothing is done, and nothing is said.
    assert checkout.start() == (0, "launched --check\n", "")

    def fault(**changes: object) -> str:
        """What the next start would say of the environment, with some of its stamp changed."""
        script = "import json, sys, _environment as e; print(e._fault(e._stamp(e.RUNTIME) | json.loads(sys.argv[1])))"
        return subprocess.run(
            [str(OURS / "python3.11"), "-c", script, json.dumps(changes)], cwd=checkout.folder / "bin",
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip

    assert fault() == "None"
    contents = json.loads((venv / "requirements.json").read_text())["contents"]
    assert fault(contents=[*contents, "lib/python3.11/site-packages/django"]) == "lacks django"
    assert fault(python="3.11.0 /nowhere/python3.11") == "was made by another Python or in another folder"
    assert fault(folder="/elsewhere/.venv") == "was made by another Python or in another folder"
    (venv / "installing").touch()
    assert fault() == "is half made"
    (venv / "installing").unlink()

    # A package removed by hand.
    next(site.glob("pip-*.dist-info")).rename(venv / "away")
    status, output, errors = checkout.start()
    assert (status, output) == (0, "launched --check\n"), errors
    assert ".venv lacks pip-" in errors
    assert ".dist-info: it is made anew" in errors
    assert not (venv / "away").exists()


def test_a_python_that_is_closed_to_this_user_is_named(checkout: Checkout) -> None:
    """A checkout that root made, on a Python in root's own home."""
    script = (
        "import pathlib, _environment as e\n"
        "def closed(self): raise PermissionError(13, 'closed', str(self))\n"
        "pathlib.Path.exists = closed\n"
        "print(e._fits({}), e._lack())"
    )
    said = subprocess.run(
        [str(OURS / "python3.11"), "-c", script], cwd=checkout.folder / "bin", capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    assert said == "False was made on a Python that is closed to this user\n"


def test_an_environment_of_another_python_is_made_anew(checkout: Checkout) -> None:
    programs = checkout.folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text("#!/bin/sh\necho 3.12\n")
    (programs / "python").chmod(0o755)
    status, output, errors = checkout.start()
    assert (status, output) == (0, "launched --check\n"), errors
    assert ".venv was made by another Python: it is made anew" in errors


def test_a_link_that_leads_to_no_good_environment_is_left_alone(checkout: Checkout) -> None:
    other = checkout.folder / "other"
    other.mkdir()
    (checkout.folder / ".venv").symlink_to(other)
    status, output, errors = checkout.start()
    assert (status, output) == (1, "")
    assert "has no Python any more. Remove the link and start again." in errors
    assert other.exists()


@pytest.mark.parametrize(
    ("phase", "number", "status"),
    [
        (".venv/pyvenv.cfg", signal.SIGTERM, 143),
        (".venv/pyvenv.cfg", signal.SIGHUP, 129),
        (".venv/installing", signal.SIGINT, 130),
    ],
)
def test_a_signal_while_the_environment_is_made_leaves_nothing(
    checkout: Checkout, phase: str, number: signal.Signals, status: int
) -> None:
    process = checkout.begin("--check")
    until(lambda: (checkout.folder / phase).exists() or process.poll() is not None, "the phase has come")
    process.send_signal(number)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status, errors
    assert output == ""
    assert errors.splitlines()[-1] == f"stopped by {number.name}; nothing is left running"
    assert "Traceback" not in errors
    assert not checkout.left()
    if phase.endswith("pyvenv.cfg"):
        assert not (checkout.folder / ".venv").exists()


def test_two_starts_at_once_make_one_environment(checkout: Checkout) -> None:
    both = [checkout.begin("--check") for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE_S) for process in both]
    assert [output for output, _ in said] == ["launched --check\n"] * 2, said
    assert sum("virtual environment (" in errors for _, errors in said) == 1, said


@pytest.mark.parametrize("program", ["start", "test"])
@pytest.mark.parametrize("version", ["2.7.18", "3.6.15", "3.8.20", "3.13.1"])
def test_another_python_is_refused_before_it_reads_our_files(checkout: Checkout, version: str, program: str) -> None:
    tools = checkout.folder / "path"
    tools.mkdir()
    (tools / "dirname").symlink_to(str(shutil.which("dirname")))
    (tools / "python3").write_text(
        "#!/bin/sh\n"
        f'case "$*" in *sys.exit*) exit 1;; *print*) echo {version};; *) echo "SyntaxError" >&2; exit 1;; esac\n'
    )
    (tools / "python3").chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(checkout.folder / "bin" / program)], env={"PATH": str(tools)}, capture_output=True, text=True,
        check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        f"error: SeatSync needs Python 3.11 and this machine's python3 is {version}. "
        "Install python3.11 and start again.\n"
    )


def test_no_python_at_all_is_one_sentence(checkout: Checkout) -> None:
    tools = checkout.folder / "path"
    tools.mkdir()
    (tools / "dirname").symlink_to(str(shutil.which("dirname")))
    done = subprocess.run(
        ["/bin/sh", str(checkout.folder / "bin" / "start")], env={"PATH": str(tools)}, capture_output=True, text=True,
        check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1, "error: SeatSync needs Python 3.11 and no python3 was found. Install python3.11 and start again.\n"
    )  # fmt: skip


def test_a_full_disk_is_named_and_not_the_venv_module(checkout: Checkout) -> None:
    with small_disk(checkout.folder / "disk", megabytes=6) as disk:
        status, output, errors = Checkout(disk / "small").start()
        assert (status, output) == (1, "")
        assert "no space left on the disk" in errors
        assert "python3-venv" not in errors
        assert not (disk / "small" / ".venv").exists()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_pins_are_complete_for_every_python_3_11(name: str) -> None:
    """Debian 12 has 3.11.2, for which redis needs a package that 3.11.3 does not."""
    pinned = {
        re.sub(r"[-_.]+", "-", found).lower()
        for found in re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\[.*?\])?==", (ROOT / name).read_text(), re.MULTILINE)
    }
    oldest = {"python_full_version": "3.11.0", "python_version": "3.11", "extra": ""}
    lacking = []
    for distribution in sorted(pinned):
        try:
            needs = importlib.metadata.requires(distribution) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # not needed by the Python that runs the tests
        for need in map(Requirement, needs):
            wanted = need.marker is None or need.marker.evaluate(oldest)
            if wanted and re.sub(r"[-_.]+", "-", need.name).lower() not in pinned:
                lacking.append(f"{distribution} needs {need}")
    assert not lacking
    assert "async-timeout" in pinned


def test_help_is_printed_before_anything_is_made(checkout: Checkout) -> None:
    shutil.copy(ROOT / "seatsync" / "launch" / "options.py", checkout.folder / "seatsync" / "launch")
    before = sorted(path for path in checkout.folder.rglob("*") if "__pycache__" not in path.parts)
    for option in ("--help", "-h"):
        process = checkout.begin(option, COLUMNS="100")
        output, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, errors) == (0, "")
        assert output.startswith("usage: bin/start [-h] [--port PORT]")
        assert "start, run the main job once, print ok, stop" in output
    after = sorted(path for path in checkout.folder.rglob("*") if "__pycache__" not in path.parts)
    assert after == before
