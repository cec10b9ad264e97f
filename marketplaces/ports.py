"""What marketplaces asks and tells higher layers about an account, which fill these ports when they start."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Business:
    """What is still going on over an account: listings that may be up, sales and commands that are not through."""

    listings: int = 0
    sales: int = 0
    commands: int = 0

    def __bool__(self) -> bool:
        """Whether anything is."""
        return bool(self.listings or self.sales or self.commands)


class BusinessPort:
    """Answers what is still going on over an account; nothing is until the port is filled."""

    def __init__(self) -> None:
        self._lookup: Callable[[uuid.UUID], Business] | None = None

    def fill(self, lookup: Callable[[uuid.UUID], Business]) -> None:
        """Set the look-up."""
        self._lookup = lookup

    def __call__(self, account_id: uuid.UUID) -> Business:
        return self._lookup(account_id) if self._lookup else Business()


class AccountPort:
    """Tells whoever registered what became of an account (its id), in the transaction that did it."""

    def __init__(self) -> None:
        self._hearers: list[Callable[[uuid.UUID], None]] = []

    def register(self, hearer: Callable[[uuid.UUID], None]) -> None:
        """Add a hearer; the same one twice hears once."""
        if hearer not in self._hearers:
            self._hearers.append(hearer)

    def tell(self, account_id: uuid.UUID) -> None:
        """Tell everyone."""
        for hearer in self._hearers:
            hearer(account_id)


business = BusinessPort()
# Its grant is good again: what waited for that can go on.
account_connected = AccountPort()
# It is being given up: everything open on it is to come down.
account_closing = AccountPort()
