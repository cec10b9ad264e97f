"""Tickets that went to a marketplace with a listing: it gives them to whoever buys there, and they to nobody else."""

import uuid
from collections.abc import Collection, Iterable, Mapping

from django.db.models import Exists, OuterRef, Q, Subquery

from listings.models import (
    CommandKind,
    CommandState,
    Listing,
    ListingTicket,
    MarketplaceCommand,
    Sale,
    SaleSeat,
    SaleState,
)  # fmt: skip
from listings.states import MAY_BE_UP
from marketplaces.registry import platform_name
from portfolios.models import Seat

# In a command's payload: what it replaces, each ticket's mark with its seat.
_REPLACED = "replaced"


def sent_keep(listing: Listing, marks: Mapping[uuid.UUID, str]) -> None:
    """These (by seat) are about to go with the listing; what went before is replaced there by them."""
    ListingTicket.objects.filter(listing=listing).delete()
    ListingTicket.objects.bulk_create([
        ListingTicket(tenant_id=listing.tenant_id, listing=listing, seat_id=seat_id, fingerprint=mark)
        for seat_id, mark in marks.items()
    ])  # fmt: skip


def replaced_keep(command: MarketplaceCommand, listing: Listing, marks: Collection[str]) -> None:
    """What a listing was sent before, and a command is about to replace: until that is done it may be there still."""
    before = ListingTicket.objects.filter(listing=listing).exclude(fingerprint__in=marks)
    replaced = {mark: str(seat_id) for mark, seat_id in before.values_list("fingerprint", "seat")}
    found = MarketplaceCommand.objects.get(pk=command.pk)
    found.payload = {**found.payload, _REPLACED: {**found.payload.get(_REPLACED, {}), **replaced}}
    found.save(update_fields=["payload", "updated_at"])


def _replaced_elsewhere(tenant_id: uuid.UUID, wanted: Mapping[str, uuid.UUID]) -> dict[uuid.UUID, str]:
    """Of these tickets those that a listing on show has until others have arrived there, in words; by seat."""
    under_way = MarketplaceCommand.objects.filter(
        tenant_id=tenant_id, kind=CommandKind.SUPPLY, listing__status__in=MAY_BE_UP, listing__undeliverable_at=None,
        **{f"payload__{_REPLACED}__has_any_keys": list(wanted)},
    ).exclude(state=CommandState.DONE)  # fmt: skip
    found = dict[uuid.UUID, str]()
    for command in under_way.select_related("listing"):
        kept = {mark: seat for mark, seat in command.payload[_REPLACED].items() if mark in wanted}
        for mark, seat_id in kept.items():
            if command.listing is not None and seat_id != str(wanted[mark]):
                found[wanted[mark]] = _went_with(Seat.objects.get(pk=seat_id), command.listing, "")
    return found


def sent_elsewhere(tenant_id: uuid.UUID, marks: Iterable[tuple[uuid.UUID, str]]) -> dict[uuid.UUID, str]:
    """Of these tickets (each of a seat) those that a buyer of another seat has or may get, in words; by seat.

    A listing that its marketplace hides for want of tickets sells nothing until it was sent others.
    """
    wanted = {mark: seat_id for seat_id, mark in marks}
    own_sale = SaleSeat.objects.filter(seat=OuterRef("seat"), live=True, sale__listing=OuterRef("listing"))
    unclear = Sale.objects.filter(listing=OuterRef("listing"), state=SaleState.NEEDS_PERSON)
    on_show = Q(listing__status__in=MAY_BE_UP, listing__undeliverable_at=None)
    sent = ListingTicket.objects.filter(tenant_id=tenant_id, fingerprint__in=wanted).select_related("listing", "seat")
    found = sent.annotate(sold_as=Subquery(own_sale.values("sale__platform_sale_id")[:1]))
    given = found.filter(on_show | Q(sold_as__isnull=False) | Exists(unclear))
    there = {wanted[row.fingerprint]: _words(row) for row in given if row.seat_id != wanted[row.fingerprint]}
    return {**_replaced_elsewhere(tenant_id, wanted), **there}


def _words(row: ListingTicket) -> str:
    return _went_with(row.seat, row.listing, getattr(row, "sold_as", None) or "")


def _went_with(seat: Seat, listing: Listing, sold_as: str) -> str:
    """Who has it: "It went with seat 3 of 131/27 to StubHub sale 501."."""
    name = platform_name(listing.platform)
    where = f"sale {sold_as}" if sold_as else f"listing {listing.listing_id or listing.external_id}"
    return f"It went with seat {seat.seat_number} of {seat.section}/{seat.row} to {name} {where}."
