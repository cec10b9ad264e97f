"""Vivid Seats' HTTP: JSON for listings and payments, forms and XML for orders, and its refusals as our errors.

A refusal may come as HTTP 200 with `success` false. The token goes as a header to the newer addresses (events,
listings) and as a field to the older ones (orders, payments).
"""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import httpx

from marketplaces.adapters import _wire, _xml
from marketplaces.adapters._requests import Requests
from marketplaces.contracts import Link
from marketplaces.errors import AlreadyGone, GrantExpired, PermanentError, TemporaryError, UnknownOutcome

LIVE_BASE_URL = "https://brokers.vividseats.com/webservices"
_UNKNOWN = ("not found", "no such")
# By address: each has one method. Lists of orders are limited by what they ask for.
_REQUESTS = Requests(
    "/events/search", "/listings/v2/create", "/listings/v2/update", "/listings/v2/delete", "/listings/v2/get",
    "/v1/confirmOrder", "/v1/rejectOrder", "/v1/shipOrder", "/v1/transferOrder", "/v1/transferOrderViaURL",
    "/v1/getOrder", "/v1/getCompletedOrders", "/v1/getAirbill", "/v1/payments", "/v1/payments/{id}",
)  # fmt: skip
_ORDERS = "/v1/getOrders"
REQUESTS = (*_REQUESTS.names, f"{_ORDERS} UNCONFIRMED", f"{_ORDERS} PENDING_SHIPMENT")
# Seconds between two of a kind as published, and a little more: a request may travel longer than the one after it.
# Of what is published by the second no more come in any one, those that may come at once (BURSTS) among them.
PACES = {
    "/events/search": 5.5, f"{_ORDERS} UNCONFIRMED": 10.5, f"{_ORDERS} PENDING_SHIPMENT": 61.0,
    "/v1/getCompletedOrders": 10.5, "/v1/getAirbill": 2.2, "/listings/v2/get": 0.125, "/listings/v2/create": 0.025,
    "/listings/v2/update": 0.025, "/listings/v2/delete": 0.025,
}  # fmt: skip
BURSTS = {
    "/listings/v2/get": 2, "/listings/v2/create": 10, "/listings/v2/update": 10, "/listings/v2/delete": 10,
}  # fmt: skip


def json_call(
    link: Link, method: str, path: str, *, params: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None, write: bool = True, gone: bool = False,
) -> Any:  # fmt: skip
    """One call of the newer kind; the parsed answer. Raises the classes of errors.py; `gone`: it names a listing."""
    options: dict[str, Any] = {"params": params, "headers": {"Api-token": link.grant.access_token, **_ACCEPT}}
    if body is not None:
        options["headers"]["Content-Type"] = "application/json"
        options["content"] = _wire.dumps(body).encode()
    response = _sent(link, method, path, write=write, gone=gone, **options)
    answer = _wire.body_of(response, write=write)
    if _wire.dig(answer, "success") is False:
        _refuse(_told(answer), gone=gone)
    return answer


def json_read(link: Link, path: str, params: Mapping[str, str]) -> Any:
    """One read of the older kind that answers with JSON (payments)."""
    query = {"apiToken": link.grant.access_token, **params}
    with _wire.always_there(path):
        response = _sent(link, "GET", path, write=False, gone=False, params=query, headers=_ACCEPT)
    answer = _wire.body_of(response, write=False)
    if _wire.dig(answer, "success") is False:
        _refuse(_told(answer), gone=False)
    return answer


def order_read(link: Link, path: str, params: Mapping[str, str]) -> Element:
    """One read of an order. Raises AlreadyGone for one that Vivid Seats does not know (any more)."""
    query = {"apiToken": link.grant.access_token, **params}
    return _order(_sent(link, "GET", path, write=False, gone=True, params=query), write=False)


def orders_read(link: Link, path: str, params: Mapping[str, str]) -> list[Element]:
    """A list of orders. Raises TemporaryError for what is none.

    What its root is called is not published: one that speaks of no order, and holds none, is not believed.
    """
    query = {"apiToken": link.grant.access_token, **params}
    with _wire.always_there(path):
        root = _order(_sent(link, "GET", path, write=False, gone=False, params=query), write=False, gone=False)
    found = list(root.iter("order"))
    if not found and "order" not in root.tag.lower():
        raise TemporaryError("the answer is no list of orders")
    return found


def order_write(link: Link, path: str, fields: Mapping[str, str]) -> Element:
    """One act on an order. Raises AlreadyGone as above."""
    form = {"apiToken": link.grant.access_token, **fields}
    answer = _order(_sent(link, "POST", path, write=True, gone=True, data=form), write=True)
    if _xml.text_at(answer, "success").lower() != "true":
        raise UnknownOutcome("Vivid Seats did not say whether it was done")
    return answer


_ACCEPT = {"Accept": "application/json"}


def _name(method: str, path: str, params: Mapping[str, str]) -> str:
    return f"{path} {params.get('status', '')}" if path == _ORDERS else _REQUESTS.name(method, path)


def _sent(link: Link, method: str, path: str, *, write: bool, gone: bool, **options: Any) -> httpx.Response:
    request = _name(method, path, options.get("params") or {})
    url = link.base_url.rstrip("/") + path
    response = _wire.send(link, method, url, request=request, write=write, **options)
    _wire.refuse(response, _message(response), write=write, gone=gone, theirs=_is_theirs(response))
    return response


def _is_theirs(response: httpx.Response) -> bool:
    """Whether the body is an envelope that says no, in the words that Vivid Seats has for what it does not know."""
    try:
        answer = _wire.loads(response.content)
    except ValueError:
        root = _xml.parsed(response.content)
        refused = root is not None and _xml.text_at(root, "success").lower() == "false"
    else:
        refused = _wire.dig(answer, "success") is False
    return refused and _is_unknown(_message(response))


def _order(response: httpx.Response, *, write: bool, gone: bool = True) -> Element:
    root = _xml.parsed(response.content)
    if root is None:
        message = f"{response.status_code}: the answer is not XML"
        raise (UnknownOutcome if write else TemporaryError)(message, status=response.status_code)
    if _xml.text_at(root, "success").lower() == "false":
        _refuse(_xml.text_at(root, "message") or "refused without a reason", gone=gone)
    return root


def _refuse(message: str, *, gone: bool) -> None:
    said = message.lower()
    if "token" in said and "order" not in said:
        raise GrantExpired(message, status=200)
    if gone and _is_unknown(message):
        raise AlreadyGone(message, status=200)
    raise PermanentError(message, status=200)


def _is_unknown(message: str) -> bool:
    return any(word in message.lower() for word in _UNKNOWN)


def _message(response: httpx.Response) -> str:
    try:
        return _told(_wire.loads(response.content))
    except ValueError:
        root = _xml.parsed(response.content)
        return (_xml.text_at(root, "message") if root is not None else "") or response.reason_phrase


def _told(answer: Any) -> str:
    parts = [_wire.text_at(answer, "message"), *(str(error) for error in _wire.items_at(answer, "errors"))]
    return "; ".join(filter(None, parts)) or "refused without a reason"
