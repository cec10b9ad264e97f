"""Idempotency-Key: same key and body, same answer; kept 24 h, written in the effect's own transaction (I-24).

The answer of a write that was refused is kept as well, once its effect was undone and while its key is still held.
"""

from datetime import timedelta

from django.db import connection

from seatsync.core.bounds import header_text
from seatsync.core.clock import now
from seatsync.core.crypto import sha256_hex
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.core.models import IdempotencyRecord

KEPT = timedelta(hours=24)
LONGEST_KEY = 200


def idempotency_begin(*, caller: str, key: str, method: str, path: str, body: bytes) -> IdempotencyRecord | None:
    """Look a write up before its effect; returns the stored answer, or None where it must be carried out.

    Raises Conflict while the same key is in flight, InvalidInput for another body under the same key. The caller has
    an open transaction, which holds the key until it ends.
    """
    header_text(key, name="Idempotency-Key", longest=LONGEST_KEY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 24))", [f"{caller}\n{key}"])
        if not cursor.fetchone()[0]:
            raise Conflict(
                "A request with this Idempotency-Key is being carried out.", field="Idempotency-Key",
                remedy="Send it again in a moment; you will get its answer.",
            )  # fmt: skip
    IdempotencyRecord.objects.filter(caller=caller, key=key, created_at__lt=now() - KEPT).delete()
    found = IdempotencyRecord.objects.filter(caller=caller, key=key).first()
    if found is not None and found.request_sha256 != sha256_hex(method, path, body):
        raise InvalidInput(
            "This Idempotency-Key was used for another request.", field="Idempotency-Key", remedy="Use a new key."
        )
    return found


def idempotency_keep(*, caller: str, key: str, method: str, path: str, body: bytes, status: int, answer: bytes) -> None:
    """Store the answer in the transaction that holds the key (idempotency_begin)."""
    IdempotencyRecord.objects.create(
        caller=caller, key=key, request_sha256=sha256_hex(method, path, body), status=status, body=answer
    )


def idempotency_purge() -> int:
    """Forget answers older than 24 h; returns how many."""
    return IdempotencyRecord.objects.filter(created_at__lt=now() - KEPT).delete()[0]
