"""Pull reconciliation: what a push stream lost, polling finds (I-22)."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from math import inf
from time import monotonic

import structlog
from django.db import OperationalError
from django.db.models import F, Q

from listings.models import Sale, SaleState
from listings.selectors import sale_set_aside
from listings.services.doubled import sale_of_another
from listings.services.sale_alerts import alert_missing
from listings.services.sale_holds import sale_hold_release
from listings.services.sale_known import sales_new
from listings.services.sale_recheck import poll_since, sales_recheck
from listings.services.sale_saga import sale_apply
from listings.services.wake import POLL_SALES
from listings.states import SALE_LIVE
from marketplaces.contracts import Capability, Link, RemoteSale
from marketplaces.errors import GrantExpired, MustWait, TemporaryError, told
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, traits_of
from marketplaces.services.alerts import alert_reading, alert_reading_recovered
from marketplaces.services.links import over_link, trouble
from marketplaces.services.slow import answer_timed, slow_accounts
from seatsync.core.clock import now
from seatsync.core.errors import Busy
from seatsync.core.jobs import enqueue_on_commit

# Clocks differ and platforms index late: every poll looks back this far, and applying twice is harmless.
OVERLAP = timedelta(minutes=5)
# A marketplace that is away for a while needs nobody; one that stays away does.
PATIENCE = timedelta(minutes=15)
# Whoever looks which accounts are due looks so often (s).
ROUND_S = 15
# A sale is applied before the next hundred are read.
_AT_ONCE = 100
log = structlog.get_logger(__name__)


def account_sync_sales(*, account: MarketplaceAccount) -> int:
    """Read the account's sales changed since the last poll, apply each; returns how many. Raises MarketplaceError.

    A sale that cannot be read or applied stops no other; it is told, and the next poll begins where this one did.
    MustWait where the account's limit is used up: what was read is applied, and the next poll goes on from there.
    """
    adapter = adapter_get(account.platform)
    if Capability.SALES_SINCE not in adapter.traits.capabilities:
        return 0
    started = now()
    since: datetime = poll_since(account, (account.sales_synced_until or account.created_at) - OVERLAP)
    seen = set[str]()

    def read(link: Link) -> tuple[int, dict[str, Exception], list[str], datetime]:
        told = _apply_all(account, adapter.sales_since(link, since), seen)
        # Where it was broken off and goes on, what it was told first is as old as that.
        return *told, link.unread.told, min(started, link.answers.began) - link.clock.behind

    # No backlog of prices keeps a poll from what sold: that must come down elsewhere.
    applied, failed, unread, started = over_link(account, read, reading="sales", opens=True)
    if failed or unread:
        _note_failed(account, failed, unread)
    else:
        known = MarketplaceAccount.objects.filter(pk=account.pk)
        known.update(sales_synced_until=started, last_sync_at=now(), polled_at=now(), last_error="", last_error_at=None)
        if account.last_error:
            alert_reading_recovered(account, "sales")
    if not failed and adapter.traits.tells_changes_for is not None:
        sales_recheck(adapter=adapter, account=account, seen=seen, since=since)
    return applied


def sale_read(*, sale: Sale) -> bool:
    """Read one sale anew and apply it; returns whether it is there. Raises MarketplaceError.

    A promise that is not there is over; a sale that is not there needs a person.
    """
    adapter = adapter_get(sale.platform)
    remote = over_link(sale.account, lambda link: adapter.fetch_sale(link, sale.platform_sale_id))
    if remote is not None:
        sale = sale_apply(account=sale.account, remote=remote, fresh=True)
    elif sale.state == SaleState.PROVISIONAL:
        sale_hold_release(
            account=sale.account, platform_sale_id=sale.platform_sale_id, reason="its marketplace knows no such sale"
        )
    alert_missing(sale, missing=remote is None and sale.state in SALE_LIVE - {SaleState.PROVISIONAL})
    return remote is not None


def _apply_all(
    account: MarketplaceAccount, sales: Iterable[RemoteSale], seen: set[str]
) -> tuple[int, dict[str, Exception]]:
    """Apply each that is news; returns how many are as told, and what stopped the others by their sale id.

    The ids of all are added to `seen`.
    """
    applied, failed = 0, dict[str, Exception]()
    for page in sale_pages(sales):
        applied += len(page)
        seen.update(remote.sale_id for remote in page)
        for remote in sales_new(account, page):
            if _of_the_stock(account, remote) or sale_set_aside(account, remote) or sale_of_another(account, remote):
                continue
            try:
                sale_apply(account=account, remote=remote)
            except Exception as error:
                # Whatever is wrong with one sale is no reason to leave another seat on offer.
                log.exception("sync.sale_failed", account_id=str(account.pk), sale_id=remote.sale_id)
                failed[remote.sale_id] = error
    return applied - len(failed), failed


def _of_the_stock(account: MarketplaceAccount, remote: RemoteSale) -> bool:
    """Whether it is of before the account's listings were written down, and its stock is being taken: read with that.

    Its listing may be none of ours, which nobody was asked yet.
    """
    listed_at = account.stock_listed_at
    return account.stock_taken_at is None and listed_at is not None and remote.sold_at < listed_at


def sale_pages(sales: Iterable[RemoteSale]) -> Iterator[list[RemoteSale]]:
    """A hundred at a time; what was read before the reading broke off counts."""
    page: list[RemoteSale] = []
    try:
        for remote in sales:
            page.append(remote)
            if len(page) == _AT_ONCE:
                yield page
                page = []
    except Exception:
        if page:
            yield page
        raise
    if page:
        yield page


def _note_failed(account: MarketplaceAccount, failed: dict[str, Exception], unread: list[str]) -> None:
    words = [f"sale {sale_id}: {told(error)}" for sale_id, error in failed.items()]
    reason = "; ".join([*words, *(f"sale {what}" for what in unread)])
    MarketplaceAccount.objects.filter(pk=account.pk).update(**trouble(reason))
    # Who waits for a lock in vain comes again with the next poll; that needs nobody.
    if unread or not all(isinstance(error, OperationalError | Busy) for error in failed.values()):
        alert_reading(account, "sales", reason)


def accounts_due() -> list[MarketplaceAccount]:
    """Active accounts, of platforms that have an adapter, whose sales were not polled within their interval.

    Not before the account's listings were written down. Its past sales are read with the rest of its stock, which may
    take long: what sells meanwhile is asked for.
    """
    stocked = Q(stock_taken_at__isnull=False) | Q(stock_listed_at__isnull=False)
    standing = MarketplaceAccount.objects.filter(stocked, is_active=True, needs_reconnect=False)
    active = standing.exclude(mode=Mode.ASSISTED)
    moment = now()
    due = []
    for account in active.order_by(F("polled_at").asc(nulls_first=True)):
        traits = traits_of(account.platform)
        if traits is None:
            continue
        interval = timedelta(seconds=traits.poll_sales_every_s)
        if account.polled_at is None or account.polled_at + interval <= moment:
            due.append(account)
    return due


def accounts_sync_due(*, for_s: float = inf) -> int:
    """Poll every due account; one account's trouble is kept on it and stops nobody else. Returns sales applied.

    After `for_s` seconds none is begun any more: those that were polled longest ago came first, and after all others
    those whose marketplace is slow.
    """
    applied, ends_at, slow = 0, monotonic() + for_s, slow_accounts()
    for account in sorted(accounts_due(), key=lambda one: one.pk in slow):
        if monotonic() >= ends_at:
            break
        # Noted before, so that an account in trouble waits its turn like the others; and once, since a round that takes
        # longer than the time between two is met by the next one.
        as_read = MarketplaceAccount.objects.filter(pk=account.pk, polled_at=account.polled_at)
        if not as_read.update(polled_at=now()):
            continue
        with answer_timed(account):
            applied += account_contained(account, "sales", partial(account_sync_sales, account=account)) or 0
    return applied


def account_poll(account: MarketplaceAccount) -> int:
    """Read the account's sales now; its trouble is kept on it, and a poll that must wait comes again. Returns how many.

    It counts as polled from now on: no other poll is due meanwhile.
    """
    MarketplaceAccount.objects.filter(pk=account.pk).update(polled_at=now())
    return account_contained(account, "sales", partial(account_sync_sales, account=account)) or 0


def _due_again(account: MarketplaceAccount) -> Callable[..., None]:
    """Its sales are asked for again as soon as that may be; what the next round would find too late by a job."""

    def again(*, countdown_s: float) -> None:
        traits = traits_of(account.platform)
        if traits is not None:
            due = now() + timedelta(seconds=countdown_s - traits.poll_sales_every_s)
            MarketplaceAccount.objects.filter(pk=account.pk).update(polled_at=due)
        if countdown_s < ROUND_S:
            enqueue_on_commit(POLL_SALES, countdown_s=countdown_s, one_waits=True, account_id=str(account.pk))

    return again


def account_contained(
    account: MarketplaceAccount, what: str, work: Callable[[], int], *, again: Callable[..., None] | None = None
) -> int | None:
    """What `work` returns, or None where it raises: that is kept on the account, and told as trouble with `what`.

    What must wait for the account's limit is no trouble: `again` hears in how many seconds it may go on (countdown_s);
    where there is none, sales are due to be polled then.
    """
    try:
        return work()
    except GrantExpired:
        # Its holder was asked to connect it again; until then it is not due.
        return None
    except Busy:
        # Somebody else has what it was to write: nothing of the account is wrong, and the next round reads it.
        log.info("sync.busy", account_id=str(account.pk), what=what)
    except MustWait as error:
        log.info("sync.must_wait", account_id=str(account.pk), what=what)
        if again is None and what == "sales":
            again = _due_again(account)
        if again is not None:
            again(countdown_s=error.retry_after_s or 0.0)
    except TemporaryError as error:
        known = MarketplaceAccount.objects.filter(pk=account.pk)
        known.update(**trouble(str(error)))
        if (account.sales_synced_until or account.created_at) < now() - PATIENCE:
            alert_reading(account, what, str(error))
    except Exception as error:
        log.exception("sync.account_failed", account_id=str(account.pk), platform=account.platform, what=what)
        reason = told(error)
        MarketplaceAccount.objects.filter(pk=account.pk).update(**trouble(reason))
        alert_reading(account, what, reason)
    return None
