"""Proposed prices, and the history of those that were taken."""

from typing import ClassVar

from django.db import models

from listings.models.listings import Listing
from seatsync.core.ids import uuid7
from seatsync.core.models import AppendOnlyModel


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
    # Of its listing, when it was taken.
    mode = models.CharField(max_length=10, default="", editable=False)
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
