"""Handing over: the tickets, or the proof that they went, are written down and sent to the marketplace."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from django.db import IntegrityError, transaction

from listings.locks import sale_lock
from listings.models import (
    CommandKind,
    CommandState,
    MarketplaceCommand,
    Sale,
    SaleProof,
    SaleState,
    SeatTicket,
    TradingStateKind,
)  # fmt: skip
from listings.services.commands import command_write, sale_commands_withdraw
from listings.services.given_once import (
    OF_ONE_BUYER,
    Twice,
    given_with_others,
    number_free,
    number_mark,
    sale_name,
)  # fmt: skip
from listings.services.notify import sale_changed
from listings.services.sale_alerts import alert_twice, alert_twice_over, alert_twice_staff
from listings.services.sale_scene import buyer_of
from listings.services.seat_tickets import Entry, barcodes_of, fingerprint, opened, tickets_enter, tickets_of
from listings.services.sent_tickets import sent_elsewhere
from listings.services.trading import trading_state_set
from listings.states import HANDED_OVER
from marketplaces.contracts import Buyer
from marketplaces.delivery import (
    BY_NUMBER,
    OF_KIND,
    OF_SEATS,
    STEPS,
    DeliveryStep,
    DeliveryType,
    Fulfilment,
    HandOver,
    step_of,
)  # fmt: skip
from marketplaces.errors import PermanentError
from marketplaces.registry import hand_overs_of, platform_name
from portfolios.models import Seat
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict, FieldProblem, InvalidInput, NotAllowed
from seatsync.core.subjects import Unseal, subject_seal, subject_unseal

MOST_URLS = 40
# Signs: links of ticket apps have a tenth of that, and no marketplace publishes how long one may be.
LONGEST_LINK, LONGEST_NUMBER = 500, 80
GIVEN_NO_MORE = "what was handed over with this sale is not here any more: give it again"
# What a way's number is called, and where it is found.
_NUMBERS = {
    HandOver.MOBILE_TRANSFER: ("The transfer's confirmation is missing.", "Copy it from the ticket app."),
    HandOver.TRACKING: ("The parcel's number is missing.", "Copy it from the carrier's receipt."),
    HandOver.RESERVATION_CODE: ("The reservation code is missing.", "Copy it from the team's mail."),
    HandOver.DROP_OFF: ("The receipt's number is missing.", "Copy it from the office's receipt."),
}


@dataclass(frozen=True, slots=True)
class _Piece:
    """One thing that is handed over: a seat's ticket, a link, or the number of all of them."""

    mark: str
    seat_id: uuid.UUID | None = None
    secret: str = field(default="", repr=False)
    number_mark: str = ""


def ways_of(sale: Sale) -> tuple[HandOver, ...]:
    """The ways in which its marketplace takes this sale's tickets now; none: it waits for nothing of ours.

    A sale that was delivered is asked about again only where its marketplace says so.
    """
    step = step_of(sale.delivery_step)
    waits = sale.state == SaleState.CONFIRMED or _asked_again(sale)
    if not waits or not sale.stands:
        return ()
    taken = tuple(way for way in hand_overs_of(sale.platform) if way in STEPS[step].ways)
    return (_of_its_kind(sale, taken) or taken) if step is DeliveryStep.UNTOLD else taken


def _of_its_kind(sale: Sale, ways: Sequence[HandOver]) -> tuple[HandOver, ...]:
    """Those of these in which its tickets can go, as they were promised; none where that is not known.

    What was listed there by hand says nothing of it.
    """
    if sale.listing is None or sale.listing.made_there:
        return ()
    return tuple(way for way in ways if way in OF_KIND[DeliveryType(sale.listing.delivery)])


def _asked_again(sale: Sale) -> bool:
    """Whether its buyer wants his tickets once more, be it paid for already."""
    return sale.state in HANDED_OVER and sale.asked_again_at is not None


def hand_over_to(actor: Actor, sale: Sale, unseal: Unseal = subject_unseal) -> Buyer | None:
    """To whom a sale's tickets go: told while they are asked for, and to those who may hand them over."""
    return buyer_of(sale, unseal) if ways_of(sale) and sale.may(actor, "list") else None


def sale_fulfil(
    *, actor: Actor, sale_id: uuid.UUID, method: str, transfer_urls: Sequence[str] = (), confirmation: str = "",
    tickets: Sequence[Entry] = (),
) -> MarketplaceCommand:  # fmt: skip
    """Write the command that hands a sale's tickets over.

    `method` is a HandOver that the marketplace takes for this sale now. `transfer_url` needs one https address a
    ticket; barcode, pdf and qr_code need each seat's ticket, of `tickets` or entered before; the others a number in
    `confirmation`. Raises NotFound, NotAllowed, InvalidInput by field, or Conflict where the sale does not wait for
    its tickets, its marketplace takes none, or a ticket went with another sale: then all selling is halted (I-10).
    """
    given = (actor, sale_id, method, transfer_urls, confirmation.strip(), tickets)
    try:
        try:
            return _fulfil(*given)
        except IntegrityError:
            # Another sale was given one of the tickets in this moment: by now it is seen.
            return _fulfil(*given)
    except Twice as twice:
        _stop(twice)
        other = twice.other.sale
        # Nobody learns of another tenant's sale.
        name = sale_name(other) if other.tenant_id == twice.sale.tenant_id else "another sale"
        number = bool(twice.other.number_mark)
        what = f"The number was given to the buyer of {name}." if number else f"A ticket of this sale went with {name}."
        raise Conflict(
            f"{what} All selling is halted.", field="confirmation" if number else "tickets",
            remedy="Look at your sales. Lift the brake once each seat has its own ticket.",
        ) from None  # fmt: skip


@transaction.atomic
def _fulfil(
    actor: Actor, sale_id: uuid.UUID, method: str, urls: Sequence[str], number: str, entries: Sequence[Entry]
) -> MarketplaceCommand:
    seen = Sale.objects.get_for(actor, sale_id)
    if not seen.may(actor, "list"):
        raise NotAllowed("You may look at this sale but not hand it over.")
    if entries and method in OF_SEATS:
        if ways_of(seen):
            # What is wrong with the tickets of a way that is not wanted is not the question.
            _check_way(seen, method)
        # Seats are locked before sales: that these are still the sale's own is judged once that is locked too.
        _check_own(_seats_of(seen), entries)
        tickets_enter(actor=actor, kind=method, entries=entries)
    sale = sale_lock(seen.pk)
    _check_waits(sale)
    _check_way(sale, method)
    seats = _seats_of(sale)
    if entries and method not in OF_SEATS:
        raise InvalidInput(
            f"No tickets are sent with {method}.", field="tickets", remedy="Leave them out, or choose another method."
        )
    _check_own(seats, entries)
    pieces = _pieces(sale, HandOver(method), seats, urls, number)
    _check_once(sale, pieces)
    # What was refused and waits for a person is not sent beside it.
    sale_commands_withdraw(sale, frozenset({CommandKind.FULFIL}))
    command = command_write(
        sale=sale, kind=CommandKind.FULFIL, key=f"fulfil:{sale.pk}:{sale.version}",
        payload={"method": method, "step": sale.delivery_step},
    )  # fmt: skip
    SaleProof.objects.filter(sale=sale, live=True).update(live=False)
    subject = sale.account.user_id
    SaleProof.objects.bulk_create([
        SaleProof(
            tenant_id=sale.tenant_id, sale=sale, command=command, seat_id=piece.seat_id, place=place, method=method,
            sealed=subject_seal(subject, piece.secret.encode())[0] if piece.secret else b"", fingerprint=piece.mark,
            number_mark=piece.number_mark,
        )
        for place, piece in enumerate(pieces)
    ])  # fmt: skip
    sale.version += 1
    sale.save(update_fields=["version", "updated_at"])
    sale_changed(sale)
    alert_twice_over(sale)
    audit_record(
        actor=actor, verb="sale.fulfil", object_type="sale", object_id=sale.pk, subject=sale.account.user_id,
        after={"method": method, "tickets": sale.quantity},
    )  # fmt: skip
    return command


def _seats_of(sale: Sale) -> list[Seat]:
    rows = sale.sale_seats.filter(live=True).select_related("seat").order_by("seat__seat_number")
    return [row.seat for row in rows]


def _check_own(seats: Sequence[Seat], entries: Sequence[Entry]) -> None:
    strange = {entry.seat_id for entry in entries} - {seat.pk for seat in seats}
    if strange:
        own = ", ".join(str(seat.seat_number) for seat in seats)
        raise InvalidInput(
            "A ticket is of a seat that was not sold.", field="tickets", remedy=f"Give those of seats {own}."
        )


def _check_waits(sale: Sale) -> None:
    name = platform_name(sale.platform)
    if not hand_overs_of(sale.platform):
        raise Conflict(f"{name} takes no proof here.", field="sale", remedy="Hand the tickets over on its own site.")
    row = STEPS[step_of(sale.delivery_step)]
    if sale.state != SaleState.CONFIRMED and not _asked_again(sale):
        raise Conflict(
            f"The sale is {sale.get_state_display()}.", field="sale", remedy="Only a sale that waits is handed over."
        )
    if not row.ways:
        raise Conflict(f"{name} asks for nothing now.", field="sale", remedy=row.words)
    if sale.commands.filter(kind=CommandKind.FULFIL, state__in=[CommandState.PENDING, CommandState.IN_FLIGHT]).exists():
        raise Conflict("The hand-over is on its way already.", remedy="Wait for the marketplace's answer.")


def _check_way(sale: Sale, method: str) -> None:
    ways, name = ways_of(sale), platform_name(sale.platform)
    if method in ways:
        return
    taken = method in hand_overs_of(sale.platform)
    detail = f"{name} asks for something else now than {method}." if taken else f"{name} does not take {method}."
    detail = detail if method in set(HandOver) else f"{method!r} is unknown."
    remedy = f"Use {' or '.join(ways)}." if ways else "Hand the tickets over on its own site."
    raise InvalidInput(detail, field="method", remedy=remedy)


def _pieces(sale: Sale, way: HandOver, seats: Sequence[Seat], urls: Sequence[str], number: str) -> list[_Piece]:
    """What is handed over, checked. Raises InvalidInput, or Conflict where it is not known which seats were sold."""
    if way is HandOver.TRANSFER_URL:
        _check_urls(urls, sale.quantity)
        return [_Piece(fingerprint(_address(url).encode()), secret=url) for url in urls]
    if way in BY_NUMBER:
        if not number:
            detail, remedy = _NUMBERS[way]
            raise InvalidInput(detail, field="confirmation", remedy=remedy)
        if not number.isprintable():
            raise InvalidInput(
                "It has signs that cannot be seen.", field="confirmation", remedy="Type it as it is shown there."
            )
        if len(number) > LONGEST_NUMBER:
            raise InvalidInput(
                f"It has {len(number)} signs, and {LONGEST_NUMBER} are taken.", field="confirmation",
                remedy="Copy the number alone.",
            )  # fmt: skip
        return [_number(sale, way, number)]
    if len(seats) != sale.quantity:
        raise Conflict(
            "It is not known which seats were sold.", field="sale", remedy="Say which seats the sale took first."
        )
    known = tickets_of(seats, way)
    lacking = [seat for seat in seats if seat.pk not in known]
    if lacking:
        what = "barcode" if way is HandOver.BARCODE else "file"
        problems = [
            FieldProblem(f"seat_{seat.seat_number}", f"The {what} of seat {seat.seat_number} is missing.", "Give it.")
            for seat in lacking
        ]
        raise InvalidInput("Some tickets are missing.", problems=tuple(problems))
    return [_Piece(known[seat.pk].fingerprint, seat_id=seat.pk) for seat in seats]


def _check_urls(urls: Sequence[str], quantity: int) -> None:
    problems = []
    if len(urls) != quantity:
        problems.append(
            FieldProblem("transfer_urls", f"{len(urls)} addresses for {quantity} tickets.", "Give one a ticket.")
        )
    if any(len(url) > LONGEST_LINK for url in urls):
        place = next(place for place, url in enumerate(urls, start=1) if len(url) > LONGEST_LINK)
        long = f"Line {place} has {len(urls[place - 1])} signs, and {LONGEST_LINK} are taken."
        problems.append(FieldProblem("transfer_urls", long, "Copy the ticket's own link alone."))
    if any(not _is_address(url) for url in urls[:MOST_URLS]):
        place = next(place for place, url in enumerate(urls, start=1) if not _is_address(url))
        problems.append(FieldProblem("transfer_urls", f"Line {place} is no https address.", "Copy the whole address."))
    if len({_address(url) for url in urls if _is_address(url)}) != sum(map(_is_address, urls)):
        problems.append(FieldProblem("transfer_urls", "An address is given twice.", "Give each ticket its own."))
    if problems:
        raise InvalidInput("Some of the input is not valid.", problems=tuple(problems))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
        # A port that is none is only seen when it is asked for.
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _address(url: str) -> str:
    """An https address in one spelling: what its server cannot tell apart is the same ticket."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").rstrip(".") + (f":{parts.port}" if parts.port not in {None, 443} else "")
    return urlunsplit(("https", host, parts.path or "/", parts.query, ""))


def _number(sale: Sale, way: HandOver, number: str) -> _Piece:
    """The number of a parcel, or of a transfer: one buyer's, who may have bought several times.

    The first of his sales has its mark, by which the database keeps everybody else's from it in the same moment.
    """
    own = fingerprint(f"{sale.pk} {number}".encode())
    if way not in OF_ONE_BUYER:
        return _Piece(own, secret=number)
    mark = number_mark(sale, number)
    return _Piece(mark if number_free(sale, mark) else own, secret=number, number_mark=mark)


def _check_once(sale: Sale, pieces: Sequence[_Piece]) -> None:
    """Raises Twice where a piece is with another live sale, of whatever tenant (I-10).

    InvalidInput where it went to a marketplace with a listing of another seat.
    """
    if (other := given_with_others(sale, [piece.mark for piece in pieces]).first()) is not None:
        raise Twice(sale, other)
    went = sent_elsewhere(sale.tenant_id, [(piece.seat_id, piece.mark) for piece in pieces if piece.seat_id])
    if went:
        told = " ".join(sorted(went.values()))
        raise InvalidInput(f"A ticket is another seat's. {told}", field="tickets", remedy="Give this sale's own.")


@transaction.atomic
def _stop(twice: Twice) -> None:
    """Everything that this holder sells is halted until he has looked; of two tenants the staff hear."""
    sale = twice.sale
    holder = sale.listing.season_ticket.user_id if sale.listing else sale.account.user_id
    trading_state_set(
        actor=Actor.system(tenant_id=sale.tenant_id), scope="holder", scope_id=holder, state=TradingStateKind.HALTED,
        reason=f"one ticket was given to two sales ({sale.platform_sale_id})",
    )  # fmt: skip
    alert_twice(sale)
    if twice.other.sale.tenant_id != sale.tenant_id:
        alert_twice_staff(sale, twice.other.sale)


def proof_of(command: MarketplaceCommand) -> Fulfilment:
    """What a command hands over, as it is sent: exactly what was given then, and only while it is the sale's.

    Raises PermanentError where any of it is gone: another ticket was entered, or its holder's key was destroyed.
    """
    rows = list(command.proofs.filter(live=True).select_related("seat__ticket").order_by("place"))
    method, step = str(command.payload["method"]), step_of(str(command.payload.get("step", "")))
    tickets = [opened(row.seat.ticket) for row in rows if row.seat is not None and has_still(row.seat, row)]
    texts = [subject_unseal(command.account.user_id, row.sealed) for row in rows if row.seat is None]
    whole, told = tuple(one for one in tickets if one is not None), tuple(text.decode() for text in texts if text)
    if not rows or len(whole) + len(told) != len(rows):
        raise PermanentError(GIVEN_NO_MORE)
    if method == HandOver.TRANSFER_URL:
        return Fulfilment(method, transfer_urls=told, step=step)
    return Fulfilment(method, confirmation=told[0] if told else "", tickets=whole, step=step)


def has_still(seat: Seat, row: SaleProof) -> bool:
    """Whether the seat still has the very ticket that was handed over."""
    ticket: SeatTicket | None = getattr(seat, "ticket", None)
    return ticket is not None and (ticket.kind, ticket.fingerprint) == (row.method, row.fingerprint)


def secrets_of(proof: Fulfilment) -> list[str]:
    """What of a hand-over may stand in no error and no log."""
    return [text for text in (*proof.transfer_urls, proof.confirmation, *barcodes_of(proof.tickets)) if text]


def hints_of(seats: Sequence[Seat], ways: Sequence[HandOver]) -> Mapping[uuid.UUID, str]:
    """How a person tells the ticket that a seat has already from another; by seat."""
    found = SeatTicket.objects.filter(seat__in=list(seats), kind__in=[way for way in ways if way in OF_SEATS])
    return {ticket.seat_id: ticket.hint for ticket in found}
