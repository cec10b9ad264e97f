"""Settings, sign-in pages and brand."""

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from seatsync.accounts.models import User
from seatsync.tenants.models import Tenant, TenantDomain
from tests.builders import Holding, build_holding


@pytest.fixture
def holding(db: None) -> Holding:
    return build_holding()


@pytest.fixture
def client(holding: Holding) -> Client:
    client = Client()
    client.force_login(holding.user)
    return client


def test_the_profile_is_saved(client: Client, holding: Holding) -> None:
    url = reverse("accounts:profile_edit")
    assert client.post(url, {"full_name": "Sam Murphy", "phone": "+1 206 555 0123"}).status_code == 302
    assert User.objects.values_list("full_name", "phone").get(pk=holding.user.pk) == ("Sam Murphy", "+1 206 555 0123")


def test_a_bad_phone_is_said_and_values_are_kept(client: Client, holding: Holding) -> None:
    answer = client.post(reverse("accounts:profile_edit"), {"full_name": "Sam Murphy", "phone": "call me"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Write the number like +1 206 555 0123." in page
    assert 'value="call me"' in page
    assert User.objects.get(pk=holding.user.pk).full_name == ""


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_reset_password"])
def test_entrance_pages_bear_the_brand(db: None, name: str) -> None:
    tenant = Tenant.objects.create(name="Rainier Seats", slug="rainier", accent_dark="#11aa77")
    TenantDomain.objects.create(tenant=tenant, host="testserver", verified_at="2026-01-01T00:00:00Z")
    page = Client().get(reverse(name)).content.decode()
    assert "Rainier Seats" in page
    assert "#11aa77" in page
    assert "SeatSync" not in page


@pytest.mark.parametrize("name", ["account_change_password", "account_email", "mfa_index", "account_logout"])
def test_account_pages_are_in_the_design(client: Client, name: str) -> None:
    page = client.get(reverse(name), follow=True).content.decode()
    assert "css/tokens.css" in page


def test_the_second_step_says_since_when(holding: Holding, client: Client) -> None:
    totp.TOTP.activate(holding.user, totp.generate_totp_secret())
    page = client.get(reverse("mfa_index")).content.decode()
    assert f"since {date_format(timezone.localtime(), 'j M Y')}." in page


def test_a_new_password_leads_to_the_door(db: None) -> None:
    page = Client().get(reverse("account_reset_password_from_key_done")).content.decode()
    assert f'href="{reverse("account_login")}"' in page
    assert "css/tokens.css" in page


def test_no_page_has_an_inline_script(client: Client) -> None:
    for url in ("/", reverse("accounts:settings"), reverse("account_login")):
        page = client.get(url, follow=True).content.decode()
        assert page.count("<script") == page.count("<script src=")


def test_account_pages_stand_in_the_shell(client: Client) -> None:
    for name in ("account_email", "account_change_password", "mfa_index"):
        page = client.get(reverse(name)).content.decode()
        assert 'aria-label="Main"' in page, name
        assert f'<a href="{reverse("accounts:settings")}">Settings</a>' in page, name
    page = client.get(reverse("account_email")).content.decode()
    assert "<h1>Email addresses</h1>" in page
    assert ("Make it the main one" in page, "No address yet." in page) == (True, False)


def test_sign_in_has_one_way_to_a_new_password(db: None) -> None:
    page = Client().get(reverse("account_login")).content.decode()
    assert page.count(f'href="{reverse("account_reset_password")}"') == 1
