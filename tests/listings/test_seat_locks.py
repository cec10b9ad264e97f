"""I-02 on real connections: whoever takes or offers seats waits for who has them, and judges what is there then."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import transaction

from listings.locks import listings_lock, sale_lock
from listings.models import Listing, ListingSeat, Sale, SaleSeat, SaleState
from listings.services.resolve import sale_resolve
from listings.services.sale_holds import sale_hold
from listings.services.sale_saga import sale_apply
from listings.states import OPEN
from marketplaces.services.connect import disconnect
from portfolios.models import Game, GameStatus, OwnerState, Seat
from portfolios.services.games import game_move
from portfolios.services.ledger import seats_move, seats_set_state
from seatsync.core import locks
from seatsync.core.actors import Actor
from seatsync.core.errors import Busy, Conflict
from tests.listings.platform import ScriptedPlatform
from tests.market import Market
from tests.taking import PATIENCE_S, Doer, Taker, patient_market, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def market(
    transactional_db: None, platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch
) -> Market:
    # The tests themselves say when the worker works.
    for module in ("commands", "outbox", "record", "trading"):
        monkeypatch.setattr(f"listings.services.{module}.outbox_wake", lambda **_: None)
    return patient_market(platforms, monkeypatch)


def states(market: Market) -> list[str]:
    return [seat.state for seat in Seat.objects.filter(game=market.holding.game).order_by("seat_number")]


def at_once(
    market: Market, *works: Callable[[], object], before_end: Callable[[list[Seat]], object] = list
) -> list[Doer]:
    """All wait for another transaction that has the seats before it ends and the first of them goes on."""
    gate = Taker([seat.pk for seat in market.holding.seats], before_end)
    assert gate.has.wait(PATIENCE_S)
    doers = [Doer(work) for work in works]
    try:
        for doer in doers:
            wait_until_blocked(doer)
    finally:
        gate.finish()
        for doer in doers:
            doer.finish()
    assert gate.error is None
    return doers


def while_kept(market: Market, work: Callable[[], object]) -> BaseException | None:
    """It waits for a transaction in which the holder keeps the seats for himself; returns what it raised."""

    def keep(seats: list[Seat]) -> None:
        seats_move(actor=market.holding.actor, seats=seats, to_state=OwnerState.ATTENDING, reason="we go")

    (doer,) = at_once(market, work, before_end=keep)
    return doer.error


def test_i02_a_sale_waits_for_who_has_its_seats_and_finds_them_taken(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    assert while_kept(market, lambda: sale_apply(account=market.accounts["alpha"], remote=sold)) is None
    assert Sale.objects.get().state == SaleState.CONFLICT
    assert states(market) == ["attending"] * 4
    assert not SaleSeat.objects.filter(live=True).exists()


def test_i02_a_hold_waits_for_who_has_the_seats_and_finds_none_free(market: Market) -> None:
    alpha, _ = market.published()
    account = market.accounts["alpha"]
    hold = partial(sale_hold, account=account, external_id=alpha.external_id, platform_sale_id="s1")
    assert while_kept(market, hold) is None
    assert states(market) == ["attending"] * 4


def test_i02_seats_are_not_given_away_to_two(market: Market) -> None:
    ids = [seat.pk for seat in market.holding.seats]
    give = partial(seats_set_state, actor=market.holding.co_owner, seat_ids=ids, to_state="donated", reason="a school")
    assert isinstance(while_kept(market, give), Conflict)
    assert states(market) == ["attending"] * 4


def test_i02_publishing_waits_for_who_has_the_seats_and_offers_none_that_are_taken(market: Market) -> None:
    assert isinstance(while_kept(market, market.publish), Conflict)
    assert (Listing.objects.count(), ListingSeat.objects.count()) == (0, 0)


def test_i02_of_two_publications_at_once_one_is_made(market: Market) -> None:
    errors = [doer.error for doer in at_once(market, market.publish, market.publish) if doer.error is not None]
    assert [type(error) for error in errors] == [Conflict]
    assert sorted(Listing.objects.values_list("platform", flat=True)) == ["alpha", "beta"]


def test_i02_an_account_that_is_given_up_while_seats_are_offered_over_it_leaves_no_listing_behind(
    market: Market,
) -> None:
    """The publication has seen that it is connected, and waits for the seats; nothing else is going on there."""
    account, holder = market.accounts["alpha"], market.holding.actor
    gate = Taker([seat.pk for seat in market.holding.seats])
    assert gate.has.wait(PATIENCE_S)
    offer = Doer(market.publish)
    wait_until_blocked(offer)
    leave = Doer(partial(disconnect, actor=holder, account_id=account.pk))
    try:
        wait_until_blocked(leave)
    finally:
        gate.finish()
        errors = [doer.finish().error for doer in (offer, leave)]
    assert errors == [None, None]
    assert not Listing.objects.filter(account=account, status__in=OPEN).exists()
    account.refresh_from_db()
    assert (account.is_active, account.access_token) == (False, "")


def test_i02_nothing_is_offered_over_an_account_that_is_being_given_up(market: Market) -> None:
    account, holder = market.accounts["alpha"], market.holding.actor
    left, go = threading.Event(), threading.Event()

    def leave() -> None:
        with transaction.atomic():
            disconnect(actor=holder, account_id=account.pk)
            left.set()
            go.wait(PATIENCE_S)

    leaver = Doer(leave)
    assert left.wait(PATIENCE_S)
    offer = Doer(market.publish)
    try:
        wait_until_blocked(offer)
    finally:
        go.set()
        errors = [doer.finish().error for doer in (leaver, offer)]
    assert [type(error) for error in errors] == [type(None), Conflict]
    assert not Listing.objects.exists()


def test_i02_of_two_marketplaces_that_sell_the_same_seats_at_once_one_has_them(market: Market) -> None:
    alpha, beta = market.published()
    here, there = market.alpha.sell(alpha.external_id, (1, 2)), market.beta.sell(beta.external_id, (2, 3))
    doers = at_once(
        market,
        lambda: sale_apply(account=market.accounts["alpha"], remote=here),
        lambda: sale_apply(account=market.accounts["beta"], remote=there),
    )
    assert [doer.error for doer in doers] == [None, None]
    assert sorted(Sale.objects.values_list("state", flat=True)) == ["confirmed", "conflict"]
    assert states(market).count("sold") == 2


def test_i02_of_two_people_who_decide_differently_at_once_one_decides(market: Market) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1,), tell_seats=False))
    sale, ids = Sale.objects.get(), [seat.pk for seat in market.holding.seats]
    resolve = partial(sale_resolve, actor=market.holding.actor, sale_id=sale.pk)
    decisions = [partial(resolve, seat_ids=chosen) for chosen in (ids[:1], ids[-1:])]
    (refused,) = (str(doer.error) for doer in at_once(market, *decisions) if doer.error is not None)
    assert refused == "This sale is sold."
    sale.refresh_from_db()
    assert (sale.state, sale.sale_seats.filter(live=True).count()) == (SaleState.CONFIRMED, 1)
    assert states(market) in (["sold", *["available"] * 3], [*["available"] * 3, "sold"])


def test_i02_a_game_is_moved_when_nobody_is_at_its_seats_any_more(market: Market) -> None:
    move = partial(game_move, actor=Actor.system(), game_id=market.holding.game.pk, status=GameStatus.POSTPONED)
    (doer,) = at_once(market, move)
    assert doer.error is None
    assert Game.objects.get(pk=market.holding.game.pk).status == GameStatus.POSTPONED


def test_i02_whoever_waits_too_long_for_a_listing_or_a_sale_is_told_to_try_again(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seats are free: somebody is at the listing, or at the sale, alone."""
    listing, _ = market.published()
    sold = market.alpha.sell(listing.external_id, (1, 2))
    sale = sale_apply(account=market.accounts["alpha"], remote=sold)
    held, go = threading.Event(), threading.Event()

    def keep() -> None:
        with transaction.atomic():
            listings_lock([listing.pk])
            sale_lock(sale.pk)
            held.set()
            go.wait(PATIENCE_S)

    keeper = Doer(keep)
    assert held.wait(PATIENCE_S)
    monkeypatch.setattr(locks, "LOCK_TIMEOUT_MS", 50)
    try:
        for lock in (partial(listings_lock, [listing.pk]), partial(sale_lock, sale.pk)):
            with pytest.raises(Busy, match="Somebody else is changing this"), transaction.atomic():
                lock()
    finally:
        go.set()
        keeper.finish()
