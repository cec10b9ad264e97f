"""Locks of marketplace accounts and of consents under way."""

import uuid

from marketplaces.models import ConnectAttempt, MarketplaceAccount
from seatsync.core.actors import Actor
from seatsync.core.locks import Level, lock_announce, lock_waiting
from seatsync.core.querysets import OwnedQuerySet


def accounts_locked() -> OwnedQuerySet[MarketplaceAccount]:
    """A queryset whose rows are locked as they are read."""
    lock_announce(Level.ACCOUNTS)
    return MarketplaceAccount.objects.select_for_update(of=("self",), no_key=True)


def account_lock(account_id: uuid.UUID) -> MarketplaceAccount:
    """Lock one account and read it fresh. Raises Busy where another has it, who may wait for a marketplace's answer."""
    with lock_waiting("this account"):
        return accounts_locked().get(pk=account_id)


def account_lock_for(actor: Actor, account_id: uuid.UUID) -> MarketplaceAccount:
    """Lock one account that the actor sees. Raises NotFound, or Busy as `account_lock` does."""
    with lock_waiting("this account"):
        return accounts_locked().get_for(actor, account_id)


def account_unless_locked(account_id: uuid.UUID) -> MarketplaceAccount | None:
    """Lock the account's row; None where it is held by another, who may be waiting for a marketplace's answer."""
    lock_announce(Level.ACCOUNTS)
    free = MarketplaceAccount.objects.filter(pk=account_id).only("pk")
    return free.select_for_update(of=("self",), no_key=True, skip_locked=True).first()


def connect_attempt_lock(*, state: str, user_id: uuid.UUID, tenant_id: uuid.UUID) -> ConnectAttempt | None:
    """Lock the unused attempt of this user with this state; None where there is none."""
    lock_announce(Level.ACCOUNTS)
    unused = ConnectAttempt.objects.filter(state=state, user_id=user_id, tenant_id=tenant_id, used_at=None)
    return unused.select_for_update(of=("self",), no_key=True).first()
