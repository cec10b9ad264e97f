"""The adapter protocol and its frozen values. No Django here: an adapter is HTTP and dialect, nothing else.

Money is Decimal with a currency beside it; moments are aware UTC; `external_id` is our key for a publication,
`listing_id` the marketplace's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from urllib.parse import unquote

import httpx

from marketplaces.deadlines import KnownHandOver, KnownListUntil
from marketplaces.delivery import DeliveryStep, DeliveryType, Fulfilment, HandOver, SeatTicket


class Capability(StrEnum):
    """What a platform's API lets a seller do; an adapter lists what it has and thereby declares what it lacks."""

    SEARCH_EVENTS = "search_events"
    CONSTRAINTS = "constraints"
    PREVIEW = "preview"
    REPRICE = "reprice"
    RESIZE = "resize"
    FETCH = "fetch"
    LIST_ALL = "list_all"
    SALES_SINCE = "sales_since"
    CONFIRM = "confirm"
    REJECT = "reject"
    FULFIL = "fulfil"
    PAYMENTS = "payments"
    NEXT_PAYMENT = "next_payment"
    REGISTER_WEBHOOK = "register_webhook"
    WEBHOOK = "webhook"
    MARKET_VIEW = "market_view"
    KEEP_ALIVE = "keep_alive"
    SHIPPING_LABEL = "shipping_label"
    SUPPLY = "supply"
    PROVISIONAL_SALE = "provisional_sale"
    EVENT_STANDING = "event_standing"
    PRIMARY_LEFT = "primary_left"
    # A draft without an event's id makes the platform add the event that it names in words.
    REQUEST_EVENT = "request_event"


class PriceBasis(StrEnum):
    """What a price means: the seller's list price, the buyer's all-in price, or the seller's net."""

    LIST = "list"
    ALL_IN = "all_in"
    NET = "net"


@dataclass(frozen=True, slots=True)
class KnownFee:
    """What the seller is known to pay: percent of the list price from a day on, who says so, and when that was read."""

    percent: Decimal
    valid_from: date
    source: str
    checked_on: date


@dataclass(frozen=True, slots=True)
class Traits:
    """Everything special about one platform, declared so that shared code never asks for a name."""

    key: str
    name: str
    auth: str  # "oauth2" or "token"
    contract: str  # "official", "reconstructed" or "unverified"
    capabilities: frozenset[Capability]
    price_basis: PriceBasis = PriceBasis.LIST
    market_view: str = "none"  # "section_listings", "own_sales", "event_figures" or "none"
    # One command in flight for the whole account (the file is the account).
    whole_account: bool = False
    # Requests that the limiter grants by default where no dated row says otherwise.
    default_per_second: float = 5.0
    default_burst: int = 10
    reserved_tokens: int = 2
    # Where the limit is published, and where the paces are; else they are measures of our own.
    limit_source: str = ""
    paces_source: str = ""
    # Fees of public record.
    fees: tuple[KnownFee, ...] = ()
    # The adapter's names for its requests, by which staff date limits of one kind alone.
    requests: tuple[str, ...] = ()
    # Those with a pace of their own: seconds between two, and how many may come at once where that is more than one.
    paces: Mapping[str, float] = field(default_factory=dict)
    pace_bursts: Mapping[str, int] = field(default_factory=dict)
    # How many of a kind that has a pace are let through in any 24 hours, where that is limited.
    day_quotas: Mapping[str, int] = field(default_factory=dict)
    # Those that go with SeatSync's own key: one pace for all accounts.
    own_key: frozenset[str] = frozenset()
    # Whether `search_events` sends no others, so that it needs no account's grant.
    searches_by_own_key: bool = False
    # How many requests an act sends as a rule, by the protocol's name for it, where that is more than one.
    sends: Mapping[str, int] = field(default_factory=dict)
    # The one request of an act that sends no other, by the act: it takes all its tokens at once.
    sole_requests: Mapping[str, str] = field(default_factory=dict)
    # At least so far apart; who asks looks every fifteen seconds, so that a lost webhook costs no more than that.
    poll_sales_every_s: int = 10
    scopes: tuple[str, ...] = ()
    refresh_token_single_use: bool = False
    # Whether the seller says which seats a sale took (SeatGeek) or the platform does (I-04: then read, never guess).
    seller_allocates: bool = False
    # Whether webhooks carry the account's own API token instead of a secret of our making.
    webhook_secret_is_token: bool = False
    # The header that carries the webhook's secret (lower case); it is never stored.
    webhook_proof_header: str = "authorization"
    # The ways that `fulfil` takes, the usual one first; none: the holder hands over on the platform's own site.
    hand_overs: tuple[HandOver, ...] = ()
    # What `supply` takes for a listing that is hidden for want of its tickets; none where the platform hides none.
    supplies: tuple[HandOver, ...] = (HandOver.BARCODE,)
    # What tickets may be listed; of others nothing is published.
    deliveries: tuple[DeliveryType, ...] = (DeliveryType.MOBILE_TRANSFER,)
    # Until when before an event tickets may be on sale, where that is published; else it is our own caution.
    list_until: tuple[KnownListUntil, ...] = ()
    # By when a sale is to be handed over, where a published rule fixes that and a field may not tell it.
    hand_over_by: KnownHandOver | None = None
    # How long after a sale was made what becomes of it is told where sales are asked for by time; one that is older is
    # read again by its id. None: however long that takes; zero: that it was taken back is never told.
    tells_changes_for: timedelta | None = None
    # The platform's own site, for what a person does there with his own hands.
    site: str = ""
    # Whether it ever says that it has paid; else the holder looks at the bank.
    tells_payouts: bool = True
    # Whether a listing that is read tells how often buyers looked at it.
    tells_views: bool = False
    # Whether `search_events` asks for the query's text; else its venue and day tell them all, whatever the text.
    searches_by_text: bool = True
    # How many events of one venue one request of `event_standings` tells of.
    events_at_once: int = 1
    # What the holder of a token platform enters, in this order; more than one part are the lines of one token.
    token_parts: tuple[str, ...] = ("API token",)
    # What a price may be in (ISO 4217); seats that are priced in another one are not offered there.
    currencies: tuple[str, ...] = ("USD",)

    @property
    def currency(self) -> str:
        """What amounts are in that are told without a currency: the first of its own."""
        return self.currencies[0]


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """SeatSync's own registration at a platform (<PLATFORM>_CLIENT_ID and _CLIENT_SECRET)."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What an account holds after connect or refresh. `expires_at` None: no known end."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    account_id: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """The purchases that a file's rows have in their numbers: these (by id), and every one made until `until`."""

    sales: frozenset[str] = frozenset()
    until: datetime | None = None

    def has(self, sale_id: str, at: datetime) -> bool:
        """Whether a purchase of then (aware UTC) is one of them."""
        return sale_id in self.sales or (self.until is not None and at <= self.until)


class AccountFile(Protocol):
    """The file that is a whole account, as we sent it: each change of a listing is made of the one before.

    Only for platforms with traits.whole_account, of which one command is under way at a time.
    """

    def last(self) -> bytes | None:
        """The file as it was kept last, whether or not it arrived; None before the first."""
        ...

    def counted(self) -> Counted:
        """The purchases that the file kept last has in its numbers."""
        ...

    def keep(self, content: bytes | None, counted: Counted) -> None:
        """Keep it, before it is sent. Raises TemporaryError where another one was kept since `last`."""
        ...

    def trying(self, content: bytes) -> None:
        """It is about to be sent: from now on it, or the beginning of it, may lie there."""
        ...

    def never_left(self, content: bytes) -> None:
        """It was not sent after all."""
        ...

    def tried(self) -> list[bytes]:
        """What was sent since a file last arrived, and nobody knows how much of it did."""
        ...

    def sent(self) -> bool:
        """What was kept has arrived. False: another one was kept meanwhile, and has to be sent once more."""
        ...

    def arrived(self) -> bytes | None:
        """The last file that arrived; None before the first."""
        ...

    def note_arrived(self, content: bytes) -> None:
        """This counts as what arrived last; nothing where another one was kept since `last`."""
        ...


class NoFile:
    """For platforms where each listing is sent by itself."""

    def last(self) -> bytes | None:
        """None."""
        return None

    def counted(self) -> Counted:
        """None."""
        return Counted()

    def keep(self, content: bytes | None, counted: Counted) -> None:
        """Keep nothing."""

    def trying(self, content: bytes) -> None:
        """Nothing is sent."""

    def never_left(self, content: bytes) -> None:
        """Nothing was."""

    def tried(self) -> list[bytes]:
        """Nothing."""
        return []

    def sent(self) -> bool:
        """Nothing was, and nothing came between."""
        return True

    def note_arrived(self, content: bytes) -> None:
        """Nothing is noted."""

    def arrived(self) -> bytes | None:
        """None."""
        return None


class Gate(Protocol):
    """What lets the requests of a line through, so that an account keeps to its platform's limits."""

    def wait_s(self, request: str, *, write: bool) -> float:
        """Seconds until a request of this kind (one of `Traits.requests`, or "") may go; 0 where it goes now.

        Then its token is taken.
        """
        ...

    def hold(self, request: str, wait_s: float) -> None:
        """The platform wants no request of this kind for so long, whoever sends it."""
        ...

    def settle(self) -> None:
        """Nothing more is sent: what was taken for it and not needed is given back."""
        ...


class OpenGate:
    """For lines whose requests nobody counts: of tests, and of adapters that are tried by themselves."""

    def wait_s(self, request: str, *, write: bool) -> float:
        """None."""
        return 0.0

    def hold(self, request: str, wait_s: float) -> None:
        """Nobody is held."""

    def settle(self) -> None:
        """Nothing was taken."""


class Answers(Protocol):
    """What a long reading was told before a limit broke it off: it is not asked again when the reading goes on."""

    @property
    def began(self) -> datetime:
        """When the oldest of what is read was told (aware UTC)."""
        ...

    def known(self, key: str) -> httpx.Response | None:
        """The answer to a question, where it was told before."""
        ...

    def note(self, key: str, response: httpx.Response) -> None:
        """This was told."""
        ...

    def passed(self, step: str) -> bool:
        """Whether a step of the reading, which is more than questions, was done before."""
        ...

    def note_passed(self, step: str) -> None:
        """It is done, and not to be done again."""
        ...


class NoAnswers:
    """For what is asked anew each time."""

    @property
    def began(self) -> datetime:
        """Now."""
        return datetime.now(UTC)

    def known(self, key: str) -> httpx.Response | None:
        """None."""
        return None

    def note(self, key: str, response: httpx.Response) -> None:
        """Nothing is kept."""

    def passed(self, step: str) -> bool:
        """Never."""
        return False

    def note_passed(self, step: str) -> None:
        """Nothing is kept."""


def _not_kept(_event_id: str, _told: "Constraints") -> None:
    pass


class Unread:
    """What of a list could not be read, in words, in the order in which it came: it keeps nothing else from being read.

    What is not in a list may be in here.
    """

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, what: str) -> None:
        """This could not be read."""
        self.told.append(what)


class TheirClock:
    """How far a platform's clock is behind ours, as far as its answers tell (their Date): never less than nothing.

    What it is asked for "since then" is by its clock.
    """

    # Beyond that it is no clock.
    MOST = timedelta(days=1)
    # A Date leaves out what is less than a second.
    LEFT_OUT = timedelta(seconds=1)

    def __init__(self) -> None:
        self.behind = timedelta(0)

    def told(self, moment: datetime, ours: datetime) -> None:
        """It was `moment` there (aware UTC, whole seconds) at our `ours`."""
        self.behind = min(max(self.behind, ours - moment - self.LEFT_OUT), self.MOST)


def _password(address: str) -> str:
    """The one that an address carries; "" where there is none."""
    before, at, _ = address.partition("://")[2].rpartition("@")
    return unquote(before.partition(":")[2]) if at else ""


class Brake:
    """What an adapter asks right before each write: whether it may still be sent (I-19).

    `held_back` gives why it may not; None where it may. Whoever makes the line has asked that himself, so it is asked
    only where something was sent since: reading takes its time, and a brake holds from the moment that it is set.
    `among` gives which of these listings, by our keys, may not go up or be priced now; each with the price a ticket
    that would be sent, None where that may be there already.
    """

    def __init__(
        self, held_back: Callable[[], str | None] | None = None,
        among: Callable[[Mapping[str, Decimal | None]], frozenset[str]] = lambda _: frozenset(),
    ) -> None:  # fmt: skip
        self._held_back, self._time_went_by = held_back, False
        # For a file that is the whole account: what others left in it goes with whatever is sent.
        self.among = among

    def passed(self) -> None:
        """Something was sent over the line."""
        self._time_went_by = True

    def reason(self) -> str | None:
        """Why nothing may be written now; None where it may."""
        if self._held_back is None or not self._time_went_by:
            return None
        reason = self._held_back()
        self._time_went_by = reason is not None
        return reason


@dataclass(frozen=True, slots=True)
class Link:
    """One account's line to its platform: where, with what, and the HTTP client to use (timeouts are set on it)."""

    http: httpx.Client
    base_url: str
    grant: Grant
    app: AppCredentials = AppCredentials()
    webhook_secret: str = field(default="", repr=False)
    # The account's file, and where the platform takes it (empty: where its adapter knows).
    file: AccountFile = field(default_factory=NoFile)
    drop_url: str = ""
    # Each request takes a token there.
    gate: Gate = field(default_factory=OpenGate)
    # What a reading that goes on was told before.
    answers: Answers = field(default_factory=NoAnswers)
    # Keeps what listings for an event, by its id there, must keep to; an adapter tells it whenever it has asked.
    note_bounds: Callable[[str, "Constraints"], None] = field(default=_not_kept)
    # What of the lists that were read over this line could not be.
    unread: Unread = field(default_factory=Unread)
    # What time it is there.
    clock: TheirClock = field(default_factory=TheirClock)
    # What stops a write that was decided before it was set.
    brake: Brake = field(default_factory=Brake)

    @property
    def credentials(self) -> frozenset[str]:
        """All that goes over the line and stands in no error and no log: each line of a token, secrets, passwords.

        Our client id is one too: some take it as a key.
        """
        tokens = self.grant.access_token, self.grant.refresh_token
        lines = (line.strip() for token in tokens for line in token.splitlines())
        own = self.app.client_id, self.app.client_secret, self.webhook_secret
        return frozenset(filter(None, (*tokens, *lines, *own, _password(self.base_url), _password(self.drop_url))))


@dataclass(frozen=True, slots=True)
class EventQuery:
    """What we look for: names as we know them, the day local to the venue."""

    text: str
    venue: str
    starts_at: datetime
    local_date: str


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """An event as the platform knows it."""

    event_id: str
    name: str
    venue: str
    starts_at: datetime
    # Its page on the platform's own site, where that is told.
    page: str = ""


class EventState(StrEnum):
    """How an event stands at a platform, in our words; `unknown` is a word that we do not know, and does nothing."""

    ON = "on"
    POSTPONED = "postponed"
    # It has another date than it had, which is told or not.
    RESCHEDULED = "rescheduled"
    # At another place, perhaps on another day too: the seats are not what they were.
    RELOCATED = "relocated"
    CANCELLED = "cancelled"
    # Not on sale there any more, and nothing said why.
    INACTIVE = "inactive"
    # The platform tells dates and no states.
    UNTOLD = "untold"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EventAsked:
    """An event that we ask about: its id there, and where and on which day (YYYY-MM-DD there) we believe it to be."""

    event_id: str
    venue: str
    local_date: str


@dataclass(frozen=True, slots=True)
class EventStanding:
    """How an event stands there: the platform's own `word` for it, and its day at the venue or its start; or neither.

    Where its date is still to be announced neither is told.
    """

    event_id: str
    state: EventState
    word: str = ""
    local_date: str = ""
    starts_at: datetime | None = None
    page: str = ""


class PrimaryLeft(StrEnum):
    """What is left of the tickets that the club itself sells for an event."""

    PLENTY = "plenty"
    FEW = "few"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EventWords:
    """What a listing or a sale says of its event: its day at the venue (YYYY-MM-DD), or its start; or neither."""

    name: str = ""
    venue: str = ""
    local_date: str = ""
    starts_at: datetime | None = None

    @property
    def dated(self) -> bool:
        """Whether it says when."""
        return bool(self.local_date) or self.starts_at is not None


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the platform demands of a listing for one event; None: no bound is stated.

    Prices per ticket, as its sellers list them; `splits` in our words, of those that are known to be ours.
    """

    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_quantity: int = 1
    max_quantity: int | None = None
    splits: tuple[str, ...] = ()
    ticket_types: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    seats_required: bool = False
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Draft:
    """A listing as we want it at the platform. `split` is ours: any, none, pairs, avoid_one, avoid_one_and_three."""

    external_id: str
    event_id: str
    event_name: str
    venue: str
    starts_at: datetime
    local_date: str
    local_time: str
    section: str
    row: str
    seats: tuple[int, ...]
    price: Decimal
    currency: str
    split: str
    in_hand_at: datetime | None = None
    face_value: Decimal | None = None
    delivery: DeliveryType = DeliveryType.MOBILE_TRANSFER
    # What the buyer is told of the seats, in words.
    disclosures: tuple[str, ...] = ()
    # Barcodes that go with the listing, where the platform takes them so early.
    tickets: tuple[SeatTicket, ...] = ()

    @property
    def quantity(self) -> int:
        """How many seats are offered."""
        return len(self.seats)


@dataclass(frozen=True, slots=True)
class Preview:
    """What the platform says a price means: per ticket to the seller, and all-in to the buyer where it tells."""

    price: Decimal
    proceeds: Decimal
    all_in: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class ListingRef:
    """How to name one of our listings to the platform."""

    external_id: str
    listing_id: str
    event_id: str
    quantity: int
    split: str = "any"


@dataclass(frozen=True, slots=True)
class NewPrice:
    """A listing of ours, and what a ticket of it shall cost from now on."""

    ref: ListingRef
    price: Decimal
    currency: str


# What can go with others into one file that is a whole account: a publication, or a price.
AccountChange = Draft | NewPrice


class RemoteListingState(StrEnum):
    """A listing as the platform reports it, in our words."""

    ACTIVE = "active"
    HIDDEN = "hidden"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class RemoteListing:
    """A listing at the platform. Views are None where the platform gives none."""

    listing_id: str
    external_id: str
    event_id: str
    section: str
    row: str
    seat_from: str
    seat_to: str
    quantity: int
    price: Decimal
    currency: str
    state: RemoteListingState
    proceeds: Decimal | None = None
    all_in: Decimal | None = None
    updated_at: datetime | None = None
    views: int | None = None
    favorites: int | None = None
    event: EventWords = EventWords()
    # It is not shown until its tickets are there.
    undeliverable: bool = False
    # When the platform will take it down by itself, where it tells.
    expires_at: datetime | None = None
    # What its tickets are; None: not told, or in no word that has one meaning here.
    delivery: DeliveryType | None = None


class RemoteSaleState(StrEnum):
    """A sale as the platform reports it, in our words; `unknown` alerts and does nothing (DOMAIN.md 4.7)."""

    PROVISIONAL = "provisional"
    AWAITING_CONFIRM = "awaiting_confirm"
    AWAITING_FULFILMENT = "awaiting_fulfilment"
    # The seller has handed over; the money is to come.
    IN_DELIVERY = "in_delivery"
    # Through, and paid out.
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    ISSUE = "issue"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Buyer:
    """To whom the tickets go. A person's data: it is kept encrypted, and stands in no log."""

    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RemoteSale:
    """A sale as the platform reports it. `seats` is its own allocation; empty: not told (I-04, never guess).

    `gross_known`: gross and fees follow from the buyer's price; else gross stands for the proceeds, for now.
    `proceeds_known`: else the proceeds are reckoned, or the gross, for now, because nobody has told them.
    """

    sale_id: str
    external_id: str
    listing_id: str
    event_id: str
    quantity: int
    section: str
    row: str
    seats: tuple[str, ...]
    gross: Decimal
    fees: Decimal
    proceeds: Decimal
    currency: str
    state: RemoteSaleState
    remote_status: str
    sold_at: datetime
    confirm_by: datetime | None = None
    ship_by: datetime | None = None
    gross_known: bool = True
    proceeds_known: bool = True
    event: EventWords = EventWords()
    # Its tickets went, where its state does not say so: under a complaint.
    handed_over: bool = False
    # What stands between it and its buyer, and what the platform says of it.
    step: DeliveryStep = DeliveryStep.UNTOLD
    step_note: str = ""
    # To whom its tickets go, where that is told beside it.
    buyer: Buyer | None = field(default=None, compare=False)
    # What whoever read it is not certain of, in words: a person is asked, however clear the rest is.
    doubt: str = ""


class NoticeKind(StrEnum):
    """What a webhook item is about."""

    SALE = "sale"
    PROVISIONAL_SALE = "provisional_sale"
    PROVISIONAL_CANCELLED = "provisional_cancelled"
    SALE_UPDATE = "sale_update"
    LISTING_UPDATE = "listing_update"
    EVENT_UPDATE = "event_update"
    PING = "ping"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Notice:
    """One item of one webhook delivery. `delivery_id` is theirs, or empty; a batch yields one notice an item."""

    kind: NoticeKind
    topic: str
    action: str
    resource_id: str
    external_id: str = ""
    delivery_id: str = ""
    body: bytes = b""
    # The listing's own id there, where it is told.
    listing_id: str = ""


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """One sale's part of a payout; no sale id: a charge that is no sale's. `net` is what the platform says remains.

    `note` is what the platform calls its charge, where it does.
    """

    sale_id: str
    gross: Decimal
    fee: Decimal
    penalty: Decimal
    net: Decimal
    note: str = ""


@dataclass(frozen=True, slots=True)
class RemotePayment:
    """A payout as the platform reports it; `net` is the deposit.

    `paid_at` None: it is announced, and `expected_at` is the day where that is told. One that is announced may have no
    reference yet; one that was told as paid before came back.
    """

    reference: str
    paid_at: datetime | None
    net: Decimal
    currency: str
    lines: tuple[PaymentLine, ...] = ()
    expected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MarketPoint:
    """One strangers' listing, or one event figure, as the platform's market view gives it; absent stays None."""

    remote_listing_id: str
    section: str
    row: str
    quantity: int | None
    price: Decimal
    currency: str
    basis: PriceBasis
    listing_count: int | None = None


class MarketplaceAdapter(Protocol):
    """One platform. Every method raises the classes of marketplaces/errors.py and nothing else."""

    traits: Traits
    # The real platform's address; <PLATFORM>_BASE_URL overrides it.
    live_base_url: str

    def authorize_url(
        self,
        *,
        base_url: str,
        app: AppCredentials,
        state: str,
        redirect_uri: str,
        code_challenge: str,
    ) -> str:
        """Where the holder's browser goes to grant access; raises NotSupported for token platforms."""
        ...

    def connect(self, link: Link, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Trade an authorisation code for a grant; for token platforms test `link.grant` and return it filled in."""
        ...

    def refresh(self, link: Link) -> Grant:
        """A new grant from the refresh token (which may be single-use: store before use). Raises GrantExpired."""
        ...

    def search_events(self, link: Link, query: EventQuery) -> list[RemoteEvent]:
        """Events that may be ours, best first."""
        ...

    def event_standings(self, link: Link, asked: Sequence[EventAsked]) -> Iterator[EventStanding]:
        """How these events stand there; one that it does not know (any more) is left out.

        One request for each `traits.events_at_once` of one venue.
        """
        ...

    def primary_left(self, link: Link, event_ids: Sequence[str]) -> Mapping[str, PrimaryLeft]:
        """What is left of the club's own tickets, by event id; one request for at most a thousand events."""
        ...

    def constraints(self, link: Link, draft: Draft) -> Constraints:
        """What the platform demands of listings for the draft's event; `link.note_bounds` is told it too."""
        ...

    def preview(self, link: Link, draft: Draft) -> Preview:
        """What the draft's price would bring; nothing is created. Raises PriceRefused where no such price is taken."""
        ...

    def create(self, link: Link, draft: Draft) -> RemoteListing:
        """Publish. Not idempotent everywhere: after UnknownOutcome call `fetch` by external id first (I-23).

        Raises PriceRefused where no such price is taken.
        """
        ...

    def reprice(self, link: Link, ref: ListingRef, price: Decimal, currency: str) -> RemoteListing:
        """Set the price per ticket. Raises AlreadyGone, or PriceRefused where no such price is taken."""
        ...

    def change_together(self, link: Link, changes: Sequence[AccountChange]) -> list[RemoteListing | Exception]:
        """Make several changes of different listings by one file (traits.whole_account).

        Returns, in their order, what each listing is then, or what `create` or `reprice` would have raised for it
        alone. Raises what concerns the file, and so all of them.
        """
        ...

    def resize(self, link: Link, ref: ListingRef, seats: tuple[int, ...]) -> RemoteListing:
        """Offer only `seats` of the listing from now on. Raises AlreadyGone."""
        ...

    def delist(self, link: Link, ref: ListingRef) -> None:
        """Take the listing down. Raises AlreadyGone (success for the caller) or AlreadySold."""
        ...

    def supply(self, link: Link, ref: ListingRef, tickets: tuple[SeatTicket, ...]) -> RemoteListing:
        """Send the tickets of a listing that is hidden for want of them, all of one kind of `traits.supplies`.

        Raises AlreadyGone.
        """
        ...

    def keep_alive(self, link: Link) -> None:
        """Say that the account is in use, where a platform hides the listings of a silent one."""
        ...

    def fetch(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        """The listing as it is there now, found by `external_id`; None where there is none."""
        ...

    def list_all(self, link: Link) -> Iterator[RemoteListing]:
        """Every listing of the account. Raises StockUnknown where what lies there cannot be read at all."""
        ...

    def listings_in(self, content: bytes) -> list[RemoteListing]:
        """The listings in a file that is a whole account (traits.whole_account).

        Raises PermanentError for no such file, NotSupported where an account is none.
        """
        ...

    def sales_since(self, link: Link, since: datetime) -> Iterator[RemoteSale]:
        """Sales changed at or after `since`, oldest first where the platform sorts."""
        ...

    def fetch_sale(self, link: Link, sale_id: str) -> RemoteSale | None:
        """One sale as it is there now; None where there is none."""
        ...

    def confirm(self, link: Link, sale_id: str) -> RemoteSale:
        """Confirm a sale that waits for it."""
        ...

    def reject(self, link: Link, sale_id: str) -> None:
        """Refuse a sale whose seats are gone. Raises AlreadyGone."""
        ...

    def fulfil(self, link: Link, sale_id: str, proof: Fulfilment) -> RemoteSale:
        """Hand over, with proof."""
        ...

    def shipping_label(self, link: Link, sale_id: str) -> bytes:
        """The label of a sale's parcel, a PDF. Raises PermanentError where there is none."""
        ...

    def payments(self, link: Link, since: datetime) -> Iterator[RemotePayment]:
        """Payouts since then."""
        ...

    def next_payment(self, link: Link) -> RemotePayment | None:
        """The next payout as it would be by now; None where nothing is coming. It changes until it is made."""
        ...

    def register_webhook(self, link: Link, *, url: str, secret: str) -> str:
        """Subscribe `url`; returns the subscription's id. Raises NotSupported where a person must do it."""
        ...

    def unregister_webhook(self, link: Link, webhook_id: str) -> None:
        """Take back one subscription, and no other of the account. Raises AlreadyGone where it is not there."""
        ...

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the delivery proves that it knows `secret`. Header names are lower case."""
        ...

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        """The items of an authenticated delivery; unknown fields are ignored, an unknown topic gives kind unknown."""
        ...

    def market_view(self, link: Link, event_id: str) -> Iterator[MarketPoint]:
        """The market of one event as far as the platform shows it."""
        ...
