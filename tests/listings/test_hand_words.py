"""What a person is told to do on a marketplace's own site: which seats, what it brings, where, and until when."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from listings.models import CommandState, MarketplaceCommand, PushHalt, Sale, SaleState, SeatTicket
from listings.selectors import hand_tasks
from listings.services.by_hand import hand_done
from listings.services.by_hand_undo import hand_not_done
from listings.services.delist import listings_delist
from listings.services.fulfil import sale_fulfil
from listings.services.halts import push_halt_lift, push_halt_set
from listings.services.hand_words import words_of
from listings.services.pricing import listing_reprice
from listings.services.seat_tickets import Entry
from marketplaces.contracts import Buyer, RemoteSaleState
from marketplaces.delivery import DeliveryStep
from marketplaces.models import FeeVersion, MarketplaceAccount
from marketplaces.registry import event_page
from marketplaces.services.connect import account_leave
from portfolios.models import EventMapping
from portfolios.services.mapping import event_mapping_confirm
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.clock import now
from seatsync.core.venue_time import local
from seatsync.live.models import Alert
from tests.builders import bearer
from tests.hands import offer, task, told, up
from tests.market import Market
from tests.queries import queries_of

pytestmark = pytest.mark.django_db


def hand_page(market: Market) -> str:
    client = Client()
    client.force_login(market.holding.user)
    return client.get("/portfolio/by-hand/").text


def test_after_a_partial_sale_a_task_says_which_seats_stay_and_which_go(
    market: Market, assisted: MarketplaceAccount
) -> None:
    alpha, _ = up(market, assisted)
    market.webhook(market.alpha.sell(alpha.external_id, (1,)))
    market.work()
    words = words_of(task(market, "resize"))
    assert words.title == "Leave only seats 2, 3, 4 of 131/27 at Beta"
    assert (words.stay, words.go) == ((2, 3, 4), (1,))
    assert {"Take off: seat 1", "Leave on sale: seats 2, 3, 4"} < set(words.lines)
    title = Alert.objects.get(kind="hand.task", state="firing", user_id=market.holding.user.pk).title
    assert title.startswith("Leave only seats 2, 3, 4 of 131/27 at Beta with your own hands")
    # The next one asks for what is not done yet, too.
    market.webhook(market.alpha.sell(alpha.external_id, (2,)))
    market.work()
    one = task(market, "resize")
    assert (words_of(one).stay, words_of(one).go) == ((3, 4), (1, 2))
    assert "Take off <strong>1, 2</strong>, leave <strong>3, 4</strong>" in hand_page(market)
    hand_done(actor=market.holding.actor, command_id=one.pk)
    market.webhook(market.alpha.sell(alpha.external_id, (3,)))
    market.work()
    assert words_of(task(market, "resize")).go == (3,)


def test_a_task_tells_what_its_price_brings_and_how_that_is_known(market: Market, assisted: MarketplaceAccount) -> None:
    offer(market, assisted)
    words = words_of(task(market, "create"))
    assert (words.net, words.net_basis) == (Decimal("75.60"), "fee_schedule")
    assert "To you per ticket: $75.60, from Beta's fee schedule of 1 Jan 2024" in words.lines
    page = hand_page(market)
    assert '<strong>$75.60</strong> a ticket, <span class="muted">from Beta&#x27;s fee schedule' in page


def test_where_no_fee_is_known_a_task_says_so(market: Market, assisted: MarketplaceAccount) -> None:
    FeeVersion.objects.filter(platform="beta").delete()
    offer(market, assisted)
    assert "To you per ticket: not known, Beta has not told its fee" in words_of(task(market, "create")).lines
    assert "not known: Beta has not told its fee" in hand_page(market)


@pytest.mark.parametrize(
    ("told_page", "link"),
    [
        ("https://www.ticketmaster.com/event/0C00", "https://www.ticketmaster.com/event/0C00"),
        ("/event/0C00", "https://www.ticketmaster.com/event/0C00"),
        ("", "https://www.ticketmaster.com/"),
        ("http://www.ticketmaster.com/event/0C00", "https://www.ticketmaster.com/"),
        ("https://ticketmaster.com.evil.example/event", "https://www.ticketmaster.com/"),
        ("https://evilticketmaster.com/event", "https://www.ticketmaster.com/"),
        ("https://evil.example\\.ticketmaster.com/event", "https://www.ticketmaster.com/"),
        ("javascript:alert(1)", "https://www.ticketmaster.com/"),
        ("https://[", "https://www.ticketmaster.com/"),
    ],
)
def test_a_page_is_linked_to_only_on_the_marketplaces_own_site(told_page: str, link: str) -> None:
    assert event_page("ticketmaster", told_page) == link
    assert event_page("nowhere", told_page) == ""


def test_a_task_links_to_the_games_page_there_where_it_is_known(market: Market, assisted: MarketplaceAccount) -> None:
    market.beta.site = "https://www.beta.example/"
    offer(market, assisted)
    assert words_of(task(market, "create")).link == "https://www.beta.example/"
    page = "https://www.beta.example/event/7"
    for paper, address in ((False, page), (True, "https://www.beta.example/paper")):
        event_mapping_confirm(
            game=market.holding.game, platform="beta", paper=paper, remote_event_id="7", by="test", page=address
        )
    assert words_of(task(market, "create")).link == page
    assert f'href="{page}"' in hand_page(market)


def test_the_page_of_an_event_on_another_day_is_not_linked_to(market: Market, assisted: MarketplaceAccount) -> None:
    market.beta.site = "https://www.beta.example/"
    offer(market, assisted)
    event_mapping_confirm(
        game=market.holding.game, platform="beta", paper=False, remote_event_id="7", by="test",
        page="https://www.beta.example/event/7", event_date=market.holding.game.game_date - timedelta(days=1),
    )  # fmt: skip
    assert words_of(task(market, "create")).link == "https://www.beta.example/"


def test_an_address_that_is_too_long_is_not_kept(market: Market) -> None:
    mapping = event_mapping_confirm(
        game=market.holding.game, platform="beta", paper=False, remote_event_id="7", by="test",
        page="https://www.beta.example/" + "e" * 500,
    )  # fmt: skip
    assert EventMapping.objects.get(pk=mapping.pk).told_page == ""


def test_a_conflict_at_an_account_by_hand_says_what_its_holder_must_do_there(
    market: Market, assisted: MarketplaceAccount
) -> None:
    alpha, beta = up(market, assisted)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    sale = told(market, beta, market.holding.seats[:2], "TM-9")
    assert sale.state == SaleState.CONFLICT
    alert = Alert.objects.get(kind="sale.conflict", user_id=market.holding.user.pk)
    assert "being rejected" not in alert.body
    assert "only you can reject it. Reject sale TM-9 there now" in alert.body
    assert "Until when that can be done only Beta says" in alert.body
    hand = Alert.objects.get(kind="hand.task", title__startswith="Reject", user_id=market.holding.user.pk)
    assert hand.title.startswith("Reject the sale of 131/27 at Beta with your own hands")
    assert hand.body == alert.body
    Sale.objects.filter(pk=sale.pk).update(confirm_by=now() + timedelta(hours=20))
    one = task(market, "reject_sale")
    words = words_of(one)
    assert words.lines[0] == "Sale TM-9"
    assert words.lines[2] == "Section 131, row 27, seats 1, 2"
    assert words.until is not None
    zone = market.holding.game.venue.timezone
    assert f"there by {local(words.until, zone):%-d %b %H:%M %Z}" in words.text
    client = Client()
    client.force_login(market.holding.user)
    assert "only you can reject it" in client.get(f"/portfolio/sales/{sale.pk}/").text
    assert "only you can reject it" in client.get("/portfolio/inbox/").text
    assert "in 19 h" in hand_page(market)
    hand_done(actor=market.holding.actor, command_id=one.pk)
    alert.refresh_from_db()
    assert alert.state == "recovered"
    assert "only you can reject it" not in client.get(f"/portfolio/sales/{sale.pk}/").text


def test_a_conflict_whose_account_is_left_is_its_holders_to_reject(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    remote = replace(market.beta.sell(beta.external_id, (1, 2)), state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(remote, platform=market.beta)
    alert = Alert.objects.get(kind="sale.conflict", user_id=market.holding.user.pk)
    assert "being rejected there" in alert.body
    MarketplaceCommand.objects.filter(state=CommandState.IN_FLIGHT).update(state=CommandState.PENDING)
    account_leave(actor=market.holding.actor, account_id=market.accounts["beta"].pk)
    assert hand_tasks(market.holding.actor).filter(kind="reject_sale").exists()
    alert.refresh_from_db()
    assert "only you can reject it" in alert.body


def test_what_a_listing_sold_itself_is_not_to_be_taken_down(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    told(market, beta, market.holding.seats[:2], "TM-9")
    listings_delist(actor=market.holding.actor, listing_ids=[beta.pk])
    assert words_of(task(market, "delist")).lines[1] == "Section 131, row 27, seats 3, 4"
    assert "row 27, seats 3, 4" in hand_page(market)


def test_what_is_halted_since_is_not_to_be_done_by_hand_either(market: Market, assisted: MarketplaceAccount) -> None:
    offer(market, assisted)
    listing = task(market, "create").listing
    assert words_of(task(market, "create")).held == ""
    halt = push_halt_set(actor=market.holding.staff, reason="its prices are wrong", platform="beta")
    assert words_of(task(market, "create")).held == "Trading at Beta is halted (its prices are wrong)."
    assert "Not now: Trading at Beta is halted" in hand_page(market)
    told_by_api = bearer(market.holding.user).get("/api/v1/hand-tasks/").json()["results"]
    assert [one["held"] for one in told_by_api] == ["Trading at Beta is halted (its prices are wrong)."]
    # What comes down does, whoever takes it down.
    assert listing is not None
    listings_delist(actor=market.holding.actor, listing_ids=[listing.pk])
    assert (words_of(task(market, "delist")).held, "Not now" in hand_page(market)) == ("", False)
    push_halt_lift(actor=market.holding.staff, halt_id=halt.pk)


def test_a_lower_price_waits_by_hand_too_while_only_higher_ones_may_go(
    market: Market, assisted: MarketplaceAccount
) -> None:
    _, beta = up(market, assisted)
    for price, held in (("80.00", True), ("90.00", False)):
        for halt in PushHalt.objects.in_force():
            push_halt_lift(actor=market.holding.staff, halt_id=halt.pk)
        listing_reprice(
            actor=market.holding.actor, listing_id=beta.pk, price=Decimal(price), version=None, confirmed=True
        )
        push_halt_set(actor=market.holding.staff, reason="a crash", state="RAISE_ONLY")
        assert bool(words_of(task(market, "reprice")).held) is held


def seats_to_take_down(market: Market) -> str:
    return words_of(task(market, "delist")).lines[1]


@pytest.mark.parametrize("arrived", [True, False])
def test_what_a_worker_took_off_show_before_its_account_was_left_is_not_to_be_taken_down(
    market: Market, arrived: bool
) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    if arrived:
        market.work()
        assert market.beta.seats[beta.external_id] == [3, 4]
    account_leave(actor=market.holding.actor, account_id=market.accounts["beta"].pk)
    listings_delist(actor=market.holding.actor, listing_ids=[beta.pk])
    assert seats_to_take_down(market).endswith("seats 3, 4" if arrived else "seats 1, 2, 3, 4")
    assert seats_to_take_down(market) in hand_page(market)
    body = Alert.objects.get(kind="hand.task", state="firing", user_id=market.holding.user.pk).body
    assert ("may be sold twice" in body) is not arrived


@pytest.mark.parametrize(("taken_back", "seats"), [(False, "seats 3, 4"), (True, "seats 1, 2, 3, 4")])
def test_what_was_said_to_be_made_smaller_comes_down_as_small_unless_that_is_taken_back(
    market: Market, assisted: MarketplaceAccount, *, taken_back: bool, seats: str
) -> None:
    alpha, beta = up(market, assisted)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    smaller = task(market, "resize")
    hand_done(actor=market.holding.actor, command_id=smaller.pk)
    if taken_back:
        hand_not_done(actor=market.holding.actor, command_id=smaller.pk)
    listings_delist(actor=market.holding.actor, listing_ids=[beta.pk])
    assert seats_to_take_down(market).endswith(seats)


def test_the_rest_of_what_sold_there_comes_down_because_of_that_sale(
    market: Market, assisted: MarketplaceAccount
) -> None:
    _, beta = up(market, assisted)
    told(market, beta, market.holding.seats[1:3], "TM-9")
    one = task(market, "delist")
    assert words_of(one).lines[1] == "Section 131, row 27, seats 1, 4"
    body = Alert.objects.get(kind="hand.task", object_id=str(one.pk), user_id=market.holding.user.pk).body
    assert ("2 were sold there." in body, "elsewhere" in body) == (True, False)


def handed_over(market: Market, *, step: str = "", **given: Any) -> MarketplaceCommand:
    """A sale at alpha that was being handed over when its account was left."""
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    market.alpha.sales[sold.sale_id] = replace(sold, buyer=Buyer("Ann Buyer", "ann@buyers.example", ""))
    market.webhook(sold)
    market.work()
    Sale.objects.update(delivery_step=step)
    sale_fulfil(actor=market.holding.actor, sale_id=Sale.objects.get().pk, **given)
    account_leave(actor=market.holding.actor, account_id=market.accounts["alpha"].pk)
    return task(market, "fulfil")


def test_a_task_to_hand_over_tells_its_owner_what_goes_to_whom(market: Market) -> None:
    links = ("https://t.example/one", "https://t.example/two")
    one = handed_over(market, method="transfer_url", transfer_urls=links)
    owner = ["Buyer: Ann Buyer", "Mail: ann@buyers.example", f"Link: {links[0]}", f"Link: {links[1]}"]
    assert words_of(one, market.holding.actor).lines[-4:] == owner
    page = hand_page(market)
    assert all(line in page for line in owner)
    told_there = bearer(market.holding.user).get("/api/v1/hand-tasks/").json()
    assert [row["text"][-4:] for row in told_there["results"] if row["kind"] == "fulfil"] == [owner]
    # Staff may look after a task, and learn nothing of the buyer or what he gets.
    staff = Actor(ActorKind.STAFF, "support", market.holding.ticket.tenant_id)
    for actor in (None, staff):
        assert not re.search(r"Ann|t\.example", words_of(one, actor).text)
    assert not Alert.objects.filter(body__contains="t.example").exists()


def test_a_task_to_hand_over_tells_the_number_of_the_transfer(market: Market) -> None:
    one = handed_over(market, method="mobile_transfer", confirmation="TX-1")
    assert words_of(one, market.holding.actor).lines[-1] == "Number: TX-1"


def test_a_task_to_hand_over_names_barcodes_by_their_hint_alone(market: Market) -> None:
    seats = market.holding.seats[:2]
    codes = [Entry(seat.pk, barcode=f"88001234567{place}") for place, seat in enumerate(seats)]
    one = handed_over(market, step=DeliveryStep.BARCODES, method="barcode", tickets=codes)
    words = words_of(one, market.holding.actor)
    hints = dict(SeatTicket.objects.values_list("seat__seat_number", "hint"))
    assert words.lines[-2:] == [f"Ticket of seat {number}: {hints[number]}" for number in (1, 2)]
    assert "88001234567" not in words.text
    SeatTicket.objects.filter(seat=seats[0]).delete()
    assert words_of(one, market.holding.actor).lines[-1].endswith("is not here any more: give it again.")


def test_many_tasks_to_hand_over_ask_no_more_than_one(market: Market) -> None:
    seats = market.holding.seats
    alpha, _ = market.published()
    for place, seat in enumerate(seats):
        sold = market.alpha.sell(alpha.external_id, (seat.seat_number,), sale_id=f"S-{place}")
        market.alpha.sales[sold.sale_id] = replace(sold, buyer=Buyer("Ann Buyer", "ann@buyers.example", ""))
        market.webhook(sold)
    market.work()
    for place, seat in enumerate(seats):
        barcode = place % 2 == 0
        step = DeliveryStep.BARCODES if barcode else ""
        Sale.objects.filter(platform_sale_id=f"S-{place}").update(delivery_step=step)
        sale_fulfil(
            actor=market.holding.actor, sale_id=Sale.objects.get(platform_sale_id=f"S-{place}").pk,
            method="barcode" if barcode else "mobile_transfer", confirmation="" if barcode else f"TX-{place}",
            tickets=[Entry(seat.pk, barcode=f"88001234567{place}")] if barcode else [],
        )  # fmt: skip
    account_leave(actor=market.holding.actor, account_id=market.accounts["alpha"].pk)
    api, browser = bearer(market.holding.user), Client()
    browser.force_login(market.holding.user)
    asked = []
    tasks = hand_tasks(market.holding.actor)
    for count in (4, 1):
        MarketplaceCommand.objects.filter(pk__in=tasks.values("pk")).exclude(
            pk__in=tasks.filter(kind="fulfil").values("pk")[:count]
        ).update(state=CommandState.DONE)
        (page, shown), (listed, told_there) = (
            queries_of(browser, "/portfolio/by-hand/"), queries_of(api, "/api/v1/hand-tasks/")
        )  # fmt: skip
        lines = [line for row in told_there.json()["results"] for line in row["text"]]
        assert lines.count("Buyer: Ann Buyer") == shown.text.count("Buyer: Ann Buyer") == count
        assert len([line for line in lines if line.startswith(("Ticket of seat", "Number: TX"))]) == count
        asked.append((len(page), len(listed)))
    assert asked[0] == asked[1]
