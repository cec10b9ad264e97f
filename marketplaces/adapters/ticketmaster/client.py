"""Three services of Ticketmaster: consent and event search as it publishes them, and a selling port of our own."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx

from marketplaces.adapters import _wire
from marketplaces.adapters._oauth import grant_of
from marketplaces.adapters._requests import Requests
from marketplaces.contracts import AppCredentials, Grant, Link
from marketplaces.errors import AlreadySold, GrantExpired, PermanentError, TemporaryError

_ACCOUNT_URL = "https://oauth.ticketmaster.com"
_API_URL = "https://app.ticketmaster.com"
_OWN = "ticketmaster.com"
PORT = "/resale/v1"
PER_PAGE = 100
# The published services', which go with SeatSync's own key, each whole under one limit.
_DISCOVERY, _INVENTORY = "/discovery/v2", "/inventory-status/v1"
OWN_KEY = (_DISCOVERY, _INVENTORY)
_CALLS = Requests(
    "POST /constraints", "POST /listings/preview", "GET /listings", "GET /listings/{key}", "PUT /listings/{key}",
    "PATCH /listings/{key}", "DELETE /listings/{key}", "GET /orders", "GET /orders/{id}", "POST /orders/{id}/confirm",
    "POST /orders/{id}/reject", "POST /orders/{id}/transfer", "GET /payouts", "PUT /webhook",
    "DELETE /webhook/{id}",
)  # fmt: skip
_CONSENT = "POST /oauth/token"
REQUESTS = (*_CALLS.names, *OWN_KEY, _CONSENT)
# Seconds between two, and how many a day. Its guide says five a second, its FAQ two; and 5,000 a day.
PACES, DAY_QUOTAS = dict.fromkeys(OWN_KEY, 0.5), dict.fromkeys(OWN_KEY, 5_000)
_ACCEPT = {"Accept": "application/json"}
_SOLD, _NOT_THERE = "sold", "not_found"


# Consent.
def authorize_url(*, base_url: str, app: AppCredentials, state: str, redirect_uri: str) -> str:
    """The consent page's address. Raises PermanentError where our own registration is missing."""
    if not app.client_id:
        raise PermanentError("TICKETMASTER_CLIENT_ID is not set")
    query = {
        "client_id": app.client_id, "redirect_uri": redirect_uri, "response_type": "code", "scope": "all",
        "state": state,
    }  # fmt: skip
    return f"{_host(base_url, _ACCOUNT_URL)}/oauth/authorize?{urlencode(query)}"


def trade(link: Link, form: Mapping[str, str]) -> Grant:
    """A grant for a code or a refresh token. Raises GrantExpired where that is not good any more."""
    own = {"client_id": link.app.client_id, "client_secret": link.app.client_secret}
    # A write: the code may be spent although no answer came.
    response = _wire.send(
        link, "POST", f"{_host(link.base_url, _ACCOUNT_URL)}/oauth/token", request=_CONSENT, write=True,
        data={**form, **own}, headers=_ACCEPT,
    )  # fmt: skip
    if response.status_code == 400 and "invalid_grant" in response.text:
        raise GrantExpired("Ticketmaster: the grant is spent or too old", status=400)
    if response.status_code == 401:
        # Here 401 speaks of our registration, which the holder cannot mend.
        raise PermanentError("Ticketmaster refuses SeatSync's client id", status=401)
    _refuse(response, write=True, gone=False)
    return grant_of(link, _wire.body_of(response, write=True))


# Discovery and Inventory Status, with our own key.
def discover(link: Link, params: Mapping[str, str]) -> Any:
    """Events of the Discovery API. Raises PermanentError where our key is missing or refused."""
    return _keyed(link, "/discovery/v2/events.json", params)


def discover_event(link: Link, event_id: str) -> Any:
    """One event of the Discovery API; None where it knows none of this id."""
    try:
        return _keyed(link, f"/discovery/v2/events/{quote(event_id, safe='')}.json", {})
    except PermanentError as error:
        if error.status == 404:
            return None
        raise


def availability(link: Link, event_ids: Sequence[str]) -> Any:
    """Inventory Status of at most a thousand events: whether primary tickets are left."""
    return _keyed(link, "/inventory-status/v1/availability", {"events": ",".join(event_ids)})


def _keyed(link: Link, path: str, params: Mapping[str, str]) -> Any:
    if not link.app.client_id:
        raise PermanentError("TICKETMASTER_CLIENT_ID is not set")
    query = {**params, "apikey": link.app.client_id}
    response = _wire.send(
        link, "GET", _host(link.base_url, _API_URL) + path, request=next(filter(path.startswith, OWN_KEY), ""),
        write=False, params=query, headers=_ACCEPT,
    )  # fmt: skip
    if response.status_code == 401:
        raise PermanentError("Ticketmaster refuses SeatSync's key", status=401)
    _refuse(response, write=False, gone=False)
    return _wire.body_of(response, write=False)


# The port.
def call(
    link: Link, method: str, path: str, *, params: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None, write: bool = True, gone: bool = False,
) -> Any:  # fmt: skip
    """One call of the port; the parsed answer. Raises the classes of errors.py."""
    options: dict[str, Any] = {"params": params}
    headers = {"Authorization": f"Bearer {link.grant.access_token}", **_ACCEPT}
    if body is not None:
        headers["Content-Type"] = "application/json"
        options["content"] = _wire.dumps(body).encode()
    url = f"{link.base_url.rstrip('/')}{PORT}{path}"
    response = _wire.send(link, method, url, request=_CALLS.name(method, path), write=write, headers=headers, **options)
    _refuse(response, write=write, gone=gone, port=True)
    return _wire.body_of(response, write=write)


def get(link: Link, path: str) -> Any:
    """A read of one thing of the port; None where the port says that there is no such thing."""
    try:
        return _wire.thing(call(link, "GET", path, write=False), path)
    except PermanentError as error:
        if error.status == 404:
            return None
        raise


def pages(link: Link, path: str, key: str, params: Mapping[str, str]) -> Iterator[Any]:
    """Every item of a collection, by cursor."""
    query, asked = {**params, "limit": str(PER_PAGE)}, set[str]()
    for _ in range(_wire.MOST_PAGES):
        with _wire.always_there(path):
            body = call(link, "GET", path, params=query, write=False)
        yield from _wire.listed(body, path, key)
        following = _wire.text_at(body, "next")
        if not following:
            return
        if following in asked:
            raise TemporaryError("Ticketmaster's list leads back to where it was")
        asked.add(following)
        query["cursor"] = following


def _host(base_url: str, published: str) -> str:
    """Ticketmaster's own hosts; under any other address (a partner's gateway, the simulator) all services lie."""
    host = urlsplit(base_url).hostname or ""
    return published if host == _OWN or host.endswith(f".{_OWN}") or not host else base_url.rstrip("/")


def _refuse(response: httpx.Response, *, write: bool, gone: bool, port: bool = False) -> None:
    """Ticketmaster's refusals as ours. `port`: of our port, which says `not_found` of what it does not know."""
    if response.status_code < 300:
        return
    code, message, fields = _told(response)
    if response.status_code == 409 and code == _SOLD:
        raise AlreadySold(f"409: {message}", status=409)
    theirs = not port or code == _NOT_THERE
    _wire.refuse(response, message, write=write, gone=gone, code=code, fields=fields, theirs=theirs)


def _told(response: httpx.Response) -> tuple[str, str, tuple[str, ...]]:
    """Code, message and names of fields, in the port's words or those of the gateway before the published services."""
    try:
        body = _wire.loads(response.content)
    except ValueError:
        return "", response.reason_phrase, ()
    code = _wire.text_at(body, "error", "code") or _wire.text_at(body, "fault", "detail", "errorcode")
    message = _wire.text_at(body, "error", "message") or _wire.text_at(body, "fault", "faultstring")
    found = _wire.dig(body, "error", "fields")
    fields = {str(name): said for name, said in found.items()} if isinstance(found, Mapping) else {}
    named = [f"{name}: {_words(said)}" for name, said in fields.items()]
    return code, "; ".join(filter(None, [message, *named])) or response.reason_phrase, tuple(fields)


def _words(said: Any) -> str:
    return " ".join(map(str, said)) if isinstance(said, list) else str(said)
