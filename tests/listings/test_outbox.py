"""The outbox: whatever the marketplace answers and wherever a worker dies, commands end where they must."""

from datetime import timedelta
from decimal import Decimal

import pytest
import structlog
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from listings.models import CommandState, Listing, MarketplaceCommand, PriceHistory, Sale, SaleState
from listings.selectors import offered_among
from listings.services import execute as execution
from listings.services import outbox
from listings.services.delist import listings_delist
from listings.services.events import event_learn
from listings.services.execute import execute
from listings.services.outbox import command_claim, command_retry, commands_drain, leases_reap
from listings.services.pricing import listing_reprice
from listings.services.record import Answer, Outcome, record
from marketplaces.errors import OURS, GrantExpired, PermanentError, TemporaryError, UnknownOutcome
from marketplaces.models import LimitVersion, MarketplaceAccount
from marketplaces.selectors import RETRIES
from marketplaces.services import limits
from portfolios.models import OwnerState, Seat
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, NotFound
from seatsync.core.limiters import valkey
from seatsync.live.models import Alert
from tests.listings.simulated import settled
from tests.market import Market

MOST_ATTEMPTS = RETRIES[False].most_tries
pytestmark = pytest.mark.django_db


def only(market: Market, key: str = "alpha") -> Listing:
    """One listing, on one platform."""
    (listing,) = market.publish(account_ids=[market.accounts[key].pk])
    return listing


def due_now() -> None:
    MarketplaceCommand.objects.update(not_before=now())


def test_publishing_is_written_down_before_anything_is_sent(market: Market) -> None:
    listing = only(market)
    command = MarketplaceCommand.objects.get()
    assert (command.kind, command.state, market.alpha.calls) == ("create", "pending", [])
    market.work()
    listing.refresh_from_db()
    command.refresh_from_db()
    assert (listing.status, listing.live_price, command.state) == ("active", Decimal("84.00"), "done")
    assert PriceHistory.objects.get().price == Decimal("84.00")


def test_a_temporary_error_is_tried_again_later(market: Market) -> None:
    only(market)
    market.alpha.script["create"] = [TemporaryError("busy", status=429, retry_after_s=30)]
    market.work()
    command = MarketplaceCommand.objects.get()
    assert (command.state, command.attempts, command.outcome_unknown) == ("pending", 1, False)
    assert command.not_before > now() + timedelta(seconds=25)
    due_now()
    market.work()
    assert MarketplaceCommand.objects.get().state == "done"


def test_i23_a_lost_answer_on_create_is_read_back_and_not_sent_twice(market: Market) -> None:
    listing = only(market)
    market.alpha.script_applied["create"] = [UnknownOutcome("timeout")]
    market.work()
    assert MarketplaceCommand.objects.get().outcome_unknown
    due_now()
    market.work()
    listing.refresh_from_db()
    assert listing.status == "active"
    assert [call for call, _ in market.alpha.calls] == ["create", "fetch"]


def test_i23_a_create_that_never_arrived_is_sent_after_reading_back(market: Market) -> None:
    only(market)
    market.alpha.script["create"] = [UnknownOutcome("timeout")]
    market.work()
    due_now()
    market.work()
    assert [call for call, _ in market.alpha.calls] == ["create", "fetch", "create"]


def test_i23_a_command_whose_worker_died_is_neither_done_nor_known_to_have_failed(market: Market) -> None:
    listing = only(market)
    assert command_claim() is not None
    MarketplaceCommand.objects.update(lease_until=now() - timedelta(seconds=1))
    assert leases_reap() == 1
    command = MarketplaceCommand.objects.get()
    assert (command.state, command.outcome_unknown, command.finished_at) == ("pending", True, None)
    market.work()
    listing.refresh_from_db()
    assert [call for call, _ in market.alpha.calls] == ["fetch", "create"]
    assert (listing.status, market.alpha.shown()) == ("active", [listing.external_id])


def test_i23_what_is_found_there_has_the_price_that_it_was_sent_with(market: Market) -> None:
    """Another one was decided while nobody knew whether it had arrived: that one is sent after it."""
    listing = only(market)
    market.alpha.script_applied["create"] = [UnknownOutcome("timeout")]
    market.work()
    listing_reprice(actor=market.holding.actor, listing_id=listing.pk, price=Decimal("90.00"), version=None)
    due_now()
    assert commands_drain(limit=1) == 1
    listing.refresh_from_db()
    assert (listing.status, listing.live_price, listing.price) == ("active", Decimal("84.00"), Decimal("90.00"))
    market.work()
    listing.refresh_from_db()
    assert listing.live_price == market.alpha.listings[listing.external_id].price == Decimal("90.00")
    assert list(PriceHistory.objects.order_by("time").values_list("price", flat=True)) == [84, 90]


def test_i23_what_was_not_read_back_yet_stays_unknown(market: Market) -> None:
    only(market)
    market.alpha.script_applied["create"] = [UnknownOutcome("timeout")]
    market.alpha.script["fetch"] = [TemporaryError("503")]
    for _ in range(3):
        due_now()
        market.work(rounds=1)
    assert [call for call, _ in market.alpha.calls] == ["create", "fetch", "fetch"]
    assert MarketplaceCommand.objects.get().state == "done"


def test_i23_what_a_person_sends_again_is_read_back_first(market: Market) -> None:
    only(market)
    market.alpha.script_applied["create"] = [PermanentError("400, after it was taken", status=400)]
    market.work()
    command_retry(actor=market.holding.actor, command_id=MarketplaceCommand.objects.get().pk)
    market.work()
    assert [call for call, _ in market.alpha.calls] == ["create", "fetch"]
    assert MarketplaceCommand.objects.get().state == "done"


def test_i23_an_outcome_that_is_unknown_stays_so_whoever_sends_it_again(market: Market) -> None:
    """Also who says that nothing needs to be read back, because what was refused last was never taken."""
    only(market)
    market.alpha.script_applied["create"] = [UnknownOutcome("timeout")]
    market.work()
    MarketplaceCommand.objects.update(state=CommandState.NEEDS_PERSON)
    command = MarketplaceCommand.objects.get()
    command_retry(actor=market.holding.actor, command_id=command.pk, read_back=False)
    market.work()
    assert [call for call, _ in market.alpha.calls] == ["create", "fetch"]
    assert len(market.alpha.shown()) == 1


def test_i23_what_is_read_back_is_looked_for_by_our_own_id(market: Market) -> None:
    listing = only(market)
    market.alpha.script_applied["create"] = [UnknownOutcome("timeout")]
    market.work()
    due_now()
    market.work()
    assert market.alpha.calls[-1] == ("fetch", listing.external_id)
    listing.refresh_from_db()
    there = market.alpha.listings[listing.external_id]
    assert (listing.listing_id, listing.live_price) == (there.listing_id, there.price)


def test_a_refusal_needs_a_person_and_says_why(market: Market) -> None:
    listing = only(market)
    market.alpha.script["create"] = [PermanentError("400 bad section", status=400)]
    market.work()
    listing.refresh_from_db()
    command = MarketplaceCommand.objects.get()
    assert (listing.status, command.state) == ("error", "needs_person")
    assert "bad section" in listing.status_reason
    assert Alert.objects.filter(kind="command.needs_person").exists()
    for stranger in (market.holding.other, market.holding.outsider):
        with pytest.raises(NotFound):
            command_retry(actor=stranger, command_id=command.pk)
    command_retry(actor=market.holding.actor, command_id=command.pk)
    market.work()
    listing.refresh_from_db()
    assert listing.status == "active"
    with pytest.raises(Conflict):
        command_retry(actor=market.holding.actor, command_id=command.pk)


def test_too_many_failures_need_a_person(market: Market) -> None:
    only(market)
    market.alpha.script["create"] = [TemporaryError("busy")] * MOST_ATTEMPTS
    for _ in range(MOST_ATTEMPTS):
        due_now()
        market.work(rounds=1)
    assert MarketplaceCommand.objects.get().state == "needs_person"


def test_a_last_try_of_unknown_outcome_leaves_a_create_that_may_be_there(market: Market) -> None:
    listing = only(market)
    market.alpha.script["create"] = [TemporaryError("busy")] * (MOST_ATTEMPTS - 1)
    market.alpha.script_applied["create"] = [UnknownOutcome("timeout")]
    for _ in range(MOST_ATTEMPTS):
        due_now()
        market.work(rounds=1)
    command = MarketplaceCommand.objects.get()
    assert (command.state, command.outcome_unknown) == ("needs_person", True)
    assert market.alpha.shown() == [listing.external_id]
    assert offered_among([seat.pk for seat in market.holding.seats]) == {seat.pk for seat in market.holding.seats}


def test_a_withdrawn_create_forgets_no_outcome_that_is_unknown(market: Market) -> None:
    listing = only(market)
    market.alpha.script_applied["create"] = [UnknownOutcome("timeout")]
    market.work()
    due_now()
    claimed = command_claim()
    assert claimed is not None
    listings_delist(actor=market.holding.actor, listing_ids=[listing.pk])
    record(claimed, execute(claimed))
    claimed.refresh_from_db()
    assert (claimed.state, claimed.outcome_unknown) == ("superseded", True)


def test_i23_our_own_fault_counts_as_an_attempt_of_unknown_outcome(market: Market) -> None:
    only(market)
    market.alpha.script["create"] = [ZeroDivisionError("a bug")]
    market.work()
    command = MarketplaceCommand.objects.get()
    assert (command.state, command.outcome_unknown, command.last_error) == ("pending", True, OURS)


def test_an_ended_grant_is_refreshed_then_asks_the_holder(market: Market) -> None:
    only(market)
    market.alpha.script["create"] = [GrantExpired("401"), GrantExpired("401")]
    market.work()
    assert Alert.objects.filter(kind="account.reconnect").exists()
    assert MarketplaceCommand.objects.get().state == "pending"
    due_now()
    market.work()
    assert MarketplaceCommand.objects.get().state == "done"


def test_i23_a_worker_killed_between_answer_and_record_is_finished_by_the_next(market: Market) -> None:
    listing = only(market)
    claimed = command_claim()
    assert claimed is not None
    execute(claimed)  # the marketplace has it; the worker dies before recording
    assert commands_drain() == 0  # its lease still runs: nobody else touches it
    MarketplaceCommand.objects.update(lease_until=now() - timedelta(seconds=1))
    market.work()
    listing.refresh_from_db()
    assert (listing.status, MarketplaceCommand.objects.get().state) == ("active", "done")
    assert [call for call, _ in market.alpha.calls] == ["create", "fetch"]


def test_i23_a_late_answer_is_kept_and_not_applied(market: Market) -> None:
    listing = only(market)
    claimed = command_claim()
    assert claimed is not None
    late = execute(claimed)
    MarketplaceCommand.objects.update(lease_until=now() - timedelta(seconds=1))
    assert leases_reap() == 1
    assert record(claimed, late) is False
    listing.refresh_from_db()
    command = MarketplaceCommand.objects.get()
    assert (listing.status, command.state, len(command.late_answers)) == ("publishing", "pending", 1)


def test_one_command_of_a_listing_is_in_flight(market: Market) -> None:
    only(market)
    market.work()
    listing = Listing.objects.get()
    listing_reprice(actor=market.holding.actor, listing_id=listing.pk, price=Decimal("80.00"), version=listing.version)
    first = command_claim()
    assert first is not None
    listings_delist(actor=market.holding.actor, listing_ids=[listing.pk])
    assert command_claim() is None
    assert record(first, execute(first))
    second = command_claim()
    assert second is not None
    assert second.kind == "delist"


def test_only_the_newest_price_is_sent(market: Market) -> None:
    only(market)
    market.work()
    for price in ("80.00", "79.00", "78.00"):
        listing = Listing.objects.get()
        listing_reprice(
            actor=market.holding.actor, listing_id=listing.pk, price=Decimal(price), version=listing.version
        )
    market.work()
    assert [call for call, _ in market.alpha.calls] == ["create", "reprice"]
    assert market.alpha.listings[Listing.objects.get().external_id].price == Decimal("78.00")
    states = MarketplaceCommand.objects.filter(kind="reprice").order_by("created_at").values_list("state", flat=True)
    assert list(states) == ["superseded", "superseded", "done"]


def test_taking_down_what_was_never_sent_sends_nothing(market: Market) -> None:
    listing = only(market)
    listings_delist(actor=market.holding.actor, listing_ids=[listing.pk])
    market.work()
    listing.refresh_from_db()
    assert (listing.status, market.alpha.calls) == ("cancelled", [])


def test_i23_taking_down_what_may_have_arrived_sends_the_delist(market: Market) -> None:
    listing = only(market)
    market.alpha.script_applied["create"] = [UnknownOutcome("timeout")]
    market.work()
    listings_delist(actor=market.holding.actor, listing_ids=[listing.pk])
    market.work()
    listing.refresh_from_db()
    assert (listing.status, market.alpha.shown()) == ("cancelled", [])


def test_i23_taking_down_what_was_refused_and_taken_all_the_same_sends_the_delist(market: Market) -> None:
    """A marketplace's no to a publication is not believed so far that its listing could stay up for ever."""
    listing = only(market)
    market.alpha.script_applied["create"] = [PermanentError("400, after it was taken", status=400)]
    market.work()
    assert market.alpha.shown() == [listing.external_id]
    listings_delist(actor=market.holding.actor, listing_ids=[listing.pk])
    market.work()
    listing.refresh_from_db()
    assert (listing.status, market.alpha.shown()) == ("cancelled", [])


def test_i03_a_delist_is_verified_and_repeated_where_it_shows_again(market: Market) -> None:
    listing = only(market)
    market.work()
    settled()
    back = market.alpha.listings[listing.external_id]
    listings_delist(actor=market.holding.actor, listing_ids=[listing.pk])
    delist = command_claim()
    assert delist is not None
    assert record(delist, execute(delist))
    market.alpha.listings[listing.external_id] = back
    market.work()
    listing.refresh_from_db()
    assert market.alpha.shown() == []
    assert listing.gone_verified_at is not None


def test_the_second_marketplace_answers_500_for_a_while_and_nothing_is_lost(market: Market) -> None:
    alpha, beta = market.published()
    market.beta.script["delist"] = [UnknownOutcome("500"), UnknownOutcome("500"), TemporaryError("503")]
    sale = market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    market.webhook(sale)
    market.webhook(sale)
    for _ in range(6):
        due_now()
        market.work(rounds=2)
    market.webhook(sale)  # once more, late
    beta.refresh_from_db()
    assert (Sale.objects.count(), Sale.objects.get().state, beta.status) == (1, SaleState.CONFIRMED, "cancelled")
    assert market.beta.shown() == []
    assert Sale.objects.get().notice_to_last_delist_ms is not None
    assert set(Seat.objects.filter(game=market.holding.game).values_list("state", flat=True)) == {OwnerState.SOLD}


@pytest.mark.parametrize(("asked", "longest"), [(86_400.0, 10.0), (2.0, 2.0)])
def test_what_takes_a_listing_down_waits_no_longer_than_it_may_whatever_is_asked(
    market: Market, asked: float, longest: float
) -> None:
    alpha, _ = market.published()
    market.alpha.script["delist"] = [TemporaryError("429", retry_after_s=asked)]
    listings_delist(actor=market.holding.actor, listing_ids=[alpha.pk])
    commands_drain()
    command = MarketplaceCommand.objects.get(listing=alpha, kind="delist")
    assert timedelta(0) < command.not_before - command.updated_at <= timedelta(seconds=longest)


def test_a_delist_that_took_months_is_noted(market: Market) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    Sale.objects.update(noticed_at=now() - timedelta(days=60))
    market.work()
    assert (Sale.objects.get().notice_to_last_delist_ms or 0) > 2**31


def test_urgent_commands_find_tokens_that_ordinary_ones_may_not_take(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, beta = market.published()
    # Three tokens and hardly a refill: one for ordinary work, two kept for what cannot wait.
    monkeypatch.setattr(limits, "limit_kept", lambda platform: (0.001, 3, 2))
    for price, state in (("80.00", "done"), ("79.00", "pending")):
        beta.refresh_from_db()
        listing_reprice(actor=market.holding.actor, listing_id=beta.pk, price=Decimal(price), version=beta.version)
        commands_drain()
        newest = MarketplaceCommand.objects.filter(listing=beta, kind="reprice").order_by("-created_at").first()
        assert newest is not None
        assert newest.state == state
    listings_delist(actor=market.holding.actor, listing_ids=[beta.pk])
    commands_drain()
    assert market.beta.shown() == []


def test_a_limit_that_lets_nothing_through_holds_nobody_else_up(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, beta = market.published()
    listings_delist(actor=market.holding.actor, listing_ids=[alpha.pk, beta.pk])
    with monkeypatch.context() as patch:
        patch.setattr(limits, "limit_kept", lambda platform: (1.0, 0, 0) if platform == "alpha" else (50.0, 50, 1))
        market.work()
    assert (market.alpha.shown(), market.beta.shown()) == ([alpha.external_id], [])
    waiting = MarketplaceCommand.objects.get(listing=alpha, kind="delist")
    assert (waiting.state, waiting.last_error) == ("pending", "the limit of its marketplace lets nothing through")
    market.hurry()
    market.work()
    assert market.alpha.shown() == []


def test_a_limit_lets_something_through() -> None:
    row = LimitVersion(
        platform="alpha", per_second=Decimal(1), burst=0, valid_from=now().date(), source="x", checked_on=now().date()
    )
    with pytest.raises(ValidationError, match="limit_burst_positive"):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_what_is_for_a_marketplace_without_an_adapter_ends_with_a_person_and_holds_nobody_up(market: Market) -> None:
    market.publish()
    MarketplaceAccount.objects.filter(platform="alpha").update(platform="removed")
    market.work()
    assert len(market.beta.shown()) == 1
    for _ in range(MOST_ATTEMPTS):
        valkey().flushdb()  # its limit is a low one
        market.hurry()
        market.work()
    assert MarketplaceCommand.objects.get(account__platform="removed").state == CommandState.NEEDS_PERSON


def test_claims_and_records_never_hold_locks_while_talking(market: Market) -> None:
    only(market)
    claimed = command_claim()
    assert claimed is not None
    with transaction.atomic():
        assert (
            MarketplaceCommand.objects.select_for_update(nowait=True).get(pk=claimed.pk).state == CommandState.IN_FLIGHT
        )


def test_i23_the_answer_of_an_old_claim_is_not_taken_for_the_new_ones(market: Market) -> None:
    listing = only(market)
    old = command_claim()
    assert old is not None
    late = execute(old)
    MarketplaceCommand.objects.update(lease_until=now() - timedelta(seconds=1))
    assert leases_reap() == 1
    new = command_claim()
    assert new is not None
    assert (new.pk, new.fence) == (old.pk, old.fence + 1)
    assert record(old, late) is False
    listing.refresh_from_db()
    command = MarketplaceCommand.objects.get()
    assert (listing.status, command.state, command.fence) == ("publishing", "in_flight", new.fence)
    assert [answer["fence"] for answer in command.late_answers] == [old.fence]
    assert record(new, execute(new)) is True
    listing.refresh_from_db()
    assert (listing.status, MarketplaceCommand.objects.get().state) == ("active", "done")


@pytest.mark.parametrize("status", ["sold", "cancelled", "delisting"])
def test_i23_a_create_that_answers_late_does_not_revive_what_was_sold_or_withdrawn(market: Market, status: str) -> None:
    listing = only(market)
    claimed = command_claim()
    assert claimed is not None
    answer = execute(claimed)
    Listing.objects.filter(pk=listing.pk).update(status=status)
    assert record(claimed, answer) is True
    listing.refresh_from_db()
    # Its id there is kept: without it nothing can be taken down.
    assert (listing.status, listing.listing_id) == (status, market.alpha.listings[listing.external_id].listing_id)


@pytest.mark.parametrize("kind", ["reprice", "resize"])
def test_price_and_size_wait_for_their_create(market: Market, kind: str) -> None:
    listing = only(market)
    create = MarketplaceCommand.objects.get()
    MarketplaceCommand.objects.filter(pk=create.pk).update(not_before=now() + timedelta(minutes=5))
    change = MarketplaceCommand.objects.create(
        tenant_id=listing.tenant_id, account=listing.account, listing=listing, kind=kind, idempotency_key="change",
        payload=create.payload, not_before=now(),
    )  # fmt: skip
    assert command_claim() is None
    due_now()
    first = command_claim()
    assert first is not None
    assert first.pk == create.pk
    record(first, execute(first))
    second = command_claim()
    assert second is not None
    assert second.pk == change.pk


def test_i02_a_size_of_what_sold_out_after_it_was_claimed_is_not_sent(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.beta.sell(beta.external_id, (4,)), platform=market.beta)
    claimed = command_claim()
    assert claimed is not None
    assert (claimed.listing_id, claimed.kind) == (alpha.pk, "resize")
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3)))
    assert execute(claimed).outcome is Outcome.NOT_WANTED
    assert ("resize", alpha.external_id) not in market.alpha.calls


@pytest.mark.parametrize("kind", ["create", "resize"])
def test_i02_what_is_sold_while_it_is_being_sent_is_never_sent_without_seats(
    market: Market, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    there, here = market.publish()
    if there.platform == "alpha":
        there, here = here, there
    MarketplaceCommand.objects.filter(listing=here).update(not_before=now() + timedelta(minutes=5))
    market.work()
    if kind == "resize":
        due_now()
        market.work()
        MarketplaceCommand.objects.create(
            tenant_id=here.tenant_id, account=here.account, listing=here, kind=kind, idempotency_key="change",
            payload={}, not_before=now(),
        )  # fmt: skip
    due_now()
    claimed = command_claim()
    assert claimed is not None
    assert (claimed.listing_id, claimed.kind) == (here.pk, kind)
    seats = tuple(sorted(seat.seat_number for seat in market.holding.seats))

    def sold() -> bool:
        if not Sale.objects.exists():
            market.webhook(market.beta.sell(there.external_id, seats), platform=market.beta)
        return True

    sent: list[tuple[int, ...]] = []
    read = execution.listing_of
    learning = "listings.services.execute.event_learn"
    monkeypatch.setattr(learning, lambda *given: sold() and event_learn(*given))
    if kind == "resize":
        monkeypatch.setattr(execution, "listing_of", lambda command: (read(command), sold())[0])
    monkeypatch.setattr(market.alpha, "create", lambda _, draft: sent.append(draft.seats))
    monkeypatch.setattr(market.alpha, "resize", lambda _, __, offered: sent.append(offered))
    outcome = execute(claimed).outcome
    here.refresh_from_db()
    assert here.status in {"sold", "delisting", "cancelled"}
    assert () not in sent
    assert (outcome, sent) == ((Outcome.NOT_WANTED, []) if kind == "create" else (Outcome.DONE, [seats]))


def test_what_is_sent_for_a_command_is_named_by_this_try_of_it(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    market.publish(account_ids=[market.accounts["alpha"].pk])
    named: list[str] = []
    structlog.contextvars.clear_contextvars()
    market.alpha.script["create"] = [TemporaryError("busy")]

    def watched(command: MarketplaceCommand) -> Answer:
        named.append(structlog.contextvars.get_contextvars()["request_id"])
        return execute(command)

    monkeypatch.setattr(outbox, "execute", watched)
    for _ in range(2):
        market.work()
        MarketplaceCommand.objects.filter(state=CommandState.PENDING).update(not_before=now())
    command = MarketplaceCommand.objects.get(kind="create")
    assert named == [f"{command.pk.hex}.1", f"{command.pk.hex}.2"]
    assert "request_id" not in structlog.contextvars.get_contextvars()
