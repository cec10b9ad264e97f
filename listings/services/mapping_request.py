"""Asking a marketplace to add a game that it does not list: remembered once, and what waited for it goes out in words.

The request serves everybody who sells this game there, as a mapping does; so a holder's word that it is not there is
checked against what the marketplace shows (docs/adr/0011-mapping.md).
"""

import uuid

from django.db import transaction

from listings.models import Listing, MarketplaceCommand
from listings.services.events import request_problem, request_words
from listings.services.mapping import mapping_open, mapping_options, waiting_with
from listings.services.mend import commands_again
from marketplaces.contracts import Capability
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import platform_can, platform_name
from portfolios.models import Game
from portfolios.selectors import event_mapping_get, event_request_get
from portfolios.services.mapping import event_mapping_request
from seatsync.accounts.selectors import is_platform_staff
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict, InvalidInput


@transaction.atomic
def event_request(*, actor: Actor, command_id: uuid.UUID) -> list[MarketplaceCommand]:
    """Ask the marketplace to add the game that a publication waits for, and send all of one's own that waited for it.

    Returns them all: one that may not be sent any more waits on, with the reason, while the others go.
    Raises NotFound, InvalidInput where a section is waited for or the marketplace adds no events, Conflict where the
    game has no date that is known, the marketplace shows an event that is likely the game, cannot be asked, or is asked
    already, or the game is mapped meanwhile.
    """
    command = mapping_open(actor, command_id)
    listing, account = command.listing, command.account
    if listing is None:
        raise LookupError(f"command {command.pk} has no listing")
    _check(command, listing, account)
    if event_request_get(listing.game, account.platform, paper=account.paper) is None:
        if not is_platform_staff(actor):
            _check_not_there(actor, command)
        _remember(actor, account, listing.game)
    return commands_again(actor=actor, command_ids=waiting_with(actor, command, listing))


def _check(command: MarketplaceCommand, listing: Listing, account: MarketplaceAccount) -> None:
    name = platform_name(account.platform)
    if command.payload["wants"] != "event":
        raise InvalidInput(
            "This publication waits for a section.", field="command", remedy="Confirm what the section is called there."
        )
    if not platform_can(account.platform, Capability.REQUEST_EVENT):
        raise InvalidInput(
            f"{name} adds no events that sellers ask for.", field="command",
            remedy="Wait until it shows the game, or ask its own support.",
        )  # fmt: skip
    if problem := request_problem(listing.game):
        raise Conflict(problem, field="command", remedy="Wait for its new date, or take the listing down.")
    known = event_mapping_get(listing.game, account.platform, paper=account.paper)
    if known is not None:
        raise Conflict(
            f"{name} has it as event {known.remote_event_id}.", field="command",
            remedy="Send the listing again." if known.fits else "Ask support to undo that mapping first.",
        )  # fmt: skip


def _check_not_there(actor: Actor, command: MarketplaceCommand) -> None:
    """A second event of the same game would part its buyers between two."""
    options = mapping_options(actor=actor, command_id=command.pk)
    likely = next((one.event for one in options.events if one.event.event_id == options.chosen), None)
    if likely is not None:
        raise Conflict(
            f"{platform_name(command.account.platform)} shows {likely.name} on that day, which is likely the game.",
            field="command", remedy="Confirm it, or ask support.",
        )  # fmt: skip


def _remember(actor: Actor, account: MarketplaceAccount, game: Game) -> None:
    words = request_words(game)
    mapping = event_mapping_request(
        game=game, platform=account.platform, paper=account.paper, by=f"{actor.kind.value}:{actor.id}", words=words
    )
    audit_record(
        actor=actor, verb="event_mapping.request", object_type="event_mapping", object_id=mapping.pk,
        subject=account.user_id,
        after={"game": game.pk, "platform": account.platform, "paper": account.paper, "asked_for": words},
    )  # fmt: skip
