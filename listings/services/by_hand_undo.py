"""A tap that said too early that seats are down: they are a task again, and nag, as long as they are on show there."""

import uuid

from django.db import transaction

from listings.locks import command_lock
from listings.models import CommandKind, CommandState, Listing, ListingStatus, MarketplaceCommand
from listings.selectors import NOT_DONE
from listings.services.by_hand import hand_task
from listings.services.commands import command_write
from listings.services.record import command_scene
from listings.services.restate import listing_restate
from listings.states import TAKES_DOWN, UP
from marketplaces.models import Mode
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict

BY_MISTAKE = "it was said to be down by mistake"
_DOWN = frozenset({ListingStatus.CANCELLED, ListingStatus.EXPIRED})


@transaction.atomic
def hand_not_done(*, actor: Actor, command_id: uuid.UUID) -> MarketplaceCommand:
    """Say that what was said to be down is still on show there; returns the task that asks for it again.

    Said twice it is one task. Raises NotFound, or Conflict for what is no take-down, was not said to be done, or is of
    a listing that stands otherwise by now.
    """
    known = hand_task(actor, command_id)
    if known.listing is None or known.kind not in TAKES_DOWN:
        raise Conflict("It takes nothing down.", field="command", remedy="Say on the listing's page what is so there.")
    listing, _, _ = command_scene(known)
    command = command_lock(known.pk)
    again = MarketplaceCommand.objects.filter(idempotency_key=_key(command), state=CommandState.NEEDS_PERSON).first()
    if again is not None:
        return again
    if listing is None or command.state != CommandState.DONE:
        raise Conflict(f"It is {command.get_state_display()}.", field="command", remedy="Look at your tasks.")
    _check(command, listing)
    if command.kind == CommandKind.DELIST:
        listing.gone_verified_at = None
        listing.save(update_fields=["gone_verified_at", "updated_at"])
        listing_restate(listing, ListingStatus.DELISTING, BY_MISTAKE)
    task = command_write(
        listing=listing, sale=command.sale, kind=CommandKind(command.kind), key=_key(command),
        payload={key: value for key, value in command.payload.items() if key != "nagged"},
    )  # fmt: skip
    audit_record(
        actor=actor, verb="command.not_done", object_type="command", object_id=command.pk,
        subject=command.account.user_id, after={"kind": command.kind, "again": str(task.pk)},
    )  # fmt: skip
    return task


def _key(command: MarketplaceCommand) -> str:
    return f"{NOT_DONE}{command.pk}"


def _check(command: MarketplaceCommand, listing: Listing) -> None:
    """Raises Conflict where it cannot be that only this is wrong."""
    if listing.account.mode != Mode.ASSISTED or not listing.account.is_active:
        raise Conflict("This account is not worked by hand any more.", field="command", remedy="Look at the listing.")
    expected = _DOWN if command.kind == CommandKind.DELIST else UP
    if listing.status not in expected:
        raise Conflict(f"The listing is {listing.standing}.", field="command", remedy="Look at your tasks, and at it.")
