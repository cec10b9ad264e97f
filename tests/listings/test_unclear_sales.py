"""Sales that are unclear at first: announced, unreadable, in unknown states, without their seats. None costs a seat."""

import threading
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connections
from django.test import TestCase

from listings.models import Sale, SaleState
from listings.services import sale_holds
from listings.services.obstacles import hold_key
from listings.services.resolve import sale_resolve
from listings.services.sale_holds import sale_hold_release
from listings.services.sale_recheck import MISSED_FOR, sale_missing
from listings.services.sale_saga import sale_apply
from listings.states import HANDED_OVER
from marketplaces.contracts import RemoteSaleState
from marketplaces.errors import TemporaryError
from portfolios.locks import seats_lock
from portfolios.models import OwnerState, Seat
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.listings.ended import Ended
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market

pytestmark = pytest.mark.django_db
migration = import_module("listings.migrations.0033_unclear_sales_told_before")


def states(market: Market) -> list[str]:
    return [seat.state for seat in Seat.objects.filter(game=market.holding.game).order_by("seat_number")]


def rejected(market: Market) -> list[str]:
    return [what for platform in (market.alpha, market.beta) for call, what in platform.calls if call == "reject"]


def test_i03_a_second_partial_sale_does_not_suffer_from_the_first_ones_hold(market: Market) -> None:
    alpha, _ = market.published()
    first, second = (market.alpha.sell(alpha.external_id, seats) for seats in ((1, 2), (3, 4)))
    market.alpha.script["fetch_sale"] = [TemporaryError("500")]
    market.webhook(first)
    assert states(market) == ["held"] * 4
    market.webhook(second)
    market.work()
    assert set(Sale.objects.values_list("state", flat=True)) == {SaleState.CONFIRMED}
    assert (states(market), rejected(market)) == (["sold"] * 4, [])


@pytest.mark.parametrize("announced", [False, True])
def test_a_sale_of_a_listing_that_is_not_known_and_is_over_already_needs_nobody(
    market: Market, announced: bool
) -> None:
    """Its buyer was gone before anybody read it: nothing was taken, and there is nothing to decide on."""
    alpha, _ = market.published()
    sale = replace(
        market.alpha.sell(alpha.external_id, (1, 2)), external_id="", listing_id="H-9", section="900", row="1",
        state=RemoteSaleState.CANCELLED, remote_status="Cancelled",
    )  # fmt: skip
    market.alpha.sales[sale.sale_id] = sale
    market.webhook(sale, kind="provisional_sale" if announced else "sale")
    known = Sale.objects.get()
    assert (known.state, known.state_reason) == (SaleState.CANCELLED, "cancelled before we heard of it")
    assert (known.listing, states(market), Alert.objects.count()) == (None, ["available"] * 4, 0)
    # And told again, or live after all, it is what it is.
    sale_apply(account=known.account, remote=sale)
    assert Sale.objects.get().state == SaleState.CANCELLED
    live = replace(sale, state=RemoteSaleState.AWAITING_FULFILMENT, remote_status="Confirmed")
    sale_apply(account=known.account, remote=live, fresh=True)
    assert Sale.objects.get().state == SaleState.NEEDS_PERSON
    assert Alert.objects.count() == 1


def test_i03_a_sale_that_was_only_announced_keeps_no_read_sale_from_its_seats(market: Market) -> None:
    alpha, beta = market.published()
    market.announce("ghost", alpha.external_id)
    market.process()
    assert states(market) == ["held"] * 4
    market.webhook(market.beta.sell(beta.external_id, (1, 2, 3, 4)), platform=market.beta)
    market.work()
    assert (Sale.objects.get().state, rejected(market)) == (SaleState.CONFIRMED, [])


def test_i01_a_seat_that_a_provisional_sale_holds_is_nobody_elses(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.PROVISIONAL))
    late = market.beta.sell(beta.external_id, (2, 3))
    market.webhook(late, platform=market.beta)
    market.work()
    assert Sale.objects.get(platform="beta").state == SaleState.CONFLICT
    assert rejected(market) == [late.sale_id]
    assert states(market) == ["held", "held", "available", "available"]


def test_a_sale_elsewhere_of_seats_that_an_unclear_sale_may_have_is_neither_taken_nor_rejected(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False))
    other = market.beta.sell(beta.external_id, (3, 4))
    market.webhook(other, platform=market.beta)
    market.work()
    assert Sale.objects.get(platform="beta").state == SaleState.NEEDS_PERSON
    assert (rejected(market), states(market)) == ([], ["held"] * 4)
    # Once it is known what the first one took, the second is settled by its next word.
    first = Sale.objects.get(platform="alpha")
    seats = Seat.objects.filter(game=market.holding.game, seat_number__in=[1, 2])
    sale_resolve(actor=market.holding.actor, sale_id=first.pk, seat_ids=[seat.pk for seat in seats])
    sale_apply(account=market.accounts["beta"], remote=other)
    assert Sale.objects.get(platform="beta").state == SaleState.CONFIRMED
    assert states(market) == ["sold"] * 4


@pytest.fixture
def waiting(market: Market) -> tuple[Sale, Sale]:
    """A sale at Alpha that does not name its seats and holds all, and one at Beta of two that waits for it."""
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False))
    market.webhook(market.beta.sell(beta.external_id, (3, 4)), platform=market.beta)
    market.work()
    return Sale.objects.get(platform="alpha"), Sale.objects.get(platform="beta")


def test_what_its_marketplace_takes_back_is_held_for_the_sale_that_waits_and_that_one_is_read_anew(
    market: Market, waiting: tuple[Sale, Sale]
) -> None:
    first, second = waiting
    market.alpha.move(first.platform_sale_id, RemoteSaleState.CANCELLED)
    with TestCase.captureOnCommitCallbacks() as asked:
        sale_apply(account=first.account, remote=market.alpha.sales[first.platform_sale_id])
    key = hold_key(second.account_id, second.platform_sale_id)
    own = Seat.objects.filter(game=market.holding.game)
    assert set(own.values_list("state", "held_by")) == {(OwnerState.HELD, key)}
    assert AuditEntry.objects.filter(verb="sale.seats_held", object_id=str(second.pk)).exists()
    for ask in asked:
        ask()
    second.refresh_from_db()
    assert (second.state, states(market)) == (SaleState.CONFIRMED, ["available", "available", "sold", "sold"])


def test_what_was_only_announced_and_is_none_is_held_for_the_unclear_sale_that_came_meanwhile(market: Market) -> None:
    alpha, beta = market.published()
    market.announce("ghost", alpha.external_id)
    market.process()
    assert states(market) == ["held"] * 4
    told = market.beta.sell(beta.external_id, (1, 2), tell_seats=False)
    market.webhook(told, platform=market.beta)
    assert sale_holds.sale_hold_release(account=market.accounts["alpha"], platform_sale_id="ghost", reason="none") == 4
    keys = set(Seat.objects.filter(game=market.holding.game).values_list("state", "held_by"))
    assert keys == {(OwnerState.HELD, hold_key(market.accounts["beta"].pk, told.sale_id))}
    market.work()
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])


def test_a_sale_in_a_state_that_we_do_not_know_is_given_nothing(market: Market) -> None:
    alpha, beta = market.published()
    first = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False)
    odd = market.beta.sell(beta.external_id, (3, 4), state=RemoteSaleState.UNKNOWN)
    market.webhook(first)
    assert sale_apply(account=market.accounts["beta"], remote=odd).state == SaleState.NEEDS_PERSON
    taken_back = market.alpha.move(first.sale_id, RemoteSaleState.CANCELLED)
    sale_apply(account=market.accounts["alpha"], remote=taken_back)
    assert states(market) == ["available"] * 4


def test_a_sale_that_is_told_no_more_has_its_own_seats_and_is_given_no_others(
    market: Market, waiting: tuple[Sale, Sale]
) -> None:
    first, second = waiting
    Sale.objects.filter(pk=second.pk).update(missing=True)
    del market.alpha.sales[first.platform_sale_id]
    sale_resolve(actor=market.holding.actor, sale_id=first.pk, seat_ids=[], reason="no sale")
    assert states(market) == ["available"] * 4


@pytest.mark.parametrize("first", [RemoteSaleState.UNKNOWN, RemoteSaleState.ISSUE])
def test_an_unknown_first_state_that_becomes_known_takes_its_seats(market: Market, first: RemoteSaleState) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2, 3, 4), state=first)
    sale_apply(account=market.accounts["alpha"], remote=sale)
    assert Sale.objects.get().state == SaleState.NEEDS_PERSON
    told = market.alpha.move(sale.sale_id, RemoteSaleState.AWAITING_CONFIRM)
    sale_apply(account=market.accounts["alpha"], remote=told)
    market.work()
    assert (Sale.objects.get().state, states(market), market.beta.shown()) == (SaleState.CONFIRMED, ["sold"] * 4, [])
    assert ("confirm", sale.sale_id) in market.alpha.calls


@pytest.mark.parametrize("told", ["polled", "announced"])
def test_i03_a_sale_that_is_first_heard_of_under_a_complaint_keeps_its_seats_from_everybody_else(
    market: Market, told: str
) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.ISSUE)
    if told == "announced":
        market.webhook(sale)
    else:
        sale_apply(account=market.accounts["alpha"], remote=sale)
    market.work()
    assert (Sale.objects.get().state, states(market)) == (SaleState.NEEDS_PERSON, ["held"] * 2 + ["available"] * 2)
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])
    assert Alert.objects.filter(kind="sale.unclear", user_id=market.holding.user.pk, state="firing").exists()
    # The same word again changes nothing.
    version = Sale.objects.get().version
    sale_apply(account=market.accounts["alpha"], remote=sale)
    assert Sale.objects.get().version == version
    # Its marketplace takes it back: they are the holder's, and nothing is listed again.
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.move(sale.sale_id, RemoteSaleState.CANCELLED))
    market.work()
    assert (Sale.objects.get().state, states(market)) == (SaleState.CANCELLED, ["available"] * 4)
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])


def test_a_sale_that_is_first_heard_of_under_a_complaint_is_its_holders_to_settle(market: Market) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.ISSUE)
    sale_apply(account=market.accounts["alpha"], remote=sale)
    seats = [seat.pk for seat in market.holding.seats[:2]]
    with TestCase.captureOnCommitCallbacks(execute=True):
        sale_resolve(actor=market.holding.actor, sale_id=Sale.objects.get().pk, seat_ids=seats, reason="")
    market.work()
    assert states(market) == ["sold"] * 2 + ["available"] * 2
    # It is read anew at once, and is under its complaint.
    assert (Sale.objects.get().state, Sale.objects.get().ending) == (SaleState.CONFIRMED, "claim")


def test_an_unclear_allocation_that_the_marketplace_names_later_is_taken(market: Market) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False)
    market.webhook(sale)
    assert states(market) == ["held"] * 4
    sale_apply(account=market.accounts["alpha"], remote=replace(sale, seats=("1", "2"), remote_status="named"))
    assert Sale.objects.get().state == SaleState.CONFIRMED
    assert states(market) == ["sold", "sold", "available", "available"]


@pytest.mark.parametrize("resized", ["not yet", "after the buyer came"])
def test_i04_where_more_was_still_on_show_than_we_offered_nothing_is_guessed(market: Market, resized: str) -> None:
    alpha, beta = market.published()
    late = market.beta.sell(beta.external_id, (1, 2), tell_seats=False)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    if resized != "not yet":
        market.work()
    market.webhook(late, platform=market.beta)
    sale = Sale.objects.get(platform="beta")
    assert (sale.state, sale.sale_seats.filter(live=True).count()) == (SaleState.NEEDS_PERSON, 0)
    assert Alert.objects.filter(kind="sale.unclear", user_id=market.holding.user.pk).exists()


@pytest.mark.parametrize(("after_s", "state"), [(6, SaleState.CONFIRMED), (3, SaleState.NEEDS_PERSON)])
def test_i04_a_sale_after_the_listing_was_made_smaller_there_is_of_what_is_left_if_no_clock_says_otherwise(
    market: Market, after_s: int, state: SaleState
) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    sold = market.beta.sell(beta.external_id, (3, 4), tell_seats=False)
    sold = market.beta.sales[sold.sale_id] = replace(sold, sold_at=now() + timedelta(seconds=after_s))
    market.webhook(sold, platform=market.beta)
    assert Sale.objects.get(platform="beta").state == state


def test_i03_a_sale_of_what_a_promise_of_the_same_marketplace_still_has_waits_for_that_to_be_read(
    market: Market,
) -> None:
    alpha, _ = market.published()
    promised = market.alpha.sell(alpha.external_id, (1, 2, 3, 4), state=RemoteSaleState.PROVISIONAL)
    market.webhook(promised)
    market.alpha.relist(promised.sale_id)
    sold = market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    with TestCase.captureOnCommitCallbacks(execute=True):
        market.webhook(sold)
    sale_apply(account=market.accounts["alpha"], remote=sold)
    market.work()
    assert dict(Sale.objects.values_list("platform_sale_id", "state")) == {
        promised.sale_id: SaleState.CANCELLED, sold.sale_id: SaleState.CONFIRMED,
    }  # fmt: skip
    assert not [call for call, _ in market.alpha.calls if call == "reject"]


def test_the_same_unclear_word_again_changes_nothing(market: Market) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False)
    market.webhook(sale)
    version, entries = Sale.objects.get().version, AuditEntry.objects.count()
    sale_apply(account=market.accounts["alpha"], remote=sale)
    assert (Sale.objects.get().version, AuditEntry.objects.count()) == (version, entries)


@pytest.mark.django_db(transaction=True)
def test_i03_a_notice_that_waited_while_polling_applied_its_sale_holds_nothing(
    platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch
) -> None:
    market = build_market(platforms)
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    lock = seats_lock

    def poll() -> None:
        try:
            sale_apply(account=market.accounts["alpha"], remote=sold)
        finally:
            connections.close_all()

    def lock_late(seat_ids: Iterable[uuid.UUID]) -> list[Seat]:
        """As if another transaction had the seats until now, and gave them to the sale."""
        monkeypatch.setattr(sale_holds, "seats_lock", lock)
        polling = threading.Thread(target=poll)
        polling.start()
        polling.join()
        return lock(seat_ids)

    monkeypatch.setattr(sale_holds, "seats_lock", lock_late)
    held = sale_holds.sale_hold(
        account=market.accounts["alpha"], external_id=alpha.external_id, platform_sale_id=sold.sale_id
    )
    assert Sale.objects.get().state == SaleState.CONFIRMED
    assert (held, states(market)) == (0, ["sold", "sold", "available", "available"])


def test_sales_that_were_unclear_before_say_which_seats_they_may_have(
    market: Market, waiting: tuple[Sale, Sale]
) -> None:
    first, second = waiting
    Sale.objects.update(may_be_of=[])
    Sale.objects.filter(pk=first.pk).update(listing=None)
    migration.keep(apps, None)
    every = {seat.pk for seat in market.holding.seats}
    assert [set(sale.may_be_of) for sale in Sale.objects.all()] == [every, every]
    Sale.objects.filter(pk=second.pk).update(remote_state="unknown", may_be_of=[])
    Sale.objects.filter(pk=first.pk).update(missing=True, may_be_of=[])
    migration.keep(apps, None)
    assert [sale.may_be_of for sale in Sale.objects.all()] == [[], []]


# A person decides.
def unclear(market: Market) -> Sale:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False))
    market.work()
    return Sale.objects.get()


def test_a_person_says_which_seats_an_unclear_sale_took(market: Market) -> None:
    sale = unclear(market)
    seats = list(Seat.objects.filter(game=market.holding.game, seat_number__in=[3, 4]))
    resolved = sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[seat.pk for seat in seats])
    assert resolved.state == SaleState.CONFIRMED
    assert states(market) == ["available", "available", "sold", "sold"]
    entry = AuditEntry.objects.get(verb="sale.taken")
    assert entry.actor_id == str(market.holding.user.pk)
    with pytest.raises(Conflict):
        sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[seat.pk for seat in seats])


def test_a_person_says_that_an_unclear_sale_is_none(market: Market) -> None:
    sale = unclear(market)
    with pytest.raises(InvalidInput) as caught:
        sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[])
    assert caught.value.problems[0].field == "reason"
    why = "StubHub says it was a test order"
    with pytest.raises(Conflict, match="says that the sale stands"):
        sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[], reason=why)
    assert states(market) == ["held"] * 4
    del market.alpha.sales[sale.platform_sale_id]
    sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[], reason=why)
    sale.refresh_from_db()
    assert (sale.state, states(market)) == (SaleState.CANCELLED, ["available"] * 4)


def test_resolving_refuses_the_wrong_number_other_seats_and_strangers(market: Market) -> None:
    sale = unclear(market)
    seats = list(Seat.objects.filter(game=market.holding.game))
    for wrong in ([seats[0].pk], [market.holding.ticket.seats.exclude(game=market.holding.game)[0].pk, seats[0].pk]):
        with pytest.raises(InvalidInput):
            sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=wrong)
    for stranger in (market.holding.other, market.holding.outsider):
        with pytest.raises((NotFound, NotAllowed)):
            sale_resolve(actor=stranger, sale_id=sale.pk, seat_ids=[seats[0].pk, seats[1].pk])
    assert set(states(market)) == {OwnerState.HELD}


def missed(ended: Ended) -> Sale:
    """Its marketplace shows the sale no more."""
    Sale.objects.update(missed_at=now() - MISSED_FOR)
    return sale_missing(sale=ended.sale)


@pytest.mark.parametrize("state", [RemoteSaleState.IN_DELIVERY, RemoteSaleState.COMPLETE, None])
def test_a_missing_sale_that_stands_is_as_far_as_it_was(ended: Ended, state: RemoteSaleState | None) -> None:
    """Nobody is asked again for tickets that went, and what was paid is not awaited."""
    if state is None:
        ended.pays("P-1")
    else:
        ended.says(state)
    before, told = ended.sale, Alert.objects.filter(kind="sale.sold").count()
    assert (before.state in HANDED_OVER, missed(ended).state) == (True, SaleState.NEEDS_PERSON)
    own = list(before.sale_seats.values_list("seat_id", flat=True))
    sale_resolve(actor=ended.market.holding.actor, sale_id=before.pk, seat_ids=own)
    assert (ended.sale.state, ended.sale.delivered_at) == (before.state, before.delivered_at)
    assert ended.seats[:2] == ["sold", "sold"]
    assert Alert.objects.filter(kind="sale.sold").count() == told


def test_i04_a_sale_of_an_unknown_state_that_is_one_after_all_holds_what_it_may_have(market: Market) -> None:
    alpha, _ = market.published()
    told = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.UNKNOWN, tell_seats=False)
    account = market.accounts["alpha"]
    assert sale_apply(account=account, remote=told).state == SaleState.NEEDS_PERSON
    assert states(market) == [OwnerState.AVAILABLE] * 4
    for _ in range(2):
        sale_apply(account=account, remote=market.alpha.move(told.sale_id, RemoteSaleState.AWAITING_FULFILMENT))
        market.work()
        assert (market.beta.shown(), states(market)) == ([], [OwnerState.HELD] * 4)
    assert Sale.objects.get().state == SaleState.NEEDS_PERSON


def test_an_unclear_sale_that_is_announced_again_and_not_there_keeps_its_hold(market: Market) -> None:
    alpha, _ = market.published()
    told, account = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False), market.accounts["alpha"]
    reason = sale_apply(account=account, remote=told).state_reason
    assert sale_hold_release(account=account, platform_sale_id=told.sale_id, reason="it does not exist") == 0
    assert (states(market), Sale.objects.get().state_reason) == ([OwnerState.HELD] * 4, reason)


def test_i03_what_a_notice_held_beside_a_conflicts_seat_is_free_again(market: Market) -> None:
    """The buyer there took a seat that was sold elsewhere before the listing was smaller: the others are not his."""
    alpha, beta = market.published()
    there, here = market.beta.sell(beta.external_id, (4,)), market.alpha.sell(alpha.external_id, (3, 4))
    market.webhook(there, platform=market.beta)
    market.webhook(here)
    market.work()
    assert Sale.objects.get(platform="alpha").state == SaleState.CONFLICT
    seats = Seat.objects.filter(pk__in=[seat.pk for seat in market.holding.seats]).order_by("seat_number")
    assert list(seats.values_list("state", flat=True)) == ["available", "available", "available", "sold"]
