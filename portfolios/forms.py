"""Input of the portfolio pages."""

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from portfolios.models import OwnerState, SeasonTicket
from portfolios.selectors import Schedule
from seatsync.core.forms import Form, MoneyField, choices_give

CHOICES = [
    (OwnerState.ATTENDING, "Keep: I go"),
    (OwnerState.AVAILABLE, "Free to sell"),
    (OwnerState.TRANSFERRED, "Transferred to someone"),
    (OwnerState.DONATED, "Donated"),
]


class SeatsStateForm(Form):
    """Seats of one game and what shall become of them."""

    seats = forms.TypedMultipleChoiceField(coerce=uuid.UUID, error_messages={"required": "Choose seats."})
    state = forms.ChoiceField(choices=CHOICES)
    reason = forms.CharField(max_length=200, required=False)

    def __init__(self, *args: Any, seat_ids: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices_give(self, "seats", [(key, key) for key in seat_ids])


class SeasonTicketForm(Form):
    """A season ticket as it stands on the invoice; teams and seasons are those with a known schedule."""

    team = forms.TypedChoiceField(label="Team", coerce=uuid.UUID)
    season_year = forms.TypedChoiceField(label="Season", coerce=int)
    source = forms.ChoiceField(label="Schedule", help_text="This team's season has more than one.")
    section = forms.CharField(label="Section", max_length=40, help_text="As on the ticket.")
    row = forms.CharField(label="Row", max_length=20)
    seat_from = forms.IntegerField(label="First seat", min_value=1)
    seat_to = forms.IntegerField(label="Last seat", min_value=1, help_text="The same number for a single seat.")
    cost_basis = MoneyField(label="Cost of the season", help_text="The invoice's total in USD; it is split over games.")
    order_reference = forms.CharField(
        label="Order or account number", max_length=80, help_text="From the team's invoice: proof that they are yours."
    )

    def __init__(self, *args: Any, schedules: Sequence[Schedule], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose("team", {str(known.team_id): known.team for known in schedules})
        self._choose("season_year", {str(known.season_year): str(known.season_year) for known in schedules})
        seasons = Counter((known.team_id, known.season_year) for known in schedules)
        if all(count == 1 for count in seasons.values()):
            del self.fields["source"]
        else:
            names = {known.source: known.source or "without a name" for known in schedules}
            self._choose("source", {"": "the only one", **names} if "" not in names else names)
            self.fields["source"].required = False

    def _choose(self, name: str, choices: dict[str, str]) -> None:
        choices_give(self, name, choices.items())


class VersionForm(Form):
    """The version that the person saw."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class CorrectionForm(VersionForm):
    """A season ticket as it stands; its place can be mended only while nothing was done with its seats."""

    section = forms.CharField(label="Section", max_length=40, help_text="As on the ticket.")
    row = forms.CharField(label="Row", max_length=20)
    seat_from = forms.IntegerField(label="First seat", min_value=1)
    seat_to = forms.IntegerField(label="Last seat", min_value=1, help_text="The same number for a single seat.")
    cost_basis = MoneyField(label="Cost of the season", help_text="The invoice's total in USD; it is split anew.")
    order_reference = forms.CharField(label="Order or account number", max_length=80)

    def __init__(self, data: QueryDict | None, *, ticket: SeasonTicket, place_stands: bool) -> None:
        first, last = ticket.seat_numbers
        at = {"section": ticket.section, "row": ticket.row, "seat_from": first, "seat_to": last}
        rest = {name: getattr(ticket, name) for name in ("cost_basis", "order_reference", "version")}
        super().__init__(data, initial={**at, **rest})
        for name in at if place_stands else ():
            del self.fields[name]
