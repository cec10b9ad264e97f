"""What is kept of a sweep over an account, for whoever looks at its health."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from listings.models import AccountSweep, Listing, SweepFinding
from listings.services.reconcile import Drift
from marketplaces.models import MarketplaceAccount
from marketplaces.services.alerts import account_changed
from seatsync.core.clock import now

KINDS = (
    "still_up", "vanished", "elsewhere", "wrong_price", "wrong_size", "fewer", "hidden", "foreign", "adopted",
)  # fmt: skip
# As many listings of a kind as are named; all are counted.
NAMED = 20


def sweep_found(account: MarketplaceAccount, kind: str, listing_id: str) -> None:
    """Keep what a sweep has found, with what it mends by it: broken off later, it finds it no more."""
    row = SweepFinding(tenant_id=account.tenant_id, account=account, kind=kind, remote_id=listing_id[:80])
    SweepFinding.objects.bulk_create([row], ignore_conflicts=True)


def sweep_meanwhile(account: MarketplaceAccount) -> dict[str, list[str]]:
    """What sweeps that were not through have found since one was, by kind, in the order in which it was."""
    found: dict[str, list[str]] = {}
    rows = SweepFinding.objects.filter(account=account).order_by("created_at", "pk")
    for kind, listing_id in rows.values_list("kind", "remote_id"):
        found.setdefault(kind, []).append(listing_id)
    return found


@transaction.atomic
def sweep_keep(*, account: MarketplaceAccount, began: datetime, drift: Drift) -> AccountSweep:
    """Keep what the sweep that began then found, in the place of the one before, and when each listing was confirmed.

    What it found before it was broken off, or one before it that never was through, is reported with it. That a listing
    was looked at changes nothing of it: it keeps its version and the time of its last change.
    """
    before = sweep_meanwhile(account)
    found = {kind: _once([*before.get(kind, ()), *getattr(drift, kind)]) for kind in KINDS}
    sweep, _ = AccountSweep.objects.update_or_create(
        account=account,
        defaults={
            "tenant_id": account.tenant_id, "mode": account.mode, "began_at": began, "finished_at": now(),
            "shown": drift.shown,
            "drift": {kind: {"count": len(ids), "ids": ids[:NAMED]} for kind, ids in found.items() if ids},
        },
    )  # fmt: skip
    SweepFinding.objects.filter(account=account).delete()
    Listing.objects.filter(pk__in=drift.confirmed).update(confirmed_at=began)
    account_changed(account)
    return sweep


def _once(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))
