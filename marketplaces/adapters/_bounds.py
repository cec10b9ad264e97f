"""How long a file may take and how large it may be, whatever brings it."""

import time
from collections.abc import Callable

from marketplaces.errors import PermanentError

# Of one answer, and of a whole file: together they stay inside a command's lease.
TIMEOUT_S = 5.0
TOTAL_S = 8.0
# An inventory of a season is some hundred kilobytes; what is larger than this is no inventory.
MOST_BYTES = 20_000_000


def clock() -> Callable[[], None]:
    """To be asked at each part of a file: raises TimeoutError once the whole takes too long."""
    ends_at = time.monotonic() + TOTAL_S

    def in_time() -> None:
        if time.monotonic() > ends_at:
            raise TimeoutError("the file took too long")

    return in_time


class Collected:
    """The parts of a file as they come. Taking one raises TimeoutError, or PermanentError for too large a file."""

    def __init__(self) -> None:
        self._in_time, self._parts, self._size = clock(), list[bytes](), 0

    def take(self, part: bytes) -> None:
        """One more part."""
        self._in_time()
        self._size += len(part)
        if self._size > MOST_BYTES:
            raise PermanentError("the file there is too large to be an inventory")
        self._parts.append(part)

    @property
    def whole(self) -> bytes:
        """All of it."""
        return b"".join(self._parts)
