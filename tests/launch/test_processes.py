"""A child that is killed as the kernel does it is gone with what it started, and may be started again."""

import sys
import time
from pathlib import Path

from seatsync.launch import guard
from seatsync.launch.interrupts import Interrupts
from seatsync.launch.processes import Processes, Spec

# It starts another, and neither heeds SIGTERM.
STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); time.sleep(600)"
)


def test_a_child_that_is_killed_is_gone_with_its_own_and_starts_again() -> None:
    processes = Processes({}, Interrupts(), grace_s=5.0)
    spec = Spec("stubborn", [sys.executable, "-c", STUBBORN])
    try:
        processes.start(spec)
        group = processes.running["stubborn"].pid
        tasks = Path(f"/proc/{group}/task/{group}/children")
        while not tasks.read_text().split():
            time.sleep(0.02)
        processes.kill("stubborn")
        assert not guard.alive(group)
        assert (processes.running, processes.dead()) == ({}, None)
        processes.start(spec)
        assert processes.running["stubborn"].pid != group
        processes.kill("stubborn")
    finally:
        processes.stop()
