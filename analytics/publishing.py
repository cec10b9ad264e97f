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
from listings.services.delivery_terms import kinds_of
from listings.services.list_until import ComesDown, ends_of
from listings.services.net_preview import nets_bounded
from marketplaces.models import Mode
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
    return PublishForm(data, seats=seats, accounts=accounts, zone=zone, initial=_initial(page))


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


def _initial(page: GamePage) -> dict[str, Any]:
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
    paper = _practises(page)
    ticked = [str(account.pk) for account in page.accounts if account.paper == paper and account.pk not in page.stopped]
    return {"seats": [str(seat.id) for seat in chosen], "accounts": ticked, **prices}


def _practises(page: GamePage) -> bool:
    """Whether a fresh form ticks the accounts for practice: not on paper and for real at once (I-20).

    Who sells for real practises no more unless he says so. An account by hand alone sells nothing yet.
    """
    has_paper = any(account.paper for account in page.accounts)
    return has_paper and not any(account.mode == Mode.LIVE for account in page.accounts)


def left_out(page: GamePage, form: PublishForm) -> str:
    """Which accounts a fresh form leaves unticked because of the others: "paper", "real", or none of them, ""."""
    if form.is_bound or len({account.paper for account in page.accounts}) < 2:
        return ""
    return "real" if _practises(page) else "paper"


@dataclass(frozen=True, slots=True)
class AccountPick:
    """An account that can be chosen, and what the price brings there; `stopped`: a brake lets nothing go up there.

    `down`: until when it would be on sale there; None where the seats' tickets are of several kinds.
    """

    box: BoundWidget
    line: Net
    stopped: bool
    down: ComesDown | None


def account_picks(page: GamePage, form: PublishForm) -> list[AccountPick]:
    """The accounts of the form; one that is stopped cannot be ticked."""
    picks, ends = [], _ends(page)
    for box, line in zip(form["accounts"], net_lines(page, form["price"].value()), strict=True):
        stopped = line.account.pk in page.stopped
        if stopped:
            box.data["attrs"]["disabled"] = True
        picks.append(AccountPick(box, line, stopped, ends.get(line.account.platform)))
    return picks


def _ends(page: GamePage) -> dict[str, ComesDown]:
    """Until when the seats that may be listed would be on sale, by platform."""
    kinds = kinds_of(block.season_ticket for block in page.blocks if block.may_list and block.undecided)
    platforms = {account.platform for account in page.accounts}
    return ends_of(page.game, platforms, kinds.pop()) if len(kinds) == 1 else {}


def net_lines(page: GamePage, typed: Any) -> list[Net]:
    """What a typed price brings on each account by the fee table, with what it must keep to there.

    A price that is no amount brings nothing.
    """
    price = typed if isinstance(typed, Decimal) else _amount(str(typed or ""))
    return nets_bounded(nets_by_fee(page.accounts, price), page.game)


def least_said(lines: Iterable[Net]) -> str:
    """What the team or the venue asks for at least, at whatever marketplace; empty where it asks for nothing."""
    return next((line.bounds.least_said for line in lines if line.bounds is not None), "")


def on_their_way(listings: Sequence[Listing]) -> str:
    """What was just published, in words: "2 listings on their way to StubHub and SeatGeek.".

    What goes up by hand is on no way: its holder is told to list it there.
    """
    sent = [listing for listing in listings if listing.account.mode != Mode.ASSISTED]
    by_hand = [listing for listing in listings if listing.account.mode == Mode.ASSISTED]
    many = "1 listing on its" if len(sent) == 1 else f"{len(sent)} listings on their"
    told = [f"{many} way to {_where(sent)}."] if sent else []
    told += [f"List it on {_where(by_hand)} yourself, then say under By hand that it is done."] if by_hand else []
    return " ".join(told)


def _where(listings: Sequence[Listing]) -> str:
    names = list(dict.fromkeys(platform_name(listing.platform) for listing in listings))
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _amount(text: str) -> Decimal | None:
    try:
        return parse_money(text, field="price")
    except InvalidInput:
        return None
