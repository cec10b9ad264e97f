"""Sales that their marketplace left unclear: a person decides, and the saga goes on from there."""

import uuid
from collections.abc import Sequence

from django.db import transaction

from listings.models import Sale, SaleEnding, SaleState
from listings.selectors import seats_of_listing
from listings.services.sale_decided import choosable_for, sale_dismiss, sale_listing_make, sale_settle
from listings.services.sale_report import sale_ask_whether_over, sale_report
from portfolios.models import Seat
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed


def sale_resolve(*, actor: Actor, sale_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], reason: str = "") -> Sale:
    """Say which seats an unclear sale took; none of them: that it is no sale, and its hold ends.

    Its marketplace is asked right after what it says by now, which counts for more; where it sold a listing of ours it
    is asked before, too, since no seat is freed that a buyer may have. Raises NotFound, NotAllowed, Conflict where it
    is not unclear, stands there or somebody else has a seat, or InvalidInput.
    """
    sale = Sale.objects.select_related("account", "listing__season_ticket").get_for(actor, sale_id)
    if not sale.may(actor, "list"):
        raise NotAllowed("You may look at this sale but not decide on it.")
    if sale.state != SaleState.NEEDS_PERSON:
        raise Conflict(
            f"This sale is {sale.get_state_display()}.", field="state", remedy="Only an unclear sale waits for you."
        )
    if not seat_ids:
        if not reason.strip():
            raise InvalidInput(
                "A reason is missing.", field="reason", remedy="Say in a few words why this is no sale of yours."
            )
        if sale.missing:
            # It was one, and is told no more: it ends as what its marketplace took back does, which is asked first.
            return sale_report(actor=actor, sale_id=sale.pk, what=SaleEnding.CANCELLED, reason=reason)
        if sale.listing is not None:
            sale_ask_whether_over(sale, field="state")
        with transaction.atomic():
            return sale_dismiss(actor=actor, sale=sale, reason=reason.strip())
    open_to = seats_to_choose(sale)
    if not open_to:
        raise InvalidInput(
            "The listing of this sale is unknown.",
            field="seats",
            remedy="Reject it at its marketplace, then dismiss it.",
        )
    seats = _seats(sale, open_to, seat_ids)
    with transaction.atomic():
        listing = sale.listing or sale_listing_make(actor=actor, sale=sale, seats=seats)
        return sale_settle(actor=actor, sale=sale, listing=listing, seats=seats)


def seats_to_choose(sale: Sale) -> list[Seat]:
    """The seats that an unclear sale may have taken, in seat order: its listing's, or those that it holds or may have.

    What its holder kept for himself when it came, and is free since, was held for nobody.
    """
    return seats_of_listing(sale.listing) if sale.listing else _in_order(choosable_for(sale))


def _in_order(seat_ids: Sequence[uuid.UUID]) -> list[Seat]:
    return list(Seat.objects.filter(pk__in=seat_ids).order_by("section", "row", "seat_number"))


def _seats(sale: Sale, open_to: Sequence[Seat], seat_ids: Sequence[uuid.UUID]) -> list[Seat]:
    wanted = set(seat_ids)
    seats = [seat for seat in open_to if seat.pk in wanted]
    if len(seats) != len(wanted):
        raise InvalidInput(
            "One of these seats is not of the listing that sold.", field="seats", remedy="Choose among its seats."
        )
    if sale.quantity and len(seats) != sale.quantity:
        raise InvalidInput(
            f"The buyer took {sale.quantity}, and you chose {len(seats)}.", field="seats",
            remedy=f"Choose {sale.quantity}.",
        )  # fmt: skip
    return seats
