"""Several commands of a whole-account platform by one file: one upload, and each with its own claim and answer."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from listings.models import CommandKind, CommandState, Listing, ListingStatus, MarketplaceCommand, PriceHistory
from listings.services import together
from listings.services.delist import listings_delist
from listings.services.delivery_terms import delivery_terms_set
from listings.services.execute import execute
from listings.services.outbox import _mark_in_flight, carry_out, command_claim, commands_drain, leases_reap
from listings.services.pricing import listing_reprice
from listings.services.publish import listing_publish
from listings.services.record import record
from listings.services.seat_tickets import Entry, tickets_enter
from listings.services.together import execute_together, riders_claim
from listings.services.trading import trading_state_set
from marketplaces.adapters.gametime import adapter as gametime
from marketplaces.errors import PermanentError, TemporaryError, UnknownOutcome
from marketplaces.models import LimitVersion, MarketplaceAccount
from marketplaces.registry import adapter_get
from marketplaces.services.files import file_declare
from marketplaces.simulator.app import Simulator
from portfolios.models import Game
from seatsync.core.clock import now
from tests.builders import Holding
from tests.listings.simulated import control, settled, work

pytestmark = pytest.mark.django_db
UNSENT = (CommandState.PENDING, CommandState.IN_FLIGHT)


@pytest.fixture
def account(simulator: Simulator, holding: Holding) -> MarketplaceAccount:
    # As many tokens as are wanted: what is counted here are uploads.
    LimitVersion.objects.create(
        platform="gametime", per_second="1000", burst=1000, reserved=2, valid_from=date(2024, 1, 1), source="test",
        checked_on=date(2024, 1, 1),
    )  # fmt: skip
    made = control("accounts", platform="gametime")
    account = MarketplaceAccount.objects.create(
        tenant_id=holding.ticket.tenant_id, user=holding.user, platform="gametime", access_token=made["access_token"],
        account_id=made["account_id"], sales_synced_until=now(), stock_taken_at=now(),
    )  # fmt: skip
    file_declare(account, b"")
    return account


@pytest.fixture
def uploads(account: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every file that is sent."""
    sent: list[bytes] = []
    send = gametime._send

    def counted(link: Any, drop: Any, content: bytes) -> None:
        sent.append(content)
        send(link, drop, content)

    monkeypatch.setattr(gametime, "_send", counted)
    return sent


def games(holding: Holding) -> list[Game]:
    return [game for game in holding.games if game.starts_at > now()]


def offer(holding: Holding, account: MarketplaceAccount) -> list[Listing]:
    """Two listings of each coming game are written; nothing is sent."""
    made: list[Listing] = []
    for game in games(holding):
        seats = holding.seats_of(game)
        for pair in (seats[:2], seats[2:]):
            made += listing_publish(
                actor=holding.actor, seat_ids=[seat.pk for seat in pair], account_ids=[account.pk],
                price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
            )  # fmt: skip
    return made


def published(holding: Holding, account: MarketplaceAccount) -> list[Listing]:
    offer(holding, account)
    work()
    found = list(Listing.objects.order_by("pk"))
    assert {listing.status for listing in found} == {ListingStatus.ACTIVE}
    return found


def reprice(holding: Holding, listing: Listing, price: str) -> None:
    listing.refresh_from_db()
    listing_reprice(
        actor=holding.actor, listing_id=listing.pk, price=Decimal(price), version=listing.version, reason="",
        confirmed=True,
    )  # fmt: skip


def reprice_all(holding: Holding, listings: list[Listing]) -> dict[str, str]:
    """Each gets another price of its own; returns them by ticket id."""
    wanted = {listing.external_id: f"{90 + number}.00" for number, listing in enumerate(listings)}
    for listing in listings:
        reprice(holding, listing, wanted[listing.external_id])
    return wanted


def there(simulator: Simulator) -> dict[str, str]:
    """Prices in the file at Gametime, by ticket id."""
    (held,) = simulator.ledger.accounts.values()
    return {row["TicketID"]: row["Cost"] for row in csv.DictReader(io.StringIO(held.file, newline=""))}


def states(kind: str = CommandKind.REPRICE) -> list[str]:
    return sorted(set(MarketplaceCommand.objects.filter(kind=kind).values_list("state", flat=True)))


def test_many_prices_go_by_one_upload_and_each_is_answered(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, uploads: list[bytes]
) -> None:
    listings = published(holding, account)
    assert (len(listings), len(uploads)) == (10, 1), "the publications went together as well"
    wanted = reprice_all(holding, listings)
    uploads.clear()
    work()
    assert len(uploads) == 1
    assert there(simulator) == wanted
    assert states() == [CommandState.DONE]
    assert {one.external_id: f"{one.live_price}" for one in Listing.objects.all()} == wanted
    assert PriceHistory.objects.count() == 20
    commands = MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE)
    leading = commands.get(rides_with=None)
    assert set(commands.exclude(pk=leading.pk).values_list("rides_with", flat=True)) == {leading.pk}
    assert set(commands.values_list("attempts", "fence")) == {(1, 1)}


def test_each_is_judged_by_itself_before_the_file_is_made(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, uploads: list[bytes]
) -> None:
    listings = published(holding, account)
    reprice_all(holding, listings)
    braked, down = listings[2], listings[4]
    trading_state_set(
        actor=holding.actor, scope="game", scope_id=braked.game_id, state="HALTED", reason="later",
        season_ticket_id=holding.ticket.pk,
    )  # fmt: skip
    Listing.objects.filter(pk=down.pk).update(status=ListingStatus.CANCELLED)
    command = command_claim()
    assert command is not None
    assert carry_out(command) == 10
    by_listing = {one.listing_id: one for one in MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE)}
    halted = {one.pk for one in listings if one.game_id == braked.game_id}
    assert {pk for pk, one in by_listing.items() if one.last_error.startswith("waiting: trading")} == halted
    assert by_listing[down.pk].state == CommandState.SUPERSEDED
    others = set(by_listing) - halted - {down.pk}
    assert {by_listing[pk].state for pk in others} == {CommandState.DONE}
    shown = there(simulator)
    assert {shown[one.external_id] for one in listings if one.pk in halted} == {"84.00"}
    assert [by_listing[pk].attempts for pk in halted] == [0, 0], "what is held back was not tried"


def test_what_was_sold_or_taken_out_meanwhile_is_its_own_answer_alone(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, uploads: list[bytes]
) -> None:
    listings = published(holding, account)
    settled()
    wanted = reprice_all(holding, listings)
    sold, gone = listings[1], listings[3]
    control("sell", platform="gametime", external_id=sold.external_id, quantity=2)
    (held,) = simulator.ledger.accounts.values()
    held.file = "\r\n".join(line for line in held.file.split("\r\n") if gone.external_id not in line)
    command = command_claim()
    assert command is not None
    carry_out(command)
    assert there(simulator) == {key: price for key, price in wanted.items() if key not in {
        sold.external_id, gone.external_id
    }}  # fmt: skip
    sold.refresh_from_db()
    gone.refresh_from_db()
    assert (gone.status, gone.status_reason) == (ListingStatus.CANCELLED, "the marketplace no longer has it")
    assert sold.status_reason == "sold there before it could be taken down"
    assert states() == [CommandState.DONE]


def test_publications_and_prices_go_together_and_a_price_waits_for_its_own_publication(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, uploads: list[bytes]
) -> None:
    (first, *rest) = offer(holding, account)
    MarketplaceCommand.objects.exclude(listing=first).update(not_before=now() + timedelta(hours=1))
    work()
    assert len(there(simulator)) == 1
    MarketplaceCommand.objects.filter(state=CommandState.PENDING).update(not_before=now())
    reprice(holding, first, "95.00")
    reprice(holding, rest[0], "96.00")
    uploads.clear()
    work()
    prices = there(simulator)
    assert (len(prices), prices[first.external_id], prices[rest[0].external_id]) == (10, "95.00", "96.00")
    # A publication takes its price along; the price that was asked for it meanwhile finds it so.
    assert len(uploads) <= 2


def test_of_two_prices_of_one_listing_the_newest_is_sent(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, uploads: list[bytes]
) -> None:
    listings = published(holding, account)
    reprice_all(holding, listings)
    older = MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE, listing=listings[5]).get()
    # Not superseded, as where its worker died: it waits beside the newer one.
    reprice(holding, listings[5], "120.00")
    MarketplaceCommand.objects.filter(pk=older.pk).update(state=CommandState.PENDING, finished_at=None)
    uploads.clear()
    work()
    assert there(simulator)[listings[5].external_id] == "120.00"
    assert b"120.00" in uploads[0], "the newest went with the others; what is left of the older one sends it again"
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE, state__in=UNSENT).exists()


def test_i14_a_price_that_was_kept_and_did_not_arrive_does_not_arrive_with_anothers_file_once_it_is_over(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    priced, waiting, other = published(holding, account)[:3]
    settled()
    reprice(holding, priced, "100.00")
    reprice(holding, waiting, "101.00")

    def lost(link: Any, drop: Any, content: bytes) -> None:
        raise UnknownOutcome("no answer in time")

    with monkeypatch.context() as line:
        line.setattr(gametime, "_send", lost)
        command = command_claim()
        assert command is not None
        carry_out(command)
    reprice(holding, priced, "110.00")
    prices = MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE, state=CommandState.PENDING)
    prices.update(not_before=now() + timedelta(hours=1))
    listings_delist(actor=holding.actor, listing_ids=[other.pk])
    work()
    shown = there(simulator)
    assert other.external_id not in shown
    assert shown[priced.external_id] == "84.00", "100.00 is over, and the command of 110.00 has not gone yet"
    assert shown[waiting.external_id] == "101.00", "what is wanted still goes with the next file"
    prices.update(not_before=now())
    work()
    assert there(simulator)[priced.external_id] == "110.00"


@pytest.mark.parametrize("arrived", [True, False])
def test_i23_an_answer_that_is_lost_is_unknown_for_each_and_nothing_is_listed_twice(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    offer(holding, account)
    send, sent = gametime._send, list[bytes]()

    def lost(link: Any, drop: Any, content: bytes) -> None:
        sent.append(content)
        if arrived or len(sent) > 1:
            send(link, drop, content)
        if len(sent) == 1:
            raise UnknownOutcome("no answer in time")

    monkeypatch.setattr(gametime, "_send", lost)
    command = command_claim()
    assert command is not None
    carry_out(command)
    commands = MarketplaceCommand.objects.filter(kind=CommandKind.CREATE)
    assert set(commands.values_list("state", "outcome_unknown")) == {(CommandState.PENDING, True)}
    commands.update(not_before=now())
    work()
    assert states(CommandKind.CREATE) == [CommandState.DONE]
    assert len(there(simulator)) == 10
    active = [one for one in simulator.ledger.listings.values() if one.state == "active"]
    assert len(active) == 10
    # Each is read back, alone; the first that is not there sends the file that was kept, with all of them in it.
    assert len(sent) == (1 if arrived else 2)


def test_a_file_that_is_refused_among_others_is_tried_alone_by_each(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings = published(holding, account)
    wanted = reprice_all(holding, listings)
    poison, send = listings[7].external_id, gametime._send

    def picky(link: Any, drop: Any, content: bytes) -> None:
        price = wanted[poison].encode()
        if any(poison.encode() in line and price in line for line in content.split(b"\r\n")):
            raise PermanentError("422: a row is not to our liking")
        send(link, drop, content)

    monkeypatch.setattr(gametime, "_send", picky)
    command = command_claim()
    assert command is not None
    carry_out(command)
    assert set(MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE).values_list("payload__alone", "state")) == {
        (True, CommandState.PENDING)
    }  # fmt: skip
    MarketplaceCommand.objects.filter(state=CommandState.PENDING).update(not_before=now())
    work()
    refused = MarketplaceCommand.objects.get(kind=CommandKind.REPRICE, state=CommandState.NEEDS_PERSON)
    assert refused.listing == listings[7]
    assert there(simulator) == wanted | {poison: "84.00"}


def test_a_marketplace_that_is_away_puts_each_back_and_after_three_failures_each_goes_alone(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings = published(holding, account)
    wanted = reprice_all(holding, listings)
    send, sizes = gametime._send, list[int]()

    def away(*_: Any) -> None:
        raise TemporaryError("503: away")

    monkeypatch.setattr(gametime, "_send", away)
    for _ in range(together.MOST_ATTEMPTS_TOGETHER):
        MarketplaceCommand.objects.filter(state=CommandState.PENDING).update(not_before=now())
        command = command_claim()
        assert command is not None
        sizes.append(carry_out(command))
    assert sizes == [10, 10, 10]
    monkeypatch.setattr(gametime, "_send", send)
    MarketplaceCommand.objects.filter(state=CommandState.PENDING).update(not_before=now())
    command = command_claim()
    assert command is not None
    assert carry_out(command) == 1
    # Nor does one that has not failed take those along that have.
    waiting = MarketplaceCommand.objects.filter(state=CommandState.PENDING)
    fresh = waiting.first()
    assert fresh is not None
    waiting.filter(pk=fresh.pk).update(attempts=0, not_before=now() - timedelta(minutes=1))
    command = command_claim()
    assert command is not None
    assert (command.pk, carry_out(command)) == (fresh.pk, 1)
    work()
    assert there(simulator) == wanted


def test_a_worker_that_dies_leaves_each_to_the_next_one_and_its_late_answers_change_nothing(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, uploads: list[bytes]
) -> None:
    listings = published(holding, account)
    wanted = reprice_all(holding, listings)
    command = command_claim()
    assert command is not None
    riders = riders_claim(command, _mark_in_flight)
    assert len(riders) == 9
    assert command_claim() is None, "while they are under way nobody else writes the file"
    late = execute_together([command, *riders])
    assert leases_reap() == 0
    MarketplaceCommand.objects.filter(state=CommandState.IN_FLIGHT).update(lease_until=now() - timedelta(seconds=1))
    assert leases_reap() == 10
    back = MarketplaceCommand.objects.filter(state=CommandState.PENDING)
    assert list(back.values_list("outcome_unknown", flat=True)) == [True] * 10
    work()
    assert states() == [CommandState.DONE]
    versions = dict(Listing.objects.values_list("pk", "version"))
    assert [record(one, answer) for one, answer in late] == [False] * 10
    assert dict(Listing.objects.values_list("pk", "version")) == versions
    assert there(simulator) == wanted


def test_what_takes_down_goes_first_and_by_itself(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount, uploads: list[bytes]
) -> None:
    listings = published(holding, account)
    reprice_all(holding, listings[1:])
    listings_delist(actor=holding.actor, listing_ids=[listings[0].pk])
    command = command_claim()
    assert command is not None
    assert command.kind == CommandKind.DELIST
    assert riders_claim(command, _mark_in_flight) == []
    record(command, execute(command))
    work()
    assert listings[0].external_id not in there(simulator)
    assert len(there(simulator)) == 9


def test_two_files_of_one_account_are_never_under_way(holding: Holding, account: MarketplaceAccount) -> None:
    published(holding, account)
    listings = list(Listing.objects.order_by("pk"))
    reprice_all(holding, listings)
    command = command_claim()
    assert command is not None
    other = MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE, state=CommandState.PENDING).first()
    assert other is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        _mark_in_flight(other)


def test_an_answer_that_cannot_be_recorded_keeps_no_other_from_being(
    holding: Holding, account: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings = published(holding, account)
    reprice_all(holding, listings)
    command = command_claim()
    assert command is not None

    def odd(one: MarketplaceCommand, answer: Any) -> bool:
        if one.listing_id == listings[6].pk:
            raise RuntimeError("odd")
        return record(one, answer)

    monkeypatch.setattr("listings.services.outbox.record", odd)
    with pytest.raises(RuntimeError, match="odd"):
        carry_out(command)
    left = MarketplaceCommand.objects.exclude(state=CommandState.DONE)
    assert [one.listing_id for one in left] == [listings[6].pk]
    assert left.get().state == CommandState.IN_FLIGHT
    assert commands_drain() == 0


def test_no_more_than_so_many_go_together(
    holding: Holding, account: MarketplaceAccount, uploads: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "MOST_TOGETHER", 4)
    offer(holding, account)
    work()
    assert len(uploads) == 2, "each with four others"


@pytest.mark.parametrize("how", ["the whole file", "one of it"])
def test_what_is_said_of_a_file_repeats_no_ticket(
    holding: Holding, account: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    entries = [
        Entry(seat.pk, barcode=f"8800{game:02}1234{seat.seat_number}")
        for game, one in enumerate(games(holding))
        for seat in holding.seats_of(one)
    ]
    for start in range(0, len(entries), 4):
        tickets_enter(actor=holding.actor, kind="barcode", entries=entries[start : start + 4])
    delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery="barcode")
    offer(holding, account)

    def refuse(_: Any, changes: Any) -> list[Exception]:
        said = [PermanentError(f"known: {change.tickets[0].barcode}") for change in changes]
        if how == "the whole file":
            raise said[0]
        return list(said)

    monkeypatch.setattr(type(adapter_get("gametime")), "change_together", lambda _, *given: refuse(*given))
    command = command_claim()
    assert command is not None
    assert carry_out(command) == 10
    errors = list(MarketplaceCommand.objects.values_list("last_error", flat=True))
    assert (len(errors), {"known: (left out)" in error for error in errors}) == (10, {True})
    assert not any("8800" in error for error in errors)
