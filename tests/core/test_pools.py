"""What must be quick has threads of its own, and takes one only for a request that has come whole."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from seatsync.core import pools
from seatsync.core.pools import App, Message, pooled

MOST = 1000


class Site:
    """A WSGI application whose pages wait for the gate, and whose door says how long a body it was given."""

    def __init__(self) -> None:
        self.gate, self.full = threading.Event(), threading.Event()
        self.at_work = 0

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.at_work += 1
        if environ["PATH_INFO"].startswith("/page"):
            if self.at_work >= 2:
                self.full.set()
            assert self.gate.wait(60)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        start("200 OK", [("Content-Type", "text/plain")])
        return [f"{length} {len(environ['wsgi.input'].read(length))}".encode()]


async def ask(app: App, path: str, *body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> tuple[int, bytes]:
    """The status and the body; a request whose last piece is None never ends."""
    scope = {
        "type": "http", "method": "POST", "path": path, "query_string": b"", "headers": list(headers),
        "http_version": "1.1", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "scheme": "http",
    }  # fmt: skip
    pieces, said = list(body) or [b""], list[Message]()

    async def receive() -> Message:
        if not pieces:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces) or b"..." in body}

    async def send(message: Message) -> None:
        said.append(message)

    # As granian does: something to wait for that is no coroutine.
    await app(scope, lambda: asyncio.ensure_future(receive()), send)
    return said[0]["status"], b"".join(message.get("body", b"") for message in said)


def two_pools(site: Site) -> App:
    return pooled(site, threads=2, door=("/webhooks/", "/healthz"), door_threads=2, largest_body=MOST)


async def test_the_door_answers_while_every_page_waits() -> None:
    site = Site()
    app = two_pools(site)
    pages = [asyncio.create_task(ask(app, f"/page/{number}")) for number in range(8)]
    assert await asyncio.to_thread(site.full.wait, 60)
    async with asyncio.timeout(30):
        for path in ("/webhooks/alpha/1/", "/healthz"):
            assert await ask(app, path, b"x" * 7) == (200, b"7 7")
    assert not any(page.done() for page in pages)
    site.gate.set()
    assert {status for status, _ in await asyncio.gather(*pages)} == {200}


async def test_a_page_reads_its_body() -> None:
    site = Site()
    site.gate.set()
    assert await ask(two_pools(site), "/page/", b"x" * 5, headers=((b"content-length", b"5"),)) == (200, b"5 5")


async def test_senders_that_never_end_take_no_thread_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    app = two_pools(site)
    slow = [asyncio.create_task(ask(app, "/webhooks/alpha/1/", b"...")) for _ in range(6)]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        assert await ask(app, "/webhooks/alpha/1/", b"x") == (200, b"1 1")
    for sender in slow:
        sender.cancel()
    monkeypatch.setattr(pools, "BODY_WITHIN_S", 0.01)
    assert await ask(app, "/webhooks/alpha/1/", b"...") == (408, b"")
    assert site.at_work == 1


@pytest.mark.parametrize(
    ("pieces", "announced", "seen"),
    [
        ((b"x" * 4, b"y" * 6), None, b"10 10"),
        ((b"x" * 4, b"y" * 6), b"10", b"10 10"),
        # One byte more than it may be, so that the application refuses it; the rest is not read.
        ((b"x" * 900, b"y" * 900, b"z" * 900), None, b"1001 1001"),
        ((b"x",), b"words", b"1 1"),
    ],
)
async def test_a_body_arrives_whole_with_its_length_or_is_cut_after_the_most(
    pieces: tuple[bytes, ...], announced: bytes | None, seen: bytes
) -> None:
    headers = ((b"content-length", announced),) if announced else ()
    assert await ask(two_pools(Site()), "/webhooks/alpha/1/", *pieces, headers=headers) == (200, seen)
