"""The inbox: authenticate, store raw, answer; understanding comes later and once (I-21)."""

import uuid
from collections.abc import Mapping

import orjson
import structlog
from django.db import transaction
from django.db.models import F

from marketplaces.contracts import Notice, NoticeKind
from marketplaces.errors import BadSignature, MarketplaceError
from marketplaces.inbox import handler_for
from marketplaces.models import InboundEvent, InboxState, MarketplaceAccount
from marketplaces.registry import adapter_get
from seatsync.core.clock import now, seconds_from_now
from seatsync.core.crypto import sha256_hex
from seatsync.core.errors import NotFound
from seatsync.core.jobs import enqueue_on_commit

log = structlog.get_logger(__name__)
KEPT_HEADERS = ("content-type", "user-agent", "x-request-id", "date")
MOST_ATTEMPTS = 10


def inbox_receive(*, platform: str, account_id: uuid.UUID, headers: Mapping[str, str], body: bytes) -> int:
    """Store the items of one delivery and queue them; returns how many were new.

    Raises NotFound for an unknown account and BadSignature (nothing is stored) for one that proves nothing.
    """
    account = MarketplaceAccount.objects.filter(pk=account_id, platform=platform, is_active=True).first()
    if account is None:
        raise NotFound("No account with this id.")
    adapter = adapter_get(platform)
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        adapter.verify_webhook(lowered, body, account.webhook_secret)
    except BadSignature:
        MarketplaceAccount.objects.filter(pk=account.pk).update(rejected_webhooks=F("rejected_webhooks") + 1)
        raise
    notices = _parse(platform, lowered, body)
    with transaction.atomic():
        MarketplaceAccount.objects.filter(pk=account.pk).update(last_webhook_at=now())
        fresh = [event for notice in notices if (event := _store(account, notice, lowered)) is not None]
        for event in fresh:
            enqueue_on_commit("marketplaces.tasks.process_inbound", event_id=str(event.pk))
    return len(fresh)


def _parse(platform: str, headers: Mapping[str, str], body: bytes) -> list[Notice]:
    try:
        return adapter_get(platform).parse_webhook(headers, body)
    except (MarketplaceError, ValueError, KeyError, TypeError):
        # Authentic but not understood: kept raw, raised as an unknown topic.
        return [Notice(NoticeKind.UNKNOWN, topic="unreadable", action="", resource_id="", body=body)]


def dedupe_key(notice: Notice) -> str:
    """Their delivery id, else a hash of topic, resource, action and body."""
    if notice.delivery_id:
        return f"id:{notice.delivery_id}"[:120]
    return "sha256:" + sha256_hex(notice.topic, notice.resource_id, notice.action, notice.body)


def _store(account: MarketplaceAccount, notice: Notice, headers: Mapping[str, str]) -> InboundEvent | None:
    kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
    event, created = InboundEvent.objects.get_or_create(
        account=account,
        dedupe_key=dedupe_key(notice),
        defaults={
            "kind": notice.kind.value,
            "topic": notice.topic[:60],
            "action": notice.action[:60],
            "resource_id": notice.resource_id[:80],
            "external_id": notice.external_id[:40],
            "body": notice.body.decode(errors="replace"),
            "headers": orjson.dumps(kept).decode(),
            "received_at": now(),
        },
    )
    if created:
        return event
    InboundEvent.objects.filter(pk=event.pk).update(duplicates=F("duplicates") + 1)
    return None


def inbound_process(*, event_id: uuid.UUID) -> bool:
    """Hand one stored item to its handler; returns whether it was done now. A temporary failure is put back."""
    event = InboundEvent.objects.select_related("account").filter(pk=event_id, state=InboxState.RECEIVED).first()
    if event is None:
        return False
    try:
        handler_for(NoticeKind(event.kind))(event)
    except MarketplaceError as error:
        _put_back(event, str(error))
        return False
    except Exception as error:
        # Our own fault: kept and tried again like theirs, so that nothing received is lost and nothing else waits.
        log.exception("inbox.handler_failed", event_id=str(event.pk), kind=event.kind)
        _put_back(event, f"{type(error).__name__}: {error}")
        return False
    InboundEvent.objects.filter(pk=event.pk, state=InboxState.RECEIVED).update(
        state=InboxState.DONE, processed_at=now(), attempts=F("attempts") + 1
    )
    return True


def _put_back(event: InboundEvent, error: str) -> None:
    attempts = event.attempts + 1
    InboundEvent.objects.filter(pk=event.pk).update(
        attempts=attempts,
        last_error=error[:300],
        not_before=seconds_from_now(min(2**attempts, 60)),
        state=InboxState.RECEIVED if attempts < MOST_ATTEMPTS else InboxState.FAILED,
    )


def inbound_due(limit: int = 100) -> list[uuid.UUID]:
    """Items that wait: never tried for some seconds, or put back and due again."""
    waiting = InboundEvent.objects.filter(state=InboxState.RECEIVED, received_at__lt=seconds_from_now(-2))
    due = waiting.exclude(not_before__gt=now()).order_by("received_at")
    return list(due.values_list("pk", flat=True)[:limit])


def inbound_sweep() -> int:
    """Process every due item; returns how many were done."""
    return sum(inbound_process(event_id=event_id) for event_id in inbound_due())
