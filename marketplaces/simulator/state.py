"""What the platforms know: accounts, events, listings, sales, subscriptions, deliveries. All of it goes to JSON."""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

SPLITS = ("Any", "None", "Pairs", "AvoidOne", "AvoidOneAndThree")
TICKET_TYPES = ("MobileTransfer", "ETicket", "ElectronicTransfer", "MobileQRCode", "PaperTicket")


def to_cents(amount: Any) -> int:
    """A JSON amount as whole cents; raises ValueError."""
    try:
        return int((Decimal(str(amount)) * 100).to_integral_value())
    except ArithmeticError as error:
        raise ValueError(f"{amount!r} is not an amount") from error


def from_cents(cents: int) -> Decimal:
    """Whole cents as an amount."""
    return Decimal(cents) / 100


def stamp(moment: float) -> str:
    """Seconds since the epoch as ISO 8601 UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


@dataclass(slots=True)
class Settings:
    """What no platform publishes and a run may choose. Percentages of the list price, times in seconds.

    Those by platform override what its dialect declares.
    """

    fee_percent: dict[str, float] = field(default_factory=dict)
    webhook_retries: dict[str, int] = field(default_factory=dict)
    webhook_retry_s: dict[str, float] = field(default_factory=dict)
    access_token_s: float = 3600.0
    code_s: float = 600.0
    # How long a provisional sale is under review, and how long a delivery takes; 0: until a control call moves it.
    review_s: float = 30.0
    delivery_s: float = 0.0
    confirm_within_s: float = 86400.0
    # How long a platform takes to add an event that a seller asks for.
    add_event_s: float = 600.0
    # By when sold tickets are to be handed over, where a platform tells that (delivery.hand_over_by).
    hand_over_within_s: float = 172800.0
    # How long after an order a listing may not be changed, where the platform has such a rule.
    after_order_s: float = 300.0
    hang_s: float = 15.0
    # How long every platform takes to answer (the control API answers at once).
    answer_s: float = 0.0
    broker_data: bool = True
    # When each platform pays by itself, by platform: {"kind", "days", "weekday"} (rules.PayoutRule).
    payout: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Whether it is written down what each listing showed, and since when.
    keep_showings: bool = False


@dataclass(slots=True)
class Account:
    """A seller at one platform. `rate_per_s` 0: no limit."""

    id: str
    platform: str
    token: str
    webhook_url: str = ""
    webhook_secret: str = ""
    rate_per_s: float = 0.0
    burst: float = 10.0
    # The inventory file that lies there, where the file is the account, and when it came.
    file: str = ""
    file_at: float = 0.0
    # No calendar pays before this moment: a payment came back.
    pays_from: float = 0.0


@dataclass(slots=True)
class Event:
    """An event; `platform` empty: every platform has it. Prices in cents, `starts_at` in seconds since the epoch."""

    id: int
    name: str
    venue: str
    starts_at: float
    local_date: str
    local_time: str = ""
    platform: str = ""
    city: str = ""
    state: str = ""
    status: str = "Normal"
    min_price_cents: int = 100
    max_price_cents: int = 10_000_000
    max_quantity: int = 30
    split_types: list[str] = field(default_factory=lambda: list(SPLITS))
    ticket_types: list[str] = field(default_factory=lambda: list(TICKET_TYPES))
    sections: list[str] = field(default_factory=list)
    seats_required: bool = False
    # False: its date is to be announced.
    dated: bool = True
    # A seller asked for it, and it is not added yet: it is in no search, and its listings name no event.
    coming: bool = False
    asked_at: float = 0.0
    # The one that is left of the two, where it was merged into another (0: it was not), and those merged into it.
    merged_into: int = 0
    merged: list[int] = field(default_factory=list)
    # What single platforms say otherwise of it, by platform: {"status", "dated", "starts_at", "local_date", ...}.
    there: dict[str, dict[str, Any]] = field(default_factory=dict)

    def at(self, platform: str) -> "Event":
        """The event as this platform has it."""
        said = self.there.get(platform)
        return replace(self, **said) if said else self


@dataclass(slots=True)
class Listing:
    """An offer; `seats` are the numbers left (none: unnumbered). State: active, hidden, sold or deleted."""

    id: int
    platform: str
    account_id: str
    external_id: str
    event_id: int
    section: str
    row: str
    seats: list[int]
    quantity: int
    price_cents: int
    currency: str
    split: str
    created_at: float
    updated_at: float
    state: str = "active"
    ticket_type: str = ""
    # Hidden until its tickets are there.
    undeliverable: bool = False
    last_order_at: float = 0.0
    # How often a buyer compared it with the others.
    looks: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Showing:
    """What a listing showed from a moment on, until its next showing."""

    id: int
    listing_id: int
    platform: str
    account_id: str
    external_id: str
    at: float
    state: str
    price_cents: int
    quantity: int
    seats: list[int]

    @property
    def seen(self) -> tuple[str, int, int, list[int]]:
        """What a buyer could tell it from another by."""
        return self.state, self.price_cents, self.quantity, self.seats


@dataclass(slots=True)
class Sale:
    """A purchase; amounts are totals in cents, `seats` the ones taken."""

    id: int
    platform: str
    account_id: str
    listing_id: int
    external_id: str
    event_id: int
    section: str
    row: str
    seats: list[int]
    quantity: int
    price_cents: int
    fees_cents: int
    currency: str
    status: str
    created_at: float
    updated_at: float
    confirm_by: float
    # By when its tickets are to be handed over; told where its platform has a field for it.
    hand_over_by: float = 0.0
    provisional: bool = False
    confirmed: bool = False
    fulfilled: bool = False
    rejected: bool = False
    cancelled: bool = False
    cancelled_at: float = 0.0
    paid_in: int = 0
    handed_over_at: float = 0.0
    # What a buyer complains of, while that is not settled.
    issue: str = ""
    # What the tickets are (delivery.py), and why they are to be handed over once more.
    delivery: str = "mobile_transfer"
    again: str = ""
    proof: dict[str, Any] = field(default_factory=dict)
    # Whether one that is over is told by its id, where the platform hides what is over.
    shown: bool = False
    # What was handed in so far, by seat: a barcode, or "file".
    tickets: dict[str, str] = field(default_factory=dict)
    # What the seller did that was taken, [what, seconds since the epoch], repetitions too.
    acts: list[list[Any]] = field(default_factory=list)

    def acted(self, what: str, now: float) -> None:
        """Write down that the seller did this, and was not refused."""
        self.acts = [*self.acts, [what, now]]

    @property
    def gross_cents(self) -> int:
        """The list price of all tickets."""
        return self.price_cents * self.quantity


@dataclass(slots=True)
class Subscription:
    """A registered webhook."""

    id: int
    platform: str
    account_id: str
    url: str
    secret: str
    topics: list[str]
    name: str = ""
    created_at: float = 0.0


@dataclass(slots=True)
class Delivery:
    """One webhook on its way. State: pending, done, dropped or lost."""

    id: int
    platform: str
    account_id: str
    url: str
    headers: dict[str, str]
    body: str
    due_at: float
    retries_left: int
    retry_s: float
    state: str = "pending"
    attempts: int = 0
    last_status: int = 0


@dataclass(slots=True)
class Token:
    """An OAuth code, access or refresh token."""

    value: str
    kind: str
    account_id: str
    client_id: str
    expires_at: float
    spent: bool = False
    redirect_uri: str = ""
    challenge: str = ""
    scope: str = ""


@dataclass(slots=True)
class Offer:
    """A stranger's listing."""

    id: str
    platform: str
    event_id: int
    section: str
    row: str
    quantity: int
    price_cents: int


@dataclass(slots=True)
class Print:
    """A recorded buyer's purchase, by its place in the record. `sale_id` says that he took a listing of an account."""

    id: int
    event_id: int
    section: str
    row: str
    quantity: int
    price_cents: int
    at: str
    sale_id: int = 0


@dataclass(slots=True)
class Payment:
    """A payout of some sales, less some charges."""

    id: int
    platform: str
    account_id: str
    created_at: float
    sale_ids: list[int]
    charge_ids: list[int] = field(default_factory=list)
    # When the seller's bank sent it back (0: it did not): it is for nothing then.
    returned_at: float = 0.0


@dataclass(slots=True)
class Charge:
    """What an account owes its platform, to be kept back of the next payment; `sale_id` 0: for no sale of its own."""

    id: int
    platform: str
    account_id: str
    sale_id: int
    cents: int
    reason: str
    created_at: float
    paid_in: int = 0


_TABLES: dict[str, Any] = {
    "accounts": Account, "events": Event, "listings": Listing, "sales": Sale, "subscriptions": Subscription,
    "deliveries": Delivery, "tokens": Token, "offers": Offer, "payments": Payment,
    "charges": Charge, "prints": Print, "showings": Showing,
}  # fmt: skip


class Ledger:
    """Every table, a seeded source of chance, and one counter for ids. Callers hold the simulator's lock."""

    def __init__(self, seed: int = 1) -> None:
        self.reset(seed)

    def reset(self, seed: int = 1) -> None:
        """Forget everything and start the chance again."""
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        self.next_id = 1000
        self.settings = Settings()
        self.clients: dict[str, str] = {}
        self.accounts: dict[str, Account] = {}
        self.events: dict[int, Event] = {}
        self.listings: dict[int, Listing] = {}
        self.sales: dict[int, Sale] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.tokens: dict[str, Token] = {}
        self.offers: dict[str, Offer] = {}
        self.payments: dict[int, Payment] = {}
        self.charges: dict[int, Charge] = {}
        self.prints: dict[int, Print] = {}
        self.showings: dict[int, Showing] = {}
        self.by_external: dict[tuple[str, str, str], int] = {}
        self._last_showing: dict[int, Showing] = {}

    def new_id(self) -> int:
        """The next id, never used again."""
        self.next_id += 1
        return self.next_id

    def new_secret(self, prefix: str) -> str:
        """A token, the same for the same seed."""
        return f"{prefix}_{self.random.getrandbits(128):032x}"

    def listing_add(self, listing: Listing) -> None:
        """Keep a listing under its id and its seller's key."""
        self.listings[listing.id] = listing
        if listing.external_id:
            self.by_external[listing.platform, listing.account_id, listing.external_id] = listing.id

    def listing_find(self, platform: str, account_id: str, external_id: str) -> Listing | None:
        """The seller's newest listing under his key, whatever its state."""
        return self.listings.get(self.by_external.get((platform, account_id, external_id), 0))

    def showings_note(self, account_id: str, now: float) -> None:
        """Write down which of an account's listings show something else than they did, where that is asked for."""
        if not self.settings.keep_showings:
            return
        for item in self.listings.values():
            if item.account_id != account_id:
                continue
            made = Showing(
                0, item.id, item.platform, account_id, item.external_id, now, item.state, item.price_cents,
                item.quantity, list(item.seats),
            )  # fmt: skip
            last = self._last_showing.get(item.id)
            if last is None or last.seen != made.seen:
                made.id = self.new_id()
                self.showings[made.id] = self._last_showing[item.id] = made

    def event_at(self, platform: str, event_id: int) -> Event | None:
        """An event as a platform has it, where it is known; one that was merged there is the one that is left."""
        known = self.events.get(event_id)
        here = known.at(platform) if known else None
        return self.event_at(platform, here.merged_into) if here and here.merged_into else here

    def on_sale(self, platform: str, event_id: int) -> Iterator[Listing]:
        """Sellers' listings of an event that buyers can see."""
        return (
            item for item in self.listings.values()
            if item.state == "active" and item.platform == platform and item.event_id == event_id
        )  # fmt: skip

    def offers_of(self, platform: str, event_id: int) -> list[Offer]:
        """Strangers' listings of an event."""
        return [item for item in self.offers.values() if item.event_id == event_id and item.platform in {platform, ""}]

    def dump(self) -> dict[str, Any]:
        """Everything as plain JSON values. Rows replace their lists whole, so these may be written without the lock."""
        tables = {name: [as_row(row) for row in getattr(self, name).values()] for name in _TABLES}
        return {
            "seed": self.seed, "next_id": self.next_id, "settings": asdict(self.settings),
            "clients": dict(self.clients), "random": self.random.getstate(), **tables,
        }  # fmt: skip

    def load(self, saved: dict[str, Any]) -> None:
        """Take back what `dump` gave; fields that this version does not know are left out."""
        self.reset(int(saved["seed"]))
        self.next_id = int(saved["next_id"])
        self.settings = known(Settings, saved["settings"])
        self.clients = dict(saved["clients"])
        version, internal, gauss = saved["random"]
        self.random.setstate((version, tuple(internal), gauss))
        for name, kind in _TABLES.items():
            rows = [known(kind, row) for row in saved.get(name, [])]
            getattr(self, name).update({row.value if kind is Token else row.id: row for row in rows})
        for listing in sorted(self.listings.values(), key=lambda item: item.id):
            self.listing_add(listing)
        self._last_showing = {row.listing_id: row for row in sorted(self.showings.values(), key=lambda row: row.id)}


def as_row(row: Any) -> dict[str, Any]:
    """A row's fields, not copied deep: dataclasses.asdict is ten times slower, and the lock is held meanwhile."""
    return {item.name: getattr(row, item.name) for item in fields(row)}


def known(kind: Any, row: dict[str, Any]) -> Any:
    """A row from JSON, without the keys that `kind` does not have; raises TypeError where one is missing."""
    names = {item.name for item in fields(kind)}
    return kind(**{key: value for key, value in row.items() if key in names})
