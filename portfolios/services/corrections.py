"""A season ticket that was entered wrongly: mended where it may be, or deleted while nothing was done with it."""

import uuid
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from portfolios.labels import label_of, seats_label
from portfolios.locks import seats_lock
from portfolios.models import Game, SeasonTicket, Seat
from portfolios.ports import seats_going
from portfolios.selectors import history_of_ticket
from portfolios.services.ledger import games_remaining_refresh
from portfolios.services.ticket_ledger import (
    cost_split,
    ledger_fill,
    ticket_clean,
    ticket_input_check,
)  # fmt: skip
from portfolios.services.twins import twins_report
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, NotAllowed, StaleVersion
from seatsync.core.money import round_money
from seatsync.live.events import LiveType
from seatsync.live.publish import publish

_PLACE = ("section", "row", "seat")


@transaction.atomic
def season_ticket_correct(
    *,
    actor: Actor,
    ticket_id: uuid.UUID,
    cost_basis: Decimal | None = None,
    order_reference: str | None = None,
    section: str | None = None,
    row: str | None = None,
    seat_from: int | None = None,
    seat_to: int | None = None,
    version: int | None = None,
) -> SeasonTicket:
    """Mend what was entered wrongly; None leaves a value as it is. A new cost is split over the seats anew (I-27).

    Section, row and seats only while nothing was done with a seat of it: its ledger is then made anew. `version`: what
    was read. Raises NotFound, NotAllowed, InvalidInput by field, StaleVersion, or Conflict with what stands against it.
    """
    ticket, seats = _locked(actor, ticket_id, version)
    before = _words(ticket)
    _take_over(ticket, cost_basis, order_reference, section, row, seat_from, seat_to)
    after = _words(ticket)
    if after == before:
        return ticket
    if any(before[name] != after[name] for name in _PLACE):
        _move(actor, ticket, seats)
    elif before["cost_basis"] != after["cost_basis"]:
        cost_split(ticket, seats)
    _write(ticket, {**after, "updated_at": now()})
    audit_record(
        actor=actor, verb="season_ticket.correct", object_type="season_ticket", object_id=ticket.pk,
        subject=ticket.user_id, before=before, after=after,
    )  # fmt: skip
    return ticket


@transaction.atomic
def season_ticket_remove(*, actor: Actor, ticket_id: uuid.UUID, version: int | None = None) -> None:
    """Delete a ticket of which nothing was ever on a marketplace, sold, held, kept or given away, with its ledger.

    `version`: what was read. Raises NotFound, NotAllowed, StaleVersion, or Conflict with what has to be kept.
    """
    ticket, seats = _locked(actor, ticket_id, version)
    _refuse_with_history(ticket, "It cannot be deleted", "Correct its cost or its order number instead.")
    _take_out(actor, seats)
    _write(ticket, {"removed_at": now(), "games_remaining": 0, "updated_at": now()})
    audit_record(
        actor=actor, verb="season_ticket.remove", object_type="season_ticket", object_id=ticket.pk,
        subject=ticket.user_id, before={**_words(ticket), "ledger_rows": len(seats)},
    )  # fmt: skip


def _locked(actor: Actor, ticket_id: uuid.UUID, version: int | None) -> tuple[SeasonTicket, list[Seat]]:
    """The ticket, and all its seats under their locks in the order in which its cost is split."""
    ticket = SeasonTicket.objects.select_related("team").get_for(actor, ticket_id)
    if not ticket.may(actor, "manage"):
        raise NotAllowed("Only the holder of a season ticket corrects or deletes it.")
    if version is not None and version != ticket.version:
        raise _stale(ticket)
    locked = seats_lock(ticket.seats.values_list("pk", flat=True))
    if len(locked) != ticket.seats.count():
        raise _stale(ticket)
    starts = dict(Game.objects.filter(seats__season_ticket=ticket).values_list("pk", "starts_at"))
    return ticket, sorted(locked, key=lambda seat: (starts[seat.game_id], seat.game_id, seat.seat_number))


def _stale(ticket: SeasonTicket) -> StaleVersion:
    current = SeasonTicket.objects.values_list("version", flat=True).get(pk=ticket.pk)
    return StaleVersion(
        "The season ticket has changed since you looked.", field="version", remedy="Read it again.",
        current_version=current,
    )  # fmt: skip


def _words(ticket: SeasonTicket) -> dict[str, Any]:
    return {name: getattr(ticket, name) for name in (*_PLACE, "cost_basis", "order_reference")}


def _take_over(
    ticket: SeasonTicket, cost: Decimal | None, reference: str | None, section: str | None, row: str | None,
    seat_from: int | None, seat_to: int | None,
) -> None:  # fmt: skip
    first, last = ticket.seat_numbers
    first, last = (first if seat_from is None else seat_from), (last if seat_to is None else seat_to)
    cost = ticket.cost_basis if cost is None else cost
    reference = ticket.order_reference if reference is None else reference
    section, row = (ticket.section if section is None else section), (ticket.row if row is None else row)
    ticket_input_check(first, last, cost, reference, section, row)
    ticket.section, ticket.row, ticket.seat = label_of(section), label_of(row), seats_label(first, last)
    ticket.cost_basis, ticket.order_reference = round_money(cost), reference.strip()
    ticket_clean(ticket)


def _refuse_with_history(ticket: SeasonTicket, what: str, remedy: str, field: str = "season_ticket") -> None:
    history = history_of_ticket(ticket)
    if history.words:
        remedy = remedy if history.kept else "Take down what is under way, and try again."
        raise Conflict(f"{what}. On record: {', '.join(history.words)}.", field=field, remedy=remedy)


def _move(actor: Actor, ticket: SeasonTicket, seats: list[Seat]) -> None:
    """Make the ledger anew at the ticket's new place."""
    _refuse_with_history(
        ticket, "The place of these seats cannot change", "Enter the right seats as a season ticket of their own.",
        "section",
    )  # fmt: skip
    games = list(Game.objects.filter(seats__season_ticket=ticket).distinct().order_by("starts_at", "pk"))
    _take_out(actor, seats)
    first, last = ticket.seat_numbers
    twins_report(ticket, ledger_fill(ticket, games, range(first, last + 1)))
    games_remaining_refresh([ticket.pk])


def _take_out(actor: Actor, seats: list[Seat]) -> None:
    ids = [seat.pk for seat in seats]
    seats_going.tell(actor, ids)
    Seat.objects.filter(pk__in=ids).delete()


def _write(ticket: SeasonTicket, values: dict[str, Any]) -> None:
    """Write to the version that was read: whoever came in between is told by StaleVersion, and nothing happened."""
    as_read = SeasonTicket.objects.filter(pk=ticket.pk, version=ticket.version, removed_at=None)
    if not as_read.update(version=F("version") + 1, **values):
        raise _stale(ticket)
    ticket.refresh_from_db()
    publish(
        tenant_id=ticket.tenant_id, watching=ticket.pk, kind=LiveType.SEASON_CHANGED, object_id=ticket.pk,
        version=ticket.version,
    )  # fmt: skip
