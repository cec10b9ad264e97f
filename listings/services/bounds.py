"""The floor and the ceiling of a listing: the holder's own, and no rule's to move."""

import uuid
from decimal import Decimal

from django.db import transaction

from listings.models import Listing
from listings.selectors import bounds_of_listing
from listings.services.allowed import listing_locked_for
from listings.services.net_floor import net_expected, net_floor_problem, net_floor_settle
from listings.services.notify import listing_changed
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import FieldProblem, InvalidInput
from seatsync.core.money import money_text, round_money


@transaction.atomic
def listing_bounds_set(
    *, actor: Actor, listing_id: uuid.UUID, floor: Decimal, ceiling: Decimal, version: int | None
) -> Listing:
    """Set the least and the most that a listing may ask per ticket; its price must lie between them.

    A price must be left between them that its marketplace takes, and its team and venue let pass (I-12).

    Raises NotFound, NotAllowed, StaleVersion, InvalidInput (field by field), or Conflict where it is not on offer.
    """
    remedy = "Publish the seats again, with other bounds."
    listing = listing_locked_for(actor, listing_id, version=version, remedy=remedy)
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
        subject=listing.season_ticket.user_id, before=before, after={"floor": floor, "ceiling": ceiling},
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
            net=net_expected(listing, listing.price), currency=listing.currency,
        )  # fmt: skip
        problems += [problem] if problem else []
    outer = bounds_of_listing(listing)
    problems += outer.span_problems(floor=floor, ceiling=ceiling, currency=listing.currency)
    if problems:
        raise InvalidInput("Some of the input is not valid.", problems=tuple(problems))
