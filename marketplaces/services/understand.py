"""Understanding what the inbox stored: each item goes to its kind's handler, once, and again after a failure (I-21)."""

import uuid
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from marketplaces.contracts import NoticeKind
from marketplaces.errors import GrantExpired, MarketplaceError, MustWait, told
from marketplaces.inbox import handler_for
from marketplaces.models import InboundEvent, InboxState, MarketplaceAccount
from marketplaces.services.alerts import account_changed, alert_inbound_failed, alert_inbound_recovered
from marketplaces.services.limits import SHORTEST_WAIT_S
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now, seconds_from_now
from seatsync.core.errors import Busy, Conflict
from seatsync.core.jobs import enqueue_on_commit

log = structlog.get_logger(__name__)
MOST_ATTEMPTS = 10
# Of what was given up, as many are queued by one request.
MOST_AT_ONCE = 500
RECONNECT_WAIT_S = 300.0
LONGEST_WAIT_S = 60
NO_END = "the worker died over it"


def inbound_process(*, event_id: uuid.UUID) -> bool:
    """Hand one stored item to its handler; returns whether it was done now. A failure is put back.

    That it is begun counts as an attempt before anything can go wrong: one that kills whoever works it off waits its
    turn like the others, and ends with a person.
    """
    event = InboundEvent.objects.select_related("account").filter(pk=event_id, state=InboxState.RECEIVED).first()
    if event is None or not _begin(event):
        return False
    try:
        handler_for(NoticeKind(event.kind))(event)
    except GrantExpired as error:
        # Only the holder can help, and was asked to; that is no failure of the item, which waits for it.
        _wait(event, f"{error}", seconds_from_now(RECONNECT_WAIT_S))
        return False
    except MustWait as error:
        # Nothing was asked, so nothing failed.
        wait_s = error.retry_after_s or SHORTEST_WAIT_S
        _wait(event, f"{error}", seconds_from_now(wait_s))
        enqueue_on_commit(
            "marketplaces.tasks.process_inbound", countdown_s=wait_s, one_waits=True, event_ids=[str(event.pk)]
        )  # fmt: skip
        return False
    except (MarketplaceError, Busy) as error:
        _put_back(event, str(error))
        return False
    except Exception as error:
        # Our own fault: kept and tried again like theirs, so that nothing received is lost and nothing else waits.
        log.exception("inbox.handler_failed", event_id=str(event.pk), kind=event.kind)
        _put_back(event, told(error))
        return False
    InboundEvent.objects.filter(pk=event.pk, state=InboxState.RECEIVED).update(
        state=InboxState.DONE, processed_at=now(), not_before=None, updated_at=now()
    )
    alert_inbound_recovered(event)
    account_changed(event.account)
    return True


def _begin(event: InboundEvent) -> bool:
    """Count one more attempt; returns whether there is one left. Nothing but deaths can have used all of them up."""
    if event.attempts >= MOST_ATTEMPTS:
        _put_back(event, NO_END)
        return False
    event.attempts += 1
    return _if_it_waits(event, attempts=event.attempts, not_before=_due_again(event))


def _due_again(event: InboundEvent) -> datetime:
    return seconds_from_now(min(2**event.attempts, LONGEST_WAIT_S))


def _wait(event: InboundEvent, error: str, until: datetime) -> None:
    if _if_it_waits(event, attempts=Greatest(F("attempts") - 1, 0), last_error=error[:300], not_before=until):
        account_changed(event.account)


@transaction.atomic
def _put_back(event: InboundEvent, error: str) -> None:
    event.last_error = error.replace("\x00", "")[:300]
    event.not_before = _due_again(event)
    if event.attempts >= MOST_ATTEMPTS:
        event.state = InboxState.FAILED
    kept = _if_it_waits(
        event, attempts=event.attempts, last_error=event.last_error, not_before=event.not_before, state=event.state
    )
    if kept:
        account_changed(event.account)
    if kept and event.state == InboxState.FAILED:
        alert_inbound_failed(event)


def _if_it_waits(event: InboundEvent, **changes: Any) -> bool:
    """Two workers may have the same item: what one has done or given up, the other does not put back."""
    waiting = InboundEvent.objects.filter(pk=event.pk, state=InboxState.RECEIVED)
    return bool(waiting.update(**changes, updated_at=now()))


def inbound_due(limit: int = 100) -> list[uuid.UUID]:
    """Items that wait: never tried for some seconds, or put back and due again.

    Those that were never tried come first, then whoever is due for longest: no account's backlog, which comes to the
    end of its limit again and again, is in the way of another account's items.
    """
    waiting = InboundEvent.objects.filter(state=InboxState.RECEIVED, received_at__lt=seconds_from_now(-2))
    due = waiting.exclude(not_before__gt=now()).order_by(F("not_before").asc(nulls_first=True), "received_at")
    return list(due.values_list("pk", flat=True)[:limit])


def inbound_wake(account_id: uuid.UUID) -> None:
    """What was received over the account and waits for its grant is due now."""
    waiting = InboundEvent.objects.filter(account_id=account_id, state=InboxState.RECEIVED)
    if waiting.update(not_before=None, updated_at=now()):
        enqueue_on_commit("marketplaces.tasks.sweep_inbound")


def inbound_sweep() -> int:
    """Process every due item; returns how many were done."""
    return sum(inbound_process(event_id=event_id) for event_id in inbound_due())


def inbound_retry(*, actor: Actor, event_id: uuid.UUID) -> InboundEvent:
    """Queue an item that was given up once more.

    Raises NotFound, or Conflict where it does not wait for a person, or its account was left.
    It has MOST_ATTEMPTS attempts again, and alerts again where they fail.
    """
    return _again(actor, event_id, frozenset({InboxState.FAILED}), "inbound.retry")


def inbound_replay(*, actor: Actor, event_id: uuid.UUID) -> InboundEvent:
    """Work an item off anew, whatever came of it.

    Raises NotFound, or Conflict where it is being worked off, or its account was left.
    What it tells of is read at the marketplace again, so that nothing happens twice.
    """
    over = frozenset({InboxState.FAILED, InboxState.DONE, InboxState.IGNORED})
    return _again(actor, event_id, over, "inbound.replay")


def inbound_retry_all(*, actor: Actor, account_id: uuid.UUID) -> int:
    """Queue everything that was given up over one account once more; returns how many. Raises NotFound."""
    account = MarketplaceAccount.objects.get_for(actor, account_id)
    failed = InboundEvent.objects.filter(account=account, state=InboxState.FAILED).order_by("received_at")
    queued = 0
    for event_id in failed.values_list("pk", flat=True)[:MOST_AT_ONCE]:
        try:
            inbound_retry(actor=actor, event_id=event_id)
        except Conflict:
            continue  # somebody else was faster
        queued += 1
    return queued


@transaction.atomic
def _again(actor: Actor, event_id: uuid.UUID, wanted: frozenset[InboxState], verb: str) -> InboundEvent:
    event = InboundEvent.objects.select_related("account").get_for(actor, event_id)
    if not event.account.is_active:
        # What it tells of could not be read there any more: seats would be held, and others taken down, for its word.
        raise Conflict(
            f"The {event.account} account is not connected, and nothing can be read over it.", field="account",
            remedy="Connect it again: its sales are read then.",
        )  # fmt: skip
    # One UPDATE decides between two people who ask at once.
    queued = InboundEvent.objects.filter(pk=event.pk, state__in=wanted).update(
        state=InboxState.RECEIVED, attempts=0, not_before=None, replays=F("replays") + 1, updated_at=now()
    )
    if not queued:
        raise Conflict(f"The item is {event.get_state_display()}.", remedy="Nothing needs to be done.")
    audit_record(actor=actor, verb=verb, object_type="inbound_event", object_id=event.pk, subject=event.account.user_id)
    enqueue_on_commit("marketplaces.tasks.process_inbound", event_ids=[str(event.pk)])
    account_changed(event.account)
    event.refresh_from_db()
    return event
