"""SeatGeek's HTTP: three hosts, a static token, and the one place where its refusals become our errors."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from marketplaces.adapters import _wire
from marketplaces.adapters._requests import Requests
from marketplaces.contracts import Link
from marketplaces.errors import NotSupported, PermanentError, TemporaryError

# A field's name, and a file's name, content and media type; or no name, and a text.
SentFile = tuple[str, tuple[str | None, bytes | str] | tuple[str, bytes, str]]
LIVE_BASE_URL = "https://sellerdirect-api.seatgeek.com"
# Event search and broker data are other services with their own hosts; elsewhere all lie under one address.
_PLATFORM_URL = "https://api.seatgeek.com"
_BROKER_DATA_URL = "https://brokerdata.seatgeek.com"
# A sold-out listing may not be re-created, nor a quantity raised, for five minutes after its last order.
AFTER_ORDER_S = 300.0
_NO_BROKER_SCOPE = "421004"
LISTINGS_PER_PAGE = 500
ORDERS_PER_PAGE = 200
# The public Platform API's, which go with SeatSync's own client id.
PLATFORM_REQUESTS = ("GET /2/events", "GET /2/events/{id}")
# Seconds between two of them, whosever events they are of, and how many at once: a measure of our own.
PACES, BURSTS = dict.fromkeys(PLATFORM_REQUESTS, 0.1), dict.fromkeys(PLATFORM_REQUESTS, 10)
REQUESTS = Requests(
    "GET /listings", "GET /listings/single/{key}", "PUT /listings/single/{key}", "PATCH /listings/single/{key}",
    "POST /listings/bulk-delete", "GET /orders", "GET /orders/customer", "GET /order", "PATCH /order", "PUT /v3/order",
    "GET /remittances", "GET /remittances/current", "GET /remittances/{id}", "GET /brokerdata/listings",
    *PLATFORM_REQUESTS,
)  # fmt: skip


def call(
    link: Link, method: str, path: str, *, body: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None, files: Sequence[SentFile] = (),
    write: bool = True, gone: bool = False,
) -> Any:  # fmt: skip
    """One Seller Direct call; the parsed answer. `form` and `files` are multipart. Raises the classes of errors.py."""
    headers = _auth(link)
    options: dict[str, Any] = {"params": params}
    if body is not None:
        headers["Content-Type"] = "application/json"
        options["content"] = _wire.dumps(body).encode()
    if form is not None:
        options["files"] = [*((name, (None, value)) for name, value in form.items()), *files]
    url = link.base_url.rstrip("/") + path
    response = _wire.send(
        link, method, url, request=REQUESTS.name(method, path), write=write, headers=headers, **options
    )
    refuse(response, write=write, gone=gone, theirs=_is_theirs(response))
    return _wire.body_of(response, write=write)


def collection(link: Link, path: str, params: Mapping[str, str] | None = None) -> Any:
    """A read of what every account has. Raises TemporaryError where it is not found."""
    with _wire.always_there(path):
        return call(link, "GET", path, params=params, write=False)


def answers(link: Link, key: str) -> None:
    """Raises TemporaryError where the account's own list (listings, orders) is not there.

    "Not found" says nothing of one of them then: it reads like that for an address that does not exist.
    """
    _wire.listed(collection(link, f"/{key}", {"per_page": "1"}), key, key)


def get(link: Link, path: str, params: Mapping[str, str] | None = None) -> Any:
    """A read of one thing; None where SeatGeek says that there is no such thing."""
    try:
        return _wire.thing(call(link, "GET", path, params=params, write=False), path)
    except PermanentError as error:
        if error.status == 404:
            return None
        raise


def platform_get(link: Link, path: str, params: Mapping[str, str]) -> Any:
    """A read of the public Platform API, which wants SeatSync's client id. Raises PermanentError without one."""
    if not link.app.client_id:
        raise PermanentError("SEATGEEK_CLIENT_ID is not set")
    base = _PLATFORM_URL if _is_live(link) else link.base_url.rstrip("/")
    query = {**params, "client_id": link.app.client_id}
    response = _wire.send(
        link, "GET", f"{base}/2{path}", request=REQUESTS.name("GET", f"/2{path}"), write=False, params=query,
        headers=_ACCEPT,
    )  # fmt: skip
    if response.status_code == 401:
        raise PermanentError("SeatGeek refuses SeatSync's client id", status=401)
    refuse(response, write=False)
    return _wire.body_of(response, write=False)


def platform_find(link: Link, path: str) -> Any:
    """A read of one thing there; None where there is none."""
    try:
        return platform_get(link, path, {})
    except PermanentError as error:
        if error.status == 404:
            return None
        raise


def broker_get(link: Link, path: str, params: Mapping[str, str]) -> Any:
    """A read of broker data with the account's token. Raises NotSupported where the token lacks that scope."""
    base = _BROKER_DATA_URL if _is_live(link) else f"{link.base_url.rstrip('/')}/brokerdata"
    query = {**params, "token": link.grant.access_token}
    response = _wire.send(
        link, "GET", base + path, request=REQUESTS.name("GET", f"/brokerdata{path}"), write=False, params=query,
        headers=_ACCEPT,
    )  # fmt: skip
    if response.status_code == 401 and _NO_BROKER_SCOPE in response.text:
        raise NotSupported("this account's token has no access to broker data", status=401)
    refuse(response, write=False)
    return _wire.body_of(response, write=False)


def cursor_pages(link: Link, path: str, key: str) -> Iterator[Any]:
    """Every item of a collection that pages by cursor."""
    query, asked = {"per_page": str(LISTINGS_PER_PAGE)}, set[str]()
    for _ in range(_wire.MOST_PAGES):
        body = collection(link, path, query)
        yield from _wire.listed(body, path, key)
        following = _wire.text_at(body, "meta", "next_page")
        if not following:
            return
        if following in asked:
            raise TemporaryError("SeatGeek's list leads back to where it was")
        asked.add(following)
        query["page_cursor"] = following


def numbered_pages(link: Link, path: str, key: str, params: Mapping[str, str]) -> Iterator[Any]:
    """Every item of a collection that pages by number; a page that is shorter than they are there is the last.

    Raises TemporaryError where that is not all of it: an item that changes while it is read may move another one to a
    page that was read already.
    """
    seen = set[str]()
    for page in range(1, _wire.MOST_PAGES + 1):
        body = collection(link, path, {**params, "page": str(page), "per_page": str(ORDERS_PER_PAGE)})
        items = _wire.listed(body, path, key)
        yield from items
        seen.update(_wire.text_at(item, "id") for item in items)
        # They may give fewer at a time than were asked for.
        size = _wire.int_of(_wire.dig(body, "meta", "per_page")) or ORDERS_PER_PAGE
        if len(items) < min(size, ORDERS_PER_PAGE):
            total = _wire.int_of(_wire.dig(body, "meta", "total"))
            _wire.whole_list(len(seen), total if "" not in seen else None, "SeatGeek's")
            return


def refuse(response: httpx.Response, *, write: bool, gone: bool = False, theirs: bool = True) -> None:
    """SeatGeek's refusals as ours; returns on success."""
    if response.status_code < 300:
        return
    message = _message(response)
    if response.status_code == 409:
        raise TemporaryError(
            f"409: {message}", status=409, retry_after_s=_wire.retry_after_s(response) or AFTER_ORDER_S
        )
    _wire.refuse(response, message, write=write, gone=gone, theirs=theirs)


def _is_theirs(response: httpx.Response) -> bool:
    """Whether the body is worded as Seller Direct words an error (reconstructed)."""
    try:
        body = _wire.loads(response.content)
    except ValueError:
        return False
    return bool(_wire.text_at(body, "error", "message")) and _wire.dig(body, "meta", "status") is not None


_ACCEPT = {"Accept": "application/json"}


def _auth(link: Link) -> dict[str, str]:
    return {"Authorization": f"Bearer {link.grant.access_token}", **_ACCEPT}


def _is_live(link: Link) -> bool:
    return link.base_url.rstrip("/") == LIVE_BASE_URL


def _message(response: httpx.Response) -> str:
    try:
        body = _wire.loads(response.content)
    except ValueError:
        return response.reason_phrase
    told = (_wire.text_at(body, "error", "message"), _wire.text_at(body, "message"), _wire.text_at(body, "code"))
    return "; ".join(filter(None, told)) or response.reason_phrase
