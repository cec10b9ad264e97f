"""Sales and the seats that they have."""

import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from listings.models.listings import Listing
from marketplaces.models import Mode
from portfolios.models import SeasonTicket, Seat
from seatsync.core.actors import Actor
from seatsync.core.models import AppendOnlyModel, BaseModel
from seatsync.core.querysets import OwnedQuerySet, manager_of

# How the reason of a sale on paper begins that was ended here: whatever is said of it there later, it stays over.
PRACTICE_OVER = "it was practice"
# How a sale is called that its holder told in one tap, until its number is named.
NO_NUMBER = "unnumbered "


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

    def may_have(self, seats: Iterable[Seat]) -> "SaleQuerySet":
        """The unclear sales that may have taken any of these seats."""
        own = list(seats)
        return self.filter(
            tenant_id__in={seat.tenant_id for seat in own}, state=SaleState.NEEDS_PERSON,
            may_be_of__overlap=[seat.pk for seat in own],
        )  # fmt: skip


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
    # Else the gross stands for the proceeds, for now: nobody told what its buyer paid for the tickets.
    gross_told = models.BooleanField(default=True)
    fees = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    proceeds = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    # Else the proceeds stand for the gross: a person told the price alone, and no fee is known.
    proceeds_told = models.BooleanField(default=True)
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
    # The seats that it may have taken, by their ids, while that is not clear: those that others let go are held for it.
    may_be_of = ArrayField(models.UUIDField(), default=list, blank=True)
    # What went wrong, where something did and is not settled; of several things that which stands (listings/states.py).
    ending = models.CharField(max_length=20, choices=SaleEnding.choices, blank=True)
    ending_reason = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # Why there is a complaint, and why a penalty, each until it is settled, whichever of them the ending is.
    claim_reason = models.CharField(max_length=300, blank=True)
    # Its marketplace told of the complaint by its interface, whose next clear word ends it; else a person reported it.
    claimed_there = models.BooleanField(default=False)
    penalty_reason = models.CharField(max_length=300, blank=True)
    # What a person was told it will cost; what was charged is in the payouts' lines, and summed up here from them.
    told_charge = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    charged = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    # What of it is settled: it lacks, and nobody asks for it any more.
    charge_settled = models.DecimalField(max_digits=10, decimal_places=2, default=0)
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
    # By when its tickets are to be handed over: as its marketplace told it, or reckoned by its published rule (of this
    # row), and how many times its people were reminded of that.
    ship_by = models.DateTimeField(null=True, blank=True)
    ship_by_reckoned = models.BooleanField(default=False)
    ship_by_rule = models.ForeignKey("marketplaces.HandOverVersion", null=True, blank=True, on_delete=models.PROTECT)
    reminded = models.PositiveSmallIntegerField(default=0)
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
        indexes: ClassVar = [
            models.Index(fields=["tenant", "-sold_at"], name="sale_tenant_sold"),
            models.Index(fields=["platform_sale_id"], name="sale_number_there"),
            models.Index(fields=["tenant"], condition=Q(state="needs_person"), name="sale_unclear"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.platform_sale_id} {self.state}"

    def may(self, actor: Actor, verb: str) -> bool:
        """Whether `actor`, who sees this sale, may `verb` its seats (SeasonTicket.may).

        One whose listing is not known is seen by its account's holder and staff alone, and is theirs.
        """
        return self.listing is None or self.listing.season_ticket.may(actor, verb)

    @property
    def on_paper(self) -> bool:
        """Whether it was sold in the practice market; an account that was left keeps the market of its listings."""
        return (self.mode if self.listing is None else self.listing.mode) == Mode.PAPER

    @property
    def practice_over(self) -> bool:
        """Whether it was sold on paper and ended here, for good."""
        return self.state == SaleState.CANCELLED and self.ending_reason.startswith(PRACTICE_OVER)

    @property
    def stands(self) -> bool:
        """Whether its money may come: neither it nor its game is over, and its seats are nobody else's."""
        return self.state not in {SaleState.CANCELLED, SaleState.CONFLICT} and self.ending != SaleEnding.GAME_OFF

    @property
    def ending_said(self) -> str:
        """How it ended, in words; "" where it did not. What was told in one tap its holder took back.

        A sale on paper that was practice was ended here: its marketplace cancelled nothing, and no payment failed.
        """
        if self.practice_over:
            return "over, as practice"
        if self.unnumbered and self.ending == SaleEnding.CANCELLED:
            return "taken back by its holder"
        return str(self.get_ending_display()) if self.ending else ""

    @property
    def why_nothing(self) -> str:
        """Why none of its money is the holder's, in words."""
        return self.ending_said or str(self.get_state_display())

    @property
    def unnumbered(self) -> bool:
        """Whether nobody has told its number yet: its holder said in one tap that it sold."""
        return self.platform_sale_id.startswith(NO_NUMBER)

    @property
    def reckoned(self) -> bool:
        """Whether what reaches the holder is reckoned by a fee that is known, and not told.

        Where no fee is known the proceeds are the gross, for now: only a fee of nothing makes that a reckoning.
        """
        if self.proceeds_told or not self.gross:
            return False
        return self.proceeds != self.gross or (self.fee_version is not None and not self.fee_version.percent)

    @property
    def amount_told(self) -> bool:
        """Whether anybody told what it brings: what is not known is kept as 0, and no sale is for nothing."""
        return self.proceeds_told or bool(self.gross)

    @property
    def price_told(self) -> bool:
        """Whether anybody told for what it was sold: its marketplace, its mail, or its holder."""
        return self.gross_told and bool(self.gross)

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


class EffectKind(models.TextChoices):
    """What an ending reaches beside seats and payouts."""

    LOT = "lot", "tax lots"
    BUDGET = "budget", "resale budget"
    SETTLEMENT = "settlement", "settlement"


class EndingEffect(AppendOnlyModel):
    """What an ending, or what came of it, changed for a sale's tax lots, the resale budget and what partners settle.

    Written in the ending's transaction and reversed by rows of their own: the last row of a kind says how it stands
    (`effect`, a value of listings/states.py), and the sum of a kind by how much the sale's own figures are off.
    """

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="effects")
    kind = models.CharField(max_length=10, choices=EffectKind.choices)
    # Which of the sale's rows of this kind, from 1.
    number = models.PositiveSmallIntegerField()
    effect = models.CharField(max_length=20)
    # What stood on the sale when it was written; empty: nothing did.
    ending = models.CharField(max_length=20, choices=SaleEnding.choices, blank=True)
    # By how much what it brings its holder (lots), or he and his partners share (settlement), is more or less.
    amount = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    currency = models.CharField(max_length=3)
    # How many tickets count more or less against the budget.
    tickets = models.SmallIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        db_table = "ending_effects"
        ordering: ClassVar = ["at", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sale", "kind", "number"], name="ending_effect_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.effect.replace('_', ' ')}"
