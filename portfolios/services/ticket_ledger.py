"""A season ticket's rows of the ledger, and what may be written of a ticket at all."""

from collections.abc import Sequence
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from portfolios.models import Game, SeasonTicket, Seat, SeatGroup
from portfolios.ports import groups_added
from seatsync.core.errors import Conflict, FieldProblem, InvalidInput
from seatsync.core.money import split_evenly

MOST_SEATS = 40
LARGEST_SEAT = 99_999


def ticket_input_check(seat_from: int, seat_to: int, cost: Decimal, reference: str, section: str, row: str) -> None:
    """Raises InvalidInput with every field that cannot be as it is."""
    problems = []
    if not section.strip():
        problems.append(FieldProblem("section", "The section is missing.", "Write it as on the ticket."))
    if not row.strip():
        problems.append(FieldProblem("row", "The row is missing.", "Write it as on the ticket."))
    if seat_to > LARGEST_SEAT:
        problems.append(
            FieldProblem("seat_to", "No seat has this number.", f"Use first and last seat, up to {LARGEST_SEAT}.")
        )
    elif seat_from < 1 or seat_to < seat_from or seat_to - seat_from >= MOST_SEATS:
        problems.append(
            FieldProblem("seat_to", "The seat range is not valid.", f"Use first and last seat, at most {MOST_SEATS}.")
        )
    if cost < 0:
        problems.append(FieldProblem("cost_basis", "The cost is negative.", "Write the invoice's total."))
    if not reference.strip():
        problems.append(
            FieldProblem("order_reference", "Proof of ownership is missing.", "Write the order or account number.")
        )
    if problems:
        raise InvalidInput("Some of the input is not valid.", problems=tuple(problems))


def ticket_clean(ticket: SeasonTicket) -> None:
    """Raises InvalidInput where a value does not fit its column."""
    try:
        ticket.full_clean()
    except ValidationError as error:
        raise InvalidInput(
            "The season ticket is not valid.",
            problems=tuple(
                FieldProblem(f, " ".join(m), "Mend it and save again.") for f, m in error.message_dict.items()
            ),
        ) from error


def ledger_fill(ticket: SeasonTicket, games: Sequence[Game], numbers: range) -> list[Seat]:
    """Write one ledger row per seat and game; the cost is split evenly and sums to the cent (I-27).

    Raises Conflict where a seat of the tenant's ledger has an owner already.
    """
    costs = iter(split_evenly(ticket.cost_basis, len(games) * len(numbers)))
    groups = _groups(ticket, games, numbers)
    seats = [
        Seat(
            tenant_id=ticket.tenant_id, season_ticket=ticket, game=group.game, group=group, section=ticket.section,
            row=ticket.row, seat_number=number, cost=next(costs), currency=ticket.currency,
        )
        for group in groups
        for number in numbers
    ]  # fmt: skip
    groups_added.tell([group.pk for group in groups])
    try:
        with transaction.atomic():
            Seat.objects.bulk_create(seats, batch_size=1000)
    except IntegrityError as error:
        raise Conflict(
            "A seat of this section and row is in the ledger already.",
            field="seat_from",
            remedy="Look for it under your season tickets, or ask support.",
        ) from error
    return seats


def _groups(ticket: SeasonTicket, games: Sequence[Game], numbers: range) -> list[SeatGroup]:
    """A group for each game: one that the ticket had there before stands again, with what was predicted of it."""
    place = {"section": ticket.section, "row": ticket.row, "seat_from": numbers[0], "seat_to": numbers[-1]}
    known = {group.game_id: group for group in SeatGroup.objects.filter(season_ticket=ticket, **place)}
    missing = [game for game in games if game.pk not in known]
    made = SeatGroup.objects.bulk_create(
        SeatGroup(tenant_id=ticket.tenant_id, season_ticket=ticket, game=game, **place) for game in missing
    )
    known |= {group.game_id: group for group in made}
    return [known[game.pk] for game in games]


def cost_split(ticket: SeasonTicket, seats: Sequence[Seat]) -> None:
    """Split the ticket's cost anew over its locked seats, which are all that it has (I-27)."""
    shares = split_evenly(ticket.cost_basis, len(seats))
    changed = []
    for seat, cost in zip(seats, shares, strict=True):
        if seat.cost != cost:
            seat.cost, seat.version = cost, seat.version + 1
            changed.append(seat)
    Seat.objects.bulk_update(changed, ["cost", "version"], batch_size=1000)
