"""Writing commands into the outbox, in the transaction that decided them."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand, Sale
from listings.selectors import FOR_HANDS
from listings.services.command_alerts import alerts_of_commands_settle
from listings.services.hand_alerts import alert_task
from listings.services.hand_pages import hand_page_order
from listings.services.wake import outbox_wake
from listings.states import HANDED_OVER, URGENT
from marketplaces.contracts import RemoteSaleState
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import traits_of
from seatsync.core.clock import now, seconds_until

# Before prices, and never before a delist.
SOON = frozenset({CommandKind.VERIFY_GONE, CommandKind.CONFIRM_SALE, CommandKind.FULFIL})


def command_write(
    *,
    listing: Listing | None = None,
    sale: Sale | None = None,
    account: MarketplaceAccount | None = None,
    kind: CommandKind,
    key: str,
    payload: dict[str, Any] | None = None,
    due_at: datetime | None = None,
) -> MarketplaceCommand:
    """Insert a command once (its key is unique) and wake a worker when the transaction commits, or at `due_at`.

    An assisted account has no worker: its holder is told what to do, and says when it is done (by_hand.py).
    """
    owner = listing or sale
    account = account or (owner.account if owner else None)
    if account is None:
        raise ValueError("a command concerns a listing, a sale or an account")
    # What the keys are kept for alone is no hand's work: no page there shows a webhook.
    by_hand = account.mode == Mode.ASSISTED and kind != CommandKind.UNSUBSCRIBE
    traits = traits_of(account.platform)
    wished = MarketplaceCommand(
        tenant_id=account.tenant_id,
        account=account,
        mode=owner.mode if owner else account.mode,
        listing=listing,
        sale=sale,
        kind=kind,
        idempotency_key=key,
        priority=0 if kind in URGENT else 3 if kind in SOON else 5,
        payload=payload or {},
        not_before=due_at or now(),
        whole_account=traits is not None and traits.whole_account and not by_hand,
        by_hand=by_hand,
        state=CommandState.NEEDS_PERSON if by_hand else CommandState.PENDING,
    )
    # The key decides between two that write it at once: whoever comes second waits for the first, and finds it.
    MarketplaceCommand.objects.bulk_create([wished], ignore_conflicts=True)
    command = MarketplaceCommand.objects.get(idempotency_key=key)
    created = command.pk == wished.pk
    if created:
        # With what was at hand.
        command.account, command.listing, command.sale = account, listing, sale
    if created and by_hand:
        alert_task(command)
        if listing is not None:
            hand_page_order(listing)
    elif created:
        outbox_wake(urgent=kind in URGENT, after_s=seconds_until(due_at))
    return command


def hand_delists_settle(listing: Listing, *, of_sale: bool = True) -> bool:
    """One task takes a listing down, whatever asks for it: the others, which no sale asks for, are asked no more.

    `of_sale`: one that a sale asks for is written now; it says more than any other. Returns whether any still waits.
    The caller holds the listing's lock.
    """
    waiting = listing.commands.filter(FOR_HANDS, kind=CommandKind.DELIST)
    bare = waiting.filter(sale=None).order_by("created_at", "pk")
    kept = [] if of_sale or waiting.exclude(sale=None).exists() else list(bare.values_list("pk", flat=True)[:1])
    doubled = list(bare.exclude(pk__in=kept).select_related("account"))
    alerts_of_commands_settle(doubled)
    over = {"state": CommandState.SUPERSEDED, "finished_at": now(), "updated_at": now()}
    waiting.filter(pk__in=[one.pk for one in doubled]).update(**over)
    return waiting.exists()


OF_SALES = frozenset({CommandKind.CONFIRM_SALE, CommandKind.FULFIL})
# Confirmed beyond doubt: a complaint may be of either.
CONFIRMED = frozenset({RemoteSaleState.AWAITING_FULFILMENT, RemoteSaleState.IN_DELIVERY, RemoteSaleState.COMPLETE})


def sale_commands_withdraw(sale: Sale, kinds: frozenset[CommandKind] = OF_SALES) -> None:
    """Ask nobody any more to confirm or hand over a sale (one that is over). The caller holds the sale's lock."""
    _withdraw(MarketplaceCommand.objects.filter(sale=sale, kind__in=kinds, state=CommandState.NEEDS_PERSON))


def sale_commands_settle(sale: Sale) -> None:
    """Ask nobody any more for what the marketplace of a locked sale has by now: done on its own site, as was advised.

    A task for its holder's hands is over when he says so.
    """
    over = [CommandKind.CONFIRM_SALE] if sale.remote_state in CONFIRMED else []
    over += [CommandKind.FULFIL] if sale.state in HANDED_OVER and sale.asked_again_at is None else []
    waiting = MarketplaceCommand.objects.filter(sale=sale, kind__in=over, state=CommandState.NEEDS_PERSON)
    if over:
        _withdraw(waiting.filter(by_hand=False))


def _withdraw(waiting: QuerySet[MarketplaceCommand]) -> None:
    found = list(waiting.select_related("account"))
    if found:
        alerts_of_commands_settle(found)
        waiting.update(state=CommandState.SUPERSEDED, finished_at=now(), updated_at=now())


def commands_supersede(listing: Listing, kinds: frozenset[CommandKind] | None = None) -> bool:
    """Withdraw what waits for this listing and was never sent (of these kinds; default create, reprice and resize).

    Returns whether a create was withdrawn that never reached the marketplace, so nothing can be there.
    """
    wanted = kinds or frozenset({CommandKind.CREATE, CommandKind.REPRICE, CommandKind.RESIZE})
    waiting = MarketplaceCommand.objects.filter(
        Q(listing=listing, kind__in=wanted, state__in=[CommandState.PENDING, CommandState.NEEDS_PERSON])
    )
    found = list(waiting.select_related("account"))
    if not found:
        # As usual: nothing of a listing waits for long.
        return False
    told = [one for one in found if one.by_hand or one.attempts or one.state == CommandState.NEEDS_PERSON]
    alerts_of_commands_settle(told)
    # One UPDATE each: a worker that claims a row meanwhile wins, and the row no longer matches.
    withdrawn = {"state": CommandState.SUPERSEDED, "finished_at": now()}
    # What a person was asked to list may be up there, said or not.
    unsent = waiting.filter(kind=CommandKind.CREATE, attempts=0, outcome_unknown=False, by_hand=False)
    never_sent = unsent.update(**withdrawn)
    waiting.update(**withdrawn)
    return never_sent > 0
