"""What every form does: forgiving amounts, and the services' refusals shown beside their fields."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from seatsync.core.errors import Conflict, InvalidInput, SeatSyncError
from seatsync.core.money import parse_money

T = TypeVar("T")


class MoneyField(forms.CharField):
    """An amount as a person writes it ("$1,084.5"); cleans to Decimal with two places."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "class": "num", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        """The amount, or None where the field is empty."""
        text = super().to_python(value)
        if not text:
            return None
        try:
            return parse_money(text, field="amount")
        except InvalidInput as error:
            raise ValidationError(f"{error.detail} {error.problems[0].remedy}") from error

    def prepare_value(self, value: Any) -> Any:
        """Show amounts with two places, and whatever was typed as it was typed."""
        return f"{value:.2f}" if isinstance(value, Decimal) else value


class VenueMomentField(forms.DateTimeField):
    """A moment by a venue's clock (`zone`, an IANA zone, which the form sets); cleans to aware UTC."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    zone = "UTC"

    def to_python(self, value: Any) -> datetime | None:
        """The moment, or None where the field is empty. Raises ValidationError for what no clock shows there."""
        with timezone.override(self.zone):
            found: datetime | None = super().to_python(value)
        if found is None:
            return None
        try:
            return found.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error

    def prepare_value(self, value: Any) -> Any:
        """As its clock shows it."""
        with timezone.override(self.zone):
            return super().prepare_value(value)


def zone_give(form: forms.BaseForm, name: str, zone: str) -> None:
    """By which clock a declared moment field of this form is read. Raises TypeError for a field of another kind."""
    field = form.fields[name]
    if not isinstance(field, VenueMomentField):
        raise TypeError(f"{name} is no moment")
    field.zone = zone


def choices_give(form: forms.BaseForm, name: str, choices: Iterable[tuple[str, str]]) -> None:
    """What may be chosen in a declared choice field of this form. Raises TypeError for a field of another kind."""
    field = form.fields[name]
    if not isinstance(field, forms.ChoiceField):
        raise TypeError(f"{name} offers no choice")
    field.choices = list(choices)


def form_done(form: forms.BaseForm, act: Callable[[], T], **rename: str) -> T | None:
    """What `act` came to, asked only of a form that is valid; None where it is not, or where its service refused.

    A refusal (InvalidInput, Conflict) stands on the form; what else is raised is the caller's.
    """
    if not form.is_valid():
        return None
    try:
        return act()
    except (InvalidInput, Conflict) as error:
        form_add_refusal(form, error, **rename)
        return None


def form_add_refusal(form: forms.BaseForm, error: SeatSyncError, **rename: str) -> None:
    """Put a service's refusal on the form: each problem beside its field, the rest on top."""
    if not error.problems:
        form.add_error(None, error.words)
    for problem in error.problems:
        name = rename.get(problem.field.split(".")[0], problem.field.split(".")[0])
        form.add_error(name if name in form.fields else None, f"{problem.detail} {problem.remedy}".strip())
