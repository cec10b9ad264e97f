"""Connected accounts, received events, dated fees, limits and deadlines, and the market as observed."""

import calendar
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from marketplaces.deadlines import CutOff, CutOffBasis, HandOverKind, HandOverRule, hours_words, rule_of
from marketplaces.delivery import DeliveryType
from seatsync.accounts.models import LeavingWhy
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.crypto import EncryptedTextField
from seatsync.core.ids import uuid7
from seatsync.core.models import BaseModel
from seatsync.core.querysets import OwnedQuerySet, manager_of


class Mode(models.TextChoices):
    """Where an account's commands go: the simulator, the real platform, or a person's hands."""

    PAPER = "paper", "paper"
    LIVE = "live", "live"
    # No interface: what is done there its holder does by hand.
    ASSISTED = "assisted", "by hand"


def modes_of(*, paper: bool) -> list[Mode]:
    """Whose accounts sell in the paper market, or in the real one."""
    return [mode for mode in Mode if (mode == Mode.PAPER) == paper]


if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


def stamped(name: str) -> models.CheckConstraint:
    """A record says in which market it was made, and keeps saying so when its account changes markets (I-20)."""
    return models.CheckConstraint(condition=Q(mode__in=[mode.value for mode in Mode]), name=name)


class ModeField(_CharField):
    """The mode that a record was made in: written once, from its account where the writer names none."""

    def __init__(self, **options: Any) -> None:
        given: dict[str, Any] = {"max_length": 10, "choices": Mode.choices, "editable": False}
        super().__init__(**given | options)

    def deconstruct(self) -> Any:
        """To migrations it is a text like any other: only a new row's writer knows of accounts."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """The account's mode for a new row without one."""
        record: Any = model_instance
        if add and not getattr(record, self.attname):
            setattr(record, self.attname, record.account.mode)
        return str(getattr(record, self.attname))


# Who waits for an account's stock for longer than this is told how far it is.
STOCK_IS_LONG = timedelta(minutes=5)
# What an account says of itself that turned out to be connected twice.
DOUBLED = "This account there is connected by another connection already; this one is paused."


class MarketplaceAccount(BaseModel):
    """A holder's account at one platform. Tokens and the webhook secret lie encrypted."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="marketplace_accounts")
    platform = models.CharField(max_length=20)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.PAPER)
    account_id = models.CharField(max_length=80, blank=True)
    # Which seller it is there (marketplaces/services/sellers.py); empty: not known, or known to be connected otherwise.
    seller_key = models.CharField(max_length=64, blank=True, editable=False)
    access_token = EncryptedTextField(blank=True)
    refresh_token = EncryptedTextField(blank=True)
    webhook_secret = EncryptedTextField(blank=True)
    webhook_id = models.CharField(max_length=80, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    needs_reconnect = models.BooleanField(default=False)
    # When its holder gave it up. It stays active until nothing is open or unsettled on it, and then is no longer.
    closing_at = models.DateTimeField(null=True, blank=True)
    # Why it is being given up, or was.
    closing_why = models.CharField(max_length=12, choices=LeavingWhy.choices, blank=True)
    # Worked by hand, or another seller's, by now, and of which market its keys are: they are there until its webhook is
    # taken back over them.
    keys_of = models.CharField(max_length=10, choices=Mode.choices, blank=True)
    # When what it held before it was connected was read (listings/services/stock.py); until then nothing new goes up.
    stock_taken_at = models.DateTimeField(null=True, blank=True)
    # While that is under way: since when, since when its listings are known, and how many of its past sales are read.
    stock_begun_at = models.DateTimeField(null=True, blank=True)
    stock_listed_at = models.DateTimeField(null=True, blank=True)
    stock_sales_read = models.PositiveIntegerField(default=0)
    # Its platform does not show what it holds: its holder has to say.
    stock_unknown = models.BooleanField(default=False)
    sales_synced_until = models.DateTimeField(null=True, blank=True)
    last_sync_at = models.DateTimeField(null=True, blank=True)
    # When its sales were asked for last, answered or not.
    polled_at = models.DateTimeField(null=True, blank=True)
    last_webhook_at = models.DateTimeField(null=True, blank=True)
    rejected_webhooks = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[OwnedQuerySet["MarketplaceAccount"]] = manager_of(OwnedQuerySet["MarketplaceAccount"])

    class Meta:
        db_table = "marketplace_accounts"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "user", "platform", "mode"],
                condition=Q(is_active=True),
                name="account_once",
            ),
            models.UniqueConstraint(
                fields=["platform", "mode", "seller_key"],
                condition=Q(is_active=True) & ~Q(seller_key=""),
                name="account_seller_once",
                violation_error_message="This account there is connected already.",
            ),
            models.CheckConstraint(condition=Q(closing_at=None) | Q(is_active=True), name="account_closing_is_active"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} ({self.mode})"

    @property
    def paper(self) -> bool:
        """Whether it is of the paper market: nothing there is anything to the real one (I-20)."""
        return self.mode == Mode.PAPER

    def is_of(self, actor: Actor) -> bool:
        """Whether it is the actor's own; staff may do what its owner may."""
        return actor.is_staff or self.user_id == actor.user_id

    @property
    def doubled(self) -> bool:
        """Whether it is paused because another connection has the same account."""
        return self.needs_reconnect and self.last_error == DOUBLED

    @property
    def stock_is_long(self) -> bool:
        """Whether what it holds has been read for so long that its holder is told how far that is."""
        begun = self.stock_begun_at
        return self.is_active and self.stock_taken_at is None and begun is not None and begun < now() - STOCK_IS_LONG

    @property
    def takes_listings(self) -> bool:
        """Whether anything new may be offered over it."""
        return self.is_active and not self.needs_reconnect and self.closing_at is None


class AccountFile(BaseModel):
    """The file that is a whole account, at platforms that take nothing else: as it was kept last, and as it arrived.

    Each change of a listing is made of the one before, so that nobody's listing falls out of it.
    """

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.OneToOneField(MarketplaceAccount, on_delete=models.PROTECT, related_name="file")
    content = models.BinaryField(null=True)
    # Counts what was kept: who read an older one keeps nothing.
    version = models.PositiveIntegerField(default=1)
    kept_at = models.DateTimeField()
    arrived = models.BinaryField(null=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    # What was sent since, and may lie there, whole or the beginning of it.
    tried = ArrayField(models.BinaryField(), default=list, blank=True)
    # Ids of the purchases that its rows have in their numbers; and every one made until then is in them.
    counted = models.JSONField(default=list, blank=True)
    counted_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "account_files"

    def __str__(self) -> str:
        return f"file of {self.account}, {self.kept_at:%Y-%m-%d %H:%M:%S}"


class ConnectAttempt(BaseModel):
    """One OAuth2 round trip: state and PKCE verifier, single use, ten minutes."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE)
    platform = models.CharField(max_length=20)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    state = models.CharField(max_length=64, unique=True)
    code_verifier = EncryptedTextField()
    # Its holder says that it is the connected account once more; it counts where nothing there shows whose it is.
    same_account = models.BooleanField(default=False)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "connect_attempts"

    def __str__(self) -> str:
        return f"connect {self.platform}"


class InboxState(models.TextChoices):
    """Where one received item stands."""

    RECEIVED = "received", "received"
    DONE = "done", "done"
    IGNORED = "ignored", "ignored"
    FAILED = "failed", "failed"


class InboundEventQuerySet(OwnedQuerySet["InboundEvent"]):
    """What was received over one's own accounts."""

    def _for_user(self, user_id: uuid.UUID) -> "InboundEventQuerySet":
        return self.filter(account__user_id=user_id)


class InboundDelivery(BaseModel):
    """A delivery of several items, kept once as it came; encrypted under the holder's own key."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.ForeignKey(MarketplaceAccount, on_delete=models.PROTECT, related_name="deliveries")
    mode = ModeField()
    body_encrypted = models.BinaryField()
    received_at = models.DateTimeField()

    class Meta:
        db_table = "inbound_deliveries"
        constraints: ClassVar = [stamped("inbound_delivery_mode")]
        verbose_name_plural = "inbound deliveries"

    def __str__(self) -> str:
        return f"delivery of {self.received_at:%Y-%m-%d %H:%M:%S}"


class InboundEvent(BaseModel):
    """One item that a marketplace told us, stored raw before it is understood; processed once by its key (I-21).

    Body and headers lie encrypted under the holder's own key; marketplaces/selectors.py opens them.
    """

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    account = models.ForeignKey(MarketplaceAccount, on_delete=models.PROTECT, related_name="inbound")
    mode = ModeField()
    # What the item came in, where that is more than the item itself.
    delivery = models.ForeignKey(
        "InboundDelivery", null=True, blank=True, on_delete=models.PROTECT, related_name="items"
    )
    dedupe_key = models.CharField(max_length=120)
    kind = models.CharField(max_length=30)
    topic = models.CharField(max_length=60)
    action = models.CharField(max_length=60, blank=True)
    resource_id = models.CharField(max_length=80, blank=True)
    external_id = models.CharField(max_length=80, blank=True)
    # The listing's own id there, where the notice tells it: one made by hand there may have no key of the seller's.
    listing_id = models.CharField(max_length=80, blank=True)
    body_encrypted = models.BinaryField()
    headers_encrypted = models.BinaryField()
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=InboxState.choices, default=InboxState.RECEIVED)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    duplicates = models.PositiveIntegerField(default=0)
    # How often a person had it worked off anew: how long that took says nothing of how fast we are.
    replays = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)

    objects: ClassVar[InboundEventQuerySet] = manager_of(InboundEventQuerySet)

    class Meta:
        db_table = "inbound_events"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "dedupe_key"], name="inbound_once"), stamped("inbound_mode"),
        ]  # fmt: skip
        indexes: ClassVar = [
            models.Index(
                fields=["received_at"],
                condition=Q(state="received"),
                name="inbound_waiting",
            ),
            models.Index(fields=["account", "-received_at"], name="inbound_account_time"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.resource_id}"

    @property
    def took_ms(self) -> int | None:
        """From storing it to having worked it off; None before that."""
        if self.processed_at is None:
            return None
        return round((self.processed_at - self.received_at).total_seconds() * 1000)


D = TypeVar("D", bound="DatedRow")


class DatedQuerySet(models.QuerySet[D]):
    """Rows of one fact that was another one on other days."""

    def in_force(self, on: date | None = None) -> D | None:
        """The newest that holds on a day (default today, UTC); None where none does yet."""
        return self.filter(valid_from__lte=on or now().date()).order_by("-valid_from").first()


class DatedRow(BaseModel):
    """A fact from a date on, with where it comes from (I-26); a newer fact is a newer row."""

    valid_from = models.DateField()
    source = models.CharField(max_length=200)
    checked_on = models.DateField()

    class Meta:
        abstract = True


class FeeVersion(DatedRow):
    """A platform's fee from a date on, with its source (I-26): never a constant, and a sale keeps the one it used."""

    platform = models.CharField(max_length=20)
    side = models.CharField(max_length=6, choices=[("seller", "seller"), ("buyer", "buyer")])
    percent = models.DecimalField(max_digits=6, decimal_places=3)

    objects: ClassVar[DatedQuerySet["FeeVersion"]] = manager_of(DatedQuerySet["FeeVersion"])

    class Meta:
        db_table = "fee_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["platform", "side", "valid_from"], name="fee_version_once"),
            models.CheckConstraint(
                condition=Q(percent__gte=0) & Q(percent__lt=100),
                name="fee_percent_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.side} {self.percent} % from {self.valid_from}"


class LimitVersion(DatedRow):
    """A platform's request limit from a date on; where there is none the adapter's traits give the default."""

    platform = models.CharField(max_length=20)
    request = models.CharField(
        max_length=60, blank=True,
        help_text="Left empty: all that an account sends. Else one kind of request, as its adapter calls it.",
    )  # fmt: skip
    per_second = models.DecimalField(max_digits=10, decimal_places=5)
    burst = models.PositiveIntegerField()
    reserved = models.PositiveIntegerField(default=2)
    per_day = models.PositiveIntegerField(
        null=True, blank=True, help_text="Of one kind of request: at most so many in 24 hours. Left empty: no quota."
    )  # fmt: skip

    objects: ClassVar[DatedQuerySet["LimitVersion"]] = manager_of(DatedQuerySet["LimitVersion"])

    class Meta:
        db_table = "limit_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["platform", "request", "valid_from"], name="limit_version_once"),
            models.CheckConstraint(condition=Q(per_second__gt=0), name="limit_rate_positive"),
            models.CheckConstraint(condition=Q(burst__gte=1), name="limit_burst_positive"),
            # Half of them at once, and the rest through the day: of one alone there is no half.
            models.CheckConstraint(
                condition=Q(per_day=None) | Q(per_day__gte=2) & ~Q(request=""), name="limit_quota_of_a_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.request or 'all requests'} {self.per_second}/s from {self.valid_from}"


class RetryVersion(DatedRow):
    """How commands that failed are tried again, from a date on, at one platform or at all (I-26).

    Urgent are those that take something down: they are never given up, and their people are told after `most_tries`.
    Of others a person is asked then. A wait is `first_wait_s`, doubled with each try.
    """

    platform = models.CharField(max_length=20, blank=True, help_text="Left empty: where nothing else is dated.")
    urgent = models.BooleanField(help_text="For what takes something down.")
    most_tries = models.PositiveSmallIntegerField()
    first_wait_s = models.DecimalField(max_digits=8, decimal_places=3)
    longest_wait_s = models.DecimalField(max_digits=8, decimal_places=3)
    longest_asked_s = models.DecimalField(
        max_digits=8, decimal_places=3, help_text="A marketplace that asks for a longer wait is asked again then."
    )
    longest_refused_s = models.DecimalField(
        max_digits=8,
        decimal_places=3,
        help_text="Of what is urgent: between tries of what was refused.",
    )

    objects: ClassVar[DatedQuerySet["RetryVersion"]] = manager_of(DatedQuerySet["RetryVersion"])

    class Meta:
        db_table = "retry_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["platform", "urgent", "valid_from"], name="retry_version_once"),
            models.CheckConstraint(condition=Q(most_tries__gte=1), name="retry_tries_positive"),
            models.CheckConstraint(
                condition=Q(first_wait_s__gt=0)
                & Q(longest_wait_s__gte=F("first_wait_s"))
                & Q(longest_asked_s__gt=0)
                & Q(longest_refused_s__gt=0),
                name="retry_waits_positive",
            ),
        ]

    def __str__(self) -> str:
        what = "urgent" if self.urgent else "ordinary"
        return f"{self.platform or 'every marketplace'}, {what}: {self.most_tries} tries from {self.valid_from}"


class PayoutKind(models.TextChoices):
    """What a platform's payout waits for."""

    AFTER_GAME = "after_game", "days after the game"
    AFTER_DELIVERY = "after_delivery", "days after the hand-over"
    WEEKLY = "weekly", "weekly on a weekday"
    UNKNOWN = "unknown", "not published"


class PayoutCalendarVersion(DatedRow):
    """When a platform pays for a sale, from a date on, with its source (I-26): a sale keeps the one it used.

    What is not published stays empty, and nothing is reckoned from it. Paper accounts are paid by the simulator, which
    has calendars of its own.
    """

    platform = models.CharField(max_length=20)
    mode = models.CharField(max_length=10, choices=[("paper", "paper"), ("live", "live")], default="live")
    kind = models.CharField(max_length=15, choices=PayoutKind.choices)
    # Weekly: at least so many days after the hand-over.
    days = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: not published.")
    weekday = models.PositiveSmallIntegerField(
        null=True, blank=True, choices=list(enumerate(calendar.day_name)), help_text="Of weekly ones; a day in UTC."
    )

    objects: ClassVar[DatedQuerySet["PayoutCalendarVersion"]] = manager_of(DatedQuerySet["PayoutCalendarVersion"])

    class Meta:
        db_table = "payout_calendar_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["platform", "mode", "valid_from"], name="payout_calendar_once"),
            models.CheckConstraint(condition=Q(weekday=None) | Q(weekday__lte=6), name="payout_weekday_range"),
            models.CheckConstraint(
                condition=~Q(kind="unknown") | Q(days=None, weekday=None), name="payout_unknown_is_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.platform} ({self.mode}) {self.words} from {self.valid_from}"

    @property
    def known(self) -> bool:
        """Whether a day follows from it."""
        if self.kind == PayoutKind.WEEKLY:
            return self.weekday is not None
        return self.kind != PayoutKind.UNKNOWN and self.days is not None

    @property
    def words(self) -> str:
        """The rule in words: "5 days after the game", "weekly, on Wednesdays"."""
        if self.kind == PayoutKind.UNKNOWN:
            return "when it pays is not published"
        if self.kind == PayoutKind.WEEKLY:
            if self.weekday is None:
                return "weekly, on a day that is not published"
            after = f", at least {_days(self.days)} after the hand-over" if self.days else ""
            return f"weekly, on {calendar.day_name[self.weekday]}s{after}"
        what = "the game" if self.kind == PayoutKind.AFTER_GAME else "the hand-over"
        return f"after {what}, how long is not published" if self.days is None else f"{_days(self.days)} after {what}"


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


class EventBounds(DatedRow):
    """What a platform said that listings for an event must keep to, from the day that it said so first (I-12, I-26).

    Prices are list prices per ticket in `currency`; None: no such bound was told. What it says otherwise is a new row,
    or that day's; saying the same again only moves `told_at`.
    """

    mapping = models.ForeignKey("portfolios.EventMapping", on_delete=models.CASCADE, related_name="bounds")
    # The event that it said so of: its game may be mapped to another one since.
    remote_event_id = models.CharField(max_length=80)
    min_price = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    max_price = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    min_quantity = models.PositiveIntegerField(default=1)
    max_quantity = models.PositiveIntegerField(null=True, blank=True)
    # The splits that it takes, in our words; empty: it told none.
    splits = models.JSONField(default=list, blank=True)
    told_at = models.DateTimeField()

    objects: ClassVar[DatedQuerySet["EventBounds"]] = manager_of(DatedQuerySet["EventBounds"])

    class Meta:
        db_table = "event_bounds"
        verbose_name_plural = "event bounds"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mapping", "remote_event_id", "valid_from"], name="event_bounds_once"),
        ]

    def __str__(self) -> str:
        return f"event {self.remote_event_id} from {self.valid_from}"


class LeastPriceVersion(DatedRow):
    """The least list price per ticket at which a team or a venue lets tickets be resold, from a date on (I-12, I-26).

    Such as season-ticket terms name it. None is known until staff date one; one that is left empty asks for nothing.
    """

    team = models.ForeignKey("portfolios.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    venue = models.ForeignKey("portfolios.Venue", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    min_price = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, help_text="Per ticket. Empty: none from that day on."
    )
    currency = models.CharField(max_length=3, default="USD")

    objects: ClassVar[DatedQuerySet["LeastPriceVersion"]] = manager_of(DatedQuerySet["LeastPriceVersion"])

    class Meta:
        db_table = "least_price_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "valid_from"], name="least_price_team_once"),
            models.UniqueConstraint(fields=["venue", "valid_from"], name="least_price_venue_once"),
            models.CheckConstraint(
                condition=Q(team__isnull=True, venue__isnull=False) | Q(team__isnull=False, venue__isnull=True),
                name="least_price_of_one",
                violation_error_message="It is a team's or a venue's: choose one of them.",
            ),
            models.CheckConstraint(condition=Q(min_price=None) | Q(min_price__gt=0), name="least_price_positive"),
        ]

    def __str__(self) -> str:
        least = "nothing" if self.min_price is None else f"{self.min_price} {self.currency}"
        return f"{self.whose} at least {least} from {self.valid_from}"

    @property
    def whose(self) -> str:
        """The team's or the venue's name."""
        return str(self.team or self.venue)


# As sentences name them: "PDF sales", "mobile transfer sales".
TICKET_KINDS = {
    DeliveryType.MOBILE_TRANSFER: "mobile transfer", DeliveryType.BARCODE: "barcode", DeliveryType.PDF: "PDF",
    DeliveryType.QR_CODE: "QR code", DeliveryType.PAPER: "paper ticket",
}  # fmt: skip


class ListUntilVersion(DatedRow):
    """Until when before an event tickets may be on sale, from a date on, at one platform or at all (I-08, I-26)."""

    platform = models.CharField(max_length=20, blank=True, help_text="Left empty: where nothing else is dated.")
    delivery = models.CharField(
        max_length=20, blank=True, choices=[(kind.value, words) for kind, words in TICKET_KINDS.items()],
        help_text="Left empty: tickets of every kind for which nothing else is dated.",
    )  # fmt: skip
    uploaded = models.BooleanField(default=False, help_text="Of listings whose tickets all lie there already.")
    hours = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    shipping_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Instead of hours: Monday to Saturday at the venue."
    )
    basis = models.CharField(
        max_length=10,
        choices=[
            (CutOffBasis.STOPS.value, "it takes them off sale then"),
            (CutOffBasis.DELIVERY.value, "what is sold later is handed over too late"),
            (CutOffBasis.CAUTION.value, "our own caution"),
        ],
    )

    objects: ClassVar[DatedQuerySet["ListUntilVersion"]] = manager_of(DatedQuerySet["ListUntilVersion"])

    class Meta:
        db_table = "list_until_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["platform", "delivery", "uploaded", "valid_from"], name="list_until_version_once"
            ),
            models.CheckConstraint(
                # What is empty makes no comparison false: it is said to be there.
                condition=Q(hours__isnull=False, hours__gte=0, shipping_days=None)
                | Q(hours=None, shipping_days__isnull=False, shipping_days__range=(1, 60)),
                name="list_until_hours_or_days",
            ),
        ]

    def __str__(self) -> str:
        what = f"{self.get_delivery_display() or 'every ticket'}{', uploaded' if self.uploaded else ''}"
        return f"{self.platform or 'every marketplace'}, {what}: {self.cut_off.words} from {self.valid_from}"

    @property
    def cut_off(self) -> CutOff:
        """How long before the event."""
        return CutOff(self.hours or Decimal(0), self.shipping_days or 0)


class TransferCutOffVersion(DatedRow):
    """How long before its games a club, or a league, lets no ticket be transferred any more, from a date on (I-26)."""

    team = models.ForeignKey(
        "portfolios.Team", null=True, blank=True, on_delete=models.PROTECT, help_text="Whose home games."
    )
    league = models.ForeignKey(
        "portfolios.League", null=True, blank=True, on_delete=models.PROTECT,
        help_text="Instead of a team: of all of its clubs that have none of their own.",
    )  # fmt: skip
    hours = models.DecimalField(max_digits=6, decimal_places=2)

    objects: ClassVar[DatedQuerySet["TransferCutOffVersion"]] = manager_of(DatedQuerySet["TransferCutOffVersion"])

    class Meta:
        db_table = "transfer_cut_off_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["team", "league", "valid_from"], nulls_distinct=False, name="transfer_cut_off_once"
            ),
            models.CheckConstraint(
                condition=Q(team__isnull=False, league=None) | Q(team=None, league__isnull=False),
                name="transfer_cut_off_of_one",
            ),
            models.CheckConstraint(condition=Q(hours__gte=0), name="transfer_cut_off_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.team or self.league}: {hours_words(self.hours)} from {self.valid_from}"


class HandOverVersion(DatedRow):
    """By when a platform's sales are to be handed over where it does not tell, from a date on: a sale keeps its row."""

    platform = models.CharField(max_length=20)
    kind = models.CharField(
        max_length=10,
        choices=[
            (HandOverKind.STEPS.value, "by how long before the event it was sold"),
            (HandOverKind.IN_HAND.value, "by the day from which the tickets are in hand"),
        ],
    )
    steps = models.JSONField(
        default=list, blank=True,
        help_text='In hours, the longest before the event first: [[61, "before", 36], [26, "within", 24], '
        '[0, "before", 2]] is: sold 61 h or more before it, 36 h before it; sold 26 h or more before it, within 24 h; '
        "sold later, 2 h before it.",
    )  # fmt: skip

    objects: ClassVar[DatedQuerySet["HandOverVersion"]] = manager_of(DatedQuerySet["HandOverVersion"])

    class Meta:
        db_table = "hand_over_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["platform", "valid_from"], name="hand_over_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} from {self.valid_from}"

    def clean(self) -> None:
        """Raises ValidationError for steps that are no rule."""
        try:
            rule_of(self.kind, self.steps)
        except ValueError as error:
            raise ValidationError({"steps": f"{error}"}) from error

    @property
    def rule(self) -> HandOverRule:
        """The rule. Raises ValueError for what is none, which no form lets in."""
        return rule_of(self.kind, self.steps)


class MarketSnapshot(models.Model):
    """The market at one moment: a strangers' listing or print. A time series; see core/series.py."""

    pk = models.CompositePrimaryKey("time", "id")
    time = models.DateTimeField()
    id = models.UUIDField(default=uuid7)
    game_id = models.UUIDField()
    platform = models.CharField(max_length=20)
    # "ask": someone's offer; "print": a completed sale of a stranger.
    kind = models.CharField(max_length=6, choices=[("ask", "ask"), ("print", "print")], default="ask")
    remote_listing_id = models.CharField(max_length=80, blank=True)
    section = models.CharField(max_length=40, blank=True)
    zone = models.CharField(max_length=60, blank=True)
    row = models.CharField(max_length=20, blank=True)
    quantity = models.PositiveIntegerField(null=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default="USD")
    price_basis = models.CharField(max_length=6)
    listing_count = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "market_snapshots"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(price_basis__in=["list", "all_in", "net"]), name="snapshot_price_basis")
        ]
        indexes: ClassVar = [models.Index(fields=["game_id", "-time"], name="snapshot_game_time")]

    def __str__(self) -> str:
        return f"{self.platform} {self.price} at {self.time:%Y-%m-%d %H:%M}"
