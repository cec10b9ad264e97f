"""Single-use tickets that sign a socket in; they live 30 seconds in Valkey and never stand in a URL."""

import secrets
import uuid
from typing import cast

from seatsync.core.limiters import valkey

TICKET_LIFE_S = 30


def ticket_issue(user_id: uuid.UUID) -> str:
    """A new ticket of 256 random bits for this user."""
    ticket = secrets.token_urlsafe(32)
    valkey().set(f"live-ticket:{ticket}", str(user_id), ex=TICKET_LIFE_S)
    return ticket


def ticket_redeem(ticket: str) -> uuid.UUID | None:
    """Whose ticket this is, once; None for a used, old or made-up one."""
    if not ticket or len(ticket) > 100:
        return None
    raw = cast("bytes | None", valkey().getdel(f"live-ticket:{ticket}"))
    return uuid.UUID(raw.decode()) if raw else None
