"""Leaving in order: nothing new goes up, everything comes down and is seen to be gone, and only then the keys go.

An account that is drained stays as long as anything is open or unsettled on it: what was sold is handed over and paid.
Whoever ends a person's selling says so at one door (`accounts.services.leaving.holder_leave`), and of a whole tenant at
`tenants.services.tenant_suspend`; both tell of it here. Who is to be erased has no seats to sell any more: what others
offer of them on accounts of their own comes down as well (docs/adr/0036-leaving.md). Where an account's keys went
before its money came, its holder says that it did (`paid_by_hand.py`).
"""

import uuid
from collections.abc import Iterable

import structlog
from django.db import transaction
from django.db.models import F

from listings.locks import listings_lock
from listings.models import Listing
from listings.services.delist import listing_take_down
from listings.services.drift_alerts import alert_holder_leaves
from listings.services.halts import suspension_halt_lift, suspension_halt_set
from listings.states import WANTED
from marketplaces.models import MarketplaceAccount
from marketplaces.services.connect import closing_begin
from seatsync.accounts.models import LeavingWhy
from seatsync.accounts.selectors import leaves_for
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Busy
from seatsync.core.jobs import enqueue_on_commit

log = structlog.get_logger(__name__)


@transaction.atomic
def accounts_drain(*, actor: Actor, account_ids: Iterable[uuid.UUID], why: str) -> int:
    """Start the drain of these accounts; those that are gone or on their way are left. Returns how many were begun.

    From this moment nothing new goes up there; what is up comes down in a job that follows, an account at a time.
    `why`: a LeavingWhy.
    """
    return len(closing_begin(actor=actor, account_ids=list(account_ids), why=why))


@transaction.atomic
def holder_drain(actor: Actor, user_id: uuid.UUID, why: str, tenant_id: uuid.UUID | None) -> int:
    """Start the drain of one person's accounts in a tenant, or in all of them (None); returns how many were begun.

    What was sold stays to be handed over and paid: an account goes when it is through.
    """
    own = MarketplaceAccount.objects.filter(user_id=user_id, is_active=True)
    if tenant_id is not None:
        own = own.filter(tenant_id=tenant_id)
    begun = accounts_drain(actor=actor, account_ids=own.values_list("pk", flat=True), why=why)
    if why == LeavingWhy.ERASURE:
        enqueue_on_commit("listings.tasks.let_down_erased")
    audit_record(
        actor=actor, verb="holder.drain", object_type="user", object_id=user_id, subject=user_id,
        after={"why": str(why), "accounts": begun, "tenant": tenant_id},
    )  # fmt: skip
    return begun


def seats_of_erased_down() -> int:
    """Take down what others offer of the seats of people who are to be erased; returns how many listings.

    Also what went up while they began to leave. One transaction each; what somebody else is changing at this moment
    has its turn the next time.
    """
    erased = leaves_for(LeavingWhy.ERASURE, user="season_ticket__user_id", tenant="tenant_id")
    offered = Listing.objects.filter(erased, status__in=WANTED).exclude(account__user=F("season_ticket__user"))
    done = 0
    for listing_id in offered.order_by("pk").values_list("pk", flat=True):
        try:
            done += _seats_down(listing_id)
        except Busy:
            log.info("leaving.busy", listing_id=str(listing_id))
    return done


@transaction.atomic
def _seats_down(listing_id: uuid.UUID) -> bool:
    (listing,) = listings_lock([listing_id])
    if listing.status not in WANTED:
        return False
    listing_take_down(listing, reason="its seats' holder leaves")
    alert_holder_leaves(listing)
    return True


@transaction.atomic
def tenant_drain(actor: Actor, tenant_id: uuid.UUID, reason: str) -> None:
    """A tenant is suspended: its selling is halted at every marketplace, and all of its accounts are drained."""
    suspension_halt_set(actor, tenant_id, reason)
    accounts = MarketplaceAccount.objects.filter(tenant_id=tenant_id, is_active=True)
    accounts_drain(actor=actor, account_ids=accounts.values_list("pk", flat=True), why=LeavingWhy.SUSPENSION)


@transaction.atomic
def tenant_release(actor: Actor, tenant_id: uuid.UUID) -> None:
    """It may sell again: the halt of its suspension goes, what staff set on it by hand stays."""
    suspension_halt_lift(actor, tenant_id)
