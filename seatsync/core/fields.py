"""Fields of serializers that several apps need."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from seatsync.core.bounds import MOMENT_REMEDY, moment_within
from seatsync.core.remedies import Told, choices_told, echoed

_AMOUNT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)")


class MomentField(serializers.DateTimeField):
    """A time in the years that are stored."""

    def to_internal_value(self, value: Any) -> datetime:
        """The aware time; raises ValidationError for none, or one out of bounds."""
        moment = super().to_internal_value(value)
        if not moment_within(moment):
            raise serializers.ValidationError("This time is out of range.", Told("out_of_range", MOMENT_REMEDY))
        return moment


class MoneyField(serializers.DecimalField):
    """An amount that fits a column, in the digits 0 to 9."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=10, decimal_places=2, **kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        """The amount; raises ValidationError."""
        # Decimal itself takes every script's digits, and _ between them: what we would read is not what was written.
        if isinstance(data, str) and not _AMOUNT.fullmatch(data.strip()):
            self.fail("invalid")
        return super().to_internal_value(data)


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
