"""Listings (projections of ledger seats), commands to marketplaces, sales, trading states and price history."""

import uuid
from collections.abc import Collection
from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from marketplaces.delivery import OF_SEATS, DeliveryType, HandOver
from portfolios.models import SeasonTicket
from seatsync.core.clock import now
from seatsync.core.ids import external_key, uuid7
from seatsync.core.models import AppendOnlyModel, BaseModel
from seatsync.core.querysets import OwnedQuerySet, manager_of


class ListingStatus(models.TextChoices):
    """Where a listing stands; allowed moves are in listings/states.py."""

    DRAFT = "draft", "draft"
    PUBLISHING = "publishing", "publishing"
    ACTIVE = "active", "active"
    PAUSED = "paused", "paused"
    DELISTING = "delisting", "being taken down"
    SOLD = "sold", "sold"
    CANCELLED = "cancelled", "taken down"
    EXPIRED = "expired", "expired"
    ERROR = "error", "error"


# How a listing ended, and a command that was to take it down, where a buyer was faster.
SOLD_THERE = "sold there before it could be taken down"


DELIVERIES = [
    (DeliveryType.MOBILE_TRANSFER.value, "transferred in a ticket app"), (DeliveryType.BARCODE.value, "barcodes"),
    (DeliveryType.PDF.value, "PDF files"), (DeliveryType.QR_CODE.value, "pictures of codes"),
    (DeliveryType.PAPER.value, "paper"),
]  # fmt: skip


TICKET_KINDS = [(way.value, way.value.replace("_", " ")) for way in sorted(OF_SEATS)]


class SplitType(models.TextChoices):
    """Which quantities a buyer may take (our words; adapters translate)."""

    ANY = "any", "any quantity"
    NONE = "none", "all together"
    PAIRS = "pairs", "pairs"
    AVOID_ONE = "avoid_one", "never leave one"
    AVOID_ONE_AND_THREE = "avoid_one_and_three", "never leave one or three"


class ListingQuerySet(OwnedQuerySet["Listing"]):
    """Listings of visible season tickets."""

    def _for_user(self, user_id: uuid.UUID) -> "ListingQuerySet":
        return self.filter(season_ticket__in=SeasonTicket.objects.all()._for_user(user_id))


class Listing(BaseModel):
    """An offer of seats at one platform. `price` is the seller's list price per ticket before seller fees."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.ForeignKey(
        "marketplaces.MarketplaceAccount",
        on_delete=models.PROTECT,
        related_name="listings",
    )
    mode = models.CharField(max_length=10)
    season_ticket = models.ForeignKey("portfolios.SeasonTicket", on_delete=models.PROTECT, related_name="listings")
    seat_group = models.ForeignKey(
        "portfolios.SeatGroup",
        null=True,
        on_delete=models.SET_NULL,
        related_name="listings",
    )
    game = models.ForeignKey("portfolios.Game", on_delete=models.PROTECT, related_name="listings")
    game_date = models.DateField()
    platform = models.CharField(max_length=20)
    external_id = models.CharField(max_length=32, unique=True, default=external_key)
    listing_id = models.CharField(max_length=80, blank=True)
    # It was made at its marketplace by somebody's hand and is kept in step since; `key_there` is then the key it has.
    made_there = models.BooleanField(default=False)
    remote_key = models.CharField(max_length=80, blank=True)
    section = models.CharField(max_length=40)
    row = models.CharField(max_length=20)
    quantity = models.PositiveSmallIntegerField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    # What the platform last acknowledged; None until it has.
    live_price = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    proceeds = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    all_in = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    original_price = models.DecimalField(max_digits=10, decimal_places=2)
    final_price = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    floor = models.DecimalField(max_digits=10, decimal_places=2)
    ceiling = models.DecimalField(max_digits=10, decimal_places=2)
    # Whether the holder's floor speaks of the list price or of what reaches him ("net").
    floor_basis = models.CharField(max_length=5, choices=[("list", "list"), ("net", "net")], default="list")
    status = models.CharField(max_length=10, choices=ListingStatus.choices, default=ListingStatus.DRAFT)
    split_type = models.CharField(max_length=20, choices=SplitType.choices, default=SplitType.ANY)
    version = models.PositiveIntegerField(default=1)
    published_at = models.DateTimeField(null=True, blank=True)
    sold_at = models.DateTimeField(null=True, blank=True)
    gone_verified_at = models.DateTimeField(null=True, blank=True)
    # When a sweep last saw it there as we want it.
    confirmed_at = models.DateTimeField(null=True, blank=True)
    # How its tickets were to reach a buyer when it was published: what that buyer was promised.
    delivery = models.CharField(max_length=20, choices=DELIVERIES, default=DeliveryType.MOBILE_TRANSFER)
    in_hand_on = models.DateField(null=True, blank=True)
    disclosures = models.JSONField(default=list, blank=True)
    # Since when its marketplace does not show it, for want of its tickets.
    undeliverable_at = models.DateTimeField(null=True, blank=True)
    status_reason = models.CharField(max_length=300, blank=True)

    objects: ClassVar[ListingQuerySet] = manager_of(ListingQuerySet)

    class Meta:
        db_table = "listings"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(floor__gt=0) & Q(price__gte=F("floor")) & Q(price__lte=F("ceiling")),
                name="listing_price_within_bounds",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="listing_quantity"),
            models.UniqueConstraint(
                fields=["account", "listing_id"],
                condition=~Q(listing_id=""),
                name="listing_remote_id",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["game", "status"], name="listing_game_status"),
            models.Index(fields=["tenant", "status"], name="listing_tenant_status"),
            models.Index(fields=["season_ticket", "status"], name="listing_ticket_status"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.section}/{self.row} {self.price}"

    @property
    def key_there(self) -> str:
        """The seller's key by which its marketplace knows it; "" for one that has none."""
        return self.remote_key if self.made_there else self.external_id

    @property
    def standing(self) -> str:
        """Where it stands, in words: one that its marketplace sold before it came down was not taken down."""
        ended_by_buyer = self.status == ListingStatus.CANCELLED and self.status_reason == SOLD_THERE
        return "sold there" if ended_by_buyer else str(self.get_status_display())


class ListingSeat(BaseModel):
    """A seat that a listing offers. `offered` turns false when the seat was sold elsewhere and the listing resized."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="listing_seats")
    seat = models.ForeignKey("portfolios.Seat", on_delete=models.PROTECT, related_name="listing_seats")
    offered = models.BooleanField(default=True)

    class Meta:
        db_table = "listing_seats"
        constraints: ClassVar = [models.UniqueConstraint(fields=["listing", "seat"], name="listing_seat_once")]

    def __str__(self) -> str:
        return f"{self.seat} in {self.listing}"


class FoundKind(models.TextChoices):
    """What was found on an account that was not made here."""

    LISTING = "listing", "listing"
    SALE = "sale", "sale"


class FoundState(models.TextChoices):
    """What became of it."""

    WAITING = "waiting", "waits for you"
    ADOPTED = "adopted", "kept in step"
    NOT_OURS = "not_ours", "not yours"
    COMING_DOWN = "coming_down", "being taken down"
    GONE = "gone", "gone there"


class FoundListingQuerySet(OwnedQuerySet["FoundListing"]):
    """What was found on one's own accounts."""

    def _for_user(self, user_id: uuid.UUID) -> "FoundListingQuerySet":
        return self.filter(account__user_id=user_id)


class FoundListing(BaseModel):
    """A listing or a past sale of an account that was not made here, as its marketplace tells it.

    Adopted where its seats are known for certain; else its holder says which seats it is of, that it is not his, or
    that it comes down. `price` is per ticket. Of its event its day at the venue (`local_date`), its start, or neither
    is told.
    """

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.ForeignKey("marketplaces.MarketplaceAccount", on_delete=models.PROTECT, related_name="found")
    kind = models.CharField(max_length=8, choices=FoundKind.choices, default=FoundKind.LISTING)
    remote_id = models.CharField(max_length=80)
    remote_key = models.CharField(max_length=80, blank=True)
    event_id = models.CharField(max_length=80, blank=True)
    event_name = models.CharField(max_length=200, blank=True)
    venue = models.CharField(max_length=120, blank=True)
    local_date = models.CharField(max_length=10, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    section = models.CharField(max_length=80, blank=True)
    row = models.CharField(max_length=40, blank=True)
    seat_from = models.CharField(max_length=20, blank=True)
    seat_to = models.CharField(max_length=20, blank=True)
    quantity = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default="USD")
    state = models.CharField(max_length=12, choices=FoundState.choices, default=FoundState.WAITING)
    # Why it waits, in words.
    why = models.CharField(max_length=200, blank=True)
    game = models.ForeignKey("portfolios.Game", null=True, blank=True, on_delete=models.SET_NULL)
    listing = models.ForeignKey(Listing, null=True, blank=True, on_delete=models.PROTECT, related_name="found_as")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=64, blank=True)

    objects: ClassVar[FoundListingQuerySet] = manager_of(FoundListingQuerySet)

    class Meta:
        db_table = "found_listings"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "kind", "remote_id"], name="found_listing_once"),
            models.CheckConstraint(
                condition=~Q(state="adopted") | Q(listing__isnull=False) | Q(kind="sale"), name="found_adopted_as"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "state"], name="found_account_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.remote_id} at {self.account}"

    @property
    def seats_told(self) -> str:
        """The seats as told: "5-8", "5", or "" where none are."""
        return f"{self.seat_from}-{self.seat_to}" if self.seat_to not in {"", self.seat_from} else self.seat_from


class TradingStateKind(models.TextChoices):
    """Brakes, from none to all; each forbids what it says, whatever another one that applies allows."""

    ACTIVE = "ACTIVE", "active"
    RAISE_ONLY = "RAISE_ONLY", "raise only"
    NO_NEW_LISTINGS = "NO_NEW_LISTINGS", "no new listings"
    HALTED = "HALTED", "halted"

    @property
    def does(self) -> str:
        """The state as the rest of a sentence that begins with "Trading" or "Selling"."""
        return {"RAISE_ONLY": "only raises prices", "NO_NEW_LISTINGS": "takes no new listings"}.get(
            self, f"is {self.label}"
        )


class TradingStateQuerySet(models.QuerySet["TradingState"]):
    """Brakes, and those of them that still hold."""

    def in_force(self) -> "TradingStateQuerySet":
        """Without those that have ended by themselves."""
        return self.filter(Q(until=None) | Q(until__gt=now()))


class PushHaltQuerySet(models.QuerySet["PushHalt"]):
    """Staff's brakes, and those of them that still hold."""

    def in_force(self) -> "PushHaltQuerySet":
        """Without those that were lifted or have ended by themselves."""
        return self.filter(Q(until=None) | Q(until__gt=now()), lifted_at=None)


class TradingState(BaseModel):
    """A brake on one scope. HALTED blocks everything except delist, hold and fulfilment (I-19)."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    scope = models.CharField(
        max_length=10,
        choices=[(s, s) for s in ("holder", "account", "season", "game", "strategy")],
    )
    # What it stands on. A game's brake is one holder's own: here the ticket and the game are joined (scopes.py).
    scope_id = models.UUIDField()
    # Whose game, and which: the joined id says neither. With its ticket a brake goes too.
    season_ticket = models.ForeignKey("portfolios.SeasonTicket", null=True, blank=True, on_delete=models.CASCADE)
    game = models.ForeignKey("portfolios.Game", null=True, blank=True, on_delete=models.CASCADE)
    state = models.CharField(max_length=16, choices=TradingStateKind.choices)
    reason = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[TradingStateQuerySet] = manager_of(TradingStateQuerySet)

    class Meta:
        db_table = "trading_states"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "scope", "scope_id"], name="trading_state_once"),
            models.CheckConstraint(
                condition=Q(scope="game", game__isnull=False, season_ticket__isnull=False)
                | Q(scope="season", game=None, season_ticket__isnull=False)
                | ~Q(scope__in=["game", "season"]) & Q(game=None, season_ticket=None),
                name="trading_state_named",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.state}"

    @property
    def named_id(self) -> uuid.UUID:
        """The id of what it stands on, as it was given when it was set."""
        return self.game_id or self.scope_id


class PushHalt(BaseModel):
    """A brake of staff's on many holders at once: one tenant's or everybody's (no tenant), at one platform or at all.

    Taking down, holding and handing over go on under it, as under every brake (I-19).
    """

    tenant = models.ForeignKey(
        "tenants.Tenant", null=True, blank=True, on_delete=models.PROTECT, help_text="Left empty: everybody's selling."
    )
    platform = models.CharField(max_length=20, blank=True, help_text="Left empty: every marketplace.")
    state = models.CharField(
        max_length=16, default=TradingStateKind.HALTED,
        choices=[choice for choice in TradingStateKind.choices if choice[0] != TradingStateKind.ACTIVE],
    )  # fmt: skip
    reason = models.CharField(max_length=200, help_text="Holders read it.")
    until = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[PushHaltQuerySet] = manager_of(PushHaltQuerySet)

    class Meta:
        db_table = "push_halts"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "platform"], condition=Q(lifted_at=None), nulls_distinct=False, name="push_halt_once"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="push_halt_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.platform or 'every marketplace'}, {self.tenant or 'everybody'}"

    def covers(self, tenant_id: uuid.UUID, platforms: Collection[str]) -> bool:
        """Whether it stands on selling of this tenant at one of these platforms."""
        return self.tenant_id in {None, tenant_id} and (not self.platform or self.platform in platforms)


class CommandKind(models.TextChoices):
    """What a command does at the marketplace."""

    CREATE = "create", "create"
    REPRICE = "reprice", "reprice"
    RESIZE = "resize", "resize"
    DELIST = "delist", "delist"
    VERIFY_GONE = "verify_gone", "verify gone"
    CONFIRM_SALE = "confirm_sale", "confirm sale"
    REJECT_SALE = "reject_sale", "reject sale"
    FULFIL = "fulfil", "fulfil"
    SYNC_ACCOUNT = "sync_account", "sync account"
    SUPPLY = "supply", "send tickets of"


class CommandState(models.TextChoices):
    """Where a command stands."""

    PENDING = "pending", "pending"
    IN_FLIGHT = "in_flight", "being sent"
    DONE = "done", "done"
    SUPERSEDED = "superseded", "no longer needed"
    NEEDS_PERSON = "needs_person", "needs a person"


class MarketplaceCommand(BaseModel):
    """The outbox: everything sent to a marketplace is written here first, in the transaction that decided it."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.ForeignKey(
        "marketplaces.MarketplaceAccount",
        on_delete=models.PROTECT,
        related_name="commands",
    )
    listing = models.ForeignKey(
        Listing,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="commands",
    )
    sale = models.ForeignKey("Sale", null=True, blank=True, on_delete=models.PROTECT, related_name="commands")
    kind = models.CharField(max_length=15, choices=CommandKind.choices)
    idempotency_key = models.CharField(max_length=120, unique=True)
    # Lower goes first: 0 delist, resize and reject; 3 verify and confirm; 5 the rest.
    priority = models.PositiveSmallIntegerField(default=5)
    payload = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=15, choices=CommandState.choices, default=CommandState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Fencing: an answer counts only while `fence` is still the number that its claim was given.
    fence = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField()
    in_flight_since = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    # The outcome of an earlier attempt is unknown: read back before trying again (I-23).
    outcome_unknown = models.BooleanField(default=False)
    whole_account = models.BooleanField(default=False)
    # For a person's hands: its account has no interface for us (assisted), and `needs_person` is where it begins.
    by_hand = models.BooleanField(default=False)
    # The command with which it goes, or went last, into one file of its account (together.py); that one leads.
    rides_with = models.UUIDField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    late_answers = models.JSONField(default=list, blank=True)

    class Meta:
        db_table = "marketplace_commands"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["listing"],
                condition=Q(state="in_flight"),
                name="command_one_in_flight",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state="in_flight", whole_account=True, rides_with=None),
                name="command_one_in_flight_account",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["priority", "not_before"],
                condition=Q(state="pending"),
                name="command_due",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state="in_flight"),
                name="command_leases",
            ),
            models.Index(fields=["listing", "state"], name="command_listing"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    @property
    def sold_there(self) -> bool:
        """Whether a buyer was faster: there was nothing left to take down."""
        return self.state == CommandState.DONE and self.last_error == SOLD_THERE

    @property
    def standing(self) -> str:
        """Where it stands, in words."""
        return "sold there" if self.sold_there else str(self.get_state_display())

    @property
    def took_ms(self) -> int | None:
        """Milliseconds from its writing to its end; None before that."""
        if self.finished_at is None:
            return None
        return max(0, round((self.finished_at - self.created_at).total_seconds() * 1000))

    @property
    def act(self) -> str:
        """What it does, in a holder's word: a create is a publication to them."""
        return "publish" if self.kind == CommandKind.CREATE else str(self.get_kind_display())


class AccountSweep(BaseModel):
    """What the last sweep over an account found (listings/services/reconcile.py); one row an account."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.OneToOneField(
        "marketplaces.MarketplaceAccount", on_delete=models.PROTECT, related_name="last_sweep"
    )
    began_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    # How many listings its marketplace showed.
    shown = models.PositiveIntegerField()
    # {kind of drift: {"count": how many, "ids": the first of them by the marketplace's listing id}}.
    drift = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "account_sweeps"

    def __str__(self) -> str:
        return f"sweep of {self.account}, {self.finished_at:%Y-%m-%d %H:%M:%S}"


class SaleState(models.TextChoices):
    """Where a sale stands; allowed moves are in listings/states.py."""

    PROVISIONAL = "provisional", "being paid"
    CONFIRMED = "confirmed", "sold"
    FULFILLED = "fulfilled", "delivered"
    COMPLETE = "complete", "paid out"
    CONFLICT = "conflict", "conflict"
    CANCELLED = "cancelled", "cancelled"
    NEEDS_PERSON = "needs_person", "needs a person"


class SaleEnding(models.TextChoices):
    """How a sale went wrong; what each does to seats and money is a row of listings/states.py."""

    PROMISE_CANCELLED = "promise_cancelled", "the buyer's payment did not come"
    REJECTED = "rejected", "rejected, because a seat was gone"
    CANCELLED = "cancelled", "cancelled by its marketplace"
    GAME_OFF = "game_off", "the game was called off"
    CLAIM = "claim", "under complaint"
    PENALTY = "penalty", "charged a penalty"
    REPLACEMENT = "replacement", "replaced by other tickets"


class SaleQuerySet(OwnedQuerySet["Sale"]):
    """Sales from accounts of visible season tickets, or of one's own accounts."""

    def _for_user(self, user_id: uuid.UUID) -> "SaleQuerySet":
        tickets = SeasonTicket.objects.all()._for_user(user_id)
        return self.filter(Q(account__user_id=user_id) | Q(listing__season_ticket__in=tickets))


class Sale(BaseModel):
    """A sale that a marketplace reported: stored always, never refused, never dropped."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.ForeignKey(
        "marketplaces.MarketplaceAccount",
        on_delete=models.PROTECT,
        related_name="sales",
    )
    mode = models.CharField(max_length=10)
    listing = models.ForeignKey(Listing, null=True, blank=True, on_delete=models.PROTECT, related_name="sales")
    game = models.ForeignKey("portfolios.Game", null=True, blank=True, on_delete=models.PROTECT)
    platform = models.CharField(max_length=20)
    platform_sale_id = models.CharField(max_length=80)
    quantity = models.PositiveSmallIntegerField(default=0)
    gross = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    fees = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    proceeds = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    # What gross - fees - proceeds leaves where the platform rounds otherwise (at most a cent a ticket).
    rounding = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    currency = models.CharField(max_length=3, default="USD")
    fee_version = models.ForeignKey("marketplaces.FeeVersion", null=True, blank=True, on_delete=models.PROTECT)
    # When its money is to come is reckoned by this one.
    payout_calendar = models.ForeignKey(
        "marketplaces.PayoutCalendarVersion", null=True, blank=True, on_delete=models.PROTECT
    )
    state = models.CharField(max_length=15, choices=SaleState.choices)
    # Its marketplace's own word, and what we understood by it (RemoteSaleState).
    remote_status = models.CharField(max_length=60, blank=True)
    remote_state = models.CharField(max_length=20, blank=True)
    state_reason = models.CharField(max_length=300, blank=True)
    # What went wrong last, where something did; blank again once that is settled.
    ending = models.CharField(max_length=20, choices=SaleEnding.choices, blank=True)
    ending_reason = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # What a person was told it will cost; what was charged is in the payouts' lines, and summed up here from them.
    told_charge = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    charged = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    sold_at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    read_back_at = models.DateTimeField(null=True, blank=True)
    # Since when its marketplace shows it nowhere, and whether a person was asked because of that.
    missed_at = models.DateTimeField(null=True, blank=True)
    missing = models.BooleanField(default=False)
    # What stands between it and its buyer (DeliveryStep), what its marketplace says of that, and since when it asks
    # for tickets that went before; `buyer_sealed`: to whom they go, under the holder's own key.
    delivery_step = models.CharField(max_length=20, blank=True)
    delivery_note = models.CharField(max_length=300, blank=True)
    asked_again_at = models.DateTimeField(null=True, blank=True)
    buyer_sealed = models.BinaryField(default=bytes, blank=True)
    # The shipping label of its parcel, a PDF.
    label_sealed = models.BinaryField(default=bytes, blank=True)
    # When we first heard that its tickets were handed over.
    delivered_at = models.DateTimeField(null=True, blank=True)
    confirm_by = models.DateTimeField(null=True, blank=True)
    ship_by = models.DateTimeField(null=True, blank=True)
    # From notice to the moment the last other listing of these seats was verified gone.
    last_delist_at = models.DateTimeField(null=True, blank=True)
    # A grant that nobody renews can hold a delist up for months.
    notice_to_last_delist_ms = models.PositiveBigIntegerField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[SaleQuerySet] = manager_of(SaleQuerySet)

    class Meta:
        db_table = "sales"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "platform_sale_id"], name="sale_once"),
            models.CheckConstraint(
                condition=Q(gross=F("fees") + F("proceeds") + F("rounding")),
                name="sale_components_sum",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "-sold_at"], name="sale_tenant_sold")]

    def __str__(self) -> str:
        return f"{self.platform} {self.platform_sale_id} {self.state}"

    @property
    def stands(self) -> bool:
        """Whether its money may come: neither it nor its game is over, and its seats are nobody else's."""
        return self.state not in {SaleState.CANCELLED, SaleState.CONFLICT} and self.ending != SaleEnding.GAME_OFF

    @property
    def why_nothing(self) -> str:
        """Why none of its money is the holder's, in words."""
        return str(self.get_ending_display() if self.ending else self.get_state_display())

    @property
    def to_you(self) -> Decimal:
        """What reaches the holder of it: its proceeds less what was charged for it."""
        return self.proceeds - self.charged


class SaleSeat(BaseModel):
    """A seat of a sale. At most one live sale has a seat: the database says so."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="sale_seats")
    seat = models.ForeignKey("portfolios.Seat", on_delete=models.PROTECT, related_name="sale_seats")
    live = models.BooleanField()

    class Meta:
        db_table = "sale_seats"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["seat"], condition=Q(live=True), name="sale_seat_one_live"),
            models.UniqueConstraint(fields=["sale", "seat"], name="sale_seat_once"),
        ]

    def __str__(self) -> str:
        return f"{self.seat} in {self.sale}"


class DeliveryTerms(BaseModel):
    """How the seats of a season ticket reach their buyers, and what those are told of them."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    season_ticket = models.OneToOneField(
        "portfolios.SeasonTicket", on_delete=models.CASCADE, related_name="delivery_terms"
    )
    delivery = models.CharField(max_length=20, choices=DELIVERIES, default=DeliveryType.MOBILE_TRANSFER)
    # From this day on the holder has the tickets; None: he has them.
    in_hand_on = models.DateField(null=True, blank=True)
    # Words of `disclosures.py`.
    disclosures = models.JSONField(default=list, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        db_table = "delivery_terms"

    def __str__(self) -> str:
        return f"{self.season_ticket}: {self.get_delivery_display()}"


class SeatTicket(BaseModel):
    """The ticket of one seat: a barcode or a file, under its holder's own key."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    seat = models.OneToOneField("portfolios.Seat", on_delete=models.CASCADE, related_name="ticket")
    # Whose key it lies under; erasing that person erases it.
    subject = models.UUIDField()
    kind = models.CharField(max_length=20, choices=TICKET_KINDS)
    sealed = models.BinaryField()
    media_type = models.CharField(max_length=40, blank=True)
    # The last signs of a barcode, or a file's name: how a person tells it from another.
    hint = models.CharField(max_length=80, blank=True)
    # A keyed hash: the same ticket twice is found without being read.
    fingerprint = models.CharField(max_length=64)
    entered_at = models.DateTimeField()

    class Meta:
        db_table = "seat_tickets"
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "fingerprint"], name="seat_ticket_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.seat}"


class SaleProof(BaseModel):
    """What was handed over with a sale: a ticket, a link or a number; at most one live sale has it (I-10)."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="proofs")
    command = models.ForeignKey(MarketplaceCommand, on_delete=models.PROTECT, related_name="proofs")
    seat = models.ForeignKey("portfolios.Seat", null=True, blank=True, on_delete=models.PROTECT)
    place = models.PositiveSmallIntegerField()
    method = models.CharField(max_length=20, choices=[(way.value, way.value) for way in HandOver])
    # The link or the number; a ticket itself lies with its seat.
    sealed = models.BinaryField(default=bytes, blank=True)
    fingerprint = models.CharField(max_length=64)
    live = models.BooleanField(default=True)

    class Meta:
        db_table = "sale_proofs"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["fingerprint"], condition=Q(live=True), name="sale_proof_one_live"),
        ]

    def __str__(self) -> str:
        return f"{self.method} of {self.sale}"


class PayoutQuerySet(OwnedQuerySet["Payout"]):
    """Payouts to one's own accounts: money is the account owner's business alone."""

    def _for_user(self, user_id: uuid.UUID) -> "PayoutQuerySet":
        return self.filter(account__user_id=user_id)


class Payout(BaseModel):
    """What a platform paid (or will pay) an account in one transfer; `net` is the deposit."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.ForeignKey("marketplaces.MarketplaceAccount", on_delete=models.PROTECT, related_name="payouts")
    mode = models.CharField(max_length=10)
    platform = models.CharField(max_length=20)
    reference = models.CharField(max_length=80)
    expected_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    gross = models.DecimalField(max_digits=10, decimal_places=2)
    fee = models.DecimalField(max_digits=10, decimal_places=2)
    penalty = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    net = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default="USD")
    # What the lines leave of the deposit; anything but zero is shown to the holder.
    unexplained = models.DecimalField(max_digits=10, decimal_places=2, default=0)

    objects: ClassVar[PayoutQuerySet] = manager_of(PayoutQuerySet)

    class Meta:
        db_table = "payouts"
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "reference"], name="payout_once")]
        indexes: ClassVar = [models.Index(fields=["tenant", "-paid_at"], name="payout_paid")]

    def __str__(self) -> str:
        return f"{self.platform} {self.reference} {self.net}"

    @property
    def state(self) -> str:
        """Whether it was made, or is only announced."""
        return "announced" if self.paid_at is None else "paid"


class PayoutLine(BaseModel):
    """One sale's part of a payout; amounts are the platform's (I-25). `sale` is null for one that we do not know."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="lines")
    sale = models.ForeignKey(Sale, null=True, blank=True, on_delete=models.PROTECT, related_name="payout_lines")
    platform_sale_id = models.CharField(max_length=80, blank=True)
    gross = models.DecimalField(max_digits=10, decimal_places=2)
    fee = models.DecimalField(max_digits=10, decimal_places=2)
    penalty = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    net = models.DecimalField(max_digits=10, decimal_places=2)
    # What its marketplace calls what it charged.
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "payout_lines"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["payout", "platform_sale_id"], name="payout_line_once"),
        ]

    def __str__(self) -> str:
        return f"{self.platform_sale_id} {self.net}"

    @property
    def left_out(self) -> bool:
        """Whether a correction took it back to nothing."""
        return not (self.gross or self.fee or self.penalty or self.net)


class PriceProposal(AppendOnlyModel):
    """One proposal at the pricing door: what was asked, what each guard said, and what came of it."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    listing = models.ForeignKey(Listing, on_delete=models.PROTECT, related_name="proposals")
    previous_price = models.DecimalField(max_digits=10, decimal_places=2)
    proposed_price = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    accepted = models.BooleanField()
    # [{"guard": key, "allowed": bool, "reason": text}], in the order asked.
    verdicts = models.JSONField()
    listing_version = models.PositiveIntegerField()
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "price_proposals"
        indexes: ClassVar = [models.Index(fields=["listing", "-created_at"], name="proposal_listing")]

    def __str__(self) -> str:
        return f"{self.previous_price} -> {self.proposed_price}"


class PriceHistory(models.Model):
    """A listing's price at its platform over time. A time series; see core/series.py."""

    pk = models.CompositePrimaryKey("time", "id")
    time = models.DateTimeField()
    id = models.UUIDField(default=uuid7)
    tenant_id = models.UUIDField()
    listing_id = models.UUIDField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default="USD")
    platform = models.CharField(max_length=20)
    views = models.PositiveIntegerField(null=True)
    favorites = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "price_history"
        indexes: ClassVar = [models.Index(fields=["listing_id", "-time"], name="price_history_listing")]
        verbose_name_plural = "price history"

    def __str__(self) -> str:
        return f"{self.listing_id} {self.price} at {self.time:%Y-%m-%d %H:%M}"
