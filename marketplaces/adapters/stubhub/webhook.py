"""StubHub's deliveries: authenticated by the Authorization value that we registered, echoed back (no HMAC exists)."""

import hmac
from collections.abc import Mapping
from typing import Any

from marketplaces.contracts import Notice, NoticeKind
from marketplaces.errors import BadSignature
from marketplaces.wire import parse

TOPICS = ("sales", "provisional-sale", "cancel-provisional-sale", "sale-updates", "sellerlisting-updates", "ping")
_KINDS = {
    "Sales": NoticeKind.SALE,
    "ProvisionalSale": NoticeKind.PROVISIONAL_SALE,
    "CancelProvisionalSale": NoticeKind.PROVISIONAL_CANCELLED,
    "SaleUpdates": NoticeKind.SALE_UPDATE,
    "SellerListingUpdates": NoticeKind.LISTING_UPDATE,
    "Ping": NoticeKind.PING,
}


def verify(headers: Mapping[str, str], secret: str) -> None:
    """Compare in constant time; raises BadSignature."""
    given = headers.get("authorization", "")
    if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
        raise BadSignature("the Authorization header is not the one that was registered")


def notices(body: bytes) -> list[Notice]:
    """One delivery is one notice. A body that cannot be read is of kind unknown."""
    content = parse(body)
    if not isinstance(content, dict):
        return [Notice(NoticeKind.UNKNOWN, "unreadable", "", "", body=body)]
    embedded: dict[str, Any] = content.get("_embedded") or {}
    sale, listing = embedded.get("sale") or {}, embedded.get("seller_listing") or {}
    topic = str(content.get("topic") or "")
    kind = _KINDS.get(topic, NoticeKind.UNKNOWN)
    resource = sale.get("id") or listing.get("id") or ""
    if kind is NoticeKind.LISTING_UPDATE:
        resource = listing.get("id") or ""
    return [
        Notice(
            kind=kind,
            topic=topic,
            action=str(content.get("action") or ""),
            resource_id=str(resource),
            external_id=str(sale.get("external_listing_id") or listing.get("external_id") or ""),
            body=body,
        )
    ]
