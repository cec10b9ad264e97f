"""Pull reconciliation: what a push stream lost, polling finds (I-22)."""

from datetime import datetime, timedelta

from django.db.models import Q

from listings.services.sale_saga import sale_apply
from marketplaces.contracts import Capability
from marketplaces.errors import GrantExpired, MarketplaceError
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get
from marketplaces.services.links import link_for
from seatsync.core.clock import now

# Clocks differ and platforms index late: every poll looks back this far, and applying twice is harmless.
OVERLAP = timedelta(minutes=5)


def account_sync_sales(*, account: MarketplaceAccount) -> int:
    """Read the account's sales changed since the last poll, apply each; returns how many. Raises MarketplaceError."""
    adapter = adapter_get(account.platform)
    if Capability.SALES_SINCE not in adapter.traits.capabilities:
        return 0
    started = now()
    since: datetime = (account.sales_synced_until or account.created_at) - OVERLAP
    applied = 0
    for remote in adapter.sales_since(link_for(account), since):
        sale_apply(account=account, remote=remote)
        applied += 1
    MarketplaceAccount.objects.filter(pk=account.pk).update(
        sales_synced_until=started, last_sync_at=now(), last_error=""
    )
    return applied


def accounts_due() -> list[MarketplaceAccount]:
    """Active accounts whose sales were not polled within their platform's interval."""
    active = MarketplaceAccount.objects.filter(Q(is_active=True, needs_reconnect=False) & ~Q(mode=Mode.ASSISTED))
    moment = now()
    due = []
    for account in active.order_by("last_sync_at"):
        interval = timedelta(seconds=adapter_get(account.platform).traits.poll_sales_every_s)
        if account.last_sync_at is None or account.last_sync_at + interval <= moment:
            due.append(account)
    return due


def accounts_sync_due() -> int:
    """Poll every due account; one account's trouble is kept on it and stops nobody else. Returns sales applied."""
    applied = 0
    for account in accounts_due():
        try:
            applied += account_sync_sales(account=account)
        except GrantExpired as error:
            MarketplaceAccount.objects.filter(pk=account.pk).update(last_error=str(error)[:300])
        except MarketplaceError as error:
            MarketplaceAccount.objects.filter(pk=account.pk).update(last_error=str(error)[:300], last_sync_at=now())
    return applied
