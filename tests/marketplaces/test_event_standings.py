"""How an event stands at each platform, as the simulator plays it and the adapters read it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from marketplaces.contracts import Capability, Draft, EventAsked, EventStanding, EventState, MarketplaceAdapter
from marketplaces.errors import NotSupported
from marketplaces.registry import adapter_get, adapter_list
from tests.marketplaces.conftest import START, World

TELLING = [one for one in adapter_list() if Capability.EVENT_STANDING in one.traits.capabilities]
WITH_STATES = [one for one in TELLING if one.traits.key != "vividseats"]
LATER = datetime(2026, 5, 2, 23, 5, tzinfo=UTC)
OURS = EventAsked("501", "Yankee Stadium, Bronx, NY", "2026-04-10")


def by_key(adapter: MarketplaceAdapter) -> str:
    return adapter.traits.key


def standing(adapter: MarketplaceAdapter, world: World, *asked: EventAsked) -> list[EventStanding]:
    return list(adapter.event_standings(world.link(adapter.traits.key), asked or (OURS,)))


def move(world: World, how: str, **more: Any) -> None:
    world.control("move", {"event_id": 501, "how": how, "timezone": "America/New_York", **more})


@pytest.mark.parametrize("adapter", TELLING, ids=by_key)
def test_an_event_that_stands_is_told_with_its_date(adapter: MarketplaceAdapter, world: World) -> None:
    (told,) = standing(adapter, world)
    assert (told.event_id, told.starts_at) == ("501", START)
    assert told.state in {EventState.ON, EventState.UNTOLD}


@pytest.mark.parametrize(
    ("how", "state"), [("postpone", EventState.POSTPONED), ("cancel", EventState.CANCELLED)], ids=str
)
@pytest.mark.parametrize("adapter", WITH_STATES, ids=by_key)
def test_what_is_postponed_or_called_off_there_is_told_in_its_own_word(
    adapter: MarketplaceAdapter, world: World, how: str, state: EventState
) -> None:
    move(world, how, platform=adapter.traits.key)
    (told,) = standing(adapter, world)
    assert told.state is state
    assert told.word.lower().replace("canceled", "cancelled") == state.value
    if how == "postpone":
        assert (told.local_date, told.starts_at) == ("", None), "its date is to be announced"


@pytest.mark.parametrize("adapter", TELLING, ids=by_key)
def test_another_date_is_told_whether_or_not_it_is_said_to_be_one(adapter: MarketplaceAdapter, world: World) -> None:
    move(world, "redate", starts_at=LATER.isoformat())
    (told,) = standing(adapter, world)
    assert told.starts_at == LATER
    assert told.state in {EventState.ON, EventState.UNTOLD}
    move(world, "reschedule", starts_at=LATER.isoformat())
    world.moment += 6
    (told,) = standing(adapter, world)
    assert told.starts_at == LATER
    assert told.state in {EventState.RESCHEDULED, EventState.UNTOLD}


@pytest.mark.parametrize("adapter", WITH_STATES, ids=by_key)
def test_one_platform_may_say_what_the_others_do_not(adapter: MarketplaceAdapter, world: World) -> None:
    others = [one for one in WITH_STATES if one.traits.key != adapter.traits.key]
    move(world, "cancel", platform=adapter.traits.key)
    assert [standing(one, world)[0].state for one in (adapter, *others)] == [
        EventState.CANCELLED, *[EventState.ON] * len(others)
    ]  # fmt: skip
    move(world, "restore")
    assert standing(adapter, world)[0].state is EventState.ON


@pytest.mark.parametrize("adapter", TELLING, ids=by_key)
def test_what_it_does_not_know_is_left_out(adapter: MarketplaceAdapter, world: World) -> None:
    assert [one.event_id for one in standing(adapter, world, EventAsked("999", OURS.venue, OURS.local_date))] == []


@pytest.mark.parametrize("adapter", TELLING, ids=by_key)
def test_one_request_tells_as_many_events_as_are_declared(adapter: MarketplaceAdapter, world: World) -> None:
    second = {
        "event_id": 502, "name": "Boston Red Sox at New York Yankees", "venue": "Yankee Stadium",
        "starts_at": LATER.isoformat(), "timezone": "America/New_York",
    }  # fmt: skip
    world.control("events", {"events": [second]})
    link, before = world.link(adapter.traits.key), len(world.requests)
    told = list(adapter.event_standings(link, [OURS, EventAsked("502", OURS.venue, "2026-05-02")]))
    assert [(one.event_id, one.starts_at) for one in told] == [("501", START), ("502", LATER)]
    assert len(world.requests) - before == (1 if adapter.traits.events_at_once > 1 else 2)


def test_gametime_tells_nothing_of_events(world: World) -> None:
    gametime = adapter_get("gametime")
    with pytest.raises(NotSupported, match="how events stand"):
        gametime.event_standings(world.link("gametime"), [OURS])


@pytest.fixture
def listed(world: World, draft: Draft) -> World:
    adapter = adapter_get("seatgeek")
    adapter.create(world.link("seatgeek", webhook_url="https://seatsync.test/hooks"), draft)
    return world


@pytest.mark.parametrize("how", ["postpone", "cancel"])
def test_seatgeek_tells_by_webhook_that_a_listings_event_is_inactive(listed: World, how: str, draft: Draft) -> None:
    move(listed, how)
    listed.simulator.tick()
    ((_, headers, body),) = listed.delivered
    (notice,) = adapter_get("seatgeek").parse_webhook(headers, body.encode())
    assert (notice.kind, notice.topic, notice.external_id) == (
        "event_update", "listing.event.inactive", draft.external_id
    )  # fmt: skip


def test_what_cannot_befall_an_event_is_refused(world: World) -> None:
    for wrong, status in (({"how": "vanish"}, 400), ({"how": "redate"}, 400), ({"how": "cancel", "event_id": 9}, 404)):
        answer = world.http.post("http://simulator.test/_sim/move", json={"event_id": 501, **wrong})
        assert answer.status_code == status


def test_an_event_that_was_merged_answers_as_the_one_that_is_left(world: World, draft: Draft) -> None:
    """StubHub: a lookup by an old id answers with the surviving event, which names it (merged_events)."""
    adapter, link = adapter_get("stubhub"), world.link("stubhub")
    adapter.create(link, draft)
    left = {
        "event_id": 502, "name": "Boston Red Sox at New York Yankees", "venue": "Yankee Stadium", "city": "Bronx",
        "starts_at": LATER.isoformat(), "timezone": "America/New_York",
    }  # fmt: skip
    world.control("events", {"events": [left]})
    world.control("merge", {"event_id": 501, "into": 502, "platform": "stubhub"})
    (told,) = adapter.event_standings(link, (OURS,))
    assert (told.event_id, told.starts_at) == ("501", LATER)
    (listing,) = adapter.list_all(link)
    assert listing.event_id == "502"
    headers = {"Authorization": f"Bearer {link.grant.access_token}", "User-Agent": "test"}
    raw = world.http.get(f"{link.base_url}/catalog/events/501", headers=headers).json()
    assert (raw["id"], raw["_embedded"]["merged_events"]) == (502, [{"id": 501}])
    # Elsewhere they are two.
    (beside,) = adapter_get("seatgeek").event_standings(world.link("seatgeek"), (OURS,))
    assert (beside.event_id, beside.starts_at) == ("501", START)
