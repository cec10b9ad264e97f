"""A small WSGI vocabulary: requests in, JSON answers out."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Environ = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What a handler sees. Header names are lower case; `query` keeps the first value of each name."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The JSON body with Decimal numbers; raises ValueError."""
        return json.loads(self.body or b"{}", parse_float=Decimal)

    def form(self) -> dict[str, str]:
        """A form body's first values."""
        return {name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    @property
    def bearer(self) -> str:
        """The token of the Authorization header."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() in {"bearer", "token"} else ""


@dataclass
class Answer:
    """Status, JSON body (None: empty) and headers. `hang`: the client never hears of it."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False


class Refused(Exception):
    """A handler's way to answer with an error at once."""

    def __init__(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.answer = Answer(status, body, headers or {})


def read_request(environ: Environ) -> Request:
    """The request of a WSGI environment."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    body = environ["wsgi.input"].read(length) if length else b""
    return Request(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"), query, headers, body)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def write_answer(answer: Answer, start_response: StartResponse, content_type: str) -> Iterable[bytes]:
    """Send an answer."""
    content = json.dumps(answer.body, default=_plain).encode() if answer.body is not None else b""
    headers = {"Content-Type": content_type, "Content-Length": str(len(content)), **answer.headers}
    if answer.hang:
        headers["X-Sim-Hang"] = "1"
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(headers.items()))
    return [content]
