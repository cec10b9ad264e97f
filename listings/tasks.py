"""Jobs of listings: the outbox, its sweep, and polling for sales."""

import uuid
from functools import partial
from time import monotonic

from django.db.models import QuerySet

from listings.models import Listing, Sale
from listings.services import (
    by_hand,
    drain,
    due_alerts,
    expire,
    hand_pages,
    labels,
    outbox,
    payout_checks,
    payouts,
    reconcile,
    sync,
    wake,
)
from marketplaces.errors import MustWait
from marketplaces.models import MarketplaceAccount, Mode
from seatsync.core.jobs import enqueue_on_commit, job, job_begun, once_per_slot

# A marketplace that answers slowly must not keep what waits in the same queue for long.
DRAIN_S = 5.0
# One begins every fifteen seconds: no more than two are at it together.
POLL_S = 25.0


@job(time_limit_s=240)
def drain_commands(limit: int = 50) -> None:
    """Carry out due commands; when more are due than one job should hold, another job goes on."""
    job_begun(wake.DRAIN)
    began = monotonic()
    if outbox.commands_drain(limit=limit, for_s=DRAIN_S) == limit or monotonic() - began > DRAIN_S:
        wake.outbox_wake()


@job(time_limit_s=240)
def drain_urgent(limit: int = 10) -> None:
    """Carry out due commands that take something down, and no others; after `limit` a waiting notice has its turn."""
    job_begun(wake.DRAIN_URGENT)
    if outbox.commands_drain(limit=limit, urgent=True) == limit:
        wake.outbox_wake(urgent=True)


@job(time_limit_s=240)
def sweep_outbox() -> None:
    """Beat's safety net: a lost message costs seconds, not a double sale."""
    once_per_slot("listings.sweep_outbox", 5, lambda: outbox.commands_drain(limit=200, for_s=DRAIN_S))


def _read() -> QuerySet[MarketplaceAccount]:
    """Accounts over which something can be read: an assisted one is its holder's to look at."""
    return MarketplaceAccount.objects.filter(is_active=True).exclude(mode=Mode.ASSISTED)


@job(time_limit_s=120)
def poll_account_sales(account_id: str) -> None:
    """Read one account's sales now."""
    job_begun(wake.POLL_SALES, account_id=account_id)
    account = _read().filter(pk=uuid.UUID(account_id)).first()
    if account is not None:
        sync.account_poll(account)


@job(time_limit_s=60)
def read_sale(sale_id: str) -> None:
    """Read one sale anew, now."""
    sale = Sale.objects.select_related("account").filter(pk=uuid.UUID(sale_id), account__in=_read()).first()
    if sale is not None:
        again = partial(enqueue_on_commit, wake.READ_SALE, sale_id=sale_id)
        sync.account_contained(sale.account, "sales", lambda: int(sync.sale_read(sale=sale)), again=again)


@job(time_limit_s=60)
def fetch_label(sale_id: str) -> None:
    """Fetch the shipping label of a sale."""
    sale = Sale.objects.select_related("account").filter(pk=uuid.UUID(sale_id), account__in=_read()).first()
    if sale is not None:
        again = partial(enqueue_on_commit, labels.FETCH, sale_id=sale_id)
        sync.account_contained(sale.account, labels.LABEL, lambda: int(labels.label_fetch(sale)), again=again)


@job(time_limit_s=60)
def learn_hand_page(game_id: str, account_id: str) -> None:
    """Find a game's own page at a platform where its seats are listed by hand."""
    job_begun(hand_pages.LEARN, game_id=game_id, account_id=account_id)
    of_both = Listing.objects.filter(game_id=uuid.UUID(game_id), account_id=uuid.UUID(account_id))
    listing = of_both.select_related("account", "game").first()
    if listing is None:
        return
    try:
        hand_pages.hand_page_learn(listing)
    except MustWait as error:
        wait_s = error.retry_after_s or 0.0
        enqueue_on_commit(hand_pages.LEARN, countdown_s=wait_s, game_id=game_id, account_id=account_id)


@job(time_limit_s=240)
def poll_sales() -> None:
    """Read the sales of every account that is due, or of as many as leave room for what is told by notices."""
    once_per_slot("listings.poll_sales", sync.ROUND_S, partial(sync.accounts_sync_due, for_s=POLL_S))


@job(time_limit_s=240)
def expire_listings() -> None:
    """Take down what can no longer be delivered, and what is of people who are to be erased."""
    once_per_slot("listings.expire_listings", 60, lambda: expire.listings_expire() + drain.seats_of_erased_down())


@job(time_limit_s=240)
def let_down_erased() -> None:
    """Take down what others offer of the seats of people who are to be erased, now."""
    drain.seats_of_erased_down()


@job(time_limit_s=120)
def reconcile_accounts() -> None:
    """Order a sweep of every account; the outbox carries it out within each account's limits."""
    once_per_slot("listings.reconcile_accounts", reconcile.EVERY_S, reconcile.accounts_reconcile_due)


@job(time_limit_s=120)
def nag_by_hand() -> None:
    """Say again what a person must take down with his own hands, and has not."""
    once_per_slot("listings.nag_by_hand", 60, by_hand.tasks_nag)


@job(time_limit_s=120)
def remind_hand_overs() -> None:
    """Say which sales are to be handed over soon, or are late."""
    once_per_slot("listings.remind_hand_overs", 300, due_alerts.hand_overs_remind)


@job(time_limit_s=240)
def poll_payouts() -> None:
    """Order a reading of what each account was paid."""
    once_per_slot("listings.poll_payouts", 3600, payouts.accounts_order_payouts)


@job(time_limit_s=120)
def poll_account_payouts(account_id: str) -> None:
    """Read what one account was paid, now."""
    job_begun(wake.POLL_PAYOUTS, account_id=account_id)
    account = _read().filter(pk=uuid.UUID(account_id)).first()
    if account is not None:
        payouts.account_poll_payouts(account)


@job(time_limit_s=60)
def poll_account_next(account_id: str) -> None:
    """Read what one account will be paid next, now."""
    account = _read().filter(pk=uuid.UUID(account_id)).first()
    if account is not None:
        payouts.account_poll_next(account)


@job(time_limit_s=240)
def check_payouts() -> None:
    """Look whose money should have come by now, or came short."""
    once_per_slot("listings.check_payouts", 3600, payout_checks.payouts_check)
