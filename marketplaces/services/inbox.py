"""The inbox's door: authenticate, store raw, answer (I-21). What was stored is understood later, in understand.py.

The number of queries does not depend on how many items a delivery has, and no row that somebody else may hold is
waited for: the answer is due within 50 ms.
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import orjson
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from marketplaces.contracts import Notice, NoticeKind
from marketplaces.errors import BadSignature
from marketplaces.locks import account_unless_locked
from marketplaces.mails import LARGEST, as_mail, notices_of, senders_of
from marketplaces.models import InboundDelivery, InboundEvent, MarketplaceAccount, Mode
from marketplaces.proofs import secret_given
from marketplaces.registry import adapter_get, platform_name, platforms_at
from marketplaces.services.alerts import alert_mail_too_large
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.crypto import sha256_hex
from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.core.jobs import enqueue_on_commit
from seatsync.core.left_out import left_out
from seatsync.core.subjects import subject_seal

log = structlog.get_logger(__name__)
# What proves who sent a delivery is not part of what they said.
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
LONGEST_KEY = 120


class TooLargeError(Exception):
    """A delivery of more than `most` bytes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} bytes")
        self.most = most


def inbox_receive(
    *, platform: str, account_id: uuid.UUID, headers: Mapping[str, str], body: bytes, size: int | None = None
) -> int:  # fmt: skip
    """Store the items of one delivery and queue them; returns how many were new.

    `size`: how many bytes it has, where the body was too large to be read. Raises NotFound for an unknown account,
    BadSignature (nothing is stored) for one that proves nothing, and TooLargeError, also nothing: whose mail that is
    is told of it, since it may be a sale's.
    """
    account = MarketplaceAccount.objects.filter(pk=account_id, platform=platform, is_active=True).first()
    if account is None:
        raise NotFound("No account with this id.")
    lowered = {name.lower(): value for name, value in headers.items()}
    size = len(body) if size is None else size
    by_mail = account.mode == Mode.ASSISTED
    if not by_mail and size > settings.WEBHOOK_LARGEST_BODY:
        raise TooLargeError(settings.WEBHOOK_LARGEST_BODY)
    try:
        _verify(account, lowered, body)
    except BadSignature:
        _note(account, rejected=True)
        raise
    if size > LARGEST:
        alert_mail_too_large(account, size, LARGEST)
        raise TooLargeError(LARGEST)
    notices = _parse(account, lowered, body)
    return _take(account, notices, lowered, body)


def mail_receive(*, actor: Actor, account_id: uuid.UUID, mail: bytes) -> int:
    """Store a marketplace's mail that its holder forwards by hand; returns whether it was new, as 1 or 0.

    Raises NotFound, Conflict for an account that tells its sales by itself, or InvalidInput for no mail.
    """
    account = MarketplaceAccount.objects.get_for(actor, account_id)
    if account.mode != Mode.ASSISTED or not account.is_active:
        raise Conflict("This account tells its sales by itself.", field="account", remedy="Nothing needs to be said.")
    if not mail.strip():
        raise InvalidInput("There is no mail.", field="mail", remedy="Paste it with its subject, or forward it.")
    if len(mail) > LARGEST:
        raise InvalidInput(
            f"The mail is larger than {LARGEST:,} bytes.", field="mail", remedy="Paste its subject and its text alone."
        )
    whole = as_mail(mail)
    if writer := written_by_another(account.platform, whole):
        name = platform_name(account.platform)
        raise InvalidInput(
            f"This mail is from {writer}, and the account is at {name}.", field="mail",
            remedy=f"Forward it where you sell on {writer}; an account there that is connected tells its sales itself.",
        )  # fmt: skip
    return _take(account, notices_of(whole), {}, whole)


def written_by_another(platform: str, mail: bytes) -> str:
    """The marketplace that wrote a mail, by what the mail says, where it is another one than this; empty else."""
    writers = platforms_at(senders_of(mail))
    return platform_name(writers[0]) if writers and platform not in writers else ""


def _verify(account: MarketplaceAccount, headers: Mapping[str, str], body: bytes) -> None:
    """Raises BadSignature. To an assisted account its holder's mails are forwarded, with the account's own secret."""
    if account.mode != Mode.ASSISTED:
        adapter_get(account.platform).verify_webhook(headers, body, account.webhook_secret)
    elif not secret_given(headers, account.webhook_secret):
        raise BadSignature("the Authorization header does not carry the account's secret")


def _take(account: MarketplaceAccount, notices: list[Notice], headers: Mapping[str, str], body: bytes) -> int:
    with transaction.atomic():
        fresh = _store(account, [_storable(notice) for notice in notices], _kept(account, headers), body, now())
        if fresh:
            enqueue_on_commit("marketplaces.tasks.process_inbound", event_ids=[str(pk) for pk in fresh])
    _note(account, rejected=False)
    return len(fresh)


@transaction.atomic
def _note(account: MarketplaceAccount, *, rejected: bool) -> None:
    """Count a delivery on the account, unless somebody is at work on it: the figures are only shown."""
    row = account_unless_locked(account.pk)
    if row is None:
        return
    changes = {"rejected_webhooks": F("rejected_webhooks") + 1} if rejected else {"last_webhook_at": now()}
    MarketplaceAccount.objects.filter(pk=row.pk).update(**changes)


def _parse(account: MarketplaceAccount, headers: Mapping[str, str], body: bytes) -> list[Notice]:
    platform = account.platform
    try:
        by_mail = account.mode == Mode.ASSISTED
        notices = notices_of(body) if by_mail else adapter_get(platform).parse_webhook(headers, body)
    except Exception as error:
        # Whatever it is that was sent and proves its sender, it is kept before it is understood.
        secrets = (*account.access_token.splitlines(), *account.refresh_token.splitlines(), account.webhook_secret)
        said = left_out(f"{type(error).__name__}: {error}", secrets, short_as_words=True)
        log.warning("inbox.unreadable", platform=platform, error=said)
        notices = []
    unreadable = Notice(NoticeKind.UNKNOWN, topic="unreadable", action="", resource_id="", body=body)
    return notices or [unreadable]


def _storable(notice: Notice) -> Notice:
    """Words that a text column takes; the bytes stay as they came."""

    def text(value: str) -> str:
        return value.encode(errors="replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")

    return replace(
        notice, topic=text(notice.topic), action=text(notice.action), resource_id=text(notice.resource_id),
        external_id=text(notice.external_id), delivery_id=text(notice.delivery_id), listing_id=text(notice.listing_id),
    )  # fmt: skip


def _kept(account: MarketplaceAccount, headers: Mapping[str, str]) -> bytes:
    """Every header but those that carry a secret, as JSON."""
    secret = SECRET_HEADERS | {adapter_get(account.platform).traits.webhook_proof_header}
    return orjson.dumps(
        {name: value.encode(errors="replace").decode() for name, value in headers.items() if name not in secret}
    )


def dedupe_key(notice: Notice) -> str:
    """Their delivery id, else a hash of topic, resource, action and body."""
    if not notice.delivery_id:
        return "sha256:" + sha256_hex(notice.topic, notice.resource_id, notice.action, notice.body)
    key = f"id:{notice.delivery_id}"
    return key if len(key) <= LONGEST_KEY else "id-sha256:" + sha256_hex(notice.delivery_id)


def _store(
    account: MarketplaceAccount, notices: list[Notice], headers: bytes, body: bytes, at: datetime
) -> list[uuid.UUID]:
    """Insert what is new, count what came before; returns the new rows' keys in the order of the delivery."""
    by_key: dict[str, Notice] = {}
    for notice in notices:
        by_key.setdefault(dedupe_key(notice), notice)
    known = InboundEvent.objects.filter(account=account, dedupe_key__in=by_key)
    again = known.update(duplicates=F("duplicates") + 1)
    if again == len(by_key):
        return []
    sealed_headers, sealed_body, *sealed = subject_seal(
        account.user_id, headers, body, *(notice.body for notice in by_key.values())
    )
    delivery = None
    if any(notice.body != body for notice in by_key.values()):
        delivery = InboundDelivery.objects.create(
            tenant_id=account.tenant_id, account=account, body_encrypted=sealed_body, received_at=at
        )
    rows = [
        InboundEvent(
            tenant_id=account.tenant_id, account=account, delivery=delivery, dedupe_key=key, kind=notice.kind.value,
            topic=notice.topic[:60], action=notice.action[:60], resource_id=notice.resource_id[:80],
            external_id=notice.external_id[:80], listing_id=notice.listing_id[:80], body_encrypted=item,
            headers_encrypted=sealed_headers, received_at=at,
        )
        for (key, notice), item in zip(by_key.items(), sealed, strict=True)
    ]  # fmt: skip
    # The same delivery at the same time elsewhere: whoever comes second finds the rows there and adds none.
    InboundEvent.objects.bulk_create(rows, ignore_conflicts=True)
    there = set(InboundEvent.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
    return [row.pk for row in rows if row.pk in there]
