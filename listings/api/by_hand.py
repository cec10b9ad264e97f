"""API of assisted accounts: what waits for a person's hands, what sold there, and their mails."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings import selectors
from listings.api import SaleOutput
from listings.models import MarketplaceCommand
from listings.services.by_hand import hand_done, hand_sold, words_of
from marketplaces.api import AccountOutput
from marketplaces.selectors import account_get
from marketplaces.services.connect import account_leave
from marketplaces.services.inbox import mail_receive
from seatsync.core.apiview import ApiView
from seatsync.core.fields import MoneyField
from seatsync.core.inputs import LONGEST_TEXT, Input


class TaskOutput(serializers.ModelSerializer[MarketplaceCommand]):
    """Something to be done on a marketplace's own site; `text` is what to enter there, a line each."""

    platform = serializers.CharField(source="account.platform", read_only=True)
    text = serializers.SerializerMethodField()

    class Meta:
        model = MarketplaceCommand
        fields = ("id", "account", "platform", "kind", "listing", "sale", "text", "state", "created_at", "finished_at")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_text(self, task: MarketplaceCommand) -> list[str]:
        """The words to copy."""
        return words_of(task).lines


class DoneInput(Input):
    """The listing's number there, where it is known."""

    listing_id = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)


class SoldInput(Input):
    """What sold there: `price` per ticket, `proceeds` of all of them (left out: the price less the fee, if known)."""

    seat_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=40)
    price = MoneyField()
    proceeds = MoneyField(required=False)
    order = serializers.CharField(max_length=80)


class MailInput(Input):
    """A marketplace's mail, with or without its headers; a longer one is forwarded to the account's own address."""

    mail = serializers.CharField(max_length=LONGEST_TEXT, trim_whitespace=False)


class MailOutput(serializers.Serializer[Any]):
    """Whether the mail was new."""

    stored = serializers.IntegerField()


class TaskList(mixins.ListModelMixin, ApiView):
    """What waits for the caller's hands."""

    serializer_class = TaskOutput

    def get_queryset(self) -> QuerySet[MarketplaceCommand]:
        """On visible accounts."""
        return selectors.hand_tasks(self.actor) if hasattr(self, "actor") else MarketplaceCommand.objects.none()

    @extend_schema(tags=["marketplace accounts"], summary="List what is to be done by hand")
    def get(self, request: Request) -> Response:
        """A page of tasks."""
        return self.list(request)


class TaskDone(ApiView):
    """A task that was done."""

    serializer_class = TaskOutput

    @extend_schema(
        tags=["marketplace accounts"], summary="Say that it is done there", request=DoneInput,
        responses={200: TaskOutput},
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The task; 409 where it waits for nobody any more."""
        known = selectors.command_own(self.actor, pk)
        data = self.body(DoneInput)
        return Response(TaskOutput(hand_done(actor=self.actor, command_id=known.pk, **data)).data)


class ListingSold(ApiView):
    """A sale at an assisted account."""

    serializer_class = SaleOutput

    @extend_schema(
        tags=["listings"], summary="Say that seats sold there", request=SoldInput, responses={201: SaleOutput}
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """201 with the sale; the seats come down everywhere else."""
        listing = selectors.listing_get(self.actor, pk)
        data = self.body(SoldInput)
        sale = hand_sold(actor=self.actor, listing_id=listing.pk, **data)
        return Response(SaleOutput(selectors.sale_get(self.actor, sale.pk)).data, status=201)


class AccountMails(ApiView):
    """Mails of an assisted account."""

    serializer_class = MailInput

    @extend_schema(
        tags=["marketplace accounts"], summary="Forward a sale's mail", request=MailInput, responses={200: MailOutput}
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Stored, and read in the background."""
        known = account_get(self.actor, pk)
        data = self.body(MailInput)
        stored = mail_receive(actor=self.actor, account_id=known.pk, mail=data["mail"].encode())
        return Response({"stored": stored})


class AccountLeave(ApiView):
    """Giving up an account's grant and leaving its listings up."""

    serializer_class = AccountOutput

    @extend_schema(
        tags=["marketplace accounts"], summary="Leave the listings up and work the account by hand", request=None,
        responses={200: AccountOutput},
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The account, assisted from now on."""
        return Response(AccountOutput(account_leave(actor=self.actor, account_id=pk)).data)
