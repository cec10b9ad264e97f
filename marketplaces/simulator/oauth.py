"""An account host: a consent page that consents, codes bound by PKCE, and refresh tokens that rotate or stay."""

import base64
import hashlib
import hmac
from urllib.parse import unquote, urlencode, urlsplit

from marketplaces.simulator.http import Refusal, Request, Response
from marketplaces.simulator.state import Account, Ledger, Token


def authorize(ledger: Ledger, platform: str, request: Request, now: float) -> Response:
    """Send the browser back with a code. `login_hint` names an account; without it the seller is a new one."""
    query = request.query
    target = query.get("redirect_uri", "")
    if query.get("response_type") != "code" or not query.get("client_id"):
        raise Refusal(400, "client_id and response_type=code are required", code="invalid_request")
    if urlsplit(target).scheme not in {"http", "https"}:
        raise Refusal(400, "redirect_uri is not an address", code="invalid_request")
    if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
        raise Refusal(400, "only S256 is known", code="invalid_request")
    account = ledger.accounts.get(query.get("login_hint", "")) or open_account(ledger, platform)
    if account.platform != platform:
        raise Refusal(400, "login_hint is no seller here", code="invalid_request")
    code = Token(
        ledger.new_secret("code"), "code", account.id, query["client_id"], now + ledger.settings.code_s,
        redirect_uri=target, challenge=query.get("code_challenge", ""), scope=query.get("scope", ""),
    )  # fmt: skip
    ledger.tokens[code.value] = code
    answer = urlencode({"code": code.value, "state": query.get("state", "")})
    location = f"{target}{'&' if urlsplit(target).query else '?'}{answer}"
    return Response(302, "<p>Access granted. Going back to SeatSync.</p>", {"Location": location})


def open_account(ledger: Ledger, platform: str) -> Account:
    """A new seller there."""
    account = Account(f"{platform}-{ledger.new_id()}", platform, "")
    ledger.accounts[account.id] = account
    return account


def token(ledger: Ledger, request: Request, now: float, *, single_use: bool) -> Response:
    """The token endpoint: authorization_code, spent by use, and refresh_token, which may be (`single_use`)."""
    client_id = _client(ledger, request)
    form = request.form()
    kind = form.get("grant_type")
    if kind == "authorization_code":
        old = _spend(ledger, form.get("code", ""), "code", client_id, now)
        if old.redirect_uri != form.get("redirect_uri"):
            raise Refusal(400, "redirect_uri is another one", code="invalid_grant")
        _check_verifier(old, form.get("code_verifier", ""))
    elif kind == "refresh_token":
        old = _spend(ledger, form.get("refresh_token", ""), "refresh", client_id, now)
        old.spent = single_use
    else:
        raise Refusal(400, f"{kind!r} is no grant", code="unsupported_grant_type")
    return Response(200, grant(ledger, old.account_id, client_id, now, scope=old.scope))


def grant(ledger: Ledger, account_id: str, client_id: str, now: float, *, scope: str = "") -> dict[str, object]:
    """Fresh tokens for an account, as the token endpoint answers them."""
    life_s = ledger.settings.access_token_s
    access = Token(ledger.new_secret("access"), "access", account_id, client_id, now + life_s, scope=scope)
    refresh = Token(ledger.new_secret("refresh"), "refresh", account_id, client_id, 0.0, scope=scope)
    _forget_expired(ledger, now)
    ledger.tokens |= {access.value: access, refresh.value: refresh}
    return {
        "access_token": access.value, "token_type": "bearer", "expires_in": int(life_s), "scope": scope,
        "refresh_token": refresh.value,
    }  # fmt: skip


def bearer(ledger: Ledger, platform: str, request: Request, now: float, *, scope: str = "") -> Account:
    """The account at this platform of a good access token; raises Refusal(401), or Refusal(403) where it lacks `scope`.

    A token that names no scope at all was given out by the control address, and may do everything.
    """
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    held = ledger.tokens.get(value.strip())
    if scheme.lower() != "bearer" or held is None or held.kind != "access" or held.expires_at <= now:
        raise Refusal(401, "requires authentication", code="requires_authentication")
    account = ledger.accounts[held.account_id]
    if account.platform != platform:
        raise Refusal(401, "another platform's token", code="requires_authentication")
    if scope and held.scope and scope not in held.scope.split():
        raise Refusal(403, f"the token has no {scope}", code="insufficient_scope")
    return account


def _spend(ledger: Ledger, value: str, kind: str, client_id: str, now: float) -> Token:
    held = ledger.tokens.get(value)
    if held is None or held.kind != kind or held.client_id != client_id:
        raise Refusal(400, f"unknown {kind}", code="invalid_grant")
    if held.spent or (held.expires_at and held.expires_at <= now):
        raise Refusal(400, f"the {kind} is spent or too old", code="invalid_grant")
    held.spent = True
    return held


def _check_verifier(code: Token, verifier: str) -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if code.challenge and not hmac.compare_digest(digest, code.challenge):
        raise Refusal(400, "code_verifier does not fit", code="invalid_grant")


def _client(ledger: Ledger, request: Request) -> str:
    """The client of the Basic header or of the form. Any name is one, unless a secret was registered for it."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    form = request.form()
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(encoded, validate=True).decode()
        except ValueError:
            pair = ""
        client_id, _, secret = (unquote(part) for part in pair.partition(":"))
    if not client_id or ledger.clients.get(client_id, secret) != secret:
        raise Refusal(401, "unknown client", code="invalid_client")
    return client_id


def _forget_expired(ledger: Ledger, now: float) -> None:
    """Old access tokens go; spent refresh tokens stay, so that reuse is seen."""
    for value in [key for key, item in ledger.tokens.items() if item.kind != "refresh" and 0 < item.expires_at < now]:
        del ledger.tokens[value]
