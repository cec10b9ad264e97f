"""Where a marketplace shows an event, as its own answers tell it (stubhub-catalog.json, FACTS.md 3, 4 and 5)."""

from typing import Any

import pytest

from marketplaces.adapters.seatgeek import mapping as seatgeek
from marketplaces.adapters.stubhub import mapping as stubhub
from marketplaces.adapters.ticketmaster import mapping as ticketmaster
from marketplaces.adapters.vividseats import mapping as vividseats

STARTS = "2026-06-12T02:10:00Z"
STUBHUB: dict[str, Any] = {
    "id": 7, "name": "Owls at Gulls", "start_date": STARTS, "_links": {"event:webpage": {"href": "https://s.example/7"}},
}  # fmt: skip
SEATGEEK: dict[str, Any] = {"id": 7, "title": "Owls at Gulls", "datetime_utc": STARTS, "url": "https://s.example/7"}
TICKETMASTER: dict[str, Any] = {
    "id": "G5", "name": "Owls at Gulls", "dates": {"start": {"dateTime": STARTS}}, "url": "https://s.example/7",
}  # fmt: skip
VIVIDSEATS: dict[str, Any] = {"eventId": 7, "eventName": "Owls", "eventDate": STARTS, "url": "https://s.example/7"}


@pytest.mark.parametrize(
    ("dialect", "body"),
    [(stubhub, STUBHUB), (seatgeek, SEATGEEK), (ticketmaster, TICKETMASTER), (vividseats, VIVIDSEATS)],
)
def test_an_event_that_is_found_tells_its_page(dialect: Any, body: dict[str, Any]) -> None:
    assert dialect.event_of(body).page == "https://s.example/7"
    bare = {key: value for key, value in body.items() if key not in {"url", "_links"}}
    assert dialect.event_of(bare).page == ""


@pytest.mark.parametrize(("dialect", "body"), [(stubhub, STUBHUB), (seatgeek, SEATGEEK), (ticketmaster, TICKETMASTER)])
def test_an_event_that_is_asked_for_tells_its_page(dialect: Any, body: dict[str, Any]) -> None:
    assert dialect.standing_of("7", body).page == "https://s.example/7"
