"""How tickets reach a buyer: their kinds, what a sale waits for, and what proves that they went. No Django here."""

import re
from dataclasses import dataclass, field
from enum import StrEnum


class DeliveryType(StrEnum):
    """What a ticket is (DOMAIN.md 4.5, "stock type / delivery")."""

    MOBILE_TRANSFER = "mobile_transfer"
    BARCODE = "barcode"
    PDF = "pdf"
    QR_CODE = "qr_code"
    PAPER = "paper"


class HandOver(StrEnum):
    """A way in which a holder hands tickets over, or proves that they went to the buyer."""

    # The transfer's confirmation number in a ticket app.
    MOBILE_TRANSFER = "mobile_transfer"
    # One https address a ticket, behind which the buyer takes it.
    TRANSFER_URL = "transfer_url"
    # One barcode a ticket.
    BARCODE = "barcode"
    # One PDF a ticket.
    PDF = "pdf"
    # One picture of a code a ticket.
    QR_CODE = "qr_code"
    # The number of a parcel.
    TRACKING = "tracking"
    # What the buyer says at the counter.
    RESERVATION_CODE = "reservation_code"
    # The receipt of the office where the tickets were left.
    DROP_OFF = "drop_off"


# Those that carry the tickets themselves, a piece for each seat.
OF_SEATS = frozenset({HandOver.BARCODE, HandOver.PDF, HandOver.QR_CODE})
# Those that carry one number for all of the sale's tickets.
BY_NUMBER = frozenset({
    HandOver.MOBILE_TRANSFER, HandOver.TRACKING, HandOver.RESERVATION_CODE, HandOver.DROP_OFF,
})  # fmt: skip


class DeliveryStep(StrEnum):
    """What stands between a sale and its buyer, as its marketplace tells it (DOMAIN.md 4.7)."""

    # It tells nothing: any way that it takes will do.
    UNTOLD = ""
    TRANSFER = "transfer"
    TRANSFER_AGAIN = "transfer_again"
    LINKS = "links"
    FILES = "files"
    QR_CODES = "qr_codes"
    BARCODES = "barcodes"
    BARCODES_AGAIN = "barcodes_again"
    LABELS = "labels"
    TRACKING = "tracking"
    RESERVATION_CODE = "reservation_code"
    DROP_OFF = "drop_off"
    # Those in which nothing is asked of the seller.
    ADDRESS = "address"
    LATER = "later"
    COURIER = "courier"
    ON_THE_WAY = "on_the_way"
    PICKUP = "pickup"
    ARRIVING = "arriving"
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class StepRow:
    """What a step asks of the seller: `ways` that end it (none: nothing is asked), and what it is in words."""

    ways: tuple[HandOver, ...]
    words: str
    # The tickets went once and did not do.
    again: bool = False


_TRANSFERS = (HandOver.MOBILE_TRANSFER, HandOver.TRANSFER_URL)
STEPS: dict[DeliveryStep, StepRow] = {
    DeliveryStep.UNTOLD: StepRow(tuple(HandOver), "Hand the tickets over."),
    DeliveryStep.TRANSFER: StepRow(
        _TRANSFERS, "Transfer the tickets to the buyer in the team's app, then say by which number or links."
    ),
    DeliveryStep.TRANSFER_AGAIN: StepRow(
        _TRANSFERS,
        "The transfer did not reach the buyer. Transfer the tickets again, then say by which number or links.",
        again=True,
    ),
    DeliveryStep.LINKS: StepRow((HandOver.TRANSFER_URL,), "Give the transfer link of each ticket."),
    DeliveryStep.FILES: StepRow((HandOver.PDF,), "Give the PDF of each ticket."),
    DeliveryStep.QR_CODES: StepRow((HandOver.QR_CODE,), "Give a picture of each ticket's code."),
    DeliveryStep.BARCODES: StepRow((HandOver.BARCODE,), "Give the barcode of each ticket."),
    DeliveryStep.BARCODES_AGAIN: StepRow(
        (HandOver.BARCODE,), "A barcode failed its check. Look at the tickets, and give all barcodes again.", again=True
    ),
    DeliveryStep.LABELS: StepRow(
        (HandOver.TRACKING,), "Print the shipping label, send the tickets, and give the parcel's number."
    ),
    DeliveryStep.TRACKING: StepRow((HandOver.TRACKING,), "Send the tickets, and give the parcel's number."),
    DeliveryStep.RESERVATION_CODE: StepRow(
        (HandOver.RESERVATION_CODE,), "Give the code by which the buyer takes the tickets at the counter."
    ),
    DeliveryStep.DROP_OFF: StepRow(
        (HandOver.DROP_OFF,), "Leave the tickets at the marketplace's office, and give its receipt's number."
    ),
    DeliveryStep.ADDRESS: StepRow((), "Wait: the buyer has not said yet where the tickets go."),
    DeliveryStep.LATER: StepRow((), "Wait: tickets of this game are handed over two days before it."),
    DeliveryStep.COURIER: StepRow((), "Keep the parcel ready: the courier comes for it."),
    DeliveryStep.ON_THE_WAY: StepRow((), "The parcel is on its way."),
    DeliveryStep.PICKUP: StepRow((), "The tickets wait for the buyer."),
    DeliveryStep.ARRIVING: StepRow((), "The buyer has yet to take the tickets."),
    DeliveryStep.PAYMENT: StepRow((), "Delivered: the money is to come."),
}  # fmt: skip


# In which ways tickets of a kind can go at all.
OF_KIND: dict[DeliveryType, tuple[HandOver, ...]] = {
    DeliveryType.MOBILE_TRANSFER: _TRANSFERS,
    DeliveryType.BARCODE: (HandOver.BARCODE,),
    DeliveryType.PDF: (HandOver.PDF,),
    DeliveryType.QR_CODE: (HandOver.QR_CODE,),
    DeliveryType.PAPER: (HandOver.TRACKING, HandOver.RESERVATION_CODE, HandOver.DROP_OFF),
}


def step_of(text: str) -> DeliveryStep:
    """A step by its name; one that this version does not know tells nothing."""
    return DeliveryStep(text) if text in set(DeliveryStep) else DeliveryStep.UNTOLD


@dataclass(frozen=True, slots=True)
class SeatTicket:
    """The ticket of one seat: a barcode, or a file with its media type. It stands in no log and no error."""

    seat: str
    barcode: str = field(default="", repr=False)
    content: bytes = field(default=b"", repr=False)
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """What is told of a hand-over. `confirmation` is the number that the way asks for, `tickets` one a seat."""

    method: str
    transfer_urls: tuple[str, ...] = field(default=(), repr=False)
    confirmation: str = field(default="", repr=False)
    tickets: tuple[SeatTicket, ...] = ()
    # What was asked for: a hand-over again is told otherwise at some marketplaces.
    step: DeliveryStep = DeliveryStep.UNTOLD

    @property
    def lacks(self) -> str:
        """What its method asks for and is missing, in words; empty where it is whole."""
        if self.method in OF_SEATS:
            return "" if self.tickets else "the tickets"
        if self.method == HandOver.TRANSFER_URL:
            return "" if self.transfer_urls else "a transfer link a ticket"
        return "" if self.confirmation else f"a number for {self.method.replace('_', ' ')}"


# Two megabytes: a page with a code on it is a tenth of that.
MOST_BYTES = 2_000_000
_BARCODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./$+%*-]{4,78}[A-Za-z0-9]")
_PICTURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


def barcode_problem(text: str) -> str:
    """Why a text is no barcode; empty where it may be one.

    The signs are those of Code 39 and PDF417's text part, six to eighty of them: no league publishes its own.
    """
    if not _BARCODE.fullmatch(text):
        return "A barcode has six to eighty letters and digits, as printed under it."
    return ""


def media_type_of(content: bytes, way: str) -> str:
    """The media type of a ticket's file, by what it begins with; empty where it is not what `way` takes."""
    if way == HandOver.PDF:
        return "application/pdf" if content.startswith(b"%PDF-") and b"%%EOF" in content[-1024:] else ""
    return next((kind for magic, kind in _PICTURES if content.startswith(magic)), "")
