"""The admin: staff behind a second factor, every model page opens, secrets never shown."""

import getpass
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from automation.models import Decision
from listings.models import PriceHistory, Sale
from marketplaces.models import FeeVersion, MarketplaceAccount
from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.core.models import SubjectKey
from seatsync.live.models import LiveCounter
from tests.builders import Holding, build_holding, verified_client

pytestmark = pytest.mark.django_db
OURS = {
    config.label
    for config in apps.get_app_configs()
    if (settings.BASE_DIR / config.name.partition(".")[0] / "__init__.py").exists()
}
# Counters and data keys are nobody's business.
NOT_SHOWN = {LiveCounter, SubjectKey}


def staff_client(*, verified: bool) -> Client:
    user = User.objects.create_superuser("root@example.com", "a-long-password-1")
    build_holding()
    if verified:
        return verified_client(user)
    client = Client()
    client.force_login(user)
    return client


def test_a_password_alone_does_not_open_the_admin() -> None:
    assert staff_client(verified=False).get("/admin/").status_code == 302


def test_a_verified_second_factor_does() -> None:
    assert staff_client(verified=True).get("/admin/").status_code == 200


def test_holders_stay_outside() -> None:
    holding: Holding = build_holding()
    client = Client()
    client.force_login(holding.user)
    assert client.get("/admin/").status_code == 302


def test_every_model_has_a_page_and_every_page_opens() -> None:
    client, seen = staff_client(verified=True), set()
    for model in apps.get_models():
        if model._meta.app_label not in OURS or model in NOT_SHOWN:
            continue
        # Series have pages of their own and are not registered.
        registered = admin.site._registry.get(model)
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        answer = client.get(reverse(name), {"q": "x"} if registered and registered.search_fields else {})
        assert answer.status_code == 200, model
        seen.add(model)
    assert seen >= {Decision, PriceHistory, Sale}


def names_asked(page: Any) -> Iterator[str]:
    """What its list reads from the address: its filters as they link, the rest as Django names it."""
    yield from ("q", "o", "p", "id__exact")
    for one in page.list_filter:
        name = one[0] if isinstance(one, tuple) else str(one)
        yield from (name, f"{name}__exact")


def test_no_page_of_staff_breaks_over_what_no_database_takes() -> None:
    client, broken, asked, said = staff_client(verified=True), list[Any](), 0, 0
    client.raise_request_exception = False
    for model, page in admin.site._registry.items():
        if model._meta.app_label not in OURS:
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses = [(reverse(f"{name}_changelist"), {key: "a\0b"}) for key in names_asked(page)]
        addresses.append((reverse(f"{name}_change", args=["a\0b"]), {}))
        for address, query in addresses:
            asked += 1
            answer = client.get(address, query)
            broken += [(address, query, answer.status_code)] if answer.status_code >= 500 else []
            said += answer.status_code == 400 and "Take odd characters out" in answer.content.decode()
        chosen = {"action": next(iter(page.actions or ()), "x"), "_selected_action": "a\0b"}
        if (answer := client.post(reverse(f"{name}_changelist"), chosen)).status_code >= 500:
            broken.append((name, chosen, answer.status_code))
    assert broken == []
    assert asked > 200
    assert said > 20


def test_what_is_nobodys_business_has_no_page() -> None:
    assert NOT_SHOWN & set(admin.site._registry) == set()


def test_tokens_and_secrets_are_not_on_the_page() -> None:
    client = staff_client(verified=True)
    user = User.objects.get(email="owner@example.com")
    account = MarketplaceAccount.objects.create(
        tenant=user.memberships.get().tenant, user=user, platform="stubhub", access_token="plain-token",
        webhook_secret="plain-secret",
    )  # fmt: skip
    page = client.get(reverse("admin:marketplaces_marketplaceaccount_change", args=[account.pk])).content.decode()
    assert "plain-" not in page


@pytest.mark.parametrize(("days", "percent"), [(-1, Decimal("10.000")), (1, Decimal("12.000"))])
def test_i26_a_fee_in_force_is_corrected_by_a_newer_row(days: int, percent: Decimal) -> None:
    client, starts = staff_client(verified=True), now().date() + timedelta(days=days)
    row = FeeVersion.objects.create(
        platform="stubhub", side="seller", percent=Decimal("10.000"), valid_from=starts, source="x", checked_on=starts
    )
    url = reverse("admin:marketplaces_feeversion_change", args=[row.pk])
    sent = {"platform": "stubhub", "side": "seller", "percent": "12.000", "valid_from": starts, "source": "their mail"}
    assert client.post(url, {**sent, "checked_on": starts}).status_code == 302
    row.refresh_from_db()
    assert (row.percent, row.source) == (percent, "their mail")


def test_create_staff_makes_a_second_factor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEATSYNC_STAFF_PASSWORD", "a-long-password-1")
    build_holding()
    call_command("create_staff", "new@example.com")
    assert "otpauth://" in capsys.readouterr().out
    assert TOTPDevice.objects.get().user.email == "new@example.com"


def test_create_staff_refuses_what_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATSYNC_STAFF_PASSWORD", "a-long-password-1")
    with pytest.raises(CommandError, match="'junk' is no mail address"):
        call_command("create_staff", "junk")
    assert not User.objects.filter(email="junk").exists()


def test_create_staff_without_a_terminal_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEATSYNC_STAFF_PASSWORD", raising=False)
    # What the library falls back to without a terminal, and the stubs do not know.
    monkeypatch.setattr(getpass, "getpass", vars(getpass)["fallback_getpass"])
    with pytest.raises(CommandError, match="Run it in one, or set SEATSYNC_STAFF_PASSWORD"):
        call_command("create_staff", "new@example.com")


def test_browsers_find_the_icon_where_they_look_without_a_page() -> None:
    answer = Client().get("/favicon.ico")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/static/img/mark")
