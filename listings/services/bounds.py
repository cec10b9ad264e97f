"""The floor and the ceiling of a listing: the holder's own, and no rule's to move."""

import uuid
from decimal import Decimal

from django.db import transaction

from listings.locks import listings_lock
from listings.models import Listing, ListingStatus
from listings.selectors import bounds_of_listing
from listings.services.net_floor import net_expected, net_floor_problem, net_floor_settle
from listings.services.notify import listing_changed
from listings.states import OFFERED
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict, FieldProblem, InvalidInput, NotAllowed, NotFound, StaleVersion
from seatsync.core.money import money_text, round_money


@transaction.atomic
def listing_bounds_set(
    *, actor: Actor, listing_id: uuid.UUID, floor: Decimal, ceiling: Decimal, version: int | None
) -> Listing:
    """Set the least and the most that a listing may ask per ticket; its price must lie between them.

    A price must be left between them that its marketplace takes, and its team and venue let pass (I-12).

    Raises NotFound, NotAllowed, StaleVersion, InvalidInput (field by field), or Conflict where it is not on offer.
    """
    known = Listing.objects.visible_to(actor).filter(pk=listing_id).select_related("season_ticket").first()
    if known is None:
        raise NotFound("No listing with this id.")
    if not known.season_ticket.may(actor, "reprice"):
        raise NotAllowed("You may look at this listing but not change it.")
    (listing,) = listings_lock([listing_id])
    if version is not None and version != listing.version:
        raise StaleVersion(
            "The listing was changed meanwhile.", field="version", remedy="Look at it and decide again.",
            current_version=listing.version,
        )  # fmt: skip
    if listing.status not in OFFERED | {ListingStatus.ERROR}:
        raise Conflict(f"The listing is {listing.standing}.", remedy="Publish the seats again, with other bounds.")
    floor, ceiling = round_money(floor), round_money(ceiling)
    _check(listing, floor, ceiling)
    before = {"floor": listing.floor, "ceiling": listing.ceiling}
    listing.floor, listing.ceiling = floor, ceiling
    listing.version += 1
    listing.save(update_fields=["floor", "ceiling", "version", "updated_at"])
    net_floor_settle(listing)
    listing_changed(listing)
    audit_record(
        actor=actor, verb="listing.bounds", object_type="listing", object_id=listing.pk,
        subject=known.season_ticket.user_id, before=before, after={"floor": floor, "ceiling": ceiling},
    )  # fmt: skip
    return listing


def _check(listing: Listing, floor: Decimal, ceiling: Decimal) -> None:
    problems, price = [], money_text(listing.price, listing.currency)
    if floor <= 0:
        problems.append(FieldProblem("floor", "The floor must be above zero.", "Say the least you would take."))
    elif floor > listing.price:
        problems.append(FieldProblem("floor", f"The price is {price}, below it.", "Raise the price first."))
    if ceiling < listing.price:
        problems.append(FieldProblem("ceiling", f"The price is {price}, above it.", "Lower the price first."))
    if not problems and listing.floor_basis == "net":
        problem = net_floor_problem(
            platform=listing.platform, mode=listing.mode, price=listing.price, floor=floor,
            net=net_expected(listing, listing.price),
        )  # fmt: skip
        problems += [problem] if problem else []
    outer = bounds_of_listing(listing)
    problems += outer.span_problems(floor=floor, ceiling=ceiling, currency=listing.currency)
    if problems:
        raise InvalidInput("Some of the input is not valid.", problems=tuple(problems))
