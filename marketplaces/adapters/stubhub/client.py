"""StubHub's HTTP: addresses, authorisation, HAL paging, and the one place where its refusals become our errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from marketplaces.adapters import _wire
from marketplaces.adapters._requests import Requests
from marketplaces.contracts import Link
from marketplaces.errors import PermanentError

# A field's name, and the file's name, content and media type.
SentFile = tuple[str, tuple[str, bytes, str]]
LIVE_BASE_URL = "https://api.stubhub.net"
_ACCOUNT_HOSTS = {
    LIVE_BASE_URL: "https://account.stubhub.com",
    "https://sandbox.api.stubhub.net": "https://sandbox.account.stubhub.com",
}
PAGE_SIZE = 100
_ERROR = frozenset({"code", "message", "errors"})
REQUESTS = Requests(
    "GET /v2/user", "GET /catalog/events/search", "GET /catalog/events/{id}",
    "GET /v2/events/{id}/listingconstraints", "PUT /v2/listingconstraints",
    "POST /v2/events/{id}/sellerlistingpreview", "POST /v2/sellerlistingpreview",
    "POST /v2/events/{id}/sellerlistings", "POST /v2/sellerlistings", "GET /v2/sellerlistings",
    "GET /v2/externalsellerlistings/{key}", "PATCH /v2/externalsellerlistings/{key}",
    "DELETE /v2/externalsellerlistings/{key}", "GET /v2/sellerlistings/{id}", "PATCH /v2/sellerlistings/{id}",
    "DELETE /v2/sellerlistings/{id}", "POST /v2/sellerlistings/{id}/eticketuploads",
    "GET /v2/sales/recentupdates", "GET /v2/sales", "GET /v2/sales/{id}",
    "PATCH /v2/sales/{id}", "DELETE /v2/sales/{id}", "POST /v2/sales/{id}/eticketuploads",
    "GET /v2/sales/{id}/shipments", "PUT /v2/sales/{id}/shipments", "PATCH /v2/sales/{id}/shipments/{id}",
    "GET /v2/sales/{id}/shipments/{id}/label", "GET /v2/payments", "GET /v2/payments/next", "GET /v2/payments/{id}",
    "GET /v2/webhooks", "POST /v2/webhooks", "DELETE /v2/webhooks/{id}", "POST /oauth2/token",
)  # fmt: skip


def account_url(base_url: str, path: str) -> str:
    """Where consent and tokens live: another host on the real platform, the same one under any other address."""
    bare = base_url.rstrip("/")
    return _ACCOUNT_HOSTS.get(bare, bare) + path


def call(
    link: Link, method: str, path: str, *, body: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None, files: Sequence[SentFile] = (), write: bool = True, gone: bool = False,
) -> Any:  # fmt: skip
    """One call with the account's grant; the parsed answer or None. `files` go as multipart.

    Raises the classes of marketplaces/errors.py.
    """
    options: dict[str, Any] = {"params": params}
    headers = {"Authorization": f"Bearer {link.grant.access_token}", "Accept": "application/hal+json, application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
        options["content"] = _wire.dumps(body).encode()
    if files:
        options["files"] = files
    response = _wire.send(
        link, method, link.base_url.rstrip("/") + path, request=REQUESTS.name(method, path), write=write,
        headers=headers, **options,
    )  # fmt: skip
    refuse(response, write=write, gone=gone)
    return _wire.body_of(response, write=write)


def get(link: Link, path: str) -> Any:
    """A read of one thing; None where StubHub says that there is no such thing."""
    try:
        return _wire.thing(call(link, "GET", path, write=False), path)
    except PermanentError as error:
        if error.status == 404:
            return None
        raise


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a HAL collection, the address of the next, and how many items all pages have; None: not told."""

    items: list[Any]
    following: str
    total: int | None


def page(link: Link, path: str, params: Mapping[str, str]) -> Page:
    """One page. Raises TemporaryError for what is none."""
    with _wire.always_there(path):
        body = call(link, "GET", path, params=params, write=False)
    total = _wire.int_of(_wire.dig(body, "total_items"))
    # HAL leaves out what is empty.
    found = [] if total == 0 else _wire.listed(body, path, "_embedded", "items")
    return Page(found, _wire.text_at(body, "_links", "next", "href"), total)


def document(link: Link, path: str) -> bytes:
    """A file as it is. Raises the classes of marketplaces/errors.py."""
    headers = {"Authorization": f"Bearer {link.grant.access_token}", "Accept": "application/pdf"}
    response = _wire.send(
        link, "GET", link.base_url.rstrip("/") + path, request=REQUESTS.name("GET", path), write=False,
        headers=headers,
    )  # fmt: skip
    refuse(response, write=False)
    return response.content


def pages(link: Link, path: str, params: Mapping[str, str]) -> Iterator[Any]:
    """Every item of a HAL collection. Only the query of `next` is followed: the address stays ours.

    Raises TemporaryError where that is not all of it: an item that changes while it is read moves to its end, and
    another one into its place, which no page shows.
    """
    query, asked, seen = dict(params), [dict(params)], set[str]()
    while len(asked) <= _wire.MOST_PAGES:
        found = page(link, path, query)
        yield from found.items
        seen.update(_wire.text_at(item, "id") for item in found.items)
        following = dict(parse_qsl(urlsplit(found.following).query))
        if not found.items or not following or following in asked:
            # What has no number is one of them by itself.
            _wire.whole_list(len(seen), found.total if "" not in seen else None, "StubHub's")
            return
        query = following
        asked.append(query)


def refuse(response: httpx.Response, *, write: bool, gone: bool = False) -> None:
    """StubHub's refusals as ours; returns on success."""
    if response.status_code < 300:
        return
    code, message, fields = _problem(response)
    _wire.refuse(
        response, message, write=write, gone=gone, code=code, fields=fields, theirs=_is_theirs(response)
    )  # fmt: skip


def _is_theirs(response: httpx.Response) -> bool:
    """Whether the body is an Error as StubHub publishes it: these fields and no others."""
    try:
        body = _wire.loads(response.content)
    except ValueError:
        return False
    return isinstance(body, Mapping) and "code" in body and body.keys() <= _ERROR


def _problem(response: httpx.Response) -> tuple[str, str, tuple[str, ...]]:
    """Code, message and field paths of an error body: theirs, OAuth's, RFC 7807's, or none of them."""
    try:
        body = _wire.loads(response.content)
    except ValueError:
        return "", response.reason_phrase, ()
    code = _wire.text_at(body, "code") or _wire.text_at(body, "error")
    errors = _wire.dig(body, "errors")
    fields = {str(key): value for key, value in errors.items()} if isinstance(errors, Mapping) else {}
    told = [f"{key} {' '.join(map(str, value))}" for key, value in fields.items() if isinstance(value, list)]
    words = [code, *(_wire.text_at(body, key) for key in ("message", "error_description", "title")), *told]
    return code, "; ".join(filter(None, words)) or response.reason_phrase, tuple(fields)
