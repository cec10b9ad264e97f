"""Filters of the API's lists."""

from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import ForeignKey, PositiveSmallIntegerField
from django_filters import fields as filter_fields
from django_filters import rest_framework as filters

from seatsync.core.bounds import EARLIEST, LATEST, MOMENT_REMEDY
from seatsync.core.remedies import Told, choices_told, echoed

LARGEST_SMALL = 32_767


class MomentFilter(filters.IsoDateTimeFilter):
    """A time in the years that are stored; the database takes others only to fail on them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        bounds = [MinValueValidator(EARLIEST, MOMENT_REMEDY), MaxValueValidator(LATEST, MOMENT_REMEDY)]
        super().__init__(*args, **kwargs, validators=bounds)


class _TrueOrFalse(forms.Field):
    widget = forms.TextInput

    def to_python(self, value: Any) -> bool | None:
        """True, false, or None for nothing; raises ValidationError for any other text."""
        if value in self.empty_values:
            return None
        if str(value).lower() not in {"true", "false"}:
            raise forms.ValidationError("Write true or false.")
        return str(value).lower() == "true"


class YesFilter(filters.BooleanFilter):
    """True or false; the filter that it is made from takes any other text for no filter at all."""

    field_class = _TrueOrFalse

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, widget=forms.TextInput, **kwargs)


class SmallNumberFilter(filters.NumberFilter):
    """A whole number as a small column holds it. A decimal would do, but 1e9999999 takes seconds to be made whole."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, min_value=0, max_value=LARGEST_SMALL)


class _ToldChoice(filter_fields.ChoiceField):
    def validate(self, value: Any) -> None:
        """Raises ValidationError naming the choices; nothing chosen is no filter."""
        try:
            super().validate(value)
        except forms.ValidationError as error:
            # django-filter formats every refusal: what was asked for is a parameter, so that a "%" in it is no format.
            raise forms.ValidationError(
                "%(value)s is not a valid choice.",
                Told("invalid_choice", choices_told(key for key, _ in self.choices)),
                {"value": echoed(value)},
            ) from error


class ToldChoiceFilter(filters.ChoiceFilter):
    """One of a few; a refusal names them."""

    field_class = _ToldChoice


class ApiFilterSet(filters.FilterSet):
    """Objects are filtered by bare id: one that is not there and another holder's both give an empty list.

    django-filter's own choice among all rows would answer them differently, and read the row for it.
    """

    FILTER_DEFAULTS: ClassVar[dict[Any, Any]] = {
        **filters.FilterSet.FILTER_DEFAULTS,
        ForeignKey: {"filter_class": filters.UUIDFilter},
        PositiveSmallIntegerField: {"filter_class": SmallNumberFilter},
    }

    @classmethod
    def filter_for_lookup(cls, field: Any, lookup_type: str) -> tuple[Any, Any]:
        """The filter's class and arguments; django-filter's own for choices names none of them."""
        found, arguments = super().filter_for_lookup(field, lookup_type)
        return (ToldChoiceFilter if found is filters.ChoiceFilter else found), arguments
