"""Serving the simulator on loopback, with threads, its journal and its webhooks."""

import signal
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from marketplaces.simulator.app import Simulator

SAVE_EVERY_S = 1.0


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Requests are not logged: they carry tokens."""


def serve(port: int, *, state_path: Path | None = None, host: str = "127.0.0.1", seed: int = 0) -> None:
    """Serve until SIGTERM or SIGINT, then save. Raises OSError where the port is in use."""
    simulator = Simulator(seed=seed, state_path=state_path, served=True)
    server = make_server(host, port, simulator, server_class=_Server, handler_class=_Handler)
    simulator.deliveries.start()
    stopping = threading.Event()

    def stop(*_: object) -> None:
        stopping.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=_save_loop, args=(simulator, stopping), daemon=True).start()
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        server.server_close()
        simulator.save()


def _save_loop(simulator: Simulator, stopping: threading.Event) -> None:
    while not stopping.wait(SAVE_EVERY_S):
        simulator.save()
