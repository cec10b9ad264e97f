"""Several commands of one account by one file, where the file is the account (traits.whole_account).

A claimed publication or price takes along those that wait beside it: they are judged one by one, sent by one upload,
and each has its own claim, its own answer and its own record, as if it had gone alone.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from listings.locks import commands_claimable
from listings.models import CommandKind, CommandState, MarketplaceCommand
from listings.services.execute import (
    answer_of,
    create_unsent,
    draft_wanted,
    drafted_of,
    link_of,
    listing_of,
    reprice_unsent,
)
from listings.services.record import Answer, Outcome
from listings.services.refs import listing_ref
from listings.services.seat_tickets import barcodes_of
from listings.services.sendable import braked, create_held_back, reprice_held_back
from marketplaces.contracts import AccountChange, Draft, Link, MarketplaceAdapter, NewPrice, RemoteListing
from marketplaces.errors import MustWait, PermanentError, secrets_leave_out, secrets_left_out
from marketplaces.registry import adapter_get
from seatsync.core.clock import now
from seatsync.core.http import calls_within

# So many are judged and recorded well within their leases.
MOST_TOGETHER = 50
# What failed so often goes alone from then on: whatever is wrong with one must not be every other's failure too.
MOST_ATTEMPTS_TOGETHER = 3
# Of a command's payload: it goes alone, since a file with it among others was refused.
ALONE = "alone"
_KINDS = frozenset({CommandKind.CREATE, CommandKind.REPRICE})
Mark = Callable[[MarketplaceCommand, uuid.UUID | None], bool]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A command, what it wants of the file, and the question why that may not be sent now (None where it may)."""

    command: MarketplaceCommand
    change: AccountChange
    held_back: Callable[[], str | None]


def riders_claim(leading: MarketplaceCommand, mark: Mark) -> list[MarketplaceCommand]:
    """Claim what may go into the file of a command that is claimed, one of a listing; none where it goes alone.

    `mark` takes a command if it is still as it was read. While the leading one is in flight nobody else claims any of
    its account.
    """
    if not leading.whole_account or leading.kind not in _KINDS or not _sociable(leading):
        return []
    unborn = Q(kind=CommandKind.REPRICE) & Exists(
        MarketplaceCommand.objects.filter(
            listing=OuterRef("listing"), kind=CommandKind.CREATE, state=CommandState.PENDING
        )
    )
    waiting = MarketplaceCommand.objects.filter(
        ~unborn, account=leading.account_id, kind__in=_KINDS, state=CommandState.PENDING, not_before__lte=now(),
        attempts__lt=MOST_ATTEMPTS_TOGETHER, listing__isnull=False,
    ).exclude(listing=leading.listing_id)  # fmt: skip
    nearest = waiting.order_by("priority", "not_before", "pk").values("pk")[:MOST_TOGETHER]
    try:
        with transaction.atomic():
            rows = commands_claimable(MOST_TOGETHER, pk__in=nearest, state=CommandState.PENDING, not_before__lte=now())
            # One of a listing, the newest: an older price is none that is wanted any more.
            newest = {row.listing_id: row for row in rows if _sociable(row)}
            taken = [row for row in newest.values() if mark(row, leading.pk)]
    except IntegrityError:
        # A listing of theirs has something in flight after all.
        return []
    for row in taken:
        row.account = leading.account
    return taken


def _sociable(command: MarketplaceCommand) -> bool:
    """Whether it may go with others: what may be there already is read back first, and alone."""
    unread = command.kind == CommandKind.CREATE and command.outcome_unknown
    return not unread and command.attempts <= MOST_ATTEMPTS_TOGETHER and not command.payload.get(ALONE)


def execute_together(commands: Sequence[MarketplaceCommand]) -> list[tuple[MarketplaceCommand, Answer]]:
    """Do claimed commands of one account by one file; each with its answer, in their order.

    A refusal of the whole file is nobody's in particular: each is tried again, alone.
    """
    answers: dict[uuid.UUID, Answer] = {}
    account = commands[0].account
    try:
        adapter = adapter_get(account.platform)
        with calls_within(settings.HTTP_TOTAL_TIMEOUT_S):
            link = link_of(commands)
            try:
                _changed(adapter, link, commands, answers)
            finally:
                link.gate.settle()
    except Exception as error:
        for command in commands:
            answers.setdefault(command.pk, _failed(command, error))
    return [(command, answers[command.pk]) for command in commands]


def _changed(
    adapter: MarketplaceAdapter, link: Link, commands: Sequence[MarketplaceCommand], answers: dict[uuid.UUID, Answer]
) -> None:
    changes = _prepared(adapter, link, commands, answers)
    while changes:
        held: dict[uuid.UUID, str] = {}
        try:
            with secrets_left_out(code for one in changes for code in _secrets(one.change)):
                over = braked(link, partial(_held_back, changes, held))
                results = adapter.change_together(over, [one.change for one in changes])
        except MustWait:
            if not held:
                raise
            # The file goes without what a brake holds back that was set while the one before it was read.
            answers |= {pk: Answer(Outcome.HELD_BACK, error=reason) for pk, reason in held.items()}
            changes = [one for one in changes if one.command.pk not in held]
            continue
        for one, result in zip(changes, results, strict=True):
            answers[one.command.pk] = _answer(one.command, one.change, result)
        return


def _held_back(changes: Sequence[_Prepared], held: dict[uuid.UUID, str]) -> str | None:
    """Why a file with these may not be sent now; `held` is told which of them must wait, and why each."""
    for one in changes:
        if (reason := one.held_back()) is not None:
            held[one.command.pk] = reason
    return next(iter(held.values()), None)


def _prepared(
    adapter: MarketplaceAdapter, link: Link, commands: Sequence[MarketplaceCommand], answers: dict[uuid.UUID, Answer]
) -> list[_Prepared]:
    """What each wants of the file; those that may not be sent, or cannot, have their answer already."""
    changes: list[_Prepared] = []
    for command in commands:
        try:
            wanted = _wanted(adapter, link, command)
        except Exception as error:
            answers[command.pk] = answer_of(error, command)
            continue
        if isinstance(wanted, Answer):
            answers[command.pk] = wanted
        else:
            changes.append(wanted)
    return changes


def _wanted(adapter: MarketplaceAdapter, link: Link, command: MarketplaceCommand) -> _Prepared | Answer:
    if command.kind == CommandKind.CREATE:
        new = drafted_of(command)
        if (answer := create_unsent(new)) is not None:
            return answer
        draft = draft_wanted(adapter, link, new)
        return draft if isinstance(draft, Answer) else _Prepared(command, draft, partial(create_held_back, new))
    listing = listing_of(command)
    if (answer := reprice_unsent(adapter, link, command, listing)) is not None:
        return answer
    price = NewPrice(listing_ref(listing), listing.price, listing.currency)
    return _Prepared(command, price, partial(reprice_held_back, listing))


def _secrets(change: AccountChange) -> list[str]:
    return barcodes_of(change.tickets) if isinstance(change, Draft) else []


def _answer(command: MarketplaceCommand, change: AccountChange, result: RemoteListing | Exception) -> Answer:
    if isinstance(result, Exception):
        secrets_leave_out(result, _secrets(change))
        return answer_of(result, command)
    return Answer(Outcome.DONE, remote=result, sent_price=change.price)


def _failed(command: MarketplaceCommand, error: Exception) -> Answer:
    """What a failure of the file is for one of them."""
    if not isinstance(error, PermanentError):
        return answer_of(error, command)
    log.warning("outbox.file_refused", command_id=str(command.pk), error=str(error))
    alone = MarketplaceCommand.objects.filter(pk=command.pk, state=CommandState.IN_FLIGHT, fence=command.fence)
    alone.update(payload={**command.payload, ALONE: True})
    return Answer(Outcome.RETRY, error=f"the file with others was refused: {error}")
