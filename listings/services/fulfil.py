"""Handing over: the holder says how the tickets went to the buyer, and the marketplace is told with the proof."""

import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.db import transaction

from listings.locks import sale_lock
from listings.models import CommandKind, CommandState, MarketplaceCommand, Sale, SaleState
from listings.services.commands import command_write
from listings.services.notify import sale_changed
from marketplaces.contracts import HandOver
from marketplaces.registry import hand_overs_of, platform_name
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict, FieldProblem, InvalidInput, NotAllowed

MOST_URLS = 40


@transaction.atomic
def sale_fulfil(
    *, actor: Actor, sale_id: uuid.UUID, method: str, transfer_urls: Sequence[str] = (), confirmation: str = ""
) -> MarketplaceCommand:
    """Write the command that tells the marketplace how the tickets were handed over.

    `method` is a HandOver that the marketplace takes. `mobile_transfer` needs the transfer's confirmation number,
    `transfer_url` one https address a ticket. Raises NotFound, NotAllowed, InvalidInput by field, or Conflict where
    the sale does not wait for its tickets or its marketplace takes no proof at all.
    """
    seen = Sale.objects.get_for(actor, sale_id)
    if seen.listing is not None and not seen.listing.season_ticket.may(actor, "list"):
        raise NotAllowed("You may look at this sale but not hand it over.")
    sale = sale_lock(seen.pk)
    name, ways = platform_name(sale.platform), hand_overs_of(sale.platform)
    if not ways:
        raise Conflict(f"{name} takes no proof here.", field="sale", remedy="Hand the tickets over on its own site.")
    if sale.state != SaleState.CONFIRMED:
        raise Conflict(
            f"The sale is {sale.get_state_display()}.",
            field="sale",
            remedy="Only a sale that waits is handed over.",
        )
    _check_way(method, name, ways)
    _check(method, transfer_urls, confirmation, sale.quantity)
    waiting = sale.commands.filter(
        kind=CommandKind.FULFIL, state__in=[CommandState.PENDING, CommandState.IN_FLIGHT]
    ).exists()
    if waiting:
        raise Conflict("The hand-over is on its way already.", remedy="Wait for the marketplace's answer.")
    command = command_write(
        sale=sale,
        kind=CommandKind.FULFIL,
        key=f"fulfil:{sale.pk}:{sale.version}",
        payload={"method": method, "transfer_urls": list(transfer_urls), "confirmation": confirmation.strip()},
    )
    sale.version += 1
    sale.save(update_fields=["version", "updated_at"])
    sale_changed(sale)
    audit_record(
        actor=actor, verb="sale.fulfil", object_type="sale", object_id=sale.pk, subject=sale.account.user_id,
        after={"method": method, "tickets": sale.quantity},
    )  # fmt: skip
    return command


def _check_way(method: str, name: str, ways: Sequence[HandOver]) -> None:
    if method not in ways:
        known = method in set(HandOver)
        detail = f"{name} does not take {method}." if known else f"{method!r} is unknown."
        raise InvalidInput(detail, field="method", remedy=f"Use {' or '.join(ways)}.")


def _check(method: str, urls: Sequence[str], confirmation: str, quantity: int) -> None:
    problems = []
    if method == HandOver.MOBILE_TRANSFER and not confirmation.strip():
        problems.append(
            FieldProblem("confirmation", "The transfer's confirmation is missing.", "Copy it from the ticket app.")
        )
    if method == HandOver.TRANSFER_URL:
        if len(urls) != quantity:
            problems.append(
                FieldProblem("transfer_urls", f"{len(urls)} addresses for {quantity} tickets.", "Give one a ticket.")
            )
        bad = next((url for url in urls[:MOST_URLS] if not _is_address(url)), None)
        if bad is not None:
            problems.append(FieldProblem("transfer_urls", f"{bad!r} is no https address.", "Copy the whole address."))
        if len(set(urls)) != len(urls):
            problems.append(FieldProblem("transfer_urls", "An address is given twice.", "Give each ticket its own."))
    if problems:
        raise InvalidInput("Some of the input is not valid.", problems=tuple(problems))


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.netloc)
