"""Floors on what reaches the seller (I-11): kept by what his marketplace tells of a price, and by the fee table before.

What it really takes can differ from any table: it is asked before a price is sent where it can be, and what it tells
of a listing afterwards counts from then on.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from listings.models import Listing
from listings.services.notify import listing_changed
from marketplaces.contracts import Capability, Draft, Link, MarketplaceAdapter
from marketplaces.errors import NetBelowFloor
from marketplaces.models import Mode
from marketplaces.registry import platform_can, platform_name
from marketplaces.selectors import fee_version, proceeds_at
from portfolios.services.ledger import watchers
from seatsync.core.clock import now
from seatsync.core.errors import FieldProblem
from seatsync.core.links import page_link
from seatsync.core.money import CENT, money_text, round_money
from seatsync.live.alerts import alerts_raise, alerts_recover, alerts_reword

_KIND = "listing.net_below_floor"


@dataclass(frozen=True, slots=True)
class NetTold:
    """What a marketplace said that a list price of a ticket would bring, in the listing's currency."""

    price: Decimal
    net: Decimal


def net_floor_problem(
    *, platform: str, mode: str, price: Decimal, floor: Decimal, net: Decimal | None, currency: str
) -> FieldProblem | None:
    """What is wrong with a price whose `net` (None: not known) must reach the floor there; None where it does (I-11).

    Nothing is known to be wrong where its marketplace says what the price brings before it is sent.
    """
    where = platform_name(platform)
    if net is None:
        if _tells_net(platform, mode):
            return None
        return FieldProblem("floor_basis", f"No fee of {where} is known.", "Put the floor on the list price.")
    if net < floor:
        asked, told, least = (money_text(value, currency) for value in (price, net, floor))
        detail = f"{asked} brings {told} at {where}, below your floor of {least}."
        return FieldProblem("price", detail, "Raise the price.")
    return None


def net_expected(listing: Listing, price: Decimal) -> Decimal | None:
    """What a price of this listing would bring: by the fee table or, where its marketplace told less, by its own share.

    None where neither is known. A cent of difference is its rounding.
    """
    fee = fee_version(listing.platform)
    by_table, as_it_is = proceeds_at(price, fee), proceeds_at(listing.price, fee)
    if listing.proceeds is None or not _tells_net(listing.platform, listing.mode):
        return by_table
    if as_it_is is not None and listing.proceeds >= as_it_is - CENT:
        return by_table
    return round_money(price * listing.proceeds / listing.price)


def _tells_net(platform: str, mode: str) -> bool:
    """Whether the marketplace tells of every price what it brings; nobody can ask one that a person works by hand."""
    return mode != Mode.ASSISTED and platform_can(platform, Capability.PREVIEW)


def net_floor_asked(adapter: MarketplaceAdapter, listing: Listing) -> bool:
    """Whether its marketplace is to be asked for the net of the listing's price: what rises brings no less than now."""
    promised = listing.floor_basis == "net" and Capability.PREVIEW in adapter.traits.capabilities
    return promised and (listing.live_price is None or listing.price < listing.live_price)


def net_floor_keep(adapter: MarketplaceAdapter, link: Link, listing: Listing, draft: Draft) -> None:
    """Ask the marketplace what the draft would bring. Raises NetBelowFloor where that is below the floor on the net.

    No barcodes are sent: a price has none.
    """
    net = adapter.preview(link, replace(draft, tickets=())).proceeds
    if net < listing.floor:
        price, told, floor = (money_text(value, listing.currency) for value in (draft.price, net, listing.floor))
        raise NetBelowFloor(
            f"{adapter.traits.name} says that {price} brings you {told} a ticket, below your floor of {floor}",
            price=draft.price, net=net,
        )  # fmt: skip


def net_told_keep(listing: Listing, told: NetTold) -> None:
    """Keep on a locked listing that was refused what its marketplace said of its price, and when.

    Nothing where another price is asked for by now.
    """
    if listing.price != told.price:
        return
    listing.proceeds, listing.net_told_price, listing.net_told_at = told.net, told.price, now()
    listing.save(update_fields=["proceeds", "net_told_price", "net_told_at", "updated_at"])
    listing_changed(listing)


def net_floor_note(listing: Listing, net: Decimal | None) -> None:
    """Tell a locked listing's people where its marketplace says that its price brings less than the floor on the net.

    Once until that is over; None: it says nothing.
    """
    if net is None or listing.floor_basis != "net":
        return
    if net >= listing.floor:
        net_floor_settle(listing)
        return
    where, people, key = platform_name(listing.platform), watchers(listing.season_ticket_id), _key(listing)
    price, told, floor = (money_text(value, listing.currency) for value in (listing.price_there, net, listing.floor))
    body = f"{price} a ticket brings {told} there, and your floor on what reaches you is {floor}. Raise the price."
    alerts_raise(
        tenant_id=listing.tenant_id, user_ids=people, kind=_KIND, mode=listing.mode,
        title=f"{where} pays less than your floor for {listing.section}/{listing.row}", body=body, severity="action",
        object_type="listing", object_id=str(listing.pk), url=page_link("listings:listing_detail", listing.pk),
        dedupe_key=key,
    )  # fmt: skip
    alerts_reword(user_ids=people, dedupe_keys=[key], body=body)


def net_floor_settle(listing: Listing) -> None:
    """It brings enough again, or is offered no more: nobody is asked about it."""
    if listing.floor_basis == "net":
        alerts_recover(user_ids=watchers(listing.season_ticket_id), dedupe_keys=[_key(listing)])


def _key(listing: Listing) -> str:
    return f"{_KIND}:{listing.pk}"
