"""The form that offers seats: its choices, its first values, and what a price brings where."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.forms.boundfield import BoundWidget

from analytics.forms import PublishForm
from analytics.selectors.game import Block, GamePage
from analytics.selectors.overview import SeatView
from listings.models import Listing
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import platform_name
from marketplaces.selectors import Net, nets_by_fee
from seatsync.core.errors import InvalidInput
from seatsync.core.money import parse_money, round_money

# First proposals around the suggested price; the holder changes them at will.
_FLOOR, _CEILING = Decimal("0.75"), Decimal("1.50")


@dataclass(frozen=True, slots=True)
class SeatPick:
    """A seat that can be chosen, and the platforms that offer it already."""

    box: BoundWidget
    platforms: list[str]


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
    zone = page.game.venue.timezone
    return PublishForm(data, seats=seats, accounts=accounts, zone=zone, initial=_initial(page, accounts))


def seat_picks(page: GamePage, form: PublishForm) -> list[SeatPick]:
    """The free seats that a connected account does not offer yet: the others cannot be listed once more."""
    accounts = {account.pk for account in page.accounts}
    picks = []
    for box in form["seats"]:
        offered = page.offers.get(uuid.UUID(box.data["value"]), {})
        if accounts - offered.keys():
            picks.append(SeatPick(box, sorted(set(offered.values()))))
    return picks


def _together(blocks: Iterable[Block]) -> list[SeatView]:
    """The most free seats side by side, the first of several: one listing holds no others."""
    runs: list[list[SeatView]] = [[]]
    for block in blocks:
        runs.append([])
        for seat in block.seats:
            if seat.css != "available" or (runs[-1] and seat.number != runs[-1][-1].number + 1):
                runs.append([])
            if seat.css == "available":
                runs[-1].append(seat)
    return max(runs, key=len)


def _initial(page: GamePage, accounts: list[tuple[str, str]]) -> dict[str, Any]:
    chosen = _together(block for block in page.blocks if block.may_list)
    # The price is for the seats that are ticked, where one was worked out for them.
    blocks = sorted(page.blocks, key=lambda block: not any(seat in chosen for seat in block.seats))
    suggested = next((block.prediction.predicted_value for block in blocks if block.prediction), None)
    price = suggested or (page.market.median if page.market else None)
    prices = (
        {"price": price, "floor": round_money(price * _FLOOR), "ceiling": round_money(price * _CEILING)}
        if price
        else {}
    )
    # Not on paper and for real at once (I-20): who sells for real practises no more unless he says so.
    real = {str(account.pk) for account in page.accounts if not account.paper}
    ticked = [key for key, _ in accounts if key in real] or [key for key, _ in accounts]
    return {"seats": [str(seat.id) for seat in chosen], "accounts": ticked, **prices}


def paper_left_out(page: GamePage, form: PublishForm) -> bool:
    """Whether there are accounts for practice that a fresh form leaves unticked, because others sell for real."""
    return not form.is_bound and len({account.paper for account in page.accounts}) > 1


def net_lines(accounts: Sequence[MarketplaceAccount], typed: Any) -> list[Net]:
    """What a typed price brings on each account by the fee table; a price that is no amount brings nothing."""
    return nets_by_fee(accounts, typed if isinstance(typed, Decimal) else _amount(str(typed or "")))


def on_their_way(listings: Sequence[Listing]) -> str:
    """What was just published, in words: "2 listings on their way to StubHub and SeatGeek."."""
    names = list(dict.fromkeys(platform_name(listing.platform) for listing in listings))
    where = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    many = "1 listing on its" if len(listings) == 1 else f"{len(listings)} listings on their"
    return f"{many} way to {where}."


def _amount(text: str) -> Decimal | None:
    try:
        return parse_money(text, field="price")
    except InvalidInput:
        return None
