"""What OAuth2 platforms share: the token endpoint's answer as a grant."""

from datetime import UTC, datetime, timedelta
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.contracts import Grant, Link
from marketplaces.errors import UnknownOutcome


def grant_of(link: Link, body: Any) -> Grant:
    """A grant. Raises UnknownOutcome where the answer holds no token: what was traded for it may be spent."""
    access = _wire.text_at(body, "access_token")
    if not access:
        raise UnknownOutcome("the token answer holds no access_token")
    life_s = _wire.int_of(_wire.dig(body, "expires_in"))
    return Grant(
        access_token=access,
        refresh_token=_wire.text_at(body, "refresh_token"),
        expires_at=None if life_s is None else datetime.now(UTC) + timedelta(seconds=life_s),
        account_id=link.grant.account_id,
        scopes=tuple(_wire.text_at(body, "scope").split()),
    )
