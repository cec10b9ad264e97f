"""Every form of every page, each field given what it is not for: never a 500, never half a change, and a word on it."""

import html
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.forms import BaseForm, IntegerField
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from listings.models import Listing, ListingStatus, Sale
from seatsync.core.forms import MoneyField
from tests.access.conftest import World
from tests.access.routes import ROUTES, Kind
from tests.access.test_hostile_writes import rows
from tests.access.test_matrix import address, ask, client_of, served, undone

pytestmark = pytest.mark.django_db
# A name that no form has: by it what was posted is told from the words of an address.
OURS = "posted-here"
NOWHERE = str(uuid4())
# By what a field is; the last one: it is missing.
TEXTS: tuple[Any, ...] = ("a\x00b", "x" * 3_000, "\u202e\U0001f39f<b>%s{0}", [NOWHERE, NOWHERE], None)
NUMBERS: tuple[Any, ...] = ("a\x00b", "9" * 30, "-1", "\u0661\u0662", None)
# Forms that are right, where the matrix gets along without one.
BODIES: dict[str, dict[str, Any]] = {
    "analytics:game_publish": {
        "seats": ["@free_seat"], "accounts": ["@account"], "price": "84", "floor": "50", "ceiling": "200",
        "floor_basis": "list", "split_type": "any",
    },
    "portfolios:season_ticket_new": {
        "team": "@team", "season_year": "2026", "section": "140", "row": "2", "seat_from": "1", "seat_to": "2",
        "cost_basis": "500", "order_reference": "A-9",
    },
    "portfolios:season_ticket_correct": {
        "cost_basis": "900.00", "order_reference": "A", "version": "1", "section": "131", "row": "27",
        "seat_from": "1", "seat_to": "4",
    },
    "portfolios:seats_state": {"seats": ["@free_seat"], "state": "attending", "reason": "we go"},
    "listings:listing_bulk": {"act": "by_percent", "amount": "-1", "listing": "@listing", "sure": "on"},
    "listings:listing_delist": {"reason": "we go"},
    "listings:listing_sold_whole": {"quantity": "2", "price": "80.00"},
    "listings:sale_fulfil": {"method": "mobile_transfer", "confirmation": "TX-1"},
    "listings:ticket_enter": {"kind": "barcode", "seat_1": "880012349"},
    "listings:sale_resolve": {"reason": "a test order"},
    "listings:sale_report": {"what": "claim", "reason": "refused at the gate", "charge": "10"},
    "listings:sale_received": {"amount": "10", "confirmed": "on"},
    "listings:sale_charged": {"what": "charged", "amount": "10", "reason": "late"},
    "listings:payout_received": {"amount": "1"},
    "listings:trading_set": {"state": "HALTED", "reason": "x"},
    "marketplaces:account_connect": {"platform": "alpha", "mode": "paper", "token": "abc"},
    "accounts:profile_edit": {"full_name": "Sam", "phone": "+12065550123"},
}  # fmt: skip
# Whose refusals leave a trace that they are to leave, or that are allauth's: test_odd_text has those.
NOT_HERE = ("account_", "mfa_")
# What a post shows without doing anything: what would become of it, or where to go on.
ONLY_SHOWS = {"listings:listing_bulk", "listings:mapping_list", "marketplaces:account_connect"}
SAID = re.compile(r'class="(?:errors?|fault)"|role="alert"|Nothing was changed')


def forms() -> list[str]:
    return [
        name for name, route in ROUTES.items()
        if not name.startswith(("api:", *NOT_HERE)) and route.kind not in {Kind.WEBHOOK, Kind.METRICS, Kind.UNKNOWN}
    ]  # fmt: skip


@contextmanager
def reading() -> Iterator[tuple[set[str], list[BaseForm]]]:
    """The names that are looked for meanwhile in what was posted, and the forms that it was read with."""
    names, read_with = set[str](), list[BaseForm]()
    kept = {name: getattr(MultiValueDict, name) for name in ("__getitem__", "get", "getlist")}
    cleaned = BaseForm.full_clean

    def noted(name: str) -> Any:
        def read(self: Any, key: str, *rest: Any, **more: Any) -> Any:
            if isinstance(self, QueryDict) and dict.__contains__(self, OURS):
                names.add(key)
            return kept[name](self, key, *rest, **more)

        return read

    def full_clean(self: BaseForm) -> None:
        if isinstance(self.data, QueryDict) and dict.__contains__(self.data, OURS):
            read_with.append(self)
        cleaned(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseForm, "full_clean", full_clean)
        for name in kept:
            patch.setattr(MultiValueDict, name, noted(name))
        yield names, read_with


def fields_of(client: Any, path: str, body: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """What the page reads of a form, with what each is tried with."""
    with undone(), reading() as (names, read_with):
        ask(client, "POST", path, {**body, OURS: "1"}, api=False)
    numbers = {
        name for form in read_with for name, one in form.fields.items() if isinstance(one, IntegerField | MoneyField)
    }  # fmt: skip
    declared = {name for form in read_with for name in form.fields}
    unlike = {"csrfmiddlewaretoken", OURS, "from"}
    return {name: NUMBERS if name in numbers else TEXTS for name in sorted((names | declared) - unlike)}


def said(answer: Any) -> str:
    """What a page says of what was refused."""
    page = answer.content.decode()
    if not SAID.search(page):
        return ""
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


def trouble(answer: Any, changed: bool) -> str:
    """What is wrong with an answer; empty: nothing."""
    if answer.status_code >= 500:
        return "failed"
    if answer.status_code in {301, 302}:
        levels = {word.level_tag for word in get_messages(answer.wsgi_request)}
        if changed and levels == {"error"}:
            return "changed something"
        return "" if levels or changed else "sends away without a word"
    if answer.status_code >= 400 and changed:
        return "changed something"
    if answer.status_code in {404, 403}:
        return ""
    if answer.status_code >= 400 and not said(answer):
        return "does not say what is wrong"
    return ""


def refused(read_with: Iterable[BaseForm]) -> set[str]:
    """The fields that were refused together, before anything was done: alone each of them is refused as well."""
    named = {name for form in read_with for name in form.errors}
    return named if len(named) > 1 else set()


def spoilt(body: dict[str, Any], spoils: dict[str, Any]) -> dict[str, Any]:
    kept = {key: held for key, held in body.items() if key not in spoils}
    return {**kept, **{key: value for key, value in spoils.items() if value is not None}, OURS: "1"}


@pytest.mark.parametrize("name", forms())
def test_no_form_breaks_over_any_field(world: World, name: str) -> None:
    """All fields at once, and each one alone with what was not refused of it then: that much reaches the service."""
    world.ids["team"] = str(world.market.holding.game.home_team_id)
    route = ROUTES[name]
    path = address(world, name, route)
    if "POST" not in served(world, name, path, api=False):
        return
    client = client_of(world, "owner", api=False)
    client.raise_request_exception = False
    body = world.filled(BODIES.get(name, route.body))
    before, broken = rows(), list[tuple[Any, ...]]()

    def told(spoils: dict[str, Any]) -> set[str]:
        with undone(), reading() as (_, read_with):
            # Words that no page has shown yet are those of the posts before.
            client.cookies.pop("messages", None)
            answer = ask(client, "POST", path, spoilt(body, spoils), api=False)
            wrong = trouble(answer, rows() != before)
        if answer.status_code == 200 and name not in ONLY_SHOWS:
            wrong = wrong or "shows the page as if nothing had been asked"
        if wrong:
            shown = {field: repr(value)[:60] for field, value in spoils.items()}
            broken.append((wrong, shown, answer.status_code, answer.content[:200]))
        return refused(read_with) if answer.status_code == 422 else set()

    fields = fields_of(client, path, body)
    for number in range(max(map(len, fields.values()), default=0)):
        spoils = {field: values[number] for field, values in fields.items()}
        known = told(spoils) if len(spoils) > 1 else set()
        for field, value in spoils.items():
            if field not in known:
                told({field: value})
    assert broken == []


def test_what_a_page_reads_of_a_form_is_found(world: World) -> None:
    client, name = client_of(world, "owner", api=False), "listings:listing_reprice"
    found = fields_of(client, address(world, name, ROUTES[name]), world.filled(ROUTES[name].body))
    assert found == {"confirmed": TEXTS, "price": NUMBERS, "version": NUMBERS}


def test_what_was_decided_meanwhile_is_said_on_the_page_that_it_was_sent_from(world: World) -> None:
    """The form itself is not shown any more: the refusal is, all the same."""
    client = client_of(world, "owner", api=False)
    adopt = address(world, "listings:found_adopt", ROUTES["listings:found_adopt"])
    decide = address(world, "listings:found_decide", ROUTES["listings:found_decide"])
    assert ask(client, "POST", decide, {}, api=False).status_code == 302
    answer = ask(client, "POST", adopt, {"seats": [world.ids["free_seat"]]}, api=False)
    assert answer.status_code == 422
    assert "Nothing was decided" in said(answer)


@pytest.mark.parametrize(
    "wish", [{"quantity": "-1"}, {"quantity": "two"}, {"price": "a lot"}, {"quantity": "9" * 5_000}]
)
def test_one_tap_that_cannot_be_read_sells_nothing(world: World, wish: dict[str, str]) -> None:
    """What was on offer when it was tapped is said by the page: what cannot be read is not taken for unsaid."""
    Listing.objects.filter(pk=world.ids["hand_listing"]).update(status=ListingStatus.ACTIVE)
    path = address(world, "listings:listing_sold_whole", ROUTES["listings:listing_sold_whole"])
    before = Sale.objects.count()
    answer = ask(client_of(world, "owner", api=False), "POST", path, wish, api=False)
    assert Sale.objects.count() == before
    (word,) = [str(one) for one in get_messages(answer.wsgi_request)]
    assert "Nothing was noted" in word
