"""Identifiers: time-ordered UUIDs for primary keys, hex keys for the outside."""

import secrets
import time
import uuid


def uuid7() -> uuid.UUID:
    """A version 7 UUID (RFC 9562 5.7): 48 bits of Unix milliseconds, then random bits; sorts by creation time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)


def external_key() -> str:
    """A new 32-character hex key for a marketplace publication (fits SeatGeek's 32-character limit)."""
    return uuid.uuid4().hex
