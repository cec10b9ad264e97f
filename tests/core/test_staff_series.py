"""Staff pages of the series: who may look, what narrows them, and a page at a time."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from listings.models import Listing, PriceHistory
from marketplaces.models import MarketSnapshot
from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.core.ids import uuid7
from seatsync.tenants.models import Tenant
from tests.builders import build_holding, verified_client
from tests.factories import MembershipFactory
from tests.market import Market
from tests.queries import queries_of

pytestmark = pytest.mark.django_db
PRICES = "admin:listings_pricehistory_changelist"
MARKETS = "admin:marketplaces_marketsnapshot_changelist"
MOMENT = datetime(2031, 5, 17, 12, 0, 0, 1, tzinfo=UTC)


def support(*permissions: str) -> Client:
    user = User.objects.create_user("support@example.com", "a-long-password-1", is_staff=True)
    MembershipFactory.create(user=user, tenant=Tenant.objects.get(is_default=True))
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return verified_client(user)


def price(cents: int, **fields: Any) -> PriceHistory:
    made: dict[str, Any] = {
        "time": MOMENT,
        "tenant_id": uuid.UUID(int=1),
        "listing_id": uuid7(),
        "platform": "alpha",
        **fields,
    }
    return PriceHistory.objects.create(price=Decimal(cents) / 100, **made)


def snapshot(cents: int, **fields: Any) -> MarketSnapshot:
    made: dict[str, Any] = {"time": MOMENT, "game_id": uuid7(), "platform": "alpha", "price_basis": "list", **fields}
    return MarketSnapshot.objects.create(price=Decimal(cents) / 100, **made)


def shown(client: Client, name: str, **query: object) -> list[str]:
    """The prices on the page, from top to bottom."""
    answer = client.get(reverse(name), {key: str(value) for key, value in query.items()})
    assert answer.status_code == 200
    return re.findall(r"<td>(\d+\.\d\d)</td>", answer.content.decode())


@pytest.mark.parametrize(
    ("name", "make", "permission"),
    [(PRICES, price, "view_pricehistory"), (MARKETS, snapshot, "view_marketsnapshot")],
)
def test_staff_who_may_view_it_see_its_rows_and_find_it_in_the_list(
    name: str, make: Callable[..., object], permission: str
) -> None:
    make(8400)
    client = support(permission)
    assert shown(client, name) == ["84.00"]
    for page in ("/admin/", f"/admin/{name.split(':')[1].split('_')[0]}/"):
        assert f'href="{reverse(name)}"' in client.get(page).content.decode()


@pytest.mark.parametrize("name", [PRICES, MARKETS])
def test_staff_without_the_permission_are_refused_and_not_shown_it(name: str) -> None:
    client = support("view_sale", "view_marketplaceaccount")
    assert client.get(reverse(name)).status_code == 403
    assert reverse(name) not in client.get("/admin/").content.decode()


@pytest.mark.parametrize("name", [PRICES, MARKETS])
def test_a_holder_and_staff_without_a_second_factor_do_not_enter(name: str) -> None:
    holder, half = Client(), Client()
    holder.force_login(build_holding().user)
    root = User.objects.create_superuser("root@example.com", "a-long-password-1")
    half.force_login(root)
    for client in (holder, half):
        answer = client.get(reverse(name))
        assert (answer.status_code, answer.headers["Location"][:13]) == (302, "/admin/login/")


@pytest.mark.parametrize("name", [PRICES, MARKETS])
def test_nothing_can_be_written_there(name: str) -> None:
    price(8400)
    client = support("view_pricehistory", "view_marketsnapshot", "change_pricehistory", "delete_marketsnapshot")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.generic(method, reverse(name)).status_code == 405
    assert PriceHistory.objects.count() == 1


def test_prices_of_one_tenant_hold_none_of_anothers(market: Market) -> None:
    ours, _ = market.published(market.holding.seats[:2])
    foreign = Tenant.objects.get(slug="other-co")
    theirs = Listing.objects.get(pk=ours.pk)
    theirs.pk, theirs.external_id, theirs.listing_id, theirs.tenant = uuid7(), "f" * 32, "other-1", foreign
    theirs.save(force_insert=True)
    PriceHistory.objects.all().delete()
    price(8400, listing_id=ours.pk, tenant_id=ours.tenant_id)
    price(6100, listing_id=theirs.pk, tenant_id=foreign.pk)
    client = support("view_pricehistory")
    assert shown(client, PRICES, tenant=ours.tenant_id) == ["84.00"]
    assert shown(client, PRICES, tenant=foreign.pk) == ["61.00"]
    assert sorted(shown(client, PRICES)) == ["61.00", "84.00"]
    assert shown(client, PRICES, tenant=foreign.pk, listing=ours.pk) == []


@pytest.mark.parametrize(
    ("name", "make", "narrowing", "column"),
    [(PRICES, price, "listing", "listing_id"), (MARKETS, snapshot, "game", "game_id")],
)
def test_rows_are_narrowed_by_object_platform_and_day(
    name: str, make: Callable[..., Any], narrowing: str, column: str
) -> None:
    wanted = make(1)
    make(2, platform="beta", **{column: getattr(wanted, column)})
    make(3, time=MOMENT - timedelta(days=1))
    make(4, time=datetime(2031, 5, 18, tzinfo=UTC))
    client = support("view_pricehistory", "view_marketsnapshot")
    assert sorted(shown(client, name, **{narrowing: getattr(wanted, column)})) == ["0.01", "0.02"]
    assert shown(client, name, platform="beta") == ["0.02"]
    assert shown(client, name, since="2031-05-18") == ["0.04"]
    assert shown(client, name, until="2031-05-16") == ["0.03"]
    assert sorted(shown(client, name, since="2031-05-17", until="2031-05-17")) == ["0.01", "0.02"]


@pytest.mark.parametrize(("name", "make"), [(PRICES, price), (MARKETS, snapshot)])
def test_pages_go_on_where_the_last_ended_newest_first_also_within_one_moment(
    name: str, make: Callable[..., Any]
) -> None:
    for number in range(5):
        make(number, id=uuid.UUID(int=number), time=MOMENT - timedelta(seconds=0 if number < 3 else number))
    client, seen, query = support("view_pricehistory", "view_marketsnapshot"), [], "?limit=2&platform=alpha"
    for _ in range(3):
        page = client.get(reverse(name) + query).content.decode()
        seen.append(re.findall(r"<td>(\d+\.\d\d)</td>", page))
        # A row that comes meanwhile is newer than the place where the page ended.
        make(99, time=MOMENT + timedelta(seconds=1))
        older = re.search(r'href="([^"]*)" rel="next"', page)
        query = older[1].replace("&amp;", "&") if older else ""
    assert seen == [["0.02", "0.01"], ["0.00", "0.03"], ["0.04"]]
    assert query == ""


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("listing", "7", "Enter a valid UUID."),
        ("tenant", "7", "is not a valid UUID"),
        ("tenant", str(uuid.UUID(int=7)), "Select a valid choice."),
        ("platform", "x" * 21, "at most 20 characters"),
        ("platform", "a\x00", "Null characters are not allowed."),
        ("since", "yesterday", "Write a day like 2026-06-12."),
        ("since", "0001-01-01", "greater than or equal to 1900-01-01"),
        ("until", "9999-12-31", "less than or equal to 2200-01-01"),
        ("limit", "0", "greater than or equal to 1"),
        ("limit", "201", "less than or equal to 200"),
        ("limit", "many", "Write a number."),
        ("cursor", "x", "Start with the newest rows."),
        ("cursor", "2031-05-17T12:00:00_0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f01", "Start with the newest rows."),
        ("cursor", "0001-01-01T00:00:00Z_0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f01", "Start with the newest rows."),
    ],
)
def test_a_bad_filter_is_told_beside_its_field(field: str, value: str, told: str) -> None:
    price(8400)
    answer = support("view_pricehistory").get(reverse(PRICES), {field: value})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert told in page
    assert "84.00" not in page


def test_days_the_wrong_way_round_are_told() -> None:
    answer = support("view_marketsnapshot").get(reverse(MARKETS), {"since": "2031-05-18", "until": "2031-05-17"})
    assert answer.status_code == 422
    assert "Swap them" in answer.content.decode()


def test_what_strangers_wrote_is_text_on_the_page() -> None:
    snapshot(100, section="<b>1</b>")
    assert "&lt;b&gt;1&lt;/b&gt;" in support("view_marketsnapshot").get(reverse(MARKETS)).content.decode()


@pytest.mark.parametrize(("name", "make"), [(PRICES, price), (MARKETS, snapshot)])
def test_ten_more_rows_cost_no_query_more(name: str, make: Callable[..., Any]) -> None:
    client = support("view_pricehistory", "view_marketsnapshot")
    for number in range(3):
        make(number, time=now())
    few, _ = queries_of(client, reverse(name))
    for number in range(10):
        make(number, time=now())
    many, answer = queries_of(client, reverse(name))
    assert len(re.findall(r"<td>\d+\.\d\d</td>", answer.content.decode())) == 13
    assert len(many) == len(few)
