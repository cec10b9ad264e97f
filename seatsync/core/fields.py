"""Fields of serializers that several apps need."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from seatsync.core.bounds import MOMENT_REMEDY, moment_within
from seatsync.core.remedies import Told, choices_told, echoed


class MomentField(serializers.DateTimeField):
    """A time in the years that are stored."""

    def to_internal_value(self, value: Any) -> datetime:
        """The aware time; raises ValidationError for none, or one out of bounds."""
        moment = super().to_internal_value(value)
        if not moment_within(moment):
            raise serializers.ValidationError("This time is out of range.", Told("out_of_range", MOMENT_REMEDY))
        return moment


class ChoiceField(serializers.ChoiceField):
    """One of a few; a refusal names them."""

    def to_internal_value(self, data: Any) -> Any:
        """The choice; raises ValidationError."""
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(
                f"{echoed(data)} is not a valid choice.", Told("invalid_choice", choices_told(self.choices))
            ) from error
