"""The simulator on a real loopback address: connections kept, answers that hang, a stop that saves."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from marketplaces.simulator.app import Simulator
from marketplaces.simulator.server import PortInUse, RunningSimulator

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = """
import sys
from pathlib import Path
from marketplaces.simulator.server import serve
serve(int(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture
def running() -> Iterator[RunningSimulator]:
    server = RunningSimulator(Simulator(), port=0)
    server.start()
    yield server
    server.stop()


def _port_of(server: RunningSimulator) -> int:
    return int(server.url.rpartition(":")[2])


def test_a_connection_serves_many_requests_without_delay(running: RunningSimulator) -> None:
    addresses = set()
    with httpx.Client(base_url=running.url) as http:
        for _ in range(50):
            answer = http.post("/_sim/seed", json={"seed": 3})
            assert answer.json() == {"seed": 3}
            stream = answer.extensions["network_stream"]
            addresses.add(stream.get_extra_info("client_addr"))
    assert len(addresses) == 1


def test_an_answer_that_hangs_times_out_and_blocks_nobody_else(running: RunningSimulator) -> None:
    httpx.post(f"{running.url}/_sim/faults", json={"add": [{"kind": "timeout_before", "count": 1, "hang_s": 4.0}]})
    caught: list[type[Exception]] = []

    def wait() -> None:
        try:
            httpx.get(f"{running.url}/seatgeek/listings", timeout=3.0)
        except httpx.TimeoutException as error:
            caught.append(type(error))

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not httpx.get(f"{running.url}/_sim/faults").json()["faults"][0]["struck"]:
        time.sleep(0.01)
    # Answered while the other one still waits for its own answer.
    assert httpx.get(f"{running.url}/_sim/health").json()["ok"] is True
    assert caught == []
    waiting.join()
    assert caught == [httpx.ReadTimeout]


def test_a_port_in_use_is_said_plainly(running: RunningSimulator) -> None:
    with pytest.raises(PortInUse, match="in use"):
        RunningSimulator(Simulator(), port=_port_of(running))


def test_webhooks_go_out_by_themselves(running: RunningSimulator) -> None:
    got: list[str] = []

    def keep(url: str, headers: dict[str, str], body: str) -> int:
        got.append(url)
        return 200

    running.simulator.outbox._sender = keep
    hook = "https://seatsync.test/x"
    with httpx.Client(base_url=running.url) as http:
        token = http.post("/_sim/accounts", json={"platform": "seatgeek", "webhook_url": hook}).json()["access_token"]
        body = {"event": "A", "venue": "B", "event_date": "2026-04-10", "quantity": 1, "cost": 10, "section": "1"}
        body["row"] = "1"
        answer = http.put("/seatgeek/listings/single/k1", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.json() == {"ok": True}
        http.post("/_sim/sell", json={"platform": "seatgeek", "external_id": "k1", "quantity": 1})
        until = time.monotonic() + 60
        while not got and time.monotonic() < until:
            time.sleep(0.02)
    assert got == [hook]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops(tmp_path: Path, number: signal.Signals) -> None:
    free = RunningSimulator(Simulator(), port=0)
    port = _port_of(free)
    free._server.server_close()
    path = tmp_path / "simulator.json"
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(port), str(path)], cwd=ROOT)
    try:
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{url}/_sim/health", timeout=1)
                break
            except httpx.TransportError:
                assert time.monotonic() < until
                assert process.poll() is None
                time.sleep(0.05)
        httpx.post(f"{url}/_sim/accounts", json={"platform": "seatgeek", "account_id": "me"})
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert [item["id"] for item in json.loads(path.read_text())["accounts"]] == ["me"]
