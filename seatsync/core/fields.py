"""Fields of serializers that several apps need."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from seatsync.core.bounds import MOMENT_REMEDY, moment_within


class MomentField(serializers.DateTimeField):
    """A time in the years that are stored."""

    def to_internal_value(self, value: Any) -> datetime:
        """The aware time; raises ValidationError for none, or one out of bounds."""
        moment = super().to_internal_value(value)
        if not moment_within(moment):
            raise serializers.ValidationError(MOMENT_REMEDY)
        return moment
