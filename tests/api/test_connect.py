"""A consent's state: the caller's own, ten minutes, and spent by one use whatever comes of it."""

from datetime import timedelta

import pytest
from django.urls import reverse

from marketplaces.contracts import Grant
from marketplaces.errors import PermanentError
from marketplaces.models import ConnectAttempt, MarketplaceAccount
from marketplaces.services.connect import connect_finish
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from tests.api.conftest import Api, As
from tests.builders import verified_client
from tests.market import Market

BACK = "https://example.com/back"


def attempt(market: Market) -> ConnectAttempt:
    holding = market.holding
    return ConnectAttempt.objects.create(
        tenant=holding.ticket.tenant, user=holding.user, platform="alpha", mode="paper", state="s-1", code_verifier="v"
    )


def granting(market: Market, monkeypatch: pytest.MonkeyPatch, *answers: Grant | Exception) -> list[str]:
    """The platform answers like this, call by call; returns the codes that it was sent."""
    sent, left = list[str](), list(answers)

    def connect(link: object, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        sent.append(code)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(market.alpha, "connect", connect)
    return sent


def finish(api: Api, code: str) -> int:
    return int(
        api.post("/marketplace-accounts/finish/", {"state": "s-1", "code": code, "redirect_uri": BACK}).status_code
    )


def test_a_state_is_spent_by_a_finish_that_the_platform_refuses(
    market: Market, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, sent = attempt(market), granting(market, monkeypatch, PermanentError("wrong code"), Grant("t-2"))
    api = as_("owner")
    assert [finish(api, "c-1"), finish(api, "c-2")] == [409, 409]
    made.refresh_from_db()
    assert (made.used_at is not None, sent) == (True, ["c-1"])


def test_a_state_is_spent_by_a_grant_that_is_another_accounts_and_the_account_stays_as_it_was(
    market: Market, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.published()
    MarketplaceAccount.objects.filter(platform="alpha").update(account_id="seller-1", mode="paper")
    before = MarketplaceAccount.objects.get(platform="alpha")
    made = attempt(market)
    sent = granting(market, monkeypatch, Grant("t-1", account_id="seller-2"), Grant("t-2", account_id="seller-1"))
    api = as_("owner")
    assert [finish(api, "c-1"), finish(api, "c-2")] == [409, 409]
    made.refresh_from_db()
    after = MarketplaceAccount.objects.get(platform="alpha")
    assert (made.used_at is not None, sent) == (True, ["c-1"])
    assert (after.access_token, after.account_id) == (before.access_token, "seller-1")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"error": "access_denied"}, "You did not give SeatSync access on Alpha&#x27;s page. Nothing has changed."),
        ({"error": "server_error", "code": "c-9"}, "Alpha&#x27;s page gave no access. Nothing has changed."),
        ({}, "Alpha&#x27;s page gave no access. Nothing has changed."),
    ],
)
def test_who_does_not_consent_is_told_so_and_nothing_is_asked_with_no_code(
    market: Market, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str
) -> None:
    made, sent = attempt(market), granting(market, monkeypatch, Grant("t-1"))
    client = verified_client(market.holding.user)
    page = client.get(reverse("marketplaces:connect_finish"), {"state": "s-1"} | given, follow=True).text
    made.refresh_from_db()
    assert (said in page, made.used_at is not None, sent) == (True, True, [])


def test_a_state_lasts_ten_minutes(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    made, sent = attempt(market), granting(market, monkeypatch, Grant("t-1"))

    def back(minutes: float) -> MarketplaceAccount:
        ConnectAttempt.objects.filter(pk=made.pk).update(created_at=now() - timedelta(minutes=minutes))
        return connect_finish(actor=market.holding.actor, state="s-1", code="c-1", redirect_uri=BACK)

    with pytest.raises(Conflict, match="has ended"):
        back(10.05)
    assert sent == []
    assert back(9.9).access_token == "t-1"
    assert sent == ["c-1"]


def test_whose_token_it_is_is_confirmed_where_nothing_there_shows_it(
    market: Market, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market.alpha, "connect", lambda link, **_: link.grant)
    market.publish()
    api, wish = as_("owner"), {"platform": "alpha", "mode": "paper", "token": "token-9"}
    refused = api.post("/marketplace-accounts/", wish)
    (problem,) = refused.json()["errors"]
    assert (refused.status_code, problem["field"]) == (409, "same_account")
    assert "disconnect that one first" in problem["remedy"]
    account = MarketplaceAccount.objects.get(platform="alpha")
    assert account.access_token == "token"
    assert api.post("/marketplace-accounts/", wish | {"same_account": True}).status_code == 201
    account.refresh_from_db()
    assert account.access_token == "token-9"


def test_a_client_says_too_that_consent_was_refused(as_: As, market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    made, sent = attempt(market), granting(market, monkeypatch, Grant("t-1"))
    body = {"state": "s-1", "redirect_uri": "https://seats.example/finish/", "error": "access_denied"}
    answer = as_("owner").post("/marketplace-accounts/finish/", body)
    made.refresh_from_db()
    assert (answer.status_code, made.used_at is not None, sent) == (409, True, [])
    assert "You did not give SeatSync access" in answer.json()["detail"]
