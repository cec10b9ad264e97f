"""What was refused and waits for a person is asked for no more once its marketplace has it all the same."""

from datetime import timedelta

import pytest
import time_machine

from listings.models import MarketplaceCommand, SaleState
from listings.services.fulfil import sale_fulfil, ways_of
from listings.services.outbox import commands_drain
from listings.services.sync import account_sync_sales, sale_read
from marketplaces.delivery import HandOver
from marketplaces.registry import hand_overs_of
from marketplaces.simulator import delivery
from marketplaces.simulator import sales as there
from marketplaces.simulator.app import Simulator
from seatsync.core.clock import now
from seatsync.core.venue_time import local
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.selling import PROOF, Seller, listed, sell
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db


def open_alerts(seller: Seller) -> list[str]:
    found = Alert.objects.filter(kind="command.needs_person", user_id=seller.holding.user.pk)
    return list(found.exclude(state="recovered").values_list("title", flat=True))


def sold_unconfirmed(holding: Holding, simulator: Simulator, travel: time_machine.Traveller, status: int) -> Seller:
    """Two seats are sold at StubHub, which answers whatever is written there with this status."""
    account, listing = listed(holding, "stubhub")
    control("faults", add=[{"kind": "status", "status": status, "platform": "stubhub", "writes": True}])
    control("sell", platform="stubhub", external_id=listing.external_id, quantity=2)
    account_sync_sales(account=account)
    return Seller(holding, simulator, travel, account)


@pytest.mark.parametrize("platform", ["stubhub", "seatgeek", "vividseats", "ticketmaster", "gametime"])
def test_a_refused_hand_over_is_over_once_the_tickets_went_on_its_own_site(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str
) -> None:
    seller = sell(holding, simulator, travel, platform)
    control("faults", add=[{"kind": "status", "status": 422, "platform": platform, "writes": True, "count": 9}])
    way = hand_overs_of(platform)[0]
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method=way, **PROOF[way])
    work()
    command = MarketplaceCommand.objects.get(kind="fulfil")
    assert (command.state, len(open_alerts(seller)), seller.sale.state) == ("needs_person", 1, SaleState.CONFIRMED)
    control("faults", clear=True)
    # He does as the alert says: on its own site.
    delivery.hand_over(simulator.ledger.sales[int(seller.sale.platform_sale_id)], way, {}, now().timestamp())
    travel.shift(timedelta(minutes=5))
    sale_read(sale=seller.sale)
    assert seller.sale.state == SaleState.FULFILLED
    command.refresh_from_db()
    assert (command.state, open_alerts(seller)) == ("superseded", [])


def test_a_refused_confirmation_is_over_once_it_was_confirmed_on_its_own_site(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sold_unconfirmed(holding, simulator, travel, 422)
    work()
    command = MarketplaceCommand.objects.get(kind="confirm_sale")
    assert (command.state, len(open_alerts(seller))) == ("needs_person", 1)
    control("faults", clear=True)
    there.confirm(simulator.ledger.sales[int(seller.sale.platform_sale_id)], now().timestamp())
    travel.shift(timedelta(minutes=5))
    sale_read(sale=seller.sale)
    assert ways_of(seller.sale)
    command.refresh_from_db()
    assert (command.state, open_alerts(seller)) == ("superseded", [])


def test_what_is_refused_because_it_was_done_on_its_own_site_asks_nobody(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    """We hear of it later than it happens: the hand-over was on its way already."""
    seller = sell(holding, simulator, travel, "stubhub")
    way = hand_overs_of("stubhub")[0]
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method=way, **PROOF[way])
    delivery.hand_over(simulator.ledger.sales[int(seller.sale.platform_sale_id)], way, {}, now().timestamp())
    control("faults", add=[{"kind": "status", "status": 422, "platform": "stubhub", "writes": True, "count": 9}])
    work()
    command = MarketplaceCommand.objects.get(kind="fulfil")
    assert (command.state, open_alerts(seller), seller.sale.state) == ("superseded", [], SaleState.FULFILLED)


def test_an_answer_that_was_lost_is_no_second_hand_over_where_the_tickets_are_wanted_again_by_then(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    """They arrived, and the buyer could not take them: the same ones are no answer to that, and the holder is asked."""
    seller = sell(holding, simulator, travel, "seatgeek")
    at_seatgeek = simulator.ledger.sales[int(seller.sale.platform_sale_id)]
    control("faults", add=[{"kind": "timeout_after", "route": "PATCH /order", "count": 1}])
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method="transfer_url", **PROOF[HandOver.TRANSFER_URL])
    commands_drain()
    assert (at_seatgeek.fulfilled, seller.sale.state) == (True, SaleState.CONFIRMED)
    control("wants", sale_id=at_seatgeek.id, again="never came")
    travel.shift(timedelta(minutes=10))
    work()
    assert [what for what, _ in at_seatgeek.acts].count("hand_over") == 1
    assert (seller.sale.asked_again_at, seller.alert("sale.again").state) == (now(), "firing")
    assert ways_of(seller.sale)


def test_a_confirmation_is_tried_as_long_as_it_can_be_in_time_and_its_holder_hears_until_when(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    seller = sold_unconfirmed(holding, simulator, travel, 503)
    command = MarketplaceCommand.objects.get(kind="confirm_sale")
    for _ in range(20):
        work()
        travel.shift(timedelta(minutes=6))
    command.refresh_from_db()
    assert (command.state, command.attempts > 8) == ("pending", True)
    alert, due = seller.alert("command.needs_person"), seller.sale.confirm_by
    assert due is not None
    assert alert.title.startswith("StubHub could not confirm sale: 2 seats 131 row 27, Inland Owls at Harbor Gulls")
    by = f"{local(due, holding.game.venue.timezone):%-d %b %H:%M %Z}"
    assert (alert.severity, f"It must be confirmed by {by}" in alert.body) == ("critical", True)
    control("faults", clear=True)
    travel.shift(timedelta(minutes=7))
    work()
    assert simulator.ledger.sales[int(seller.sale.platform_sale_id)].confirmed
    command.refresh_from_db()
    assert (command.state, open_alerts(seller)) == ("done", [])


def test_a_confirmation_that_can_be_in_time_no_more_waits_for_a_person(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    control("settings", confirm_within_s=1800)
    sold_unconfirmed(holding, simulator, travel, 503)
    for _ in range(14):
        work()
        travel.shift(timedelta(minutes=6))
    assert MarketplaceCommand.objects.get(kind="confirm_sale").state == "needs_person"
