"""What a person does with his own hands: the tasks of assisted accounts, what sold there, and the mails of it."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.views.decorators.http import require_GET, require_POST

from listings.forms import HandDoneForm, MailForm, SoldForm, SoldWholeForm
from listings.models import Listing, Sale
from listings.selectors import (
    hand_downs,
    hand_tasks,
    listing_get,
    listings_by_hand,
    sales_unnumbered,
    seats_of_listing,
    seats_of_sale,
)  # fmt: skip
from listings.services.by_hand import hand_done as done
from listings.services.by_hand import hand_sold as sold
from listings.services.by_hand_undo import hand_not_done as not_done
from listings.services.hand_alerts import title_of
from listings.services.hand_words import words_of_tasks
from listings.services.sold_whole import hand_sold_whole, wholes_of
from listings.states import SALE_LIVE, TAKES_DOWN
from marketplaces.models import Mode
from marketplaces.selectors import account_get, account_list
from marketplaces.services.connect import webhook_url
from marketplaces.services.inbox import mail_receive
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.core.forms import form_add_refusal, form_done
from seatsync.core.money import round_money
from seatsync.core.requests import sent_from, template_for

SHOWN = 100


@login_required
@require_GET
def hand_list(request: HttpRequest) -> HttpResponse:
    """Everything that waits for the holder's hands, with the words to copy."""
    actor = request_actor(request)
    tasks = hand_tasks(actor)
    shown = list(tasks[:SHOWN])
    context = {
        "tasks": list(zip(shown, words_of_tasks(shown, actor), strict=True)),
        "total": tasks.count(),
        "downs": [(command, title_of(command)) for command in hand_downs(actor)[:SHOWN]],
        "accounts": account_list(actor).filter(mode=Mode.ASSISTED, is_active=True),
        "up": wholes_of(listings_by_hand(actor)[:SHOWN]),
    }
    template = template_for(request, whole="listings/hand_list.html", part="listings/_hand_tasks.html")
    return render(request, template, context)


@login_required
@require_POST
def hand_done(request: HttpRequest, command_id: uuid.UUID) -> HttpResponse:
    """One tap: it is done there."""
    form = HandDoneForm(request.POST)
    if form.is_valid():
        try:
            command = done(
                actor=request_actor(request), command_id=command_id, listing_id=form.cleaned_data["listing_id"]
            )
        except Conflict as error:
            messages.error(request, error.words)
        else:
            undone = " Tapped too early? Say so under By hand." if command.kind in TAKES_DOWN else ""
            messages.success(request, f"Noted. Thank you.{undone}")
    else:
        told = " ".join(map(str, form.errors["listing_id"]))
        messages.error(request, f"The listing's number there: {told} Nothing was noted.")
    return redirect("analytics:inbox" if sent_from(request, "inbox") else "listings:hand_list")


@login_required
@require_POST
def hand_not_done(request: HttpRequest, command_id: uuid.UUID) -> HttpResponse:
    """A tap too many: it is still up there."""
    try:
        not_done(actor=request_actor(request), command_id=command_id)
    except Conflict as error:
        messages.error(request, error.words)
    else:
        messages.success(request, "It is a task again.")
    return redirect("listings:hand_list")


@login_required
@require_POST
def listing_sold(request: HttpRequest, listing_id: uuid.UUID) -> HttpResponse:
    """Seats of an assisted account's listing were sold there."""
    actor = request_actor(request)
    listing = listing_get(actor, listing_id)
    form = SoldForm(request.POST, seats=seats_of_listing(listing))
    if form.is_valid():
        try:
            sale = sold(actor=actor, listing_id=listing.pk, **form.said())
        except (InvalidInput, Conflict) as error:
            form_add_refusal(form, error)
        else:
            return _sold(request, sale)
    return _sold_page(request, listing, form, 422)


@login_required
@require_GET
def listing_sold_form(request: HttpRequest, listing_id: uuid.UUID) -> HttpResponse:
    """What to say of a sale there."""
    listing = listing_get(request_actor(request), listing_id)
    # Of what was told in one tap the rest is said here.
    tapped = sales_unnumbered(listing).first()
    chosen = [] if tapped is None else [str(row.seat_id) for row in seats_of_sale(tapped)]
    price = listing.price if tapped is None else round_money(tapped.gross / max(tapped.quantity, 1))
    form = SoldForm(None, seats=seats_of_listing(listing), initial={"price": price, "seats": chosen})
    return _sold_page(request, listing, form)


@login_required
@require_POST
def listing_sold_whole(request: HttpRequest, listing_id: uuid.UUID) -> HttpResponse:
    """One tap: all that the listing offers was sold there, at its present price, both as the page showed them."""
    try:
        seen = SoldWholeForm.read(request.POST)
        sale = hand_sold_whole(actor=request_actor(request), listing_id=listing_id, **seen)
    except (InvalidInput, Conflict) as error:
        messages.error(request, error.words)
        return redirect("listings:listing_sold_form", listing_id)
    return _sold(request, sale)


def _sold(request: HttpRequest, sale: Sale) -> HttpResponse:
    if sale.state in SALE_LIVE:
        messages.success(request, "Sold. The seats come down everywhere else.")
    else:
        messages.warning(request, f"{capfirst(sale.get_state_display())}: {sale.state_reason}.")
    return redirect("listings:sale_detail", sale.pk)


def _sold_page(request: HttpRequest, listing: Listing, form: SoldForm, status: int = 200) -> HttpResponse:
    # What is about to be put right is what the form is for.
    context = {"listing": listing, "form": form, "whole": wholes_of([listing])[0][1]}
    return render(request, "listings/listing_sold.html", context, status=status)


@login_required
@require_GET
def hand_account(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """An assisted account: what is guaranteed and what is not, and where its mails go."""
    account = account_get(request_actor(request), account_id)
    context = {"account": account, "address": webhook_url(account), "form": MailForm()}
    return render(request, "listings/hand_account.html", context)


@login_required
@require_POST
def mail_forward(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """A mail of the marketplace's, pasted or uploaded."""
    account = account_get(request_actor(request), account_id)
    form = MailForm(request.POST, request.FILES)
    actor = request_actor(request)
    fresh = form_done(form, lambda: mail_receive(actor=actor, account_id=account.pk, mail=form.content()))
    if fresh is not None:
        said = "The mail is being read: you are told what we find in it." if fresh else "This mail was here before."
        messages.success(request, said)
        return redirect("listings:hand_account", account.pk)
    context = {"account": account, "address": webhook_url(account), "form": form}
    return render(request, "listings/hand_account.html", context, status=422)
