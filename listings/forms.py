"""Input of the listing pages."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from listings.disclosures import DISCLOSURES
from listings.models import DELIVERIES, ListingStatus, Sale, SaleEnding, SplitType, TradingStateKind
from listings.services.bulk import Act, Chosen
from listings.services.charged_by_hand import CHARGED, TAKEN_BACK
from listings.services.fulfil import LONGEST_NUMBER
from listings.services.sale_report import PAID, PRACTICE, SETTLED, reports_of
from listings.services.seat_tickets import Entry
from listings.states import LIFTABLE, SALE_LIVE
from marketplaces.delivery import BY_NUMBER, OF_SEATS, HandOver
from marketplaces.models import InboxState
from portfolios.models import Seat
from seatsync.core.errors import InvalidInput
from seatsync.core.forms import Form, MoneyField, VenueMomentField, choices_give, zone_give

WAYS = {
    HandOver.MOBILE_TRANSFER: "Transferred in the ticket app",
    HandOver.TRANSFER_URL: "By a transfer link a ticket",
    HandOver.BARCODE: "By each ticket's barcode",
    HandOver.PDF: "By each ticket's PDF",
    HandOver.QR_CODE: "By a picture of each ticket's code",
    HandOver.TRACKING: "Sent as a parcel",
    HandOver.RESERVATION_CODE: "To be taken at the counter",
    HandOver.DROP_OFF: "Left at the marketplace's office",
}
_NUMBERS = {
    HandOver.MOBILE_TRANSFER: ("Confirmation number", "The ticket app shows it after the transfer."),
    HandOver.TRACKING: ("Parcel's number", "It is on the carrier's receipt."),
    HandOver.RESERVATION_CODE: ("Reservation code", "The buyer says it at the counter."),
    HandOver.DROP_OFF: ("Receipt's number", "The office gives it when you leave the tickets."),
}
_FILES = {HandOver.PDF: "application/pdf,.pdf", HandOver.QR_CODE: "image/png,image/jpeg"}
STATUSES = [("open", "Open"), ("ended", "Ended"), ("all", "All")]


class RepriceForm(Form):
    """A new price for a listing, with the version that the person saw."""

    price = MoneyField(label="Price")
    version = forms.IntegerField(widget=forms.HiddenInput)
    confirmed = forms.BooleanField(
        label="Yes, this large step is meant", required=False, help_text="Needed only where the step limit refused it."
    )


class MendForm(RepriceForm):
    """What is changed of a publication that was refused, before it is sent again."""

    split_type = forms.ChoiceField(label="Buyers may take", choices=SplitType.choices)


class MeantForm(Form):
    """A form whose amount may be far from what was expected: then it is refused until it is ticked."""

    confirmed = forms.BooleanField(label="Yes, this amount is meant", required=False)

    field_order = (
        "seats", "price", "proceeds", "order", "what", "reason", "amount", "charge", "handed_over", "confirmed",
    )  # fmt: skip

    def shown(self) -> list[forms.BoundField]:
        """The fields that a person sees: the tick only where it is asked for."""
        return [field for field in self if field.name != "confirmed" or field.errors]


class ReceivedForm(MeantForm):
    """What came of a payout; empty: what was announced."""

    amount = MoneyField(label="What came", required=False, help_text="As your bank shows it.")


class SaleReceivedForm(ReceivedForm):
    """What came of a sale, and whether its tickets were handed over, which money does not say."""

    handed_over = forms.BooleanField(label="And the tickets were handed over", required=False)


class StepField(MoneyField):
    """An amount, or a percentage with its sign ("-5 %"): which of the two is meant the form knows."""

    def to_python(self, value: Any) -> Any:
        """The number, or None where the field is empty."""
        return super().to_python(str(value).strip().removesuffix("%") if value else value)


class BulkForm(Form):
    """What is to become of many listings at once; each `listing` names one and its version, as "id:version"."""

    act = forms.ChoiceField(
        label="Do", choices=[
            (Act.BY_PERCENT, "move the price by percent"), (Act.BY_AMOUNT, "move the price by an amount"),
            (Act.TO, "set the price to"), (Act.DOWN, "take down"),
        ],
    )  # fmt: skip
    amount = StepField(
        label="Percent, amount or price", required=False, help_text="-5 lowers by five.",
        # A keyboard of digits has no minus on every phone.
        widget=forms.TextInput(attrs={"class": "num", "autocomplete": "off", "placeholder": "-5", "size": 7}),
    )  # fmt: skip
    confirmed = forms.BooleanField(label="Yes, the large steps are meant", required=False)
    sure = forms.BooleanField(widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, Any]:
        """The wish; what was written as percent is no amount, and the other way round. To take down needs neither."""
        data = super().clean() or {}
        act, written = data.get("act"), str(self.data.get("amount") or "").strip()
        if act == Act.DOWN:
            self.errors.pop("amount", None)
            data["amount"] = None
        elif act and "amount" not in self.errors and written.endswith("%") and act != Act.BY_PERCENT:
            self.add_error("amount", f"{written[:40]} is a percentage. Move the price by percent, or leave out the %.")
        elif act == Act.BY_PERCENT and "amount" not in self.errors and "$" in written:
            self.add_error("amount", f"{written[:40]} is an amount. Move the price by an amount, or leave out the $.")
        return data


def chosen_in(data: QueryDict) -> list[Chosen]:
    """The listings that were chosen; whatever names none is left out."""
    found = (_chosen(value) for value in data.getlist("listing"))
    return [one for one in found if one is not None]


def _chosen(value: str) -> Chosen | None:
    name, _, version = value.partition(":")
    try:
        return Chosen(uuid.UUID(name), int(version) if version else None)
    except ValueError:
        return None


class TakeDownForm(Form):
    """The version that the person saw, and perhaps why."""

    reason = forms.CharField(label="Reason", max_length=200, required=False)


class TicketsForm(Form):
    """A ticket for each of these seats, of one kind; what a seat has already need not be given again."""

    def __init__(
        self, data: QueryDict | None, files: Any = None, *, kind: str, seats: Sequence[Seat],
        hints: Mapping[uuid.UUID, str],
    ) -> None:  # fmt: skip
        super().__init__(data, files)
        self.kind, self.seats = kind, seats
        for seat in seats:
            hint = hints.get(seat.pk, "")
            told = f"Entered: {hint}. Leave empty to keep it." if hint else ""
            self.fields[f"seat_{seat.seat_number}"] = _ticket_field(kind, f"Seat {seat.seat_number}", told)

    def entries(self) -> list[Entry]:
        """What was given, seat by seat."""
        found = []
        for seat in self.seats:
            given = self.cleaned_data.get(f"seat_{seat.seat_number}")
            if given and self.kind == HandOver.BARCODE:
                found.append(Entry(seat.pk, barcode=str(given)))
            elif given:
                found.append(Entry(seat.pk, content=bytes(given.read()), name=str(given.name)))
        return found


def _ticket_field(kind: str, label: str, told: str) -> forms.Field:
    if kind == HandOver.BARCODE:
        widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"})
        return forms.CharField(label=label, max_length=100, required=False, widget=widget, help_text=told)
    picker = forms.ClearableFileInput(attrs={"accept": _FILES[HandOver(kind)]})
    return forms.FileField(label=label, required=False, widget=picker, help_text=told, allow_empty_file=True)


class FulfilForm(TicketsForm):
    """How the tickets go to the buyer: the fields of one way."""

    method = forms.CharField(widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None, files: Any = None, *, way: str, seats: Sequence[Seat],
        hints: Mapping[uuid.UUID, str],
    ) -> None:  # fmt: skip
        super().__init__(data, files, kind=way, seats=seats if way in OF_SEATS else [], hints=hints)
        self.fields["method"].initial = way
        if way == HandOver.TRANSFER_URL:
            area = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
            told = "One https address a line, one for each ticket."
            self.fields["transfer_urls"] = forms.CharField(
                label="Transfer links", required=False, widget=area, help_text=told
            )
        elif way in BY_NUMBER:
            label, told = _NUMBERS[HandOver(way)]
            self.fields["confirmation"] = forms.CharField(
                label=label, max_length=LONGEST_NUMBER, required=False, help_text=told
            )

    def said(self) -> dict[str, Any]:
        """The arguments of `sale_fulfil`."""
        text: str = self.cleaned_data.get("transfer_urls", "")
        return {
            "method": self.cleaned_data["method"], "confirmation": self.cleaned_data.get("confirmation", ""),
            "transfer_urls": [line.strip() for line in text.splitlines() if line.strip()], "tickets": self.entries(),
        }  # fmt: skip


class DeliveryForm(Form):
    """How the seats of a season ticket reach their buyers."""

    delivery = forms.ChoiceField(label="Your tickets are", choices=DELIVERIES)
    in_hand_on = forms.DateField(
        label="You have them from", required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The day on which the club gives them out. Empty: you have them.",
    )  # fmt: skip
    disclosures = forms.MultipleChoiceField(
        label="Buyers are told", choices=list(DISCLOSURES.items()), required=False,
        widget=forms.CheckboxSelectMultiple, help_text="What you leave out and a buyer finds is a claim against you.",
    )  # fmt: skip
    version = forms.IntegerField(widget=forms.HiddenInput)


class ResolveForm(Form):
    """Which seats a sale took that its marketplace left unclear; none of them, and why: it is no sale."""

    seats = forms.MultipleChoiceField(
        label="It took", required=False, widget=forms.CheckboxSelectMultiple,
        help_text="The sale is on the marketplace's own site, with its seats. Choose exactly those.",
    )  # fmt: skip
    reason = forms.CharField(
        label="Or it is no sale, because", max_length=200, required=False,
        help_text="Choose no seats then. What was held for it is yours again; nothing is listed by itself.",
    )  # fmt: skip

    def __init__(self, *args: Any, seats: Iterable[Seat], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = list(seats)
        rows = {(seat.section, seat.row) for seat in found}
        named = [(seat, f"{seat.section}/{seat.row} seat" if len(rows) > 1 else "Seat") for seat in found]
        choices_give(self, "seats", [(str(seat.pk), f"{name} {seat.seat_number}") for seat, name in named])

    def said(self) -> dict[str, Any]:
        """The arguments of `sale_resolve`."""
        data = self.cleaned_data
        return {"seat_ids": [uuid.UUID(pk) for pk in data["seats"]], "reason": data["reason"]}


REPORTS_IN_WORDS: dict[str, str] = {
    SaleEnding.CLAIM: "the buyer complains (refused at the gate, wrong seats)",
    SaleEnding.PENALTY: "it charges a penalty, and the sale stands",
    SaleEnding.REPLACEMENT: "it gave the buyer other tickets and charges them",
    SaleEnding.CANCELLED: "it cancelled the sale",
    PAID: "the buyer has paid: the sale stands",
    PRACTICE: "nothing: it was practice on paper, and the seats are mine again",
}


class ReportForm(MeantForm):
    """What a marketplace wrote of a sale, and what it says it costs."""

    what = forms.ChoiceField(label="It wrote that")
    reason = forms.CharField(
        label="In its words", max_length=300, help_text="Kept with the sale: you need it if you object.",
        error_messages={"required": "Nothing was entered. Write what it wrote to you."},
    )  # fmt: skip
    charge = MoneyField(
        label="What it says it costs you", required=False,
        help_text="Only for a penalty, or for the tickets that it bought. What it takes in the end, its payouts tell.",
    )  # fmt: skip

    def __init__(self, *args: Any, sale: Sale, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        may_settle = sale.ending in LIFTABLE and sale.state in SALE_LIVE and sale.ending != SaleEnding.GAME_OFF
        settle = [(SETTLED, "what was open is settled, and the sale goes on as before")] if may_settle else []
        reports = [(str(one), REPORTS_IN_WORDS[one]) for one in reports_of(sale)]
        self.told = [*reports, *settle]
        choices_give(self, "what", self.told)
        # Of a sale on paper nobody wrote anything: that it was practice is said in a form of one field.
        asked = (self.data if self.is_bound else self.initial).get("what")
        self.practice = asked == PRACTICE and PRACTICE in dict(reports)
        if self.practice:
            self.fields["reason"].label, self.fields["reason"].help_text = "Why", "Kept with the sale."
            self.fields["reason"].error_messages["required"] = "Nothing was entered. Write why the practice ends."
            self.initial.setdefault("reason", "its holder has practised enough")


class ChargedForm(MeantForm):
    """What was charged for a sale, or taken back of what it brought."""

    what = forms.ChoiceField(
        label="It", choices=[(CHARGED, "charged me for it"), (TAKEN_BACK, "took back what came of it")]
    )
    amount = MoneyField(label="How much")
    reason = forms.CharField(
        label="In its words", max_length=200, help_text="Each charge has its own reason.",
        error_messages={"required": "Nothing was entered. Write what it wrote to you."},
    )  # fmt: skip


class TradingForm(Form):
    """A brake on everything the holder sells, and why; who halts in a hurry need not stop to say."""

    state = forms.ChoiceField(label="From now on", choices=[(kind.value, kind.choice) for kind in TradingStateKind])
    reason = forms.CharField(
        label="Reason", max_length=200, required=False,
        help_text="Shown wherever the brake stops something. It can be left out.",
    )  # fmt: skip

    def __init__(self, *args: Any, present: str = TradingStateKind.ACTIVE, **more: Any) -> None:
        super().__init__(*args, **more)
        # Which of them holds: the one that stands selected is what a person comes for, and not that.
        as_now = [(kind.value, f"{kind.choice}{' (as now)' if kind == present else ''}") for kind in TradingStateKind]
        choices_give(self, "state", as_now)


class MappingForm(Form):
    """The event or the section that was chosen, or typed instead; or that the marketplace is asked to add the event."""

    chosen = forms.CharField(label="Choice", max_length=80, required=False)
    typed = forms.CharField(label="Or type it", max_length=80, required=False)
    wants = forms.ChoiceField(
        choices=[("event_id", "event"), ("section", "section"), ("request", "event to be added")], required=False
    )

    @property
    def asks(self) -> bool:
        """Whether the event is to be added there."""
        return bool(self.cleaned_data["wants"] == "request")

    def choice(self) -> dict[str, str]:
        """The choice by the name of the service's argument; what was typed wins."""
        data = self.cleaned_data
        return {data["wants"] or "event_id": data["typed"] or data["chosen"]}


class MappingFilter(Form):
    """Which of what waits is shown; kept in the URL."""

    q = forms.CharField(max_length=80, required=False)

    @classmethod
    def read(cls, data: QueryDict) -> str:
        """The words that are looked for; "" for what are none."""
        form = cls(data)
        return str(form.cleaned_data["q"]) if form.is_valid() else ""


class InboundFilter(Form):
    """Which of what a marketplace told us is shown; kept in the URL."""

    state = forms.ChoiceField(choices=[("", "all"), *InboxState.choices], required=False)

    @classmethod
    def read(cls, data: QueryDict) -> str:
        """The state that was asked for; "" for all, and for what is none."""
        form = cls(data)
        return str(form.cleaned_data["state"]) if form.is_valid() else ""


class BoardFilter(Form):
    """What the board shows; kept in the URL."""

    show = forms.ChoiceField(choices=STATUSES, required=False)
    platform = forms.CharField(max_length=20, required=False)
    status = forms.ChoiceField(choices=[("", "any"), *ListingStatus.choices], required=False)
    opponent = forms.CharField(max_length=40, required=False)

    @classmethod
    def read(cls, data: QueryDict) -> dict[str, str]:
        """The valid part of what was asked."""
        form = cls(data)
        form.is_valid()
        return {name: form.cleaned_data.get(name) or "" for name in form.fields}


class BoundsForm(Form):
    """The least and the most that a listing may ask, with the version that the person saw."""

    floor = MoneyField(label="Floor")
    ceiling = MoneyField(label="Ceiling")
    version = forms.IntegerField(widget=forms.HiddenInput)


class UntilForm(Form):
    """Until when its holder wants a listing on sale, with the version that the person saw."""

    list_until = VenueMomentField(
        label="Your own cut-off", required=False, help_text="By the venue's clock. Empty: none of your own."
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone_give(self, "list_until", zone)


class FoundAdoptForm(Form):
    """The seats that something found is of; which ones may be chosen is the service's to say.

    And what its tickets are, where its marketplace does not tell.
    """

    delivery = forms.ChoiceField(
        label="Its tickets are", choices=[("", "as entered for the season ticket"), *DELIVERIES], required=False
    )

    def seat_ids(self) -> list[uuid.UUID]:
        """The chosen seats; what is no id is left out, and the service counts what is left."""
        chosen = []
        given = self.data.getlist("seats") if isinstance(self.data, QueryDict) else []
        for text in given:
            try:
                chosen.append(uuid.UUID(text))
            except ValueError:
                continue
        return chosen


class StockForm(Form):
    """The account's inventory file as it lies there; none: nothing is listed there, which is to be said."""

    file = forms.FileField(label="Its inventory file", required=False)
    nothing = forms.BooleanField(label="Nothing is listed there", required=False)

    def clean(self) -> dict[str, Any]:
        """Exactly one of the two."""
        data = super().clean() or {}
        if bool(data.get("file")) == bool(data.get("nothing")):
            raise forms.ValidationError("Choose the file, or say that nothing is listed there.")
        return data

    def content(self) -> bytes | None:
        """The file's bytes; None where nothing is listed."""
        file = self.cleaned_data.get("file")
        return file.read() if file else None


class HandDoneForm(Form):
    """That something is done there, and perhaps the listing's number there."""

    listing_id = forms.CharField(max_length=80, required=False)


class SoldForm(MeantForm):
    """What was sold there by a listing of an assisted account."""

    seats = forms.MultipleChoiceField(label="Seats", widget=forms.CheckboxSelectMultiple)
    price = MoneyField(label="Price per ticket")
    proceeds = MoneyField(
        label="To you for all of them",
        required=False,
        help_text="Left empty: the price less the marketplace's fee, if that is known.",
    )
    order = forms.CharField(label="Order number", max_length=80, help_text="It stands in the marketplace's mail.")

    def __init__(self, data: QueryDict | None, *, seats: Iterable[Seat], **more: Any) -> None:
        super().__init__(data, **more)
        choices_give(self, "seats", [(str(seat.pk), str(seat)) for seat in seats])

    def said(self) -> dict[str, Any]:
        """As the service takes it."""
        data = self.cleaned_data
        return {"seat_ids": [uuid.UUID(pk) for pk in data["seats"]], "price": data["price"],
                "proceeds": data["proceeds"], "order": data["order"], "confirmed": data["confirmed"]}  # fmt: skip


class SoldWholeForm(Form):
    """What the one tap said was on offer: it counts for no more and for no other price."""

    quantity = forms.IntegerField(required=False, min_value=1)
    price = MoneyField(required=False)

    @classmethod
    def read(cls, data: QueryDict) -> dict[str, Any]:
        """What was seen; None for a part that the page did not say. Raises InvalidInput for one that cannot be read."""
        form = cls(data)
        if not form.is_valid():
            raise InvalidInput(
                "What the page showed of the listing cannot be read.", field=next(iter(form.errors)),
                remedy="Nothing was noted. Say which seats sold, and for how much.",
            )  # fmt: skip
        return {name: form.cleaned_data.get(name) for name in form.fields}


class MailForm(Form):
    """A mail, pasted with its subject, or as a file."""

    mail = forms.CharField(
        label="The mail", required=False, max_length=1_000_000,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )  # fmt: skip
    file = forms.FileField(label="Or as a file (.eml)", required=False)

    def clean(self) -> dict[str, Any]:
        """One of the two."""
        data = super().clean() or {}
        if not data.get("mail") and not data.get("file"):
            raise forms.ValidationError("Paste the mail, or choose its file.")
        return data

    def content(self) -> bytes:
        """The mail's bytes."""
        file, text = self.cleaned_data.get("file"), self.cleaned_data["mail"]
        return bytes(file.read()) if file else str(text).encode()
