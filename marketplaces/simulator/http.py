"""Requests and answers as the dialects see them; the WSGI side is here and nowhere else."""

import csv
import email
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

# Tells the in-process transport (and shows in a trace) that the answer comes later than any caller waits, or how many
# seconds late it is.
HANG_HEADER = "X-Sim-Hang"
LATE_HEADER = "X-Sim-Late"
IN_PROCESS_HEADER = "x-sim-in-process"
# What reading a request of the wrong shape raises, however odd it is: the platform's business to refuse.
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, csv.Error)


class Refusal(Exception):
    """A request that is not carried out; each dialect words it in its own way."""

    def __init__(
        self, status: int, message: str, *, code: str = "", errors: dict[str, list[str]] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.errors = errors or {}


class NoRouteError(Refusal):
    """Nothing lies at the address: that says whatever stands before the platform, in words of its own."""

    def __init__(self) -> None:
        super().__init__(404, "Not Found")


@dataclass(slots=True)
class Request:
    """One request; header names are lower case, `path` is without the platform's prefix."""

    method: str
    path: str
    base: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """The body as an object, fractions as Decimal; raises Refusal(400)."""
        try:
            value = json.loads(self.body or b"{}", parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise Refusal(400, "the body is not JSON", code="invalid_request_body") from error
        if not isinstance(value, dict):
            raise Refusal(400, "the body is not an object", code="invalid_request_body")
        return value

    def form(self) -> dict[str, str]:
        """The fields of a urlencoded or multipart body."""
        if not self.headers.get("content-type", "").startswith("multipart/form-data"):
            return dict(parse_qsl(self.body.decode(errors="replace")))
        return {name: content.decode(errors="replace") for name, filename, content in self._parts() if filename is None}

    def _parts(self) -> list[tuple[str, str | None, bytes]]:
        """Name, file name (None: a plain field) and content of each part of a multipart body."""
        kind = self.headers.get("content-type", "")
        message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + self.body)
        found: list[tuple[str, str | None, bytes]] = []
        for part in message.walk():
            name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(content, bytes):
                found.append((name, part.get_filename(), content))
        return found

    def file(self, name: str) -> tuple[str, bytes]:
        """The file of a multipart body under this name: its own name, and what is in it. Raises Refusal(400)."""
        found = self.files(name)
        if not found:
            raise Refusal(400, f"the file {name} is missing")
        return found[0]

    def files(self, name: str) -> list[tuple[str, bytes]]:
        """The files of a multipart body under this name."""
        return [
            (filename, content) for given, filename, content in self._parts() if given == name and filename is not None
        ]

    def values(self, name: str) -> list[str]:
        """The texts of a multipart body under this name."""
        return [
            content.decode(errors="replace") for given, filename, content in self._parts()
            if given == name and filename is None
        ]  # fmt: skip


@dataclass(slots=True)
class Response:
    """One answer; `body` is what becomes JSON, or text as it is."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_s: float = 0.0
    late_s: float = 0.0


def read(environ: WSGIEnvironment) -> Request:
    """The request in a WSGI environment, its body read whole so that the connection can be used again."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    headers = {key[5:].replace("_", "-").lower(): str(value) for key, value in environ.items() if key[:5] == "HTTP_"}
    headers["content-type"] = str(environ.get("CONTENT_TYPE") or "")
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO") or "/",
        base=f"{environ['wsgi.url_scheme']}://{headers.get('host', 'localhost')}",
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        headers=headers,
        body=environ["wsgi.input"].read(length) if length else b"",
    )


def write(response: Response, start_response: StartResponse) -> Iterable[bytes]:
    """The answer as WSGI."""
    text = isinstance(response.body, str)
    content = b"" if response.body is None else (response.body if text else render(response.body)).encode()
    headers = {"Content-Type": "text/html; charset=utf-8" if text else "application/json", **response.headers}
    headers["Content-Length"] = str(len(content))
    if response.hang_s:
        headers[HANG_HEADER] = str(response.hang_s)
    if response.late_s:
        headers[LATE_HEADER] = f"{response.late_s:.3f}"
    if response.body is None:
        headers.pop("Content-Type")
    start_response(f"{response.status} {_phrase(response.status)}", list(headers.items()))
    return [content]


def render(value: Any) -> str:
    """JSON with Decimal as a number of two decimals."""
    if isinstance(value, Decimal):
        return format(value.quantize(Decimal("0.01")), "f")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {render(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(render, value)) + "]"
    return json.dumps(value)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
