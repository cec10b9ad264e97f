"""StubHub's resources as it renders them: HAL, and money as {amount, currency_code}."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from marketplaces.simulator.http import Request
from marketplaces.simulator.payments import Line, lines_of
from marketplaces.simulator.sales import fee_cents
from marketplaces.simulator.state import Event, Ledger, Listing, Payment, Sale, Subscription, from_cents, stamp


def money(cents: int, currency: str) -> dict[str, Any]:
    """Money."""
    return {"amount": from_cents(cents), "currency_code": currency}


def link(href: str) -> dict[str, Any]:
    """Link."""
    return {"href": href, "title": None, "templated": False}


def seating(section: str, row: str, seats: Sequence[int]) -> dict[str, Any]:
    """Seating; seat numbers are text."""
    ends = {"seat_from": str(seats[0]), "seat_to": str(seats[-1])} if seats else {"seat_from": None, "seat_to": None}
    return {"section": section, "row": row, **ends}


def embedded_event(event: Event) -> dict[str, Any]:
    """EmbeddedEvent."""
    return {
        "id": event.id, "name": event.name, "start_date": stamp(event.starts_at), "date_confirmed": event.dated,
        "merged_events": _merged(event),
    }  # fmt: skip


def _merged(event: Event) -> list[dict[str, int]]:
    """MergedEntity of each event that was put together with this one: their numbers lead here."""
    return [{"id": number} for number in event.merged]


def embedded_venue(event: Event) -> dict[str, Any]:
    """EmbeddedVenue; one venue a name."""
    return {"id": sum(event.venue.encode()), "name": event.venue, "city": event.city, "state_province": event.state}


def about(known: Event | None) -> dict[str, Any]:
    """What a listing, a sale or a webhook embeds of its event: nothing while that is to be added."""
    if known is None or known.coming:
        return {}
    return {"event": embedded_event(known), "venue": embedded_venue(known)}


def event(ledger: Ledger, item: Event) -> dict[str, Any]:
    """Catalog Event with its lowest price among sellers and strangers."""
    prices = [listing.price_cents for listing in ledger.on_sale("stubhub", item.id)]
    prices += [offer.price_cents for offer in ledger.offers_of("stubhub", item.id)]
    body: dict[str, Any] = {
        "id": item.id, "name": item.name, "start_date": stamp(item.starts_at), "date_confirmed": item.dated,
        "time_confirmed": bool(item.local_time), "type": "Event", "status": item.status,
    }  # fmt: skip
    if prices:
        body["min_ticket_price"] = money(min(prices), "USD")
    about_it = {"venue": embedded_venue(item), "categories": [], "external_mappings": []}
    return {**body, "_embedded": {**about_it, "merged_events": _merged(item)}}


def listing(ledger: Ledger, item: Listing, base: str) -> dict[str, Any]:
    """SellerListing."""
    self_url = f"{base}/v2/sellerlistings/{item.id}"
    step = "sellerlisting:unpublish" if item.state == "active" else "sellerlisting:publish"
    links = {name: link(self_url) for name in ("self", "sellerlisting:delete", "sellerlisting:updateticketprice", step)}
    proceeds = item.price_cents - fee_cents(ledger, "stubhub", item.price_cents)
    where = seating(item.section, item.row, item.seats)
    known = ledger.event_at(item.platform, item.event_id)
    return {
        "id": item.id, "created_at": stamp(item.created_at), "updated_at": stamp(item.updated_at),
        "number_of_tickets": item.quantity, "display_number_of_tickets": item.quantity, "seating": where,
        "display_seating": where, "ticket_price": money(item.price_cents, item.currency),
        "ticket_proceeds": money(proceeds, item.currency), "external_id": item.external_id,
        "is_ticket_concierge": False, "is_auto_po": False, "instant_delivery": False,
        "undeliverable": item.undeliverable, **_expiry(item, known),
        "_links": links,
        "_embedded": {
            **about(known), "split_type": {"type": item.split, "name": item.split},
            "ticket_type": {"type": item.ticket_type, "name": item.ticket_type},
        },
    }  # fmt: skip


def _expiry(item: Listing, known: Event | None) -> dict[str, str]:
    """When it ends: with its event, unless its seller chose an earlier moment on the page."""
    chosen = str(item.extra.get("expires_at") or "")
    if known is None:
        return {}
    return {"expires_at": chosen or stamp(known.starts_at)}


def constraints(item: Event) -> dict[str, Any]:
    """ListingConstraints."""
    return {
        "min_ticket_price": money(item.min_price_cents, "USD"), "max_ticket_price": money(item.max_price_cents, "USD"),
        "min_number_of_tickets": 1, "max_number_of_tickets": item.max_quantity,
        "seats_required": item.seats_required, "ticket_location_required": False,
        "sections": [{"name": name, "free_text_row": True, "queue_number_row": False} for name in item.sections],
        "_embedded": {
            "split_types": [{"type": name, "name": name} for name in item.split_types],
            "ticket_types": [{"type": name, "name": name} for name in item.ticket_types],
            "currencies": [{"code": "USD", "name": "US Dollar", "symbol": "$", "decimal_places": 2}],
        },
    }  # fmt: skip


def sale(ledger: Ledger, item: Sale, base: str) -> dict[str, Any]:
    """Sale; the allocation is in `seating`, and only the proceeds are told."""
    known = ledger.event_at(item.platform, item.event_id)
    proceeds = money(item.gross_cents - item.fees_cents, item.currency)
    status = "Issue" if item.issue else item.status
    return {
        "id": item.id, "created_at": stamp(item.created_at), "seating": seating(item.section, item.row, item.seats),
        "proceeds": proceeds, "display_proceeds": proceeds, "number_of_tickets": item.quantity, "status": status,
        "status_description": item.issue or item.again or status, "confirm_by": stamp(item.confirm_by),
        **({"ship_by": stamp(item.hand_over_by)} if item.hand_over_by else {}),
        "external_listing_id": item.external_id, "is_legacy_stubhub_order": False,
        "_links": {
            "self": link(f"{base}/v2/sales/{item.id}"),
            "sale:listing": link(f"{base}/v2/sellerlistings/{item.listing_id}"),
        },
        "_embedded": {
            **about(known),
            "ticketholders": [{"id": item.id, "full_name": "A Buyer", "email_address": f"buyer-{item.id}@example.com"}],
        },
    }  # fmt: skip


def payment(ledger: Ledger, item: Payment, base: str) -> dict[str, Any]:
    """Payment with its sales. The next one has no id yet, and nobody says when it will be made."""
    lines = lines_of(ledger, item)
    gross = sum(line.gross_cents for line in lines)
    charged = sum(line.fees_cents + line.charged_cents for line in lines)
    made = {"id": item.id, "created_at": stamp(item.created_at)} if item.id else {}
    return {
        **made, "number_of_sales": len(item.sale_ids),
        "payment_amount": money(gross - charged, "USD"), "credits": money(0, "USD"), "charges": money(charged, "USD"),
        "proceeds": money(gross, "USD"), "_links": {"self": link(f"{base}/v2/payments/{item.id or 'next'}")},
        "_embedded": {"sales": [_payment_sale(ledger, line) for line in lines]},
    }  # fmt: skip


def _payment_sale(ledger: Ledger, line: Line) -> dict[str, Any]:
    item = ledger.sales[line.sale_id]
    proceeds = [{"amount": money(line.gross_cents, item.currency), "reason_description": "Sale"}]
    charges = [{"amount": money(line.fees_cents, item.currency), "reason_description": "Selling fee"}]
    kept = [{"amount": money(one.cents, item.currency), "reason_description": one.reason} for one in line.charges]
    return {
        "proceeds": proceeds if line.gross_cents else [], "charges": [*(charges if line.fees_cents else []), *kept],
        "credits": [], "_embedded": {"sale": {"id": item.id, "number_of_tickets": item.quantity}},
    }  # fmt: skip


def webhook(item: Subscription, base: str) -> dict[str, Any]:
    """Webhook."""
    return {
        "id": item.id, "name": item.name, "created_at": stamp(item.created_at), "topics": item.topics,
        "url": item.url, "authorization_header": item.secret,
        "_links": {"self": link(f"{base}/v2/webhooks/{item.id}")},
    }  # fmt: skip


def page(request: Request, items: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of a collection, with a link to the next where there is one."""
    number = max(1, int(request.query.get("page") or 1))
    size = min(1000, max(1, int(request.query.get("page_size") or 100)))
    here = f"{request.base}{request.path}"
    links = {"self": link(f"{here}?{urlencode(request.query)}")}
    if number * size < len(items):
        following = {**request.query, "page": str(number + 1), "page_size": str(size)}
        links["next"] = link(f"{here}?{urlencode(following)}")
    return {
        "total_items": len(items), "page": number, "page_size": size, "_links": links,
        "_embedded": {"items": items[(number - 1) * size : number * size]},
    }  # fmt: skip
