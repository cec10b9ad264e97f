"""The one door by which a person leaves: erasure, a smaller plan and the end of dunning call it before all else.

He leaves one tenant, whose accounts alone are drained, or all of them. What he sells comes down and is seen to be gone,
what he sold is handed over and paid, and only then his keys go: that is listings' part (listings/services/drain.py),
which hears of it by a port. A tenant is suspended by `tenants.services.tenant_suspend`, and one account given up by
`marketplaces.services.connect.disconnect`.
"""

import uuid

from django.db import transaction

from seatsync.accounts.models import Leaving, LeavingWhy, Membership, User
from seatsync.accounts.ports import holder_leaving
from seatsync.accounts.selectors import is_platform_staff
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput, NotAllowed, NotFound
from seatsync.tenants.models import Tenant

# Of a person; the others are of one account and of a tenant.
WHYS = (LeavingWhy.ERASURE, LeavingWhy.DOWNGRADE, LeavingWhy.DUNNING)


@transaction.atomic
def holder_leave(
    *, actor: Actor, user_id: uuid.UUID, why: str, reason: str = "", tenant_id: uuid.UUID | None = None
) -> Leaving:
    """A person leaves: his accounts are drained. Once more it drains what came since, and changes nothing else.

    `tenant_id`: he leaves this tenant alone, and what he has in others stays; None: he leaves them all. Platform staff
    and the system may say so of anybody, and a person of himself that he wants to be erased. Until it is taken back an
    erasure and the end of dunning let him connect no account there. Raises NotAllowed, NotFound, or InvalidInput.
    """
    himself = actor.user_id == user_id and why == LeavingWhy.ERASURE
    if not himself and not is_platform_staff(actor):
        raise NotAllowed("Only staff says that somebody leaves.")
    if why not in WHYS:
        raise InvalidInput(f"{why!r} is no reason to leave.", field="why", remedy=f"Use one of: {', '.join(WHYS)}.")
    if not User.objects.filter(pk=user_id).exists():
        raise NotFound("No such person.")
    tenant = None if tenant_id is None else _tenant_of(user_id, tenant_id)
    # No lock: his accounts' come first, and of two who say it at once one finds the other's row.
    leaving, begun = Leaving.objects.get_or_create(
        user_id=user_id, tenant=tenant, why=why, ended_at=None, defaults={"reason": reason.strip()[:200]}
    )
    holder_leaving.tell(actor, user_id, why, tenant_id)
    if begun:
        audit_record(
            actor=actor, verb="holder.leave", object_type="user", object_id=user_id, subject=user_id,
            after={"why": why, "tenant": tenant_id}, reason=leaving.reason,
        )  # fmt: skip
    return leaving


def _tenant_of(user_id: uuid.UUID, tenant_id: uuid.UUID) -> Tenant:
    membership = Membership.objects.select_related("tenant").filter(user_id=user_id, tenant_id=tenant_id).first()
    if membership is None:
        raise NotFound("This person is no member of such a tenant.")
    return membership.tenant


@transaction.atomic
def holder_stay(*, actor: Actor, leaving_id: uuid.UUID) -> Leaving:
    """It is taken back: he may connect accounts anew. A second time changes nothing. Raises NotAllowed or NotFound."""
    if not is_platform_staff(actor):
        raise NotAllowed("Only staff takes it back.")
    leaving = Leaving.objects.filter(pk=leaving_id).first()
    if leaving is None:
        raise NotFound("Nobody leaves by this id.")
    if Leaving.objects.filter(pk=leaving_id, ended_at=None).update(ended_at=now(), updated_at=now()):
        audit_record(
            actor=actor, verb="holder.stay", object_type="user", object_id=leaving.user_id, subject=leaving.user_id,
            before={"why": leaving.why, "tenant": leaving.tenant_id},
        )  # fmt: skip
    leaving.refresh_from_db()
    return leaving
