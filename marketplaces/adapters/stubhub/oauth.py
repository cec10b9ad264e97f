"""StubHub's OAuth2: authorisation code with PKCE, HTTP Basic client authentication, single-use refresh tokens."""

import base64
from urllib.parse import quote, urlencode

from marketplaces.adapters import _wire
from marketplaces.adapters._oauth import grant_of
from marketplaces.adapters._wire import Refused
from marketplaces.adapters.stubhub.client import account_url, refuse
from marketplaces.contracts import AppCredentials, Grant, Link
from marketplaces.errors import GrantExpired, PermanentError

# The specs demand read:user and write:user for sales, beside the documented list.
SCOPES = (
    "read:events", "read:payment", "read:sales", "write:sales", "read:sellerlistings", "write:sellerlistings",
    "read:webhooks", "write:webhooks", "write:requestedevents", "read:user", "write:user",
)  # fmt: skip


def authorize_url(*, base_url: str, app: AppCredentials, state: str, redirect_uri: str, code_challenge: str) -> str:
    """The consent page's address. Raises PermanentError where our own registration is missing."""
    if not app.client_id:
        raise PermanentError("STUBHUB_CLIENT_ID is not set")
    query = {
        "client_id": app.client_id, "response_type": "code", "redirect_uri": redirect_uri, "scope": " ".join(SCOPES),
        "state": state, "code_challenge": code_challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{account_url(base_url, '/authorize')}?{urlencode(query)}"


def trade_code(link: Link, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
    """A grant for an authorisation code. Raises GrantExpired where the code is spent."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return _token(link, form | {"code_verifier": code_verifier})


def trade_refresh(link: Link) -> Grant:
    """The next grant; the old refresh token is spent by this. Raises GrantExpired where it was spent before."""
    if not link.grant.refresh_token:
        raise GrantExpired("no refresh token is held")
    return _token(link, {"grant_type": "refresh_token", "refresh_token": link.grant.refresh_token})


def _token(link: Link, form: dict[str, str]) -> Grant:
    pair = f"{quote(link.app.client_id, safe='')}:{quote(link.app.client_secret, safe='')}"
    basic = base64.b64encode(pair.encode()).decode()
    # A write: the code or the refresh token may be spent although no answer came.
    response = _wire.send(
        link, "POST", account_url(link.base_url, "/oauth2/token"), request="POST /oauth2/token", write=True, data=form,
        headers={"Authorization": f"Basic {basic}", "Accept": "application/json"},
    )  # fmt: skip
    try:
        refuse(response, write=True)
    except Refused as error:
        if error.code == "invalid_grant":
            raise GrantExpired(str(error), status=error.status) from error
        raise
    except GrantExpired as error:
        # Here 401 speaks of our registration, which the holder cannot mend.
        raise PermanentError(f"StubHub refuses SeatSync's client id: {error}", status=error.status) from error
    return grant_of(link, _wire.body_of(response, write=True))
