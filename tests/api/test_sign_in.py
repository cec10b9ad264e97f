"""Tokens: the one sign-in service, rotation, reuse, lockout, the second factor."""

from datetime import timedelta

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from pytest_django import Settings

from seatsync.accounts.models import Membership, RefreshFamily, User
from seatsync.accounts.services.tokens import TokenRefused, mfa_token, tokens_issue, tokens_refresh
from seatsync.live.models import Alert
from seatsync.tenants.models import Tenant
from tests.api.conftest import Api
from tests.factories import MembershipFactory
from tests.market import Market

pytestmark = pytest.mark.django_db
GOOD = {"email": "owner@example.com", "password": "a-long-password-1"}


def test_a_password_buys_tokens_that_work(market: Market) -> None:
    answer = Api().post("/auth/token/", GOOD)
    assert answer.status_code == 200
    me = Api(answer.json()["access"]).get("/me/")
    assert (me.json()["email"], me.json()["is_verified"]) == ("owner@example.com", True)


def test_every_refusal_reads_the_same(market: Market) -> None:
    User.objects.filter(email="co@example.com").update(email_verified_at=None)
    User.objects.filter(email="viewer@example.com").update(is_active=False)
    Membership.objects.filter(user__email="other@example.com").delete()
    texts = set()
    for email, password in (
        ("owner@example.com", "wrong"), ("nobody@example.com", "a-long-password-1"),
        ("co@example.com", "a-long-password-1"), ("viewer@example.com", "a-long-password-1"),
        ("other@example.com", "a-long-password-1"), ("outsider@example.com", "a-long-password-1"),
    ):  # fmt: skip
        answer = Api().post("/auth/token/", {"email": email, "password": password})
        assert answer.status_code == 401
        texts.add(answer.json()["detail"])
    assert len(texts) == 1


def test_five_failures_lock_the_account_for_a_while(market: Market) -> None:
    for _ in range(5):
        assert Api().post("/auth/token/", {**GOOD, "password": "wrong"}).status_code == 401
    locked = Api().post("/auth/token/", GOOD)
    assert locked.status_code == 429
    assert int(locked.headers["Retry-After"]) > 0


def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(market: Market) -> None:
    first = Api().post("/auth/token/", GOOD).json()
    second = Api().post("/auth/token/refresh/", {"refresh": first["refresh"]})
    assert second.status_code == 200
    reused = Api().post("/auth/token/refresh/", {"refresh": first["refresh"]})
    assert reused.status_code == 401
    assert RefreshFamily.objects.get().revoked_at is not None
    assert Api().post("/auth/token/refresh/", {"refresh": second.json()["refresh"]}).status_code == 401
    assert Api(second.json()["access"]).get("/me/").status_code == 401
    assert Alert.objects.filter(kind="account.token_reuse", severity="critical").exists()


def test_tokens_end_with_the_password_and_never_serve_another_kind(market: Market) -> None:
    pair = tokens_issue(market.holding.user, market.holding.ticket.tenant_id)
    assert Api(pair.refresh).get("/me/").status_code == 401
    assert Api().post("/auth/token/refresh/", {"refresh": pair.access}).status_code == 401
    market.holding.user.set_password("another-long-password-2")
    market.holding.user.save()
    assert Api(pair.access).get("/me/").status_code == 401
    assert Api("not.a.token").get("/me/").status_code == 401


def test_an_old_access_token_is_refused(market: Market, settings: Settings) -> None:
    settings.ACCESS_TOKEN_LIFE = timedelta(seconds=-1)
    pair = tokens_issue(market.holding.user, market.holding.ticket.tenant_id)
    assert Api(pair.access).get("/me/").status_code == 401
    settings.ACCESS_TOKEN_LIFE = timedelta(seconds=60)
    young = tokens_issue(market.holding.user, market.holding.ticket.tenant_id)
    assert Api(young.access).get("/me/").status_code == 200


def test_where_a_second_factor_is_due_a_password_alone_buys_no_token(market: Market) -> None:
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(market.holding.user, secret)
    first = Api().post("/auth/token/", GOOD).json()
    assert set(first) == {"mfa_token"}
    assert Api(first["mfa_token"]).get("/me/").status_code == 401
    wrong = Api().post("/auth/token/mfa/", {"mfa_token": first["mfa_token"], "code": "000000"})
    assert wrong.status_code == 401
    code = totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))
    good = Api().post("/auth/token/mfa/", {"mfa_token": first["mfa_token"], "code": code})
    assert good.status_code == 200
    assert Api(good.json()["access"]).get("/me/").status_code == 200


def test_a_challenge_of_another_tenant_is_refused(market: Market) -> None:
    user, elsewhere = market.holding.user, Tenant.objects.get(slug="other-co")
    MembershipFactory.create(user=user, tenant=elsewhere)
    code = RecoveryCodes.activate(user).get_unused_codes()[0]
    refused = Api().post("/auth/token/mfa/", {"mfa_token": mfa_token(user, elsewhere.pk), "code": code})
    assert refused.status_code == 401
    assert refused.json()["errors"][0]["field"] == "mfa_token"
    assert not RefreshFamily.objects.exists()
    # The code was not spent on it: it is good where its challenge was given.
    own = mfa_token(user, market.holding.ticket.tenant_id)
    assert Api().post("/auth/token/mfa/", {"mfa_token": own, "code": code}).status_code == 200


@pytest.mark.parametrize("lost", ["membership", "proved address", "active"])
def test_a_refresh_token_ends_with_what_let_its_person_in(market: Market, lost: str) -> None:
    user, tenant_id = market.holding.user, market.holding.ticket.tenant_id
    pair = tokens_issue(user, tenant_id)
    pair = tokens_refresh(pair.refresh)
    if lost == "membership":
        user.memberships.all().delete()
    else:
        changes: dict[str, object] = {"email_verified_at": None} if lost == "proved address" else {"is_active": False}
        User.objects.filter(pk=user.pk).update(**changes)
    with pytest.raises(TokenRefused):
        tokens_refresh(pair.refresh)
