"""What a request's body may say: the fields that are read, and none besides."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from seatsync.core.remedies import LONGEST_ECHO, Told, choices_told

# The longest text of a body: the body as a whole may be some larger (API_LARGEST_BODY), for what JSON has to escape.
LONGEST_TEXT = 200_000
# As many unknown fields as are named.
MOST_NAMED = 20


_BY_KIND: tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], str], ...] = (
    (serializers.UUIDField, "Send an id as it was given by this API."),
    (serializers.BooleanField, "Send true or false."),
    (serializers.IntegerField, "Send a whole number, like 7."),
    (serializers.DecimalField, "Send a number, like 70.50."),
    (serializers.DateTimeField, "Send a time, like 2026-06-12T19:10:00Z."),
    (serializers.DateField, "Send a day, like 2026-06-12."),
    (serializers.ListField, "Send a list."),
    (serializers.ListSerializer, "Send a list."),
    (serializers.BaseSerializer, "Send an object."),
    (serializers.CharField, "Send a text, in quotation marks."),
)


def wanted(field: serializers.Field[Any, Any, Any, Any]) -> str:
    """What to send for a field that is missing."""
    if isinstance(field, serializers.ChoiceField):
        return choices_told(field.choices)
    return next((words for kind, words in _BY_KIND if isinstance(field, kind)), "Send a value for it.")


class Input(serializers.Serializer[Any]):
    """Base of all bodies but a sign-in's. An unknown field is refused: success would say that it had been heeded."""

    def to_internal_value(self, data: Any) -> Any:
        """The values; raises ValidationError, for an unknown field with the ones that there are."""
        unknown = [name for name in data if name not in self.fields] if isinstance(data, dict) else []
        if unknown:
            *names, last = self.fields
            taken = f"{', '.join(names)} and {last}" if names else last
            told = Told("unknown_field", f"Leave it out. Taken here: {taken}.")
            said = ErrorDetail("This is not taken here.", told)
            raise serializers.ValidationError({name[:LONGEST_ECHO]: said for name in unknown[:MOST_NAMED]})
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                raise serializers.ValidationError(self._missing_told(error.detail)) from error
            raise

    def _missing_told(self, detail: dict[str, Any]) -> dict[str, Any]:
        """The refusals, those of a field that is missing with what to send for it."""
        return {
            name: [
                ErrorDetail(one, Told("required", wanted(self.fields[name])))
                if isinstance(one, ErrorDetail) and one.code == "required" and name in self.fields
                else one
                for one in told
            ]
            if isinstance(told, list)
            else told
            for name, told in detail.items()
        }
