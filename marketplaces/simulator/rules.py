"""What a dialect declares, so that nothing shared asks for a platform's name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from marketplaces.simulator.http import Refusal, Request, Response
from marketplaces.simulator.state import Account, Event, Ledger, Listing, Sale

if TYPE_CHECKING:
    from marketplaces.simulator.webhooks import Outbox


# What is told to the seller: (platform's sale, topic of ours).
Tell = Callable[[Sale, str], None]


@dataclass(frozen=True, slots=True)
class Words:
    """One platform's names for the steps of a sale."""

    provisional: str
    sold: str
    confirmed: str
    handed_over: str
    complete: str
    rejected: str
    cancelled: str
    # Where a sale that was paid is called otherwise than one that is to be.
    paid: str = ""


@dataclass(frozen=True, slots=True)
class PayoutRule:
    """When a platform pays by itself. Weekdays count from Monday as 0, and begin at midnight UTC.

    `after_game`, `after_delivery`: so many days later. `weekly`: on the first such weekday that is at least so many
    days after the hand-over. `none`: only when it is told to.
    """

    kind: str = "none"
    days: int = 0
    weekday: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """How a platform deals. `fee_percent` is of the list price, `webhook_retry_s` seconds between two tries.

    What no platform publishes may be overridden for a run (state.Settings).
    """

    key: str
    words: Words
    fee_percent: float
    # The fee is rounded for each ticket, else once for all of a sale.
    fee_per_ticket: bool
    knows_provisional: bool
    webhook_retries: int
    webhook_retry_s: float
    # No platform publishes its calendar whole: these are the simulator's own.
    payout: PayoutRule = PayoutRule()
    # What tickets are, by the name that a listing gives them; without one they are transferred by phone.
    delivery_of: Mapping[str, str] = field(default_factory=dict)
    # Names of a sale by what its tickets are, where they differ: while it waits for them, for them again, on the way.
    waits: Mapping[str, str] = field(default_factory=dict)
    waits_again: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    # The seller says which of a listing's seats a buyer has.
    seller_allocates: bool = False


class Dialect(Protocol):
    """Answers requests under /<key>. The caller holds the simulator's lock."""

    rules: ClassVar[Rules]

    def __init__(self, ledger: Ledger, outbox: "Outbox") -> None: ...

    def account_of(self, request: Request, now: float) -> Account | None:
        """Whose request it is; None where none is needed. Raises Refusal(401)."""

    def handle(self, request: Request, account: Account | None, now: float) -> Response:
        """The answer. Raises Refusal."""

    def refused(self, refusal: Refusal, request: Request) -> Response:
        """A refusal in the platform's own form."""

    def no_route(self) -> Response:
        """What is said where nothing lies at the address."""

    def pass_time(self, now: float) -> None:
        """What time does to listings, where the platform has such a rule."""

    def by_hand(self, listing: Listing, event: Event, now: float) -> None:
        """Put a listing up as its seller does on the platform's own page."""

    def tell(self, sale: Sale, what: str, now: float) -> None:
        """Queue what the seller is told of a sale."""

    def tell_event(self, event: Event, now: float) -> None:
        """Queue what sellers are told of an event that is not as it was, where the platform tells it."""

    def tell_of_listing(self, listing: Listing, now: float) -> None:
        """Queue what the seller is told of a listing that is hidden for want of its tickets."""

    def grant(self, account: Account, client_id: str, now: float, *, scope: str) -> dict[str, Any]:
        """What lets an account in, in the platform's own form."""
