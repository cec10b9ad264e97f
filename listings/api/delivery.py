"""API of delivery: the terms of a season ticket, the tickets of its seats, and what a sale waits for."""

import base64
import binascii
import uuid
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings import selectors
from listings.disclosures import DISCLOSURES
from listings.models import DELIVERIES, TICKET_KINDS, DeliveryTerms, Sale, SeatTicket
from listings.services.ask import sale_ask
from listings.services.delivery_terms import delivery_terms_set, terms_of
from listings.services.fulfil import hand_over_to, ways_of
from listings.services.hand_over_due import due_said
from listings.services.labels import label_of_sale
from listings.services.seat_tickets import Entry, tickets_enter
from marketplaces.delivery import STEPS, step_of
from portfolios.models import Seat
from seatsync.core.actors import Actor
from seatsync.core.apiview import ApiView
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.core.fields import ChoiceField
from seatsync.core.inputs import LONGEST_TEXT, Input


class TermsInput(Input):
    """How the seats reach their buyers; `version` is the one that was read (0: nothing was entered yet)."""

    delivery = ChoiceField(choices=DELIVERIES)
    in_hand_on = serializers.DateField(required=False, allow_null=True, default=None)
    disclosures = serializers.ListField(
        child=ChoiceField(choices=list(DISCLOSURES)), max_length=len(DISCLOSURES), required=False, default=list
    )
    version = serializers.IntegerField(min_value=0)


class TermsOutput(serializers.ModelSerializer[DeliveryTerms]):
    """How the seats of a season ticket reach their buyers; `version` 0: nothing was entered, this holds as usual."""

    account_number = serializers.CharField(source="season_ticket.order_reference", read_only=True)

    class Meta:
        model = DeliveryTerms
        fields = ("season_ticket", "account_number", "delivery", "in_hand_on", "disclosures", "version")


class TicketInput(Input):
    """One seat's ticket: a barcode, or a file in base64. Files go one a call, and a larger one by the page."""

    seat = serializers.UUIDField()
    barcode = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    file = serializers.CharField(max_length=LONGEST_TEXT, required=False, default="", allow_blank=True)
    name = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)

    def validate_file(self, value: str) -> bytes:
        """The file's bytes."""
        try:
            return base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error) as error:
            raise serializers.ValidationError("This is not base64.") from error

    @staticmethod
    def entry(data: dict[str, Any]) -> Entry:
        """As the service takes it."""
        return Entry(data["seat"], data["barcode"], data["file"] or b"", data["name"])


class TicketsInput(Input):
    """Tickets of seats, all of one kind."""

    kind = ChoiceField(choices=TICKET_KINDS)
    tickets = serializers.ListField(child=TicketInput(), min_length=1, max_length=40)


class SeatTicketOutput(serializers.ModelSerializer[SeatTicket]):
    """That a seat has its ticket here; the ticket itself is shown nowhere."""

    class Meta:
        model = SeatTicket
        fields = ("seat", "kind", "hint", "media_type", "entered_at")


class BuyerOutput(serializers.Serializer[Any]):
    """To whom the tickets go."""

    name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()


class DeliveryOutput(serializers.Serializer[Any]):
    """What stands between a sale and its buyer."""

    step = serializers.CharField(help_text="One of DeliveryStep; empty: its marketplace tells nothing.")
    words = serializers.CharField()
    ways = serializers.ListField(
        child=serializers.CharField(),
        help_text="What `method` of the hand-over may be now; none: its marketplace asks for nothing.",
    )
    note = serializers.CharField(help_text="What its marketplace says beside it.")
    asked_again_at = serializers.DateTimeField(allow_null=True)
    hand_over_by = serializers.DateTimeField(allow_null=True)
    hand_over_said = serializers.CharField(help_text="How that is known: told, or reckoned by a published rule.")
    buyer = BuyerOutput(allow_null=True, help_text="Told while tickets are asked for, to those who may hand them over.")


class DeliveryTermsView(ApiView):
    """The terms of one season ticket."""

    serializer_class = TermsOutput

    @extend_schema(tags=["delivery"], summary="Read how seats are delivered")
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The terms; 404 for a stranger's."""
        return Response(TermsOutput(terms_of(selectors.ticket_of(self.actor, pk))).data)

    @extend_schema(
        tags=["delivery"], summary="Say how seats are delivered", request=TermsInput, responses={200: TermsOutput}
    )
    def put(self, request: Request, pk: uuid.UUID) -> Response:
        """The terms as kept; 409 where a buyer who waits was promised his tickets earlier."""
        ticket = selectors.ticket_of(self.actor, pk)
        data = self.body(TermsInput)
        return Response(TermsOutput(delivery_terms_set(actor=self.actor, ticket_id=ticket.pk, **data)).data)


class SeatTicketsView(ApiView):
    """The tickets of a game's seats."""

    serializer_class = SeatTicketOutput
    queryset = SeatTicket.objects.none()
    pagination_class = None

    @extend_schema(tags=["delivery"], summary="List a game's tickets", responses={200: SeatTicketOutput(many=True)})
    def get(self, request: Request, pk: uuid.UUID, game: uuid.UUID) -> Response:
        """Those that are here, in the order of the seats."""
        return Response(SeatTicketOutput(_tickets(self._seats(pk, game)), many=True).data)

    @extend_schema(
        tags=["delivery"], summary="Enter tickets", request=TicketsInput, responses={200: SeatTicketOutput(many=True)}
    )
    def put(self, request: Request, pk: uuid.UUID, game: uuid.UUID) -> Response:
        """The tickets that are here now; one that a seat had is replaced."""
        seats = self._seats(pk, game)
        data = self.body(TicketsInput)
        entries = [TicketInput.entry(item) for item in data["tickets"]]
        strange = {entry.seat_id for entry in entries} - {seat.pk for seat in seats}
        if strange:
            raise InvalidInput(
                "A seat is not of this game.", field="tickets", remedy="Use the ids of this game's seats."
            )
        tickets_enter(actor=self.actor, kind=data["kind"], entries=entries)
        return Response(SeatTicketOutput(_tickets(self._seats(pk, game)), many=True).data)

    def _seats(self, pk: uuid.UUID, game: uuid.UUID) -> list[Seat]:
        return selectors.seats_with_tickets(selectors.ticket_of(self.actor, pk), game)[1]


def _tickets(seats: list[Seat]) -> list[SeatTicket]:
    return [seat.ticket for seat in seats if hasattr(seat, "ticket")]


class SaleDelivery(ApiView):
    """What a sale waits for."""

    serializer_class = DeliveryOutput

    @extend_schema(tags=["sales"], summary="Read what a sale waits for")
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The step, the ways that end it, and to whom the tickets go; 404 for a stranger's."""
        return Response(DeliveryOutput(_delivery(self.actor, selectors.sale_get(self.actor, pk))).data)


def _delivery(actor: Actor, sale: Sale) -> dict[str, Any]:
    step, ways = step_of(sale.delivery_step), ways_of(sale)
    return {
        "step": step.value, "words": STEPS[step].words, "ways": [way.value for way in ways],
        "note": sale.delivery_note, "asked_again_at": sale.asked_again_at, "hand_over_by": sale.ship_by,
        "hand_over_said": due_said(sale),
        "buyer": hand_over_to(actor, sale),
    }  # fmt: skip


class SaleAsk(ApiView):
    """Asking a marketplace about one sale."""

    serializer_class = DeliveryOutput

    @extend_schema(
        tags=["sales"], summary="Have the marketplace asked now", request=None, responses={202: DeliveryOutput}
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """202 with what the sale waits for as far as known; what is read meanwhile comes as a live event."""
        sale = sale_ask(actor=self.actor, sale_id=pk)
        return Response(DeliveryOutput(_delivery(self.actor, sale)).data, status=202)


class SaleLabel(ApiView):
    """The shipping label of a sale's parcel."""

    serializer_class = None

    @extend_schema(
        tags=["sales"], summary="Read the shipping label",
        responses={(200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY)},
    )  # fmt: skip
    def get(self, request: Request, pk: uuid.UUID) -> HttpResponse:
        """A PDF; 409 where there is none, or it is being fetched."""
        label = label_of_sale(self.actor, selectors.sale_get(self.actor, pk))
        if label is None:
            raise Conflict("There is no label yet.", remedy="Where one is wanted it is being fetched: ask in a minute.")
        return HttpResponse(label, content_type="application/pdf")
