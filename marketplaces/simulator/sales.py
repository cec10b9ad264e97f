"""Buying, and what happens to a sale afterwards, in each platform's own words."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from marketplaces.simulator import delivery, payments
from marketplaces.simulator.dialects import rules_of
from marketplaces.simulator.http import Refusal
from marketplaces.simulator.rules import Tell
from marketplaces.simulator.state import Ledger, Listing, Sale


def allowed_quantities(split: str, quantity: int) -> list[int]:
    """How many a buyer may take at once; `split` is StubHub's word, or SeatGeek's list of numbers."""
    if split[:1].isdecimal():
        return [int(part) for part in split.split(",") if part.strip().isdecimal() and int(part) <= quantity]
    return [bought for bought in range(1, quantity + 1) if _fits(split, bought, quantity - bought)]


def _fits(split: str, bought: int, left: int) -> bool:
    if split == "None":
        return left == 0
    if split == "Pairs":
        return bought % 2 == 0 or left == 0
    if split == "AvoidOne":
        return left != 1
    return split != "AvoidOneAndThree" or left not in {1, 3}


def fee_cents(ledger: Ledger, platform: str, price_cents: int) -> int:
    """The platform's fee on an amount, to the cent, halves up."""
    percent = ledger.settings.fee_percent.get(platform, rules_of(platform).fee_percent)
    return int((Decimal(price_cents) * Decimal(str(percent)) / 100).quantize(Decimal(1), ROUND_HALF_UP))


def sell(
    ledger: Ledger, listing: Listing, *, quantity: int, now: float, tell: Tell, seats: Iterable[int] = (),
    provisional: bool = False,
) -> Sale:  # fmt: skip
    """A buyer takes `quantity` tickets: the lowest seats, or these. Raises Refusal(409) where they are not for sale."""
    if listing.state != "active" or quantity not in allowed_quantities(listing.split, listing.quantity):
        raise Refusal(409, f"listing {listing.id} ({listing.state}, {listing.quantity} left) does not sell {quantity}")
    taken = sorted(seats) or listing.seats[:quantity]
    if len(taken) not in {quantity, 0} or not set(taken) <= set(listing.seats):
        raise Refusal(409, f"listing {listing.id} has no seats {taken}")
    sale = _sale(ledger, listing, quantity, taken, now, provisional=provisional)
    ledger.sales[sale.id] = sale
    listing.seats = [seat for seat in listing.seats if seat not in taken]
    listing.quantity -= quantity
    listing.state = "active" if listing.quantity else "sold"
    listing.updated_at = listing.last_order_at = now
    tell(sale, "provisional" if sale.provisional else "sold")
    return sale


def _sale(ledger: Ledger, listing: Listing, quantity: int, seats: list[int], now: float, *, provisional: bool) -> Sale:
    rules = rules_of(listing.platform)
    held = provisional and rules.knows_provisional
    each = listing.price_cents
    fees = (
        fee_cents(ledger, listing.platform, each) * quantity
        if rules.fee_per_ticket
        else fee_cents(ledger, listing.platform, each * quantity)
    )
    return Sale(
        id=ledger.new_id(), platform=listing.platform, account_id=listing.account_id, listing_id=listing.id,
        external_id=listing.external_id, event_id=listing.event_id, section=listing.section, row=listing.row,
        seats=seats, quantity=quantity, price_cents=each, fees_cents=fees, currency=listing.currency,
        status=rules.words.provisional if held else rules.words.sold, created_at=now, updated_at=now,
        confirm_by=now + ledger.settings.confirm_within_s, hand_over_by=delivery.hand_over_by(ledger, listing, now),
        provisional=held,
        delivery=rules.delivery_of.get(listing.ticket_type, "mobile_transfer"),
    )  # fmt: skip


def settle(sale: Sale, now: float, tell: Tell) -> None:
    """A provisional sale becomes a sale."""
    if not sale.provisional:
        raise Refusal(409, f"sale {sale.id} is not provisional")
    sale.provisional, sale.status, sale.updated_at = False, rules_of(sale.platform).words.sold, now
    tell(sale, "sold")


def cancel(ledger: Ledger, sale: Sale, now: float, tell: Tell) -> None:
    """The platform takes back the sale and what it paid; seats of a provisional one go to a listing that stands."""
    if sale.cancelled or sale.rejected:
        raise Refusal(409, f"sale {sale.id} is over")
    topic = "provisional_cancelled" if sale.provisional else "cancelled"
    listing = ledger.listings.get(sale.listing_id)
    if sale.provisional and listing is not None and listing.state in {"active", "sold"}:
        listing.seats = sorted([*listing.seats, *sale.seats])
        listing.quantity += sale.quantity
        listing.state, listing.updated_at = "active", now
    # A complaint is over with its sale.
    sale.provisional, sale.cancelled, sale.cancelled_at, sale.issue = False, True, now, ""
    sale.status, sale.updated_at = rules_of(sale.platform).words.cancelled, now
    if sale.paid_in:
        net_cents = sale.gross_cents - sale.fees_cents
        payments.charge(ledger, sale, cents=net_cents, reason="Reversed sale", now=now)
    tell(sale, topic)


def confirm(sale: Sale, now: float) -> None:
    """The seller confirms; once more changes nothing. Raises Refusal(403)."""
    _still_open(sale)
    if sale.provisional:
        raise Refusal(403, "the sale is under review", code="invalid_sale_action")
    sale.acted("confirm", now)
    if not sale.confirmed:
        sale.confirmed, sale.status, sale.updated_at = True, delivery.waiting_word(sale), now


def reject(sale: Sale, now: float) -> None:
    """The seller refuses; once more changes nothing. The seats do not come back on sale. Raises Refusal(403).

    What the marketplace has taken back itself there is nothing to refuse of, as there is nothing to confirm.
    """
    if sale.cancelled and not sale.rejected:
        raise Refusal(403, "the sale is cancelled", code="invalid_sale_action")
    if sale.fulfilled:
        raise Refusal(403, "the tickets are handed over", code="invalid_sale_action")
    sale.acted("reject", now)
    if not sale.rejected:
        sale.rejected, sale.provisional, sale.status = True, False, rules_of(sale.platform).words.rejected
        sale.updated_at = now


def complete(sale: Sale, now: float) -> None:
    """The buyer has them."""
    _still_open(sale)
    sale.status, sale.updated_at = rules_of(sale.platform).words.complete, now


def advance_due(ledger: Ledger, now: float, tell: Tell) -> int:
    """What time does: reviews end, deliveries arrive; returns how many sales moved."""
    rules, moved = ledger.settings, 0
    for sale in list(ledger.sales.values()):
        if sale.provisional and 0 < rules.review_s <= now - sale.created_at:
            settle(sale, now, tell)
            moved += 1
        words, sent = rules_of(sale.platform).words, delivery.sent_word(sale)
        on_its_way = sale.fulfilled and sent != words.complete and sale.status == sent
        arrived = on_its_way and 0 < rules.delivery_s <= now - sale.updated_at
        if arrived:
            complete(sale, now)
            moved += 1
    return moved


def _still_open(sale: Sale) -> None:
    if sale.rejected or sale.cancelled:
        raise Refusal(403, "the sale is over", code="invalid_sale_action")
