"""Leaving in order: nothing new goes up, everything comes down and is seen to be gone, and only then the keys go.

An account that is drained stays as long as anything is open or unsettled on it: what was sold is handed over and paid.
Whoever ends a person's selling says so at one door (`accounts.services.leaving.holder_leave`), and of a whole tenant at
`tenants.services.tenant_suspend`; both tell of it here. Where an account's keys went before its money came, its holder
says that it did (`paid_by_hand.py`).
"""

import uuid
from collections.abc import Iterable

from django.db import transaction

from listings.models import PushHalt
from listings.services.halts import push_halt_lift, push_halt_set
from marketplaces.models import MarketplaceAccount
from marketplaces.services.connect import closing_begin
from seatsync.accounts.models import LeavingWhy
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record


@transaction.atomic
def accounts_drain(*, actor: Actor, account_ids: Iterable[uuid.UUID], why: str) -> int:
    """Start the drain of these accounts; those that are gone or on their way are left. Returns how many were begun.

    From this moment nothing new goes up there; what is up comes down in a job that follows, an account at a time.
    `why`: a LeavingWhy.
    """
    return len(closing_begin(actor=actor, account_ids=list(account_ids), why=why))


@transaction.atomic
def holder_drain(actor: Actor, user_id: uuid.UUID, why: str) -> int:
    """Start the drain of all accounts of one person; returns how many were begun.

    What was sold stays to be handed over and paid: an account goes when it is through.
    """
    own = MarketplaceAccount.objects.filter(user_id=user_id, is_active=True)
    begun = accounts_drain(actor=actor, account_ids=own.values_list("pk", flat=True), why=why)
    audit_record(
        actor=actor, verb="holder.drain", object_type="user", object_id=user_id, subject=user_id,
        after={"why": str(why), "accounts": begun},
    )  # fmt: skip
    return begun


@transaction.atomic
def tenant_drain(actor: Actor, tenant_id: uuid.UUID, reason: str) -> None:
    """A tenant is suspended: its selling is halted at every marketplace, and all of its accounts are drained."""
    push_halt_set(actor=actor, reason=reason, tenant_id=tenant_id)
    accounts = MarketplaceAccount.objects.filter(tenant_id=tenant_id, is_active=True)
    accounts_drain(actor=actor, account_ids=accounts.values_list("pk", flat=True), why=LeavingWhy.SUSPENSION)


@transaction.atomic
def tenant_release(actor: Actor, tenant_id: uuid.UUID) -> None:
    """It may sell again: the halt at every marketplace goes, others that staff set stay."""
    for halt in PushHalt.objects.in_force().filter(tenant_id=tenant_id, platform=""):
        push_halt_lift(actor=actor, halt_id=halt.pk)
