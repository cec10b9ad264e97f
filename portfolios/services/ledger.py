"""The ledger's only writers: every change of a seat's owner state, with its history row."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Q

from portfolios.locks import seats_lock_whole
from portfolios.models import OwnerState, SeasonTicket, Seat, SeatChange
from portfolios.ports import offered_among
from portfolios.states import HOLDER_STATES, may_move
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleVersion
from seatsync.live.events import LiveType
from seatsync.live.publish import publish

# A seat in these is still its holder's to decide on.
_DECIDABLE = (OwnerState.AVAILABLE, OwnerState.HELD, OwnerState.ATTENDING)


def seats_move(
    *,
    actor: Actor,
    seats: Sequence[Seat],
    to_state: str,
    reason: str,
    held_by: str = "",
) -> None:
    """Move locked seats to `to_state` and write their history. Raises Conflict where the ledger forbids the move.

    The caller holds the seats' locks (portfolios.locks) and an open transaction.
    """
    at = now()
    changes, counted = [], set[uuid.UUID]()
    for seat in seats:
        if (seat.state in _DECIDABLE) != (to_state in _DECIDABLE):
            counted.add(seat.season_ticket_id)
        if not may_move(seat.state, to_state):
            raise Conflict(
                f"Seat {seat} is {seat.get_state_display()} and cannot become {OwnerState(to_state).label}.",
                field="seats",
                remedy="Choose seats that may move there.",
            )
        changes.append(_change(actor, seat, to_state, reason, at))
        seat.state, seat.held_by = to_state, held_by
        seat.version += 1
    Seat.objects.filter(pk__in=[seat.pk for seat in seats]).update(
        state=to_state, held_by=held_by, version=F("version") + 1, updated_at=at
    )
    SeatChange.objects.bulk_create(changes)
    games_remaining_refresh(sorted(counted))
    for seat in seats:
        publish(
            tenant_id=seat.tenant_id,
            watching=seat.season_ticket_id,
            kind=LiveType.SEAT_CHANGED,
            object_id=seat.pk,
            version=seat.version,
        )


def seats_hold_on(seats: Sequence[Seat], *, held_by: str) -> None:
    """Locked seats stay what they are, and who has them is called otherwise from now on."""
    for seat in seats:
        seat.held_by = held_by
    Seat.objects.filter(pk__in=[seat.pk for seat in seats]).update(held_by=held_by, updated_at=now())


def _change(actor: Actor, seat: Seat, to_state: str, reason: str, at: datetime) -> SeatChange:
    return SeatChange(
        tenant_id=seat.tenant_id,
        seat=seat,
        from_state=seat.state,
        to_state=to_state,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        request_id=actor.request_id,
        reason=reason[:200],
        at=at,
    )


@transaction.atomic
def seats_set_state(
    *,
    actor: Actor,
    seat_ids: Sequence[uuid.UUID],
    to_state: str,
    reason: str,
    versions: Mapping[uuid.UUID, int] | None = None,
) -> list[Seat]:
    """A holder's own move (keep, give away, take back). Open listings of the seats must come down first.

    `versions`: what he had read of them. Raises InvalidInput, NotFound, NotAllowed, StaleVersion, or Conflict where a
    sale or a hold has the seat.
    """
    if to_state not in HOLDER_STATES:
        raise InvalidInput(
            f"{to_state!r} cannot be chosen.", field="state", remedy=f"Use one of: {', '.join(sorted(HOLDER_STATES))}."
        )
    if not reason.strip():
        raise InvalidInput("A reason is missing.", field="reason", remedy="Say in a few words why.")
    seats = seats_for(actor, seat_ids, verb="list")
    locked = seats_lock_whole(seats)
    for seat in locked:
        if versions is not None and versions.get(seat.pk, seat.version) != seat.version:
            raise StaleVersion(
                "The seat has changed since you looked.", field="version", remedy="Read it again.",
                current_version=seat.version,
            )  # fmt: skip
    taken = [seat for seat in locked if seat.state in {OwnerState.HELD, OwnerState.SOLD}]
    if taken:
        raise Conflict(
            f"Seat {taken[0]} is {taken[0].get_state_display()}.",
            field="seats",
            remedy="Choose seats that no buyer has.",
        )
    if to_state != OwnerState.AVAILABLE and (offered := offered_among([seat.pk for seat in locked])):
        first = next(seat for seat in locked if seat.pk in offered)
        raise Conflict(
            f"Seat {first} is listed. Take its listings down first.",
            field="seats",
            remedy="Choose it again once they are down.",
        )
    seats_move(actor=actor, seats=[s for s in locked if s.state != to_state], to_state=to_state, reason=reason)
    return locked


def seats_for(actor: Actor, seat_ids: Iterable[uuid.UUID], *, verb: str) -> list[Seat]:
    """The visible seats with these ids, if the actor may `verb` them. Raises NotFound, NotAllowed, InvalidInput."""
    wanted = list(dict.fromkeys(seat_ids))
    if not wanted:
        raise InvalidInput("No seat was chosen.", field="seats", remedy="Choose at least one seat.")
    seats = list(Seat.objects.visible_to(actor).filter(pk__in=wanted).select_related("season_ticket", "game"))
    if len(seats) != len(wanted):
        raise NotFound("No seat with this id.", field="seats", remedy="Use the ids of your own seats.")
    for ticket in {seat.season_ticket for seat in seats}:
        if not ticket.may(actor, verb):
            raise NotAllowed("You may look at these seats but not change them.")
    return sorted(seats, key=lambda seat: seat.seat_number)


def games_remaining_refresh(ticket_ids: Sequence[uuid.UUID]) -> None:
    """Recount each ticket's coming games in which a seat is still the holder's to decide on."""
    for ticket_id in ticket_ids:
        remaining = (
            Seat.objects.filter(season_ticket_id=ticket_id, state__in=_DECIDABLE, game__starts_at__gt=now())
            .values("game_id")
            .distinct()
            .count()
        )
        SeasonTicket.objects.filter(Q(pk=ticket_id) & ~Q(games_remaining=remaining)).update(games_remaining=remaining)


def watchers(ticket_id: uuid.UUID) -> list[uuid.UUID]:
    """The users who hear of changes to a season ticket: its holder and those who share it."""
    return watchers_of([ticket_id])[ticket_id]


# Asked at every change: written out, since putting it together takes longer each time than carrying it out.
_WATCHERS = """
SELECT id, user_id FROM season_tickets WHERE id = ANY(%(tickets)s)
UNION SELECT season_ticket_id, user_id FROM season_ticket_shares
WHERE season_ticket_id = ANY(%(tickets)s) AND revoked_at IS NULL
"""


def watchers_of(ticket_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """As `watchers`, of several season tickets by one query."""
    found: dict[uuid.UUID, list[uuid.UUID]] = {ticket_id: [] for ticket_id in ticket_ids}
    with connection.cursor() as cursor:
        cursor.execute(_WATCHERS, {"tickets": list(found)})
        for ticket_id, user_id in cursor.fetchall():
            found[ticket_id].append(user_id)
    return found
