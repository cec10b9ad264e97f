"""What every form does: words that say what to enter, forgiving amounts, and services' refusals beside their fields."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import pretty_name
from django.utils import timezone

from seatsync.core.errors import Conflict, InvalidInput, SeatSyncError
from seatsync.core.money import parse_money
from seatsync.core.remedies import echoed

T = TypeVar("T")

_MISSING = "Nothing was entered."
# Of a field that no person fills in.
_SENT_ALONG = "The page did not send this as it was given. Load it again and repeat what you did."


class Form(forms.Form):
    """Base of all forms: where the framework only refuses, it is said what to enter instead."""

    def add_error(self, field: str | None, error: Any) -> None:
        """Put an error beside its field, or on top."""
        if field in self.fields and isinstance(error, ValidationError):
            asked = self.fields[field]
            label = str(asked.label or pretty_name(field))
            error = ValidationError([_told(asked, label, one) for one in error.error_list])
        super().add_error(field, error)


def _told(field: forms.Field, label: str, error: ValidationError) -> ValidationError:
    """The framework's own error in our words; one that a field has words of its own for stays."""
    if str(error.message) != str(_default(type(field), error.code)):
        return error
    words = _SENT_ALONG if field.widget.is_hidden else _words(field, label, error)
    return ValidationError(words, code=error.code) if words else error


def _default(kind: type[forms.Field], code: str | None) -> object:
    """What the framework says of this code for such a field."""
    said = (one.__dict__.get("default_error_messages", {}).get(code) for one in kind.__mro__)
    return next((message for message in said if message is not None), None)


def _words(field: forms.Field, label: str, error: ValidationError) -> str:
    """What is wrong and what to enter; empty for what the framework says well enough."""
    if error.code == "required":
        return f"{_MISSING} {_wanted(field, label)}"
    if error.code == "invalid_choice":
        value = (error.params or {}).get("value", "")
        return f"{echoed(value)} cannot be chosen here. Choose among what is shown."
    if error.code == "empty":
        return "This file is empty. Choose another."
    if error.code == "invalid":
        return f"This cannot be read. {_wanted(field, label)}"
    return ""


def _wanted(field: forms.Field, label: str) -> str:
    """What to do in this field, by its kind."""
    for kinds, words in (
        (MoneyField, "Write an amount, like 70.50."),
        (forms.IntegerField, "Write a whole number, like 7."),
        (forms.DateTimeField, "Write a day and a time, like 2026-06-12 19:10."),
        (forms.DateField, "Write a day, like 2026-06-12."),
        (forms.FileField, "Choose a file."),
        (forms.BooleanField, "Tick it."),
        (forms.MultipleChoiceField, "Choose at least one."),
        (forms.ChoiceField, "Choose one of those shown."),
    ):
        if isinstance(field, kinds):
            return words
    # An abbreviation keeps its capitals.
    name = label if label[1:2].isupper() else label[:1].lower() + label[1:]
    return f"Write the {name}."


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
