"""The same seat in two tenants: the platform's staff alone hear of it."""

from decimal import Decimal
from typing import Any

import pytest
from django.db.models import QuerySet

from portfolios.models import OwnerState, SeasonTicket, Seat
from portfolios.services.season_tickets import season_ticket_create
from seatsync.accounts.models import Role, User
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert, LiveEvent
from seatsync.live.selectors import alert_list
from seatsync.tenants.models import Tenant
from tests.builders import Holding, person

pytestmark = pytest.mark.django_db


def claim(holding: Holding, **changes: Any) -> SeasonTicket:
    """The other tenant's holder enters seats of his own."""
    wish: dict[str, Any] = {
        "user_id": holding.outsider.user_id, "team_id": holding.ticket.team_id, "season_year": 2026, "section": "131",
        "row": "27", "seat_from": 4, "seat_to": 6, "cost_basis": Decimal("10.00"), "order_reference": "Z",
    }  # fmt: skip
    return season_ticket_create(actor=holding.outsider, **(wish | changes))


@pytest.mark.parametrize("row", ["27", "027", " 2 7"])
def test_the_platforms_staff_hears_of_it_and_nobody_else(holding: Holding, row: str) -> None:
    foreign = Tenant.objects.get(slug="other-co")
    person("support@example.com", holding.ticket.tenant, role=Role.SUPPORT)
    person("manager@example.com", foreign, role=Role.MANAGER)
    ticket = claim(holding, row=row)
    alert = Alert.objects.get()
    staff = User.objects.get(email="staff@example.com")
    assert (alert.kind, alert.user_id, alert.severity) == ("seat.two_tenants", staff.pk, "action")
    assert (str(ticket.pk) in alert.body, str(holding.ticket.pk) in alert.body) == (True, True)
    for actor in (holding.actor, holding.co_owner, holding.other, holding.outsider):
        assert not alert_list(actor).exists()
    assert [found.pk for found in alert_list(holding.staff)] == [alert.pk]


def test_neither_tenant_sees_a_trace(holding: Holding) -> None:
    mine: dict[str, QuerySet[Any]] = {
        "tickets": SeasonTicket.objects.visible_to(holding.actor), "seats": Seat.objects.visible_to(holding.actor),
    }  # fmt: skip
    before = {name: list(rows.order_by("pk").values()) for name, rows in mine.items()}
    ticket = claim(holding)
    assert {name: list(rows.order_by("pk").values()) for name, rows in mine.items()} == before
    theirs = SeasonTicket.objects.visible_to(holding.outsider)
    assert [found.pk for found in theirs] == [ticket.pk]
    entries = AuditEntry.objects.filter(object_id=str(ticket.pk))
    assert {entry.tenant for entry in entries} == {ticket.tenant_id}
    assert not LiveEvent.objects.exclude(user_id=User.objects.get(email="staff@example.com").pk).exists()


@pytest.mark.parametrize("changes", [{"section": "132"}, {"row": "28"}, {"seat_from": 5}])
def test_other_seats_are_nothing_to_tell(holding: Holding, changes: dict[str, Any]) -> None:
    claim(holding, **changes)
    assert not Alert.objects.exists()


def test_a_seat_that_was_given_up_is_not_active(holding: Holding) -> None:
    Seat.objects.filter(season_ticket=holding.ticket).update(state=OwnerState.RELINQUISHED)
    claim(holding)
    assert not Alert.objects.exists()


def test_further_seats_of_a_tenant_tell_nothing_again(holding: Holding) -> None:
    claim(holding)
    Alert.objects.all().delete()
    claim(holding, seat_from=7, seat_to=8)
    assert not Alert.objects.exists()
