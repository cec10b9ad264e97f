"""The tickets themselves, seat by seat: checked by type, kept under their holder's own key, and in no log."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac

from listings.models import CommandKind, CommandState, Listing, ListingTicket, MarketplaceCommand, SeatTicket
from listings.services.commands import command_write
from listings.services.seat_ids import offered_ids
from listings.services.sent_tickets import replaced_keep, sent_elsewhere, sent_keep
from listings.states import OFFERED
from marketplaces import delivery
from marketplaces.contracts import Capability
from marketplaces.delivery import OF_SEATS, HandOver
from marketplaces.registry import platform_can, supplied_as
from portfolios.locks import seats_lock, seats_lock_whole
from portfolios.models import Seat
from portfolios.services.ledger import seats_for
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import FieldProblem, InvalidInput
from seatsync.core.subjects import subject_seal, subject_unseal

_FILES = {HandOver.PDF: "a PDF", HandOver.QR_CODE: "a PNG or JPEG picture"}
# As many signs of a barcode tell it from another, and never more than a third of it.
_HINT_SIGNS, _HINT_PART = 4, 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One seat's ticket as it was entered: a barcode, or a file with its name."""

    seat_id: uuid.UUID
    barcode: str = field(default="", repr=False)
    content: bytes = field(default=b"", repr=False)
    name: str = ""

    @property
    def piece(self) -> bytes:
        """The ticket itself."""
        return self.barcode.encode() or self.content

    @property
    def mark(self) -> str:
        """By which it is found again; of a barcode in one spelling, since readers print it in several."""
        return fingerprint(re.sub(r"[ -]", "", self.barcode).upper().encode() or self.content)


def fingerprint(content: bytes) -> str:
    """A keyed hash by which the same ticket is found again without being read."""
    return salted_hmac("seatsync.ticket", content, algorithm="sha256").hexdigest()


@transaction.atomic
def tickets_enter(*, actor: Actor, kind: str, entries: Sequence[Entry]) -> list[SeatTicket]:
    """Keep the tickets of these seats; one that a seat had before is replaced.

    `kind` is barcode, pdf or qr_code. Listings that their marketplace hides for want of tickets are supplied. Raises
    NotFound, NotAllowed, or InvalidInput that names the seat: of no ticket what was entered is repeated.
    """
    if kind not in OF_SEATS:
        kinds = ", ".join(sorted(OF_SEATS))
        raise InvalidInput(f"{kind!r} is no kind of ticket.", field="kind", remedy=f"Use {kinds}.")
    if not entries:
        wanted = "a barcode" if kind == HandOver.BARCODE else "a file"
        raise InvalidInput("No ticket was given.", field="tickets", remedy=f"Give {wanted} for at least one seat.")
    seats = {seat.pk: seat for seat in seats_for(actor, [entry.seat_id for entry in entries], verb="list")}
    media = _checked(HandOver(kind), seats, entries)
    seats_lock_whole(seats.values())
    prints = [entry.mark for entry in entries]
    _check_once(seats, entries, prints)
    kept = [
        _ticket(seats[entry.seat_id], HandOver(kind), entry, mark, kind_of)
        for entry, mark, kind_of in zip(entries, prints, media, strict=True)
    ]
    try:
        with transaction.atomic():
            _replace(kept)
    except IntegrityError:
        # Another seat was given one of them in this moment: by now it is seen.
        _check_once(seats, entries, prints)
        raise
    audit_record(
        actor=actor, verb="seat_tickets.entered", object_type="season_ticket",
        object_id=next(iter(seats.values())).season_ticket_id, subject=next(iter(seats.values())).season_ticket.user_id,
        after={"kind": kind, "seats": [str(pk) for pk in seats]},
    )  # fmt: skip
    _supply(kept)
    return kept


def _checked(kind: HandOver, seats: Mapping[uuid.UUID, Seat], entries: Iterable[Entry]) -> list[str]:
    """The media type of each entry ("": a barcode). Raises InvalidInput."""
    problems, found, met = [], [], set[uuid.UUID]()
    for entry in entries:
        name = f"seat_{seats[entry.seat_id].seat_number}"
        found.append("" if kind is HandOver.BARCODE else delivery.media_type_of(entry.content, kind))
        if entry.seat_id in met:
            problems.append(FieldProblem(name, "The seat is given twice.", "Give each seat once."))
        elif problem := _problem(kind, entry, found[-1]):
            detail, remedy = problem
            problems.append(FieldProblem(name, detail, remedy))
        met.add(entry.seat_id)
    if problems:
        raise InvalidInput("Some tickets are not valid.", problems=tuple(problems))
    return found


def _problem(kind: HandOver, entry: Entry, media: str) -> tuple[str, str] | None:
    """Why this is no ticket of its kind, and the remedy; None where it is one."""
    if kind is HandOver.BARCODE:
        if entry.content:
            return "A file is no barcode.", "Give the barcode alone, or all tickets as files."
        detail = delivery.barcode_problem(entry.barcode)
        return (detail, "Copy it from the ticket.") if detail else None
    if entry.barcode:
        return "A barcode is no file.", "Give the file alone, or all tickets as barcodes."
    if len(entry.content) > delivery.MOST_BYTES:
        return "The file is larger than 2 MB.", "Save the ticket's page alone."
    return None if media else (f"This is not {_FILES[kind]}.", "Save the ticket as one.")


def _check_once(seats: Mapping[uuid.UUID, Seat], entries: Sequence[Entry], prints: Sequence[str]) -> None:
    """Raises InvalidInput where a ticket is given twice: here, to a seat that has it, or to whoever buys elsewhere."""
    problems, met = [], dict[str, Seat]()
    tenant_id = next(iter(seats.values())).tenant_id
    others = SeatTicket.objects.filter(tenant_id=tenant_id, fingerprint__in=prints).exclude(seat_id__in=seats)
    taken = {ticket.fingerprint: ticket.seat for ticket in others.select_related("seat")}
    for entry, mark in zip(entries, prints, strict=True):
        seat = seats[entry.seat_id]
        other = met.get(mark) or taken.get(mark)
        if other is not None and other.pk != seat.pk:
            detail = f"Seat {other.seat_number} of {other.section}/{other.row} has the same ticket."
            problems.append(FieldProblem(f"seat_{seat.seat_number}", detail, "Give each seat its own."))
        met[mark] = seat
    went = sent_elsewhere(tenant_id, [(entry.seat_id, mark) for entry, mark in zip(entries, prints, strict=True)])
    problems += [
        FieldProblem(f"seat_{seats[seat_id].seat_number}", words, "Give another, or take that listing down first.")
        for seat_id, words in went.items()
    ]
    if problems:
        raise InvalidInput("Some tickets are given twice.", problems=tuple(problems))


def _ticket(seat: Seat, kind: HandOver, entry: Entry, mark: str, media_type: str) -> SeatTicket:
    subject = seat.season_ticket.user_id
    (sealed,) = subject_seal(subject, entry.piece)
    shown = min(_HINT_SIGNS, len(entry.barcode) // _HINT_PART)
    hint = f"ends in {entry.barcode[-shown:]}" if entry.barcode else entry.name[:80]
    return SeatTicket(
        tenant_id=seat.tenant_id, seat=seat, subject=subject, kind=kind.value, sealed=sealed, hint=hint,
        media_type=media_type, fingerprint=mark, entered_at=now(),
    )  # fmt: skip


def _replace(tickets: Sequence[SeatTicket]) -> None:
    """These instead of what their seats had: all of that goes first, since two seats may have had each other's."""
    SeatTicket.objects.filter(seat__in=[ticket.seat_id for ticket in tickets]).delete()
    SeatTicket.objects.bulk_create(tickets)


def _supply(kept: Sequence[SeatTicket]) -> None:
    """Listings of these seats that are hidden for want of them, or went with others, get them where that can be.

    What a marketplace has it gives to whoever buys there.
    """
    kinds = {ticket.seat_id: ticket.kind for ticket in kept}
    replaced = Q(pk__in=[])
    for ticket in kept:
        others = ListingTicket.objects.filter(seat=ticket.seat_id).exclude(fingerprint=ticket.fingerprint)
        replaced |= Q(pk__in=others.values("listing"), listing_seats__seat_id=ticket.seat_id)
    offering = Listing.objects.filter(
        listing_seats__seat_id__in=kinds, listing_seats__offered=True, status__in=OFFERED
    )  # fmt: skip
    for listing in offering.filter(replaced | Q(undeliverable_at__isnull=False)).distinct():
        wanted = supplied_as(listing.platform, listing.delivery)
        if platform_can(listing.platform, Capability.SUPPLY) and wanted in kinds.values() and not _awaited(listing):
            key = f"supply:{listing.external_id}:{now():%Y%m%d%H%M%S%f}"
            command_write(listing=listing, kind=CommandKind.SUPPLY, key=key)


def _awaited(listing: Listing) -> bool:
    """Whether a command waits already that will read the tickets when it sends them: under the locks held here."""
    return listing.commands.filter(kind=CommandKind.SUPPLY, state=CommandState.PENDING).exists()


def tickets_of(seats: Iterable[Seat], kind: str) -> dict[uuid.UUID, SeatTicket]:
    """The tickets of this kind that these seats have, by seat."""
    return {ticket.seat_id: ticket for ticket in SeatTicket.objects.filter(seat__in=list(seats), kind=kind)}


def opened(ticket: SeatTicket) -> delivery.SeatTicket | None:
    """The ticket as it is sent; None where its holder's key was destroyed."""
    content = subject_unseal(ticket.subject, ticket.sealed)
    if content is None:
        return None
    seat = str(ticket.seat.seat_number)
    if ticket.kind == HandOver.BARCODE:
        return delivery.SeatTicket(seat, barcode=content.decode())
    return delivery.SeatTicket(seat, content=content, media_type=ticket.media_type)


def barcodes_of(tickets: Iterable[delivery.SeatTicket]) -> list[str]:
    """The barcodes of these, which may stand in no error and no log; those that are files have none."""
    return [ticket.barcode for ticket in tickets if ticket.barcode]


def barcodes_whole(listing: Listing) -> tuple[delivery.SeatTicket, ...]:
    """The barcodes of all seats that a listing offers, in their order; empty where one is missing."""
    return _whole(_kept(listing, HandOver.BARCODE))


def _kept(listing: Listing, kind: HandOver) -> list[SeatTicket]:
    offered = [row.seat for row in listing.listing_seats.filter(offered=True).select_related("seat")]
    known = tickets_of(offered, kind)
    in_order = [known[seat.pk] for seat in sorted(offered, key=lambda one: one.seat_number) if seat.pk in known]
    return in_order if len(in_order) == len(offered) else []


def _whole(kept: Sequence[SeatTicket]) -> tuple[delivery.SeatTicket, ...]:
    whole = [ticket for ticket in map(opened, kept) if ticket is not None]
    return tuple(whole) if len(whole) == len(kept) else ()


@transaction.atomic
def tickets_send(
    listing: Listing, kind: HandOver = HandOver.BARCODE, command: MarketplaceCommand | None = None
) -> tuple[delivery.SeatTicket, ...]:
    """Those that go to its marketplace with a listing now: to no buyer of another seat while that may sell (I-10).

    `command` sends them instead of others, which are still there until it has. Read under the seats' locks, since a
    seat's may be replaced at this moment. Raises Busy.
    """
    seats_lock(offered_ids(listing))
    kept = _kept(listing, kind)
    sent = _whole(kept)
    if command is not None and sent:
        replaced_keep(command, listing, {ticket.fingerprint for ticket in kept})
    sent_keep(listing, {ticket.seat_id: ticket.fingerprint for ticket in kept} if sent else {})
    return sent
