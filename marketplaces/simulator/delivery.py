"""Handing over: what the tickets of a sale are, which proof fits them, and that they are the seats that were sold."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from marketplaces.simulator.dialects import rules_of
from marketplaces.simulator.http import Refusal
from marketplaces.simulator.rules import Tell
from marketplaces.simulator.state import Ledger, Listing, Sale

# The proofs that fit each kind of tickets. Nothing is taken while the platform itself waits.
_FITTING: dict[str, tuple[str, ...]] = {
    "mobile_transfer": ("mobile_transfer", "transfer_url"), "links": ("transfer_url",), "barcode": ("barcode",),
    "pdf": ("pdf",), "qr_code": ("qr_code",), "paper": ("tracking",), "tracking": ("tracking",),
    "reservation_code": ("mobile_transfer",), "drop_off": ("mobile_transfer",), "later": (), "address": (),
}  # fmt: skip
FILE = "file"


def waiting_word(sale: Sale) -> str:
    """The platform's word for a confirmed sale whose tickets are to come."""
    rules = rules_of(sale.platform)
    again = rules.waits_again.get(sale.delivery, "") if sale.again else ""
    return again or rules.waits.get(sale.delivery, rules.words.confirmed)


def sent_word(sale: Sale) -> str:
    """The platform's word for a sale whose tickets are on their way."""
    rules = rules_of(sale.platform)
    return rules.sent.get(sale.delivery, rules.words.handed_over)


def hand_over(sale: Sale, way: str, proof: Mapping[str, Any], now: float) -> None:
    """The seller proves that they went. Raises Refusal: 403 where the sale is over, 422 where the proof is none."""
    if sale.rejected or sale.cancelled:
        raise Refusal(403, "the sale is over", code="invalid_sale_action")
    _check_way(sale, way)
    sale.acted("hand_over", now)
    sale.confirmed = sale.fulfilled = True
    sale.proof, sale.again = dict(proof), ""
    sale.status, sale.updated_at = sent_word(sale), now
    sale.handed_over_at = sale.handed_over_at or now


def hand_in(ledger: Ledger, sale: Sale, way: str, tickets: Mapping[str, str], now: float, *, ends: bool = True) -> bool:
    """Tickets by seat: barcodes, or FILE; returns whether they are all there. `ends`: then the sale is handed over.

    Raises Refusal(422) for seats that were not sold, and for a barcode that another sale or seat has.
    """
    _check_way(sale, way)
    _check_seats(ledger, sale, tickets)
    codes = [code for code in tickets.values() if code != FILE]
    others = {
        code for other in ledger.sales.values() if other.id != sale.id and not (other.cancelled or other.rejected)
        for code in other.tickets.values()
    }  # fmt: skip
    if len(set(codes)) != len(codes) or others & set(codes):
        raise Refusal(422, "a barcode is given twice", code="validation_failed")
    # What is handed in once more replaces all that went before.
    again = bool(sale.again) and len(sale.tickets) == sale.quantity
    sale.tickets = {**({} if again else sale.tickets), **tickets}
    sale.updated_at = now
    whole = len(sale.tickets) == sale.quantity
    if whole and ends:
        hand_over(sale, way, {"seats": sorted(sale.tickets)}, now)
    return whole


def _check_way(sale: Sale, way: str) -> None:
    if way not in _FITTING[sale.delivery]:
        raise Refusal(422, f"the tickets of this sale are {sale.delivery}, not {way}", code="validation_failed")


def _check_seats(ledger: Ledger, sale: Sale, seats: Collection[str]) -> None:
    listing = ledger.listings.get(sale.listing_id)
    sold = {str(seat) for seat in sale.seats}
    if rules_of(sale.platform).seller_allocates and listing is not None:
        # The seller says which of the listing's seats the buyer has.
        sold |= {str(seat) for seat in listing.seats}
    if not seats or len(seats) > sale.quantity or (sold and not set(seats) <= sold):
        raise Refusal(422, "these are not the seats that were sold", code="validation_failed")


def wants(sale: Sale, *, delivery: str, again: str, now: float, tell: Tell) -> None:
    """The platform wants the tickets in another way, or (`again` says why) once more. Raises Refusal."""
    if delivery and delivery not in _FITTING:
        raise Refusal(400, f"delivery is one of {', '.join(_FITTING)}")
    if sale.rejected or sale.cancelled:
        raise Refusal(409, f"sale {sale.id} is over")
    sale.delivery, sale.again = delivery or sale.delivery, again
    sale.confirmed, sale.provisional = True, False
    sale.status, sale.updated_at = waiting_word(sale), now
    if again:
        tell(sale, "barcode_failed" if sale.delivery == "barcode" else "retransfer")


# What a listing says of the day from which its seller has the tickets, by the names that the platforms give it.
_IN_HAND = ("in_hand_at", "inHandDate", "in_hand_on")


def hand_over_by(ledger: Ledger, listing: Listing, now: float) -> float:
    """By when the tickets of a sale of now are wanted (s since the epoch).

    No platform publishes how it reckons what it tells. Here: some days after the sale, or the in-hand day where that is
    later, but an hour before the event.
    """
    due = max(now + ledger.settings.hand_over_within_s, _in_hand(listing))
    event = ledger.event_at(listing.platform, listing.event_id)
    return min(due, event.starts_at - 3600) if event else due


def _in_hand(listing: Listing) -> float:
    """When its seller said to have the tickets; 0: he has them."""
    told = next((str(listing.extra[name]) for name in _IN_HAND if listing.extra.get(name)), "")
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def hide(listing: Listing, now: float) -> None:
    """Its tickets must be there before it is shown again."""
    listing.undeliverable, listing.state, listing.updated_at = True, "hidden", now
