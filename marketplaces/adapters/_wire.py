"""What every dialect needs on the wire: exact money in JSON, lenient reading, and transport failures as our errors."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from difflib import SequenceMatcher
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from marketplaces import splits
from marketplaces.contracts import EventQuery, Link, PaymentLine, RemoteEvent
from marketplaces.errors import (
    AlreadyGone,
    AlreadySold,
    GrantExpired,
    MarketplaceError,
    MustWait,
    PermanentError,
    PriceRefused,
    TemporaryError,
    UnknownOutcome,
)  # fmt: skip
from marketplaces.splits import SPLITS
from seatsync.core.clock import now
from seatsync.core.crypto import sha256_hex

CENT = Decimal("0.01")
# No split of a season ticket's listing is larger; a guard against a platform that pages for ever.
MOST_PAGES = 1000
_NOT_FOUND = frozenset({404, 410})
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
T = TypeVar("T")


def cents(amount: Decimal) -> Decimal:
    """The amount to two places, halves away from zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def dumps(value: Any) -> str:
    """JSON in which a Decimal is a number with exactly two decimals; json.dumps would need a float."""
    if isinstance(value, Decimal):
        return format(cents(value), "f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(dumps(item) for item in value) + "]"
    return json.dumps(value)


def loads(raw: bytes | str) -> Any:
    """Parsed JSON with fractional numbers as Decimal; raises ValueError."""
    return json.loads(raw, parse_float=Decimal)


def dig(body: Any, *path: str) -> Any:
    """The value at a path of keys, or None where any step is missing or no object."""
    for key in path:
        if not isinstance(body, Mapping):
            return None
        body = body.get(key)
    return body


def text_at(body: Any, *path: str) -> str:
    """The value at a path as text; empty where missing."""
    value = dig(body, *path)
    return "" if value is None else str(value)


def readable(
    link: Link, items: Iterable[Any], read: Callable[[Any], T], named: Callable[[Any], str]
) -> Iterator[T]:  # fmt: skip
    """What `read` makes of each item of a list. One that it refuses (PermanentError) is noted on the line by its name.

    An odd item keeps no other from being read: behind it may be the sale of a seat that is on offer elsewhere.
    """
    for item in items:
        try:
            made = read(item)
        except PermanentError as error:
            link.unread.note(f"{named(item) or 'one without a number'}: {error}")
            continue
        yield made


def read_alone(link: Link, number: str, read: Callable[[], Any]) -> Any:
    """What `read` gives of one item of a list; None where it cannot be read, which is noted on the line by its number.

    Raises MustWait or GrantExpired, which are no matter of this one.
    """
    try:
        found = read()
    except (MustWait, GrantExpired):
        raise
    except MarketplaceError as error:
        link.unread.note(f"{number}: {error}")
        return None
    if found is None:
        link.unread.note(f"{number}: it is not told by itself")
    return found


def number_at(*path: str) -> Callable[[Any], str]:
    """What names an item: the text at a path of it."""
    return lambda item: text_at(item, *path)


def whole_list(seen: int, total: int | None, whose: str) -> None:
    """Raises TemporaryError where a list has ended before as many items as it was told to have.

    It moved while it was read, or a page is missing; what was read counts, and the rest is read another time.
    """
    if total is not None and seen < total:
        raise TemporaryError(f"{whose} list has {total} items, and {seen} of them were shown")


def items_at(body: Any, *path: str) -> list[Any]:
    """The list at a path; empty where missing or no list."""
    value = dig(body, *path) if path else body
    return value if isinstance(value, list) else []


def listed(body: Any, what: str, *path: str) -> list[Any]:
    """The list at a path of the answer to a question for `what`. Raises TemporaryError where there is none.

    An answer that says nothing of what was asked for is no empty list: all that is there would be taken for gone.
    """
    found = dig(body, *path) if path else body
    if not isinstance(found, list):
        raise TemporaryError(f"the answer is no list of {what}")
    return found


def thing(answer: Any, what: str) -> Any:
    """The answer to a question for one thing. Raises TemporaryError where it is empty: "there is none" is said."""
    if answer is None:
        raise TemporaryError(f"the answer says nothing of {what}")
    return answer


def decimal_of(value: Any) -> Decimal | None:
    """An amount from a JSON number or numeric text, to the cent; None where it is none."""
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value).replace(",", "").lstrip("$"))
        return cents(amount) if amount.is_finite() else None
    except InvalidOperation:
        return None


def int_of(value: Any) -> int | None:
    """A whole number from a JSON number or text; None where it is none."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def moment_of(value: Any) -> datetime | None:
    """An aware UTC moment from ISO 8601 text; a zone that is not told is UTC. None where it cannot be read."""
    if not isinstance(value, str):
        return None
    # Some platforms send seven digits of a second, Python reads six.
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", value.strip())
    try:
        moment = datetime.fromisoformat(trimmed)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def send(
    link: Link, method: str, url: str, *, request: str, write: bool, **options: Any
) -> httpx.Response:  # fmt: skip
    """One request, `request` by its name, which takes its token. Raises MustWait, unsent, where there is none yet.

    A write is not sent either while a brake holds it back, as is asked once more where something was read before it.
    TemporaryError where it never left, UnknownOutcome where a write may have been applied. PermanentError for what
    cannot be sent at all, such as a token with letters that no header takes. A 429 that names a time holds back
    everybody's requests of that kind until then.
    """
    question = "" if write or method != "GET" else sha256_hex(url, repr(options.get("params")))
    if question and (told := link.answers.known(question)) is not None:
        return told
    if write:
        check_brake(link)
    take_token(link, request, write=write)
    response = _sent(link.http, method, url, write=write, **options)
    if (told_at := http_date(response.headers.get("date", ""))) is not None:
        link.clock.told(told_at, now())
    if response.status_code == 429 and (asked := retry_after_s(response)):
        link.gate.hold(request, asked)
    elif question and (response.status_code < 300 or response.status_code == 404):
        link.answers.note(question, response)
    return response


def take_token(link: Link, request: str, *, write: bool) -> None:
    """The token of a request that is sent now, by its name. Raises MustWait where there is none yet."""
    wait_s = link.gate.wait_s(request, write=write)
    if wait_s > 0:
        raise MustWait(f"as many requests were sent as may be: the next one in {wait_s:.1f} s", retry_after_s=wait_s)
    link.brake.passed()


def check_brake(link: Link) -> None:
    """Right before a write, by HTTP or not: raises MustWait where a brake was set while something was read for it."""
    if (reason := link.brake.reason()) is not None:
        raise MustWait(reason)


def _sent(http: httpx.Client, method: str, url: str, *, write: bool, **options: Any) -> httpx.Response:
    try:
        return http.request(method, url, **options)
    except _NEVER_SENT as error:
        raise TemporaryError(f"{_bare(url)} cannot be reached") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise PermanentError(f"{_bare(url)} is not an address") from error
    except UnicodeEncodeError as error:
        raise PermanentError("it has letters or signs that cannot be sent") from error
    except httpx.HTTPError as error:
        slow = isinstance(error, httpx.TimeoutException)
        message = f"{_bare(url)} {'gave no answer in time' if slow else 'broke the connection off'}"
        raise (UnknownOutcome if write else TemporaryError)(message) from error


def http_date(text: str) -> datetime | None:
    """A date of a header (aware UTC); None where it is none. "-0000" is UTC of which the zone is not told."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or an HTTP date; None where there is none."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    # Their own clock where they tell it: ours may be off.
    now = http_date(response.headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds())


class Refused(PermanentError):
    """A refusal in the marketplace's own words: its `code`, and the paths of the fields that it names."""

    def __init__(self, message: str, *, status: int | None, code: str = "", fields: tuple[str, ...] = ()) -> None:
        super().__init__(message, status=status)
        self.code, self.fields = code, fields


@contextmanager
def price_asked(field: str) -> Iterator[None]:
    """Around a preview: raises PriceRefused where the refusal names the field of the price."""
    try:
        yield
    except Refused as error:
        if all(path.rpartition(".")[2] != field for path in error.fields):
            raise
        raise PriceRefused(str(error), status=error.status) from error


@contextmanager
def always_there(what: str) -> Iterator[None]:
    """Around a question for a list that every account has: 404 speaks of the way there then, whatever its words are.

    Raises TemporaryError for it.
    """
    try:
        yield
    except Refused as error:
        if error.status not in _NOT_FOUND:
            raise
        raise TemporaryError(f"{what} cannot be found now: {error}", status=error.status) from error


@contextmanager
def gone_proven(answers: Callable[[], object]) -> Iterator[None]:
    """Around what may raise AlreadyGone, where 404 for a thing reads like 404 for an address that does not exist.

    It is believed only while the account itself answers: `answers` raises TemporaryError where that does not.
    """
    try:
        yield
    except AlreadySold:
        raise
    except AlreadyGone:
        answers()
        raise


def refuse(
    response: httpx.Response, message: str, *, write: bool, gone: bool, code: str = "", fields: tuple[str, ...] = (),
    theirs: bool = True,
) -> None:  # fmt: skip
    """Raise our error for a status that is no success. `gone`: the request names a listing, so 404 means AlreadyGone.

    `theirs`: whether the body is worded as the platform words its own. A 404 that is not, of a gateway that knows no
    such way or of a page that says that all is shut, tells nothing of what was asked for.
    Every 5xx on a write is an unknown outcome, since a gateway answers 502 to 504 after the work may have begun.
    """
    status = response.status_code
    if status < 300:
        return
    # Whole: what is left out of it when it leaves the adapter is not to be cut in two before (_platform.py).
    text, wait = f"{status}: {message}", retry_after_s(response)
    if status == 429:
        raise TemporaryError(text, status=status, retry_after_s=wait)
    if status == 401:
        raise GrantExpired(text, status=status)
    if status >= 500 or status == 408 or (status in _NOT_FOUND and not theirs):
        raise (UnknownOutcome if write else TemporaryError)(text, status=status, retry_after_s=wait)
    if gone and status in _NOT_FOUND:
        raise AlreadyGone(text, status=status)
    raise Refused(text, status=status, code=code, fields=fields)


def body_of(response: httpx.Response, *, write: bool) -> Any:
    """The parsed answer (None where empty). A success that cannot be read leaves a write's outcome unknown."""
    if not response.content:
        return None
    try:
        return loads(response.content)
    except ValueError as error:
        message = f"{response.status_code}: the answer is not JSON"
        raise (UnknownOutcome if write else TemporaryError)(message, status=response.status_code) from error


def parsed(raw: bytes) -> Any:
    """A webhook's body; raises PermanentError where it is not JSON."""
    try:
        return loads(raw)
    except ValueError as error:
        raise PermanentError("the delivery is not JSON") from error


def raw_items(raw: bytes, key: str) -> list[bytes]:
    """The items of the list at `key` of a JSON object, each in its own bytes; `raw` is JSON and has such a list."""
    text = raw.decode(json.detect_encoding(raw))
    at, starts = _next(text, _next(text, 0) + 1), {}
    while text[at] != "}":
        name, at = _SCAN.raw_decode(text, at)
        start = starts[name] = _next(text, _next(text, at) + 1)
        at = _after(text, _SCAN.raw_decode(text, start)[1])
    items, at = [], _next(text, starts[key] + 1)
    while text[at] != "]":
        _, end = _SCAN.raw_decode(text, at)
        items.append(text[at:end].encode())
        at = _after(text, end)
    return items


_SCAN = json.JSONDecoder()


def _next(text: str, at: int) -> int:
    """Where the next token begins."""
    while text[at] in " \t\r\n\ufeff":
        at += 1
    return at


def _after(text: str, end: int) -> int:
    """Where the token after a value begins, a comma left out."""
    at = _next(text, end)
    return _next(text, at + 1) if text[at] == "," else at


def adjacent(seats: Iterable[int]) -> tuple[int, int]:
    """First and last of seats side by side. Raises PermanentError: one listing cannot hold others."""
    row = sorted(seats)
    if not row:
        raise PermanentError("a listing needs at least one seat")
    if row != list(range(row[0], row[0] + len(row))):
        raise PermanentError(f"seats {row} are not side by side: list them separately")
    return row[0], row[-1]


def split_sizes(split: str, quantity: int) -> list[int]:
    """How many a buyer may take, where a platform wants them listed; all of them is the last. Raises PermanentError."""
    if split not in SPLITS:
        raise PermanentError(f"{split!r} is not a split")
    return splits.split_sizes(split, quantity)


def likest_first(events: Iterable[RemoteEvent], query: EventQuery) -> list[RemoteEvent]:
    """Events by how like the query they are: names and venues alike, and every hour apart costs a tenth."""

    def likeness(event: RemoteEvent) -> float:
        name = SequenceMatcher(None, event.name.lower(), query.text.lower()).ratio()
        venue = SequenceMatcher(None, event.venue.lower(), query.venue.lower()).ratio()
        return name + venue - abs((event.starts_at - query.starts_at).total_seconds()) / 36_000

    return sorted(events, key=likeness, reverse=True)


def _bare(url: str) -> str:
    """Without the query, which may carry a key."""
    return url.split("?", 1)[0]


def lines_nearest(readings: Sequence[tuple[PaymentLine, ...]], net: Decimal) -> tuple[PaymentLine, ...]:
    """The reading of a payment's lines that comes nearest to what was paid; the first of those that come as near.

    Whether what is taken off is told with a minus is documented nowhere, and what is given back has the other sign.
    """
    return min(readings, key=lambda lines: abs(sum((line.net for line in lines), Decimal(0)) - net))
