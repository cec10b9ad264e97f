"""What is kept of a sweep over an account, for whoever looks at its health."""

from datetime import datetime

from listings.models import AccountSweep, Listing
from listings.services.reconcile import Drift
from marketplaces.models import MarketplaceAccount
from seatsync.core.clock import now
from seatsync.live.events import LiveType
from seatsync.live.publish import publish

KINDS = ("still_up", "vanished", "wrong_price", "wrong_size", "fewer", "foreign", "adopted")
# As many listings of a kind as are named; all are counted.
NAMED = 20


def sweep_keep(*, account: MarketplaceAccount, began: datetime, drift: Drift) -> AccountSweep:
    """Keep what the sweep that began then found, in the place of the one before, and when each listing was confirmed.

    That a listing was looked at changes nothing of it: it keeps its version and the time of its last change.
    """
    found = {kind: getattr(drift, kind) for kind in KINDS}
    sweep, _ = AccountSweep.objects.update_or_create(
        account=account,
        defaults={
            "tenant_id": account.tenant_id, "began_at": began, "finished_at": now(), "shown": drift.shown,
            "drift": {kind: {"count": len(ids), "ids": ids[:NAMED]} for kind, ids in found.items() if ids},
        },
    )  # fmt: skip
    Listing.objects.filter(pk__in=drift.confirmed).update(confirmed_at=began)
    publish(
        tenant_id=account.tenant_id, user_ids=[account.user_id], kind=LiveType.ACCOUNT_CHANGED, object_id=account.pk
    )
    return sweep
