"""Serves the simulator on an address: several threads, connections kept open, state saved while it runs and at stop."""

import contextlib
import errno
import logging
import signal
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from marketplaces.simulator.app import Simulator

TICK_S = 0.25
SAVE_S = 2.0
SELLERS_AT_ONCE = 8
log = logging.getLogger(__name__)


class PortInUse(OSError):
    """Another process listens there already."""


class _Handler(ServerHandler):
    http_version = "1.1"
    # Whom the base class asks to close the connection.
    request_handler: WSGIRequestHandler


class _RequestHandler(WSGIRequestHandler):
    """The standard handler answers one request and hangs up; this one keeps the connection."""

    protocol_version = "HTTP/1.1"
    # Head and body leave in one piece and at once: else each answer waits for a delayed acknowledgement.
    wbufsize = 65536
    disable_nagle_algorithm = True
    timeout = 60

    def handle(self) -> None:
        """Requests until either side closes."""
        self.close_connection = False
        with contextlib.suppress(ConnectionError, TimeoutError):
            while not self.close_connection:
                self._handle_one()

    def _handle_one(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        handler = _Handler(
            self.rfile, cast("IO[bytes]", self.wfile), self.get_stderr(), self.get_environ(), multithread=True
        )
        handler.request_handler = self
        app = self.server.get_app() if isinstance(self.server, WSGIServer) else None
        if app is not None:
            handler.run(app)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Requests are not logged: the caller logs what it asks."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # A worker pool opens many connections at once.
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without looking the host's name up, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class RunningSimulator:
    """A simulator that listens on `port` (0: any free one) until `stop`. Raises PortInUse."""

    def __init__(self, simulator: Simulator, *, port: int, host: str = "127.0.0.1") -> None:
        self.simulator = simulator
        try:
            self._server = _Server((host, port), _RequestHandler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(
                    errno.EADDRINUSE, f"Port {port} is in use. Stop what listens there, or choose another port."
                ) from error
            raise
        self._server.set_app(simulator)
        simulator.outbox.at_once = SELLERS_AT_ONCE
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True),
            threading.Thread(target=self._every, args=(TICK_S, simulator.advance), daemon=True),
            threading.Thread(target=self._deliver, daemon=True),
            threading.Thread(target=self._every, args=(SAVE_S, simulator.save), daemon=True),
        ]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self._server.server_name}:{self._server.server_port}"

    def start(self) -> None:
        """Listen, and let time pass."""
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Until `ask_to_stop`."""
        self._stopping.wait()

    def ask_to_stop(self) -> None:
        """Let `wait` return; safe in a signal handler."""
        self._stopping.set()

    def stop(self) -> None:
        """Stop listening and save."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self.simulator.save()

    def _every(self, seconds: float, work: Callable[[], object]) -> None:
        while not self._stopping.wait(seconds):
            self._carefully(work)

    def _deliver(self) -> None:
        """A webhook leaves when it is queued, or when its time has come."""
        while not self._stopping.is_set():
            self.simulator.outbox.queued.wait(TICK_S)
            self.simulator.outbox.queued.clear()
            self._carefully(self.simulator.deliver_due)

    @staticmethod
    def _carefully(work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            # Time must go on: one failed save or delivery is tried again at the next turn.
            log.exception("simulator: background work failed")


def serve(port: int, state_path: Path | None = None, host: str = "127.0.0.1", *, seed: int = 1) -> None:
    """Run until SIGTERM or SIGINT, then save. Raises PortInUse, and ValueError where the saved state is damaged."""
    running = RunningSimulator(Simulator(seed=seed, state_path=state_path), port=port, host=host)

    def leave(signum: int, frame: FrameType | None) -> None:
        running.ask_to_stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    running.start()
    running.wait()
    running.stop()
