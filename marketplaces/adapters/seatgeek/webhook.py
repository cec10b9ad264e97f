"""SeatGeek's webhooks: the account's own token comes as the bearer, items may come in batches."""

import hmac
from collections.abc import Mapping
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.contracts import Notice, NoticeKind
from marketplaces.errors import BadSignature

_KINDS = {
    "ping": NoticeKind.PING,
    "order.created": NoticeKind.SALE,
    "order.retransfer": NoticeKind.SALE_UPDATE,
    "order.fulfillment.error": NoticeKind.SALE_UPDATE,
    "order.broken": NoticeKind.SALE_UPDATE,
    "listing.event.inactive": NoticeKind.EVENT_UPDATE,
    "listing.visibility": NoticeKind.LISTING_UPDATE,
    "listing.normalization.status": NoticeKind.LISTING_UPDATE,
    "listing.normalization.status.changed": NoticeKind.LISTING_UPDATE,
}


def verify(headers: Mapping[str, str], secret: str) -> None:
    """Raises BadSignature unless the bearer is `secret` (at SeatGeek the account's API token)."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    known = bool(secret) and scheme.lower() == "bearer"
    if not hmac.compare_digest(given.strip().encode(), secret.encode()) or not known:
        raise BadSignature("the Authorization header does not carry the account's token")


def parse(body: bytes) -> list[Notice]:
    """One notice an item. Raises PermanentError where the body is not JSON."""
    content = _wire.parsed(body)
    topic = _wire.text_at(content, "metadata", "notification_type")
    delivery = _wire.text_at(content, "metadata", "notification_id")
    data = _wire.dig(content, "data")
    items = data if isinstance(data, list) and data else [data if isinstance(data, Mapping) else {}]
    raws = _wire.raw_items(body, "data") if len(items) > 1 else [body]
    return [
        _notice(topic, item, _item_id(delivery, index, len(items)), raw)
        for index, (item, raw) in enumerate(zip(items, raws, strict=True))
    ]


def _notice(topic: str, item: Any, delivery_id: str, body: bytes) -> Notice:
    kind = _KINDS.get(topic, NoticeKind.UNKNOWN)
    ours = _first(item, ("seller_listing_id",), ("listing", "seller_listing_id"), ("listing", "id"))
    about_order = topic.startswith("order.")
    resource = _first(item, ("order_id",), ("order", "id"), ("id",)) if about_order else ours
    return Notice(
        kind=kind,
        topic=topic,
        action=_first(item, ("status",), ("hidden_reason_code",)),
        resource_id=resource,
        external_id=ours or _first(item, ("order", "listing", "id")),
        delivery_id=delivery_id,
        body=body,
        listing_id=_first(
            item, ("sg_listing_id",), ("listing", "sg_listing_id"), ("order", "listing", "sg_listing_id")
        ),
    )


def _item_id(delivery: str, index: int, count: int) -> str:
    """A batch shares one id: without its place, all but the first item would pass for duplicates."""
    return f"{delivery}:{index}" if delivery and count > 1 else delivery


def _first(item: Any, *paths: tuple[str, ...]) -> str:
    return next((value for path in paths if (value := _wire.text_at(item, *path))), "")
