"""What an account held before it was connected, and what is made there by hand since (against the simulator)."""

import re
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from listings.health import account_health
from listings.models import FoundListing, FoundState, Listing, ListingStatus, MarketplaceCommand, Sale, SaleState
from listings.services import stock
from listings.services.delivery_terms import delivery_terms_set
from listings.services.events import events_learn
from listings.services.found import (
    delivery_asked,
    found_adopt,
    found_ask_again,
    found_not_ours,
    found_take_down,
    stock_declare,
)
from listings.services.publish import listing_publish
from listings.services.recognise import recognise
from listings.services.reconcile import accounts_reconcile_due
from listings.services.sweep_order import sweep_order
from listings.services.sync import account_sync_sales, accounts_sync_due
from marketplaces.contracts import Grant
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.connect import account_keep, accounts_close, connect_token, disconnect
from marketplaces.services.files import StoredFile
from marketplaces.simulator.app import Simulator
from portfolios.models import EventMapping, Game, OwnerState, Seat, SectionMapping
from portfolios.services.ledger import seats_set_state
from portfolios.services.mapping import event_mapping_confirm
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.builders import Holding, bearer, verified_client
from tests.listings.selling import connected
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db(transaction=True)

PLATFORMS = ("stubhub", "seatgeek", "vividseats", "gametime", "ticketmaster")
# Where the seller, not the platform, says which seats were sold.
TELLS_SEATS = ("stubhub", "vividseats", "gametime", "ticketmaster")


def by_hand(platform: str, seats: list[int], **changes: Any) -> Any:
    """The holder lists seats on the platform's own page."""
    wish = {"platform": platform, "account_id": f"{platform}-1", "event_id": 501, "section": "131", "row": "27",
            "seats": seats, "price": "91.00"}  # fmt: skip
    return control("listings", **wish | changes)


def there(simulator: Simulator, platform: str) -> dict[str, int]:
    """What buyers can see: quantities by id there."""
    found = [item for item in simulator.ledger.listings.values() if item.platform == platform]
    return {str(item.id): item.quantity for item in found if item.state == "active"}


def numbers(listing: Listing) -> list[int]:
    """The seats that it offers."""
    offered = listing.listing_seats.filter(offered=True)
    return sorted(offered.values_list("seat__seat_number", flat=True))


def connect(holding: Holding, platform: str) -> MarketplaceAccount:
    """The holder's account that exists there already."""
    made = control("accounts", platform=platform, account_id=f"{platform}-1", token=f"{platform}-token")
    if platform in {"stubhub", "ticketmaster"}:
        grant = Grant(made["access_token"], made.get("refresh_token", ""), None, f"{platform}-1")
        return account_keep(actor=holding.actor, platform=platform, mode=Mode.PAPER, grant=grant)
    return connect_token(actor=holding.actor, platform=platform, mode=Mode.PAPER, token=f"{platform}-token")


def held_before(platform: str) -> partial[Any]:
    control("accounts", platform=platform, account_id=f"{platform}-1", token=f"{platform}-token")
    return partial(by_hand, platform)


def sweep() -> None:
    accounts_reconcile_due()
    work()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_listing_made_by_hand_before_is_adopted_and_comes_down_when_its_seats_sell_elsewhere(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    held_before(platform)([1, 2])
    account = connect(holding, platform)
    work()
    account.refresh_from_db()
    assert account.stock_taken_at is not None
    listing = Listing.objects.get()
    assert (listing.made_there, listing.status, listing.quantity) == (True, ListingStatus.ACTIVE, 2)
    assert (listing.price, listing.floor, listing.ceiling) == (Decimal("91.00"),) * 3
    assert numbers(listing) == [1, 2]
    assert FoundListing.objects.get().state == FoundState.ADOPTED
    elsewhere = "vividseats" if platform != "vividseats" else "seatgeek"
    other = connect_token(actor=holding.actor, platform=elsewhere, mode=Mode.PAPER, token="")
    (mine,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[:2]], account_ids=[other.pk],
        price=Decimal("90.00"), floor=Decimal("60.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    control("sell", platform=elsewhere, external_id=mine.external_id, quantity=2)
    MarketplaceAccount.objects.update(polled_at=None)
    accounts_sync_due()
    work()
    assert there(simulator, platform) == {}
    listing.refresh_from_db()
    assert listing.status == ListingStatus.CANCELLED
    assert Sale.objects.get().last_delist_at is not None


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_listing_made_by_hand_later_is_adopted_at_the_next_sweep_and_its_sale_sells_the_seats(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    connect(holding, platform) if platform != "gametime" else gametime_empty(holding)
    work()
    assert not Listing.objects.exists()
    made = by_hand(platform, [3, 4])
    # Vivid Seats answers once a minute.
    start = simulator.clock()
    simulator.clock = lambda: start + 65.0
    sweep()
    listing = Listing.objects.get()
    assert listing.made_there
    assert Alert.objects.filter(kind="listing.adopted", object_id=str(listing.pk)).exists()
    # It is ours from the same sweep on, and no stranger's.
    (line,) = account_health(listing.account).drift
    assert (line.kind, line.words) == ("adopted", "was made there by hand: kept in step from now on")
    control("sell", platform=platform, listing_id=made["id"], quantity=1)
    simulator.clock = lambda: start + 130.0
    MarketplaceAccount.objects.update(polled_at=None)
    accounts_sync_due()
    work()
    sale = Sale.objects.get()
    assert (sale.listing, sale.state) == (listing, SaleState.CONFIRMED)
    assert Seat.objects.filter(game=holding.game, state=OwnerState.SOLD).count() == 1
    listing.refresh_from_db()
    assert (listing.status, listing.quantity) == (ListingStatus.ACTIVE, 1)


def gametime_empty(holding: Holding) -> MarketplaceAccount:
    """An account whose server shows no file, and of which its holder said that nothing is listed."""
    account = connect(holding, "gametime")
    work()
    return stock_declare(actor=holding.actor, account_id=account.pk, file=None)


@pytest.mark.parametrize("platform", TELLS_SEATS)
def test_a_past_sale_counts_and_another_listing_of_its_seats_comes_down(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    made = held_before(platform)([1, 2, 3, 4])
    control("sell", platform=platform, listing_id=made["id"], quantity=2)
    connect(holding, platform)
    work()
    sale = Sale.objects.get()
    assert sale.state == SaleState.CONFIRMED
    states = dict(Seat.objects.filter(game=holding.game).values_list("seat_number", "state"))
    assert states == {1: "sold", 2: "sold", 3: "available", 4: "available"}
    listing = Listing.objects.get()
    assert (listing.status, listing.quantity) == (ListingStatus.ACTIVE, 2)
    assert listing.listing_seats.filter(offered=True).count() == 2


def test_what_a_sweep_reads_after_its_account_was_given_up_is_not_taken_over(
    holding: Holding, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is going on there while its first sweep is under way: it is closed at once, and its keys are gone."""
    held_before("vividseats")([1, 2])
    left = list[bool]()

    def given_up(**words: Any) -> None:
        events_learn(**words)
        left.append(disconnect(actor=holding.actor, account_id=words["account"].pk).is_active)

    monkeypatch.setattr(stock, "events_learn", given_up)
    connect(holding, "vividseats")
    work()
    assert left == [False]
    assert not Listing.objects.exists()
    assert FoundListing.objects.get().state == FoundState.WAITING


def test_what_was_never_decided_on_an_account_that_is_given_up_is_said_to_stay_up(
    holding: Holding, simulator: Simulator
) -> None:
    hand = held_before("seatgeek")
    for row in ("99", "98"):
        hand([1, 2], row=row)
    account = connect(holding, "seatgeek")
    work()
    assert FoundListing.objects.filter(state=FoundState.WAITING).count() == 2
    found_not_ours(actor=holding.actor, found_ids=[FoundListing.objects.get(row="98").pk])
    page = verified_client(holding.user).get(reverse("marketplaces:account_list")).content.decode()
    assert "say so first</a>" in page
    disconnect(actor=holding.actor, account_id=account.pk)
    accounts_close()
    assert there(simulator, "seatgeek") != {}
    told = Alert.objects.get(user_id=holding.user.pk, kind="account.left_up")
    asked = Alert.objects.filter(kind__in=["listing.foreign", "account.stock"]).exclude(state="recovered")
    assert not asked.exists()
    assert (told.state, told.severity) == ("firing", "critical")
    assert told.title == "SeatGeek is disconnected, and a listing stays up there"
    assert "section 131, row 99, 2 at" in told.body
    assert "row 98" not in told.body
    # Connected again, what it shows is read anew.
    connect(holding, "seatgeek")
    told.refresh_from_db()
    assert told.state == "recovered"


def test_a_listing_of_seats_that_a_buyer_has_is_taken_down_at_once(holding: Holding, simulator: Simulator) -> None:
    other = connect_token(actor=holding.actor, platform="vividseats", mode=Mode.PAPER, token="")
    (mine,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[other.pk],
        price=Decimal("90.00"), floor=Decimal("60.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    control("sell", platform="vividseats", external_id=mine.external_id, quantity=2)
    accounts_sync_due()
    work()
    held_before("seatgeek")([1, 2])
    held_before("seatgeek")([2, 3])
    connect(holding, "seatgeek")
    work()
    assert list(there(simulator, "seatgeek").values()) == [1]
    left = Listing.objects.get(made_there=True, status=ListingStatus.ACTIVE)
    assert numbers(left) == [3]


def test_what_is_not_certain_waits_and_nothing_is_done_to_it(holding: Holding, simulator: Simulator) -> None:
    hand = held_before("seatgeek")
    hand([1, 2], section="132")
    hand([7, 8])
    hand([], quantity=2)
    connect(holding, "seatgeek")
    work()
    assert not Listing.objects.exists()
    whys = sorted(FoundListing.objects.values_list("why", flat=True))
    assert whys == [
        "it names no seats, and you have 4 in that row", "its seats are not among yours",
        "you have no seats in section 132, row 27",
    ]  # fmt: skip
    assert len(there(simulator, "seatgeek")) == 3
    assert Alert.objects.get(kind="account.stock").severity == "action"


@pytest.mark.parametrize("sold", [False, True])
def test_seats_that_lie_apart_are_not_taken_for_those_of_a_listing_that_names_none(
    holding: Holding, simulator: Simulator, sold: bool
) -> None:
    Seat.objects.filter(pk=holding.seats[3].pk).update(seat_number=9)
    made = held_before("stubhub")([], quantity=4)
    if sold:
        control("sell", platform="stubhub", listing_id=made["id"], quantity=4)
    connect(holding, "stubhub")
    work()
    found = FoundListing.objects.get()
    why = "it names no seats, and yours in that row are not side by side"
    assert (found.state, found.why, Listing.objects.count()) == (FoundState.WAITING, why, 0)
    assert set(Seat.objects.filter(game=holding.game).values_list("state", flat=True)) == {OwnerState.AVAILABLE}
    # A person may know that it is of these all the same.
    adopted = found_adopt(actor=holding.actor, found_id=found.pk, seat_ids=[seat.pk for seat in holding.seats])
    assert (adopted.state, Listing.objects.get().status) == (FoundState.ADOPTED, "sold" if sold else "active")


@pytest.mark.parametrize(
    ("platform", "kind"),
    [
        *((platform, "mobile_transfer") for platform in PLATFORMS),
        ("stubhub", "pdf"), ("stubhub", "qr_code"), ("stubhub", "paper"), ("seatgeek", "pdf"), ("seatgeek", "barcode"),
        ("vividseats", "pdf"), ("vividseats", "barcode"), ("vividseats", "paper"), ("gametime", "pdf"),
    ],
)  # fmt: skip
def test_what_is_adopted_keeps_what_its_marketplace_says_of_its_tickets(
    holding: Holding, simulator: Simulator, platform: str, kind: str
) -> None:
    # What their holder has entered is not what the buyers of this one are promised.
    entered = "barcode" if kind == "mobile_transfer" else "mobile_transfer"
    delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery=entered)
    held_before(platform)([1, 2], delivery=kind)
    connect(holding, platform)
    work()
    listing = Listing.objects.get()
    assert (listing.made_there, listing.delivery) == (True, kind)
    # Told otherwise later it is that, and when it comes down follows from it.
    Listing.objects.update(delivery="qr_code")
    MarketplaceAccount.objects.update(polled_at=None)
    start = simulator.clock()
    simulator.clock = lambda: start + 65.0
    with time_machine.travel(now() + timedelta(minutes=11), tick=False):
        sweep()
    listing.refresh_from_db()
    # Ticketmaster, which takes one kind alone, tells none.
    assert listing.delivery == ("qr_code" if platform == "ticketmaster" else kind)


@pytest.mark.parametrize("platform", ["stubhub", "seatgeek", "vividseats", "gametime"])
def test_where_nothing_is_told_of_the_tickets_their_holder_is_asked(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    held_before(platform)([1, 2], delivery="barcode" if platform == "stubhub" else "")
    account = connect(holding, platform)
    work()
    found = FoundListing.objects.get()
    assert (found.state, found.why) == (FoundState.WAITING, "it does not tell how its tickets reach their buyer")
    assert not Listing.objects.exists()
    seats = [seat.pk for seat in holding.seats[:2]]
    for said, why in (("", "does not tell what its tickets are"), ("wax", "'wax' is unknown")):
        with pytest.raises(InvalidInput, match=why) as refused:
            found_adopt(actor=holding.actor, found_id=found.pk, seat_ids=seats, delivery=said)
        assert [problem.field for problem in refused.value.problems] == ["delivery"]
    client = verified_client(holding.user)
    page = client.get(reverse("listings:found_list", args=[account.pk]), {"open": str(found.pk)}).text
    assert 'name="delivery"' in page
    chosen, url = [str(seat) for seat in seats], reverse("listings:found_adopt", args=[found.pk])
    refused_page = client.post(url, {"seats": chosen})
    assert (refused_page.status_code, "Say how they reach their buyer." in refused_page.text) == (422, True)
    if platform == "gametime":
        told = bearer(holding.user).post(
            f"/api/v1/found/{found.pk}/adopt/", {"seat_ids": chosen, "delivery": "pdf"}, content_type="application/json"
        )
        assert told.status_code == 200
    else:
        assert client.post(url, {"seats": chosen, "delivery": "pdf"}).status_code == 302
    assert Listing.objects.get().delivery == "pdf"


def test_what_was_entered_for_the_seats_is_said_already(holding: Holding, simulator: Simulator) -> None:
    delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery="pdf")
    held_before("seatgeek")([1, 2], delivery="")
    account = connect(holding, "seatgeek")
    work()
    assert (Listing.objects.get().delivery, FoundListing.objects.get().state) == ("pdf", FoundState.ADOPTED)
    held_before("seatgeek")([7, 8], delivery="barcode")
    sweep()
    strange = FoundListing.objects.get(state=FoundState.WAITING)
    page = verified_client(holding.user).get(
        reverse("listings:found_list", args=[account.pk]), {"open": str(strange.pk)}
    )
    assert (strange.delivery, 'name="delivery"' in page.text) == ("barcode", False)


def test_its_holder_says_which_seats_it_is_of_or_that_it_is_not_his_or_takes_it_down(
    holding: Holding, simulator: Simulator
) -> None:
    hand = held_before("seatgeek")
    unnamed, strange, unwanted = hand([], quantity=2), hand([7, 8]), hand([1, 2], section="200")
    account = connect(holding, "seatgeek")
    work()
    found = {item.remote_id: item for item in FoundListing.objects.all()}
    seats = [seat.pk for seat in holding.seats]
    with pytest.raises(Conflict, match="may be of these seats"):
        listing_publish(
            actor=holding.actor, seat_ids=seats, account_ids=[account.pk], price=Decimal("90.00"),
            floor=Decimal("60.00"), ceiling=Decimal("200.00"),
        )  # fmt: skip
    one = found[str(unnamed["id"])]
    with pytest.raises(NotFound):
        found_adopt(actor=holding.outsider, found_id=one.pk, seat_ids=seats[:2])
    with pytest.raises(InvalidInput, match="of 2 seats, and 3"):
        found_adopt(actor=holding.actor, found_id=one.pk, seat_ids=seats[:3])
    adopted = found_adopt(actor=holding.actor, found_id=one.pk, seat_ids=seats[2:])
    assert adopted.listing is not None
    assert adopted.listing.quantity == 2
    with pytest.raises(Conflict):
        found_not_ours(actor=holding.actor, found_ids=[one.pk])
    found_not_ours(actor=holding.actor, found_ids=[found[str(strange["id"])].pk])
    found_take_down(actor=holding.actor, found_id=found[str(unwanted["id"])].pk)
    work()
    assert set(there(simulator, "seatgeek")) == {str(unnamed["id"]), str(strange["id"])}
    sweep()
    states = dict(FoundListing.objects.values_list("remote_id", "state"))
    assert states == {
        str(unnamed["id"]): FoundState.ADOPTED, str(strange["id"]): FoundState.NOT_OURS,
        str(unwanted["id"]): FoundState.GONE,
    }  # fmt: skip
    assert not Alert.objects.filter(kind="listing.foreign", state="firing").exists()


def another_event(event_id: int, game: Game, **changes: str) -> None:
    """The platform has an event at that game's start, called like it where nothing else is said."""
    words = {"name": f"{game.opponent.name} at {game.home_team.name}", "venue": game.venue.name} | changes
    control(
        "events",
        events=[{
            "event_id": event_id, "city": game.venue.city, "starts_at": game.starts_at.isoformat(),
            "timezone": game.venue.timezone, **words,
        }],
    )  # fmt: skip


def test_what_is_of_one_game_is_not_adopted_onto_another_games_seats(holding: Holding, simulator: Simulator) -> None:
    other = holding.games[-1]
    another_event(502, other)
    another_event(503, other, name="Night of the Harbor", venue="Harbor View Hall")
    another_event(504, holding.game, name="Night of the Harbor", venue="Harbor View Hall")
    hand = held_before("seatgeek")
    recognised, elsewhere, same_day = (str(hand([], quantity=2, event_id=pk)["id"]) for pk in (502, 503, 504))
    connect(holding, "seatgeek")
    work()
    found = {item.remote_id: item.pk for item in FoundListing.objects.all()}
    ours = [seat.pk for seat in holding.seats]
    theirs = [seat.pk for seat in holding.seats_of(other)]
    named = f"{other.opponent.name} at {other.home_team.name} on {other.game_date}"
    for remote_id, told in ((recognised, named), (elsewhere, f"a game on {other.game_date}")):
        with pytest.raises(InvalidInput, match=f"It is of {told}") as refused:
            found_adopt(actor=holding.actor, found_id=found[remote_id], seat_ids=ours[:2])
        assert refused.value.problems[0].field == "seats"
        assert FoundListing.objects.get(remote_id=remote_id).state == FoundState.WAITING
    assert not Listing.objects.exists()
    assert found_adopt(actor=holding.actor, found_id=found[recognised], seat_ids=theirs[:2]).game == other
    assert found_adopt(actor=holding.actor, found_id=found[elsewhere], seat_ids=theirs[2:]).game == other
    assert found_adopt(actor=holding.actor, found_id=found[same_day], seat_ids=ours[:2]).game == holding.game


def test_the_page_offers_the_seats_of_its_game_and_refuses_others(holding: Holding, simulator: Simulator) -> None:
    other = holding.games[-1]
    another_event(502, other)
    held_before("seatgeek")([], quantity=2, event_id=502)
    account = connect(holding, "seatgeek")
    work()
    found, client = FoundListing.objects.get(), verified_client(holding.user)
    page = client.get(reverse("listings:found_list", args=[account.pk]), {"open": str(found.pk)})
    assert {seat.game_id for seat in page.context["seats"]} == {other.pk}
    # It is of two of four, and nobody knows which: sent as it is shown it asks for them, and is not refused for four.
    assert page.text.count('name="seats"') == 4
    assert not re.search(r'name="seats"[^>]* checked', page.text)
    chosen = [str(seat.pk) for seat in holding.seats[:2]]
    answer = client.post(reverse("listings:found_adopt", args=[found.pk]), {"seats": chosen})
    assert answer.status_code == 422
    assert "It is of Inland Owls at Harbor Gulls on" in answer.text


def test_a_mapping_says_which_game_it_is_of(holding: Holding, simulator: Simulator) -> None:
    other = holding.games[-1]
    another_event(503, other, name="Night of the Harbor", venue="Harbor View Hall")
    held_before("seatgeek")([], quantity=2, event_id=503)
    connect(holding, "seatgeek")
    work()
    found, ours = FoundListing.objects.get(), [seat.pk for seat in holding.seats[:2]]
    event_mapping_confirm(game=holding.game, platform="seatgeek", paper=True, remote_event_id="503", by="test")
    assert found_adopt(actor=holding.actor, found_id=found.pk, seat_ids=ours).game == holding.game


@pytest.mark.parametrize("platform", ["stubhub", "seatgeek"])
def test_what_its_holder_says_of_one_section_is_said_of_all_that_wait_for_it(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    """Section names never match across sites: it is asked once."""
    hand = held_before(platform)
    one, two = hand([1, 2], section="Field Box 131"), hand([3, 4], section="Field Box 131")
    account = connect(holding, platform)
    work()
    found = {item.remote_id: item for item in FoundListing.objects.all()}
    assert {item.why for item in found.values()} == {"section Field Box 131 there may be your 131"}
    seats = [seat.pk for seat in holding.seats]
    kind = delivery_asked(found[str(one["id"])]) and "mobile_transfer"
    found_adopt(actor=holding.actor, found_id=found[str(one["id"])].pk, seat_ids=seats[:2], delivery=kind or "")
    mapping = SectionMapping.objects.get()
    assert (mapping.section, mapping.remote_section, mapping.platform) == ("131", "Field Box 131", platform)
    assert AuditEntry.objects.filter(verb="section_mapping.confirm").count() == 1
    work()
    assert FoundListing.objects.get(remote_id=str(two["id"])).state == FoundState.ADOPTED
    assert sorted(numbers(listing) for listing in Listing.objects.filter(account=account)) == [[1, 2], [3, 4]]


def test_what_its_holder_says_of_one_event_is_said_of_all_that_wait_for_it_where_it_can_be(
    holding: Holding, simulator: Simulator
) -> None:
    another_event(503, holding.games[-1], name="Night of the Harbor", venue="Harbor View Hall")
    another_event(504, holding.games[-2], name="Tribute Night", venue="Elsewhere Hall")
    hand = held_before("seatgeek")
    one, two = hand([1, 2], event_id=503), hand([3, 4], event_id=503)
    strange = hand([1, 2], event_id=504)
    connect(holding, "seatgeek")
    work()
    found = {item.remote_id: item for item in FoundListing.objects.all()}
    for what, game in ((one, holding.games[-1]), (strange, holding.games[-2])):
        seats = [seat.pk for seat in holding.seats_of(game)[:2]]
        found_adopt(actor=holding.actor, found_id=found[str(what["id"])].pk, seat_ids=seats, delivery="mobile_transfer")
    # What the check of a mapping does not let through is one person's word of his own seats, and nobody sells by it.
    assert EventMapping.objects.get().remote_event_id == "503"
    work()
    assert FoundListing.objects.get(remote_id=str(two["id"])).state == FoundState.ADOPTED


def test_a_sale_of_what_is_not_ours_concerns_nobody(holding: Holding, simulator: Simulator) -> None:
    strange = held_before("seatgeek")([7, 8])
    connect(holding, "seatgeek")
    work()
    found = FoundListing.objects.get()
    found_not_ours(actor=holding.actor, found_ids=[found.pk])
    control("sell", platform="seatgeek", listing_id=strange["id"], quantity=1)
    MarketplaceAccount.objects.update(polled_at=None)
    accounts_sync_due()
    work()
    assert not Sale.objects.exists()
    found_ask_again(actor=holding.actor, found_id=found.pk)
    MarketplaceAccount.objects.update(polled_at=None)
    accounts_sync_due()
    assert Sale.objects.get().state == SaleState.NEEDS_PERSON


def test_nothing_goes_up_before_the_stock_is_taken(holding: Holding, simulator: Simulator) -> None:
    held_before("seatgeek")([1, 2])
    account = connect(holding, "seatgeek")
    MarketplaceAccount.objects.update(stock_taken_at=None)
    listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[2:]], account_ids=[account.pk],
        price=Decimal("90.00"), floor=Decimal("60.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    waiting = MarketplaceCommand.objects.get(kind="create")
    assert waiting.last_error == "waiting: what the account lists already is being read"
    assert len(there(simulator, "seatgeek")) == 1
    sweep()
    work()
    assert len(there(simulator, "seatgeek")) == 2


def test_a_server_that_takes_files_away_is_written_to_only_after_its_holder_has_said_what_it_lists(
    holding: Holding, simulator: Simulator
) -> None:
    made = held_before("gametime")([1, 2])
    kept = simulator.ledger.accounts["gametime-1"].file
    simulator.ledger.accounts["gametime-1"].file = ""
    account = connect(holding, "gametime")
    listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[2:]], account_ids=[account.pk],
        price=Decimal("90.00"), floor=Decimal("60.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    account.refresh_from_db()
    assert account.stock_unknown
    assert account.stock_taken_at is None
    assert simulator.ledger.accounts["gametime-1"].file == ""
    assert Alert.objects.get(kind="account.stock_unknown").state == "firing"
    with pytest.raises(InvalidInput, match="no inventory"):
        stock_declare(actor=holding.actor, account_id=account.pk, file=b"Team,Price\nOwls,3\n")
    stock_declare(actor=holding.actor, account_id=account.pk, file=kept.encode())
    MarketplaceCommand.objects.update(not_before=account.created_at)
    work()
    MarketplaceCommand.objects.update(not_before=account.created_at)
    work()
    adopted = Listing.objects.get(made_there=True)
    assert adopted.listing_id == made["external_id"]
    assert len(there(simulator, "gametime")) == 2
    assert made["external_id"] in (StoredFile(account).last() or b"").decode()
    assert Alert.objects.get(kind="account.stock_unknown").state == "recovered"
    with pytest.raises(Conflict):
        stock_declare(actor=holding.actor, account_id=account.pk, file=None)


def test_a_past_sale_of_a_seat_that_its_holder_keeps_is_asked_about_and_never_rejected(
    holding: Holding, simulator: Simulator
) -> None:
    made = held_before("stubhub")([1, 2])
    control("sell", platform="stubhub", listing_id=made["id"], quantity=2)
    seats_set_state(
        actor=holding.actor, seat_ids=[holding.seats[0].pk], to_state=OwnerState.ATTENDING, reason="we went"
    )
    connect(holding, "stubhub")
    work()
    assert not Sale.objects.exists()
    assert FoundListing.objects.get().why == "seat 1 is attending"
    assert not MarketplaceCommand.objects.filter(kind="reject_sale").exists()


def test_one_shared_word_makes_no_certain_place(holding: Holding, simulator: Simulator) -> None:
    game = holding.game
    control(
        "events",
        events=[{
            "event_id": 777, "name": "Night of the Harbor", "venue": "Harbor View Hall", "city": "X",
            "starts_at": game.starts_at.isoformat(), "timezone": game.venue.timezone,
        }],
    )  # fmt: skip
    held_before("seatgeek")([1, 2], event_id=777)
    connect(holding, "seatgeek")
    work()
    assert FoundListing.objects.get().state == FoundState.WAITING
    assert not Listing.objects.exists()


def test_what_comes_down_blocks_its_seats_and_is_asked_about_again_where_it_stays(
    holding: Holding, simulator: Simulator
) -> None:
    made = held_before("seatgeek")([], quantity=2)
    account = connect(holding, "seatgeek")
    work()
    found = FoundListing.objects.get()
    found_take_down(actor=holding.actor, found_id=found.pk)
    with pytest.raises(Conflict, match="may be of these seats"):
        listing_publish(
            actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[account.pk],
            price=Decimal("90.00"), floor=Decimal("60.00"), ceiling=Decimal("200.00"),
        )  # fmt: skip
    work()
    # It answered that it was down, and shows it again.
    simulator.ledger.listings[made["id"]].state = "active"
    sweep()
    found.refresh_from_db()
    assert found.state == FoundState.WAITING


def test_one_odd_item_keeps_no_other_from_being_known(
    holding: Holding, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = held_before("seatgeek")
    hand([1, 2])
    hand([3, 4], section="odd")
    real = recognise

    def odd(account: MarketplaceAccount, told: Any) -> Any:
        if told.section == "odd":
            raise ValueError("no such thing")
        return real(account, told)

    monkeypatch.setattr(stock, "recognise", odd)
    account = connect(holding, "seatgeek")
    work()
    account.refresh_from_db()
    assert account.stock_taken_at is not None
    assert numbers(Listing.objects.get()) == [1, 2]
    assert Alert.objects.filter(kind="account.reading", state="firing").exists()


def test_an_account_of_which_nothing_is_known_is_not_swept_again_and_again(
    holding: Holding, simulator: Simulator
) -> None:
    connect(holding, "gametime")
    work()
    assert accounts_reconcile_due() == 0
    assert not MarketplaceCommand.objects.filter(state="needs_person").exists()


def sold_in_part(holding: Holding, simulator: Simulator, platform: str) -> tuple[dict[str, Any], Listing]:
    """Two of four seats of a hand's listing were sold, and the sale, heard of before any sweep, has ordered one."""
    connect(holding, platform)
    work()
    event_mapping_confirm(game=holding.game, platform=platform, paper=True, remote_event_id="501", by="test")
    made = by_hand(platform, [1, 2, 3, 4])
    control("sell", platform=platform, listing_id=made["id"], quantity=2)
    start = simulator.clock()
    simulator.clock = lambda: start + 65.0
    MarketplaceAccount.objects.update(polled_at=None)
    accounts_sync_due()
    listing = Listing.objects.get()
    assert (listing.made_there, Sale.objects.get().quantity) == (True, 2)
    Listing.objects.update(updated_at=listing.updated_at - timedelta(minutes=5))
    simulator.clock = lambda: start + 130.0
    # Its marketplace may have let that sweep read no sales so soon after the poll.
    MarketplaceCommand.objects.filter(state="pending").update(not_before=now())
    return made, listing


@pytest.mark.parametrize("platform", ["stubhub", "vividseats", "ticketmaster"])
def test_what_is_left_of_a_listing_that_was_met_by_its_sale_stays_on_offer_at_the_price_that_it_shows(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    """A sale may say only what its seller gets: that is less than the listing asks, and nobody has decided it."""
    made, listing = sold_in_part(holding, simulator, platform)
    sweep()
    listing.refresh_from_db()
    prices = (listing.price, listing.live_price, listing.floor, listing.ceiling)
    assert (listing.status, listing.sold_at, prices) == (ListingStatus.ACTIVE, None, (Decimal("91.00"),) * 4)
    assert (numbers(listing), there(simulator, platform)) == ([3, 4], {str(made["id"]): 2})
    assert not MarketplaceCommand.objects.filter(kind__in=["reprice", "delist"]).exists()
    assert Alert.objects.filter(kind="listing.adopted", object_id=str(listing.pk)).exists()
    # From now on it is a projection like any other.
    control("sell", platform=platform, listing_id=made["id"], quantity=2)
    start = simulator.clock()
    simulator.clock = lambda: start + 65.0
    MarketplaceAccount.objects.update(polled_at=None)
    accounts_sync_due()
    work()
    listing.refresh_from_db()
    assert (listing.status, Sale.objects.filter(listing=listing, state=SaleState.CONFIRMED).count()) == ("sold", 2)
    assert Seat.objects.filter(game=holding.game, state=OwnerState.SOLD).count() == 4


@pytest.mark.parametrize("platform", ["vividseats", "ticketmaster"])
def test_what_is_left_of_a_listing_that_was_met_by_its_sale_is_known_at_once_and_comes_down_when_it_sells_elsewhere(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str
) -> None:
    """Nobody orders a sweep here: the sale does."""
    connect(holding, platform)
    other = connected(holding, "stubhub")
    work()
    (mine,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[other.pk],
        price=Decimal("95.00"), floor=Decimal("60.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    event_mapping_confirm(game=holding.game, platform=platform, paper=True, remote_event_id="501", by="test")
    made = by_hand(platform, [1, 2, 3, 4])
    control("sell", platform=platform, listing_id=made["id"], quantity=2)
    # Vivid Seats tells listings once a minute, and orders every ten seconds.
    travel.shift(65)
    accounts_sync_due()
    travel.shift(11)
    work()
    listing = Listing.objects.get(made_there=True)
    assert (listing.status, listing.price, numbers(listing)) == (ListingStatus.ACTIVE, Decimal("91.00"), [3, 4])
    assert Alert.objects.filter(kind="listing.adopted", object_id=str(listing.pk)).exists()
    assert there(simulator, platform) == {str(made["id"]): 2}
    control("sell", platform="stubhub", external_id=mine.external_id, quantity=2)
    account_sync_sales(account=other)
    work()
    assert there(simulator, platform) == {}
    assert set(Sale.objects.values_list("platform", "state")) == {
        (platform, SaleState.CONFIRMED), ("stubhub", SaleState.CONFIRMED),
    }  # fmt: skip


def test_what_is_left_of_it_and_is_not_for_sale_comes_down_when_it_has_settled_there(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    connect(holding, "stubhub")
    work()
    event_mapping_confirm(game=holding.game, platform="stubhub", paper=True, remote_event_id="501", by="test")
    seats_set_state(
        actor=holding.actor, seat_ids=[holding.seats[3].pk], to_state=OwnerState.ATTENDING, reason="we went"
    )
    made = by_hand("stubhub", [1, 2, 3, 4])
    control("sell", platform="stubhub", listing_id=made["id"], quantity=2)
    travel.shift(65)
    accounts_sync_due()
    work()
    # What is not for sale is no projection, and what was changed just now is not judged yet.
    assert there(simulator, "stubhub") == {str(made["id"]): 2}
    travel.shift(40)
    work()
    assert (Listing.objects.get().status, there(simulator, "stubhub")) == (ListingStatus.SOLD, {})
    assert simulator.ledger.listings[made["id"]].state == "deleted"
    # That is all: nothing is asked for again and again.
    travel.shift(40)
    work()
    sweeps = MarketplaceCommand.objects.filter(kind="sync_account").exclude(idempotency_key__contains=":stock:")
    assert [sweep.state for sweep in sweeps] == ["done", "done"]


def test_a_listing_that_was_met_by_a_sale_of_taken_seats_keeps_the_price_that_it_shows(
    holding: Holding, simulator: Simulator
) -> None:
    """One of the three that were bought there is free: it is on offer on, and the sale told what its seller gets."""
    account = connect(holding, "stubhub")
    other = connect_token(actor=holding.actor, platform="vividseats", mode=Mode.PAPER, token="")
    (mine,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[other.pk],
        price=Decimal("90.00"), floor=Decimal("60.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    event_mapping_confirm(game=holding.game, platform="stubhub", paper=True, remote_event_id="501", by="test")
    made = by_hand("stubhub", [1, 2, 3, 4])
    control("sell", platform="vividseats", external_id=mine.external_id, quantity=2)
    start = simulator.clock()
    simulator.clock = lambda: start + 65.0
    accounts_sync_due()
    work()
    control("sell", platform="stubhub", listing_id=made["id"], quantity=3)
    MarketplaceAccount.objects.filter(pk=account.pk).update(polled_at=None)
    accounts_sync_due()
    listing = Listing.objects.get(made_there=True)
    assert (listing.price, listing.live_price, numbers(listing)) == (Decimal("81.90"), None, [3])
    work()
    assert Sale.objects.get(account=account).state in {SaleState.CONFLICT, SaleState.CANCELLED}
    Listing.objects.update(updated_at=listing.updated_at - timedelta(minutes=5))
    simulator.clock = lambda: start + 130.0
    sweep()
    listing.refresh_from_db()
    assert (listing.price, listing.live_price, listing.status) == (Decimal("91.00"), Decimal("91.00"), "active")
    assert not MarketplaceCommand.objects.filter(kind="reprice").exists()
    assert simulator.ledger.listings[made["id"]].price_cents == 9100


@pytest.mark.parametrize("sold", [2, 3])
def test_where_the_seller_allocates_seats_given_out_of_what_was_met_later_are_shown_no_more(
    holding: Holding, simulator: Simulator, sold: int
) -> None:
    account = connect(holding, "seatgeek")
    work()
    made = held_before("seatgeek")([1, 2, 3, 4])
    control("sell", platform="seatgeek", listing_id=made["id"], quantity=sold)
    sweep()
    account_sync_sales(account=account)
    work()
    sale, there = Sale.objects.get(), simulator.ledger.listings[made["id"]]
    gone = {row.seat.seat_number for row in sale.sale_seats.select_related("seat") if row.live}
    # Whichever seats its buyer was given, none of them is on show.
    shown = set(there.seats) if there.state == "active" else set()
    assert not gone & shown
    assert sale.state in {SaleState.CONFIRMED, SaleState.NEEDS_PERSON}
    assert len(gone) in {sold, 0}


def test_what_its_holder_takes_down_there_himself_asks_him_no_more(holding: Holding, simulator: Simulator) -> None:
    account = connect(holding, "seatgeek")
    work()
    made = by_hand("seatgeek", [], quantity=2)
    sweep()
    alert = Alert.objects.get(kind="listing.foreign")
    assert (alert.state, FoundListing.objects.get().state) == ("firing", FoundState.WAITING)

    simulator.ledger.listings[made["id"]].state = "deleted"
    sweep_order(account, "later")
    work()

    alert.refresh_from_db()
    assert (alert.state, FoundListing.objects.get().state) == ("recovered", FoundState.GONE)
