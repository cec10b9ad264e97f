"""What live needs from higher layers: a user's mail address. Accounts fills it when it starts."""

import uuid
from collections.abc import Callable


class AddressPort:
    """Finds the verified mail address of a user id; answers None until filled or where there is none."""

    def __init__(self) -> None:
        self._lookup: Callable[[uuid.UUID], str | None] | None = None

    def fill(self, lookup: Callable[[uuid.UUID], str | None]) -> None:
        """Set the look-up."""
        self._lookup = lookup

    def __call__(self, user_id: uuid.UUID) -> str | None:
        return self._lookup(user_id) if self._lookup else None


addresses = AddressPort()
