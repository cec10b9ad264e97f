"""Staff's brakes: one tenant's selling or everybody's, at one platform or at all, stopped and released at once."""

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from listings.locks import push_halt_lock
from listings.models import CommandState, HaltCause, MarketplaceCommand, PushHalt, TradingStateKind
from listings.services.wake import outbox_wake
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_keys
from seatsync.accounts.selectors import is_platform_staff
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from seatsync.live.events import LiveType
from seatsync.live.publish import publish
from seatsync.tenants.models import Tenant

_STAFF_ALONE = "Only staff stops the selling of others."


@transaction.atomic
def push_halt_set(
    *,
    actor: Actor,
    reason: str,
    tenant_id: uuid.UUID | None = None,
    platform: str = "",
    state: str = TradingStateKind.HALTED,
    until: datetime | None = None,
) -> PushHalt:
    """Stop what the state stops, from now on; the same place once more changes the brake that stands there.

    What is under way is not called back; nothing more is sent. A tenant's own support stops its own tenant alone, with
    brakes of its own.
    Raises NotAllowed, or InvalidInput by field.
    """
    _check_may(actor, tenant_id)
    if state not in TradingStateKind.values or state == TradingStateKind.ACTIVE:
        raise InvalidInput(f"{state!r} stops nothing.", field="state", remedy="To let go, lift the brake.")
    if platform and platform not in adapter_keys():
        raise InvalidInput(
            f"{platform!r} is not a marketplace we know.", field="platform",
            remedy=f"Use one of: {', '.join(adapter_keys())}; or none for all.",
        )  # fmt: skip
    if tenant_id is not None and not Tenant.objects.filter(pk=tenant_id).exists():
        raise InvalidInput("There is no such tenant.", field="tenant_id", remedy="Use its id, or none for everybody.")
    if not reason.strip():
        raise InvalidInput("A reason is missing.", field="reason", remedy="Say why: holders read it.")
    if until is not None and until <= now():
        raise InvalidInput("The end lies in the past.", field="until", remedy="Give a later time, or none.")
    wish = {"state": state, "reason": reason.strip()[:200], "until": until}
    cause = HaltCause.STAFF if is_platform_staff(actor) else HaltCause.SUPPORT
    return _set(actor, {"tenant_id": tenant_id, "platform": platform, "cause": cause}, wish)


def suspension_halt_set(actor: Actor, tenant_id: uuid.UUID, reason: str) -> PushHalt:
    """A suspended tenant's selling stands still everywhere; what staff set on it by hand stays beside.

    Whoever suspends a tenant asks who may. Inside a transaction.
    """
    wish = {"state": TradingStateKind.HALTED, "reason": reason.strip()[:200], "until": None}
    return _set(actor, {"tenant_id": tenant_id, "platform": "", "cause": HaltCause.SUSPENSION}, wish)


def suspension_halt_lift(actor: Actor, tenant_id: uuid.UUID) -> None:
    """The tenant may sell again, as far as nothing else stops it. Inside a transaction."""
    for halt in PushHalt.objects.filter(tenant_id=tenant_id, cause=HaltCause.SUSPENSION, lifted_at=None):
        _lift(actor, halt.pk)


def _set(actor: Actor, place: dict[str, Any], wish: dict[str, Any]) -> PushHalt:
    halt, _ = PushHalt.objects.update_or_create(**place, lifted_at=None, defaults=wish)
    _tell(halt)
    _audit(actor, halt, "push_halt.set")
    return halt


@transaction.atomic
def push_halt_lift(*, actor: Actor, halt_id: uuid.UUID) -> PushHalt:
    """Let go; what waited is sent at once. Lifting once more changes nothing.

    Raises NotFound, NotAllowed, or Conflict for the brake of a suspension, which goes with that alone.
    """
    if not actor.is_staff:
        raise NotAllowed(_STAFF_ALONE)
    halt = PushHalt.objects.filter(pk=halt_id).first()
    if halt is None:
        raise NotFound("No brake with this id.")
    _check_may(actor, halt.tenant_id)
    if halt.cause == HaltCause.STAFF and not is_platform_staff(actor):
        raise NotAllowed("The platform's staff has set it, and lifts it.")
    if halt.cause == HaltCause.SUSPENSION and halt.lifted_at is None:
        raise Conflict(
            "This brake stands while its tenant is suspended.", remedy="Let the tenant sell again: it goes with that."
        )
    return _lift(actor, halt_id)


def _lift(actor: Actor, halt_id: uuid.UUID) -> PushHalt:
    halt = push_halt_lock(halt_id)
    if halt is None:
        raise NotFound("No brake with this id.")
    if halt.lifted_at is None:
        halt.lifted_at = now()
        halt.save(update_fields=["lifted_at", "updated_at"])
        _tell(halt)
        _audit(actor, halt, "push_halt.lift")
    return halt


def _check_may(actor: Actor, tenant_id: uuid.UUID | None) -> None:
    if not actor.is_staff:
        raise NotAllowed(_STAFF_ALONE)
    if (tenant_id is None or tenant_id != actor.tenant_id) and not is_platform_staff(actor):
        raise NotAllowed("Support of one tenant stops and releases its own tenant's selling alone.")


def _tell(halt: PushHalt) -> None:
    """Whoever is held back looks again, and open pages of whom it concerns do too."""
    waiting = MarketplaceCommand.objects.filter(state=CommandState.PENDING, last_error__startswith="waiting: trading")
    accounts = MarketplaceAccount.objects.filter(is_active=True)
    if halt.tenant_id is not None:
        waiting, accounts = waiting.filter(tenant=halt.tenant_id), accounts.filter(tenant=halt.tenant_id)
    if halt.platform:
        waiting, accounts = waiting.filter(account__platform=halt.platform), accounts.filter(platform=halt.platform)
    MarketplaceCommand.objects.filter(pk__in=list(waiting.values_list("pk", flat=True))).update(not_before=now())
    outbox_wake()
    for tenant_id, user_id in accounts.values_list("tenant_id", "user_id").order_by().distinct():
        for kind in (LiveType.TRADING_CHANGED, LiveType.SEASON_CHANGED):
            publish(tenant_id=tenant_id, user_ids=[user_id], kind=kind, object_id=halt.pk)


def _audit(actor: Actor, halt: PushHalt, verb: str) -> None:
    audit_record(
        actor=actor, verb=verb, object_type="push_halt", object_id=halt.pk,
        after={
            "tenant": str(halt.tenant_id or ""), "platform": halt.platform, "state": halt.state, "cause": halt.cause,
        }, reason=halt.reason,
    )  # fmt: skip
