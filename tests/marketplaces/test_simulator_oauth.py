"""StubHub's account host, simulated: consent, PKCE, rotation, and reuse that is refused."""

import base64
import hashlib
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from marketplaces.adapters.stubhub import client
from marketplaces.contracts import AppCredentials, Grant, Link
from marketplaces.errors import GrantExpired, NotSupported, PermanentError, UnknownOutcome
from marketplaces.registry import adapter_get
from tests.marketplaces.conftest import BASE, World

ADAPTER = adapter_get("stubhub")
APP = AppCredentials("seatsync-paper", "paper secret/+:")
REDIRECT = "https://seatsync.test/connect/callback?from=1"
VERIFIER = "v" * 64


def _consent(world: World, verifier: str = VERIFIER) -> dict[str, list[str]]:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    url = ADAPTER.authorize_url(
        base_url=f"{BASE}/stubhub", app=APP, state="s-1", redirect_uri=REDIRECT, code_challenge=challenge
    )
    answer = world.http.get(url)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(REDIRECT)
    return parse_qs(urlsplit(answer.headers["location"]).query)


def _link(world: World, grant: Grant | None = None) -> Link:
    return Link(world.http, f"{BASE}/stubhub", grant or Grant(""), APP)


def trade(world: World, verifier: str = VERIFIER, redirect: str = REDIRECT) -> Grant:
    code = _consent(world)["code"][0]
    return ADAPTER.connect(_link(world), code=code, redirect_uri=redirect, code_verifier=verifier)


def test_connect_gives_a_grant_that_works(world: World) -> None:
    assert _consent(world)["state"] == ["s-1"]
    grant = trade(world)
    assert grant.account_id.endswith("@example.com")
    assert grant.expires_at is not None
    assert "write:sellerlistings" in grant.scopes
    assert list(ADAPTER.list_all(_link(world, grant))) == []


def test_a_code_is_good_once(world: World) -> None:
    code = _consent(world)["code"][0]
    ADAPTER.connect(_link(world), code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER)
    with pytest.raises(GrantExpired):
        ADAPTER.connect(_link(world), code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER)


@pytest.mark.parametrize(("verifier", "redirect"), [("w" * 64, REDIRECT), (VERIFIER, "https://elsewhere.test/")])
def test_a_stolen_code_is_worth_nothing(world: World, verifier: str, redirect: str) -> None:
    with pytest.raises(GrantExpired):
        trade(world, verifier, redirect)


def test_a_code_grows_old(world: World) -> None:
    code = _consent(world)["code"][0]
    world.moment += 601
    with pytest.raises(GrantExpired):
        ADAPTER.connect(_link(world), code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER)


def test_access_ends_and_refresh_rotates(world: World) -> None:
    first = trade(world)
    world.moment += 3600
    with pytest.raises(GrantExpired):
        list(ADAPTER.list_all(_link(world, first)))
    second = ADAPTER.refresh(_link(world, first))
    assert second.refresh_token != first.refresh_token
    assert second.account_id == first.account_id
    assert list(ADAPTER.list_all(_link(world, second))) == []
    third = ADAPTER.refresh(_link(world, second))
    assert third.access_token != second.access_token


def test_a_refresh_token_used_twice_is_refused(world: World) -> None:
    first = trade(world)
    ADAPTER.refresh(_link(world, first))
    with pytest.raises(GrantExpired):
        ADAPTER.refresh(_link(world, first))


def test_a_lost_refresh_answer_spends_the_token(world: World) -> None:
    first = trade(world)
    world.fault(kind="timeout_after", route="/oauth2/token", count=1)
    with pytest.raises(UnknownOutcome):
        ADAPTER.refresh(_link(world, first))
    with pytest.raises(GrantExpired):
        ADAPTER.refresh(_link(world, first))


def test_without_a_refresh_token_the_holder_must_help(world: World) -> None:
    with pytest.raises(GrantExpired):
        ADAPTER.refresh(_link(world))


def test_a_wrong_client_secret_is_our_fault(world: World) -> None:
    world.control("accounts", {"platform": "stubhub", "client_id": APP.client_id, "client_secret": "right"})
    with pytest.raises(PermanentError, match="client id"):
        trade(world)
    link = replace(_link(world), app=AppCredentials(APP.client_id, "right"))
    code = _consent(world)["code"][0]
    assert ADAPTER.connect(link, code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER).access_token


def test_a_missing_name_does_not_lose_the_grant(world: World) -> None:
    world.fault(kind="status", status=503, route="/v2/user", count=1)
    grant = trade(world)
    assert grant.account_id == ""
    assert grant.refresh_token


def test_addresses_of_the_account_host() -> None:
    assert client.account_url("https://api.stubhub.net", "/authorize") == "https://account.stubhub.com/authorize"
    assert client.account_url("https://sandbox.api.stubhub.net/", "/x") == "https://sandbox.account.stubhub.com/x"
    assert client.account_url("http://127.0.0.1:9100/stubhub", "/x") == "http://127.0.0.1:9100/stubhub/x"


def test_consent_without_our_client_id(world: World) -> None:
    with pytest.raises(PermanentError):
        ADAPTER.authorize_url(base_url=BASE, app=AppCredentials(), state="s", redirect_uri=REDIRECT, code_challenge="c")


def test_seatgeek_connects_by_token(world: World) -> None:
    adapter, link = adapter_get("seatgeek"), world.link("seatgeek", token="tok-1")
    assert adapter.connect(link, code="", redirect_uri="", code_verifier="") == link.grant
    assert adapter.refresh(link) == link.grant
    with pytest.raises(GrantExpired):
        adapter.connect(replace(link, grant=Grant("tok-2")), code="", redirect_uri="", code_verifier="")
    with pytest.raises(NotSupported):
        adapter.authorize_url(base_url=BASE, app=APP, state="s", redirect_uri=REDIRECT, code_challenge="c")


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("read:events", "GET", "/v2/sellerlistings", 403), ("read:sellerlistings", "GET", "/v2/sellerlistings", 200),
        ("read:sellerlistings", "DELETE", "/v2/sellerlistings/7", 403),
        ("write:sellerlistings", "DELETE", "/v2/sellerlistings/7", 404),
        ("read:sales", "GET", "/v2/payments", 403), ("read:payment", "GET", "/v2/payments", 200),
        ("write:sales", "GET", "/v2/sales/recentupdates", 403), ("", "GET", "/v2/sales/recentupdates", 200),
    ],
)  # fmt: skip
def test_a_grant_does_what_it_was_given_for(world: World, scope: str, method: str, path: str, status: int) -> None:
    held = world.control("accounts", {"platform": "stubhub", "scope": scope})
    headers = {"Authorization": f"Bearer {held['access_token']}"}
    answer = world.http.request(method, f"{BASE}/stubhub{path}", headers=headers)
    assert answer.status_code == status
    assert status != 403 or answer.json()["code"] == "insufficient_scope"


def test_nobody_consents_for_an_account_of_another_marketplace(world: World) -> None:
    held = world.control("accounts", {"platform": "ticketmaster"})
    url = ADAPTER.authorize_url(
        base_url=f"{BASE}/stubhub", app=APP, state="s", redirect_uri=REDIRECT, code_challenge="c" * 43
    )
    assert world.http.get(f"{url}&login_hint={held['account_id']}").status_code == 400
