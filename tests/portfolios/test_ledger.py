"""The seat ledger: one owner per seat and game, every change kept."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Sum

from portfolios.locks import seats_lock
from portfolios.models import Game, OwnerState, SeasonTicket, Seat, SeatChange
from portfolios.ports import offered_among
from portfolios.services.groups import seat_group_for
from portfolios.services.ledger import seats_move, seats_set_state
from portfolios.services.season_tickets import season_ticket_create
from portfolios.states import SEAT_MOVES
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleVersion
from seatsync.core.locks import Level, LockOrderError, lock_announce
from tests.builders import Holding

pytestmark = pytest.mark.django_db


def another_ticket(holding: Holding, **changes: Any) -> SeasonTicket:
    """A second ticket of the same holder, as far as the ledger allows it."""
    wish: dict[str, Any] = {
        "user_id": holding.user.pk, "team_id": holding.ticket.team_id, "season_year": 2026, "section": "131",
        "row": "27", "seat_from": 1, "seat_to": 4, "cost_basis": Decimal("100.00"), "order_reference": "X-1",
    }  # fmt: skip
    return season_ticket_create(actor=holding.actor, **(wish | changes))


def test_the_ledger_has_one_row_per_seat_and_game_and_costs_sum_to_the_invoice(holding: Holding) -> None:
    seats = Seat.objects.filter(season_ticket=holding.ticket)
    assert seats.count() == len(holding.games) * 4
    assert seats.aggregate(total=Sum("cost"))["total"] == holding.ticket.cost_basis


def test_i01_the_database_refuses_a_second_row_for_a_seat_and_game(holding: Holding) -> None:
    twin = Seat.objects.filter(season_ticket=holding.ticket).first()
    assert twin is not None
    twin.pk, twin._state.adding = None, True
    with pytest.raises(IntegrityError), transaction.atomic():
        Seat.objects.bulk_create(
            [Seat(**{f.attname: getattr(twin, f.attname) for f in Seat._meta.fields if f.name != "id"})]
        )


def test_i01_a_season_ticket_over_owned_seats_is_refused_and_leaves_nothing(holding: Holding) -> None:
    before = Seat.objects.count()
    with pytest.raises(Conflict):
        season_ticket_create(
            actor=holding.actor, user_id=holding.user.pk, team_id=holding.ticket.team_id, season_year=2026,
            section=holding.ticket.section, row=holding.ticket.row, seat_from=4, seat_to=5,
            cost_basis=Decimal("100.00"), order_reference="X-1",
        )  # fmt: skip
    assert Seat.objects.count() == before


@pytest.mark.parametrize(
    ("section", "row"),
    [
        ("1 31", "27"),
        (" 131", "27 "),
        ("131", "027"),
        ("0131", "2 7"),
        ("131", "\t27"),
        ("Sec 131", "Row 27"),
        ("section 131", "27"),
        ("131.", "27"),
        ("131\u200b", "27"),
        ("131\u00ad", "27"),
        ("13\u200d1", "27"),
        ("\uff11\uff13\uff11", "27"),
        ("\U0001d7cf\U0001d7d1\U0001d7cf", "27"),
        ("#131", "27-"),
    ],
)
def test_i01_another_spelling_is_the_same_seat(holding: Holding, section: str, row: str) -> None:
    before = Seat.objects.count()
    with pytest.raises(Conflict, match="in the ledger already"):
        another_ticket(holding, section=section, row=row, seat_from=4)
    assert Seat.objects.count() == before


def test_i01_small_and_capital_letters_are_the_same_row(holding: Holding) -> None:
    ticket = another_ticket(holding, section="Field  Box 12", row="b")
    assert (ticket.section, ticket.row) == ("Field Box 12", "b")
    with pytest.raises(Conflict):
        another_ticket(holding, section="FIELD BOX 12", row="B")


@pytest.mark.parametrize(
    ("section", "row"), [("131", "270"), ("1310", "27"), ("131", "0"), ("131", "207"), ("131A", "27"), ("B131", "27")]
)
def test_other_places_stay_other_places(holding: Holding, section: str, row: str) -> None:
    another_ticket(holding, section=section, row=row)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("section", {"section": " "}),
        ("row", {"row": ""}),
        ("seat_to", {"seat_from": 5, "seat_to": 4}),
        ("cost_basis", {"cost_basis": Decimal("-1.00")}),
        ("order_reference", {"order_reference": ""}),
        ("season_year", {"season_year": 1999}),
    ],
)
def test_i06_bad_input_names_the_field_and_a_remedy(holding: Holding, field: str, changes: dict[str, object]) -> None:
    arguments: dict[str, Any] = {
        "user_id": holding.user.pk, "team_id": holding.ticket.team_id, "season_year": 2026, "section": "200",
        "row": "9", "seat_from": 1, "seat_to": 2, "cost_basis": Decimal("10.00"), "order_reference": "R",
    } | changes  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        season_ticket_create(actor=holding.actor, **arguments)
    assert [(p.field, bool(p.remedy)) for p in caught.value.problems] == [(field, True)]


def test_a_holder_keeps_a_seat_and_the_history_says_so(holding: Holding) -> None:
    seat = holding.seats[0]
    seats_set_state(actor=holding.actor, seat_ids=[seat.pk], to_state=OwnerState.ATTENDING, reason="birthday")
    seat.refresh_from_db()
    assert (seat.state, seat.version) == (OwnerState.ATTENDING, 2)
    change = SeatChange.objects.get(seat=seat)
    assert (change.from_state, change.to_state, change.actor_id, change.reason) == (
        "available", "attending", str(holding.user.pk), "birthday",
    )  # fmt: skip


def test_a_seat_that_changed_since_it_was_read_is_left_as_it_is(holding: Holding) -> None:
    seat = holding.seats[0]
    read = {seat.pk: seat.version}
    Seat.objects.filter(pk=seat.pk).update(version=seat.version + 1)
    with pytest.raises(StaleVersion) as caught:
        seats_set_state(
            actor=holding.actor, seat_ids=[seat.pk], to_state=OwnerState.ATTENDING, reason="x", versions=read
        )
    assert caught.value.problems[0].field == "version"
    seat.refresh_from_db()
    assert seat.state == OwnerState.AVAILABLE


def test_the_history_cannot_be_changed(holding: Holding) -> None:
    seats_set_state(actor=holding.actor, seat_ids=[holding.seats[0].pk], to_state=OwnerState.DONATED, reason="x")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE seat_changes SET reason = 'y'")


@pytest.mark.parametrize("state", [OwnerState.HELD, OwnerState.SOLD])
def test_a_holder_cannot_choose_what_only_a_sale_may_set(holding: Holding, state: str) -> None:
    with pytest.raises(InvalidInput):
        seats_set_state(actor=holding.actor, seat_ids=[holding.seats[0].pk], to_state=state, reason="x")


def test_i01_a_sold_seat_cannot_be_given_away(holding: Holding) -> None:
    with transaction.atomic():
        seats_move(actor=holding.actor, seats=seats_lock([holding.seats[0].pk]), to_state=OwnerState.SOLD, reason="s")
    with pytest.raises(Conflict):
        seats_set_state(actor=holding.actor, seat_ids=[holding.seats[0].pk], to_state=OwnerState.DONATED, reason="x")


@pytest.mark.parametrize("to_state", [OwnerState.AVAILABLE, OwnerState.ATTENDING])
@pytest.mark.parametrize("state", [OwnerState.HELD, OwnerState.SOLD])
def test_i01_a_holder_takes_no_seat_from_its_buyer(holding: Holding, state: OwnerState, to_state: OwnerState) -> None:
    """Not by freeing it either: a sale's hold ends with the sale."""
    seat = holding.seats[0]
    Seat.objects.filter(pk=seat.pk).update(state=state, held_by="sale:1:2")
    with pytest.raises(Conflict, match=f"is {state.label}"):
        seats_set_state(actor=holding.actor, seat_ids=[seat.pk], to_state=to_state, reason="mine")
    seat.refresh_from_db()
    assert (seat.state, seat.held_by, SeatChange.objects.count()) == (state, "sale:1:2", 0)


def test_i01_forbidden_moves_change_nothing(holding: Holding) -> None:
    seat = holding.seats[0]
    for from_state in OwnerState.values:
        for to_state in set(OwnerState.values) - SEAT_MOVES[from_state]:
            Seat.objects.filter(pk=seat.pk).update(state=from_state)
            with pytest.raises(Conflict), transaction.atomic():
                seats_move(actor=holding.actor, seats=seats_lock([seat.pk]), to_state=to_state, reason="x")
            seat.refresh_from_db()
            assert seat.state == from_state


def test_strangers_get_not_found_and_viewers_not_allowed(holding: Holding) -> None:
    ids = [holding.seats[0].pk]
    for actor in (holding.other, holding.outsider):
        with pytest.raises(NotFound):
            seats_set_state(actor=actor, seat_ids=ids, to_state=OwnerState.ATTENDING, reason="x")
    with pytest.raises(NotAllowed):
        seats_set_state(actor=holding.viewer, seat_ids=ids, to_state=OwnerState.ATTENDING, reason="x")
    seats_set_state(actor=holding.co_owner, seat_ids=ids, to_state=OwnerState.ATTENDING, reason="x")


def test_games_remaining_is_kept_by_the_ledger(holding: Holding) -> None:
    before = holding.ticket.games_remaining
    assert before == len([g for g in holding.games if g.starts_at > holding.moment])
    with transaction.atomic():
        seats_move(
            actor=holding.actor, seats=seats_lock(s.pk for s in holding.seats), to_state=OwnerState.SOLD, reason="s"
        )
    holding.ticket.refresh_from_db()
    assert holding.ticket.games_remaining == before - 1


def test_a_group_is_made_once_and_must_be_contiguous(holding: Holding) -> None:
    pair = holding.seats[:2]
    assert seat_group_for(seats=pair) == seat_group_for(seats=list(reversed(pair)))
    with pytest.raises(InvalidInput) as caught:
        seat_group_for(seats=[holding.seats[0], holding.seats[2]])
    assert caught.value.problems[0].field == "seats"


def test_i02_locks_outside_a_transaction_or_out_of_order_are_refused(holding: Holding) -> None:
    with transaction.atomic():
        lock_announce(Level.LISTINGS)
        with pytest.raises(LockOrderError):
            seats_lock([holding.seats[0].pk])


def test_games_of_another_source_are_not_taken(holding: Holding) -> None:
    assert not Seat.objects.filter(game__in=Game.objects.exclude(source="")).exists()


S = OwnerState
GIVEN = {S.TRANSFERRED, S.ATTENDING, S.DONATED, S.SWAPPED, S.RELINQUISHED}


def test_i01_the_moves_of_the_ledger() -> None:
    back = {state: {S.AVAILABLE} for state in (S.SOLD, *GIVEN)}
    wanted = {S.AVAILABLE: {S.HELD, S.SOLD} | GIVEN, S.HELD: {S.AVAILABLE, S.SOLD, S.HELD}, **back}
    assert {state: set(moves) for state, moves in SEAT_MOVES.items()} == wanted


@pytest.mark.parametrize(("from_state", "shown"), [(S.SOLD, "sold"), (S.ATTENDING, "attending")])
def test_i01_the_ledger_says_what_it_refuses(holding: Holding, from_state: str, shown: str) -> None:
    seat = holding.seats[0]
    Seat.objects.filter(pk=seat.pk).update(state=from_state)
    with pytest.raises(Conflict) as caught, transaction.atomic():
        seats_move(actor=holding.actor, seats=seats_lock([seat.pk]), to_state=S.HELD, reason="x")
    (problem,) = caught.value.problems
    said = (caught.value.detail, problem.field, problem.remedy)
    assert said == (f"Seat 131/27/1 is {shown} and cannot become held.", "seats", "Choose seats that may move there.")
    assert not SeatChange.objects.exists()


@pytest.mark.parametrize("to_state", sorted(GIVEN))
def test_i01_a_seat_on_offer_is_not_given_away(
    holding: Holding, monkeypatch: pytest.MonkeyPatch, to_state: str
) -> None:
    asked: list[object] = []
    offered = holding.seats[1]

    def lookup(seat_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
        asked.extend(seat_ids)
        return {offered.pk}

    monkeypatch.setattr(offered_among, "_answer", lookup)
    ids = [seat.pk for seat in holding.seats[:2]]
    with pytest.raises(Conflict) as caught:
        seats_set_state(actor=holding.actor, seat_ids=ids, to_state=to_state, reason="x")
    (problem,) = caught.value.problems
    said = (caught.value.detail, problem.field, problem.remedy)
    assert said == (
        "Seat 131/27/2 is listed. Take its listings down first.", "seats", "Choose it again once they are down.",
    )  # fmt: skip
    assert sorted(asked, key=str) == sorted(ids, key=str)
    assert set(Seat.objects.filter(pk__in=ids).values_list("state", flat=True)) == {S.AVAILABLE}


def test_a_seat_that_is_not_on_offer_is_given_away_and_taken_back(
    holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = holding.seats[0]
    monkeypatch.setattr(offered_among, "_answer", lambda _: set())
    seats_set_state(actor=holding.actor, seat_ids=[seat.pk], to_state=S.DONATED, reason="x")
    monkeypatch.setattr(offered_among, "_answer", set)
    seats_set_state(actor=holding.actor, seat_ids=[seat.pk], to_state=S.AVAILABLE, reason="x")
    seat.refresh_from_db()
    assert seat.state == S.AVAILABLE
