"""What a sweep makes of a listing that its marketplace shows otherwise than we want it (I-09, I-22)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from listings.health import account_health
from listings.models import AccountSweep, CommandKind, FoundListing, Listing, ListingStatus, MarketplaceCommand
from listings.services.place_there import PlacesThere
from listings.services.reconcile import accounts_reconcile_due
from marketplaces.contracts import Capability, EventWords, RemoteListing, RemoteListingState, RemoteSaleState
from portfolios.models import EventMapping, SectionMapping
from portfolios.services.mapping import event_mapping_confirm
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.builders import bearer, browser
from tests.market import Market

pytestmark = pytest.mark.django_db
SENT = {"reprice", "resize", "delist", "create"}


def sweep(market: Market, times: int = 1) -> None:
    """Long after everything settled, beat orders the sweep and workers carry it out."""
    for _ in range(times):
        Listing.objects.update(updated_at=now() - timedelta(minutes=5))
        MarketplaceCommand.objects.filter(kind=CommandKind.SYNC_ACCOUNT).delete()
        assert accounts_reconcile_due() == 2
        market.work()


def changed(market: Market, listing: Listing, **change: Any) -> None:
    """Somebody changes it there by hand."""
    key = listing.key_there
    market.alpha.listings[key] = replace(market.alpha.listings[key], **change)


def sent(market: Market) -> list[str]:
    """What was sent to alpha, after the publication."""
    return [call for call, _ in market.alpha.calls if call in SENT][1:]


def found(listing: Listing) -> set[str]:
    """The kinds of drift that the last sweep found."""
    return set(AccountSweep.objects.get(account=listing.account).drift)


def open_alerts(kind: str) -> int:
    return Alert.objects.filter(kind=kind).exclude(state="recovered").count()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"section": "999"}, "in section 999"),
        ({"row": "ZZ"}, "in row ZZ"),
        ({"row": "28"}, "in row 28"),
        ({"event_id": "other"}, "under event other"),
        ({"event": EventWords("White Sox at Mariners", local_date="2020-01-01"), "event_id": "9"}, "1 Jan 2020"),
        ({"event": EventWords("Parking: White Sox at Mariners", local_date="@"), "event_id": "9"}, "parking"),
    ],
    ids=str,
)
def test_i09_what_sells_something_else_than_its_seats_comes_down_and_is_told(
    market: Market, change: dict[str, Any], where: str
) -> None:
    alpha, beta = market.published(market.holding.seats[:2])
    game = market.holding.game
    event_mapping_confirm(game=game, platform="alpha", paper=alpha.account.paper, remote_event_id="501", by="a test")
    if (words := change.get("event")) is not None and words.local_date == "@":
        change = change | {"event": replace(words, local_date=game.game_date.isoformat())}
    changed(market, alpha, **change)
    sweep(market)
    alpha.refresh_from_db()
    assert (alpha.status, sent(market)) == (ListingStatus.CANCELLED, ["delist"])
    assert where in alpha.status_reason
    assert (alpha.external_id in market.alpha.shown(), beta.external_id in market.beta.shown()) == (False, True)
    assert found(alpha) == {"elsewhere"}
    alert = Alert.objects.filter(kind="listing.elsewhere", object_id=str(alpha.pk)).first()
    assert alert is not None
    assert (alert.severity, where in alert.body) == ("critical", True)
    page = browser().get(reverse("listings:account_detail", args=[alpha.account_id])).text
    assert "was under another event, or in another section or row, than your seats" in page


def test_i09_an_event_that_is_mapped_to_another_game_is_not_its_event(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    other = next(game for game in market.holding.games if game != market.holding.game)
    event_mapping_confirm(game=other, platform="alpha", paper=alpha.account.paper, remote_event_id="77", by="a test")
    same_words = EventWords("White Sox at Mariners", local_date=market.holding.game.game_date.isoformat())
    changed(market, alpha, event_id="77", event=same_words)
    sweep(market)
    alpha.refresh_from_db()
    assert alpha.status == ListingStatus.CANCELLED
    assert "under event 77, which is another game" in alpha.status_reason


def test_the_same_place_in_other_words_is_its_place(market: Market) -> None:
    """Case, leading zeros, the word for what it is, a confirmed name, and an event that was merged with ours."""
    alpha, _ = market.published(market.holding.seats[:2])
    game = market.holding.game
    day = EventWords(f"{game.opponent.name} at {game.home_team.name}", game.venue.name, game.game_date.isoformat())
    for change in (
        {"section": f"Section 0{alpha.section}", "row": f"row {alpha.row}"},
        {"section": f"Lower Box {alpha.section}"},
        {"section": "", "row": "", "event_id": ""},
        {"event_id": "merged", "event": day},
        {"event_id": "merged", "event": EventWords(starts_at=game.starts_at)},
        {"event_id": "", "event": EventWords(name=f"{game.opponent.name} at {game.home_team.name}")},
    ):
        before = market.alpha.listings[alpha.external_id]
        changed(market, alpha, **change)
        sweep(market)
        alpha.refresh_from_db()
        assert (alpha.status, sent(market), found(alpha)) == (ListingStatus.ACTIVE, [], set()), change
        market.alpha.listings[alpha.external_id] = before


def test_a_section_is_where_its_confirmed_name_says(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    mapped = SectionMapping.objects.filter(venue=market.holding.game.venue, section=alpha.section, platform="alpha")
    assert mapped.update(remote_section="Main Level 40", confirmed_by="a test") == 1
    changed(market, alpha, section="MAIN LEVEL 040")
    sweep(market)
    assert (sent(market), found(alpha)) == ([], set())
    changed(market, alpha, section="Main Level 41")
    sweep(market)
    assert (sent(market), found(alpha)) == (["delist"], {"elsewhere"})


def test_of_an_event_that_is_asked_for_nothing_is_concluded(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    EventMapping.objects.filter(game=market.holding.game, platform="alpha").update(
        confirmed_at=None, requested_at=now(), event_date=market.holding.game.game_date
    )
    changed(market, alpha, event_id="new")
    sweep(market)
    alpha.refresh_from_db()
    assert (alpha.status, sent(market)) == (ListingStatus.ACTIVE, [])


def made_by_hand(market: Market, **change: Any) -> Listing:
    """A listing that a hand made there, and that its holder has said to be of his seats."""
    alpha, _ = market.published(market.holding.seats[:2])
    there = market.alpha.listings.pop(alpha.external_id)
    market.alpha.listings["by hand"] = replace(there, external_id="by hand", **change)
    Listing.objects.filter(pk=alpha.pk).update(made_there=True, remote_key="by hand")
    alpha.refresh_from_db()
    shown = market.alpha.listings["by hand"]
    FoundListing.objects.create(
        tenant_id=alpha.tenant_id, account=alpha.account, remote_id=shown.listing_id, remote_key="by hand",
        listing=alpha, state="adopted", event_id=shown.event_id, event_name=shown.event.name,
        local_date=shown.event.local_date, starts_at=shown.event.starts_at, section=shown.section, row=shown.row,
        quantity=shown.quantity, price=shown.price, first_seen_at=now(), last_seen_at=now(),
    )  # fmt: skip
    return alpha


def test_a_hands_listing_is_where_its_holder_has_said_that_it_is_until_it_is_moved(market: Market) -> None:
    words = EventWords("Baseball", "The old park", starts_at=datetime(2020, 1, 1, tzinfo=UTC))
    alpha = made_by_hand(market, section="Behind home", row="3rd", event_id="hand", event=words)
    sweep(market)
    alpha.refresh_from_db()
    assert (alpha.status, sent(market), found(alpha)) == (ListingStatus.ACTIVE, [], set())
    changed(market, alpha, row="4th")
    sweep(market)
    alpha.refresh_from_db()
    assert (alpha.status, sent(market)) == (ListingStatus.CANCELLED, ["delist"])
    assert open_alerts("listing.elsewhere") >= 1


def test_i22_what_buyers_do_not_see_is_not_confirmed_and_is_told_where_it_lasts(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    changed(market, alpha, state=RemoteListingState.HIDDEN)
    sweep(market)
    alpha.refresh_from_db()
    assert (alpha.status, alpha.confirmed_at, found(alpha)) == (ListingStatus.ACTIVE, None, {"hidden"})
    assert open_alerts("listing.hidden") == 0
    client = browser()
    for url in (reverse("listings:listing_detail", args=[alpha.pk]), reverse("listings:listing_list")):
        assert "shown to nobody there" in client.get(url).text
    answer = bearer().get(f"/api/v1/listings/{alpha.pk}/").json()
    assert [one["what"] for one in answer["unlike_there"]] == ["hidden"]
    (line,) = account_health(alpha.account).drift
    assert (line.kind, line.ids) == ("hidden", [alpha.listing_id])
    sweep(market)
    told = open_alerts("listing.hidden")
    assert told >= 1
    sweep(market)
    assert (open_alerts("listing.hidden"), sent(market)) == (told, [])
    changed(market, alpha, state=RemoteListingState.ACTIVE)
    sweep(market)
    alpha.refresh_from_db()
    assert (alpha.unlike_there, alpha.confirmed_at is not None, found(alpha)) == ({}, True, set())
    assert open_alerts("listing.hidden") == 0


def test_what_is_hidden_for_want_of_its_tickets_is_told_by_that_alone(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    changed(market, alpha, state=RemoteListingState.HIDDEN, undeliverable=True)
    sweep(market, 3)
    alpha.refresh_from_db()
    assert (alpha.unlike_there, alpha.confirmed_at) == ({}, None)
    assert (open_alerts("listing.hidden"), open_alerts("listing.undeliverable") >= 1) == (0, True)


def test_nobody_is_asked_any_more_about_one_that_is_taken_down(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    changed(market, alpha, state=RemoteListingState.HIDDEN)
    sweep(market, 2)
    assert open_alerts("listing.hidden") >= 1
    bearer().post(f"/api/v1/listings/{alpha.pk}/delist/", {}, "application/json")
    alpha.refresh_from_db()
    assert (alpha.status, alpha.unlike_there) == (ListingStatus.DELISTING, {})
    assert open_alerts("listing.hidden") == 0


def test_i22_another_currency_is_another_price(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    changed(market, alpha, currency="EUR")
    sweep(market)
    alpha.refresh_from_db()
    assert (sent(market), found(alpha), alpha.confirmed_at) == (["reprice"], {"wrong_price"}, None)
    assert open_alerts("listing.currency") == 0
    sweep(market)
    assert open_alerts("listing.currency") >= 1


def test_i22_fewer_seats_are_sent_again_where_no_sale_is_told_by_the_next_sweep(market: Market) -> None:
    alpha, _ = market.published()
    changed(market, alpha, quantity=2, seat_to="2")
    sweep(market)
    alpha.refresh_from_db()
    assert (sent(market), found(alpha), [*alpha.unlike_there]) == ([], {"fewer"}, ["fewer"])
    sweep(market)
    assert sent(market) == ["resize"]
    assert market.alpha.listings[alpha.external_id].quantity == 4
    changed(market, alpha, seat_to="4")
    sweep(market)
    alpha.refresh_from_db()
    assert (alpha.unlike_there, found(alpha), open_alerts("listing.fewer")) == ({}, set(), 0)


def test_i22_a_sale_that_is_told_meanwhile_explains_them(market: Market) -> None:
    alpha, _ = market.published()
    changed(market, alpha, quantity=2, seat_to="2")
    sweep(market)
    there = market.alpha.listings[alpha.external_id]
    market.alpha.sell(alpha.external_id, (3, 4))
    market.alpha.listings[alpha.external_id] = replace(there, quantity=2)
    sweep(market, 2)
    alpha.refresh_from_db()
    assert (alpha.quantity, alpha.unlike_there, "resize" in sent(market)) == (2, {}, False)


@pytest.mark.parametrize("why", ["a provisional sale", "a seat that is held", "sales that were not read"])
def test_i22_what_a_buyer_may_have_is_never_sent_again(market: Market, why: str) -> None:
    alpha, _ = market.published()
    changed(market, alpha, quantity=2, seat_to="2")
    sweep(market)
    account = market.accounts["alpha"]
    if why == "a provisional sale":
        there = market.alpha.listings[alpha.external_id]
        market.alpha.sell(alpha.external_id, (3, 4), state=RemoteSaleState.PROVISIONAL, tell_seats=False)
        market.alpha.listings[alpha.external_id] = there
    elif why == "a seat that is held":
        market.holding.seats[3].__class__.objects.filter(pk=market.holding.seats[3].pk).update(state="held")
    else:
        market.alpha.lacks |= {Capability.SALES_SINCE}
    sweep(market, 2)
    account.refresh_from_db()
    assert "resize" not in sent(market)


def test_i22_where_the_number_cannot_be_sent_it_is_told(market: Market) -> None:
    alpha, _ = market.published()
    market.alpha.lacks |= {Capability.RESIZE}
    changed(market, alpha, quantity=2, seat_to="2")
    sweep(market)
    assert open_alerts("listing.fewer") == 0
    sweep(market)
    assert (sent(market), open_alerts("listing.fewer") >= 1) == ([], True)


def test_i22_a_hand_that_makes_its_own_listing_smaller_is_told_and_left_alone(market: Market) -> None:
    alpha = made_by_hand(market)
    changed(market, alpha, quantity=1)
    sweep(market, 2)
    assert (sent(market), open_alerts("listing.fewer") >= 1) == ([], True)


def test_nothing_is_asked_of_the_database_again_for_each_listing_of_a_game(market: Market) -> None:
    """What the mappings say is read once a game and section, however many listings the account shows of it."""
    alpha, _ = market.published(market.holding.seats[:2])
    shown: RemoteListing = market.alpha.listings[alpha.external_id]
    places = PlacesThere(alpha.account)
    assert places.elsewhere(alpha, shown) == ""
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            assert places.elsewhere(alpha, shown) == ""
    assert len(queries) == 0
