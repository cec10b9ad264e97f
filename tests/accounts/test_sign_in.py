"""One sign-in service for pages, API and admin: one counter, one decision, one trail."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django_otp.oath import totp as device_code
from django_otp.plugins.otp_totp.models import TOTPDevice

from seatsync.accounts.models import Membership, RefreshFamily, User
from seatsync.accounts.services.sign_in import FAILURES_PER_ACCOUNT, lockout_take
from seatsync.core.audit import audit_read
from seatsync.core.errors import TooManyRequests
from seatsync.core.limiters import valkey
from seatsync.core.models import AuditEntry
from seatsync.demo.people import PASSWORD as DEMO_PASSWORD
from seatsync.demo.people import user_make
from seatsync.tenants.models import Tenant
from tests.builders import person, verified_client
from tests.factories import TenantFactory

pytestmark = pytest.mark.django_db
EMAIL, PASSWORD = "owner@example.com", "a-long-password-1"


@pytest.fixture(autouse=True)
def user() -> User:
    valkey().flushdb()
    return person(EMAIL, Tenant.objects.get(is_default=True))[0]


def by_page(email: str = EMAIL, password: str = PASSWORD, client: Client | None = None) -> Any:
    return (client or Client()).post("/accounts/login/", {"login": email, "password": password})


def by_api(email: str = EMAIL, password: str = PASSWORD) -> Any:
    return Client().post("/api/v1/auth/token/", {"email": email, "password": password}, "application/json")


def by_admin(email: str = EMAIL, password: str = PASSWORD, code: str = "", client: Client | None = None) -> Any:
    device = TOTPDevice.objects.filter(user__email=email).first()
    chosen = {"otp_device": device.persistent_id, "otp_token": code} if device else {}
    return (client or Client()).post("/admin/login/", {"username": email, "password": password, **chosen})


def entered_page(answer: Any) -> bool:
    return answer.status_code == 302 and "_auth_user_id" in answer.client.session


def entered_api(answer: Any) -> bool:
    return answer.status_code == 200 and "access" in answer.json()


def verbs() -> list[str]:
    return list(AuditEntry.objects.filter(verb__startswith="sign_in").order_by("at").values_list("verb", flat=True))


def staff_of_the_command(monkeypatch: pytest.MonkeyPatch) -> tuple[User, TOTPDevice]:
    monkeypatch.setenv("SEATSYNC_STAFF_PASSWORD", PASSWORD)
    call_command("create_staff", "root@example.com", stdout=StringIO())
    device = TOTPDevice.objects.get()
    return device.user, device


def test_page_and_api_let_the_same_person_in_and_keep_it(user: User) -> None:
    assert entered_page(by_page())
    assert entered_api(by_api())
    entries = AuditEntry.objects.filter(verb="sign_in")
    kept = [(entry.subject, entry.object_id, entry.tenant, audit_read(entry)) for entry in entries]
    tenant_id = user.memberships.get().tenant_id
    assert kept == [(user.pk, str(user.pk), tenant_id, {"before": None, "after": {"address": "127.0.0.1"}})] * 2
    assert verbs() == ["sign_in", "sign_in"]


@pytest.mark.parametrize("send", [by_page, by_api, by_admin])
def test_a_failure_is_kept(user: User, send: Callable[..., Any]) -> None:
    send(password="wrong")
    send(email="nobody@example.com")
    first, second = AuditEntry.objects.filter(verb="sign_in.refused").order_by("at")
    assert (first.subject, first.object_id) == (user.pk, str(user.pk))
    assert audit_read(first) == {"before": None, "after": {"address": "127.0.0.1", "why": "password"}}
    assert (second.object_id, second.tenant) == ("unknown", user.memberships.get().tenant_id)
    assert verbs() == ["sign_in.refused", "sign_in.refused"]


@pytest.mark.parametrize("send", [by_page, by_api, by_admin])
def test_a_stranger_takes_as_much_hashing_as_a_wrong_password(
    send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the time of an answer does not tell who has an account here."""
    hashed = list[str]()
    plain = MD5PasswordHasher.encode

    def encode(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return plain(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", encode)
    send(password="wrong")
    of_somebody = len(hashed)
    send(email="nobody@example.com", password="wrong")
    assert of_somebody > 0
    assert hashed == ["wrong"] * 2 * of_somebody


@pytest.mark.parametrize("failed", [by_page, by_api, by_admin])
def test_five_failures_at_one_door_close_all_of_them(failed: Callable[..., Any], user: User) -> None:
    User.objects.update(is_staff=True)
    for _ in range(FAILURES_PER_ACCOUNT):
        failed(password="wrong")
    page, api, staff = by_page(), by_api(), by_admin()
    assert not entered_page(page)
    assert "Too many failed" in page.content.decode()
    assert api.status_code == 429
    assert "Too many failed attempts" in staff.content.decode()
    assert "sign_in" not in verbs()


def test_what_is_no_failure_does_not_count() -> None:
    for _ in range(FAILURES_PER_ACCOUNT):
        assert entered_page(by_page())
    assert entered_api(by_api())


def test_tries_at_the_same_moment_are_all_counted() -> None:
    def attempt(_: int) -> bool:
        try:
            lockout_take(email=EMAIL, address="192.0.2.1")
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == FAILURES_PER_ACCOUNT


def test_a_locked_account_does_not_use_up_the_address() -> None:
    for _ in range(40):
        by_api(password="wrong")
    person("second@example.com", Tenant.objects.get(is_default=True))
    assert entered_api(by_api("second@example.com"))


@pytest.mark.parametrize("kind", ["unknown", "wrong password", "no membership", "not active"])
def test_neither_door_opens_nor_says_why(user: User, kind: str) -> None:
    email, password = EMAIL, PASSWORD
    if kind == "unknown":
        email = "nobody@example.com"
    elif kind == "wrong password":
        password = "wrong"
    elif kind == "no membership":
        Membership.objects.filter(user=user).update(tenant=TenantFactory.create())
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)
    page, api = by_page(email, password), by_api(email, password)
    assert (entered_page(page), page.status_code) == (False, 200)
    assert "The email address and/or password you specified are not correct." in page.content.decode()
    assert (api.status_code, api.json()["detail"]) == (
        401,
        "The mail address or the password is not right. Check both and send them again.",
    )
    assert verbs() == ["sign_in.refused", "sign_in.refused"]


def test_an_unproved_address_is_proved_by_code_on_the_page_and_refused_by_the_api(user: User) -> None:
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    # As the library's own table has it where only the user's field was emptied.
    EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
    assert by_api().status_code == 401
    client = Client()
    page = by_page(client=client)
    assert (page.status_code, page.headers["Location"]) == (302, "/accounts/confirm-email/")
    assert "_auth_user_id" not in client.session
    assert "sign_in" not in verbs()
    (code,) = re.findall(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", str(mail.outbox[0].body), re.MULTILINE)
    assert entered_page(client.post("/accounts/confirm-email/", {"code": code}))
    assert verbs()[-1] == "sign_in"
    assert entered_api(by_api())


def test_an_unproved_address_asks_a_stranger_for_nothing(user: User) -> None:
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    answer = by_page(password="wrong")
    assert answer.status_code == 200
    assert "are not correct" in answer.content.decode()
    assert mail.outbox == []


def test_a_further_proved_address_opens_both_doors_and_an_unproved_one_none(user: User) -> None:
    EmailAddress.objects.create(user=user, email="second@example.com", verified=True)
    EmailAddress.objects.create(user=user, email="third@example.com", verified=False)
    assert entered_page(by_page("Second@example.com"))
    assert entered_api(by_api("second@example.com"))
    assert not entered_page(by_page("third@example.com"))
    assert not entered_api(by_api("third@example.com"))


def test_a_second_factor_is_asked_for_at_both_doors_and_its_failures_are_counted_together(user: User) -> None:
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    client = Client()
    page, first = by_page(client=client), by_api().json()
    assert page.headers["Location"] == "/accounts/2fa/authenticate/"
    assert ("_auth_user_id" in client.session, set(first), verbs()) == (False, {"mfa_token"}, [])
    for number in range(FAILURES_PER_ACCOUNT):
        if number % 2:
            wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
            assert "The code is not right." in wrong.content.decode()
        else:
            body = {"mfa_token": first["mfa_token"], "code": "000000"}
            assert Client().post("/api/v1/auth/token/mfa/", body, "application/json").status_code == 401
    assert verbs() == ["sign_in.refused"] * FAILURES_PER_ACCOUNT
    good = totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))
    assert "Too many failed" in client.post("/accounts/2fa/authenticate/", {"code": good}).content.decode()
    valkey().flushdb()
    assert entered_page(client.post("/accounts/2fa/authenticate/", {"code": good}))
    assert verbs()[-1] == "sign_in"


def test_a_recovery_code_is_a_second_factor_at_both_doors_and_good_once(user: User) -> None:
    totp.TOTP.activate(user, totp.generate_totp_secret())
    first, second = RecoveryCodes.activate(user).get_unused_codes()[:2]
    client = Client()
    by_page(client=client)
    assert entered_page(client.post("/accounts/2fa/authenticate/", {"code": first}))

    def send(code: str) -> Any:
        body = {"mfa_token": by_api().json()["mfa_token"], "code": code}
        return Client().post("/api/v1/auth/token/mfa/", body, "application/json")

    assert send(first).status_code == 401
    assert entered_api(send(second))


def test_who_loses_the_membership_between_the_steps_stays_outside(user: User) -> None:
    totp.TOTP.activate(user, totp.generate_totp_secret())
    client = Client()
    by_page(client=client)
    token = by_api().json()["mfa_token"]
    Membership.objects.filter(user=user).delete()
    first, second = RecoveryCodes.activate(user).get_unused_codes()[:2]
    assert client.post("/accounts/2fa/authenticate/", {"code": first}).status_code == 401
    assert "_auth_user_id" not in client.session
    body = {"mfa_token": token, "code": second}
    assert Client().post("/api/v1/auth/token/mfa/", body, "application/json").status_code == 401
    assert (RefreshFamily.objects.count(), verbs()) == (0, ["sign_in.refused"] * 2)


def test_the_password_asked_for_again_is_counted_too() -> None:
    client = Client()
    assert entered_page(by_page(client=client))
    for _ in range(FAILURES_PER_ACCOUNT):
        again = client.post("/accounts/reauthenticate/", {"password": "wrong"})
        assert "This password is not right. Type it again, or have it reset." in again.content.decode()
    assert by_api().status_code == 429
    assert "Too many failed" in client.post("/accounts/reauthenticate/", {"password": PASSWORD}).content.decode()
    valkey().flushdb()
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_a_reset_password_opens_both_doors(user: User) -> None:
    client = Client()
    client.post("/accounts/password/reset/", {"email": EMAIL})
    (link,) = re.findall(r"http://testserver(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))
    form = client.get(link).headers["Location"]
    client.post(form, {"password1": "another-long-password-2", "password2": "another-long-password-2"})
    assert not entered_page(by_page())
    assert entered_page(by_page(password="another-long-password-2"))
    assert entered_api(by_api(password="another-long-password-2"))


def test_the_demos_people_enter_by_both_doors() -> None:
    user_make("demo@example.com", "Sam Morgan", Tenant.objects.get(is_default=True), "holder")
    assert entered_page(by_page("demo@example.com", DEMO_PASSWORD))
    assert entered_api(by_api("demo@example.com", DEMO_PASSWORD))


def test_staff_of_the_command_are_asked_for_their_one_second_factor_at_every_door(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user, device = staff_of_the_command(monkeypatch)
    page, client = Client(), Client()
    assert by_page(user.email, client=page).headers["Location"] == "/accounts/2fa/authenticate/"
    first = by_api(user.email).json()
    assert (set(first), "_auth_user_id" in page.session, verbs()) == ({"mfa_token"}, False, [])

    assert entered_page(page.post("/accounts/2fa/authenticate/", {"code": f"{device_code(device.bin_key):06d}"}))
    valkey().flushdb()  # the same code is good once at these two
    body = {"mfa_token": first["mfa_token"], "code": f"{device_code(device.bin_key):06d}"}
    assert entered_api(Client().post("/api/v1/auth/token/mfa/", body, "application/json"))
    assert entered_page(by_admin(user.email, code=f"{device_code(device.bin_key):06d}", client=client))
    assert client.get("/admin/").status_code == 200
    assert verbs() == ["sign_in"] * 3


def test_whom_djangos_own_command_made_enters_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", email="root@example.com", verbosity=0)
    assert entered_page(by_page("root@example.com"))
    assert entered_api(by_api("root@example.com"))
    assert verified_client(User.objects.get(email="root@example.com")).get("/admin/").status_code == 200


@pytest.mark.parametrize("missing", ["membership", "proof"])
def test_the_admin_asks_what_the_other_doors_ask(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    user, device = staff_of_the_command(monkeypatch)
    if missing == "proof":
        User.objects.filter(pk=user.pk).update(email_verified_at=None)
    else:
        user.memberships.all().delete()
    answer = by_admin(user.email, code=f"{device_code(device.bin_key):06d}")
    assert not entered_page(answer)
    assert "Please enter the correct email and password for a staff account" in answer.content.decode()
    assert verbs() == ["sign_in.refused"]


def test_wrong_codes_of_the_admin_count_as_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    user, device = staff_of_the_command(monkeypatch)
    for _ in range(FAILURES_PER_ACCOUNT):
        assert not entered_page(by_admin(user.email, code="000000"))
        # The device's own brake, which would hide ours.
        TOTPDevice.objects.update(throttling_failure_count=0)
    assert by_api(user.email).status_code == 429
    assert (
        "Too many failed attempts" in by_admin(user.email, code=f"{device_code(device.bin_key):06d}").content.decode()
    )
