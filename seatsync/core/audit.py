"""The append-only audit: before and after under the subject's own key, hash-chained over the ciphertext (I-35)."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from cryptography.fernet import Fernet

from seatsync.core import crypto
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.models import AuditEntry, AuditLink, SubjectKey, nil_uuid

GENESIS = "0" * 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal | uuid.UUID):
        return str(value)
    raise TypeError(f"cannot audit a {type(value).__name__}")


def subject_cipher(subject: uuid.UUID) -> Fernet | None:
    """The subject's cipher, made on first use; None once its key was destroyed."""
    row, _ = SubjectKey.objects.get_or_create(
        subject=subject, defaults={"key_encrypted": crypto.encrypt(crypto.new_key())}
    )
    return Fernet(crypto.decrypt(row.key_encrypted)) if row.destroyed_at is None else None


def subject_ciphers(subjects: Iterable[uuid.UUID]) -> dict[uuid.UUID, Fernet]:
    """Several subjects' ciphers, read together; without those who have none, or whose key was destroyed."""
    rows = SubjectKey.objects.filter(subject__in=set(subjects), destroyed_at=None)
    return {row.subject: Fernet(crypto.decrypt(row.key_encrypted)) for row in rows}


def subject_key_destroy(*, subject: uuid.UUID) -> None:
    """Destroy the subject's data key: what was encrypted under it can no longer be read. The chain still verifies."""
    SubjectKey.objects.filter(subject=subject).update(key_encrypted="", destroyed_at=now())


def _hash(entry: AuditEntry, link: AuditLink) -> str:
    """What the database's own seatsync_audit_hash computes (core/migrations), written a second time."""
    return crypto.sha256_hex(
        link.previous_hash, entry.chain, str(link.seq), str((entry.at - _EPOCH) // timedelta(microseconds=1)),
        entry.actor_kind, entry.actor_id, str(entry.tenant or ""), str(entry.subject), entry.verb, entry.object_type,
        entry.object_id, entry.reason, entry.request_id, bytes(entry.payload_encrypted),
    )  # fmt: skip


def audit_record(
    *,
    actor: Actor,
    verb: str,
    object_type: str,
    object_id: uuid.UUID | str,
    subject: uuid.UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
    at: datetime | None = None,
) -> AuditEntry:
    """Append one entry inside the caller's transaction; `subject` is the person it concerns (default: the actor).

    The database links it into its tenant's chain when the transaction commits: an order that was fixed earlier would
    hold one transaction up until the other ends, and two that also want each other's rows for ever.
    """
    subject = subject or actor.user_id or nil_uuid()
    cipher = subject_cipher(subject)
    payload = orjson.dumps({"before": before, "after": after}, default=_plain)
    return AuditEntry.objects.create(
        chain=str(actor.tenant_id or "system"),
        at=at or now(),
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        tenant=actor.tenant_id,
        subject=subject,
        verb=verb,
        object_type=object_type,
        object_id=str(object_id),
        reason=reason[:300],
        request_id=actor.request_id,
        payload_encrypted=cipher.encrypt(payload) if cipher else b"",
    )


def audit_read(entry: AuditEntry) -> dict[str, Any] | None:
    """The entry's before and after; None where the subject's key was destroyed."""
    cipher = subject_cipher(entry.subject)
    if cipher is None or not entry.payload_encrypted:
        return None
    return dict(orjson.loads(cipher.decrypt(bytes(entry.payload_encrypted))))


@dataclass(frozen=True, slots=True)
class ChainResult:
    """What verifying one chain found: entries read, and the first bad sequence number (None: all good)."""

    chain: str
    entries: int
    broken_at: int | None


def audit_verify(chain: str) -> ChainResult:
    """Recompute every hash of the chain in order; stops at the first that does not fit or is missing.

    An entry without a place in the chain breaks it after the last one. Entries of the caller's own open transaction
    have none yet.
    """
    previous, expected_seq = GENESIS, 1
    for link in AuditLink.objects.filter(chain=chain).select_related("entry").order_by("seq").iterator():
        sound = (link.seq, link.previous_hash, link.entry.chain) == (expected_seq, previous, chain)
        if not sound or link.hash != _hash(link.entry, link):
            return ChainResult(chain, expected_seq - 1, expected_seq)
        previous, expected_seq = link.hash, expected_seq + 1
    unlinked = AuditEntry.objects.filter(chain=chain, link=None).exists()
    return ChainResult(chain, expected_seq - 1, expected_seq if unlinked else None)
