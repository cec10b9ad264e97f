"""Requests that have a pace of their own: one token bucket for all workers, and whoever must wait is put back."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from listings.models import ListingStatus, MarketplaceCommand
from listings.selectors import mappings_waiting
from listings.services import sync
from listings.services.events import events_learn
from listings.services.mapping import mapping_confirm, mapping_options
from listings.services.recognise import Told
from listings.services.sync import account_sync_sales
from marketplaces.adapters.vividseats import client
from marketplaces.contracts import EventQuery, EventWords, Grant, Link, OpenGate, RemoteEvent
from marketplaces.errors import MustWait
from marketplaces.models import LimitVersion, MarketplaceAccount
from marketplaces.registry import adapter_get, traits_of
from marketplaces.selectors import Pace, limit_for, paces_kept
from marketplaces.services.limits import AccountGate, Errand
from marketplaces.services.links import link_for
from portfolios.models import EventMapping
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.limited import Counted
from tests.listings.selling import listed
from tests.listings.simulated import control
from tests.market import Market

pytestmark = pytest.mark.django_db
SEARCH = "/events/search"


def gate(platform: str = "vividseats", **errand: Any) -> AccountGate:
    """The gate of a new account's line."""
    return AccountGate(MarketplaceAccount(platform=platform), Errand(**errand))


def again(known: AccountGate) -> AccountGate:
    """The gate of another line of the same account."""
    account = MarketplaceAccount(pk=known._account_id, platform=known._platform)
    return AccountGate(account, Errand())


def test_one_kind_of_request_has_one_token_for_all_workers_and_none_for_other_accounts() -> None:
    one = gate()
    assert one.wait_s(SEARCH, write=False) == 0
    assert 4 < again(one).wait_s(SEARCH, write=False) <= 5.5
    assert again(one).wait_s("/v1/getCompletedOrders", write=False) == 0
    assert gate().wait_s(SEARCH, write=False) == 0
    assert [again(one).wait_s("/v1/getOrder", write=False) for _ in range(3)] == [0, 0, 0]


def test_staff_date_a_pace_and_the_limit_of_all_requests_stays() -> None:
    dated: dict[str, Any] = {"platform": "vividseats", "burst": 1, "reserved": 0, "source": "x", "checked_on": now()}
    LimitVersion.objects.create(request=SEARCH, per_second="0.100", valid_from=now().date(), **dated)
    tomorrow = now().date() + timedelta(days=1)
    LimitVersion.objects.create(request=SEARCH, per_second="9.000", valid_from=tomorrow, **dated)
    assert paces_kept("vividseats")[SEARCH] == Pace(0.1, 1)
    one = gate()
    assert [again(one).wait_s(SEARCH, write=False) > 8 for _ in range(2)] == [False, True]
    assert limit_for("vividseats")[0] == 10.0
    declared = paces_kept("vividseats")["/v1/getCompletedOrders"]
    assert declared == Pace(1 / client.PACES["/v1/getCompletedOrders"], 1)


def test_a_poll_leaves_out_what_its_own_pace_holds_back_until_the_next_one(
    holding: Holding, line: Counted, travel: time_machine.Traveller, paces: None
) -> None:
    fast = {"per_second": "1000", "burst": 1000, "reserved": 0, "source": "x", "checked_on": now()}
    for request in ("/v1/getOrders UNCONFIRMED", "/v1/getCompletedOrders"):
        LimitVersion.objects.create(platform="vividseats", request=request, valid_from=now().date(), **fast)
    account, listing = listed(holding, "vividseats")
    account_sync_sales(account=account)
    control("sell", platform="vividseats", external_id=listing.external_id, quantity=2)
    line.arrived.clear()
    # Of the two clocks it is ours that says no: theirs is a minute on.
    travel.shift(timedelta(seconds=61))
    assert account_sync_sales(account=account) == 1
    assert line.arrived.count("GET /vividseats/v1/getOrders") == 1


class Slow(OpenGate):
    """Nothing that has a pace of its own may go now."""

    def wait_s(self, request: str, *, write: bool) -> float:
        return 3.0 if request in client.PACES else 0.0


def test_nothing_is_sent_before_its_time() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise AssertionError("it was sent")

    http = httpx.Client(transport=httpx.MockTransport(refuse))
    link = Link(http, "https://vivid.example", Grant("token"), gate=Slow())
    with pytest.raises(MustWait, match=r"the next one in 3\.0 s") as waits:
        next(iter(adapter_get("vividseats").sales_since(link, now())))
    assert waits.value.retry_after_s == 3.0
    with pytest.raises(AssertionError, match="it was sent"):
        adapter_get("vividseats").fetch_sale(link, "1")


def test_a_publication_that_must_wait_is_put_back_as_often_as_it_must_and_needs_nobody(market: Market) -> None:
    market.alpha.script["create"] = [MustWait("once in 5 s", retry_after_s=5.0)] * 20
    market.publish(account_ids=[market.accounts["alpha"].pk])
    for _ in range(20):
        market.work()
        command = MarketplaceCommand.objects.get(kind="create")
        assert (command.state, command.attempts, command.outcome_unknown) == ("pending", 0, False)
        assert timedelta(seconds=3) < command.not_before - now() <= timedelta(seconds=5)
        MarketplaceCommand.objects.update(not_before=now())
    market.work()
    assert MarketplaceCommand.objects.get(kind="create").state == "done"
    assert not Alert.objects.filter(kind="command.needs_person").exists()


def test_a_poll_that_must_wait_is_due_again_when_it_may_be_and_is_no_trouble(market: Market) -> None:
    def early() -> int:
        raise MustWait("once in 60 s", retry_after_s=7.0)

    alpha = market.accounts["alpha"]
    MarketplaceAccount.objects.filter(pk=alpha.pk).update(polled_at=now())
    assert sync.account_contained(alpha, "sales", early) is None
    alpha.refresh_from_db()
    traits = traits_of("alpha")
    assert traits is not None
    assert alpha.polled_at is not None
    due_in = alpha.polled_at + timedelta(seconds=traits.poll_sales_every_s) - now()
    assert timedelta(seconds=5) < due_in <= timedelta(seconds=7)
    assert alpha.last_error == ""
    assert not Alert.objects.filter(kind="account.reading").exists()


def test_a_sweep_learns_of_as_many_events_as_it_may_ask_for(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha = market.accounts["alpha"]
    market.alpha.events, market.alpha.script["search_events"] = [], [MustWait("once in 5 s", retry_after_s=5.0)]
    monkeypatch.setattr("listings.services.events._games_unmapped", lambda _: [market.holding.game] * 3)
    told = [Told("E-1", EventWords(), "131", "27", (1, 2), 2)]
    with pytest.raises(MustWait, match="once in 5 s"):
        events_learn(adapter=adapter_get("alpha"), link=link_for(alpha), account=alpha, told=told, alive=lambda: None)
    assert [call for call, _ in market.alpha.calls].count("search_events") == 1


def test_a_mapping_is_confirmed_by_what_was_found_a_moment_ago(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    game = market.holding.game
    market.alpha.events = [RemoteEvent("E-1", "Inland Owls at Harbor Gulls", "Harbor Field", game.starts_at)]
    market.published()
    (command,) = mappings_waiting(market.holding.actor)
    real, asked = market.alpha.search_events, list[str]()

    def search(link: Link, query: EventQuery) -> list[RemoteEvent]:
        asked.append(query.text)
        if len(asked) > 1:
            raise MustWait("once in 5 s", retry_after_s=5.0)
        return real(link, query)

    monkeypatch.setattr(market.alpha, "search_events", search)
    options = mapping_options(actor=market.holding.actor, command_id=command.pk)
    assert [candidate.event.event_id for candidate in options.events] == ["E-1"]
    mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-1")
    assert EventMapping.objects.get(platform="alpha").remote_event_id == "E-1"
    market.work()
    assert command.listing is not None
    command.listing.refresh_from_db()
    assert command.listing.status == ListingStatus.ACTIVE


def test_who_is_searched_by_venue_and_day_is_asked_once(market: Market) -> None:
    game, actor = market.holding.game, market.holding.actor
    market.alpha.events, market.alpha.searches_by_text = [], False
    market.published()
    (command,) = mappings_waiting(actor)
    market.alpha.calls.clear()
    # Nothing else is tried that may find it: that it is not there is said at once.
    assert mapping_options(actor=actor, command_id=command.pk).events == []
    assert [call for call, _ in market.alpha.calls] == ["search_events"]
    market.alpha.events = [RemoteEvent("E-1", "Inland Owls at Harbor Gulls", "Harbor Field", game.starts_at)]
    options = mapping_options(actor=actor, command_id=command.pk)
    assert [candidate.event.event_id for candidate in options.events] == ["E-1"]


@pytest.mark.parametrize(("known_as", "shown"), [("Harbor Gulls", [[], ["E-1"], ["E-1"]]), ("nobody", [[], [], []])])
def test_each_name_has_its_turn_where_one_search_is_taken_at_a_time(
    market: Market, monkeypatch: pytest.MonkeyPatch, known_as: str, shown: list[list[str]]
) -> None:
    game, actor = market.holding.game, market.holding.actor
    market.alpha.events = []
    market.published()
    (command,) = mappings_waiting(actor)
    asked, may = list[str](), list[bool]()

    def search(_: Link, query: EventQuery) -> list[RemoteEvent]:
        if not may:
            raise MustWait("once in 5 s", retry_after_s=5.0)
        may.pop()
        asked.append(query.text)
        found = RemoteEvent("E-1", "Inland Owls at Harbor Gulls", "Harbor Field", game.starts_at)
        return [found] if query.text == known_as else []

    monkeypatch.setattr(market.alpha, "search_events", search)
    for turn, events in enumerate(shown, 1):
        may.append(True)
        # Nothing is said to be there, or not to be, before each name was tried.
        with nullcontext() if events or turn == len(shown) else pytest.raises(Conflict):
            options = mapping_options(actor=actor, command_id=command.pk)
            assert [candidate.event.event_id for candidate in options.events] == events
    assert asked[1:] == [game.home_team.name, game.venue.name]
