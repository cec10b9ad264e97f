"""API of assisted accounts: what waits for a person's hands, what sold there, and their mails."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings import selectors
from listings.api import SaleOutput
from listings.api.net import NET_BASES
from listings.models import CommandKind, CommandState, MarketplaceCommand
from listings.services.by_hand import hand_done, hand_sold
from listings.services.by_hand_undo import hand_not_done
from listings.services.hand_words import Words, words_of, words_of_tasks
from listings.services.sold_whole import hand_sold_whole
from marketplaces.api import AccountOutput
from marketplaces.selectors import account_get
from marketplaces.services.connect import account_leave
from marketplaces.services.inbox import mail_receive
from seatsync.core.apiview import ApiView
from seatsync.core.fields import MoneyField
from seatsync.core.inputs import LONGEST_TEXT, Input


@dataclass(frozen=True, slots=True)
class _Task:
    """A task with its words, which are made once."""

    command: MarketplaceCommand
    words: Words


class TaskOutput(serializers.Serializer[Any]):
    """Something to be done on a marketplace's own site."""

    id = serializers.UUIDField(source="command.pk")
    account = serializers.UUIDField(source="command.account_id")
    platform = serializers.CharField(source="command.account.platform")
    kind = serializers.ChoiceField(source="command.kind", choices=CommandKind.choices)
    listing = serializers.UUIDField(source="command.listing_id", allow_null=True)
    sale = serializers.UUIDField(source="command.sale_id", allow_null=True)
    title = serializers.CharField(source="words.title")
    text = serializers.ListField(
        source="words.lines", child=serializers.CharField(), help_text="What to enter there, a line each."
    )
    link = serializers.CharField(
        source="words.link", help_text="The event's page there where it is known, else its site; empty for neither."
    )
    net = serializers.DecimalField(
        source="words.net", max_digits=10, decimal_places=2, allow_null=True,
        help_text="What the price brings, per ticket; null where it is not known or no price is asked for.",
    )  # fmt: skip
    net_basis = serializers.ChoiceField(source="words.net_basis", choices=NET_BASES, allow_null=True)
    net_said = serializers.CharField(source="words.net_said", help_text="How the net is known, in words.")
    seats_stay = serializers.ListField(source="words.stay", child=serializers.IntegerField())
    seats_go = serializers.ListField(
        source="words.go", child=serializers.IntegerField(),
        help_text="For kind resize: what is to be taken off; empty: every seat but those that stay.",
    )  # fmt: skip
    until = serializers.DateTimeField(source="words.until", allow_null=True)
    held = serializers.CharField(
        source="words.held", help_text="Why it is not to be done now: a brake that was set since; empty for none."
    )
    state = serializers.ChoiceField(source="command.state", choices=CommandState.choices)
    created_at = serializers.DateTimeField(source="command.created_at")
    finished_at = serializers.DateTimeField(source="command.finished_at", allow_null=True)


class DoneInput(Input):
    """The listing's number there, where it is known."""

    listing_id = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)


class SoldInput(Input):
    """What sold there: `price` per ticket, `proceeds` of all of them (left out: the price less the fee, if known).

    `confirmed` says that a price is meant that is far from what the listing is up for.
    """

    seat_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=40)
    price = MoneyField()
    proceeds = MoneyField(required=False)
    order = serializers.CharField(max_length=80)
    confirmed = serializers.BooleanField(default=False)


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

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        """A page of tasks, whose words are made together."""
        tasks = super().paginate_queryset(queryset)
        if tasks is None:
            return None
        return [_Task(task, words) for task, words in zip(tasks, words_of_tasks(tasks, self.actor), strict=True)]

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
        done = hand_done(actor=self.actor, command_id=known.pk, **data)
        return Response(TaskOutput(_Task(done, words_of(done, self.actor))).data)


class TaskNotDone(ApiView):
    """A take-down that was said to be done too early."""

    serializer_class = TaskOutput

    @extend_schema(
        tags=["marketplace accounts"], summary="Say that it is still up there", request=None,
        responses={200: TaskOutput},
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The task that asks for it again; 409 where it takes nothing down, or the listing stands otherwise by now."""
        known = selectors.command_own(self.actor, pk)
        again = hand_not_done(actor=self.actor, command_id=known.pk)
        return Response(TaskOutput(_Task(again, words_of(again, self.actor))).data)


class ListingSold(ApiView):
    """A sale at an assisted account."""

    serializer_class = SaleOutput

    @extend_schema(
        tags=["listings"], summary="Say that seats sold there", request=SoldInput, responses={201: SaleOutput}
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """201 with the sale; its `state` says whether it has its seats, which then come down everywhere else."""
        listing = selectors.listing_get(self.actor, pk)
        data = self.body(SoldInput)
        sale = hand_sold(actor=self.actor, listing_id=listing.pk, **data)
        return Response(SaleOutput(selectors.sale_get(self.actor, sale.pk)).data, status=201)


class SoldWholeInput(Input):
    """What was seen on offer, so that nothing else is noted."""

    quantity = serializers.IntegerField(required=False, min_value=1, help_text="How many seats it offered.")
    price = MoneyField(required=False, help_text="At which price per ticket.")


class ListingSoldWhole(ApiView):
    """A sale of all that a listing at an assisted account offers."""

    serializer_class = SaleOutput

    @extend_schema(
        tags=["listings"], summary="Say that all of it sold there at its present price", request=SoldWholeInput,
        responses={201: SaleOutput},
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """201 with the sale, its proceeds reckoned and its number still to be named by `sold/` or a mail.

        409 where it offers other seats, or at another price, than the body says were seen.
        """
        listing = selectors.listing_get(self.actor, pk)
        sale = hand_sold_whole(actor=self.actor, listing_id=listing.pk, **self.body(SoldWholeInput))
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
