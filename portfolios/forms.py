"""Input of the portfolio pages."""

import uuid

from django import forms

from portfolios.models import OwnerState

CHOICES = [
    (OwnerState.ATTENDING, "Keep: I go"),
    (OwnerState.AVAILABLE, "Free to sell"),
    (OwnerState.TRANSFERRED, "Transferred to someone"),
    (OwnerState.DONATED, "Donated"),
]


class SeatsStateForm(forms.Form):
    """Seats of one game and what shall become of them."""

    seats = forms.TypedMultipleChoiceField(coerce=uuid.UUID, error_messages={"required": "Choose seats."})
    state = forms.ChoiceField(choices=CHOICES)
    reason = forms.CharField(max_length=200, required=False)

    def __init__(self, *args: object, seat_ids: list[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["seats"].choices = [(key, key) for key in seat_ids]  # type: ignore[attr-defined]
