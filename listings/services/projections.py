"""Listings are projections of seats: when seats are sold, every listing of them shrinks or comes down (I-03, I-05)."""

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Q

from listings.models import CommandKind, CommandState, Listing, ListingSeat, ListingStatus, Sale
from listings.selectors import FOR_HANDS, sold_of_listing
from listings.services.allocation import CLOCKS_DIFFER, together
from listings.services.commands import command_write, commands_supersede, hand_delists_settle
from listings.services.delist import listing_take_down
from listings.services.deliverable import deliverable_again
from listings.services.net_floor import net_floor_settle
from listings.services.notify import listing_changed
from listings.services.sale_alerts import alert_sold_elsewhere_down
from listings.services.unlike import unlike_settle
from listings.states import OFFERED, UNSOLD, UP, listing_may_move
from marketplaces.contracts import Capability
from marketplaces.models import Mode
from marketplaces.registry import platform_can, platform_name, traits_of
from marketplaces.splits import split_offerable
from portfolios.models import Seat, SeatGroup
from portfolios.services.groups import seat_group_for
from seatsync.core.clock import now
from seatsync.core.money import round_money


def sold_listing_shrink(listing: Listing, sold: list[Seat], *, sale: Sale) -> None:
    """The listing that sold: all gone, or smaller.

    Its marketplace has reduced it already; we only withdraw a rest that its split rule can no longer sell. Where a
    file is the account, or a change of ours came after the buyer, that offers what was sold again: it is sent anew.
    """
    rest = _rest(listing, sold)
    listing.final_price = final_price(listing, sale)
    if not rest:
        commands_supersede(listing)
        if listing.account.mode == Mode.ASSISTED and not _still_shown_there(listing):
            _down_by_itself(listing)
        deliverable_again(listing)
        net_floor_settle(listing)
        unlike_settle(listing)
        if listing_may_move(listing.status, ListingStatus.SOLD):
            listing.status = ListingStatus.SOLD
        listing.sold_at = sale.sold_at
        listing.status_reason = f"sold on {platform_name(sale.platform)}"
    else:
        listing.quantity = len(rest)
        listing.seat_group = _group_of(rest) or listing.seat_group
        _group_of(sold)
    listing.version += 1
    listing.save()
    listing_changed(listing)
    if rest and not split_offerable(listing.split_type, len(rest)):
        listing_take_down(listing, reason="the rest cannot be sold under its split rule", sale=sale)
    elif len(rest) > 1 and not together(rest):
        listing_take_down(listing, reason="what is left of it does not lie together", sale=sale)
    elif rest and (_is_in_a_file(listing) or _overtook_a_change(listing, sale) or _was_met_after(listing, sale)):
        if _may_resize(listing, rest):
            _resize_write(listing, rest)
        else:
            listing_take_down(listing, reason="what is left of it does not lie together")
    if not rest and (_still_shown_there(listing) or _was_met_after(listing, sale)):
        hand_delists_settle(listing)
        command_write(
            listing=listing, sale=sale, kind=CommandKind.DELIST, key=f"delist:{listing.external_id}:rest:{sale.pk}"
        )
    elif not rest and _is_in_a_file(listing):
        command_write(listing=listing, kind=CommandKind.DELIST, key=f"delist:{listing.external_id}:sold:{sale.pk}")


def final_price(listing: Listing, sale: Sale) -> Decimal | None:
    """What a ticket of the sale brought before fees, in the listing's currency; None where it was sold in another."""
    return round_money(sale.gross / Decimal(max(sale.quantity, 1))) if sale.currency == listing.currency else None


def _down_by_itself(listing: Listing) -> None:
    """All of it sold there: its holder is asked no more to take down what its marketplace took off show itself."""
    asked = listing.commands.filter(FOR_HANDS, kind=CommandKind.DELIST)
    sales = list(Sale.objects.filter(commands__in=asked).select_related("account", "listing").distinct())
    commands_supersede(listing, frozenset({CommandKind.DELIST}))
    for one in sales:
        alert_sold_elsewhere_down(one)


def _is_in_a_file(listing: Listing) -> bool:
    """Whether it is offered as long as a file of ours names it. A person's hands write none: it is gone as it sells."""
    if listing.account.mode == Mode.ASSISTED:
        return False
    traits = traits_of(listing.platform)
    return traits is not None and traits.whole_account


def _overtook_a_change(listing: Listing, sale: Sale) -> bool:
    """Whether a change of the listing was sent that may have known nothing of the buyer, who came before it arrived.

    A size says what is left and not what is taken away, and some platforms take a listing only whole, price and size.
    """
    if listing.status not in OFFERED:
        return False
    sent = listing.commands.filter(kind__in=[CommandKind.RESIZE, CommandKind.REPRICE])
    since = Q(state=CommandState.DONE, finished_at__gte=sale.sold_at - CLOCKS_DIFFER)
    # One that waits reads the seats as it goes, but it may have gone and its worker been killed.
    going = Q(state=CommandState.IN_FLIGHT) | Q(state=CommandState.PENDING, attempts__gt=0)
    return sent.filter(since | going).exists()


def _was_met_after(listing: Listing, sale: Sale) -> bool:
    """Whether its marketplace has taken the buyer's tickets off already, and shows as many as we have just given him.

    A listing that a hand made may be met after a part of it was sold; where the seller says which seats those were, he
    gives them out of what we met.
    """
    traits = traits_of(listing.platform)
    allocates = traits is not None and traits.seller_allocates
    named = bool(listing.listing_id or listing.remote_key)
    return allocates and named and listing.made_there and sale.sold_at < listing.created_at


def _still_shown_there(listing: Listing) -> bool:
    """Whether its marketplace may still show seats that were sold elsewhere: it knows only of its own sales."""
    own = sold_of_listing(listing).values("seat_id")
    return ListingSeat.objects.filter(listing=listing).exclude(seat_id__in=own).exists()


def projections_shrink(listings: list[Listing], sold: list[Seat], *, sale: Sale) -> None:
    """Every other listing of sold seats: resized where its platform can and the rest may be sold, else taken down."""
    for listing in listings:
        _shrink(listing, sold, f"sold on {platform_name(sale.platform)}", sale=sale)


def offer_less(listing: Listing, seats: list[Seat]) -> None:
    """Its marketplace sold these seats and let them go again before we heard: they leave its offer as others' do.

    What it shows is not made more: somebody else may have bought there meanwhile. The caller holds the locks of both.
    """
    _shrink(listing, seats, "a sale of it was cancelled")


def _shrink(listing: Listing, gone: list[Seat], why: str, *, sale: Sale | None = None) -> None:
    rest = _rest(listing, gone)
    if rest and _may_resize(listing, rest):
        _resize(listing, rest, sale=sale, sold=gone if sale else ())
    else:
        listing_take_down(listing, reason=why, sale=sale)


def offer_no_more(sale: Sale) -> None:
    """Its marketplace may offer the seats of a cancelled or rejected sale again by itself: not before we ask it to.

    The caller holds the locks of the sale's listing and of the sale.
    """
    listing = sale.listing
    if listing is None:
        return
    rest = _offered(listing) if listing.status in OFFERED else []
    if rest and _may_resize(listing, rest):
        _resize(listing, rest)
    elif rest:
        listing_take_down(listing, reason="its marketplace may show more than is offered")
    else:
        _sold_no_more(listing)
        key = f"delist:{listing.external_id}:ended:{sale.pk}:{sale.version}"
        command_write(listing=listing, kind=CommandKind.DELIST, key=key)


def _sold_no_more(listing: Listing) -> None:
    """A listing that was sold out says so no more once none of its sales stands."""
    if listing.status not in UNSOLD or sold_of_listing(listing).exists():
        return
    listing.status, listing.status_reason = UNSOLD[listing.status], "its sale was cancelled"
    listing.sold_at = listing.final_price = None
    listing.version += 1
    listing.save(update_fields=["status", "status_reason", "sold_at", "final_price", "version", "updated_at"])
    listing_changed(listing)


def _rest(listing: Listing, sold: list[Seat]) -> list[Seat]:
    """Mark the sold seats as no longer offered and return those that still are, in seat order."""
    ListingSeat.objects.filter(listing=listing, seat__in=sold).update(offered=False)
    return _offered(listing)


def _offered(listing: Listing) -> list[Seat]:
    left = ListingSeat.objects.filter(listing=listing, offered=True).select_related("seat")
    return sorted((row.seat for row in left), key=lambda seat: seat.seat_number)


def _group_of(seats: list[Seat]) -> SeatGroup | None:
    """The group of what is left, or went, so that it is called by its own seats; None where they lie apart."""
    return seat_group_for(seats=seats) if together(seats) else None


def _may_resize(listing: Listing, rest: list[Seat]) -> bool:
    return (
        together(rest)
        and listing.status in UP
        and bool(listing.listing_id)
        and split_offerable(listing.split_type, len(rest))
        and platform_can(listing.platform, Capability.RESIZE)
    )


def _resize(listing: Listing, rest: list[Seat], *, sale: Sale | None = None, sold: Iterable[Seat] = ()) -> None:
    gone = {seat.seat_number for seat in sold} | _still_to_go(listing)
    commands_supersede(listing, frozenset({CommandKind.RESIZE}))
    listing.quantity = len(rest)
    listing.seat_group = _group_of(rest) or listing.seat_group
    listing.version += 1
    listing.save(update_fields=["quantity", "seat_group", "version", "updated_at"])
    _resize_write(listing, rest, sale=sale, gone=gone)
    listing_changed(listing)


def _still_to_go(listing: Listing) -> set[int]:
    """What a person was asked to take off before, and has not said that it is done: the next task asks for it too."""
    if listing.account.mode != Mode.ASSISTED:
        return set()
    asked = listing.commands.filter(FOR_HANDS, kind=CommandKind.RESIZE)
    return {number for payload in asked.values_list("payload", flat=True) for number in payload.get("gone", ())}


def _resize_write(
    listing: Listing, rest: list[Seat], *, sale: Sale | None = None, gone: Iterable[int] = ()
) -> None:  # fmt: skip
    command_write(
        listing=listing,
        sale=sale,
        kind=CommandKind.RESIZE,
        key=f"resize:{listing.external_id}:{listing.version}",
        payload={"seats": [seat.seat_number for seat in rest], "gone": sorted(gone), "at": now().isoformat()},
    )
