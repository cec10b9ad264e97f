"""Money of several sales of one account: each is late, short or too much by itself."""

from datetime import timedelta
from decimal import Decimal

import pytest

from listings.expected import expectation_of
from listings.models import Listing, Payout, Sale
from listings.payables import GRACE
from listings.services.fulfil import sale_fulfil
from listings.services.publish import listing_publish
from listings.services.sync import account_sync_sales
from marketplaces.registry import hand_overs_of
from portfolios.models import Seat
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.listings.selling import PROOF, Seller
from tests.listings.simulated import control, event_tell, work

pytestmark = pytest.mark.django_db


def sell_of_a_later_game(seller: Seller) -> Sale:
    """Two seats of the last game, sold at the same account and handed over; its money comes weeks later."""
    game, platform = seller.holding.games[-1], seller.account.platform
    event_tell(game, event_id=502)
    seats = list(Seat.objects.filter(season_ticket=seller.holding.ticket, game=game).order_by("seat_number")[:2])
    (listing,) = listing_publish(
        actor=seller.holding.actor, seat_ids=[seat.pk for seat in seats], account_ids=[seller.account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    key = Listing.objects.get(pk=listing.pk).external_id
    control("sell", platform=platform, external_id=key, quantity=2)
    account_sync_sales(account=seller.account)
    work()
    sale = Sale.objects.get(listing=listing)
    way = hand_overs_of(platform)[0]
    proof = (
        {"confirmation": "CONF-2"}
        if "confirmation" in PROOF[way]
        else {"transfer_urls": ["https://transfer.example/3", "https://transfer.example/4"]}
    )
    sale_fulfil(actor=seller.holding.actor, sale_id=sale.pk, method=way, **proof)
    work()
    sale.refresh_from_db()
    assert sale.state == "fulfilled"
    return sale


def test_money_of_a_sale_is_late_though_what_is_announced_has_a_later_games_too(seller: Seller) -> None:
    """StubHub announces all that it owes as one: that the last of it comes in a month excuses no game of last week."""
    control("settings", payout={"stubhub": {"kind": "none"}})
    first = seller.sale
    later = sell_of_a_later_game(seller)
    first = Sale.objects.select_related("payout_calendar", "game").get(pk=first.pk)
    due = expectation_of(first).at
    assert due is not None
    seller.go(due + GRACE - timedelta(minutes=1))
    assert set(Payout.objects.get(reference="next").lines.values_list("sale", flat=True)) == {first.pk, later.pk}
    assert not Alert.objects.filter(kind="payout.late").exists()
    for hours in (0, 1, 2):
        seller.go(due + GRACE + timedelta(hours=hours))
    alert = seller.alert("payout.late")
    assert (alert.object_id, alert.count) == (str(first.pk), 1)
    assert now() < seller.holding.games[-1].starts_at


def test_a_payout_asks_for_its_sale_until_that_is_known(seller: Seller) -> None:
    known = seller.sale.platform_sale_id
    Sale.objects.update(platform_sale_id="not heard of")
    control("pay", platform="stubhub")
    seller.go(now() + timedelta(hours=1))
    alert = seller.alert("payout")
    assert (alert.severity, "1 of its sales are not known here." in alert.body) == ("action", True)
    Sale.objects.update(platform_sale_id=known)
    seller.go(now() + timedelta(hours=1))
    assert (seller.sale.state, Payout.objects.get().lines.get().sale) == ("complete", seller.sale)
    alert.refresh_from_db()
    assert (alert.state, "not known" in alert.body) == ("recovered", False)
