"""A request to the outside is bounded as a whole: neither a server that drips nor many in a row outlast a lease."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import structlog

from seatsync.core.http import calls_within, http_client


class Dripping(BaseHTTPRequestHandler):
    """A body of many bytes, one at a time, until it is let go."""

    released = threading.Event()
    asked: list[str] = []
    correlated: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.correlated.append(self.headers.get("X-Correlation-ID", ""))
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(b"x")
            self.wfile.flush()
            if self.path == "/drip" and self.released.wait(0.1):
                break

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    Dripping.released.clear()
    Dripping.asked.clear()
    Dripping.correlated.clear()
    running = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    Dripping.released.set()
    running.shutdown()
    thread.join()
    running.server_close()


def test_an_answer_that_drips_is_cut_off_before_it_ends(server: str, settings: Any) -> None:
    settings.HTTP_TOTAL_TIMEOUT_S = 1.0
    # The whole would take a hundred seconds, and no single wait is longer than a tenth of one.
    with http_client() as http, pytest.raises(httpx.ReadTimeout):
        http.get(f"{server}/drip")
    assert not Dripping.released.is_set()


def test_requests_that_share_a_time_are_not_sent_when_it_is_over(server: str) -> None:
    with http_client() as http:
        with calls_within(60):
            assert http.get(f"{server}/whole").status_code == 200
        with calls_within(0), pytest.raises(httpx.ConnectTimeout):
            http.get(f"{server}/late")
    assert Dripping.asked == ["/whole"]


def test_a_request_names_what_it_was_sent_for(server: str) -> None:
    with http_client() as http:
        with structlog.contextvars.bound_contextvars(request_id="job-1.2"):
            http.get(f"{server}/whole")
        structlog.contextvars.clear_contextvars()
        http.get(f"{server}/whole")
    assert Dripping.correlated == ["job-1.2", ""]
