"""How tickets reach buyers: terms, the tickets themselves, and what went with which sale."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from listings.models.commands import MarketplaceCommand
from listings.models.listings import DELIVERIES, Listing
from listings.models.sales import Sale
from marketplaces.delivery import OF_SEATS, DeliveryType, HandOver
from seatsync.core.models import BaseModel

TICKET_KINDS = [(way.value, way.value.replace("_", " ")) for way in sorted(OF_SEATS)]


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


class ListingTicket(BaseModel):
    """A ticket that went to a marketplace with a listing, which gives it to its buyer by itself (I-10)."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    listing = models.ForeignKey(Listing, on_delete=models.PROTECT, related_name="tickets_sent")
    seat = models.ForeignKey("portfolios.Seat", on_delete=models.CASCADE)
    fingerprint = models.CharField(max_length=64)

    class Meta:
        db_table = "listing_tickets"
        constraints: ClassVar = [models.UniqueConstraint(fields=["listing", "seat"], name="listing_ticket_once")]
        indexes: ClassVar = [models.Index(fields=["tenant", "fingerprint"], name="listing_ticket_mark")]

    def __str__(self) -> str:
        return f"ticket of {self.seat} with {self.listing}"


class SaleProof(BaseModel):
    """What was handed over with a sale: a ticket, a link or a number; at most one live sale has it (I-10)."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="proofs")
    command = models.ForeignKey(MarketplaceCommand, on_delete=models.PROTECT, related_name="proofs")
    seat = models.ForeignKey("portfolios.Seat", null=True, blank=True, on_delete=models.PROTECT)
    place = models.PositiveSmallIntegerField()
    method = models.CharField(max_length=20, choices=[(way.value, way.value.replace("_", " ")) for way in HandOver])
    # The link or the number; a ticket itself lies with its seat.
    sealed = models.BinaryField(default=bytes, blank=True)
    fingerprint = models.CharField(max_length=64)
    # Of a number that is one buyer's: by which it is found in other sales of the same holder.
    number_mark = models.CharField(max_length=64, blank=True, db_index=True)
    live = models.BooleanField(default=True)

    class Meta:
        db_table = "sale_proofs"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["fingerprint"], condition=Q(live=True), name="sale_proof_one_live"),
        ]

    def __str__(self) -> str:
        return f"{self.method} of {self.sale}"
