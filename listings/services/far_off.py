"""Amounts that a person says and can hardly mean: he is asked, beside the field, before anything is kept of them."""

from decimal import Decimal

from listings.models import Listing, Payout, Sale
from seatsync.core.errors import FieldProblem, InvalidInput
from seatsync.core.money import money_text

# More than this many times what was expected is a slip of the keyboard far more often than it is a payout.
_CAME = 3
# A penalty averages twice the sale, and the buyer's money goes back on top of it (DOMAIN.md 4.2).
_CHARGED = 5
# What a ticket may bring of which neither proceeds nor price are known.
_UNKNOWN = Decimal(1000)


def came_check(amount: Decimal, sale: Sale, *, confirmed: bool) -> None:
    """Raises InvalidInput for what can hardly have come of a sale, unless it is `confirmed`."""
    _check(amount, _brings(sale), sale, _CAME, "was expected", field="amount", confirmed=confirmed)


def charge_check(amount: Decimal, sale: Sale, *, field: str, confirmed: bool) -> None:
    """Raises InvalidInput for what is hardly charged for a sale, or taken back of it, unless it is `confirmed`."""
    _check(amount, _brings(sale), sale, _CHARGED, "the sale brings", field=field, confirmed=confirmed)


def payout_check(amount: Decimal, payout: Payout, *, confirmed: bool) -> None:
    """Raises InvalidInput for what can hardly have come with a payout, or been kept with it, unless it is `confirmed`.

    What its holder said of it before is no measure: it may be what he puts right.
    """
    sales = [line.sale for line in payout.lines.select_related("sale__listing") if line.sale is not None]
    if len(sales) == 1 and payout.less_by_hand:
        charge_check(amount, sales[0], field="amount", confirmed=confirmed)
    elif len(sales) == 1 and payout.by_hand:
        came_check(amount, sales[0], confirmed=confirmed)
    elif not confirmed and payout.net and amount > abs(payout.net) * _CAME:
        raise _far_off(_times(amount, abs(payout.net), "was announced", payout.currency), field="amount")


def price_check(price: Decimal, listing: Listing, *, confirmed: bool) -> None:
    """Raises InvalidInput for what a ticket of a listing hardly sold for, unless it is `confirmed`."""
    asked = listing.price_there
    if confirmed:
        return
    if price > asked * _CAME:
        raise _far_off(_times(price, asked, "it is up for", listing.currency), field="price")
    if price * _CAME < asked:
        told, up_for = money_text(price, listing.currency), money_text(asked, listing.currency)
        raise _far_off(f"{told} is less than a third of what it is up for, {up_for}.", field="price")


def proceeds_check(proceeds: Decimal, gross: Decimal, listing: Listing, *, confirmed: bool) -> None:
    """Raises InvalidInput for what hardly is left of what was sold for so much in all, unless it is `confirmed`."""
    if not confirmed and proceeds * _CAME < gross:
        told, sold_for = money_text(proceeds, listing.currency), money_text(gross, listing.currency)
        raise _far_off(f"{told} is less than a third of what they sold for, {sold_for}.", field="proceeds")


def _brings(sale: Sale) -> Decimal | None:
    """What the sale was to bring, as far as anything is known of it."""
    if sale.amount_told:
        return sale.proceeds if sale.proceeds_told else sale.gross
    return None if sale.listing is None else sale.listing.price * sale.quantity


def _check(
    amount: Decimal, expected: Decimal | None, sale: Sale, times: int, what: str, *, field: str, confirmed: bool
) -> None:  # fmt: skip
    if confirmed:
        return
    if expected and amount > expected * times:
        raise _far_off(_times(amount, expected, what, sale.currency), field=field)
    if not expected and amount > _UNKNOWN * max(sale.quantity, 1) * times:
        tickets = f"{sale.quantity} ticket{'' if sale.quantity == 1 else 's'}"
        raise _far_off(f"{money_text(amount, sale.currency)} is more than {tickets} usually bring.", field=field)


def _times(amount: Decimal, expected: Decimal, what: str, currency: str) -> str:
    told, known = money_text(amount, currency), money_text(expected, currency)
    return f"{told} is {amount / expected:,.0f} times what {what}, {known}."


def _far_off(detail: str, *, field: str) -> InvalidInput:
    problems = (
        FieldProblem(field, detail, "Write it again, or confirm it."),
        FieldProblem("confirmed", "Only what is meant is kept.", "Tick it where the amount is right."),
    )
    return InvalidInput(detail, remedy="Write it again, or confirm it.", problems=problems)
