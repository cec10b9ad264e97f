"""A publication that its marketplace refused: what was wrong with it is changed, and it is sent once more."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction

from listings.locks import command_lock, listings_lock
from listings.models import (
    CommandKind,
    CommandState,
    Listing,
    ListingSeat,
    ListingStatus,
    MarketplaceCommand,
    SplitType,
)
from listings.selectors import command_own, may_be_shown
from listings.services.command_alerts import alert_needs_person, alerts_of_commands_settle
from listings.services.delivery_terms import promise, terms_of
from listings.services.list_until import still_listable_check
from listings.services.outbox import command_retry
from listings.services.pricing import listing_reprice
from listings.services.publish import delivery_check, offer_check
from listings.services.restate import listing_restate
from marketplaces.registry import platform_name
from marketplaces.splits import split_offerable
from portfolios.locks import seats_lock
from portfolios.models import OwnerState, Seat
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, InvalidInput, SeatSyncError


def refused_publication(listing: Listing) -> MarketplaceCommand | None:
    """The publication of a listing in error that waits to be sent again; None where there is none."""
    if listing.status != ListingStatus.ERROR:
        return None
    waiting = listing.commands.filter(kind=CommandKind.CREATE, state=CommandState.NEEDS_PERSON, by_hand=False)
    return waiting.order_by("created_at").last()


def listing_mend(
    *, actor: Actor, listing_id: uuid.UUID, price: Decimal | None = None, split_type: str = "",
    version: int | None = None, confirmed: bool = False,
) -> Listing:  # fmt: skip
    """Send a refused publication again: at this price, under this split, delivered as the season ticket says by now.

    The price passes the pricing door. Raises what that raises, NotFound, InvalidInput, or Conflict where nothing was
    refused, its seats are not free any more, are offered by another listing there or in the other market, or it
    is too late to list them.
    """
    listing = Listing.objects.visible_to(actor).get_for(actor, listing_id)
    command = refused_publication(listing)
    if command is None:
        raise Conflict(
            f"The listing is {listing.standing}.", field="status", remedy="Only what was refused is sent again."
        )
    command_own(actor, command.pk)
    refusal: SeatSyncError | None = None
    with transaction.atomic():
        seats = _seats_locked(command)
        try:
            if price is not None and price != listing.price:
                listing_reprice(actor=actor, listing_id=listing.pk, price=price, version=version, confirmed=confirmed)
        except (InvalidInput, Conflict) as error:
            # What the door refused is kept with its verdicts.
            refusal = error
        else:
            _send_again(actor, command, seats, split_type)
    if refusal is not None:
        raise refusal
    return Listing.objects.select_related("game", "account").get(pk=listing.pk)


def command_again(*, actor: Actor, command_id: uuid.UUID) -> MarketplaceCommand:
    """Send a command that needed a person once more; a refused publication as `listing_mend` does, changed or not."""
    command = command_own(actor, command_id)
    refused = refused_publication(command.listing) if command.listing is not None else None
    if refused is None or refused.pk != command.pk:
        return command_retry(actor=actor, command_id=command_id)
    with transaction.atomic():
        return _send_again(actor, refused, _seats_locked(refused), "")


@transaction.atomic
def commands_again(*, actor: Actor, command_ids: Iterable[uuid.UUID]) -> list[MarketplaceCommand]:
    """Send each of these refused publications once more, or keep it waiting with the reason why not.

    One that is refused stops no other; of two of the same seats the first goes. All are locked before any is judged.
    """
    commands = sorted((command_own(actor, command_id) for command_id in command_ids), key=lambda command: command.pk)
    offers = ListingSeat.objects.filter(listing__in=[command.listing_id for command in commands], offered=True)
    seat_ids = defaultdict[uuid.UUID, set[uuid.UUID]](set)
    for listing_id, seat_id in offers.values_list("listing_id", "seat_id"):
        seat_ids[listing_id].add(seat_id)
    seats = seats_lock(set().union(*seat_ids.values()))
    listings = {listing.pk: listing for listing in listings_lock(filter(None, (one.listing_id for one in commands)))}
    read_back, refused = dict[uuid.UUID, bool](), dict[uuid.UUID, tuple[Listing, str]]()
    for command in commands:
        listing = listings[command.listing_id] if command.listing_id else None
        if listing is None or refused_publication(listing) != command:
            continue
        try:
            with transaction.atomic():
                own = [seat for seat in seats if seat.pk in seat_ids[listing.pk]]
                read_back[command.pk] = _made_ready(command, listing, own, "")
        except (Conflict, InvalidInput) as refusal:
            refused[command.pk] = listing, f"{refusal.detail} {refusal.remedy}"
    return [
        _waits_on(command, *refused[command.pk])
        if command.pk in refused
        else command_retry(actor=actor, command_id=command.pk, read_back=read_back.get(command.pk, True))
        for command in commands
    ]


def _waits_on(known: MarketplaceCommand, listing: Listing, why: str) -> MarketplaceCommand:
    """What it waited for is answered: it waits for this now."""
    command = command_lock(known.pk)
    if command.state != CommandState.NEEDS_PERSON:
        return command
    command.payload, command.last_error = {**command.payload, "wants": ""}, why[:300]
    command.save(update_fields=["payload", "last_error", "updated_at"])
    if listing.status == ListingStatus.ERROR:
        listing_restate(listing, ListingStatus.ERROR, f"not published: {why}")
    # What was asked is answered; something else is asked.
    alerts_of_commands_settle([command])
    alert_needs_person(command, listing)
    return command


def _seats_locked(command: MarketplaceCommand) -> list[Seat]:
    rows = ListingSeat.objects.filter(listing=command.listing_id, offered=True)
    return seats_lock(rows.values_list("seat_id", flat=True))


def _send_again(actor: Actor, command: MarketplaceCommand, seats: list[Seat], split_type: str) -> MarketplaceCommand:
    (listing,) = listings_lock([pk for pk in (command.listing_id,) if pk])
    read_back = _made_ready(command, listing, seats, split_type)
    return command_retry(actor=actor, command_id=command.pk, read_back=read_back)


def _made_ready(command: MarketplaceCommand, listing: Listing, seats: list[Seat], split_type: str) -> bool:
    """The locked listing as it is sent; returns whether what an earlier try did is read back first."""
    _check_free(listing, seats)
    offer_check(seats, listing.game, [listing.account])
    unknown = command.outcome_unknown or bool(listing.listing_id)
    if split_type and split_type != listing.split_type:
        _split(listing, split_type, unknown=unknown)
    if not unknown:
        # No buyer was promised anything yet.
        terms = terms_of(listing.season_ticket)
        delivery_check(terms, [listing.account], listing.game)
        promise(listing, terms)
    still_listable_check(listing, else_do="Take this listing down.")
    listing.save(update_fields=["split_type", "delivery", "in_hand_on", "disclosures", "updated_at"])
    listing_restate(listing, ListingStatus.PUBLISHING, "")
    return unknown


def _split(listing: Listing, split_type: str, *, unknown: bool) -> None:
    if unknown:
        raise Conflict(
            "It may be up there already, as it was sent.", field="split_type",
            remedy="Try again as it is, or take it down and publish it anew.",
        )  # fmt: skip
    if split_type not in SplitType.values:
        raise InvalidInput(
            f"{split_type!r} is unknown.", field="split_type", remedy=f"Use {', '.join(SplitType.values)}."
        )
    if not split_offerable(split_type, listing.quantity):
        raise InvalidInput(
            f"{listing.quantity} seats cannot be sold in pairs.", field="split_type", remedy="Choose another split."
        )
    listing.split_type = split_type


def _check_free(listing: Listing, seats: list[Seat]) -> None:
    """Raises Conflict where a seat is sold or kept meanwhile, or offered over the same account by another listing."""
    taken = next((seat for seat in seats if seat.state != OwnerState.AVAILABLE), None)
    if taken is not None:
        raise Conflict(f"Seat {taken} is {taken.get_state_display()}.", field="seats", remedy="Take this listing down.")
    others = ListingSeat.objects.filter(may_be_shown(), seat__in=seats, offered=True, listing__account=listing.account)
    if (doubled := others.exclude(listing=listing).select_related("seat").first()) is not None:
        raise Conflict(
            f"Seat {doubled.seat} is listed on {platform_name(listing.platform)} already, by another listing.",
            field="seats", remedy="Take this listing down.",
        )  # fmt: skip
