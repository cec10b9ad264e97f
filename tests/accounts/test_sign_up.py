"""Sign-up by code, neutral answers, one login and a membership per tenant."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from portfolios.services.season_tickets import season_ticket_create
from seatsync.accounts.models import Membership, User
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from seatsync.tenants.models import Tenant, TenantDomain
from tests.builders import build_holding, person, schedule

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
    wrong = client.post("/accounts/confirm-email/", {"code": "AAAA-AAAA"})
    assert "This code is not right. Type the one of the newest mail, or ask for another." in wrong.text
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


@pytest.mark.parametrize(("tenant", "entered"), [("own", True), ("other", False)])
def test_a_password_of_another_tenant_does_not_open_this_one(tenant: str, entered: bool) -> None:
    """The host is the other tenant's in both cases; only who belongs there enters, and sees the own seats."""
    default, foreign = Tenant.objects.get(is_default=True), Tenant.objects.create(name="Other", slug="other")
    TenantDomain.objects.create(tenant=foreign, host="testserver", verified_at=now())
    user, actor = person("owner@example.com", foreign if tenant == "own" else default)
    team = schedule(2)[0].home_team
    season_ticket_create(
        actor=actor, user_id=user.pk, team_id=team.pk, season_year=2026, section="131", row="27", seat_from=1,
        seat_to=2, cost_basis=Decimal("100.00"), order_reference="ACC-1",
    )  # fmt: skip
    client = Client()
    client.post("/accounts/login/", {"login": "owner@example.com", "password": "a-long-password-1"})
    assert ("_auth_user_id" in client.session) is entered
    page = client.get("/portfolio/")
    assert (page.status_code == 200, "131" in page.content.decode()) == (entered, entered)
    assert Membership.objects.filter(user=user, tenant=foreign).exists() is entered


def test_a_session_shows_nothing_of_a_tenant_that_the_person_does_not_belong_to() -> None:
    """A session that came about before the membership ended, or by another host's cookie."""
    holding = build_holding()
    client = Client()
    client.force_login(holding.user)
    assert "131" in client.get("/portfolio/").content.decode()
    TenantDomain.objects.create(tenant=Tenant.objects.get(slug="other-co"), host="testserver", verified_at=now())
    assert "131" not in client.get("/portfolio/").content.decode()
