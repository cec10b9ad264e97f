"""What leaves for StubHub, held against its published operations: address, query and body, whoever sends it."""

import ast
import inspect
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from marketplaces.adapters import _wire
from marketplaces.adapters.stubhub import adapter
from marketplaces.simulator.transport import SimulatorTransport
from tests.marketplaces.specs import VENDORED, misfits, spec_of

# Of the functions of the adapter's client those that send something.
_SENDERS = frozenset({"call", "get", "items", "pages", "document"})
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One published operation: its method, its path with names in braces, and what it takes."""

    method: str
    path: str
    pattern: re.Pattern[str]
    spec: str
    query: frozenset[str]
    body: Any

    @property
    def names(self) -> int:
        """How many parts of the path stand for something: of two that fit, the one with fewer is meant."""
        return self.path.count("{")


@lru_cache(maxsize=1)
def operations() -> tuple[Operation, ...]:
    """Every operation of StubHub's published specs."""
    return tuple(
        Operation(
            method.upper(), prefix + path, re.compile(re.sub(r"\{\w+\}", r"[^/]+", prefix + path) + "$"), file.name,
            frozenset(one["name"] for one in told.get("parameters", []) if one.get("in") == "query"),
            told.get("requestBody"),
        )
        for file in sorted(VENDORED.glob("*.json"))
        for spec in [spec_of(file.name)]
        for prefix in [urlsplit(spec["servers"][0]["url"]).path]
        for path, methods in spec["paths"].items()
        for method, told in methods.items() if method in _METHODS
    )  # fmt: skip


def operation_of(method: str, path: str) -> Operation | None:
    """The published operation that answers there."""
    fitting = [one for one in operations() if one.method == method and one.pattern.match(path)]
    return min(fitting, key=lambda one: one.names, default=None)


def problems(request: httpx.Request) -> list[str]:
    """What of a request to StubHub is not as published; its path is without the simulator's prefix."""
    path = request.url.path.removeprefix("/stubhub")
    where = f"{request.method} {path}"
    operation = operation_of(request.method, path)
    if operation is None:
        return [f"{where}: no such operation is published"]
    found = [f"{where}: it has no query {name}" for name in request.url.params if name not in operation.query]
    content, kind = request.read(), request.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        # Files: the specs say nothing of them.
        return found if operation.body is None else [*found, f"{where}: it takes no files"]
    if operation.body is None:
        return [*found, f"{where}: it takes no body"] if content else found
    schema = operation.body["content"]["application/json"]["schema"]
    return found + [
        f"{where}: {problem}" for problem in misfits(operation.spec, schema, json.loads(content or b"null"))
    ]


@lru_cache(maxsize=1)
def places() -> frozenset[int]:
    """The lines of the adapter on which something is sent."""
    tree = ast.parse(inspect.getsource(adapter))
    return frozenset(
        node.lineno for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _SENDERS
        and isinstance(node.func.value, ast.Name) and node.func.value.id == "client"
    )  # fmt: skip


@dataclass
class Watch:
    """What the adapter sent so far: which operations, from which of its lines, and what was wrong with it."""

    seen: set[str] = field(default_factory=set)
    lines: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    _sending: threading.local = field(default_factory=threading.local)

    def look(self, request: httpx.Request) -> None:
        """A request is on its way to the simulator; what a test sends with its own hands is not looked at."""
        path = request.url.path
        if getattr(self._sending, "now", False) and path.startswith("/stubhub/") and "/oauth2/" not in path:
            operation = operation_of(request.method, path.removeprefix("/stubhub"))
            self.seen |= {f"{operation.method} {operation.path}"} if operation else set()
            self.wrong += problems(request)
            self.lines |= _lines_of(sys._getframe())

    @contextmanager
    def sending(self) -> Iterator[None]:
        """What leaves meanwhile from this thread an adapter sends."""
        self._sending.now = True
        try:
            yield
        finally:
            self._sending.now = False


def _lines_of(frame: FrameType | None) -> set[int]:
    """On which of the adapter's lines the calls stand by which it came here."""
    found = set()
    while frame is not None:
        if frame.f_code.co_filename == adapter.__file__:
            found.add(frame.f_lineno)
        frame = frame.f_back
    return found


WATCH = Watch()


@contextmanager
def watched() -> Iterator[None]:
    """Every request that an adapter sends to a simulator in this process is looked at."""
    send, handle = _wire.send, SimulatorTransport.handle_request

    def sent(*args: Any, **options: Any) -> httpx.Response:
        with WATCH.sending():
            return send(*args, **options)

    def handled(self: SimulatorTransport, request: httpx.Request) -> httpx.Response:
        WATCH.look(request)
        return handle(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_wire, "send", sent)
        patch.setattr(SimulatorTransport, "handle_request", handled)
        yield
