"""What the simulated marketplaces keep: accounts, events, listings, sales. The truth that tests count against."""

import random
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

CENT = Decimal("0.01")


def utc_now() -> datetime:
    """The present, aware UTC."""
    return datetime.now(tz=UTC)


@dataclass
class Account:
    """A seller at one platform."""

    id: str
    platform: str
    access_token: str
    refresh_token: str = ""
    expires_at: str = ""
    webhook_url: str = ""
    webhook_header: str = ""
    webhook_topics: list[str] = field(default_factory=list)


@dataclass
class Event:
    """An event that every platform knows under one id."""

    id: str
    name: str
    venue: str
    starts_at: str
    local_date: str


@dataclass
class Listing:
    """A listing at one platform. `price` is the seller's per ticket, as text; `seats` those still offered."""

    id: int
    platform: str
    account_id: str
    external_id: str
    event_id: str
    section: str
    row: str
    seats: list[int]
    price: str
    split: str
    active: bool
    created_at: str
    updated_at: str
    sold_seats: list[int] = field(default_factory=list)
    looks: int = 0

    @property
    def shown(self) -> bool:
        """Whether buyers can see and buy it."""
        return self.active and bool(self.seats)


@dataclass
class Sale:
    """A sale at one platform, with every status it went through."""

    id: str
    platform: str
    account_id: str
    external_id: str
    listing_id: int
    event_id: str
    section: str
    row: str
    seats: list[int]
    price: str
    status: str
    created_at: str
    updated_at: str
    history: list[list[str]] = field(default_factory=list)
    tells_seats: bool = True

    @property
    def gross(self) -> Decimal:
        """The seller's price times the quantity."""
        return Decimal(self.price) * len(self.seats)


class State:
    """All of it, with one seeded source of chance. The caller holds the simulator's lock."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)  # noqa: S311 - play, not secrets
        self.accounts: list[Account] = []
        self.events: dict[str, Event] = {}
        self.listings: list[Listing] = []
        self.sales: list[Sale] = []
        self.market: dict[str, list[dict[str, Any]]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.spent_refresh: list[str] = []
        self.fees = {"stubhub": "10.0", "seatgeek": "5.0"}
        self.next_id = 1000

    def new_id(self) -> int:
        """The next number for a listing or a sale."""
        self.next_id += 1
        return self.next_id

    def account_by_token(self, platform: str, token: str) -> Account | None:
        """The account whose token is good now."""
        for account in self.accounts:
            if account.platform == platform and account.access_token == token and token:
                alive = not account.expires_at or datetime.fromisoformat(account.expires_at) > utc_now()
                return account if alive else None
        return None

    def account_make(self, platform: str, *, token: str = "", life_s: float | None = None) -> Account:
        """A new seller with fresh tokens."""
        account = Account(
            id=str(self.new_id()),
            platform=platform,
            access_token=token or uuid.uuid4().hex,
            refresh_token=uuid.uuid4().hex,
            expires_at=(utc_now() + timedelta(seconds=life_s)).isoformat() if life_s else "",
        )
        self.accounts.append(account)
        return account

    def listing_find(self, platform: str, key: str, account: Account | None = None) -> Listing | None:
        """The newest listing with this external or own id."""
        for listing in reversed(self.listings):
            own = account is None or listing.account_id == account.id
            if listing.platform == platform and own and key in {listing.external_id, str(listing.id)}:
                return listing
        return None

    def sale_find(self, platform: str, sale_id: str, account: Account | None = None) -> Sale | None:
        """A sale by id."""
        for sale in self.sales:
            own = account is None or sale.account_id == account.id
            if sale.platform == platform and sale.id == sale_id and own:
                return sale
        return None

    def sale_make(self, listing: Listing, seats: list[int], status: str, *, tells_seats: bool) -> Sale:
        """A buyer takes these seats; the listing shrinks at once."""
        moment = utc_now().isoformat()
        listing.seats = [seat for seat in listing.seats if seat not in seats]
        listing.sold_seats += seats
        listing.updated_at = moment
        sale = Sale(
            id=str(self.new_id()), platform=listing.platform, account_id=listing.account_id,
            external_id=listing.external_id, listing_id=listing.id, event_id=listing.event_id, section=listing.section,
            row=listing.row, seats=seats, price=listing.price, status=status, created_at=moment, updated_at=moment,
            history=[[status, moment]], tells_seats=tells_seats,
        )  # fmt: skip
        self.sales.append(sale)
        return sale

    def sale_move(self, sale: Sale, status: str) -> None:
        """The sale goes on."""
        sale.status, sale.updated_at = status, utc_now().isoformat()
        sale.history.append([status, sale.updated_at])

    def fee_of(self, platform: str, gross: Decimal) -> Decimal:
        """The platform's cut of a gross amount, to the cent."""
        return (gross * Decimal(self.fees[platform]) / 100).quantize(CENT)

    def dump(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "accounts": [asdict(account) for account in self.accounts],
            "events": [asdict(event) for event in self.events.values()],
            "listings": [{**asdict(listing), "shown": listing.shown} for listing in self.listings],
            "sales": [asdict(sale) for sale in self.sales],
            "market": self.market,
            "spent_refresh": self.spent_refresh,
            "fees": self.fees,
            "next_id": self.next_id,
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Everything back from `dump`."""
        self.accounts = [Account(**row) for row in dumped["accounts"]]
        self.events = {row["id"]: Event(**row) for row in dumped["events"]}
        self.listings = [Listing(**{k: v for k, v in row.items() if k != "shown"}) for row in dumped["listings"]]
        self.sales = [Sale(**row) for row in dumped["sales"]]
        self.market = dumped["market"]
        self.spent_refresh = dumped["spent_refresh"]
        self.fees = dumped["fees"]
        self.next_id = dumped["next_id"]
