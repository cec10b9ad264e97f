"""StubHub's webhooks: the registered Authorization header is echoed, nothing is signed and nothing is dated."""

import hmac
from collections.abc import Mapping
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.contracts import Notice, NoticeKind
from marketplaces.errors import BadSignature

# The subscription's words; the payload says the same in PascalCase.
TOPICS = ("sales", "provisional-sale", "cancel-provisional-sale", "sale-updates", "sellerlisting-updates",
          "re-transfer-ticket", "ping")  # fmt: skip
_KINDS = {
    "sales": NoticeKind.SALE,
    "provisionalsale": NoticeKind.PROVISIONAL_SALE,
    "cancelprovisionalsale": NoticeKind.PROVISIONAL_CANCELLED,
    "saleupdates": NoticeKind.SALE_UPDATE,
    "retransferticket": NoticeKind.SALE_UPDATE,
    "sellerlistingupdates": NoticeKind.LISTING_UPDATE,
    "ping": NoticeKind.PING,
}
_ABOUT = {NoticeKind.LISTING_UPDATE: "seller_listing", NoticeKind.PING: "webhook"}


def verify(headers: Mapping[str, str], secret: str) -> None:
    """Raises BadSignature unless the Authorization header is the secret we registered."""
    given = headers.get("authorization", "")
    if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
        raise BadSignature("the Authorization header is not the one we registered")


def parse(headers: Mapping[str, str], body: bytes) -> list[Notice]:
    """The one item of a delivery. Raises PermanentError where the body is not JSON."""
    content = _wire.parsed(body)
    topic = _wire.text_at(content, "topic")
    kind = _KINDS.get("".join(filter(str.isalnum, topic)).lower(), NoticeKind.UNKNOWN)
    return [
        Notice(
            kind=kind,
            topic=topic,
            action=_wire.text_at(content, "action"),
            resource_id=_resource(content, kind),
            external_id=_wire.text_at(content, "_embedded", "seller_listing", "external_id"),
            delivery_id=_delivery(headers),
            body=body,
            # A listing made by hand there has no key of the seller's, and is known by this alone.
            listing_id=_wire.text_at(content, "_embedded", "seller_listing", "id"),
        )
    ]


def _resource(content: Any, kind: NoticeKind) -> str:
    about = _ABOUT.get(kind, "sale")
    return _wire.text_at(content, "_embedded", about, "id")


def _delivery(headers: Mapping[str, str]) -> str:
    """Their unique delivery id. The spec forgets its header's name, so only a name that can mean it is taken."""
    for name, value in sorted(headers.items()):
        if name.lower().replace("-", "").endswith(("delivery", "deliveryid")):
            return value
    return ""
