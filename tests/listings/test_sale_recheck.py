"""Sales that end without a word: each live one is read again by its id, and one that is gone waits for a person."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from listings.models import Payout, Sale, SaleEnding, SaleState
from listings.services import sale_recheck
from listings.services.resolve import sale_resolve
from listings.services.sale_report import sale_report
from listings.services.sync import account_sync_sales
from marketplaces.errors import PermanentError, TemporaryError
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_get, adapter_list
from portfolios.models import Seat
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.listings.selling import Seller
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db
VIVID = pytest.mark.parametrize("seller", ["vividseats"], indirect=True)
WAITING = {"vividseats": "PENDING_SHIPMENT", "gametime": "unfulfilled", "seatgeek": "confirmed"}
BOTH = pytest.mark.parametrize("seller", ["vividseats", "gametime"], indirect=True)


def seats(seller: Seller) -> list[str]:
    own = Seat.objects.filter(game=seller.holding.game).order_by("seat_number")
    return list(own.values_list("state", flat=True)[:2])


def poll(seller: Seller, after: timedelta = timedelta(minutes=2)) -> None:
    seller.travel.shift(after)
    seller.account.refresh_from_db()
    account_sync_sales(account=seller.account)
    work()


def waiting(seller: Seller) -> None:
    """The sale waits for its tickets: nothing was handed over."""
    there = seller.simulator.ledger.sales[int(seller.sale.platform_sale_id)]
    there.fulfilled, there.status = False, WAITING[there.platform]
    Sale.objects.update(
        state=SaleState.CONFIRMED, remote_status=there.status, remote_state="awaiting_fulfilment", delivered_at=None
    )


def cancel(seller: Seller, **more: object) -> None:
    control("end", sale_id=int(seller.sale.platform_sale_id), how="cancel", **more)


def test_only_those_that_do_not_tell_what_becomes_of_a_sale_are_read_again() -> None:
    told = {one.traits.key: one.traits.tells_changes_for for one in adapter_list()}
    assert {key: days for key, days in told.items() if days is not None} == {
        "gametime": timedelta(0), "vividseats": timedelta(0), "seatgeek": timedelta(days=60),
    }  # fmt: skip


@VIVID
@pytest.mark.parametrize("handed_over", [False, True])
def test_an_order_that_is_told_no_more_waits_for_a_person_and_keeps_its_seats(
    seller: Seller, handed_over: bool
) -> None:
    if not handed_over:
        waiting(seller)
    cancel(seller)
    poll(seller, timedelta(hours=7))
    assert seller.sale.state != SaleState.NEEDS_PERSON, "missed once is not gone"
    poll(seller, timedelta(minutes=1))
    assert seller.sale.state != SaleState.NEEDS_PERSON, "not a moment later either"
    poll(seller)
    sale = seller.sale
    assert (sale.state, sale.missing) == (SaleState.NEEDS_PERSON, True)
    assert sale.state_reason == "its marketplace shows it no more, neither by its number nor under any status"
    assert seats(seller) == ["sold", "sold"]
    alert = seller.alert("sale.unclear")
    assert (alert.state, alert.severity) == ("firing", "critical")
    assert "shows it no more" in alert.body
    assert AuditEntry.objects.filter(verb="sale.missing", object_id=str(sale.pk)).count() == 1
    poll(seller, timedelta(hours=7))
    assert (seller.sale.version, seller.alert("sale.unclear").count) == (sale.version, alert.count)


@VIVID
def test_its_holder_says_that_it_was_cancelled_and_its_seats_are_free(seller: Seller) -> None:
    cancel(seller)
    poll(seller, timedelta(hours=7))
    poll(seller, timedelta(minutes=3))
    sale_resolve(actor=seller.holding.actor, sale_id=seller.sale.pk, seat_ids=[], reason="they wrote so")
    assert (seller.sale.state, seller.sale.ending) == (SaleState.CANCELLED, SaleEnding.CANCELLED)
    assert (seats(seller), seller.sale.missing) == (["available", "available"], False)
    assert seller.alert("sale.unclear").state == "recovered"


@VIVID
def test_its_holder_says_that_the_buyer_got_other_tickets(seller: Seller) -> None:
    cancel(seller)
    poll(seller, timedelta(hours=7))
    poll(seller, timedelta(minutes=3))
    assert seller.sale.state == SaleState.NEEDS_PERSON
    sale_report(
        actor=seller.holding.actor, sale_id=seller.sale.pk, what="replacement", reason="so they wrote",
        charge=Decimal("210.00"),
    )  # fmt: skip
    assert (seller.sale.state, seller.sale.ending) == (SaleState.CANCELLED, SaleEnding.REPLACEMENT)
    assert seats(seller) == ["available", "available"]


@VIVID
def test_an_order_that_is_there_after_all_goes_on_with_its_seats(seller: Seller) -> None:
    waiting(seller)
    there = seller.simulator.ledger.sales[int(seller.sale.platform_sale_id)]
    cancel(seller)
    poll(seller, timedelta(hours=7))
    poll(seller, timedelta(minutes=3))
    assert seller.sale.state == SaleState.NEEDS_PERSON
    with_person = seller.sale
    there.cancelled, there.status = False, "PENDING_SHIPMENT"
    with pytest.raises(Conflict, match="says that the sale stands"):
        sale_resolve(actor=seller.holding.actor, sale_id=with_person.pk, seat_ids=[], reason="they wrote so")
    poll(seller)
    sale = seller.sale
    assert (sale.state, sale.missing, sale.missed_at) == (SaleState.CONFIRMED, False, None)
    assert seats(seller) == ["sold", "sold"]
    assert seller.alert("sale.unclear").state == "recovered"


@VIVID
def test_a_person_who_says_that_the_sale_stands_is_not_asked_again(seller: Seller) -> None:
    assert seller.sale.state == SaleState.FULFILLED
    cancel(seller)
    poll(seller, timedelta(hours=7))
    poll(seller, timedelta(minutes=3))
    own = Seat.objects.filter(game=seller.holding.game).order_by("seat_number")[:2]
    sale_resolve(actor=seller.holding.actor, sale_id=seller.sale.pk, seat_ids=[seat.pk for seat in own])
    assert (seller.sale.state, seats(seller)) == (SaleState.FULFILLED, ["sold", "sold"])
    for _ in range(3):
        poll(seller, timedelta(hours=7))
    assert seller.sale.state == SaleState.FULFILLED


@VIVID
def test_what_the_read_by_its_id_tells_takes_its_course_at_once(seller: Seller) -> None:
    cancel(seller, shown=True)
    poll(seller, timedelta(hours=7))
    sale = seller.sale
    assert (sale.state, sale.ending, sale.remote_status) == (SaleState.CANCELLED, SaleEnding.CANCELLED, "CANCELLED")
    assert seats(seller) == ["available", "available"]
    assert seller.alert("sale.cancelled").state == "firing"


@pytest.mark.parametrize("seller", ["gametime"], indirect=True)
def test_a_purchase_that_gametime_rejects_after_a_month_is_noticed(seller: Seller) -> None:
    """The poll shows those of the last thirty days: an older one is read by its number."""
    waiting(seller)
    seller.travel.shift(timedelta(days=40))
    Sale.objects.update(read_back_at=now())
    game = seller.holding.game
    game.starts_at = now() + timedelta(days=3)
    game.save()
    poll(seller)
    assert seller.sale.state == SaleState.CONFIRMED
    cancel(seller)
    poll(seller, timedelta(minutes=20))
    assert (seller.sale.state, seller.sale.remote_status) == (SaleState.CANCELLED, "rejected")
    assert seller.sale.ending == SaleEnding.CANCELLED
    assert seats(seller) == ["available", "available"]
    assert not Payout.objects.filter(paid_at__isnull=False).exists()


@pytest.mark.parametrize("seller", ["seatgeek"], indirect=True)
@pytest.mark.parametrize("handed_over", [False, True])
def test_an_order_that_seatgeek_voids_months_after_it_was_placed_is_noticed_without_a_webhook(
    seller: Seller, handed_over: bool
) -> None:
    """Orders can be asked for by the day they were placed: one of months ago is read by its number."""
    if not handed_over:
        waiting(seller)
    # Not while the poll shows what becomes of it.
    poll(seller, timedelta(days=59))
    read_before = seller.sale.read_back_at
    poll(seller, timedelta(hours=7))
    assert seller.sale.read_back_at == read_before
    game = seller.holding.game
    game.starts_at = now() + timedelta(days=30)
    game.save()
    seller.travel.shift(timedelta(days=10))
    MarketplaceAccount.objects.update(sales_synced_until=now())
    cancel(seller)
    poll(seller, timedelta(hours=7))
    assert (seller.sale.state, seller.sale.ending) == (SaleState.CANCELLED, SaleEnding.CANCELLED)
    assert seller.sale.remote_status == "void"
    assert seats(seller) == ["available", "available"]


@BOTH
def test_a_sale_that_stands_is_read_so_often_and_no_oftener(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, read = type(adapter_get(seller.account.platform)), list[str]()
    fetch = adapter.fetch_sale

    def counted(self: Any, link: Any, sale_id: str) -> Any:
        read.append(sale_id)
        return fetch(self, link, sale_id)

    monkeypatch.setattr(adapter, "fetch_sale", counted)
    # Nothing of it is shown by the polls: it was handed over long ago.
    seller.travel.shift(timedelta(days=35))
    Sale.objects.update(read_back_at=now(), sold_at=now() - timedelta(days=34))
    seller.simulator.ledger.sales[int(seller.sale.platform_sale_id)].created_at -= 35 * 86400
    game = seller.holding.game
    game.starts_at = now() + timedelta(days=3)
    game.save()
    # The first poll may show it once more, which counts as a reading.
    for _ in range(7):
        poll(seller, timedelta(minutes=62))
    assert len(read) == 1
    before = seller.sale.version
    game.starts_at = now() - timedelta(days=31)
    game.save()
    poll(seller, timedelta(hours=7))
    assert (len(read), seller.sale.version) == (1, before)


@VIVID
def test_what_polls_show_is_not_read_beside_them_where_one_of_them_leaves_a_list_out(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders that wait for their tickets may be asked for once a minute, and new ones are every ten seconds."""
    waiting(seller)
    adapter, read = type(adapter_get("vividseats")), list[str]()
    monkeypatch.setattr(adapter, "fetch_sale", lambda _self, _link, sale_id: read.append(sale_id))
    for _ in range(20):
        poll(seller, timedelta(seconds=61))
        poll(seller, timedelta(seconds=15))
    assert (read, seller.sale.state) == ([], SaleState.CONFIRMED)


@VIVID
@pytest.mark.parametrize("error", [TemporaryError("busy"), PermanentError("no order")])
def test_an_order_that_cannot_be_read_now_changes_nothing_and_stops_no_poll(
    seller: Seller, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(seller)
    cancel(seller)

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(type(adapter_get("vividseats")), "fetch_sale", refuse)
    poll(seller, timedelta(hours=7))
    poll(seller, timedelta(hours=7))
    assert (seller.sale.state, seller.sale.missed_at) == (SaleState.CONFIRMED, None)
    assert not Alert.objects.filter(kind="account.reading").exists()


@VIVID
def test_no_more_than_so_many_are_read_beside_one_poll(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sale_recheck, "MOST_READ", 0)
    cancel(seller)
    for _ in range(3):
        poll(seller, timedelta(hours=7))
    assert seller.sale.state == SaleState.FULFILLED
