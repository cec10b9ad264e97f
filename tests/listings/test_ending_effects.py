"""What endings do to lots, budget and settlement is written down, exactly, once, and reversed by rows of its own."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse

from listings.models import EffectKind, EndingEffect, Sale, SaleEnding, SaleState
from listings.services.endings import ending_lift, sale_end
from listings.services.sale_saga import sale_apply
from listings.services.sync import sale_read
from listings.states import SALE_ENDINGS, sale_counts, standing_of
from marketplaces.contracts import RemoteSaleState
from portfolios.models import GameStatus
from portfolios.services.games import game_move
from seatsync.accounts.services.tokens import tokens_issue
from seatsync.core.actors import Actor
from tests.listings.ended import Ended
from tests.market import Market

pytestmark = pytest.mark.django_db
PROCEEDS = Decimal("151.20")
ZERO = Decimal("0.00")
OFF = [("lot", "not_disposed", -PROCEEDS, 0), ("budget", "counts_no_more", ZERO, -2)]
OWED = ("settlement", "owed_back", -PROCEEDS, 0)
BACK = [("lot", "disposed", PROCEEDS, 0), ("budget", "counts", ZERO, 2), ("settlement", "stands", PROCEEDS, 0)]


def rows(sale: Sale) -> list[tuple[str, str, Decimal, int]]:
    return list(EndingEffect.objects.filter(sale=sale).values_list("kind", "effect", "amount", "tickets"))


def sums(sale: Sale) -> dict[tuple[str, str], Decimal]:
    """What the rows of each kind and effect come to, amounts and tickets together."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for kind, effect, amount, tickets in rows(sale):
        found[kind, effect] += amount + tickets
    return found


def end(ended: Ended, ending: SaleEnding) -> None:
    sale_end(actor=ended.market.holding.actor, sale_id=ended.sale.pk, ending=ending, reason="they wrote so")


def test_a_sale_that_goes_well_changes_nothing(ended: Ended) -> None:
    ended.pays("P-1")
    assert (ended.sale.state, rows(ended.sale)) == (SaleState.COMPLETE, [])


@pytest.mark.parametrize(
    ("ending", "exactly"),
    [
        (SaleEnding.CANCELLED, [*OFF, OWED]),
        (SaleEnding.REPLACEMENT, [*OFF, OWED]),
        (SaleEnding.CLAIM, [("lot", "waits", ZERO, 0), ("settlement", "waits", ZERO, 0)]),
        (SaleEnding.PENALTY, [("settlement", "shares_charge", ZERO, 0)]),
    ],
)
def test_each_ending_has_its_exact_effects_once(ended: Ended, ending: SaleEnding, exactly: list) -> None:
    end(ended, ending)
    end(ended, ending)
    assert rows(ended.sale) == exactly
    told = EndingEffect.objects.all()
    assert {(row.ending, row.currency, row.tenant_id) for row in told} == {(ending, "USD", ended.sale.tenant_id)}


def test_a_promise_that_is_not_kept_counts_no_more_and_nobody_owes_anything(market: Market) -> None:
    ended = Ended.promised(market)
    ended.says(RemoteSaleState.CANCELLED)
    assert (ended.sale.ending, rows(ended.sale)) == (SaleEnding.PROMISE_CANCELLED, OFF)


def test_a_sale_that_we_reject_never_counted_and_what_it_costs_is_shared(market: Market) -> None:
    alpha, beta = market.published(market.holding.seats[:2])
    second = market.beta.sell(beta.external_id, (1, 2))
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.webhook(second, platform=market.beta)
    market.work()
    ended = Ended(market, second)
    assert ended.sale.ending == SaleEnding.REJECTED
    never = [("lot", "not_disposed", ZERO, 0), ("budget", "counts_no_more", ZERO, 0)]
    assert rows(ended.sale) == never
    sale_apply(account=market.accounts["beta"], remote=market.beta.move(second.sale_id, RemoteSaleState.CANCELLED))
    assert rows(ended.sale) == never


def test_a_game_that_is_off_reverses_and_one_that_is_on_again_reverses_that(ended: Ended) -> None:
    game = ended.market.holding.game
    game_move(actor=Actor.system(), game_id=game.pk, status=GameStatus.CANCELLED)
    assert rows(ended.sale) == [*OFF, OWED]
    game_move(actor=Actor.system(), game_id=game.pk, status=GameStatus.SCHEDULED)
    assert rows(ended.sale) == [*OFF, OWED, *BACK]
    # Once its marketplace lets go of it nothing more changes.
    game_move(actor=Actor.system(), game_id=game.pk, status=GameStatus.CANCELLED)
    ended.says(RemoteSaleState.CANCELLED)
    assert rows(ended.sale) == [*OFF, OWED, *BACK, *OFF, OWED]


def test_a_game_that_was_off_when_its_sale_was_told_takes_off_what_the_sale_was_told_to_bring(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    game_move(actor=Actor.system(), game_id=market.holding.game.pk, status=GameStatus.CANCELLED)
    market.webhook(sold)
    ended = Ended(market, sold)
    assert (ended.sale.ending, rows(ended.sale)) == (SaleEnding.GAME_OFF, [*OFF, OWED])


def test_a_complaint_that_is_settled_leaves_everything_as_it_was(ended: Ended) -> None:
    end(ended, SaleEnding.CLAIM)
    ending_lift(actor=ended.market.holding.actor, sale_id=ended.sale.pk, reason="they found the tickets")
    assert rows(ended.sale)[2:] == [("lot", "disposed", ZERO, 0), ("settlement", "stands", ZERO, 0)]


def test_a_complaint_that_ends_in_a_cancellation_takes_off_then(ended: Ended) -> None:
    ended.says(RemoteSaleState.ISSUE)
    ended.says(RemoteSaleState.CANCELLED)
    assert rows(ended.sale)[2:] == [*OFF, OWED]


def test_what_is_charged_is_shared_and_what_is_given_back_too(ended: Ended) -> None:
    ended.pays("P-1")
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="30.00")
    charged = ("settlement", "shares_charge", Decimal("-30.00"), 0)
    assert rows(ended.sale) == [charged]
    ended.pays("P-3", gross="0.00", fee="0.00", penalty="5.00")
    more = ("settlement", "shares_charge", Decimal("-5.00"), 0)
    assert rows(ended.sale) == [charged, more]
    # Settled, it lacks all the same.
    ending_lift(actor=ended.market.holding.actor, sale_id=ended.sale.pk, reason="it was late")
    settled = ("settlement", "stands", ZERO, 0)
    assert rows(ended.sale) == [charged, more, settled]
    ended.pays("P-4", gross="0.00", fee="0.00", penalty="-35.00")
    assert rows(ended.sale) == [charged, more, settled, ("settlement", "stands", Decimal("35.00"), 0)]


def test_a_charge_behind_what_weighs_more_is_written_down_as_well(ended: Ended) -> None:
    end(ended, SaleEnding.CLAIM)
    ended.pays("P-1", gross="0.00", fee="0.00", penalty="30.00")
    assert ended.sale.ending == SaleEnding.CLAIM
    assert rows(ended.sale)[2:] == [("settlement", "waits", Decimal("-30.00"), 0)]


def test_what_takes_back_what_was_paid_is_not_owed_twice_and_what_is_charged_beyond_it_is(ended: Ended) -> None:
    ended.pays("P-1")
    ended.says(RemoteSaleState.CANCELLED)
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="151.20")
    assert rows(ended.sale) == [*OFF, OWED]
    ended.pays("P-3", gross="0.00", fee="0.00", penalty="25.00", note="Admin fee")
    assert rows(ended.sale) == [*OFF, OWED, ("settlement", "owed_back", Decimal("-25.00"), 0)]


def test_a_sale_that_stands_again_has_everything_again(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(sold)
    ended = Ended(market, sold)
    ended.says(RemoteSaleState.CANCELLED)
    market.alpha.sales[sold.sale_id] = replace(sold, remote_status="it stands")
    sale_read(sale=ended.sale)
    assert (ended.sale.state, rows(ended.sale)) == (SaleState.CONFIRMED, [*OFF, OWED, *BACK])


@pytest.mark.parametrize("ending", ["", *SaleEnding])
def test_what_a_sale_brings_and_its_lot_rows_sum_to_what_counts(ending: str) -> None:
    row = SALE_ENDINGS.get(ending)
    state = row.to_state or min(row.from_states) if row else SaleState.CONFIRMED
    counted_before = state != SaleState.CONFLICT
    assert sale_counts(state, ending) == (counted_before and not standing_of(ending).uncounted)


def test_rows_are_written_once_and_never_changed(ended: Ended) -> None:
    end(ended, SaleEnding.CANCELLED)
    first = EndingEffect.objects.get(kind=EffectKind.LOT)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        EndingEffect.objects.update(amount=0)
    with pytest.raises(IntegrityError, match="ending_effect_once"), transaction.atomic():
        EndingEffect.objects.create(
            tenant=first.tenant, sale=first.sale, kind=first.kind, number=first.number, effect=first.effect,
            currency="USD", at=first.at,
        )  # fmt: skip


def test_they_roll_back_with_the_ending(ended: Ended) -> None:
    with transaction.atomic():
        end(ended, SaleEnding.CANCELLED)
        assert rows(ended.sale) == [*OFF, OWED]
        transaction.set_rollback(True)
    assert (ended.sale.ending, rows(ended.sale)) == ("", [])


def test_the_page_and_the_api_tell_them(ended: Ended) -> None:
    people = ended.market.holding
    page = Client()
    page.force_login(people.user)
    url = reverse("listings:sale_detail", args=[ended.sale.pk])
    assert "What that changes" not in page.get(url).content.decode()
    end(ended, SaleEnding.CANCELLED)
    shown = page.get(url).content.decode()
    for said in ("What that changes", "Tax lots", "\N{MINUS SIGN}2 tickets", "what partners got of it is owed back"):
        assert said in shown, said
    token = tokens_issue(people.user, people.ticket.tenant_id).access
    client = Client(headers={"Authorization": f"Bearer {token}"})
    told = client.get(f"/api/v1/sales/{ended.sale.pk}/").json()["effects"]
    assert [(one["kind"], one["effect"], one["amount"], one["tickets"]) for one in told] == [
        ("lot", "not_disposed", "-151.20", 0),
        ("budget", "counts_no_more", "0.00", -2),
        ("settlement", "owed_back", "-151.20", 0),
    ]


def test_sales_that_ended_before_have_their_rows_too(ended: Ended) -> None:
    ended.pays("P-1")
    ended.says(RemoteSaleState.CANCELLED)
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="176.20")
    before = sums(ended.sale)
    newest = [node for node in MigrationExecutor(connection).loader.graph.leaf_nodes() if node[0] == "listings"]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    MigrationExecutor(connection).migrate([("listings", "0036_what_was_said_and_told")])
    MigrationExecutor(connection).migrate(newest)
    assert sums(ended.sale) == before
