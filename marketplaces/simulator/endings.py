"""Sales that end badly: complaints, penalties, replacements, and games that are called off."""

from marketplaces.simulator import payments, sales
from marketplaces.simulator.http import Refusal
from marketplaces.simulator.rules import Tell
from marketplaces.simulator.state import Event, Ledger, Sale

HOW = ("claim", "settle", "penalty", "replacement", "cancel")


def end(
    ledger: Ledger, sale: Sale, how: str, *, cents: int, reason: str, now: float, tell: Tell, shown: bool = False
) -> None:
    """What the platform does to a sale; amounts in cents. Raises Refusal.

    claim: the buyer complains, and the money is kept back until it is settled. penalty: a charge, and the sale stands.
    replacement: the buyer got other tickets; the sale is cancelled, and they are charged. cancel: it is taken back, in
    the platform's own way; `shown`: asked for by its id it is told as over, where the platform hides what is over.
    """
    if how not in HOW:
        raise Refusal(400, f"how is one of {', '.join(HOW)}")
    if sale.cancelled or sale.rejected or sale.provisional:
        raise Refusal(409, f"sale {sale.id} is over, or none yet")
    if how in {"penalty", "replacement"} and cents <= 0:
        raise Refusal(400, "amount must be positive")
    sale.updated_at = now
    if how == "claim":
        sale.issue = reason or "The buyer was refused at the gate"
    elif how == "settle":
        sale.issue = ""
    elif how == "penalty":
        payments.charge(ledger, sale, cents=cents, reason=reason or "Penalty for late delivery", now=now)
    elif how == "cancel":
        sale.shown = shown
        sales.cancel(ledger, sale, now, tell)
    else:
        sales.cancel(ledger, sale, now, tell)
        payments.charge(ledger, sale, cents=cents, reason=reason or "Replacement tickets", now=now)


def call_off(ledger: Ledger, event: Event, *, now: float, tell: Tell) -> int:
    """The game will not be played: nothing of it is on sale any more, and its buyers get their money back."""
    event.status, ended = "Cancelled", 0
    for listing in ledger.listings.values():
        if listing.event_id == event.id and listing.state in {"active", "hidden"}:
            listing.state, listing.updated_at = "deleted", now
    for sale in list(ledger.sales.values()):
        if sale.event_id == event.id and not sale.cancelled and not sale.rejected:
            sales.cancel(ledger, sale, now, tell)
            ended += 1
    return ended
