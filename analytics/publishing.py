"""The form that offers seats: its choices, its first values, and what a price brings where."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from analytics.forms import PublishForm
from analytics.selectors.game import GamePage
from listings.models import Listing
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_get
from marketplaces.selectors import fee_version, proceeds_at
from seatsync.core.errors import InvalidInput
from seatsync.core.money import parse_money, round_money

# First proposals around the suggested price; the holder changes them at will.
_FLOOR, _CEILING = Decimal("0.75"), Decimal("1.50")


@dataclass(frozen=True, slots=True)
class NetLine:
    """What one ticket brings on one account; `net` None where no fee is known or no price was given."""

    account: MarketplaceAccount
    price: Decimal | None
    net: Decimal | None
    fee_percent: Decimal | None


def publish_form(page: GamePage, data: Any = None) -> PublishForm:
    """The form with this game's free seats and the person's connected accounts."""
    listable = [block for block in page.blocks if block.may_list]
    seats = [
        (str(seat.id), f"{block.section}/{block.row} seat {seat.number}")
        for block in listable
        for seat in block.seats
        if seat.state == "available"
    ]
    accounts = [(str(account.pk), str(account.platform)) for account in page.accounts]
    return PublishForm(data, seats=seats, accounts=accounts, initial=_initial(page, seats, accounts))


def _initial(page: GamePage, seats: list[tuple[str, str]], accounts: list[tuple[str, str]]) -> dict[str, Any]:
    suggested = next((block.prediction.predicted_value for block in page.blocks if block.prediction), None)
    price = suggested or (page.market.median if page.market else None)
    prices = (
        {"price": price, "floor": round_money(price * _FLOOR), "ceiling": round_money(price * _CEILING)}
        if price
        else {}
    )
    free = {str(s.id) for block in page.blocks for s in block.seats if s.css == "available"}
    return {"seats": [key for key, _ in seats if key in free], "accounts": [key for key, _ in accounts], **prices}


def net_lines(accounts: Sequence[MarketplaceAccount], typed: Any) -> list[NetLine]:
    """What a typed price brings on each account; a price that is no amount brings nothing."""
    price = typed if isinstance(typed, Decimal) else _amount(str(typed or ""))
    lines = []
    for account in accounts:
        fee = fee_version(account.platform)
        net = proceeds_at(price, fee) if price else None
        lines.append(NetLine(account, price, net, fee.percent if fee else None))
    return lines


def on_their_way(listings: Sequence[Listing]) -> str:
    """What was just published, in words: "2 listings on their way to StubHub and SeatGeek."."""
    names = list(dict.fromkeys(adapter_get(listing.platform).traits.name for listing in listings))
    where = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    many = "1 listing on its" if len(listings) == 1 else f"{len(listings)} listings on their"
    return f"{many} way to {where}."


def _amount(text: str) -> Decimal | None:
    try:
        return parse_money(text, field="price")
    except InvalidInput:
        return None
