"""The outbox of commands to marketplaces, and what the last sweep of an account found."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from listings.models.listings import SOLD_THERE, Listing
from marketplaces.models import ModeField, stamped
from seatsync.core.models import BaseModel


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
    UNSUBSCRIBE = "unsubscribe", "take the webhook back"


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
    # Of its listing or its sale where it has one: what they were offered in.
    mode = ModeField()
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
            stamped("command_mode"),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state="in_flight", whole_account=True, rides_with=None),
                name="command_one_in_flight_account",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["priority", "not_before", "id"],
                condition=Q(state="pending"),
                name="command_due",
            ),
            models.Index(
                fields=["listing"],
                condition=Q(state="pending", kind="create"),
                name="command_unborn",
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


class SweepFinding(BaseModel):
    """What a sweep that is not through has found: written down as it is mended, and reported when one is through."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.ForeignKey(
        "marketplaces.MarketplaceAccount", on_delete=models.PROTECT, related_name="sweep_findings"
    )
    # A kind of drift, and the listing's id there.
    kind = models.CharField(max_length=12)
    remote_id = models.CharField(max_length=80, blank=True)

    class Meta:
        db_table = "sweep_findings"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "kind", "remote_id"], name="sweep_finding_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.remote_id}"


class AccountSweep(BaseModel):
    """What the last sweep over an account found (listings/services/reconcile.py); one row an account."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.OneToOneField(
        "marketplaces.MarketplaceAccount", on_delete=models.PROTECT, related_name="last_sweep"
    )
    mode = ModeField()
    began_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    # How many listings its marketplace showed.
    shown = models.PositiveIntegerField()
    # {kind of drift: {"count": how many, "ids": the first of them by the marketplace's listing id}}.
    drift = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "account_sweeps"
        constraints: ClassVar = [stamped("account_sweep_mode")]

    def __str__(self) -> str:
        return f"sweep of {self.account}, {self.finished_at:%Y-%m-%d %H:%M:%S}"
