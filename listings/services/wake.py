"""Waking the workers: of the outbox what is urgent has one of its own, which no backlog keeps waiting."""

import uuid

from listings.models import CommandState, MarketplaceCommand, Sale, SaleState
from listings.payables import reads_payouts, received_for
from seatsync.core.clock import now
from seatsync.core.jobs import enqueue_on_commit

DRAIN = "listings.tasks.drain_commands"
DRAIN_URGENT = "listings.tasks.drain_urgent"
# One sale, anew.
READ_SALE = "listings.tasks.read_sale"
# What one account sold; what it was paid; and what it will be paid next, alone.
POLL_SALES = "listings.tasks.poll_account_sales"
POLL_PAYOUTS = "listings.tasks.poll_account_payouts"
POLL_NEXT = "listings.tasks.poll_account_next"


def outbox_wake(*, urgent: bool = False, after_s: float = 0.0) -> None:
    """When the transaction commits, or seconds after it. At most one message of a kind waits for a worker."""
    for path in (DRAIN_URGENT, DRAIN) if urgent else (DRAIN,):
        enqueue_on_commit(path, countdown_s=after_s, one_waits=not after_s)


def payouts_wake(sale: Sale) -> None:
    """Its marketplace says that it has paid a sale: what it paid is read when the transaction commits, if not known.

    One message of an account waits at a time, however many of its sales are told as paid.
    """
    if sale.state == SaleState.COMPLETE and reads_payouts(sale.account) and not received_for(sale).paid:
        enqueue_on_commit(POLL_PAYOUTS, one_waits=True, account_id=str(sale.account_id))


def account_commands_wake(account_id: uuid.UUID) -> None:
    """What waited for the account (its new grant, or what it held before) is due now."""
    waiting = MarketplaceCommand.objects.filter(account_id=account_id, state=CommandState.PENDING)
    # The old grant's end is forgotten, so that the new one is not refreshed before it was used.
    if waiting.update(not_before=now(), last_error="", updated_at=now()):
        outbox_wake(urgent=True)
