"""The sale saga: whatever arrives in whatever order, a seat is sold once and nothing of it stays listed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from listings.models import Listing, ListingStatus, MarketplaceCommand, Sale, SaleSeat, SaleState
from listings.services.accounts import still_up_on
from listings.services.inbound import INDEXED_WITHIN
from listings.services.obstacles import hold_key
from listings.services.sale_saga import sale_apply
from listings.services.sale_scene import seats_attach
from listings.services.sync import account_sync_sales
from marketplaces.contracts import RemoteSaleState
from marketplaces.errors import TemporaryError, UnknownOutcome
from marketplaces.models import FeeVersion, InboundEvent, InboxState, MarketplaceAccount, Mode
from portfolios.models import OwnerState, Seat
from seatsync.accounts.models import User
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.models import AuditEntry
from seatsync.core.templatetags.ui import milliseconds
from seatsync.live.alerts import alert_acknowledge
from seatsync.live.models import Alert, LiveEvent
from tests.market import Market

pytestmark = pytest.mark.django_db


def states(market: Market) -> list[str]:
    return [seat.state for seat in Seat.objects.filter(game=market.holding.game).order_by("seat_number")]


def test_a_sale_marks_the_seats_and_takes_every_other_listing_down(market: Market) -> None:
    alpha, beta = market.published()
    assert (market.alpha.shown(), market.beta.shown()) == ([alpha.external_id], [beta.external_id])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    alpha.refresh_from_db()
    beta.refresh_from_db()
    sale = market.sale()
    assert states(market) == ["sold"] * 4
    assert (alpha.status, alpha.final_price, beta.status) == (ListingStatus.SOLD, Decimal("84.00"), "cancelled")
    assert beta.gone_verified_at is not None
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])
    assert (sale.state, sale.gross, sale.fees, sale.proceeds) == (
        SaleState.CONFIRMED, Decimal("336.00"), Decimal("33.60"), Decimal("302.40"),
    )  # fmt: skip
    assert sale.last_delist_at is not None
    assert sale.notice_to_last_delist_ms is not None
    assert Alert.objects.filter(user_id=market.holding.user.pk, kind="sale.sold").count() == 1


def test_i03_a_partial_sale_resizes_the_other_listing_before_anything_else(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    first = MarketplaceCommand.objects.filter(state="pending").order_by("priority", "not_before").first()
    assert first is not None
    assert (first.kind, first.listing_id, first.priority) == ("resize", beta.pk, 0)
    market.work()
    beta.refresh_from_db()
    assert (beta.status, beta.quantity, market.beta.seats[beta.external_id]) == ("active", 2, [3, 4])
    alpha.refresh_from_db()
    assert [listing.seat_group.label for listing in (alpha, beta) if listing.seat_group] == ["3-4", "3-4"]
    assert states(market) == ["sold", "sold", "available", "available"]


def test_i04_the_seats_are_read_from_the_sale_never_guessed(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (3, 4)))
    market.work()
    assert states(market) == ["available", "available", "sold", "sold"]
    assert market.beta.seats[beta.external_id] == [1, 2]


def test_i04_without_an_allocation_all_is_held_everything_comes_down_and_a_person_decides(market: Market) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False))
    market.work()
    assert states(market) == ["held"] * 4
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])
    assert market.sale().state == SaleState.NEEDS_PERSON
    assert Alert.objects.filter(kind="sale.unclear", severity="critical").exists()


def test_i04_where_the_seller_allocates_we_choose_and_keep_the_rest_together(market: Market) -> None:
    market.alpha.seller_allocates = True
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False))
    market.work()
    assert states(market) == ["sold", "sold", "available", "available"]
    assert market.beta.seats[beta.external_id] == [3, 4]


@pytest.mark.parametrize(("seats", "quantity"), [(("1", "9"), 2), (("1", "2"), 3), (("1", "1"), 2)])
def test_i04_seats_that_cannot_be_right_are_no_allocation(
    market: Market, seats: tuple[str, ...], quantity: int
) -> None:
    """One that the listing does not have, fewer than were taken, one named twice: none is guessed from that."""
    alpha, _ = market.published()
    told = replace(market.alpha.sell(alpha.external_id, (1, 2)), seats=seats, quantity=quantity)
    market.alpha.sales[told.sale_id] = told
    market.webhook(told)
    market.work()
    assert (market.sale().state, states(market)) == (SaleState.NEEDS_PERSON, ["held"] * 4)
    assert not SaleSeat.objects.exists()
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])


def test_i04_what_polling_finds_without_an_allocation_is_held_too(market: Market) -> None:
    alpha, _ = market.published()
    market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False)
    assert account_sync_sales(account=market.accounts["alpha"]) == 1
    assert (market.sale().state, states(market)) == (SaleState.NEEDS_PERSON, ["held"] * 4)


def test_i04_what_is_not_told_is_known_where_all_that_was_offered_was_taken(market: Market) -> None:
    """Of what is offered now: the seats that were sold before are not among them."""
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    # Longer ago than two clocks differ.
    MarketplaceCommand.objects.filter(kind="resize").update(finished_at=now() - timedelta(seconds=6))
    market.webhook(market.beta.sell(beta.external_id, (3, 4), tell_seats=False), platform=market.beta)
    rest = Sale.objects.get(platform="beta")
    assert sorted(row.seat.seat_number for row in rest.sale_seats.all()) == [3, 4]
    assert (rest.state, states(market)) == (SaleState.CONFIRMED, ["sold"] * 4)


@pytest.mark.parametrize(("gone", "takes", "given"), [
    ((2,), 2, [3, 4]), ((3,), 2, [1, 2]), ((2,), 1, [1]), ((3,), 1, [4]), ((), 3, [1, 2, 3]),
])  # fmt: skip
def test_i04_a_buyer_whose_seats_we_choose_sits_together_and_so_does_the_rest(
    market: Market, gone: tuple[int, ...], takes: int, given: list[int]
) -> None:
    """Where some seats were sold elsewhere and this platform did not know it yet."""
    market.beta.seller_allocates = True
    alpha, beta = market.published()
    late = market.beta.sell(beta.external_id, tuple(range(1, 1 + takes)), tell_seats=False)
    for seat in gone:
        market.webhook(market.alpha.sell(alpha.external_id, (seat,)))
    market.webhook(late, platform=market.beta)
    sale = Sale.objects.get(platform="beta")
    assert sorted(row.seat.seat_number for row in sale.sale_seats.all()) == given
    assert sale.state == SaleState.CONFIRMED


def test_i05_a_rest_that_its_split_rule_cannot_sell_is_withdrawn(market: Market) -> None:
    alpha, _ = market.published(split_type="pairs")
    market.webhook(market.alpha.sell(alpha.external_id, (1,)))
    market.work()
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])
    assert states(market) == ["sold", "available", "available", "available"]


def test_i03_a_rest_that_is_not_together_is_withdrawn_elsewhere(market: Market) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (2,)))
    market.work()
    assert market.beta.shown() == []
    assert states(market) == ["available", "sold", "available", "available"]


def test_i01_a_second_sale_of_a_seat_is_a_conflict_kept_and_rejected(market: Market) -> None:
    alpha, beta = market.published()
    first, second = market.alpha.sell(alpha.external_id, (1, 2, 3, 4)), market.beta.sell(beta.external_id, (1, 2, 3, 4))
    market.webhook(first)
    market.webhook(second, platform=market.beta)
    market.work()
    conflict = Sale.objects.get(platform="beta")
    assert conflict.state in {SaleState.CONFLICT, SaleState.CANCELLED}
    assert not conflict.sale_seats.filter(live=True).exists()
    assert market.beta.sales[second.sale_id].state is RemoteSaleState.CANCELLED
    assert Sale.objects.get(platform="alpha").state == SaleState.CONFIRMED
    assert Alert.objects.filter(kind="sale.conflict", severity="critical").exists()
    assert states(market) == ["sold"] * 4


def test_i23_a_refusal_whose_answer_was_lost_is_read_back_and_not_sent_twice(market: Market) -> None:
    alpha, beta = market.published()
    first, second = market.alpha.sell(alpha.external_id, (1, 2, 3, 4)), market.beta.sell(beta.external_id, (1, 2, 3, 4))
    market.beta.script_applied["reject"] = [UnknownOutcome("timeout")]
    market.webhook(first)
    market.webhook(second, platform=market.beta)
    market.work()
    market.hurry()
    market.work()
    assert [call for call, _ in market.beta.calls].count("reject") == 1
    conflict = Sale.objects.get(platform="beta")
    assert (conflict.ending, conflict.state) == ("rejected", SaleState.CONFLICT)


def test_i01_the_database_itself_refuses_a_second_live_sale_of_a_seat(market: Market) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1,)))
    row = SaleSeat.objects.get()
    other = Sale.objects.get()
    other.pk, other._state.adding, other.platform_sale_id = None, True, "another"
    other.id = None
    Sale.objects.bulk_create(
        [Sale(**{f.attname: getattr(other, f.attname) for f in Sale._meta.fields if f.name != "id"})]
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        seats_attach(Sale.objects.get(platform_sale_id="another"), [row.seat], live=True)


def test_i21_duplicate_and_late_notices_have_one_effect(market: Market) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    assert [market.webhook(sale), market.webhook(sale)] == [1, 0]
    market.work()
    calls = list(market.beta.calls)
    InboundEvent.objects.update(state=InboxState.RECEIVED)
    market.webhook(replace(sale, external_id=alpha.external_id), kind="sale_update")
    account_sync_sales(account=market.accounts["alpha"])
    market.work()
    assert market.beta.calls == calls
    assert Sale.objects.count() == 1
    assert InboundEvent.objects.get(kind="sale").duplicates == 1
    assert Alert.objects.filter(kind="sale.sold", user_id=market.holding.user.pk).count() == 1


def test_i21_a_wrong_secret_stores_nothing(market: Market) -> None:
    from marketplaces.errors import BadSignature
    from marketplaces.services.inbox import inbox_receive

    account = market.accounts["alpha"]
    with pytest.raises(BadSignature):
        inbox_receive(platform="alpha", account_id=account.pk, headers={"Authorization": "x"}, body=b"sale|1|2")
    account.refresh_from_db()
    assert (InboundEvent.objects.count(), account.rejected_webhooks) == (0, 1)


def test_i03_a_notice_that_cannot_be_read_back_holds_the_seats_and_takes_the_others_down(market: Market) -> None:
    alpha, beta = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    market.alpha.script["fetch_sale"] = [TemporaryError("busy", status=503)]
    market.webhook(sale)
    market.work()
    assert states(market) == ["held"] * 4
    assert market.beta.shown() == []
    # Its own marketplace has sold them: nothing is taken down there.
    alpha.refresh_from_db()
    assert alpha.status == ListingStatus.ACTIVE
    event = InboundEvent.objects.get()
    assert (event.state, event.attempts) == (InboxState.RECEIVED, 1)
    market.webhook(sale)  # delivered again
    market.work()
    beta.refresh_from_db()
    assert (states(market), beta.status) == (["sold"] * 4, "cancelled")


def test_i21_an_announced_sale_that_does_not_exist_gives_the_seats_back(market: Market) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    del market.alpha.sales[sale.sale_id]
    market.webhook(sale)
    market.work()
    # It may only not be indexed yet: nobody else can buy the seats meanwhile.
    assert (states(market), market.beta.shown()) == (["held"] * 4, [])
    InboundEvent.objects.update(received_at=now() - INDEXED_WITHIN)
    market.process()
    assert states(market) == ["available"] * 4
    assert (Sale.objects.count(), InboundEvent.objects.get().state) == (0, InboxState.DONE)


def test_a_provisional_sale_holds_and_its_end_decides(market: Market) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2, 3, 4), state=RemoteSaleState.PROVISIONAL)
    market.webhook(sale, kind="provisional_sale")
    market.work()
    assert states(market) == ["held"] * 4
    assert market.beta.shown() == []
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.move(sale.sale_id, RemoteSaleState.CANCELLED))
    assert states(market) == ["available"] * 4
    assert market.sale().state == SaleState.CANCELLED
    assert market.beta.shown() == []  # nothing is listed again without being asked


def test_a_provisional_sale_that_is_paid_becomes_a_sale(market: Market) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.PROVISIONAL)
    market.webhook(sale, kind="provisional_sale")
    assert states(market) == ["held", "held", "available", "available"]
    promised = Alert.objects.get(kind="sale.provisional", user_id=market.holding.user.pk)
    assert promised.title.startswith("Held for a buyer on Alpha: 2 seats")
    assert promised.body.startswith("$151.20 to you once Alpha has the buyer's payment.")
    sale_apply(
        account=market.accounts["alpha"], remote=market.alpha.move(sale.sale_id, RemoteSaleState.AWAITING_CONFIRM)
    )
    market.work()
    assert states(market) == ["sold", "sold", "available", "available"]
    assert ("confirm", sale.sale_id) in market.alpha.calls
    promised.refresh_from_db()
    sold = Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk)
    assert (promised.state, sold.title.startswith("Sold on Alpha")) == ("recovered", True)


def test_i03_a_conflicting_sale_is_never_confirmed(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    late = market.beta.sell(beta.external_id, (1, 2), state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(late, platform=market.beta)
    assert not MarketplaceCommand.objects.filter(kind="confirm_sale").exists()
    market.work()
    assert [call for call, _ in market.beta.calls if call in {"confirm", "reject"}] == ["reject"]


def test_i03_what_has_no_seats_is_not_confirmed_by_being_told_again(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    late = market.beta.sell(beta.external_id, (1, 2), state=RemoteSaleState.AWAITING_CONFIRM)
    account = market.accounts["beta"]
    for told in (late, late, replace(late, remote_status="still waiting")):
        assert sale_apply(account=account, remote=told).state == SaleState.CONFLICT
    assert not MarketplaceCommand.objects.filter(kind="confirm_sale").exists()


@pytest.mark.parametrize("state", [SaleState.CANCELLED, SaleState.CONFLICT, SaleState.NEEDS_PERSON])
def test_i03_a_sale_that_lost_its_seats_before_it_was_confirmed_is_not(market: Market, state: SaleState) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(sold)
    Sale.objects.update(state=state)
    market.work()
    assert ("confirm", sold.sale_id) not in market.alpha.calls
    assert MarketplaceCommand.objects.get(kind="confirm_sale").state == "superseded"


@pytest.mark.parametrize("status", ["publishing", "paused", "delisting", "error"])
def test_i03_a_sale_takes_down_whatever_may_still_be_shown(market: Market, status: str) -> None:
    alpha, beta = market.published()
    Listing.objects.filter(pk=beta.pk).update(status=status)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    beta.refresh_from_db()
    assert (beta.status, market.beta.shown()) == ("cancelled", [])


def test_i03_a_sale_takes_down_what_may_have_gone_up_without_our_knowing(market: Market) -> None:
    market.beta.script_applied["create"] = [UnknownOutcome("timeout")]
    alpha, beta = market.published()
    assert (beta.status, beta.listing_id, market.beta.shown()) == ("publishing", "", [beta.external_id])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    assert market.beta.shown() == []


def test_i03_what_sold_out_here_comes_down_where_it_still_shows_seats_that_were_sold_elsewhere(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.beta.sell(beta.external_id, (1, 2)), platform=market.beta)
    # Before alpha was told of that it sells the rest, so that nothing is left there to make smaller.
    market.webhook(market.alpha.sell(alpha.external_id, (3, 4)))
    market.work()
    alpha.refresh_from_db()
    assert (alpha.status, market.alpha.shown()) == ("sold", [])


def test_i03_what_takes_seats_off_sale_goes_before_all_else(market: Market) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.webhook(market.alpha.sell(alpha.external_id, (3, 4)))
    others = MarketplaceCommand.objects.exclude(kind__in=["delist", "resize", "reject_sale"])
    taking = MarketplaceCommand.objects.filter(kind__in=["delist", "resize"])
    assert set(taking.values_list("kind", "priority")) == {("delist", 0), ("resize", 0)}
    assert all(priority > 0 for priority in others.values_list("priority", flat=True))


def test_an_unknown_state_alerts_and_takes_no_action(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1,), state=RemoteSaleState.UNKNOWN), kind="sale_update")
    market.work()
    assert market.sale().state == SaleState.NEEDS_PERSON
    assert market.beta.shown() == [beta.external_id]
    assert Alert.objects.filter(kind="sale.unclear").exists()


def test_a_sale_of_a_listing_we_do_not_know_is_kept(market: Market) -> None:
    alpha, _ = market.published()
    sale = replace(market.alpha.sell(alpha.external_id, (1,)), external_id="strange", listing_id="strange")
    kept = sale_apply(account=market.accounts["alpha"], remote=sale)
    assert (kept.state, kept.listing) == (SaleState.NEEDS_PERSON, None)


def test_a_delist_that_came_too_late_reads_the_other_sale(
    market: Market, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    alpha, beta = market.published()
    late = market.beta.sell(beta.external_id, (1, 2, 3, 4))
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    with django_capture_on_commit_callbacks(execute=True):
        market.work()
    # It was found to be in conflict, rejected, and read as cancelled after that.
    assert ("reject", late.sale_id) in market.beta.calls
    assert Sale.objects.get(platform="beta").state == SaleState.CANCELLED
    assert AuditEntry.objects.filter(verb="sale.conflict").exists()
    assert Sale.objects.get(platform="alpha").state == SaleState.CONFIRMED


def test_i25_a_sales_components_sum_and_rounding_is_kept_apart(market: Market) -> None:
    alpha, _ = market.published()
    odd = replace(market.alpha.sell(alpha.external_id, (1,)), fees=Decimal("8.40"), proceeds=Decimal("75.59"))
    market.alpha.sales[odd.sale_id] = odd
    market.webhook(odd)
    sale = market.sale()
    assert (sale.gross, sale.fees + sale.proceeds + sale.rounding, sale.rounding) == (
        Decimal("84.00"), Decimal("84.00"), Decimal("0.01"),
    )  # fmt: skip


def test_i25_amounts_that_do_not_add_up_are_kept_as_told_and_said(market: Market) -> None:
    alpha, _ = market.published()
    odd = replace(market.alpha.sell(alpha.external_id, (1, 2)), proceeds=Decimal("111.20"))
    market.alpha.sales[odd.sale_id] = odd
    market.webhook(odd)
    assert (market.sale().proceeds, market.sale().rounding) == (Decimal("111.20"), Decimal("40.00"))
    alert = Alert.objects.get(kind="sale.amounts", user_id=market.holding.user.pk)
    assert alert.body.startswith("$168.00 less $16.80 fees is not the $111.20 that it says you get: $40.00 is not")


@pytest.mark.parametrize(("seats", "gross", "each"), [
    ((1, 2, 3, 4), "336.00", "84.00"), ((1, 2, 3), "200.00", "66.67"), ((1, 2, 3), "250.00", "83.33"),
    ((1, 2), "168.01", "84.01"), ((4,), "90.00", "90.00"),
])  # fmt: skip
def test_i25_the_final_price_is_what_a_seat_brought_before_fees_to_the_cent(
    market: Market, seats: tuple[int, ...], gross: str, each: str
) -> None:
    """Not what was asked (a buyer may have had another price), not the net, and not of all seats together."""
    alpha, beta = market.published()
    paid = Decimal(gross)
    sold = replace(market.alpha.sell(alpha.external_id, seats), gross=paid, fees=Decimal("9.99"))
    market.alpha.sales[sold.sale_id] = replace(sold, proceeds=paid - sold.fees)
    market.webhook(sold)
    alpha.refresh_from_db()
    beta.refresh_from_db()
    assert (alpha.final_price, beta.final_price) == (Decimal(each), None)
    sale = market.sale()
    assert (sale.gross, sale.fees, sale.proceeds, sale.rounding) == (
        paid, Decimal("9.99"), paid - Decimal("9.99"), Decimal("0.00"),
    )  # fmt: skip


def test_i25_a_price_in_another_currency_is_not_the_listings_final_price(market: Market) -> None:
    alpha, _ = market.published()
    sold = replace(market.alpha.sell(alpha.external_id, (1, 2)), currency="GBP")
    market.alpha.sales[sold.sale_id] = sold
    market.webhook(sold)
    dearer = replace(sold, gross=sold.gross + 10, proceeds=sold.proceeds + 10)
    sale_apply(account=market.accounts["alpha"], remote=dearer)
    alpha.refresh_from_db()
    assert (market.sale().currency, alpha.currency, alpha.final_price) == ("GBP", "USD", None)


@pytest.mark.parametrize("mode", [Mode.PAPER, Mode.LIVE])
def test_i20_a_sale_and_its_listing_are_of_their_accounts_mode(market: Market, mode: Mode) -> None:
    User.objects.filter(pk=market.holding.user.pk).update(kyc_status="approved")
    MarketplaceAccount.objects.filter(platform="alpha").update(mode=mode)
    market.accounts["alpha"].refresh_from_db()
    first, last = market.holding.seats[:2], market.holding.seats[2:]
    market.publish(first, account_ids=[market.accounts["alpha"].pk])
    market.publish(last, account_ids=[market.accounts["beta"].pk])
    market.work()
    alpha, beta = (Listing.objects.get(platform=key) for key in ("alpha", "beta"))
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.webhook(market.beta.sell(beta.external_id, (3, 4)), platform=market.beta)
    assert (alpha.mode, beta.mode) == (mode, Mode.PAPER)
    assert dict(Sale.objects.values_list("platform", "mode")) == {"alpha": mode, "beta": Mode.PAPER}


def test_i35_the_sale_is_in_the_audit_with_its_actor(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1,))
    market.webhook(sold)
    entry = AuditEntry.objects.get(verb="sale.taken")
    assert (entry.actor_kind, entry.actor_id) == ("marketplace", str(market.accounts["alpha"].pk))
    taken = {"state": "confirmed", "gross": "84.00", "quantity": 1}
    assert (entry.object_id, audit_read(entry)) == (str(market.sale().pk), {"before": None, "after": taken})
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.move(sold.sale_id, RemoteSaleState.CANCELLED))
    moved = audit_read(AuditEntry.objects.get(verb="sale.moved"))
    assert moved == {"before": taken, "after": {**taken, "state": "cancelled"}}


def test_i35_a_sale_that_became_clear_is_in_the_audit_with_what_it_was(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False)
    market.webhook(sold)
    sale_apply(account=market.accounts["alpha"], remote=replace(sold, seats=("1", "2"), remote_status="named"))
    facts = {"gross": "168.00", "quantity": 2}
    assert audit_read(AuditEntry.objects.get(verb="sale.taken")) == {
        "before": {"state": "needs_person", **facts}, "after": {"state": "confirmed", **facts},
    }  # fmt: skip


def test_a_held_seat_says_which_sale_holds_it(market: Market) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1,), state=RemoteSaleState.PROVISIONAL)
    market.webhook(sale, kind="provisional_sale")
    seat = Seat.objects.get(game=market.holding.game, state=OwnerState.HELD)
    assert seat.held_by == hold_key(market.accounts["alpha"].pk, sale.sale_id)


def test_two_sales_whose_long_ids_begin_alike_hold_their_own_seats(market: Market) -> None:
    alpha, _ = market.published()
    for number, seat in (("1", 1), ("2", 2)):
        told = market.alpha.sell(
            alpha.external_id, (seat,), state=RemoteSaleState.PROVISIONAL, sale_id="x" * 79 + number
        )
        market.webhook(told, kind="provisional_sale")
    held = Seat.objects.filter(game=market.holding.game, state=OwnerState.HELD).values_list("held_by", flat=True)
    assert {key[-2:] for key in held} == {"x1", "x2"}


def test_the_alert_of_a_sale_names_the_seats_the_game_and_the_money(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    alert = Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk)
    day = f"{market.holding.game.game_date:%-d %b}"
    assert alert.title == f"Sold on Alpha: 2 seats 131 row 27, Inland Owls at Harbor Gulls on {day}."
    assert alert.body.startswith("$151.20 to you.")


def test_the_alert_of_a_sale_says_when_the_other_listings_are_down(
    market: Market, django_capture_on_commit_callbacks: Any
) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    alerts = Alert.objects.filter(kind="sale.sold", user_id=market.holding.user.pk)
    assert alerts.get().body == "$302.40 to you. They are being taken off sale elsewhere."
    # Its text is put right after a person has acknowledged it, too.
    alert_acknowledge(actor=market.holding.actor, alert_id=alerts.get().pk)
    with django_capture_on_commit_callbacks(execute=True):
        market.work()
    took = milliseconds(market.sale().notice_to_last_delist_ms)
    assert alerts.get().body == f"$302.40 to you. They were off sale elsewhere {took} after we heard."
    assert LiveEvent.objects.filter(type="alert.raised", object_id=alerts.get().pk).count() == 1


def test_the_alert_of_a_sale_of_seats_offered_once_speaks_of_no_other_listing(market: Market) -> None:
    alpha = market.publish(account_ids=[market.accounts["alpha"].pk])[0]
    market.work()
    alpha.refresh_from_db()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    (body,) = Alert.objects.filter(kind="sale.sold", user_id=market.holding.user.pk).values_list("body", flat=True)
    assert body == "$302.40 to you. These seats were offered nowhere else."


@pytest.mark.parametrize("late_takes", [1, 2])
def test_i01_where_the_seller_allocates_a_sale_of_seats_that_are_sold_elsewhere_is_a_conflict(
    market: Market, late_takes: int
) -> None:
    market.beta.seller_allocates = True
    pair = market.holding.seats[:2]
    alpha, beta = market.published(pair)
    late = market.beta.sell(beta.external_id, tuple(range(1, 1 + late_takes)), tell_seats=False)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.webhook(late, platform=market.beta)
    market.work()
    assert Sale.objects.get(platform="beta").state == SaleState.CONFLICT
    assert ("reject", late.sale_id) in market.beta.calls


def test_i05_seats_that_are_left_apart_are_sold_as_no_pair(market: Market) -> None:
    alpha, beta = market.published(split_type="pairs")
    market.webhook(market.alpha.sell(alpha.external_id, (2, 3)))
    market.work()
    for listing in (alpha, beta):
        listing.refresh_from_db()
    assert (alpha.status, beta.status) == ("cancelled", "cancelled")
    assert alpha.status_reason == "what is left of it does not lie together"
    assert market.alpha.shown() == market.beta.shown() == []


def test_what_cannot_be_told_any_more_is_named_with_all_that_is_still_on_show(market: Market) -> None:
    alpha, beta = market.published()
    MarketplaceAccount.objects.filter(platform="beta").update(needs_reconnect=True)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    (shown,) = still_up_on(market.accounts["beta"].pk)
    assert shown.startswith("4 in 131/27 1-4, ")
    (left,) = still_up_on(market.accounts["alpha"].pk)
    assert left.startswith("2 in 131/27 3-4, ")
    assert beta.platform == "beta"


@pytest.mark.parametrize(("taken", "left"), [((1,), 3), ((1, 2, 3, 4), 0)])
def test_seats_of_a_sale_that_was_over_before_we_heard_leave_its_listing_and_are_offered_elsewhere(
    market: Market, taken: tuple[int, ...], left: int
) -> None:
    alpha, beta = market.published()
    sale = market.alpha.sell(alpha.external_id, taken)
    market.webhook(market.alpha.move(sale.sale_id, RemoteSaleState.CANCELLED))
    market.work()
    for listing in (alpha, beta):
        listing.refresh_from_db()
    assert (Sale.objects.get().state, beta.quantity, beta.status) == ("cancelled", 4, "active")
    assert set(Seat.objects.filter(game=alpha.game).values_list("state", flat=True)) == {"available"}
    assert alpha.listing_seats.filter(offered=True).count() == left
    if left:
        assert (alpha.status, alpha.quantity, market.alpha.listings[alpha.external_id].quantity) == ("active", 3, 3)
    else:
        assert alpha.status == "cancelled"
        assert alpha.external_id not in market.alpha.shown()


def test_i26_a_sale_keeps_the_fee_that_was_in_force_when_it_was_made(market: Market) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    kept = market.sale().fee_version
    assert kept == FeeVersion.objects.get(platform="alpha")
    today = now().date()
    FeeVersion.objects.create(
        platform="alpha", side="seller", percent=Decimal(15), valid_from=today, source="staff", checked_on=today
    )
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.sales[market.sale().platform_sale_id])
    assert market.sale().fee_version == kept
