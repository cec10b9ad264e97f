"""Giving up what waits for a person: it is not sent any more, and what stands at the marketplace stays as it is."""

import uuid

from django.db import transaction

from listings.locks import command_lock, listings_lock
from listings.models import CommandKind, CommandState, MarketplaceCommand
from listings.selectors import command_own
from listings.services.command_alerts import alerts_of_commands_settle
from listings.services.delist import listing_take_down
from marketplaces.registry import platform_name
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict

# A price or a size would be sent again by the next sweep, and what comes down is never given up.
GIVEN_UP = frozenset({
    CommandKind.CREATE, CommandKind.VERIFY_GONE, CommandKind.CONFIRM_SALE, CommandKind.FULFIL,
    CommandKind.SYNC_ACCOUNT,
})  # fmt: skip


def may_give_up(command: MarketplaceCommand) -> bool:
    """Whether a command that waits for a person may be left at that."""
    return command.state == CommandState.NEEDS_PERSON and command.kind in GIVEN_UP


@transaction.atomic
def command_give_up(*, actor: Actor, command_id: uuid.UUID) -> MarketplaceCommand:
    """Send a command that waits for a person no more. A publication comes down, wherever it may have arrived.

    Raises NotFound, or Conflict where it does not wait for a person, or is of a kind that is never given up.
    """
    known = command_own(actor, command_id)
    locked = listings_lock([known.listing_id]) if known.listing_id else []
    command = command_lock(known.pk)
    if command.state != CommandState.NEEDS_PERSON:
        raise Conflict(f"The command is {command.get_state_display()}.", remedy="Nothing needs to be done.")
    if command.kind not in GIVEN_UP:
        name = platform_name(command.account.platform)
        raise Conflict(
            f"{name} would be asked for it again.", field="command",
            remedy="Try again, set the price that you want, or take the listing down.",
        )  # fmt: skip
    command.state, command.finished_at = CommandState.SUPERSEDED, now()
    command.save(update_fields=["state", "finished_at", "updated_at"])
    if command.kind == CommandKind.CREATE:
        for listing in locked:
            listing_take_down(listing, reason="given up: it could not be published")
    alerts_of_commands_settle([command])
    audit_record(
        actor=actor, verb="command.give_up", object_type="command", object_id=command.pk,
        subject=command.account.user_id,
    )  # fmt: skip
    return command
