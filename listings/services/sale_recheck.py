"""Sales that end without a word: where a platform does not tell that it took one back, each live one is read again.

So is one that was made so long ago that its platform tells of it no more where sales are asked for by time.

Beside each poll, so many at most, by their ids. What a read tells takes its course (sale_apply). One that is there no
more, neither by its id nor under any status, waits for a person: nobody but its marketplace knows what became of it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from listings.locks import listings_lock, sale_lock
from listings.models import Sale, SaleState
from listings.services.notify import sale_changed
from listings.services.sale_alerts import alert_unclear, alerts_settle
from listings.services.sale_known import sales_new
from listings.services.sale_saga import sale_apply
from listings.services.sale_scene import sale_audit, sale_facts
from listings.states import SALE_LIVE
from marketplaces.contracts import Link, MarketplaceAdapter, RemoteSale
from marketplaces.errors import PermanentError, TemporaryError
from marketplaces.models import MarketplaceAccount
from marketplaces.services.links import over_link
from portfolios.models import GameStatus
from seatsync.core.actors import Actor
from seatsync.core.clock import now

# Of one poll.
MOST_READ = 10
# What waits for its seller changes soonest; what was handed over may still be taken back until long after the game.
EVERY, EVERY_HANDED_OVER = timedelta(minutes=15), timedelta(hours=6)
UNTIL_AFTER_GAME = timedelta(days=30)
# Platforms index late and answer oddly: one that is missed is looked for once more before anybody is told.
MISSED_FOR = timedelta(minutes=2)
# What a poll shows counts as read, and is noted so often at most.
SHOWN_NOTED = timedelta(minutes=5)
# How much earlier than the sale itself a poll looks that is to find it under any status.
BEFORE_SALE = timedelta(days=1)
GONE = "its marketplace shows it no more, neither by its number nor under any status"
log = structlog.get_logger(__name__)


def poll_since(account: MarketplaceAccount, since: datetime) -> datetime:
    """From when on the account's next poll must ask, so that it shows what is read by its id a second time."""
    missed = _live(account).filter(missed_at__lt=now() - MISSED_FOR, missing=False).order_by("sold_at")
    first = missed.values_list("sold_at", flat=True).first()
    return since if first is None else min(since, first - BEFORE_SALE)


def sales_recheck(
    *, adapter: MarketplaceAdapter, account: MarketplaceAccount, seen: Collection[str], since: datetime
) -> int:
    """Read live sales that the poll from `since` on did not show, by their ids; returns how many were read.

    `seen`: the ids of those that it did show. Raises GrantExpired. No transaction may be open.
    """
    shown = Sale.objects.filter(account=account, platform_sale_id__in=seen)
    shown.filter(missed_at__isnull=False, missing=False).update(missed_at=None, updated_at=now())
    shown.filter(read_back_at__lt=now() - SHOWN_NOTED).update(read_back_at=now())
    read = 0
    told_for = adapter.traits.tells_changes_for
    for sale in _due(account, told_for).exclude(platform_sale_id__in=seen)[:MOST_READ]:
        try:
            remote = over_link(account, partial(_read, adapter, sale.platform_sale_id))
        except TemporaryError as error:
            log.info("recheck.not_read", account_id=str(account.pk), error=str(error))
            break
        except PermanentError as error:
            # One that cannot be read keeps no other from being read.
            log.warning("recheck.refused", sale_id=str(sale.pk), error=str(error))
            Sale.objects.filter(pk=sale.pk).update(read_back_at=now())
            continue
        read += 1
        if remote is None:
            _missed(sale, since)
            continue
        Sale.objects.filter(pk=sale.pk).update(read_back_at=now(), missed_at=None)
        if sales_new(account, [remote]):
            sale_apply(account=account, remote=remote)
    return read


def _read(adapter: MarketplaceAdapter, sale_id: str, link: Link) -> RemoteSale | None:
    return adapter.fetch_sale(link, sale_id)


def _live(account: MarketplaceAccount) -> QuerySet[Sale]:
    return Sale.objects.filter(account=account, state__in=SALE_LIVE)


def _due(account: MarketplaceAccount, told_for: timedelta | None) -> QuerySet[Sale]:
    """Those that were not read for a while, of sales made longer ago than `told_for`."""
    moment = now()
    made = Q(sold_at__lt=moment - told_for) if told_for else Q()
    handed_over = Q(state__in=[SaleState.FULFILLED, SaleState.COMPLETE])
    waited = (
        Q(read_back_at=None)
        | ~handed_over & Q(read_back_at__lt=moment - EVERY)
        | Q(read_back_at__lt=moment - EVERY_HANDED_OVER)
        | Q(missed_at__lt=moment - MISSED_FOR)
    )
    to_come = Q(game__starts_at__gt=moment - UNTIL_AFTER_GAME) | Q(game__status=GameStatus.POSTPONED)
    recent = Q(game=None) | to_come
    # Those that were missed first: whether they are gone is the question.
    return _live(account).filter(waited, recent, made, missing=False).order_by(
        F("missed_at").asc(nulls_last=True), F("read_back_at").asc(nulls_first=True)
    )  # fmt: skip


def _missed(sale: Sale, since: datetime) -> None:
    """It is not there by its id; the second time, and where the poll would have shown it, a person is asked."""
    if sale.missed_at is None:
        Sale.objects.filter(pk=sale.pk, missed_at=None).update(missed_at=now(), read_back_at=now())
    elif sale.missed_at <= now() - MISSED_FOR and since <= sale.sold_at - BEFORE_SALE:
        sale_missing(sale=sale)


@transaction.atomic
def sale_missing(*, sale: Sale) -> Sale:
    """A sale that was live is told no more: its seats stay with it, and a person says what became of it."""
    if sale.listing_id is not None:
        listings_lock([sale.listing_id])
    known = sale_lock(sale.pk)
    if known.state not in SALE_LIVE or known.missing or known.missed_at is None:
        return known
    before = sale_facts(known)
    known.state, known.state_reason, known.missing, known.read_back_at = SaleState.NEEDS_PERSON, GONE, True, now()
    known.version += 1
    known.save()
    alerts_settle(known)
    alert_unclear(known, GONE)
    sale_changed(known)
    actor = Actor.marketplace(known.tenant_id, known.account_id)
    sale_audit(actor, known, "sale.missing", before=before, reason=GONE)
    return known
