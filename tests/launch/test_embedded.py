"""The embedded servers on real processes: ours are ended, a stranger is left alone, nothing outlives its keeper."""

import fcntl
import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from seatsync.core.embedded import _reason
from seatsync.core.embedded.lifetime import end_orphan, is_ours, pid_of
from seatsync.core.embedded.postgres import reason_in
from tests.launch.tools import User, servers, small_disk, until


def keeper_of(state: Path) -> psutil.Process:
    return psutil.Process(int(json.loads((state / "services.json").read_text())["keeper_pid"]))


@pytest.mark.parametrize("claim", ["{pid}", "-{pid}", "1", "0", "-1", "", "x"])
def test_a_pid_file_that_names_a_stranger_is_removed_and_the_stranger_left_alone(
    claim: str, tmp_path: Path, stranger: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[int, int]] = []
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(claim.format(pid=stranger.pid) + "\n/somewhere\n")
    with monkeypatch.context() as patched:
        # Never let a wrong build of ours reach a real process with -1.
        patched.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
        end_orphan(pid_file, program="postgres", option="-D", folder=tmp_path, name=signal.SIGINT)
    assert not sent
    assert not pid_file.exists()


def test_a_process_is_ours_by_its_program_and_its_folder(tmp_path: Path) -> None:
    ours, other = tmp_path / "postgres", tmp_path / "other"
    command = f"exec -a /x/postgres bash -c 'sleep 600; :' x -D {ours}"
    process = subprocess.Popen(["bash", "-c", command], start_new_session=True)
    try:
        until(lambda: is_ours(process.pid, program="postgres", option="-D", folder=ours), "the command line is there")
        assert not is_ours(process.pid, program="postgres", option="-D", folder=other)
        assert not is_ours(process.pid, program="valkey-server", option="-D", folder=ours)
        assert not is_ours(process.pid, program="postgres", option="--dir", folder=ours)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not is_ours(process.pid, program="postgres", option="-D", folder=ours)


def test_a_stale_pid_file_in_the_data_folder_starts_and_signals_nobody(
    state: Path, stranger: "subprocess.Popen[bytes]"
) -> None:
    first = User(state)
    first.end()
    until(lambda: not servers(state), "the servers are gone")
    for name in ("postgres/postmaster.pid", "valkey.pid"):
        (state / name).write_text(f"-{stranger.pid}\n")
    second = User(state)
    assert second.said, second.end()
    assert pid_of(state / "valkey.pid") > 1
    second.end()


def test_a_killed_keeper_takes_both_servers_along_and_the_next_user_has_new_ones(state: Path) -> None:
    first = User(state)
    assert len(servers(state)) == 2
    keeper_of(state).kill()
    until(lambda: not servers(state), "both servers end with their keeper")
    assert "ended" in (first.ask() or "")
    second = User(state)
    assert second.said, second.end()
    assert second.ask() is None
    assert first.ask(), "the first still holds the addresses of servers that are gone"
    first.end()
    second.end()


@pytest.mark.parametrize(("program", "named"), [("postgres", "PostgreSQL"), ("valkey-server", "Valkey")])
def test_a_server_that_dies_ends_the_keeper_and_every_user_can_tell(state: Path, program: str, named: str) -> None:
    user = User(state)
    assert user.ask() is None
    next(one for one in servers(state) if Path(one.cmdline()[0]).name == program).kill()
    until(lambda: not (state / "services.json").exists(), "services.json is removed")
    until(lambda: not servers(state), "the other server is stopped")
    assert "ended" in (user.ask() or "")
    until(lambda: f"error: {named} ended by itself" in (state / "keeper.log").read_text(), "the keeper says which")
    user.end()


def test_an_orphan_of_ours_is_ended_before_the_next_start(state: Path) -> None:
    first = User(state)
    orphans = servers(state)
    # Stopped, they cannot follow their keeper; the next start finds them by their pid files.
    for orphan in orphans:
        orphan.suspend()
    keeper_of(state).kill()
    first.end()
    for orphan in orphans:
        orphan.resume()
    second = User(state)
    assert second.said, second.end()
    assert not {one.pid for one in orphans} & {one.pid for one in servers(state)}
    second.end()


@pytest.mark.parametrize("text", ["[]", "{{", "null", '{{"keeper_pid": {pid}, "database_url": "x", "redis_url": "y"}}'])
def test_a_services_file_that_no_keeper_stands_behind_is_no_servers(
    state: Path, text: str, stranger: "subprocess.Popen[bytes]"
) -> None:
    state.mkdir()
    (state / "services.json").write_text(text.format(pid=stranger.pid))
    user = User(state)
    assert "postgres://seatsync@127.0.0.1" in user.said, user.end()
    user.end()


def test_a_damaged_services_file_of_a_running_keeper_is_named_with_the_process(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seatsync.core.embedded import EmbeddedError, keeper

    state.mkdir()
    with (state / "keeper.lock").open("w") as held:
        held.write("4711\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        monkeypatch.setattr(keeper, "TAKE_OVER_WITHIN_S", 0.0)
        with pytest.raises(EmbeddedError, match=r"Process 4711 .* Stop that process"):
            keeper._own(state / "keeper.lock")


def test_the_reason_of_a_failed_setup_is_the_complaint_and_not_the_tidying_up() -> None:
    said = (
        'creating configuration files ... ok\ninitdb: error: could not write file "x": No space left on device\n'
        'initdb: removing contents of data directory "/x"\n'
    )
    assert reason_in(said) == "No space left on device. Free the disk and start again."
    other = "initdb: error: could not create directory: Permission denied\ninitdb: removing data directory\n"
    assert reason_in(other).startswith("initdb: error: could not create directory: Permission denied.")


def test_a_full_disk_is_named(state: Path) -> None:
    with small_disk(state.with_name("disk"), megabytes=24) as disk:
        user = User(disk / "state")
        errors = user.end()
        assert "No space left on device" in errors or "is full" in errors, errors
        until(lambda: not servers(disk), "nothing is left running")
        (disk / "filler").write_bytes(b"")
        log = disk / "state" / "keeper.log"
        with (disk / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(b"\0" * 65536):
                    pass
            except OSError:
                pass
        assert "is full" in _reason(log, log.stat().st_size)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")
def test_a_database_made_in_an_open_folder_still_starts_once_the_folder_is_shut(state: Path) -> None:
    assert User(state).end() == ""
    until(lambda: not servers(state), "the servers are gone")
    state.parent.chmod(0o700)
    if subprocess.run(["unshare", "--user", "--map-user=1000", "true"], check=False).returncode != 0:
        pytest.skip("no user namespaces here")
    user = User(state)
    assert user.said, user.end()
    user.end()
