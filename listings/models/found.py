"""What an account holds that was not made here."""

import uuid
from datetime import date
from typing import ClassVar

from django.db import models
from django.db.models import Q

from listings.models.listings import DELIVERIES, Listing
from marketplaces.models import ModeField, stamped
from seatsync.core.models import BaseModel
from seatsync.core.querysets import OwnedQuerySet, manager_of


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
    mode = ModeField()
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
    # What its tickets are (a DeliveryType), where that is told; of a sale it is not.
    delivery = models.CharField(max_length=20, choices=DELIVERIES, blank=True)
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
            stamped("found_mode"),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "state"], name="found_account_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.remote_id} at {self.account}"

    @property
    def day_told(self) -> str:
        """Its event's day at the venue ("6 Mar 2027"), or what was told in its place."""
        try:
            return f"{date.fromisoformat(self.local_date):%-d %b %Y}"
        except ValueError:
            return self.local_date

    @property
    def seats_told(self) -> str:
        """The seats as told: "5-8", "5", or "" where none are."""
        return f"{self.seat_from}-{self.seat_to}" if self.seat_to not in {"", self.seat_from} else self.seat_from
