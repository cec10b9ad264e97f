"""Brakes on selling: people's own, and staff's."""

import uuid
from collections.abc import Collection
from typing import ClassVar

from django.db import models
from django.db.models import Q

from seatsync.core.clock import now
from seatsync.core.models import BaseModel
from seatsync.core.querysets import manager_of


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

    @property
    def choice(self) -> str:
        """What choosing it does, for a person who stops or goes on."""
        return {
            "ACTIVE": "Resume: sell as usual",
            "RAISE_ONLY": "Raise only: no price falls",
            "NO_NEW_LISTINGS": "No new listings: what is up stays up",
            "HALTED": "Halt: nothing new goes up, no price changes",
        }[self]


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


class HaltCause(models.TextChoices):
    """What set a brake of staff's: each goes with its own cause, whatever else stands on the same place."""

    STAFF = "staff", "set by the platform's staff"
    SUPPORT = "support", "set by the tenant's own support"
    SUSPENSION = "suspension", "the tenant is suspended"


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
    cause = models.CharField(max_length=12, choices=HaltCause.choices, default=HaltCause.STAFF)
    reason = models.CharField(max_length=200, help_text="Holders read it.")
    until = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[PushHaltQuerySet] = manager_of(PushHaltQuerySet)

    class Meta:
        db_table = "push_halts"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "platform", "cause"],
                condition=Q(lifted_at=None),
                nulls_distinct=False,
                name="push_halt_once",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="push_halt_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.platform or 'every marketplace'}, {self.tenant or 'everybody'}"

    def covers(self, tenant_id: uuid.UUID, platforms: Collection[str]) -> bool:
        """Whether it stands on selling of this tenant at one of these platforms."""
        return self.tenant_id in {None, tenant_id} and (not self.platform or self.platform in platforms)
