"""Locks of marketplace accounts and of consents under way."""

import uuid
from collections.abc import Iterable

from django.db import connection

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


def accounts_keep(account_ids: Iterable[uuid.UUID]) -> None:
    """Nobody gives these accounts up before this transaction ends, which offers something over them. Raises Busy.

    What is known of them is read after this. Their rows are not locked: renewing a grant holds up nobody who offers.
    """
    _given_up_lock(account_ids, "pg_advisory_xact_lock_shared")


def account_give_up_lock(account_id: uuid.UUID) -> None:
    """Wait for who offers something over a locked account just now (`accounts_keep`): from now on none does."""
    _given_up_lock([account_id], "pg_advisory_xact_lock")


def _given_up_lock(account_ids: Iterable[uuid.UUID], lock: str) -> None:
    lock_announce(Level.ACCOUNTS)
    with lock_waiting("this account"), connection.cursor() as cursor:
        for account_id in sorted(account_ids):
            cursor.execute(f"SELECT {lock}(hashtextextended(%s, 7))", [f"account:{account_id}"])


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
