"""What guards go by, strategies, the rules in them, and every evaluation's decision with its trace."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from marketplaces.models import DatedRow, Mode
from portfolios.models import SeasonTicket
from seatsync.core.models import AppendOnlyModel, BaseModel
from seatsync.core.querysets import OwnedQuerySet, manager_of


class ThresholdVersion(DatedRow):
    """What a guard at the pricing door goes by, from a date on; where there is none the setting of that name holds."""

    name = models.CharField(max_length=60, help_text="As the guard calls it.")
    value = models.PositiveIntegerField()

    class Meta:
        db_table = "threshold_versions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "valid_from"], name="threshold_version_once"),
            models.CheckConstraint(condition=Q(value__gte=1), name="threshold_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.value} from {self.valid_from}"


class RuleType(models.TextChoices):
    """What a rule may do."""

    PRICING = "pricing", "pricing"
    LISTING = "listing", "listing"
    ALERT = "alert", "alert"


class RunMode(models.TextChoices):
    """What happens when a rule is triggered while it still runs for the same game."""

    SINGLE = "single", "single"
    RESTART = "restart", "restart"
    QUEUED = "queued", "queued"
    PARALLEL = "parallel", "parallel"


class Strategy(BaseModel):
    """A holder's set of rules for one season ticket, or for all of them where none is named."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="strategies")
    name = models.CharField(max_length=80)
    season_ticket = models.ForeignKey(
        "portfolios.SeasonTicket", null=True, blank=True, on_delete=models.CASCADE, related_name="strategies"
    )
    mode = models.CharField(
        max_length=10, choices=[(m.value, m.label) for m in (Mode.PAPER, Mode.LIVE)], default=Mode.PAPER
    )
    # Switched off until the holder switches it on; brakes are trading states of scope "strategy".
    is_active = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[OwnedQuerySet["Strategy"]] = manager_of(OwnedQuerySet["Strategy"])

    class Meta:
        db_table = "strategies"
        verbose_name_plural = "strategies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "user", "name"], name="strategy_name_once"),
            models.CheckConstraint(condition=Q(mode__in=["paper", "live"]), name="strategy_mode_known"),
        ]

    def __str__(self) -> str:
        return self.name


class AutomationRule(BaseModel):
    """One rule: when its conditions hold, its actions are proposed. Both are JSON under a published schema."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="automation_rules")
    strategy = models.ForeignKey(Strategy, null=True, blank=True, on_delete=models.PROTECT, related_name="rules")
    name = models.CharField(max_length=80)
    rule_type = models.CharField(max_length=10, choices=RuleType.choices)
    conditions = models.JSONField(default=dict)
    actions = models.JSONField(default=list)
    # Within its strategy; lower goes first.
    rank = models.PositiveSmallIntegerField(default=0)
    run_mode = models.CharField(max_length=10, choices=RunMode.choices, default=RunMode.SINGLE)
    is_active = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[OwnedQuerySet["AutomationRule"]] = manager_of(OwnedQuerySet["AutomationRule"])

    class Meta:
        db_table = "automation_rules"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "user", "name"], name="rule_name_once"),
            models.CheckConstraint(condition=Q(rule_type__in=RuleType.values), name="rule_type_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant"], condition=Q(is_active=True), name="rule_active")]

    def __str__(self) -> str:
        return self.name


class DecisionQuerySet(OwnedQuerySet["Decision"]):
    """Decisions about listings and seats of visible season tickets."""

    def _for_user(self, user_id: uuid.UUID) -> "DecisionQuerySet":
        return self.filter(season_ticket__in=SeasonTicket.objects.all()._for_user(user_id))


class Decision(AppendOnlyModel):
    """One evaluation of one rule and what came of it, with the trace that explains it. Never changed."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    season_ticket = models.ForeignKey("portfolios.SeasonTicket", on_delete=models.PROTECT, related_name="+")
    rule = models.ForeignKey(AutomationRule, on_delete=models.PROTECT, related_name="decisions")
    # The version that was evaluated: a rule is switched off, never deleted.
    rule_version = models.PositiveIntegerField()
    listing = models.ForeignKey("listings.Listing", null=True, on_delete=models.PROTECT, related_name="decisions")
    seat_group = models.ForeignKey("portfolios.SeatGroup", null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    trigger = models.CharField(max_length=40)
    # What came of it: "applied", "rejected", "unchanged", "asked".
    result = models.CharField(max_length=10, choices=[(r, r) for r in ("applied", "rejected", "unchanged", "asked")])
    # Facts with their age, each condition's value, comparables used and dropped, anchor, increment, guards' verdicts.
    trace = models.JSONField()

    objects: ClassVar[DecisionQuerySet] = manager_of(DecisionQuerySet)

    class Meta:
        db_table = "decisions"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(result__in=["applied", "rejected", "unchanged", "asked"]), name="decision_result_known"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["listing", "-at"], name="decision_listing"),
            models.Index(fields=["season_ticket", "-at"], name="decision_ticket"),
        ]

    def __str__(self) -> str:
        return f"{self.trigger} {self.result}"
