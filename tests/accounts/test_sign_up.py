"""Sign-up by code, neutral answers, one login and a membership per tenant."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from seatsync.accounts.models import Membership, User
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from seatsync.tenants.models import Tenant, TenantDomain
from tests.builders import person

pytestmark = pytest.mark.django_db
FORM = {"email": "new@example.com", "password1": "a-very-long-password-9", "password2": "a-very-long-password-9"}


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    valkey().flushdb()


def sign_up(client: Client, **changes: str) -> Any:
    return client.post("/accounts/signup/", {**FORM, **changes})


def test_a_code_from_the_mail_opens_the_account() -> None:
    client = Client()
    assert sign_up(client).status_code == 302
    user = User.objects.get(email="new@example.com")
    assert (user.email_verified_at, user.memberships.get().tenant.is_default) == (None, True)
    code = re.search(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", str(mail.outbox[0].body), re.MULTILINE)
    assert code is not None, mail.outbox[0].body
    answer = client.post("/accounts/confirm-email/", {"code": code.group(1)})
    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.email_verified_at is not None
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("address", ["new@example.com", "known@example.com"])
def test_mails_bear_the_name_of_the_tenant_whose_page_was_used(address: str) -> None:
    tenant = Tenant.objects.create(name="Bleacher Bums", slug="bums")
    TenantDomain.objects.create(tenant=tenant, host="testserver", verified_at=now())
    person("known@example.com", tenant)
    sign_up(Client(), email=address)
    (sent,) = mail.outbox
    assert sent.subject.startswith("[Bleacher Bums] ")
    assert "Hello from Bleacher Bums!" in sent.body
    assert "Thank you for using Bleacher Bums!\ntestserver" in sent.body


def test_a_known_address_gets_the_same_answer_and_no_second_account() -> None:
    person("known@example.com", Tenant.objects.get(is_default=True))
    fresh, known = sign_up(Client()), sign_up(Client(), email="KNOWN@example.com")
    assert (fresh.status_code, fresh.headers["Location"]) == (known.status_code, known.headers["Location"])
    assert User.objects.filter(email__iexact="known@example.com").count() == 1


def test_no_field_bears_a_name_that_the_second_factor_sets() -> None:
    names = {field.name for field in User._meta.get_fields()}
    assert not names & {"is_verified", "otp_device"}


def test_a_password_of_another_tenant_does_not_open_this_one() -> None:
    foreign = Tenant.objects.create(name="Other", slug="other")
    TenantDomain.objects.create(tenant=foreign, host="testserver", verified_at=now())
    person("owner@example.com", Tenant.objects.get(is_default=True))
    client = Client()
    client.post("/accounts/login/", {"login": "owner@example.com", "password": "a-long-password-1"})
    page = client.get("/portfolio/")
    assert page.status_code in {302, 403, 404} or b"131/27" not in page.content
    assert Membership.objects.filter(tenant=foreign).count() == 0
