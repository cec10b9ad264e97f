"""Started by a test: the launcher's processes, of which one and its own child want no end; prints `ready`, waits."""

import signal
import sys
import time
from pathlib import Path

from seatsync.launch.interrupts import Interrupts, Stopped
from seatsync.launch.processes import Processes, Spec

STUBBORN = """
import os, signal, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
child = os.fork()
print("child" if child else "grandchild", flush=True)
while True:
    time.sleep(1)
"""
# Ends when it is asked to, and leaves a child that does not.
CARELESS = """
import os, signal, sys, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("left behind", flush=True)
    while True:
        time.sleep(1)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("careless", flush=True)
while True:
    time.sleep(1)
"""


def main() -> None:
    interrupts = Interrupts()
    processes = Processes({}, interrupts, grace_s=float(sys.argv[2]))
    try:
        interrupts.listen()
        processes.start(Spec("servers", [sys.executable, "-c", STUBBORN], rank=1))
        processes.start(Spec("web", [sys.executable, "-c", CARELESS]))
        if sys.argv[1] == "running":
            sys.stderr.write("ready\n")
            while True:
                time.sleep(0.1)
        sys.stderr.write("ready\n")
        processes.run(Spec("command", [sys.executable, "-c", STUBBORN]), lambda line: None, cwd=Path.cwd())
    except Stopped:
        pass
    finally:
        interrupts.ignore()
        processes.stop()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
