"""Ticketmaster: consent and Discovery as published, and the port's refusals, signature and addresses."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pytest_django import Settings

from marketplaces.adapters.ticketmaster import client, mapping
from marketplaces.adapters.ticketmaster.adapter import Ticketmaster
from marketplaces.contracts import (
    AppCredentials,
    Draft,
    EventQuery,
    Grant,
    Link,
    ListingRef,
    PrimaryLeft,
    RemoteSaleState,
)
from marketplaces.delivery import Fulfilment
from marketplaces.errors import (
    AlreadyGone,
    AlreadySold,
    BadSignature,
    GrantExpired,
    PermanentError,
    PriceRefused,
    TemporaryError,
    UnknownOutcome,
)
from marketplaces.models import Mode
from marketplaces.services.links import base_url_for
from tests.marketplaces.conftest import BASE, SECRET, START, World
from tests.marketplaces.specs import BESIDE, spec_of, violations

ADAPTER = Ticketmaster()
APP = AppCredentials("seatsync-paper", "paper secret")
REDIRECT = "https://seatsync.test/back"
SPEC = "ticketmaster-discovery.json"


@pytest.fixture
def link(world: World) -> Link:
    return world.link("ticketmaster")


def answering(link: Link, body: Any, status: int = 200) -> Link:
    """A line to a server that says the same to everything."""
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    return replace(link, http=httpx.Client(transport=transport))


# Consent.
def consent(world: World) -> Grant:
    url = ADAPTER.authorize_url(
        base_url=f"{BASE}/ticketmaster", app=APP, state="s-1", redirect_uri=REDIRECT, code_challenge="ignored"
    )
    back = parse_qs(urlsplit(world.http.get(url).headers["location"]).query)
    assert back["state"] == ["s-1"]
    bare = Link(world.http, f"{BASE}/ticketmaster", Grant(""), APP)
    return ADAPTER.connect(bare, code=back["code"][0], redirect_uri=REDIRECT, code_verifier="")


def test_a_refresh_token_lives_on(world: World) -> None:
    grant = consent(world)
    line = Link(world.http, f"{BASE}/ticketmaster", grant, APP)
    renewed = [ADAPTER.refresh(line) for _ in range(2)]
    assert len({grant.access_token, *(one.access_token for one in renewed)}) == 3
    assert all(one.expires_at is not None and one.refresh_token for one in renewed)
    assert list(ADAPTER.list_all(replace(line, grant=renewed[1]))) == []


def test_a_grant_that_is_not_good_asks_the_holder_and_a_wrong_registration_asks_us(link: Link) -> None:
    with pytest.raises(GrantExpired):
        ADAPTER.connect(link, code="spent", redirect_uri=REDIRECT, code_verifier="")
    with pytest.raises(PermanentError, match="client id"):
        ADAPTER.refresh(answering(link, {"error": "invalid_client"}, 401))
    with pytest.raises(UnknownOutcome):
        ADAPTER.refresh(answering(link, {}))
    with pytest.raises(PermanentError, match="TICKETMASTER_CLIENT_ID"):
        ADAPTER.authorize_url(base_url="", app=AppCredentials(), state="", redirect_uri="", code_challenge="")


@pytest.mark.parametrize(
    ("base", "consent_at"),
    [
        ("https://gateway.example/tm", "https://gateway.example/tm/oauth/authorize"),
        ("https://app.ticketmaster.com", "https://oauth.ticketmaster.com/oauth/authorize"),
        ("https://notticketmaster.com", "https://notticketmaster.com/oauth/authorize"),
        ("", "https://oauth.ticketmaster.com/oauth/authorize"),
    ],
)
def test_published_services_are_where_they_are_published(base: str, consent_at: str) -> None:
    url = ADAPTER.authorize_url(base_url=base, app=APP, state="s", redirect_uri=REDIRECT, code_challenge="")
    assert url.partition("?")[0] == consent_at
    assert parse_qs(urlsplit(url).query)["scope"] == ["all"]


def test_i20_a_live_account_has_no_address_until_a_partner_gives_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SIMULATOR_URL = "http://simulator.test"
    with pytest.raises(PermanentError, match="no interface to sell by, and TICKETMASTER_BASE_URL names none"):
        base_url_for("ticketmaster", Mode.LIVE)
    monkeypatch.setenv("TICKETMASTER_BASE_URL", "https://gateway.example/tm")
    assert base_url_for("ticketmaster", Mode.LIVE) == "https://gateway.example/tm"


# What is published.
def test_discovery_is_asked_for_the_day_with_our_key(world: World, link: Link) -> None:
    query = EventQuery("Boston Red Sox at New York Yankees", "Yankee Stadium, Bronx", START, "2026-04-10")
    (found,) = ADAPTER.search_events(link, query)
    assert (found.event_id, found.venue, found.starts_at) == ("501", "Yankee Stadium", START)
    asked = world.requests[-1].url
    assert (asked.path, asked.params["apikey"], asked.params["keyword"]) == (
        "/ticketmaster/discovery/v2/events.json", "seatsync-paper", "Yankee Stadium",
    )  # fmt: skip
    assert (asked.params["startDateTime"], asked.params["endDateTime"]) == (
        "2026-04-09T23:05:00Z", "2026-04-11T23:05:00Z",
    )  # fmt: skip
    # A day without events has no _embedded at all.
    assert ADAPTER.search_events(link, replace(query, local_date="2026-04-11")) == []


@pytest.mark.skipif(not BESIDE.exists(), reason="the published description is not beside this checkout")
def test_discovery_is_asked_by_published_parameters_alone(world: World, link: Link) -> None:
    ADAPTER.search_events(link, EventQuery("Red Sox at Yankees", "Yankee Stadium", START, "2026-04-10"))
    published = spec_of(SPEC)["paths"]["/discovery/v2/events"]["get"]["parameters"]
    assert set(world.requests[-1].url.params) - {"apikey"} <= {one["name"] for one in published}


def test_a_game_of_the_evening_before_is_none_of_the_day(world: World, link: Link) -> None:
    """The moments of a local day are not known here: two days are asked for, and the day is told with each event."""
    other = {"event_id": 502, "name": "Boston Red Sox at New York Yankees", "venue": "Yankee Stadium"}
    world.control("events", {"events": [
        {**other, "starts_at": (START - timedelta(hours=23)).isoformat(), "timezone": "America/New_York"}
    ]})  # fmt: skip
    query = EventQuery("Boston Red Sox at New York Yankees", "Yankee Stadium", START, "2026-04-10")
    assert [found.event_id for found in ADAPTER.search_events(link, query)] == ["501"]


def test_an_event_whose_time_is_not_known_is_not_offered() -> None:
    assert mapping.event_of({"id": "1", "name": "x", "dates": {"start": {"localDate": "2026-04-10"}}}) is None


@pytest.mark.skipif(not BESIDE.exists(), reason="the published description is not beside this checkout")
def test_the_simulators_event_fits_the_published_description(link: Link) -> None:
    found = client.discover(link, {})["_embedded"]["events"][0]
    # It has the class of the time's writer; recorded answers have text.
    assert [told for told in violations(SPEC, "Event", found) if not told.startswith("dates/start/localTime: ")] == []


def test_what_the_club_has_left_is_told_by_event(link: Link) -> None:
    assert ADAPTER.primary_left(link, ["501", "9"]) == {"501": PrimaryLeft.NONE, "9": PrimaryLeft.UNKNOWN}


@pytest.mark.parametrize(
    ("status", "left"),
    [("TICKETS_AVAILABLE", PrimaryLeft.PLENTY), ("FEW_TICKETS_LEFT", PrimaryLeft.FEW), ("SOON", PrimaryLeft.UNKNOWN)],
)
def test_the_published_words_for_what_is_left(link: Link, status: str, left: PrimaryLeft) -> None:
    there = answering(link, [{"eventId": "501", "status": status}], 200)
    assert ADAPTER.primary_left(there, ["501"]) == {"501": left}


@pytest.mark.parametrize(
    ("status", "error"), [(401, PermanentError), (429, TemporaryError), (500, TemporaryError), (400, PermanentError)]
)
def test_the_gateways_refusals(link: Link, status: int, error: type[Exception]) -> None:
    body = {"fault": {"faultstring": "Rate limit quota violation.", "detail": {"errorcode": "policies.x"}}}
    with pytest.raises(error) as caught:
        client.discover(answering(link, body, status), {})
    assert not isinstance(caught.value, UnknownOutcome | GrantExpired)
    assert status == 401 or "Rate limit quota violation." in str(caught.value)


def test_without_our_key_nothing_is_asked(world: World, link: Link) -> None:
    before = len(world.requests)
    with pytest.raises(PermanentError, match="TICKETMASTER_CLIENT_ID"):
        client.discover(replace(link, app=AppCredentials()), {})
    assert len(world.requests) == before


# The port.
def test_what_is_sold_says_so(world: World, link: Link, draft: Draft, ref: ListingRef) -> None:
    ADAPTER.create(link, draft)
    world.sell("ticketmaster", 4)
    for attempt in (
        lambda: ADAPTER.delist(link, ref), lambda: ADAPTER.resize(link, ref, (1,)), lambda: ADAPTER.create(link, draft),
    ):  # fmt: skip
        with pytest.raises(AlreadySold):
            attempt()
    assert ADAPTER.fetch(link, ref) is None


def test_a_refusal_names_the_fields(link: Link, draft: Draft) -> None:
    with pytest.raises(PermanentError, match=r"price: .*from 5\.00 to 900\.00"):
        ADAPTER.create(link, replace(draft, price=Decimal("4.99")))


def test_only_a_price_that_is_named_is_a_refused_price(link: Link, draft: Draft) -> None:
    with pytest.raises(PriceRefused, match=r"price: .*from 5\.00 to 900\.00"):
        ADAPTER.preview(link, replace(draft, price=Decimal("4.99")))
    other = {"error": {"code": "invalid", "message": "not valid", "fields": {"face_value": ["is too high"]}}}
    with pytest.raises(PermanentError, match="face_value: ") as caught:
        ADAPTER.preview(answering(link, other, 422), draft)
    assert not isinstance(caught.value, PriceRefused)


def test_an_order_goes_from_new_to_the_buyer_with_what_each_step_says(world: World, link: Link, draft: Draft) -> None:
    ADAPTER.create(link, draft)
    since = datetime.fromtimestamp(world.moment, UTC)
    sale_id = world.sell("ticketmaster", 2)["sale_id"]
    states = [sale.state for sale in ADAPTER.sales_since(link, since)]
    states.append(ADAPTER.confirm(link, sale_id).state)
    states.append(ADAPTER.fulfil(link, sale_id, Fulfilment("mobile_transfer", confirmation="T-1")).state)
    world.control("advance", {"sale_id": sale_id, "to": "complete"})
    sale = ADAPTER.fetch_sale(link, sale_id)
    assert sale is not None
    assert [*states, sale.state] == [
        RemoteSaleState.AWAITING_CONFIRM, RemoteSaleState.AWAITING_FULFILMENT, RemoteSaleState.IN_DELIVERY,
        RemoteSaleState.IN_DELIVERY,
    ]  # fmt: skip
    assert (sale.gross, sale.fees, sale.seats) == (Decimal("168.20"), Decimal("16.82"), ("1", "2"))
    assert list(ADAPTER.sales_since(link, since + timedelta(hours=1))) == []


@pytest.mark.parametrize("lacking", ["id", "created_at", "gross", "fees"])
def test_half_an_order_is_none(lacking: str) -> None:
    whole = {
        "id": "1", "created_at": "2026-04-01T12:00:00Z", "gross": {"amount": "10.00"}, "fees": {"amount": "1.00"},
        "status": "disputed",
    }  # fmt: skip
    assert mapping.sale_of(whole).state is RemoteSaleState.UNKNOWN
    with pytest.raises(PermanentError):
        mapping.sale_of({name: value for name, value in whole.items() if name != lacking})


def test_the_signature_is_of_this_body_with_this_secret() -> None:
    body = b'{"id": "d-1"}'
    good = f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}"
    ADAPTER.verify_webhook({mapping.SIGNATURE_HEADER: good}, body, SECRET)
    for headers, content, secret in (
        ({}, body, SECRET), ({mapping.SIGNATURE_HEADER: good}, body + b" ", SECRET),
        ({mapping.SIGNATURE_HEADER: good}, body, "other"), ({mapping.SIGNATURE_HEADER: good[7:]}, body, SECRET),
    ):  # fmt: skip
        with pytest.raises(BadSignature):
            ADAPTER.verify_webhook(headers, content, secret)
    empty = f"sha256={hmac.new(b'', body, hashlib.sha256).hexdigest()}"
    with pytest.raises(BadSignature):
        ADAPTER.verify_webhook({mapping.SIGNATURE_HEADER: empty}, body, "")


def test_a_listing_without_our_key_is_none_of_ours(link: Link) -> None:
    with pytest.raises(AlreadyGone):
        ADAPTER.delist(link, ListingRef("", "5", "", 1))
