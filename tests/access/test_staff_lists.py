"""Every list that staff have: its search, each choice of each filter, and that its rows are found."""

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from listings.contracts import PriceChange
from listings.models import Listing
from listings.services.pricing import price_apply
from marketplaces.models import LimitVersion
from seatsync.accounts.models import User
from seatsync.core.clock import now
from tests.access.conftest import World
from tests.builders import verified_client

pytestmark = pytest.mark.django_db
# What is ours to write; the rest of the registry is that of libraries.
APPS = (
    "accounts", "analytics", "automation", "core", "intelligence", "listings", "live", "marketplaces", "portfolios",
    "tenants",
)  # fmt: skip
OURS = sorted(
    (model for model in admin.site._registry if model._meta.app_label in APPS), key=lambda model: model._meta.label
)
# Those of which the world has a row, and which support looks for.
FILLED = {
    "listing", "listingseat", "sale", "saleseat", "marketplacecommand", "foundlisting", "payout", "pushhalt",
    "priceproposal", "tradingstate", "marketplaceaccount", "inboundevent", "feeversion", "limitversion", "alert",
    "user", "membership", "seasonticket", "game",
}  # fmt: skip
# Both search and filters are asked of these: they are what support works with.
WORKED_WITH = [model for model in OURS if model._meta.app_label in {"listings", "marketplaces"}]


def of(model: type[Model]) -> str:
    return model._meta.label


@pytest.fixture
def staff(world: World) -> Client:
    return verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))


def path(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def listed(staff: Client, address: str, **query: str) -> Any:
    """What stands on a list that opens."""
    answer: Any = staff.get(address, query)
    assert answer.status_code == 200, (address, query)
    return answer.context_data["cl"]


def test_all_of_ours_are_looked_at() -> None:
    assert len(OURS) > 40
    assert {model._meta.model_name for model in OURS} >= {
        "listing", "sale", "foundlisting", "payout", "pushhalt", "feeversion", "limitversion", "retryversion",
        "payoutcalendarversion", "priceproposal", "marketplacecommand", "inboundevent",
    }  # fmt: skip


@pytest.mark.parametrize("model", WORKED_WITH, ids=of)
def test_what_support_works_with_has_a_search_and_filters(model: type[Model]) -> None:
    page = admin.site._registry[model]
    assert page.search_fields, "no search"
    assert page.list_filter, "no filter"


@pytest.mark.parametrize("model", OURS, ids=of)
def test_its_list_is_opened_with_a_search_and_each_choice_of_each_filter(staff: Client, model: type[Model]) -> None:
    changes, asked = listed(staff, path(model)), 0
    searched = listed(staff, path(model), q="zzz nothing is called so")
    if admin.site._registry[model].search_fields:
        assert searched.result_count == 0
    for spec in changes.filter_specs:
        for choice in spec.choices(changes):
            # A lookup that is none leads away, to the list as it was: no list would be here.
            listed(staff, path(model) + choice["query_string"])
            asked += 1
    assert asked >= len(changes.filter_specs)


@pytest.mark.parametrize("model", OURS, ids=of)
def test_its_rows_are_found_by_what_is_searched(staff: Client, world: World, model: type[Model]) -> None:
    _more(world)
    looked = 0
    for field in admin.site._registry[model].search_fields:
        plain = field.lstrip("^=@").removesuffix("__iexact").removesuffix("__icontains")
        rows = model._default_manager.exclude(**{f"{plain}__isnull": True}).values_list("pk", plain)
        for pk, value in [row for row in rows if row[1]][:1]:
            found = listed(staff, path(model), q=str(value)).queryset
            assert pk in set(found.values_list("pk", flat=True)), (field, value)
            looked += 1
    assert looked or model._meta.model_name not in FILLED


def _more(world: World) -> None:
    """What the world has none of: a price that was proposed, and dated rows of its platforms."""
    listing = Listing.objects.get(pk=world.ids["listing"])
    price_apply(actor=world.market.holding.actor, changes=[PriceChange(listing.pk, listing.price, reason="look")])
    facts: dict[str, Any] = {"platform": "alpha", "valid_from": now().date(), "source": "mail", "checked_on": now()}
    LimitVersion.objects.create(per_second=1, burst=5, reserved=1, **facts)
