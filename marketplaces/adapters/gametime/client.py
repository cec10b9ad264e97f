"""Gametime's HTTP API: the key goes in the query, which therefore stands in no error and no log of ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.adapters._drop import Drop, drop_at
from marketplaces.adapters._requests import Requests
from marketplaces.contracts import Link

LIVE_BASE_URL = "https://api.gametime.co/v3"
LIVE_DROP_URL = "ftp://gtftp.gametime.co/inventory.csv"
PER_PAGE = 100
_READ_FILE, _WRITE_FILE = "GET the file", "PUT the file"
_CALLS = Requests(
    "GET /purchases", "POST /purchases/{id}/confirm", "POST /purchases/{id}/reject",
    "POST /purchases/{id}/confirm_transfer", "POST /purchases/{id}/{upload}", "POST /listings/{key}",
    "DELETE /listings/{key}/delete",
)  # fmt: skip
# The file's only where it goes by HTTP: a file server is no part of the API that is limited.
REQUESTS = (*_CALLS.names, _READ_FILE, _WRITE_FILE)
# The parts of what a holder enters, a line each.
_PARTS = 3


def call(
    link: Link, method: str, path: str, *, params: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None, form: list[tuple[str, str]] | None = None, write: bool = True,
    gone: bool = False,
) -> Any:  # fmt: skip
    """One call; the parsed answer. `form` goes as multipart. Raises the classes of errors.py."""
    options: dict[str, Any] = {"params": {**(params or {}), "source": _parts(link)[0]}, "headers": _ACCEPT}
    if body is not None:
        options["headers"] = {**_ACCEPT, "Content-Type": "application/json"}
        options["content"] = _wire.dumps(body).encode()
    if form is not None:
        options["files"] = [(name, (None, value)) for name, value in form]
    response = _wire.send(
        link, method, link.base_url.rstrip("/") + path, request=_CALLS.name(method, path), write=write, **options
    )
    told = _told(response.content)
    _wire.refuse(response, told or response.reason_phrase, write=write, gone=gone, theirs=bool(told))
    return _wire.body_of(response, write=write)


def purchases(link: Link, params: Mapping[str, str], *, most_pages: int = _wire.MOST_PAGES) -> Iterator[Any]:
    """Purchases, newest first, page by page; one shorter than they are there is the last. Raises TemporaryError."""
    for page in range(1, most_pages + 1):
        query = {**params, "sort_by_created_at": "desc", "page": str(page), "per_page": str(PER_PAGE)}
        with _wire.always_there("/purchases"):
            answer = call(link, "GET", "/purchases", params=query, write=False)
        items = _wire.listed(answer, "purchases", "results")
        yield from items
        # They may give fewer at a time than were asked for.
        if len(items) < min(PER_PAGE, _wire.int_of(_wire.dig(answer, "per_page")) or PER_PAGE):
            return


def answers(link: Link) -> None:
    """Raises TemporaryError where the account's own list is not there: "not found" says nothing of a thing then."""
    next(purchases(link, {"status": "unconfirmed"}), None)


def drop_of(link: Link) -> Drop:
    """The place of the account's inventory file: Gametime's FTP server, or the simulator's stand-in for it."""
    key, user, password = _parts(link)
    own = LIVE_DROP_URL if link.base_url.rstrip("/") == LIVE_BASE_URL else f"{link.base_url.rstrip('/')}/drop"
    return drop_at(
        link, link.drop_url or own, key=key, user=user, password=password, requests=(_READ_FILE, _WRITE_FILE)
    )


_ACCEPT = {"Accept": "application/json"}


def _parts(link: Link) -> tuple[str, str, str]:
    """API key, FTP user and FTP password of the account."""
    lines = [line for line in map(str.strip, link.grant.access_token.splitlines()) if line]
    key, user, password = (*lines, *[""] * _PARTS)[:_PARTS]
    return key, user, password


def _told(content: bytes) -> str:
    try:
        body = _wire.loads(content)
    except ValueError:
        return ""
    return _wire.text_at(body, "error") or _wire.text_at(body, "message")
