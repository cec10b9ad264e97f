"""Taking back the webhook of an account that is given up: the last command that is sent over it, before its keys go.

Nobody is asked to help, and nothing waits for it for ever: what stays of it is that a marketplace goes on telling an
address that refuses it.
"""

import uuid
from datetime import timedelta

from django.db.models import Q

from listings.models import CommandKind, CommandState, MarketplaceCommand
from listings.services.commands import command_write
from marketplaces.models import MarketplaceAccount
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.jobs import enqueue_on_commit

# An outage is over by then. Longer, and the keys of somebody who left would lie here for a courtesy.
WAITED_FOR = timedelta(days=1)


def webhook_back_ordered(account_id: uuid.UUID, began: str) -> bool:
    """Whether the webhook of a locked account is taken back, or is not waited for any more; ordered where it is not.

    `began`: a word for this time of giving the account up.
    """
    account = MarketplaceAccount.objects.get(pk=account_id)
    command = command_write(
        account=account, kind=CommandKind.UNSUBSCRIBE, payload={"webhook": account.webhook_id},
        key=f"unsubscribe:{account_id.hex}:{began}:{account.webhook_id}"[:120],
    )  # fmt: skip
    if command.finished_at is None and command.created_at + WAITED_FOR <= now():
        return _given_up(command)
    return command.finished_at is not None


def _given_up(command: MarketplaceCommand) -> bool:
    """Try it no more, unless a worker is at it; returns whether that is so."""
    waiting = MarketplaceCommand.objects.filter(pk=command.pk, state=CommandState.PENDING, fence=command.fence)
    if not waiting.update(state=CommandState.SUPERSEDED, finished_at=now(), updated_at=now()):
        return False
    unsubscribe_told(command, not_because=f"tried for a day: {command.last_error or 'nothing could be sent'}")
    return True


def unsubscribe_wanted(command: MarketplaceCommand) -> bool:
    """Whether the account is still being given up, with this webhook: one that is connected again has another one."""
    going = Q(closing_at__isnull=False, is_active=True) | ~Q(keys_of="")
    same = MarketplaceAccount.objects.filter(pk=command.account_id, webhook_id=command.payload["webhook"])
    return same.filter(going).exists()


def unsubscribe_told(command: MarketplaceCommand, not_because: str = "") -> None:
    """The audit says what became of the webhook, and the account goes when the transaction commits."""
    audit_record(
        actor=Actor.system(command.tenant_id), verb="account.unsubscribe", object_type="marketplace_account",
        object_id=command.account_id, subject=command.account.user_id, reason=not_because[:300],
        after={"webhook": command.payload["webhook"], "taken_back": not not_because},
    )  # fmt: skip
    enqueue_on_commit("marketplaces.tasks.drain_accounts")
