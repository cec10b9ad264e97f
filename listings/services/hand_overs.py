"""What tasks to hand over tell their holder, to whom and what, read for all of them together."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import prefetch_related_objects
from django.utils.text import capfirst

from listings.models import CommandKind, MarketplaceCommand, Sale, SaleProof
from listings.services.fulfil import GIVEN_NO_MORE, hand_over_to, has_still
from marketplaces.delivery import HandOver
from seatsync.core.actors import Actor
from seatsync.core.subjects import SubjectKeys


def hand_overs_told(actor: Actor, commands: Iterable[MarketplaceCommand]) -> dict[uuid.UUID, list[str]]:
    """Lines of those commands that hand over a sale of the actor's own account, by command; of others nothing."""
    own = [command for command in commands if _is_told(actor, command)]
    sales = {command.pk: command.sale for command in own if command.sale is not None}
    if not sales:
        return {}
    prefetch_related_objects(list(sales.values()), "account", "listing__season_ticket__shares")
    rows, keys = _proofs(own)
    return {
        command.pk: _buyer(actor, sales[command.pk], keys) + _pieces(command, rows[command.pk], keys)
        for command in own
        if command.pk in sales
    }


def _is_told(actor: Actor, command: MarketplaceCommand) -> bool:
    return command.kind == CommandKind.FULFIL and actor.user_id == command.account.user_id


def _proofs(commands: Sequence[MarketplaceCommand]) -> tuple[dict[uuid.UUID, list[SaleProof]], SubjectKeys]:
    """What these hand over, by command, with the keys under which it lies; the tickets themselves are not read."""
    found = SaleProof.objects.filter(command__in=commands, live=True).select_related("seat__ticket").order_by("place")
    rows, subjects = defaultdict[uuid.UUID, list[SaleProof]](list), {command.account.user_id for command in commands}
    for row in found.defer("seat__ticket__sealed"):
        rows[row.command_id].append(row)
        if row.seat is not None and has_still(row.seat, row):
            subjects.add(row.seat.ticket.subject)
    return rows, SubjectKeys(subjects)


def _buyer(actor: Actor, sale: Sale, keys: SubjectKeys) -> list[str]:
    buyer = hand_over_to(actor, sale, keys.unseal)
    told = (("Buyer", buyer.name), ("Mail", buyer.email), ("Phone", buyer.phone)) if buyer else ()
    return [f"{what}: {text}" for what, text in told if text]


def _pieces(command: MarketplaceCommand, rows: Sequence[SaleProof], keys: SubjectKeys) -> list[str]:
    """What goes: a seat's ticket by what tells it from another, its barcode never."""
    lines = [_piece(command, row, keys) for row in rows]
    return lines if lines and all(lines) else [f"{capfirst(GIVEN_NO_MORE)}."]


def _piece(command: MarketplaceCommand, row: SaleProof, keys: SubjectKeys) -> str:
    """One piece; "" where it is gone: another ticket was entered, or its holder's key was destroyed."""
    if row.seat is not None:
        there = has_still(row.seat, row) and row.seat.ticket.subject in keys
        return f"Ticket of seat {row.seat.seat_number}: {row.seat.ticket.hint}" if there else ""
    text = keys.unseal(command.account.user_id, row.sealed)
    what = "Link" if row.method == HandOver.TRANSFER_URL else "Number"
    return f"{what}: {text.decode()}" if text else ""
