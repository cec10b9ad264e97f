"""SeatGeek Seller Direct's calls."""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from marketplaces.adapters.seatgeek import mapping
from marketplaces.contracts import (
    AppCredentials,
    Capability,
    Constraints,
    Draft,
    EventQuery,
    Fulfilment,
    Grant,
    Link,
    ListingRef,
    MarketPoint,
    Notice,
    NoticeKind,
    Preview,
    RemoteEvent,
    RemoteListing,
    RemotePayment,
    RemoteSale,
    Traits,
)  # fmt: skip
from marketplaces.errors import AlreadyGone, BadSignature, NotSupported, PermanentError, TemporaryError
from marketplaces.wire import Reply, amount, moment, number, parse, send

PAGE_SIZE = 200
# After an order a listing refuses re-creation and growth for five minutes.
CONFLICT_WAIT_S = 300.0
_KINDS = {
    "order.created": NoticeKind.SALE,
    "order.retransfer": NoticeKind.SALE_UPDATE,
    "order.fulfillment.error": NoticeKind.SALE_UPDATE,
    "order.broken": NoticeKind.SALE_UPDATE,
    "listing.event.inactive": NoticeKind.LISTING_UPDATE,
    "listing.visibility": NoticeKind.LISTING_UPDATE,
    "listing.normalization.status": NoticeKind.LISTING_UPDATE,
    "listing.normalization.status.changed": NoticeKind.LISTING_UPDATE,
    "ping": NoticeKind.PING,
}


class SeatGeek:
    """The adapter. No event search, no preview, no constraints and no webhook registration exist on the sell side."""

    live_base_url = "https://sellerdirect-api.seatgeek.com"
    traits = Traits(
        key="seatgeek",
        name="SeatGeek",
        auth="token",
        contract="reconstructed",
        capabilities=frozenset(
            {
                Capability.REPRICE, Capability.RESIZE, Capability.FETCH, Capability.LIST_ALL, Capability.SALES_SINCE,
                Capability.CONFIRM, Capability.REJECT, Capability.FULFIL, Capability.PAYMENTS, Capability.WEBHOOK,
            }
        ),
        seller_allocates=True,
    )  # fmt: skip

    # Sign-in.
    def authorize_url(
        self, *, base_url: str, app: AppCredentials, state: str, redirect_uri: str, code_challenge: str
    ) -> str:
        """There is no consent page."""
        raise NotSupported("SeatGeek connects by token")

    def connect(self, link: Link, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Try the token on the smallest read; raises GrantExpired where it is not good."""
        self._get(link, "/listings", {"per_page": "1"})
        return replace(link.grant, scopes=("seller",))

    def refresh(self, link: Link) -> Grant:
        """Tokens do not end."""
        return link.grant

    # Requests.
    def _headers(self, link: Link) -> dict[str, str]:
        return {"Authorization": f"Bearer {link.grant.access_token}"}

    def _get(self, link: Link, path: str, params: Mapping[str, str] | None = None) -> Reply:
        url = f"{link.base_url}{path}"
        return send(link.http, "GET", url, headers=self._headers(link), params=params, changes=False)

    def _change(
        self, link: Link, method: str, path: str, body: Any = None, form: Mapping[str, str] | None = None
    ) -> Reply:
        url = f"{link.base_url}{path}"
        try:
            return send(link.http, method, url, headers=self._headers(link), json_body=body, form=form, changes=True)
        except PermanentError as error:
            if error.status == 409:
                raise TemporaryError(str(error), status=409, retry_after_s=CONFLICT_WAIT_S) from error
            raise

    # What is not there.
    def search_events(self, link: Link, query: EventQuery) -> list[RemoteEvent]:
        """Not on the sell side."""
        raise NotSupported("SeatGeek's seller API has no event search")

    def constraints(self, link: Link, draft: Draft) -> Constraints:
        """Not documented."""
        raise NotSupported("SeatGeek's seller API states no constraints")

    def preview(self, link: Link, draft: Draft) -> Preview:
        """Not documented; the dated fee row is what we have."""
        raise NotSupported("SeatGeek's seller API has no preview")

    def register_webhook(self, link: Link, *, url: str, secret: str) -> str:
        """SeatGeek's support registers the address."""
        raise NotSupported("SeatGeek registers webhooks through its support")

    def market_view(self, link: Link, event_id: str) -> Iterator[MarketPoint]:
        """Not on the sell side."""
        raise NotSupported("SeatGeek's seller API has no market view")

    # Listings.
    def create(self, link: Link, draft: Draft) -> RemoteListing:
        """Create or replace; the same call twice is harmless."""
        path = self._single(draft.external_id)
        self._change(link, "PUT", path, mapping.listing_body(draft))
        return mapping.listing_of(self._get(link, path).body["listing"])

    def reprice(self, link: Link, ref: ListingRef, price: Decimal, currency: str) -> RemoteListing:
        """Set the cost per ticket."""
        return self._patch(link, ref, {"cost": number(price)})

    def resize(self, link: Link, ref: ListingRef, seats: tuple[int, ...]) -> RemoteListing:
        """Offer only these seats; the split list follows the new quantity."""
        fields = {"quantity": len(seats), "seat_from": seats[0], "seat_thru": seats[-1]}
        return self._patch(link, ref, {**fields, **mapping.split_fields(ref.split, len(seats))})

    def _patch(self, link: Link, ref: ListingRef, fields: dict[str, Any]) -> RemoteListing:
        path = self._single(ref.external_id)
        self._change(link, "PATCH", path, fields)
        return mapping.listing_of(self._get(link, path).body["listing"])

    def delist(self, link: Link, ref: ListingRef) -> None:
        """Mark inactive; ids that are not there are ignored by the platform."""
        self._change(link, "POST", "/listings/bulk-delete", {"seller_listing_ids": [ref.external_id]})

    def fetch(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        """The listing with our id, as it is now."""
        try:
            return mapping.listing_of(self._get(link, self._single(ref.external_id)).body["listing"])
        except AlreadyGone:
            return None

    def list_all(self, link: Link) -> Iterator[RemoteListing]:
        """Every listing, by cursor."""
        cursor = ""
        while True:
            params = {"per_page": "2000", **({"page_cursor": cursor} if cursor else {})}
            body = self._get(link, "/listings", params).body or {}
            yield from (mapping.listing_of(item) for item in body.get("listings") or ())
            cursor = str((body.get("meta") or {}).get("next_page") or "")
            if not cursor:
                return

    @staticmethod
    def _single(external_id: str) -> str:
        return f"/listings/single/{external_id}"

    # Orders.
    def sales_since(self, link: Link, since: datetime) -> Iterator[RemoteSale]:
        """Orders placed since the day before (the filter knows days and placing only), oldest first."""
        page = 1
        start = since.astimezone(UTC).strftime("%Y-%m-%d")
        while True:
            params = {"start_date": start, "page": str(page), "per_page": str(PAGE_SIZE)}
            orders = (self._get(link, "/orders", params).body or {}).get("orders") or []
            yield from (mapping.sale_of(item) for item in orders)
            if len(orders) < PAGE_SIZE:
                return
            page += 1

    def fetch_sale(self, link: Link, sale_id: str) -> RemoteSale | None:
        """One order as it is now."""
        try:
            return mapping.sale_of(self._get(link, "/order", {"order_id": sale_id}).body["order"])
        except AlreadyGone:
            return None

    def confirm(self, link: Link, sale_id: str) -> RemoteSale:
        """Confirm."""
        return self._order(link, sale_id, {"status": "confirmed"})

    def reject(self, link: Link, sale_id: str) -> None:
        """Deny."""
        self._order(link, sale_id, {"status": "denied"})

    def fulfil(self, link: Link, sale_id: str, proof: Fulfilment) -> RemoteSale:
        """Hand over by mobile transfer."""
        fields = {"status": "fulfilled", "delivery_method": proof.method, "stock_type": "mobile"}
        return self._order(link, sale_id, {**fields, "transfer_url": ",".join(proof.transfer_urls)})

    def _order(self, link: Link, sale_id: str, fields: dict[str, str]) -> RemoteSale:
        body = self._change(link, "PATCH", "/order", form={"order_id": sale_id, **fields}).body
        return mapping.sale_of(body["order"])

    def payments(self, link: Link, since: datetime) -> Iterator[RemotePayment]:
        """Weekly remittances since then."""
        body = self._get(link, "/remittances").body or {}
        for item in body.get("remittances") or ():
            paid_at = moment(item.get("paid_at") or item.get("created"))
            if paid_at is not None and paid_at >= since:
                yield RemotePayment(quote(str(item["invoice_id"])), paid_at, amount(item["total"]), "USD")

    # Webhooks.
    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """The delivery carries `Bearer <our token>`; raises BadSignature."""
        given = headers.get("authorization", "")
        if not secret or not hmac.compare_digest(given.encode(), f"Bearer {secret}".encode()):
            raise BadSignature("the Authorization header does not carry this account's token")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        """A delivery may batch: one notice an item, each with the delivery's id and its place in it."""
        content = parse(body)
        if not isinstance(content, dict):
            return [Notice(NoticeKind.UNKNOWN, "unreadable", "", "", body=body)]
        metadata = content.get("metadata") or {}
        topic = str(metadata.get("notification_type") or "")
        delivery = str(metadata.get("notification_id") or "")
        items = content.get("data")
        rows = items if isinstance(items, list) and items else [items or {}]
        return [_notice(topic, delivery, place, item, body) for place, item in enumerate(rows)]


def _notice(topic: str, delivery: str, place: int, item: Any, body: bytes) -> Notice:
    data = item if isinstance(item, dict) else {}
    listing = data.get("listing") or {}
    return Notice(
        kind=_KINDS.get(topic, NoticeKind.UNKNOWN),
        topic=topic,
        action=str(data.get("status") or ""),
        resource_id=str(data.get("id") or data.get("order_id") or data.get("seller_listing_id") or ""),
        external_id=str(listing.get("id") or data.get("seller_listing_id") or ""),
        delivery_id=f"{delivery}:{place}" if delivery else "",
        body=body,
    )
