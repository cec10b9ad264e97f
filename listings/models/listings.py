"""Listings: a season ticket's seats on offer at one platform."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from marketplaces.delivery import DeliveryType
from portfolios.models import SeasonTicket
from seatsync.core.ids import external_key
from seatsync.core.models import BaseModel
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


class SplitType(models.TextChoices):
    """Which quantities a buyer may take (our words; adapters translate)."""

    ANY = "any", "any quantity"
    NONE = "none", "all together"
    PAIRS = "pairs", "pairs"
    AVOID_ONE = "avoid_one", "never leave one"
    AVOID_ONE_AND_THREE = "avoid_one_and_three", "never leave one or three"


class Unlike(models.TextChoices):
    """How a marketplace may show a listing otherwise than it is to be, in a way that nobody mends at once."""

    HIDDEN = "hidden", "shown to nobody there"
    FEWER = "fewer", "fewer seats there than here"
    CURRENCY = "currency", "in another currency there"


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
    # Of which price its marketplace said before it was sent that it brings `proceeds`, and when.
    net_told_price = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    net_told_at = models.DateTimeField(null=True, blank=True)
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
    # How its marketplace shows it otherwise than it is to be: {Unlike: since when a sweep has seen that, ISO 8601}.
    unlike_there = models.JSONField(default=dict, blank=True)
    status_reason = models.CharField(max_length=300, blank=True)
    # Until when its holder wants it on sale, and when its marketplace will end it, where that is told.
    list_until = models.DateTimeField(null=True, blank=True)
    expires_there = models.DateTimeField(null=True, blank=True)

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
            models.Index(fields=["list_until"], condition=Q(list_until__isnull=False), name="listing_list_until"),
            models.Index(fields=["listing_id"], condition=~Q(listing_id=""), name="listing_remote_name"),
            models.Index(fields=["expires_there"], condition=Q(expires_there__isnull=False), name="listing_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.section}/{self.row} {self.price}"

    @property
    def key_there(self) -> str:
        """The seller's key by which its marketplace knows it; "" for one that has none."""
        return self.remote_key if self.made_there else self.external_id

    @property
    def net_previewed_at(self) -> datetime | None:
        """When its marketplace said, before anything was sent, what its price brings; None where that is not so."""
        return self.net_told_at if self.net_told_price == self.price else None

    @property
    def unlike(self) -> list[tuple[Unlike, datetime]]:
        """How its marketplace shows it otherwise than it is to be, and since when sweeps have seen that."""
        return [(Unlike(kind), datetime.fromisoformat(since)) for kind, since in self.unlike_there.items()]

    @property
    def price_there(self) -> Decimal:
        """What a ticket is up for there: another price may wait to be taken."""
        return self.price if self.live_price is None else self.live_price

    @property
    def never_up(self) -> bool:
        """Whether its publication was refused, and nothing tells that it has ever been on show there."""
        return self.status == ListingStatus.ERROR and not self.listing_id and self.live_price is None

    @property
    def awaits_event(self) -> bool:
        """Whether its marketplace is asked to add its event, and no buyer sees it before: as `listing_list` found."""
        return bool(getattr(self, "event_awaited", False))

    @property
    def standing(self) -> str:
        """Where it stands, in words: one that its marketplace sold before it came down was not taken down.

        One whose event is still to be added there is taken, and on sale to nobody.
        """
        if self.status == ListingStatus.ACTIVE and self.awaits_event:
            return "waits for the game there"
        ended_by_buyer = self.status == ListingStatus.CANCELLED and self.status_reason == SOLD_THERE
        return "sold there" if ended_by_buyer else str(self.get_status_display())

    @property
    def shape(self) -> str:
        """As which status it is drawn: one that no buyer sees yet is not drawn as one on sale."""
        waits = self.status == ListingStatus.ACTIVE and self.awaits_event
        return str(ListingStatus.PUBLISHING if waits else self.status)


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
