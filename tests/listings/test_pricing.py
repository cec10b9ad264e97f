"""The pricing door and publishing: floors, ceilings, brakes, versions, and who may."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from listings.contracts import Grounds, PriceChange
from listings.models import Listing, MarketplaceCommand, PriceProposal, TradingState, TradingStateKind
from listings.selectors import trading_states
from listings.services import guards
from listings.services.delist import listings_delist
from listings.services.outbox import command_claim
from listings.services.pricing import listing_reprice, price_apply
from listings.services.sendable import create_held_back, reprice_held_back
from listings.services.trading import brakes_for, brakes_on, trading_state_set
from marketplaces.contracts import Capability, RemoteSaleState
from marketplaces.errors import PermanentError
from marketplaces.models import FeeVersion, Mode
from marketplaces.selectors import fee_version, proceeds_at
from marketplaces.services.links import base_url_for
from portfolios.models import GameStatus, OwnerState, Seat
from portfolios.services.ledger import seats_set_state
from seatsync.accounts.models import Role
from seatsync.accounts.selectors import actor_for
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleVersion
from seatsync.core.models import AuditEntry
from seatsync.core.money import round_money
from tests.builders import person
from tests.factories import MembershipFactory, TenantFactory
from tests.market import Market

pytestmark = pytest.mark.django_db


def reprice(market: Market, listing: Listing, price: str, **changes: Any) -> Listing:
    arguments: dict[str, Any] = {"version": listing.version, "actor": market.holding.actor, **changes}
    return listing_reprice(listing_id=listing.pk, price=Decimal(price), **arguments)


@pytest.mark.parametrize(("price", "field"), [("49.99", "price"), ("200.01", "price")])
def test_i11_a_price_outside_floor_and_ceiling_is_refused_and_kept_as_a_proposal(
    market: Market, price: str, field: str
) -> None:
    alpha, _ = market.published()
    with pytest.raises(InvalidInput) as caught:
        reprice(market, alpha, price, confirmed=True)
    assert caught.value.problems[0].field == field
    alpha.refresh_from_db()
    assert alpha.price == Decimal("84.00")
    assert market.alpha.listings[alpha.external_id].price == Decimal("84.00")


def test_i11_the_database_refuses_it_too(market: Market) -> None:
    alpha, _ = market.published()
    with pytest.raises(IntegrityError), transaction.atomic():
        Listing.objects.filter(pk=alpha.pk).update(price=Decimal("49.99"))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(price=st.decimals("0.01", "400.00", places=3))
def test_i11_after_rounding_no_accepted_price_leaves_the_bounds(market: Market, price: Decimal) -> None:
    alpha = Listing.objects.filter(platform="alpha").first() or market.published()[0]
    (outcome,) = price_apply(actor=market.holding.actor, changes=[PriceChange(alpha.pk, price, confirmed=True)])
    alpha.refresh_from_db()
    assert Decimal("50.00") <= alpha.price <= Decimal("200.00")
    assert outcome.price == alpha.price
    assert outcome.accepted == (Decimal("50.00") <= round_money(price) <= Decimal("200.00"))
    if outcome.accepted:
        assert alpha.price == price.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")


@pytest.mark.parametrize("price", ["49.99", "200.01", "49.994", "200.005"])
def test_i11_nothing_is_published_outside_floor_and_ceiling(market: Market, price: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        market.publish(price=price)
    assert [problem.field for problem in caught.value.problems] == ["price"]
    assert not Listing.objects.exists()


def test_i11_what_is_published_is_judged_after_rounding(market: Market) -> None:
    alpha, _ = market.publish(price="49.995", floor=Decimal("50.004"), ceiling=Decimal("50.00"))
    assert (alpha.price, alpha.floor, alpha.ceiling) == (Decimal("50.00"),) * 3


@pytest.mark.parametrize("count", [1, 3])
def test_i05_what_its_split_rule_could_not_sell_out_is_not_published(market: Market, count: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        market.publish(market.holding.seats[:count], split_type="pairs")
    assert [problem.field for problem in caught.value.problems] == ["split_type"]
    assert not Listing.objects.exists()


def test_i11_what_is_judged_and_sent_is_the_rounded_price_in_the_listings_currency(market: Market) -> None:
    Seat.objects.update(currency="CAD")
    market.alpha.currencies = market.beta.currencies = ("CAD",)
    alpha, beta = market.published(price="84.005")
    there = market.alpha.listings[alpha.external_id]
    assert (alpha.price, there.price, there.currency) == (Decimal("84.01"), Decimal("84.01"), "CAD")
    sent: list[tuple[Decimal, str]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(market.beta, "reprice", lambda link, ref, price, currency: sent.append((price, currency)))
        # Half a cent above the ceiling is above it after rounding, half a cent below the floor is not below it.
        for price, allowed in (("200.005", False), ("49.995", True), ("60.005", True)):
            beta.refresh_from_db()
            (outcome,) = price_apply(
                actor=market.holding.actor, changes=[PriceChange(beta.pk, Decimal(price), beta.version, "", True)]
            )
            assert outcome.accepted is allowed
        market.work()
    assert sent == [(Decimal("60.01"), "CAD")]


def test_i11_without_a_known_fee_no_floor_on_the_net_is_promised(market: Market) -> None:
    FeeVersion.objects.filter(platform="beta").delete()
    market.beta.lacks = frozenset({Capability.PREVIEW})
    with pytest.raises(InvalidInput) as caught:
        market.publish(price="60.00", floor_basis="net")
    assert [problem.field for problem in caught.value.problems] == ["floor_basis"]
    assert not Listing.objects.exists()


def test_i11_the_floor_is_on_the_net_when_the_holder_says_so(market: Market) -> None:
    with pytest.raises(InvalidInput):
        market.publish(price="55.00", floor_basis="net")  # 10 % fee leaves 49.50
    alpha, _ = market.published(price="60.00", floor_basis="net")
    with pytest.raises(InvalidInput):
        reprice(market, alpha, "55.00")
    assert reprice(market, alpha, "55.56").price == Decimal("55.56")


def test_a_stale_version_is_dropped(market: Market) -> None:
    alpha, _ = market.published()
    reprice(market, alpha, "80.00")
    with pytest.raises(StaleVersion):
        reprice(market, alpha, "70.00")
    alpha.refresh_from_db()
    assert alpha.price == Decimal("80.00")


def test_i13_a_listing_with_a_held_seat_or_a_push_in_flight_is_not_priced(market: Market) -> None:
    alpha, beta = market.published()
    reprice(market, beta, "80.00")
    assert command_claim() is not None
    beta.refresh_from_db()
    with pytest.raises(Conflict):
        reprice(market, beta, "79.00")
    sale = market.alpha.sell(alpha.external_id, (1,), state=RemoteSaleState.PROVISIONAL)
    market.webhook(sale, kind="provisional_sale")
    alpha.refresh_from_db()
    with pytest.raises(Conflict):
        reprice(market, alpha, "80.00")


@pytest.mark.parametrize("kind", ["create", "reprice"])
def test_i13_while_a_push_is_in_flight_no_price_is_taken(market: Market, kind: str) -> None:
    if kind == "create":
        market.publish(account_ids=[market.accounts["alpha"].pk])
    else:
        reprice(market, market.published()[0], "80.00")
    claimed = command_claim()
    assert claimed is not None
    assert claimed.kind == kind
    listing = Listing.objects.get(commands=claimed)
    before = listing.price
    with pytest.raises(Conflict, match="on its way"):
        reprice(market, listing, "79.00")
    listing.refresh_from_db()
    assert listing.price == before


@pytest.mark.parametrize("sold", [
    {"state": RemoteSaleState.PROVISIONAL}, {"state": RemoteSaleState.AWAITING_CONFIRM}, {"tell_seats": False},
])  # fmt: skip
def test_i13_what_is_left_is_not_priced_while_the_sale_is_not_settled(market: Market, sold: dict[str, Any]) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), **sold))
    # The rest stays on offer, also where it would have come down.
    Listing.objects.filter(pk=alpha.pk).update(status="active")
    alpha.refresh_from_db()
    with pytest.raises(Conflict, match="not settled"):
        reprice(market, alpha, "80.00")


@pytest.mark.parametrize("state", [OwnerState.HELD, OwnerState.SOLD])
def test_i13_a_listing_of_a_seat_that_is_held_or_sold_is_not_priced(market: Market, state: str) -> None:
    alpha, _ = market.published()
    Seat.objects.filter(pk=market.holding.seats[-1].pk).update(state=state)
    with pytest.raises(Conflict, match="not settled"):
        reprice(market, alpha, "80.00")


def test_i15_a_large_step_asks_a_person_and_stops_a_machine(market: Market, travel: time_machine.Traveller) -> None:
    alpha, _ = market.published()
    with pytest.raises(InvalidInput, match="29 % away") as refused:
        reprice(market, alpha, "60.00")
    assert refused.value.problems[0].field == "confirmed"
    machine = Actor(ActorKind.RULE, "rule-1", alpha.tenant_id)
    travel.shift(timedelta(hours=1))
    change = PriceChange(alpha.pk, Decimal("60.00"), confirmed=True, grounds=Grounds(scheduled=True))
    (outcome,) = price_apply(actor=machine, changes=[change])
    assert (outcome.accepted, outcome.refusal and outcome.refusal.guard) == (False, "max_step")
    assert reprice(market, alpha, "60.00", confirmed=True).price == Decimal("60.00")


def test_every_proposal_is_kept_with_its_verdicts_and_actor(market: Market) -> None:
    alpha, _ = market.published()
    reprice(market, alpha, "80.00", reason="slow")
    proposal = PriceProposal.objects.get()
    assert (proposal.accepted, proposal.previous_price, proposal.proposed_price, proposal.reason) == (
        True, Decimal("84.00"), Decimal("80.00"), "slow",
    )  # fmt: skip
    keys = [verdict["guard"] for verdict in proposal.verdicts]
    assert keys == [
        "version", "status", "sale", "in_flight", "halted", "raise_only", "floor", "net_floor", "ceiling",
        "event_bounds", "least_price", "change_budget", "dwell_time", "manual_price", "market_data", "max_step",
    ]  # fmt: skip


def test_a_batch_is_judged_one_by_one(market: Market) -> None:
    alpha, beta = market.published()
    outcomes = price_apply(
        actor=market.holding.actor,
        changes=[
            PriceChange(alpha.pk, Decimal("90.00"), alpha.version), PriceChange(beta.pk, Decimal("1.00"), beta.version),
        ],
    )  # fmt: skip
    assert [outcome.accepted for outcome in outcomes] == [True, False]
    assert [outcome.listing_id for outcome in outcomes] == [alpha.pk, beta.pk]


def test_the_door_stays_shut_where_a_guard_is_missing(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, _ = market.published()
    monkeypatch.setattr(guards, "_makers", [])
    with pytest.raises(Conflict, match="max_step"):
        reprice(market, alpha, "80.00")


def brake(market: Market, state: str) -> None:
    trading_state_set(
        actor=market.holding.actor, scope="holder", scope_id=market.holding.user.pk, state=state, reason="test"
    )


def test_i19_halted_stops_prices_and_publishing_and_never_a_delist(market: Market) -> None:
    alpha, beta = market.published()
    brake(market, TradingStateKind.HALTED)
    brake(market, TradingStateKind.HALTED)  # idempotent
    with pytest.raises(InvalidInput, match=r"Trading is halted \(test\)\.") as refused:
        reprice(market, alpha, "85.00")
    assert refused.value.problems[0].remedy == "Its holder resumes trading under Settings, Selling."
    other_game = market.holding.seats_of(market.holding.games[-1])
    with pytest.raises(Conflict, match=r"Trading is halted \(test\)\.") as refused_too:
        market.publish(other_game)
    assert refused_too.value.problems[0].remedy == "Its holder resumes trading under Settings, Selling."
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    assert market.beta.shown() == []
    listings_delist(actor=market.holding.actor, listing_ids=[beta.pk])


def test_i19_of_two_brakes_the_stricter_one_applies_and_one_that_is_set_again_changes(market: Market) -> None:
    alpha, _ = market.published()
    brake(market, TradingStateKind.HALTED)
    trading_state_set(
        actor=market.holding.actor, scope="account", scope_id=alpha.account_id, state="ACTIVE", reason="this one"
    )
    with pytest.raises(InvalidInput, match="halted"):
        reprice(market, alpha, "85.00")
    brake(market, TradingStateKind.ACTIVE)
    assert TradingState.objects.filter(scope="holder").count() == 1
    assert reprice(market, alpha, "85.00").price == Decimal("85.00")


@pytest.mark.parametrize("scope", ["holder", "account", "season", "game"])
def test_i19_a_brake_of_any_scope_stops_what_lies_in_it_and_nothing_else(market: Market, scope: str) -> None:
    alpha, beta = market.published(market.holding.seats[:2])
    ids = {
        "holder": market.holding.user.pk, "account": alpha.account_id, "season": market.holding.ticket.pk,
        "game": market.holding.game.pk,
    }  # fmt: skip
    trading_state_set(
        actor=market.holding.actor, scope=scope, scope_id=ids[scope], state="HALTED", reason="test",
        season_ticket_id=market.holding.ticket.pk if scope == "game" else None,
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="halted"):
        reprice(market, alpha, "85.00")
    with pytest.raises(Conflict, match="halted"):
        market.publish(market.holding.seats[2:])
    if scope == "account":
        assert reprice(market, beta, "85.00").price == Decimal("85.00")
    if scope in {"account", "game"}:
        free = market.holding.seats_of(market.holding.games[-1])
        assert len(market.publish(free, account_ids=[beta.account_id])) == 1


def test_i19_nobody_of_another_tenant_touches_a_holders_brake(market: Market) -> None:
    alpha, _ = market.published()
    brake(market, TradingStateKind.HALTED)
    elsewhere = TenantFactory.create()
    _, stranger = person("support@elsewhere.example", elsewhere, role=Role.SUPPORT, staff=True)
    for state in ("ACTIVE", "HALTED"):
        with pytest.raises(NotFound):
            trading_state_set(
                actor=stranger, scope="holder", scope_id=market.holding.user.pk, state=state, reason="mine"
            )
    # One who is a member of both brakes here what he holds here.
    MembershipFactory.create(user=market.holding.user, tenant=elsewhere)
    both = actor_for(market.holding.user, elsewhere.pk)
    trading_state_set(actor=both, scope="holder", scope_id=market.holding.user.pk, state="ACTIVE", reason="there")
    with pytest.raises(InvalidInput, match="halted"):
        reprice(market, alpha, "85.00")


def test_i19_raise_only_and_no_new_listings(market: Market) -> None:
    alpha, _ = market.published()
    brake(market, TradingStateKind.RAISE_ONLY)
    with pytest.raises(InvalidInput, match="only rise"):
        reprice(market, alpha, "83.99")
    assert reprice(market, alpha, "85.00").price == Decimal("85.00")
    brake(market, TradingStateKind.NO_NEW_LISTINGS)
    with pytest.raises(Conflict, match=r"^Trading takes no new listings \(test\)\.$"):
        market.publish(market.holding.seats_of(market.holding.games[-1]))


def test_i19_each_of_two_brakes_stops_what_it_says(market: Market) -> None:
    """A stricter one beside it lifts nothing: neither for what is decided now, nor for what waits to be sent."""
    alpha, _ = market.published()
    brake(market, TradingStateKind.RAISE_ONLY)
    holding = market.holding
    trading_state_set(
        actor=holding.actor, scope="season", scope_id=holding.ticket.pk, state="NO_NEW_LISTINGS", reason="enough"
    )
    with pytest.raises(InvalidInput, match="only rise"):
        reprice(market, alpha, "83.99")
    with pytest.raises(Conflict):
        market.publish(holding.seats_of(holding.games[-1]))
    Listing.objects.filter(pk=alpha.pk).update(price=Decimal("70.00"))
    alpha.refresh_from_db()
    assert reprice_held_back(alpha) == "waiting: trading only raises prices"
    assert create_held_back(alpha) == "waiting: trading takes no new listings"


def test_a_batch_gives_each_listing_one_price(market: Market) -> None:
    """The first of two would vanish without a proposal."""
    alpha, _ = market.published()
    twice = [PriceChange(alpha.pk, Decimal(price), None, "", False) for price in ("80.00", "81.00")]
    with pytest.raises(InvalidInput, match="named twice"):
        price_apply(actor=market.holding.actor, changes=twice)
    assert not PriceProposal.objects.exists()


@pytest.mark.parametrize(("state", "said"), [
    ("ACTIVE", "is active"), ("RAISE_ONLY", "only raises prices"), ("NO_NEW_LISTINGS", "takes no new listings"),
    ("HALTED", "is halted"),
])  # fmt: skip
def test_every_trading_state_ends_a_sentence(state: str, said: str) -> None:
    assert {kind.value: kind.does for kind in TradingStateKind}[state] == said


def test_strangers_see_nothing_and_viewers_change_nothing(market: Market) -> None:
    alpha, _ = market.published()
    for actor in (market.holding.other, market.holding.outsider):
        with pytest.raises(NotFound):
            reprice(market, alpha, "80.00", actor=actor)
        with pytest.raises(NotFound):
            listings_delist(actor=actor, listing_ids=[alpha.pk])
    with pytest.raises(NotAllowed):
        reprice(market, alpha, "80.00", actor=market.holding.viewer)
    assert reprice(market, alpha, "80.00", actor=market.holding.co_owner).price == Decimal("80.00")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("floor", {"floor": Decimal("0.00")}),
        ("ceiling", {"ceiling": Decimal("40.00")}),
        ("price", {"price": "20.00"}),
        ("split_type", {"split_type": "thirds"}),
        ("floor_basis", {"floor_basis": "gross"}),
        ("seats", {"seat_ids": []}),
        ("accounts", {"account_ids": []}),
    ],
)
def test_bad_input_names_the_field_and_creates_nothing(market: Market, field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        market.publish(**changes)
    assert {problem.field for problem in caught.value.problems} == {field}
    assert (Listing.objects.count(), MarketplaceCommand.objects.count()) == (0, 0)


@pytest.mark.parametrize("state", sorted(set(OwnerState) - {OwnerState.AVAILABLE}))
def test_i01_a_seat_that_somebody_has_cannot_be_listed(market: Market, state: OwnerState) -> None:
    """Wherever it lies among the others."""
    Seat.objects.filter(pk=market.holding.seats[-1].pk).update(state=state)
    with pytest.raises(Conflict, match=state.label):
        market.publish()
    assert (Listing.objects.count(), MarketplaceCommand.objects.count()) == (0, 0)


def test_the_same_seats_are_listed_once_on_an_account(market: Market) -> None:
    market.published()
    with pytest.raises(Conflict, match="already"):
        market.publish(market.holding.seats[:2])


def test_i01_a_listed_seat_cannot_be_given_away(market: Market) -> None:
    market.published()
    with pytest.raises(Conflict, match="listed"):
        seats_set_state(
            actor=market.holding.actor, seat_ids=[market.holding.seats[0].pk], to_state="donated", reason="x"
        )


def test_a_game_that_is_over_or_moved_cannot_be_listed(market: Market) -> None:
    with pytest.raises(Conflict):
        market.publish(market.holding.seats_of(market.holding.games[0]))
    market.holding.game.status = GameStatus.POSTPONED
    market.holding.game.save()
    with pytest.raises(Conflict):
        market.publish()


def test_i20_paper_reaches_only_the_simulator_and_live_never_does(
    monkeypatch: pytest.MonkeyPatch, market: Market, settings: Settings
) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9100"
    assert base_url_for("alpha", Mode.PAPER) == "http://127.0.0.1:9100/alpha"
    monkeypatch.setenv("ALPHA_BASE_URL", "https://evil.example")
    assert base_url_for("alpha", Mode.PAPER) == "http://127.0.0.1:9100/alpha"
    assert base_url_for("alpha", Mode.LIVE) == "https://evil.example"
    monkeypatch.setenv("ALPHA_BASE_URL", "http://127.0.0.1:9100/alpha")
    with pytest.raises(PermanentError):
        base_url_for("alpha", Mode.LIVE)
    alpha, _ = market.published()
    assert alpha.mode == Mode.PAPER


def audited(verb: str) -> tuple[str, str, str, str, dict[str, Any] | None]:
    """Who did it, in which request, to what, and why; before and after."""
    entry = AuditEntry.objects.get(verb=verb)
    return entry.actor_id, entry.request_id, entry.object_id, entry.reason, audit_read(entry)


def test_i35_a_publication_is_in_the_audit_with_who_where_and_at_what_price(market: Market) -> None:
    alpha, _ = market.publish()
    after = {"platforms": ["alpha", "beta"], "price": "84.00", "floor": "50.00", "ceiling": "200.00",
             "list_until": None}  # fmt: skip
    assert audited("listing.publish") == (
        str(market.holding.user.pk), "request-1", str(alpha.seat_group_id), "", {"before": None, "after": after},
    )  # fmt: skip


def test_i35_a_price_is_in_the_audit_with_what_it_was_who_changed_it_and_why(market: Market) -> None:
    alpha, _ = market.published()
    reprice(market, alpha, "80.00", reason="slow", actor=market.holding.co_owner)
    assert audited("listing.reprice") == (
        str(market.holding.co_owner.user_id), "request-1", str(alpha.pk), "slow",
        {"before": {"price": "84.00"}, "after": {"price": "80.00"}},
    )  # fmt: skip


def test_i35_taking_down_is_in_the_audit_with_who_did_it_and_why(market: Market) -> None:
    alpha, _ = market.published()
    listings_delist(actor=market.holding.actor, listing_ids=[alpha.pk], reason="we go")
    assert audited("listing.delist") == (
        str(market.holding.user.pk), "request-1", str(alpha.pk), "we go",
        {"before": {"status": "active"}, "after": {"status": "delisting"}},
    )  # fmt: skip


def test_i35_what_was_refused_is_not_in_the_audit(market: Market) -> None:
    alpha, _ = market.published()
    with pytest.raises(InvalidInput):
        reprice(market, alpha, "1.00")
    assert not AuditEntry.objects.filter(verb="listing.reprice").exists()


@pytest.mark.parametrize(
    ("price", "reaches"), [("84.15", "75.73"), ("64.25", "57.82"), ("99.99", "89.99"), ("48.75", "43.87")]
)
def test_i25_what_reaches_the_seller_is_exact_and_rounded_once(market: Market, price: str, reaches: str) -> None:
    """The fee is what is rounded, as marketplaces tell it: 10 % of 48.75 is 4.88."""
    proceeds = proceeds_at(Decimal(price), fee_version("alpha"))
    assert (type(proceeds), str(proceeds)) == (Decimal, reaches)
    alpha, _ = market.published(price=price, floor=Decimal("20.00"))
    assert alpha.proceeds == Decimal(reaches)


def test_i20_live_selling_needs_an_approved_identity(market: Market) -> None:
    account = market.accounts["alpha"]
    account.mode = Mode.LIVE
    account.save()
    with pytest.raises(NotAllowed):
        market.publish()


def test_a_games_brake_is_shown_to_those_who_share_the_ticket_and_to_nobody_else(market: Market) -> None:
    people = market.holding
    trading_state_set(
        actor=people.actor, scope="game", scope_id=people.game.pk, season_ticket_id=people.ticket.pk, state="HALTED",
        reason="rain",
    )  # fmt: skip
    seen = {name: trading_states(getattr(people, name)).count() for name in ("actor", "co_owner", "other", "outsider")}
    assert seen == {"actor": 1, "co_owner": 1, "other": 0, "outsider": 0}


def test_i19_a_brake_whose_end_has_passed_does_not_apply(market: Market) -> None:
    listing, _ = market.published()
    people, ended = market.holding, now() - timedelta(seconds=1)
    trading_state_set(actor=people.actor, scope="holder", scope_id=people.user.pk, state="HALTED", reason="x")

    def halted() -> list[bool]:
        both = brakes_on(people.ticket, game_id=people.game.pk), brakes_for([listing])[listing.pk]
        return [found.halts is not None for found in both]

    assert halted() == [True, True]
    TradingState.objects.update(until=now() + timedelta(hours=1))
    assert halted() == [True, True]
    TradingState.objects.update(until=ended)
    assert halted() == [False, False]
    listing_reprice(actor=people.actor, listing_id=listing.pk, price=Decimal("80.00"), version=listing.version)
    listing.refresh_from_db()
    assert listing.price == Decimal("80.00")


@pytest.mark.parametrize(("status", "remedy"), [
    ("sold", "It is sold, and nothing is to be done."),
    ("cancelled", "Publish it again at the price that you want."),
    ("error", "Look at why it was not published, and mend that first."),
])  # fmt: skip
def test_i13_a_status_that_takes_no_price_says_what_there_is_to_do(market: Market, status: str, remedy: str) -> None:
    alpha, _ = market.published()
    Listing.objects.filter(pk=alpha.pk).update(status=status)
    with pytest.raises(Conflict) as caught:
        reprice(market, alpha, "80.00")
    assert caught.value.problems[0].remedy == remedy
