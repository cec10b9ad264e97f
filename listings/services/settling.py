"""Platforms index late: that what was sent a moment ago is not found yet says nothing of it."""

from datetime import datetime, timedelta

from django.db.models import Max

from listings.models import CommandKind, CommandState, Listing
from seatsync.core.clock import now

# What was published or changed this recently is not judged yet.
SETTLE = timedelta(seconds=30)
_CHANGES = (CommandKind.REPRICE, CommandKind.RESIZE, CommandKind.SUPPLY)


def create_settles_at(listing: Listing) -> datetime | None:
    """From when on it counts that a listing is not found, where that is to come: it may still arrive until then.

    One whose publication was never answered may arrive for as long from now. Asks nothing of one that was.
    """
    if listing.listing_id:
        return _to_come(listing.published_at)
    unanswered = listing.commands.filter(kind=CommandKind.CREATE, outcome_unknown=True, by_hand=False)
    return now() + SETTLE if unanswered.exists() else None


def changes_settle_at(listing: Listing) -> datetime | None:
    """As above, of a listing that a change of it does not find: what changed it last counts like its publication."""
    changed = listing.commands.filter(kind__in=_CHANGES, state=CommandState.DONE).aggregate(at=Max("finished_at"))
    return create_settles_at(listing) or _to_come(changed["at"])


def _to_come(sent_at: datetime | None) -> datetime | None:
    settles_at = None if sent_at is None else sent_at + SETTLE
    return settles_at if settles_at is not None and settles_at > now() else None
