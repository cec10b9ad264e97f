"""Seat groups: contiguous seats of one ticket and game that go together."""

from collections.abc import Sequence

from django.db import transaction

from portfolios.models import Seat, SeatGroup
from portfolios.ports import groups_added
from seatsync.core.errors import InvalidInput


@transaction.atomic
def seat_group_for(*, seats: Sequence[Seat]) -> SeatGroup:
    """The group of exactly these seats, made on first use; the seats point at it afterwards.

    Raises InvalidInput where the seats are of several games or rows, or not side by side.
    """
    ordered = sorted(seats, key=lambda seat: seat.seat_number)
    if not ordered:
        raise InvalidInput("No seat was chosen.", field="seats", remedy="Choose at least one seat.")
    first, last = ordered[0], ordered[-1]
    if len({(s.season_ticket_id, s.game_id, s.section, s.row) for s in ordered}) > 1:
        raise InvalidInput(
            "The seats are not of one game and row.", field="seats", remedy="Choose seats of one game and one row."
        )
    numbers = [seat.seat_number for seat in ordered]
    if numbers != list(range(first.seat_number, first.seat_number + len(numbers))):
        raise InvalidInput(
            "The seats are not side by side.", field="seats", remedy="Choose neighbouring seats, or list them apart."
        )
    group, created = SeatGroup.objects.get_or_create(
        season_ticket_id=first.season_ticket_id,
        game_id=first.game_id,
        section=first.section,
        row=first.row,
        seat_from=first.seat_number,
        seat_to=last.seat_number,
        defaults={"tenant_id": first.tenant_id},
    )
    Seat.objects.filter(pk__in=[seat.pk for seat in ordered]).exclude(group=group).update(group=group)
    if created:
        groups_added.tell([group.pk])
    return group
