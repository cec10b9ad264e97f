"""Suspending a tenant: a drain first. Its people can sign in still, hand over what is sold, and be paid."""

import uuid

from django.db import transaction

from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput, NotAllowed, NotFound
from seatsync.tenants.models import Tenant
from seatsync.tenants.ports import tenant_resumed, tenant_suspended


@transaction.atomic
def tenant_suspend(*, actor: Actor, tenant_id: uuid.UUID, reason: str) -> Tenant:
    """Stop a tenant's selling and drain its accounts. A second time changes nothing but drains what came meanwhile.

    Raises NotAllowed for anybody but staff, NotFound, or InvalidInput without a reason.
    """
    tenant = _tenant(actor, tenant_id)
    if not reason.strip():
        raise InvalidInput("A reason is missing.", field="reason", remedy="Say why: its holders read it.")
    tenant.suspended_at = tenant.suspended_at or now()
    tenant.save(update_fields=["suspended_at", "updated_at"])
    tenant_suspended.tell(actor, tenant.pk, reason.strip())
    audit_record(
        actor=actor, verb="tenant.suspend", object_type="tenant", object_id=tenant.pk, reason=reason.strip()[:200]
    )
    return tenant


@transaction.atomic
def tenant_resume(*, actor: Actor, tenant_id: uuid.UUID) -> Tenant:
    """Let a tenant sell again; its holders connect their accounts anew. Raises NotAllowed or NotFound."""
    tenant = _tenant(actor, tenant_id)
    if tenant.suspended_at is not None:
        tenant.suspended_at = None
        tenant.save(update_fields=["suspended_at", "updated_at"])
        tenant_resumed.tell(actor, tenant.pk)
        audit_record(actor=actor, verb="tenant.resume", object_type="tenant", object_id=tenant.pk)
    return tenant


def _tenant(actor: Actor, tenant_id: uuid.UUID) -> Tenant:
    if not actor.is_staff:
        raise NotAllowed("Only staff suspends a tenant.")
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    if tenant is None:
        raise NotFound("No tenant with this id.")
    return tenant
