"""The own profile: what the settings page changes, by the API."""

import pytest
from django.test import Client
from django.urls import reverse

from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.core.models import AuditEntry
from tests.api.conftest import As
from tests.api.test_api import fields
from tests.market import Market

pytestmark = pytest.mark.django_db


def me(market: Market) -> User:
    return User.objects.get(pk=market.holding.user.pk)


def test_what_is_left_out_stays(market: Market, as_: As) -> None:
    owner = as_("owner")
    both = owner.patch("/me/", {"full_name": "Sam Murphy", "phone": "+1 206 555 0123"})
    assert (both.status_code, both.json()["full_name"], both.json()["phone"]) == (200, "Sam Murphy", "+1 206 555 0123")
    assert owner.patch("/me/", {"phone": ""}).json()["full_name"] == "Sam Murphy"
    assert owner.get("/me/").json()["phone"] == ""
    assert owner.patch("/me/", {}).status_code == 200
    assert as_("co").get("/me/").json()["full_name"] == ""
    assert AuditEntry.objects.filter(verb="profile.update").count() == 3


def test_a_new_number_loses_its_verification(market: Market, as_: As) -> None:
    User.objects.filter(pk=market.holding.user.pk).update(phone="+1 206 555 0123", phone_verified_at=now())
    as_("owner").patch("/me/", {"full_name": "Sam"})
    assert me(market).phone_verified_at is not None
    as_("owner").patch("/me/", {"phone": "+1 206 555 0199"})
    assert me(market).phone_verified_at is None


@pytest.mark.parametrize(
    ("body", "field"),
    [({"phone": "call me"}, "phone"), ({"phone": "1" * 21}, "phone"), ({"full_name": "x" * 151}, "full_name")],
)
def test_a_mistake_names_its_field_and_changes_nothing(
    market: Market, as_: As, body: dict[str, str], field: str
) -> None:
    answer = as_("owner").patch("/me/", {"full_name": "Sam", **body})
    assert (answer.status_code, fields(answer)) == (422, [field])
    assert answer.json()["errors"][0]["remedy"]
    assert (me(market).full_name, me(market).phone) == ("", "")


@pytest.mark.parametrize("name", ["email", "is_staff", "kyc_status", "subscription_tier", "id"])
def test_nothing_else_can_be_changed_so(market: Market, as_: As, name: str) -> None:
    before = getattr(me(market), name)
    answer = as_("owner").patch("/me/", {"full_name": "Sam", name: "true"})
    assert (answer.status_code, fields(answer)) == (422, [name])
    assert answer.json()["errors"][0]["remedy"] == "Leave it out. Taken here: full_name and phone."
    assert (getattr(me(market), name), me(market).full_name) == (before, "")


def test_many_unknown_fields_are_not_all_repeated(market: Market, as_: As) -> None:
    answer = as_("owner").patch("/me/", {f"{number}{'x' * 500}": 1 for number in range(50)})
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 20)
    assert max(len(name) for name in fields(answer)) == 80


def test_the_page_and_the_api_take_the_same_fields(market: Market, as_: As) -> None:
    browser = Client()
    browser.force_login(market.holding.user)
    shown = browser.get(reverse("accounts:settings")).context["form"].fields
    told = as_("owner").patch("/me/", dict.fromkeys(shown, "+1 206 555 0123"))
    assert {told.json()[name] for name in shown} == {"+1 206 555 0123"}
