"""Sales that their marketplace left unclear: a person decides, and the saga goes on from there."""

import uuid
from collections.abc import Sequence

from django.db import transaction

from listings.models import Listing, Sale, SaleEnding, SaleState
from listings.services.sale_report import sale_ask_whether_over, sale_report
from listings.services.sale_saga import sale_dismiss, sale_settle
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
    if sale.listing is None:
        raise InvalidInput(
            "The listing of this sale is unknown.",
            field="seats",
            remedy="Reject it at its marketplace, then dismiss it.",
        )
    seats = _seats(sale, sale.listing, seat_ids)
    with transaction.atomic():
        return sale_settle(actor=actor, sale=sale, listing=sale.listing, seats=seats)


def _seats(sale: Sale, listing: Listing, seat_ids: Sequence[uuid.UUID]) -> list[Seat]:
    wanted = list(dict.fromkeys(seat_ids))
    seats = list(Seat.objects.filter(pk__in=wanted, listing_seats__listing=listing))
    if len(seats) != len(wanted):
        raise InvalidInput(
            "One of these seats is not of the listing that sold.", field="seats", remedy="Choose among its seats."
        )
    if len(seats) != sale.quantity:
        raise InvalidInput(
            f"The buyer took {sale.quantity}, and you chose {len(seats)}.", field="seats",
            remedy=f"Choose {sale.quantity}.",
        )  # fmt: skip
    return seats
