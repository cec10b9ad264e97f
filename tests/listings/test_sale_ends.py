"""How a sale goes on and how it ends: amounts that come later, promises that are broken, seats that are shown again."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import transaction
from django.test import TestCase

from listings.models import Sale, SaleSeat, SaleState
from listings.services.resolve import sale_resolve
from listings.services.sale_decided import sale_dismiss
from listings.services.sale_holds import sale_hold_release
from listings.services.sale_saga import sale_apply
from listings.services.sync import sale_read
from marketplaces.contracts import Capability, Link, RemoteSaleState
from marketplaces.errors import TemporaryError
from portfolios.models import OwnerState, Seat
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.listings.platform import ScriptedPlatform
from tests.market import Market

pytestmark = pytest.mark.django_db


def states(market: Market) -> list[str]:
    return [seat.state for seat in Seat.objects.filter(game=market.holding.game).order_by("seat_number")]


def resolved(market: Market) -> Sale:
    """A person says that the only sale took seats 1 and 2."""
    seats = Seat.objects.filter(game=market.holding.game, seat_number__in=[1, 2])
    with TestCase.captureOnCommitCallbacks(execute=True):
        sale_resolve(
            actor=market.holding.actor, sale_id=Sale.objects.get().pk, seat_ids=[seat.pk for seat in seats]
        )  # fmt: skip
    return Sale.objects.get()


def test_i01_a_promise_that_is_gone_frees_its_seats_for_the_next_sale(market: Market) -> None:
    alpha, _ = market.published()
    promised = market.alpha.sell(alpha.external_id, (1, 2, 3, 4), state=RemoteSaleState.PROVISIONAL)
    market.webhook(promised)
    market.work()
    account = market.accounts["alpha"]
    sale_hold_release(account=account, platform_sale_id=promised.sale_id, reason="the announced sale does not exist")
    market.work()
    sale = Sale.objects.get()
    assert (sale.state, SaleSeat.objects.filter(live=True).exists()) == (SaleState.CANCELLED, False)
    assert Alert.objects.filter(user_id=market.holding.user.pk, kind="sale.cancelled").exists()
    _, again = market.published()
    market.webhook(market.beta.sell(again.external_id, (1, 2, 3, 4)), platform=market.beta)
    market.work()
    assert Sale.objects.get(platform="beta").state == SaleState.CONFIRMED
    assert states(market) == [OwnerState.SOLD] * 4
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])


@pytest.mark.parametrize("seats", [(1, 2, 3, 4), (1, 2)])
def test_i03_what_a_marketplace_shows_again_after_a_cancelled_sale_comes_down(
    market: Market, seats: tuple[int, ...]
) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, seats, state=RemoteSaleState.PROVISIONAL)
    market.webhook(sold)
    market.work()
    market.alpha.relist(sold.sale_id)
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.sales[sold.sale_id])
    market.work()
    assert Sale.objects.get().state == SaleState.CANCELLED
    left = [seat for seat in (1, 2, 3, 4) if seat not in seats]
    assert market.alpha.seats[alpha.external_id] == (left or [1, 2, 3, 4])
    assert bool(market.alpha.shown()) is bool(left)


def test_i03_what_a_rejected_sale_gave_back_at_its_marketplace_is_not_offered_there(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    late = market.beta.sell(beta.external_id, (1, 2))
    market.webhook(late, platform=market.beta)
    # It shows them again the moment that it takes the rejection.
    reject = market.beta.reject

    def reject_and_show(link: Link, sale_id: str) -> None:
        reject(link, sale_id)
        market.beta.relist(sale_id)

    monkeypatch.setattr(market.beta, "reject", reject_and_show)
    market.work(rounds=12)
    assert market.beta.shown() == []


def test_a_sale_that_a_person_made_clear_is_confirmed_at_its_marketplace(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False, state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(sold)
    market.work()
    sale = resolved(market)
    assert sale.state == SaleState.CONFIRMED
    market.work()
    assert ("confirm", sold.sale_id) in market.alpha.calls


def test_it_is_confirmed_later_where_its_marketplace_was_away(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False, state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(sold)
    market.work()
    market.alpha.script["fetch_sale"] = [TemporaryError("503")]
    sale = resolved(market)
    market.work()
    assert ("confirm", sold.sale_id) not in market.alpha.calls
    assert sale_read(sale=sale)
    market.work()
    assert ("confirm", sold.sale_id) in market.alpha.calls


def test_what_a_person_makes_clear_of_a_promise_stays_a_promise(market: Market) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False, state=RemoteSaleState.PROVISIONAL))
    assert resolved(market).state == SaleState.PROVISIONAL
    assert states(market) == ["held", "held", "available", "available"]


@pytest.mark.parametrize(("now_there", "state", "seats"), [
    ("named", SaleState.CONFIRMED, ["available", "available", "sold", "sold"]),
    ("cancelled", SaleState.CANCELLED, ["available"] * 4),
])  # fmt: skip
def test_where_it_became_clear_at_its_marketplace_that_counts(
    market: Market, now_there: str, state: str, seats: list[str]
) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (3, 4), tell_seats=False)
    market.webhook(sold)
    if now_there == "named":
        market.alpha.sales[sold.sale_id] = replace(sold, seats=("3", "4"))
    else:
        market.alpha.move(sold.sale_id, RemoteSaleState.CANCELLED)
    assert resolved(market).state == state
    assert states(market) == seats


@pytest.mark.parametrize("how", ["cancelled", "dismissed"])
def test_i21_a_sale_that_is_over_here_and_moves_on_there_is_read_anew_and_taken(market: Market, how: str) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=how == "cancelled")
    market.webhook(sold)
    account = market.accounts["alpha"]
    if how == "cancelled":
        sale_apply(account=account, remote=market.alpha.move(sold.sale_id, RemoteSaleState.CANCELLED))
    else:
        # For a moment its marketplace knows nothing of it.
        del market.alpha.sales[sold.sale_id]
        sale_resolve(actor=market.holding.actor, sale_id=Sale.objects.get().pk, seat_ids=[], reason="not mine")
        market.alpha.sales[sold.sale_id] = sold
    assert states(market) == ["available"] * 4
    # An old word that comes late changes nothing by itself.
    late = replace(sold, remote_status="late", seats=("1", "2"))
    assert sale_apply(account=account, remote=late).state == SaleState.CANCELLED
    market.alpha.sales[sold.sale_id] = late
    assert sale_read(sale=Sale.objects.get())
    assert Sale.objects.get().state == SaleState.CONFIRMED
    assert states(market) == ["sold", "sold", "available", "available"]


def test_a_sale_that_its_marketplace_does_not_know_needs_a_person_until_it_does(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False)
    market.webhook(sold)
    del market.alpha.sales[sold.sale_id]
    assert resolved(market).state == SaleState.CONFIRMED
    alert = Alert.objects.get(kind="sale.missing", user_id=market.holding.user.pk)
    assert alert.title == f"Alpha knows nothing of sale {sold.sale_id}"
    market.alpha.sales[sold.sale_id] = sold
    assert sale_read(sale=Sale.objects.get())
    alert.refresh_from_db()
    assert alert.state == "recovered"


def test_a_promise_that_its_marketplace_does_not_know_is_over(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False, state=RemoteSaleState.PROVISIONAL)
    market.webhook(sold)
    del market.alpha.sales[sold.sale_id]
    assert resolved(market).state == SaleState.CANCELLED
    assert states(market) == ["available"] * 4


def test_i01_who_dismisses_a_sale_that_has_become_clear_meanwhile_frees_nothing(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False)
    market.webhook(sold)
    read_earlier = Sale.objects.get()
    sale_apply(account=market.accounts["alpha"], remote=replace(sold, seats=("1", "2")))
    with pytest.raises(Conflict, match="This sale is sold"), transaction.atomic():
        sale_dismiss(actor=market.holding.actor, sale=read_earlier, reason="not mine")
    assert states(market) == ["sold", "sold", "available", "available"]


def test_a_promise_that_vanished_and_is_there_after_all_is_taken(market: Market) -> None:
    alpha, _ = market.published()
    promised = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.PROVISIONAL)
    market.webhook(promised)
    account = market.accounts["alpha"]
    sale_hold_release(account=account, platform_sale_id=promised.sale_id, reason="the announced sale does not exist")
    assert states(market) == ["available"] * 4
    with TestCase.captureOnCommitCallbacks(execute=True):
        sale_apply(account=account, remote=promised)
    assert (Sale.objects.get().state, states(market)[:2]) == (SaleState.PROVISIONAL, ["held", "held"])


def test_the_same_word_of_a_sale_that_is_over_changes_nothing(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False)
    market.webhook(sold)
    del market.alpha.sales[sold.sale_id]
    sale_resolve(actor=market.holding.actor, sale_id=Sale.objects.get().pk, seat_ids=[], reason="not mine")
    version, entries = Sale.objects.get().version, AuditEntry.objects.count()
    for _ in range(2):
        sale_apply(account=market.accounts["alpha"], remote=sold)
    assert (Sale.objects.get().version, AuditEntry.objects.count()) == (version, entries)


def test_i03_a_sale_that_is_cancelled_twice_comes_down_twice(market: Market) -> None:
    alpha, _ = market.published()
    account = market.accounts["alpha"]
    sold = market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    market.webhook(sold)
    for number in (1, 2):
        market.alpha.relist(sold.sale_id)
        over = replace(market.alpha.sales[sold.sale_id], remote_status=f"over {number}")
        sale_apply(account=account, remote=over)
        market.work()
        assert (Sale.objects.get().state, market.alpha.shown()) == (SaleState.CANCELLED, []), number
        market.alpha.sales[sold.sale_id] = replace(sold, remote_status=f"stands {number}")
        sale_read(sale=Sale.objects.get())
        assert Sale.objects.get().state == SaleState.CONFIRMED, number


@pytest.mark.parametrize("why", ["it cannot resize", "the rest lies apart"])
def test_i03_what_is_shown_again_comes_down_whole_where_it_cannot_be_resized(
    market: Market, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    alpha, _ = market.published()
    seats = (2, 3) if why == "the rest lies apart" else (1, 2)
    sold = market.alpha.sell(alpha.external_id, seats)
    market.webhook(sold)
    market.work()
    if why == "it cannot resize":
        traits = market.alpha.traits
        less = replace(traits, capabilities=traits.capabilities - {Capability.RESIZE})
        monkeypatch.setattr(ScriptedPlatform, "traits", property(lambda _: less))
    market.alpha.relist(sold.sale_id)
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.sales[sold.sale_id])
    market.work()
    assert market.alpha.shown() == []
    assert not Alert.objects.filter(kind="command.needs_person").exists()


def test_i25_a_guess_replaces_no_amounts_that_were_told(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False)
    market.webhook(sold)
    guessed = replace(sold, gross=sold.proceeds, fees=Decimal("0.00"), gross_known=False, seats=("1", "2"))
    sale_apply(account=market.accounts["alpha"], remote=guessed)
    sale = Sale.objects.get()
    assert (sale.state, sale.gross, sale.fees) == (SaleState.CONFIRMED, Decimal("168.00"), Decimal("16.80"))
    alpha.refresh_from_db()
    assert alpha.final_price == Decimal("84.00")


def test_i25_the_alert_of_amounts_that_do_not_add_up_ends_when_they_do(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    for proceeds, said in (("111.20", "$40.00 is not"), ("131.20", "$20.00 is not")):
        sale_apply(account=market.accounts["alpha"], remote=replace(sold, proceeds=Decimal(proceeds)))
        alert = Alert.objects.get(kind="sale.amounts", user_id=market.holding.user.pk)
        assert (alert.state, said in alert.body) == ("firing", True)
    sale_apply(account=market.accounts["alpha"], remote=sold)
    alert.refresh_from_db()
    assert alert.state == "recovered"


def test_what_is_taken_down_for_a_sale_that_stands_again_is_measured_anew(market: Market) -> None:
    alpha, _ = market.published()
    account = market.accounts["alpha"]
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(sold)
    market.work()
    before = Sale.objects.get()
    assert before.last_delist_at is not None
    sale_apply(account=account, remote=market.alpha.move(sold.sale_id, RemoteSaleState.CANCELLED))
    market.publish(market.holding.seats[:2], account_ids=[market.accounts["beta"].pk])
    market.work()
    market.alpha.sales[sold.sale_id] = replace(sold, remote_status="stands again")
    sale_read(sale=Sale.objects.get())
    again = Sale.objects.get()
    assert (again.last_delist_at, again.notice_to_last_delist_ms, again.noticed_at > before.noticed_at) == (
        None, None, True,
    )  # fmt: skip
    alert = Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk, state="firing")
    assert alert.body.endswith("They are being taken off sale elsewhere.")
    market.work()
    assert Sale.objects.get().last_delist_at is not None


def test_i35_a_promise_that_is_gone_is_in_the_audit(market: Market) -> None:
    alpha, _ = market.published()
    promised = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.PROVISIONAL)
    market.webhook(promised)
    account = market.accounts["alpha"]
    sale_hold_release(account=account, platform_sale_id=promised.sale_id, reason="the announced sale does not exist")
    entry, facts = AuditEntry.objects.get(verb="sale.moved"), {"gross": "168.00", "quantity": 2}
    assert (entry.actor_id, entry.reason) == (str(account.pk), "the announced sale does not exist")
    assert audit_read(entry) == {
        "before": {"state": "provisional", **facts}, "after": {"state": "cancelled", **facts},
    }  # fmt: skip


def test_i35_amounts_that_were_corrected_are_in_the_audit_as_they_were_and_are(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(sold)
    told = replace(sold, gross=Decimal("170.00"), proceeds=Decimal("153.20"))
    sale_apply(account=market.accounts["alpha"], remote=told)
    facts = {"state": "confirmed", "quantity": 2}
    assert audit_read(AuditEntry.objects.get(verb="sale.amounts")) == {
        "before": {"gross": "168.00", **facts}, "after": {"gross": "170.00", **facts},
    }  # fmt: skip


@pytest.mark.parametrize(("there", "earlier"), [
    (RemoteSaleState.COMPLETE, RemoteSaleState.AWAITING_FULFILMENT),
    (RemoteSaleState.COMPLETE, RemoteSaleState.PROVISIONAL),
    (RemoteSaleState.IN_DELIVERY, RemoteSaleState.AWAITING_CONFIRM),
])  # fmt: skip
def test_i21_an_earlier_word_that_comes_late_takes_no_sale_back(
    market: Market, there: RemoteSaleState, earlier: RemoteSaleState
) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), state=there)
    account = market.accounts["alpha"]
    state = sale_apply(account=account, remote=sold).state
    late = replace(sold, state=earlier, remote_status=earlier.value)
    assert sale_apply(account=account, remote=late).state == state
    assert states(market) == ["sold", "sold", "available", "available"]


def test_i25_amounts_and_deadlines_that_are_told_later_are_kept(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    market.webhook(sold)
    market.work()
    ship_by = now()
    told = replace(sold, gross=Decimal("340.00"), fees=Decimal("20.00"), proceeds=Decimal("320.01"), ship_by=ship_by)
    sale_apply(account=market.accounts["alpha"], remote=told)
    sale = Sale.objects.get()
    assert (sale.gross, sale.fees, sale.proceeds, sale.rounding, sale.ship_by) == (
        Decimal("340.00"), Decimal("20.00"), Decimal("320.01"), Decimal("-0.01"), ship_by,
    )  # fmt: skip
    alpha.refresh_from_db()
    assert alpha.final_price == Decimal("85.00")
    version = sale.version
    # What the platform could not tell this time is no news.
    guessed = replace(told, gross=told.proceeds, fees=Decimal("0.00"), gross_known=False)
    sale_apply(account=market.accounts["alpha"], remote=guessed)
    sale_apply(account=market.accounts["alpha"], remote=told)
    assert Sale.objects.get().version == version


def test_the_time_to_the_last_delist_is_noted_also_where_a_newer_sale_took_the_seats_off_as_well(
    market: Market,
) -> None:
    alpha, _ = market.published()
    for seat in (1, 2):
        market.webhook(market.alpha.sell(alpha.external_id, (seat,)))
    market.work()
    assert Sale.objects.count() == 2
    assert not Sale.objects.filter(notice_to_last_delist_ms=None).exists()


def test_a_listing_whose_only_sale_was_cancelled_is_not_sold(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    market.webhook(sold)
    alpha.refresh_from_db()
    assert alpha.status == "sold"
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.move(sold.sale_id, RemoteSaleState.CANCELLED))
    alpha.refresh_from_db()
    assert (alpha.status, alpha.status_reason, alpha.sold_at, alpha.final_price) == (
        "cancelled", "its sale was cancelled", None, None,
    )  # fmt: skip
