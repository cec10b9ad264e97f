"""The board, one listing, and what a person does with it."""

import uuid
from collections.abc import Callable, Collection
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from listings.board import board, cells_of
from listings.forms import STATUSES, BoardFilter, BoundsForm, BulkForm, MendForm, RepriceForm, TakeDownForm, UntilForm
from listings.history import listing_story
from listings.models import Listing, ListingStatus, MarketplaceCommand
from listings.selectors import asked_of, bounds_of_listing, listing_get
from listings.services.bounds import listing_bounds_set
from listings.services.delist import listings_delist
from listings.services.give_up import command_give_up
from listings.services.list_until import comes_down, listing_until_set
from listings.services.mend import command_again as again
from listings.services.mend import listing_mend as mended
from listings.services.mend import refused_publication
from listings.services.pricing import listing_reprice as reprice
from listings.services.sold_whole import wholes_of
from listings.states import OFFERED, OVER, WANTED
from marketplaces.models import Mode
from marketplaces.registry import platform_name
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.core.forms import form_add_refusal
from seatsync.core.requests import sent_from, template_for


@login_required
@require_GET
def listing_list(request: HttpRequest) -> HttpResponse:
    """The board; filters lie in the URL."""
    return board_page(request, BulkForm())


def board_page(
    request: HttpRequest, together: BulkForm, ticked: Collection[uuid.UUID] = (), status: int = 200
) -> HttpResponse:
    """The board as the address filters it, with what is asked of many listings and those that are ticked for it."""
    chosen = BoardFilter.read(request.GET)
    shown = board(request_actor(request), **chosen)
    url, filters = board_url(request), request.GET.urlencode()
    if chosen["status"]:
        # One state is looked for among all of them.
        chosen["show"] = "all"
    context = {"board": shown, "chosen": chosen, "shows": STATUSES, "statuses": ListingStatus.choices,
               "together": together, "ticked": ticked, "board_url": url, "filters": filters}  # fmt: skip
    template = template_for(request, whole="listings/listing_list.html", part="listings/_board.html")
    return render(request, template, context, status=status)


def board_url(request: HttpRequest) -> str:
    """The board's address with the filters of this one."""
    filters = request.GET.urlencode()
    return reverse("listings:listing_list") + (f"?{filters}" if filters else "")


@login_required
@require_GET
def listing_detail(request: HttpRequest, listing_id: uuid.UUID) -> HttpResponse:
    """One listing with its history and the reasons behind it."""
    listing = listing_get(request_actor(request), listing_id)
    return _detail(request, listing, RepriceForm(initial={"price": listing.price, "version": listing.version}))


def _detail(
    request: HttpRequest, listing: Listing, form: RepriceForm, status: int = 200, *, bounds: BoundsForm | None = None,
    mend: MendForm | None = None, until: UntilForm | None = None,
) -> HttpResponse:  # fmt: skip
    actor, zone = request_actor(request), listing.game.venue.timezone
    offered = listing.status in OFFERED
    may = listing.season_ticket.may(actor, "reprice")
    # What is sent over an account is its owner's to say.
    own = listing.account.is_of(actor)
    context = {
        "listing": listing,
        "story": listing_story(listing),
        "asked": asked_of(listing),
        "form": form,
        "bounds": bounds
        or BoundsForm(initial={"floor": listing.floor, "ceiling": listing.ceiling, "version": listing.version}),
        "mend": mend or MendForm(initial={"price": listing.price, "split_type": listing.split_type}),
        "bounds_said": bounds_of_listing(listing).said,
        "until": until or UntilForm(initial={"list_until": listing.list_until, "version": listing.version}, zone=zone),
        "down": comes_down(listing) if listing.status in WANTED else None,
        "may_change": may,
        "over": listing.status in OVER,
        "may_price": may and offered,
        "may_send_again": own,
        "may_mend": own and may and refused_publication(listing) is not None,
        "whole": wholes_of([listing])[0][1] if listing.season_ticket.may(actor, "list") else None,
        "may_take_down": may and listing.status in WANTED,
    }
    template = template_for(request, whole="listings/listing_detail.html", part="listings/_listing_body.html")
    return render(request, template, context, status=status)


@login_required
@require_GET
def listing_row(request: HttpRequest, listing_id: uuid.UUID) -> HttpResponse:
    """One listing as a table row, to refetch when it changes."""
    return _row(request, listing_get(request_actor(request), listing_id))


def _row(request: HttpRequest, listing: Listing, form: RepriceForm | None = None, status: int = 200) -> HttpResponse:
    actor = request_actor(request)
    context = {"listing": listing, "cell": cells_of([listing], actor)[listing.pk], "form": form,
               "may_change": listing.season_ticket.may(actor, "reprice")}  # fmt: skip
    return render(request, "listings/_listing_row.html", context, status=status)


def _board_cell(request: HttpRequest, listing: Listing, form: RepriceForm | None, status: int) -> HttpResponse:
    cell = cells_of([listing], request_actor(request))[listing.pk]
    return render(request, "listings/_board_cell.html", {"listing": listing, "cell": cell, "form": form}, status=status)


@login_required
@require_POST
def listing_reprice(request: HttpRequest, listing_id: uuid.UUID) -> HttpResponse:
    """Set a new price; a refusal or a stale version comes back beside the field with the current figures."""
    actor = request_actor(request)
    listing = listing_get(actor, listing_id)
    form, status = RepriceForm(request.POST), 200
    if form.is_valid():
        try:
            reprice(actor=actor, listing_id=listing.pk, **form.cleaned_data)
        except (InvalidInput, Conflict) as error:
            status = error.status
            form_add_refusal(form, error, version="price")
    else:
        status = 422
    listing = listing_get(actor, listing_id)
    target = request.headers.get("HX-Target", "")
    if target.startswith(("listing-row", "cell-")):
        part = _row if target.startswith("listing-row") else _board_cell
        return part(request, listing, form if form.errors else None, status)
    if form.errors:
        return _detail(request, listing, form, status)
    said, by_hand = "The new price is on its way.", "Change the price"
    messages.success(request, said if listing.account.mode != Mode.ASSISTED else _by_hand(listing, by_hand))
    return redirect("listings:listing_detail", listing_id)


@login_required
@require_POST
def listing_mend(request: HttpRequest, listing_id: uuid.UUID) -> HttpResponse:
    """Change what was refused of a publication and send it again; a refusal of ours comes back beside its field."""
    form = MendForm(request.POST)
    return _changed(request, listing_id, form, mended, "It is being tried again.", version="price", mend=form)


@login_required
@require_POST
def listing_bounds(request: HttpRequest, listing_id: uuid.UUID) -> HttpResponse:
    """Set floor and ceiling; a refusal comes back beside its field."""
    form, told = BoundsForm(request.POST), "Floor and ceiling are set."
    return _changed(request, listing_id, form, listing_bounds_set, told, version="floor", bounds=form)


@login_required
@require_POST
def listing_until(request: HttpRequest, listing_id: uuid.UUID) -> HttpResponse:
    """Set the holder's own cut-off; a refusal comes back beside its field."""
    listing = listing_get(request_actor(request), listing_id)
    form = UntilForm(request.POST, zone=listing.game.venue.timezone)
    told = "Your own cut-off is set." if request.POST.get("list_until") else "It has no cut-off of your own."
    return _changed(request, listing_id, form, listing_until_set, told, version="list_until", until=form)


def _changed(
    request: HttpRequest, listing_id: uuid.UUID, form: Form, change: Callable[..., Listing], told: str, *,
    version: str, **shown: Any,
) -> HttpResponse:  # fmt: skip
    """Make a form's change, or show the page with what was refused of it; `version`: beside which field a stale one."""
    actor = request_actor(request)
    listing, status = listing_get(actor, listing_id), 422
    if form.is_valid():
        try:
            change(actor=actor, listing_id=listing.pk, **form.cleaned_data)
        except (InvalidInput, Conflict) as error:
            status = error.status
            form_add_refusal(form, error, version=version)
        else:
            messages.success(request, told)
            return redirect("listings:listing_detail", listing_id)
    listing = listing_get(actor, listing_id)
    price = RepriceForm(initial={"price": listing.price, "version": listing.version})
    return _detail(request, listing, price, status, **shown)


@login_required
@require_POST
def listing_delist(request: HttpRequest, listing_id: uuid.UUID) -> HttpResponse:
    """Take one listing down; taking it down twice changes nothing."""
    actor = request_actor(request)
    listing = listing_get(actor, listing_id)
    form = TakeDownForm(request.POST)
    form.is_valid()
    listings_delist(actor=actor, listing_ids=[listing.pk], reason=form.cleaned_data.get("reason", ""))
    said, by_hand = "The listing is being taken down.", "Take it down"
    messages.success(request, said if listing.account.mode != Mode.ASSISTED else _by_hand(listing, by_hand))
    return redirect("analytics:game_detail", listing.game_id)


def _by_hand(listing: Listing, act: str) -> str:
    """What its holder is to do there, where nobody else can."""
    name = platform_name(listing.platform)
    return f"{act} on {name} yourself, then say under By hand that it is done: until then nothing has changed there."


@login_required
@require_POST
def command_again(request: HttpRequest, command_id: uuid.UUID) -> HttpResponse:
    """Send a command that needed a person once more."""
    command = again(actor=request_actor(request), command_id=command_id)
    messages.success(request, "It is being tried again.")
    return _after(request, command)


@login_required
@require_POST
def command_let_be(request: HttpRequest, command_id: uuid.UUID) -> HttpResponse:
    """Send a command that needed a person no more."""
    command = command_give_up(actor=request_actor(request), command_id=command_id)
    messages.success(request, "It is not sent any more.")
    return _after(request, command)


def _after(request: HttpRequest, command: MarketplaceCommand) -> HttpResponse:
    if sent_from(request, "inbox"):
        return redirect("analytics:inbox")
    return redirect("listings:listing_detail", command.listing_id) if command.listing_id else redirect("analytics:desk")
