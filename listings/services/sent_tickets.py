"""Tickets that went to a marketplace with a listing: it gives them to whoever buys there, and they to nobody else."""

import uuid
from collections.abc import Iterable, Mapping

from django.db.models import Exists, OuterRef, Q, Subquery

from listings.models import Listing, ListingTicket, Sale, SaleSeat, SaleState
from listings.states import MAY_BE_UP
from marketplaces.registry import platform_name


def sent_keep(listing: Listing, marks: Mapping[uuid.UUID, str]) -> None:
    """These (by seat) are about to go with the listing; what went before is replaced there by them."""
    ListingTicket.objects.filter(listing=listing).delete()
    ListingTicket.objects.bulk_create([
        ListingTicket(tenant_id=listing.tenant_id, listing=listing, seat_id=seat_id, fingerprint=mark)
        for seat_id, mark in marks.items()
    ])  # fmt: skip


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
    return {wanted[row.fingerprint]: _words(row) for row in given if row.seat_id != wanted[row.fingerprint]}


def _words(row: ListingTicket) -> str:
    """Who has it: "It went with seat 3 of 131/27 to StubHub sale 501."."""
    name, seat = platform_name(row.listing.platform), row.seat
    sold_as: str | None = getattr(row, "sold_as", None)
    where = f"sale {sold_as}" if sold_as else f"listing {row.listing.listing_id or row.listing.external_id}"
    return f"It went with seat {seat.seat_number} of {seat.section}/{seat.row} to {name} {where}."
