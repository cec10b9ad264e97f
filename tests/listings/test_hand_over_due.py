"""By when a sale is to be handed over: told, or reckoned by its platform's published rule; and who is reminded."""

import uuid
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from analytics.selectors.inbox import Item, inbox
from listings.locks import sale_lock
from listings.models import Listing, MarketplaceCommand, Sale, SaleState
from listings.selectors import deadlines
from listings.services import due_alerts
from listings.services.due_alerts import hand_overs_remind
from listings.services.fulfil import sale_fulfil
from listings.services.hand_over_due import due_said, sales_due_fill
from listings.services.sale_alerts import reject_by
from listings.services.sale_saga import sale_apply
from listings.services.sync import account_sync_sales
from marketplaces.contracts import RemoteSaleState
from marketplaces.delivery import DeliveryStep, DeliveryType, HandOver
from marketplaces.models import HandOverVersion
from marketplaces.services.figures import figures_load
from marketplaces.simulator.app import Simulator
from portfolios.models import Game, GameStatus
from portfolios.services.games import game_move
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.models import AuditEntry
from seatsync.live.alerts import alert_acknowledge
from seatsync.live.models import Alert, AlertDelivery
from tests.builders import Holding
from tests.listings.selling import PROOF, Seller, sell
from tests.market import Market

pytestmark = pytest.mark.django_db
SEATTLE = ZoneInfo("America/Los_Angeles")


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.id))
    return client


# What the platforms tell, and what is reckoned, through simulator and adapter.
@pytest.mark.parametrize(
    ("platform", "delivery"),
    [
        ("stubhub", DeliveryType.MOBILE_TRANSFER), ("stubhub", DeliveryType.BARCODE), ("stubhub", DeliveryType.PDF),
        ("stubhub", DeliveryType.QR_CODE), ("stubhub", DeliveryType.PAPER),
        ("vividseats", DeliveryType.MOBILE_TRANSFER), ("vividseats", DeliveryType.BARCODE),
        ("vividseats", DeliveryType.PDF), ("vividseats", DeliveryType.PAPER),
        ("ticketmaster", DeliveryType.MOBILE_TRANSFER),
    ],
)  # fmt: skip
def test_what_a_platform_tells_is_its_sales_deadline(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str, delivery: str
) -> None:
    seller = sell(holding, simulator, travel, platform, delivery)
    told = datetime.fromtimestamp(simulator.ledger.sales[int(seller.sale.platform_sale_id)].hand_over_by, SEATTLE)
    assert (seller.sale.ship_by, seller.sale.ship_by_reckoned, seller.sale.ship_by_rule) == (told, False, None)
    assert now() < told < holding.game.starts_at
    assert due_said(seller.sale).startswith("told by ")
    assert shown(seller).due == told


@pytest.mark.parametrize("delivery", [DeliveryType.MOBILE_TRANSFER, DeliveryType.BARCODE, DeliveryType.PDF])
@pytest.mark.parametrize(
    ("ahead", "due"),
    [
        # Before the game: 36 h; within a day of the sale; 2 h.
        (timedelta(hours=80), timedelta(hours=36)), (timedelta(hours=50), timedelta(hours=26)),
        (timedelta(hours=20), timedelta(hours=2)),
    ],
)  # fmt: skip
def test_seatgeeks_deadline_is_reckoned_by_its_rule(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, delivery: str, ahead: timedelta,
    due: timedelta,
) -> None:  # fmt: skip
    figures_load()
    travel.move_to(holding.game.starts_at - ahead)
    seller = sell(holding, simulator, travel, "seatgeek", delivery)
    sale = seller.sale
    assert (sale.ship_by, sale.ship_by_reckoned) == (holding.game.starts_at - due, True)
    # A sale keeps the row that it was reckoned by (I-26).
    assert sale.ship_by_rule == HandOverVersion.objects.get(platform="seatgeek")
    assert due_said(sale).startswith("by SeatGeek's rule (sold 61 h or more before it: 36 h before the game; ")
    # Reading it again is no news, and changes nothing.
    before = sale.version
    account_sync_sales(account=seller.account)
    assert (seller.sale.version, seller.sale.ship_by) == (before, sale.ship_by)
    assert shown(seller).due == sale.ship_by


def shown(seller: Seller) -> Item:
    """The sale in its holder's inbox."""
    (item,) = [item for item in inbox(seller.holding.actor).items if item.object_id == seller.sale.pk]
    assert item.kind == "hand_over"
    assert [sale.pk for sale in deadlines(seller.holding.actor)] == [seller.sale.pk]
    return item


@pytest.mark.parametrize("delivery", [DeliveryType.MOBILE_TRANSFER, DeliveryType.BARCODE, DeliveryType.PDF])
def test_gametimes_deadline_is_the_end_of_the_in_hand_day(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, delivery: str
) -> None:
    seller = sell(holding, simulator, travel, "gametime", delivery)
    # In hand already: nothing is fixed, but the game begins, and the inbox says so.
    assert (seller.sale.ship_by, seller.sale.ship_by_reckoned) == (None, False)
    item = shown(seller)
    assert (item.due, item.why) == (
        holding.game.starts_at,
        "Sold on Gametime, which told no deadline: the game begins then.",
    )
    day = holding.game.game_date - timedelta(days=1)
    Listing.objects.update(in_hand_on=day)
    hand_overs_remind()
    ends = datetime.combine(day + timedelta(days=1), time(), tzinfo=SEATTLE)
    assert (seller.sale.ship_by, seller.sale.ship_by_reckoned) == (ends, True)
    assert due_said(seller.sale).startswith("by Gametime's rule")
    assert shown(seller).due == ends
    account_sync_sales(account=seller.account)
    assert seller.sale.ship_by == ends


def test_a_later_rule_is_of_later_sales(holding: Holding, simulator: Simulator, travel: time_machine.Traveller) -> None:
    HandOverVersion.objects.create(
        platform="seatgeek", kind="steps", steps=[[0, "before", 5]], valid_from=date(2020, 1, 1), source="s",
        checked_on=date(2020, 1, 1),
    )  # fmt: skip
    HandOverVersion.objects.create(
        platform="seatgeek", kind="steps", steps=[[0, "before", 9]], valid_from=now().date() + timedelta(days=1),
        source="s", checked_on=date(2020, 1, 1),
    )  # fmt: skip
    seller = sell(holding, simulator, travel, "seatgeek")
    assert seller.sale.ship_by == holding.game.starts_at - timedelta(hours=5)


def test_what_is_told_later_comes_before_what_was_reckoned(market: Market, travel: time_machine.Traveller) -> None:
    sale = sold(market, rule=[[0, "before", 5]])
    told = now() + timedelta(hours=30)
    market.alpha.sales[sale.platform_sale_id] = replace(market.alpha.sales[sale.platform_sale_id], ship_by=told)
    account_sync_sales(account=market.accounts["alpha"])
    assert (market.sale().ship_by, market.sale().ship_by_reckoned, market.sale().ship_by_rule) == (told, False, None)
    assert due_said(market.sale()) == "told by Alpha"
    # And is reckoned once more where it is told no more.
    market.alpha.sales[sale.platform_sale_id] = replace(market.alpha.sales[sale.platform_sale_id], ship_by=None)
    account_sync_sales(account=market.accounts["alpha"])
    assert (market.sale().ship_by, market.sale().ship_by_reckoned) == (sale.ship_by, True)


def sold(market: Market, *, rule: list[Any] | None = None, **told: Any) -> Sale:
    """Two seats of the coming game, sold on alpha; `rule`: what it publishes."""
    if rule is not None:
        HandOverVersion.objects.create(
            platform="alpha", kind="steps", steps=rule, valid_from=date(2020, 1, 1), source="its help",
            checked_on=date(2020, 1, 1),
        )  # fmt: skip
    alpha, _ = market.published(market.holding.seats[:2])
    remote = replace(market.alpha.sell(alpha.external_id, (1, 2)), **told)
    market.alpha.sales[remote.sale_id] = remote
    market.webhook(remote)
    market.work()
    return market.sale()


def test_a_game_that_is_moved_moves_what_was_reckoned_and_nothing_that_was_told(market: Market) -> None:
    sale = sold(market, rule=[[0, "before", 5]])
    starts = market.holding.game.starts_at + timedelta(days=3)
    game_move(actor=Actor.system(), game_id=market.holding.game.pk, starts_at=starts)
    assert market.sale().ship_by == starts - timedelta(hours=5)
    told = AuditEntry.objects.get(verb="sale.due", object_id=str(sale.pk))
    assert told.reason.startswith("the game was moved to")
    fixed = now() + timedelta(hours=9)
    Sale.objects.update(ship_by=fixed, ship_by_reckoned=False, ship_by_rule=None)
    game_move(actor=Actor.system(), game_id=market.holding.game.pk, starts_at=starts + timedelta(days=1))
    assert market.sale().ship_by == fixed


def test_what_is_reckoned_is_no_word_on_until_when_a_sale_may_be_refused(market: Market) -> None:
    sale = sold(market, rule=[[0, "before", 5]])
    assert (sale.ship_by is not None, reject_by(sale)) == (True, None)
    sale.ship_by_reckoned = False
    assert reject_by(sale) == sale.ship_by


# Reminders.
def test_its_people_are_reminded_a_day_and_four_hours_before_and_once_it_is_late(
    market: Market, travel: time_machine.Traveller
) -> None:
    due = now() + timedelta(hours=30)
    sale = sold(market, ship_by=due)
    assert hand_overs_remind() == 0
    travel.move_to(due - timedelta(hours=24))
    assert [hand_overs_remind(), hand_overs_remind()] == [1, 0]
    assert reminded() == ["sale.due"]
    first = Alert.objects.filter(kind="sale.due", user_id=market.holding.user.pk).get()
    assert first.severity == "action"
    assert first.title.startswith("Hand over 2 seats 131 row 27, ")
    assert first.body.startswith("Sold on Alpha. Told by Alpha.")
    assert AlertDelivery.objects.filter(alert=first).count() == 2  # in the product, and by mail
    # Seen once it is not said again before the next step.
    alert_acknowledge(actor=market.holding.actor, alert_id=first.pk)
    assert hand_overs_remind() == 0
    travel.move_to(due - timedelta(hours=4))
    assert hand_overs_remind() == 1
    assert reminded() == ["sale.due_soon"]
    travel.move_to(due)
    assert hand_overs_remind() == 1
    assert reminded() == ["sale.late"]
    late = Alert.objects.filter(kind="sale.late", user_id=market.holding.user.pk).get()
    assert (late.severity, late.title[:10]) == ("critical", "Late: hand")
    # Its entry in the inbox says it: nothing is there twice.
    assert [item.kind for item in inbox(market.holding.actor).items] == ["hand_over"]
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="CONF-1")
    market.work()
    assert market.sale().state == SaleState.FULFILLED
    assert reminded() == []
    assert hand_overs_remind() == 0


def reminded() -> list[str]:
    """The reminders that are open."""
    kinds = ["sale.due", "sale.due_soon", "sale.late"]
    found = Alert.objects.filter(kind__in=kinds).exclude(state="recovered").exclude(state="acknowledged")
    return sorted(set(found.values_list("kind", flat=True)))


def test_of_a_sale_without_a_deadline_its_people_are_reminded_before_the_game(
    market: Market, travel: time_machine.Traveller
) -> None:
    sold(market)
    starts = Game.objects.get(pk=market.holding.game.pk).starts_at
    travel.move_to(starts - timedelta(hours=25))
    assert hand_overs_remind() == 0
    travel.move_to(starts - timedelta(hours=24))
    assert hand_overs_remind() == 1
    told = Alert.objects.filter(kind="sale.due", user_id=market.holding.user.pk).get()
    assert told.body.startswith("Sold on Alpha. Alpha told no deadline, and the game begins then.")


def test_a_deadline_that_moves_is_reminded_of_anew(market: Market, travel: time_machine.Traveller) -> None:
    sale = sold(market, ship_by=now() + timedelta(hours=20))
    assert hand_overs_remind() == 1
    later = now() + timedelta(hours=40)
    market.alpha.sales[sale.platform_sale_id] = replace(market.alpha.sales[sale.platform_sale_id], ship_by=later)
    account_sync_sales(account=market.accounts["alpha"])
    assert reminded() == []
    assert hand_overs_remind() == 0
    travel.move_to(later - timedelta(hours=1))
    assert hand_overs_remind() == 1
    assert reminded() == ["sale.due_soon"]


def wanted_again(market: Market) -> None:
    """Its tickets went, and the buyer could not take them."""
    sale = market.sale()
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="CONF-1")
    market.work()
    assert market.sale().state == SaleState.FULFILLED
    there = replace(
        market.alpha.sales[sale.platform_sale_id], state=RemoteSaleState.AWAITING_FULFILMENT,
        step=DeliveryStep.TRANSFER_AGAIN, remote_status="transfer again",
    )  # fmt: skip
    market.alpha.sales[sale.platform_sale_id] = there
    sale_apply(account=market.accounts["alpha"], remote=there, fresh=True)
    assert market.sale().asked_again_at is not None


def test_its_people_are_reminded_of_what_is_wanted_again_before_the_game(
    market: Market, travel: time_machine.Traveller
) -> None:
    due = now() + timedelta(hours=3)
    sold(market, ship_by=due)
    assert hand_overs_remind() == 1
    travel.move_to(due - timedelta(hours=2))
    wanted_again(market)
    travel.move_to(due + timedelta(hours=1))
    # Its deadline is still to come when it is wanted again, and passes.
    assert (hand_overs_remind(), reminded()) == (1, ["sale.late"])
    told = Alert.objects.filter(kind="sale.late", user_id=market.holding.user.pk).get()
    assert told.title.startswith("Late: hand over again 2 seats 131 row 27, ")
    sale = market.sale()
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="CONF-2")
    market.work()
    assert (market.sale().asked_again_at, reminded(), hand_overs_remind()) == (None, [], 0)


def test_a_deadline_that_was_over_when_it_is_wanted_again_is_none(
    market: Market, travel: time_machine.Traveller
) -> None:
    due = now() + timedelta(hours=3)
    sold(market, ship_by=due)
    starts = Game.objects.get(pk=market.holding.game.pk).starts_at
    travel.move_to(due + timedelta(hours=1))
    wanted_again(market)
    (item,) = inbox(market.holding.actor).items
    assert (item.kind, item.due) == ("hand_over", starts)
    travel.move_to(starts - timedelta(hours=25))
    assert hand_overs_remind() == 0
    travel.move_to(starts - timedelta(hours=4))
    assert (hand_overs_remind(), reminded()) == (1, ["sale.due_soon"])
    told = Alert.objects.filter(kind="sale.due_soon", user_id=market.holding.user.pk).get()
    assert told.body.startswith("Sold on Alpha. Alpha told no new deadline, and the game begins then.")
    # Wanted once more when the game has begun, nobody can be in time.
    Sale.objects.update(asked_again_at=starts + timedelta(hours=1), reminded=0)
    travel.move_to(starts + timedelta(hours=2))
    assert hand_overs_remind() == 0


@pytest.mark.parametrize("state", ["off", "on its way"])
def test_nobody_is_reminded_of_what_needs_no_hand_over_any_more(market: Market, state: str) -> None:
    sale = sold(market, ship_by=now() + timedelta(hours=3))
    if state == "off":
        game_move(actor=Actor.system(), game_id=market.holding.game.pk, status=GameStatus.CANCELLED)
    else:
        sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="CONF-1")
    assert hand_overs_remind() == 0
    assert [item for item in inbox(market.holding.actor).items if item.kind == "hand_over"] == []


@pytest.mark.parametrize("state", ["off", "on its way"])
def test_nobody_is_reminded_of_what_was_settled_while_its_lock_was_waited_for(
    market: Market, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    sold(market, ship_by=now() + timedelta(hours=3))

    def first_another(sale_id: uuid.UUID) -> Sale:
        if state == "off":
            Sale.objects.update(ending="game_off")
        else:
            sale_fulfil(actor=market.holding.actor, sale_id=sale_id, method="mobile_transfer", confirmation="CONF-1")
        return sale_lock(sale_id)

    monkeypatch.setattr(due_alerts, "sale_lock", first_another)
    assert hand_overs_remind() == 0
    assert (reminded(), market.sale().reminded) == ([], 0)


def test_a_rule_is_read_once_for_all_sales_of_a_day(market: Market) -> None:
    sale = sold(market)
    for number in range(3):
        Sale.objects.create(**{
            field.attname: getattr(sale, field.attname) for field in Sale._meta.concrete_fields if field.name != "id"
        } | {"platform_sale_id": f"more-{number}"})  # fmt: skip
    with CaptureQueriesContext(connection) as captured:
        assert sales_due_fill() == 0
    assert len([query for query in captured.captured_queries if 'FROM "hand_over_versions"' in query["sql"]]) == 1


# The inbox.
def test_a_sale_without_a_deadline_waits_until_it_is_handed_over(market: Market) -> None:
    sale, actor = sold(market), market.holding.actor
    alert_acknowledge(actor=actor, alert_id=Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk).pk)
    (item,) = inbox(actor).items
    assert (item.kind, item.object_id, item.due) == ("hand_over", sale.pk, market.holding.game.starts_at)
    assert "which told no deadline: the game begins then" in browser(actor).get(reverse("analytics:inbox")).text
    sale_fulfil(actor=actor, sale_id=sale.pk, method=HandOver.MOBILE_TRANSFER, **PROOF[HandOver.MOBILE_TRANSFER])
    assert inbox(actor).items == []
    market.work()
    assert inbox(actor).items == []


def test_a_hand_over_that_was_refused_is_in_the_inbox_once(market: Market) -> None:
    sale, actor = sold(market), market.holding.actor
    sale_fulfil(actor=actor, sale_id=sale.pk, method="mobile_transfer", confirmation="CONF-1")
    MarketplaceCommand.objects.filter(kind="fulfil").update(state="needs_person", last_error="no such number")
    assert [item.kind for item in inbox(actor).items] == ["command"]


def test_what_is_wanted_again_waits_though_it_was_seen(market: Market) -> None:
    sold(market)
    Sale.objects.update(state="fulfilled", asked_again_at=now(), delivery_step="transfer_again")
    (item,) = inbox(market.holding.actor).items
    assert (item.kind, item.title[:24]) == ("hand_over", "Hand over 2 seats again,")


# Pages and API.
def test_the_sale_page_says_how_a_deadline_is_known(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    figures_load()
    seller = sell(holding, simulator, travel, "seatgeek")
    client, url = browser(holding.actor), reverse("listings:sale_detail", args=[seller.sale.pk])
    page = client.get(url).text
    assert "by SeatGeek&#x27;s rule (sold 61 h or more before it: 36 h before the game;" in page
    fulfil = client.get(reverse("listings:sale_fulfil", args=[seller.sale.pk])).text
    assert "by SeatGeek&#x27;s rule" in fulfil
    Sale.objects.update(ship_by_reckoned=False, ship_by_rule=None)
    assert "told by SeatGeek" in client.get(url).text
    for over in (SaleState.CANCELLED, SaleState.CONFLICT):
        Sale.objects.update(state=over)
        text = client.get(url).text
        assert ("nothing is to be handed over" in text, "told by SeatGeek" in text) == (True, False), over
    Sale.objects.update(state=SaleState.CONFIRMED)
    Sale.objects.update(ship_by=None)
    assert "SeatGeek told no deadline; the game begins" in client.get(url).text
    # Handed over it has none all the same, and says so in the same words.
    Sale.objects.update(state=SaleState.FULFILLED)
    assert "SeatGeek told no deadline</span>" in client.get(url).text
