"""Two pools of threads before one WSGI application, so that what must be quick never waits for what may be slow."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from a2wsgi import WSGIMiddleware

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

# A body that has not come by then is not waited for.
BODY_WITHIN_S = 10.0


def pooled(wsgi: Any, *, threads: int, door: Iterable[str], door_threads: int, largest_body: int) -> App:
    """An ASGI application that runs `wsgi` on `threads` threads, and what begins with one of `door` on others.

    At the door a thread is taken only once the body (of at most `largest_body` bytes; more is cut one byte after, for
    the application to refuse) has come whole: slow senders hold none back.
    """
    pages = WSGIMiddleware(wsgi, workers=threads)
    quick = _whole_body(WSGIMiddleware(wsgi, workers=door_threads), largest_body)
    beginnings = tuple(door)

    async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        async def received() -> Message:
            # Servers may give any awaitable; threads can only wait for a coroutine.
            return await receive()

        chosen: Any = quick if scope["type"] == "http" and scope["path"].startswith(beginnings) else pages
        await chosen(scope, received, send)

    return application


def _whole_body(app: Any, most: int) -> App:
    async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                more = True
                while more and len(body) <= most:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
        except TimeoutError:
            await send({"type": "http.response.start", "status": 408, "headers": [(b"connection", b"close")]})
            await send({"type": "http.response.body", "body": b""})
            return
        kept = bytes(body[: most + 1])

        async def replay() -> Message:
            return {"type": "http.request", "body": kept, "more_body": False}

        # Senders may leave the length out, and WSGI would take such a body for an empty one.
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-length"]
        length = _announced(scope) or len(kept)
        await app({**scope, "headers": [*headers, (b"content-length", str(length).encode())]}, replay, send)

    return application


def _announced(scope: dict[str, Any]) -> int:
    """The announced length, for the application to judge; 0 where there is none that is a number."""
    found = dict(scope["headers"]).get(b"content-length", b"")
    return int(found) if found.isdigit() and len(found) < 20 else 0
