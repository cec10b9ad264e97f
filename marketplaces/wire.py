"""One request path for all adapters: exact JSON money, timeouts to error classes, Retry-After. No Django here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from marketplaces.errors import (
    AlreadyGone,
    GrantExpired,
    MarketplaceError,
    PermanentError,
    TemporaryError,
    UnknownOutcome,
)  # fmt: skip

# Answers of a gateway that never passed the request on.
NOT_APPLIED = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, parsed body (numbers with a point are Decimal), headers."""

    status: int
    body: Any
    headers: Mapping[str, str]


def number(amount: Decimal) -> float:
    """A money amount for a JSON body: a float of at most 15 digits prints the very digits of its Decimal."""
    return float(amount.quantize(Decimal("0.01")))


def dump(body: Any) -> bytes:
    """JSON bytes of a body whose money was made by `number`."""
    return json.dumps(body, separators=(",", ":")).encode()


def parse(content: bytes) -> Any:
    """Parsed JSON; None for an empty or unreadable body."""
    try:
        return json.loads(content, parse_float=Decimal) if content else None
    except ValueError:
        return None


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds from a Retry-After header (number or date); None where there is none."""
    value = headers.get("retry-after")
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - (now or datetime.now(tz=UTC))).total_seconds())


def send(
    http: httpx.Client,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    json_body: Any = None,
    form: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    changes: bool,
) -> Reply:
    """Send one request. `changes` says whether it may alter something there, so that a lost answer is UnknownOutcome.

    Raises the classes of marketplaces/errors.py for everything but 2xx.
    """
    content = dump(json_body) if json_body is not None else None
    sent = {**headers, **({"Content-Type": "application/json"} if content is not None else {})}
    try:
        answer = http.request(method, url, headers=sent, content=content, data=form, params=params)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise TemporaryError(f"no connection: {error}") from error
    except httpx.HTTPError as error:
        raise (UnknownOutcome if changes else TemporaryError)(f"no answer: {type(error).__name__}") from error
    if answer.is_success:
        return Reply(answer.status_code, parse(answer.content), answer.headers)
    raise failure(answer, changes=changes)


def failure(answer: httpx.Response, *, changes: bool) -> MarketplaceError:
    """The error class of an answer that is not a success."""
    status, words = answer.status_code, f"{answer.status_code} {_words(parse(answer.content))}".strip()
    if status in NOT_APPLIED:
        return TemporaryError(words, status=status, retry_after_s=retry_after(answer.headers))
    if status >= 500:
        return (UnknownOutcome if changes else TemporaryError)(words, status=status)
    if status == 401:
        return GrantExpired(words, status=status)
    if status in {404, 410}:
        return AlreadyGone(words, status=status)
    return PermanentError(words, status=status)


def _words(body: Any) -> str:
    """The readable part of an error body, whichever of the known shapes it has."""
    if not isinstance(body, dict):
        return ""
    error = body.get("error")
    inner = error.get("message") if isinstance(error, dict) else error
    parts = [str(part) for part in (body.get("code"), body.get("message"), body.get("title"), inner) if part]
    errors = body.get("errors")
    if isinstance(errors, dict):
        parts += [f"{path}: {', '.join(map(str, texts))}" for path, texts in errors.items()]
    return "; ".join(parts)[:250]


def moment(text: str | None) -> datetime | None:
    """An ISO 8601 time as aware UTC (one without a zone is taken as UTC); None for none."""
    if not text:
        return None
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def amount(value: Any) -> Decimal:
    """A JSON number or text as money with two decimals."""
    return Decimal(str(value or 0)).quantize(Decimal("0.01"))
