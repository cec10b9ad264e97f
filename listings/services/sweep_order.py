"""Ordering the sweep over a whole account: at once, and once more when what was met there has settled."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand
from listings.services.commands import command_write
from listings.services.settling import SETTLE
from marketplaces.contracts import Capability
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import platform_can
from seatsync.core.clock import now

# In the keys of sweeps that were ordered because a listing was met by its sale.
MET = ":met:"
# One that looks at what has settled comes so much later, and serves whatever is met until then.
_MARGIN = timedelta(seconds=5)
_SETTLED = f"{MET}settled:"


@transaction.atomic
def sweep_order(account: MarketplaceAccount, key: str) -> bool:
    """Write a sweep's command, where its platform can be swept and none waits; returns whether it was written."""
    later = Q(state=CommandState.PENDING, idempotency_key__contains=_SETTLED, not_before__gt=now())
    if not platform_can(account.platform, Capability.LIST_ALL) or _waiting(account).exclude(later).exists():
        return False
    command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{account.pk}:{key}")
    return True


@transaction.atomic
def sweep_order_met(account: MarketplaceAccount, listing: Listing) -> None:
    """A listing was met by its sale, and may show more seats than those: it is looked at now, and when it has settled.

    The first sweep finds the rest that is shown; the other one what is indexed late, and what is judged only then.
    Before an account's stock was taken, a sweep is ahead anyway.
    """
    if account.mode == Mode.ASSISTED or account.stock_taken_at is None:
        return
    sweep_order(account, f"{MET[1:]}{listing.pk}")
    coming = _waiting(account).filter(state=CommandState.PENDING, not_before__gte=now() + SETTLE)
    if not platform_can(account.platform, Capability.LIST_ALL) or coming.exists():
        return
    command_write(
        account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{account.pk}{_SETTLED}{listing.pk}",
        due_at=now() + SETTLE + _MARGIN,
    )  # fmt: skip


def _waiting(account: MarketplaceAccount) -> QuerySet[MarketplaceCommand]:
    return MarketplaceCommand.objects.filter(
        account=account, kind=CommandKind.SYNC_ACCOUNT, state__in=[CommandState.PENDING, CommandState.IN_FLIGHT]
    )
