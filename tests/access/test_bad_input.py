"""Bad input, by the API and on the page that has the same field: which field, why, and what to do."""

import html
from dataclasses import dataclass, field
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import resolve, reverse
from django_filters import ChoiceFilter

from listings.models import Listing, PriceProposal
from marketplaces.models import InboundEvent, MarketplaceAccount
from portfolios.models import Seat
from seatsync.core.limiters import valkey
from tests.access.conftest import World
from tests.access.test_matrix import client_of
from tests.api.conftest import Api
from tests.api.document import PROBLEM, document

pytestmark = pytest.mark.django_db
PUBLISH = {
    "seat_ids": ["@free_seat"], "account_ids": ["@account"], "price": "84.00", "floor": "50.00", "ceiling": "200.00",
}  # fmt: skip
OFFER = {
    "seats": ["@free_seat"], "accounts": ["@account"], "price": "84", "floor": "50", "ceiling": "200",
    "split_type": "any", "floor_basis": "list",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One mistake: the request, and what the answer must say; `page` is the same mistake on a page."""

    path: str
    body: dict[str, Any]
    status: int
    wrong: str
    reason: str
    remedy: str
    method: str = "POST"
    page: tuple[str, dict[str, str], dict[str, Any]] | None = None
    page_says: str = ""
    page_status: int = 422
    headers: dict[str, str] = field(default_factory=dict)


_LISTING = {"listing_id": "listing"}
_GAME = {"game_id": "game"}
CASES = {
    "a price below the floor": Case(
        "/listings/@listing/price/", {"price": "40.00", "version": 1}, 422, "price",
        "$40.00 is below your floor of $50.00.", "Choose $50.00 or more.",
        page=("listings:listing_reprice", _LISTING, {"price": "40", "version": "1"}),
    ),
    "a first price below the floor": Case(
        "/listings/", {**PUBLISH, "price": "40.00"}, 422, "price",
        "$40.00 is outside $50.00 to $200.00.", "Move the price, the floor or the ceiling.",
        page=("analytics:game_publish", _GAME, {**OFFER, "price": "40"}),
    ),
    "a floor of nothing": Case(
        "/listings/", {**PUBLISH, "floor": "0.00"}, 422, "floor",
        "The floor must be above zero.", "Say the least you would take.",
        page=("analytics:game_publish", _GAME, {**OFFER, "floor": "0"}),
    ),
    "a seat already sold": Case(
        "/listings/", {**PUBLISH, "seat_ids": ["@sold_seat"]}, 409, "seat_ids",
        "is sold.", "Choose seats that are available.",
        page=("analytics:game_publish", _GAME, {**OFFER, "seats": ["@sold_seat"]}),
        page_says="A seat that you chose is not free any more. Choose seats that are.",
    ),
    "a sold seat to keep": Case(
        "/seats/@sold_seat/", {"state": "attending", "reason": "we go"}, 409, "state",
        "is sold.", "Choose seats that no buyer has.", method="PATCH",
    ),
    "a seat offered there already": Case(
        "/listings/", {**PUBLISH, "seat_ids": ["@listed_seat"]}, 409, "account_ids",
        "is listed on Alpha already.", "Reprice that listing, or take it down first.",
        page=("analytics:game_publish", _GAME, {**OFFER, "seats": ["@listed_seat"]}),
    ),
    "another holder's seat": Case(
        "/listings/", {**PUBLISH, "seat_ids": ["@strange"]}, 404, "seat_ids",
        "No seat with this id.", "Use the ids of your own seats.",
    ),
    "another holder's account": Case(
        "/listings/", {**PUBLISH, "account_ids": ["@strange"]}, 404, "account_ids",
        "No marketplace account with this id.", "Use the ids of your own accounts.",
    ),
    "an unknown platform": Case(
        "/marketplace-accounts/", {"platform": "craigslist", "token": "x"}, 422, "platform",
        "'craigslist'", "alpha, beta",
        page=("marketplaces:account_connect", {}, {"platform": "craigslist", "mode": "paper", "token": "x"}),
    ),
    "a stale version": Case(
        "/listings/@listing/price/", {"price": "80.00", "version": 7}, 409, "version",
        "The listing has changed since you looked.", "Look at the new price and decide again.",
        page=("listings:listing_reprice", _LISTING, {"price": "80", "version": "7"}), page_status=409,
    ),
    "a stale seat": Case(
        "/seats/@free_seat/", {"state": "attending", "reason": "we go", "version": 7}, 409, "version",
        "The seat has changed since you looked.", "Read it again.", method="PATCH",
    ),
    "a stale If-Match": Case(
        "/listings/@listing/delist/", {}, 412, "If-Match", "has changed", "Read it again.",
        headers={"If-Match": '"v7"'},
    ),
    "no phone number": Case(
        "/me/", {"phone": "call me"}, 422, "phone", "'call me'", "Write the number like +1 206 555 0123.",
        method="PATCH",
        page=("accounts:profile_edit", {}, {"full_name": "Sam", "phone": "call me"}),
        page_says="Write the number like +1 206 555 0123.",
    ),
    "an unknown brake": Case(
        "/trading-states/", {"scope": "season", "scope_id": "@ticket", "state": "PARKED"}, 422, "state",
        "'PARKED' is not a state.", "Use ACTIVE",
        page=("listings:trading_set", {}, {"state": "PARKED", "reason": "x"}),
        page_says='"PARKED" cannot be chosen here. Choose among what is shown.',
    ),
}  # fmt: skip


@pytest.fixture
def table(world: World) -> World:
    seats = world.market.holding.seats
    world.ids.update(
        sold_seat=str(seats[2].pk), listed_seat=str(seats[0].pk), strange="0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f01"
    )
    return world


def api_of(world: World, who: str = "owner") -> Api:
    api = Api()
    api.client = client_of(world, who, api=True)
    return api


def path_of(world: World, path: str) -> str:
    for name, value in world.ids.items():
        path = path.replace(f"@{name}/", f"{value}/")
    return path


def state(world: World) -> object:
    """What no refused request may change."""
    return (
        list(Listing.objects.order_by("pk").values_list("pk", "price", "status", "version")),
        list(Seat.objects.order_by("pk").values_list("pk", "state", "version")),
        list(MarketplaceAccount.objects.order_by("pk").values_list("pk", "is_active")),
        (world.user("owner").full_name, world.user("owner").phone),
    )


@pytest.mark.parametrize("name", CASES)
def test_the_api_says_which_field_why_and_what_to_do(table: World, name: str) -> None:
    case, before = CASES[name], state(table)
    answer = api_of(table).send(case.method, path_of(table, case.path), table.filled(case.body), **case.headers)
    assert answer.status_code == case.status
    (problem,) = answer.json()["errors"]
    assert problem["field"] == case.wrong
    assert case.reason in problem["detail"]
    assert case.remedy in problem["remedy"]
    assert state(table) == before


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.page])
def test_the_page_says_it_too(table: World, name: str) -> None:
    case, before = CASES[name], state(table)
    assert case.page is not None
    view, words, data = case.page
    url = reverse(view, kwargs={key: table.ids[value] for key, value in words.items()})
    answer = client_of(table, "owner", api=False).post(url, table.filled(data))
    assert answer.status_code == case.page_status
    page = html.unescape(answer.content.decode())
    if case.page_says:
        assert case.page_says in page
    else:
        assert case.reason in page
        assert case.remedy in page
    assert state(table) == before


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        ("{", {}, 400, "Send one JSON object."),
        ("[]", {}, 422, "dictionary"),
        ("price=1", {"Content-Type": "text/plain"}, 415, "application/json"),
    ],
)
def test_a_body_that_is_no_object(table: World, body: str, headers: dict[str, str], status: int, says: str) -> None:
    client = client_of(table, "owner", api=True)
    kind = headers.get("Content-Type", "application/json")
    answer = client.generic("POST", "/api/v1/listings/", body, content_type=kind)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)
    assert says in answer.content.decode()


def test_strangers_and_made_up_ids_read_the_same(table: World) -> None:
    """Whether an id exists is nobody's business: another holder's and one that is not there get one answer."""
    other = api_of(table, "other")
    for path in ("listings", "seats", "sales", "season-tickets", "marketplace-accounts"):
        real = {"listings": "listing", "seats": "free_seat", "sales": "sale", "season-tickets": "ticket"}
        told = []
        for name in (real.get(path, "account"), "strange"):
            answer = other.get(f"/{path}/{table.ids[name]}/")
            told.append((answer.status_code, answer.json()["detail"], answer.json()["errors"]))
        assert told[0] == told[1]
        assert told[0][0] == 404


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/listings/", "game"), ("/listings/", "season_ticket"), ("/listings/", "account"),
        ("/listings/", "seat_group"),
        ("/sales/", "game"), ("/sales/", "listing"), ("/seats/", "season_ticket"), ("/seats/", "game"),
        ("/predictions/", "seat_group"), ("/predictions/", "listing"),
    ],
)  # fmt: skip
def test_a_filter_does_not_tell_whether_an_id_exists(table: World, path: str, name: str) -> None:
    ids = {"season_ticket": "ticket", "seat_group": "group"}
    real, other = table.ids[ids.get(name, name)], api_of(table, "other")
    for value in (real, table.ids["strange"]):
        answer = other.get(f"{path}?{name}={value}")
        assert (answer.status_code, answer.json()["results"]) == (200, [])
    assert other.get(f"{path}?{name}=no-id").status_code == 422


def choice_filters() -> dict[str, list[str]]:
    """Of each list of the API by its path, the names of its filters that are one of a few."""
    found = {}
    for method, path in document().operations():
        view = resolve(path.replace("{id}", str(uuid4())).replace("{game}", str(uuid4()))).func
        filters = getattr(getattr(view, "cls", None), "filterset_class", None)
        if method == "GET" and filters is not None:
            found[path] = [name for name, one in filters.base_filters.items() if isinstance(one, ChoiceFilter)]
    return {path: names for path, names in found.items() if names}


def test_a_choice_that_there_is_none_of_is_refused_whatever_its_letters(table: World) -> None:
    """django-filter formats what it refuses: a "%" that was asked for was taken for a format."""
    lists, staff = choice_filters(), api_of(table, "staff")
    assert {"/api/v1/listings/", "/api/v1/games/", "/api/v1/found/"} <= set(lists)
    for path, names in lists.items():
        for name, value in product(names, ("%", "%25", "100%", "%s", "%(value)s", "%(value)d", "{0}")):
            valkey().flushdb()
            answer = staff.client.get(path.replace("{id}", table.ids["listing"]), {name: value})
            assert answer.status_code == 422, (path, name, value, answer.content)
            (problem,) = answer.json()["errors"]
            assert (problem["field"], problem["detail"]) == (name, f'"{value}" is not a valid choice.'), (path, value)
            assert problem["remedy"].startswith("Use "), (path, problem)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "wrong"}])
def test_a_webhook_with_a_wrong_signature_is_not_stored(table: World, headers: dict[str, str]) -> None:
    account = table.market.accounts["alpha"]
    before, seen = InboundEvent.objects.count(), MarketplaceAccount.objects.get(pk=account.pk)
    url = reverse("marketplace_webhook", args=["alpha", account.pk])
    body = "sale|S-9|whatever"
    answer = Client().post(url, body, content_type="text/plain", headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, PROBLEM)
    (problem,) = answer.json()["errors"]
    assert problem["field"] == "signature"
    assert problem["detail"]
    assert problem["remedy"]
    after = MarketplaceAccount.objects.get(pk=account.pk)
    assert InboundEvent.objects.count() == before
    assert after.rejected_webhooks == seen.rejected_webhooks + 1
    assert after.last_webhook_at == seen.last_webhook_at


def test_a_refused_price_is_kept_with_its_verdicts(table: World) -> None:
    """I-15: what the door refuses is traced, whoever asked; the same request by the API and on the page."""
    owner, listing = api_of(table), table.ids["listing"]
    owner.post(f"/listings/{listing}/price/", {"price": "40.00", "version": 1})
    proposal = PriceProposal.objects.get(listing_id=listing, proposed_price="40.00")
    assert proposal.accepted is False
    assert [verdict["guard"] for verdict in proposal.verdicts if not verdict["allowed"]] == ["floor"]
    (shown,) = [row for row in owner.get(f"/listings/{listing}/why/").json() if row["proposed_price"] == "40.00"]
    assert shown["accepted"] is False


def test_a_stale_writer_is_told_the_version_there_is(table: World) -> None:
    owner, listing, seat = api_of(table), table.ids["listing"], table.ids["free_seat"]
    version = Listing.objects.get(pk=listing).version
    stale = owner.post(f"/listings/{listing}/price/", {"price": "80.00", "version": 7})
    assert (stale.status_code, stale.json()["current_version"]) == (409, version)
    unmatched = owner.post(f"/listings/{listing}/delist/", {}, **{"If-Match": '"v7"'})
    assert (unmatched.status_code, unmatched.json()["current_version"]) == (412, version)
    wish = {"state": "attending", "reason": "we go", "version": 7}
    assert owner.patch(f"/seats/{seat}/", wish).json()["current_version"] == Seat.objects.get(pk=seat).version
