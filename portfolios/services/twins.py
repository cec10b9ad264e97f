"""The same seat in two tenants' ledgers: one of them does not own it, and only those who run the platform may know."""

from collections.abc import Sequence

from django.db.models import Value

from portfolios.labels import PlaceKey
from portfolios.models import OwnerState, SeasonTicket, Seat
from seatsync.accounts.selectors import platform_staff_ids
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise
from seatsync.tenants.selectors import tenant_default


def twins_report(ticket: SeasonTicket, seats: Sequence[Seat]) -> int:
    """Tell the platform's staff which of a new ticket's seats another tenant has too; returns how many tickets do.

    Neither holder and neither tenant is told: each would learn of the other.
    """
    elsewhere = (
        Seat.objects.alias(section_key=PlaceKey("section"), row_key=PlaceKey("row"))
        .filter(section_key=PlaceKey(Value(ticket.section)), row_key=PlaceKey(Value(ticket.row)))
        .filter(game_id__in={seat.game_id for seat in seats}, seat_number__in={seat.seat_number for seat in seats})
        .exclude(tenant_id=ticket.tenant_id)
    )
    active = elsewhere.exclude(state=OwnerState.RELINQUISHED)
    others = sorted(set(active.values_list("season_ticket_id", flat=True)))
    for other_id in others:
        for user_id in platform_staff_ids():
            alert_raise(
                tenant_id=tenant_default().pk,
                user_id=user_id,
                kind="seat.two_tenants",
                title="The same seats belong to season tickets of two tenants",
                body=f"Season tickets {ticket.pk} and {other_id}: ask both for their proof. Neither was told.",
                severity="action",
                object_type="season_ticket",
                object_id=str(ticket.pk),
                url=page_link("admin:portfolios_seasonticket_change", ticket.pk),
                dedupe_key=f"two-tenants:{ticket.pk}:{other_id}",
            )
    return len(others)
