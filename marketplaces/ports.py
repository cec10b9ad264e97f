"""What marketplaces asks and tells higher layers about an account, which fill these ports when they start."""

import uuid
from dataclasses import dataclass

from marketplaces.contracts import ListingRef
from seatsync.core.ports import Question, Tidings


@dataclass(frozen=True, slots=True)
class Business:
    """What is still going on over an account: listings that may be up, sales and commands that are not through.

    `unread`: 1 where a buyer may have come before the last listing was down, and sales were not read since.
    """

    listings: int = 0
    sales: int = 0
    commands: int = 0
    unread: int = 0

    def __bool__(self) -> bool:
        """Whether anything is."""
        return bool(self.listings or self.sales or self.commands or self.unread)


@dataclass(frozen=True, slots=True)
class Traces:
    """By what an account with open business is known at its marketplace, the newest first.

    `shown` it has answered to show, and `sales` are not settled: another account there sees neither. What is on its way
    down or was never told to be up (`perhaps`) may be gone there as well. `more`: something is open that has no name.
    """

    shown: tuple[ListingRef, ...] = ()
    sales: tuple[str, ...] = ()
    perhaps: tuple[ListingRef, ...] = ()
    more: bool = False

    def __bool__(self) -> bool:
        """Whether anything is open."""
        return bool(self.shown or self.sales or self.perhaps or self.more)


# What is still going on over an account (its id).
business: Question[[uuid.UUID], Business] = Question(Business)
# What another account there must not take over, and by what it would be seen.
traces: Question[[uuid.UUID], Traces] = Question(Traces)
# Its grant is good again: what waited for that can go on.
account_connected: Tidings[[uuid.UUID]] = Tidings()
# It is being given up: everything open on it is to come down.
account_closing: Tidings[[uuid.UUID]] = Tidings()
# It is given up, its key is forgotten: nothing there is read any more.
account_closed: Tidings[[uuid.UUID]] = Tidings()
# Its grant is given up and its listings stay: what waits for it is for its holder's hands from now on. May refuse.
account_left: Tidings[[uuid.UUID]] = Tidings()
# Whether an account's webhook is taken back at its marketplace, or is not waited for any more: the account's id, and a
# word for this time of giving it up. Asked the first time, it is ordered.
webhook_back: Question[[uuid.UUID, str], bool] = Question(lambda: True)
# What an account may show still, in words, a listing each.
still_up: Question[[uuid.UUID], list[str]] = Question(list)
# It turned out to be connected by another connection already, and is paused: what that one has is nothing of its.
account_paused: Tidings[[uuid.UUID]] = Tidings()
