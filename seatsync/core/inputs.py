"""What a request's body may say: the fields that are read, and none besides."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from seatsync.core.remedies import LONGEST_ECHO, Told

# The longest text of a body: the body as a whole may be some larger (API_LARGEST_BODY), for what JSON has to escape.
LONGEST_TEXT = 200_000
# As many unknown fields as are named.
MOST_NAMED = 20


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
        return super().to_internal_value(data)
