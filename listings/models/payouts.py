"""Payouts and their lines."""

import uuid
from typing import ClassVar

from django.db import models

from listings.models.sales import Sale
from seatsync.core.models import BaseModel
from seatsync.core.querysets import OwnedQuerySet, manager_of

# How a payout begins with which its holder tells what came of a sale, or was kept from him, where nobody reads that.
BY_HAND = "by hand "
CHARGED_BY_HAND, TAKEN_BY_HAND = "charged by hand ", "taken back by hand "


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
    # Its holder said that it came; its marketplace has not.
    said_by_hand = models.BooleanField(default=False)
    # Since when its marketplace says that what it had paid came back.
    returned_at = models.DateTimeField(null=True, blank=True)
    gross = models.DecimalField(max_digits=10, decimal_places=2)
    fee = models.DecimalField(max_digits=10, decimal_places=2)
    penalty = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    net = models.DecimalField(max_digits=10, decimal_places=2)
    # What its holder found on the bank account, where its platform never says; it is the deposit then.
    received = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    # Of what its holder said was kept: the payout with which its marketplace tells of it, and which stands for it.
    told_with = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="said_before"
    )  # fmt: skip
    # How much of that payout it is, positive.
    told_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    # How much its holder said was kept, positive; it stays where it came to nothing since.
    said = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
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
    def name(self) -> str:
        """What people call it: one that has no reference yet was only announced, as the next one."""
        return "the next one" if self.reference == "next" else self.reference

    @property
    def less_by_hand(self) -> bool:
        """Whether its holder told with it what was charged, or taken back, for one sale."""
        return self.reference.startswith((CHARGED_BY_HAND, TAKEN_BY_HAND))

    @property
    def by_hand(self) -> bool:
        """Whether it is its holder's word alone: no marketplace ever told of it."""
        return self.less_by_hand or self.reference.startswith(BY_HAND)

    @property
    def parts_told(self) -> bool:
        """Whether anybody told its gross and fees: of what its holder says that came only the sum is told."""
        return not self.by_hand

    @property
    def state(self) -> str:
        """Whether it was made, is only announced, or was made and came back."""
        if self.returned_at is not None:
            return "returned"
        return "announced" if self.paid_at is None else "paid"

    @property
    def zone(self) -> str:
        """The IANA zone in which its days are told: that of its first sale's game; "" (UTC) where none is known."""
        games = (line.sale.game for line in self.lines.all() if line.sale is not None)
        return next((str(game.venue.timezone) for game in games if game is not None), "")

    def lines_foreign(self) -> models.QuerySet["PayoutLine"]:
        """Its lines for sales in another currency: they count for none of them."""
        return self.lines.exclude(sale=None).exclude(sale__currency=self.currency)


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
