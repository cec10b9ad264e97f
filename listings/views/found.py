"""What an account held before it was connected, and what is made there by hand since: the person's word on it."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from listings.forms import FoundAdoptForm, StockForm
from listings.models import FoundListing, FoundState
from listings.selectors import found_get, found_list
from listings.services.found import delivery_asked, found_ask_again, found_not_ours, stock_declare
from listings.services.found import found_adopt as adopt
from listings.services.found import found_take_down as take_down
from listings.services.recognise import recognise, told_of_found
from marketplaces.models import MarketplaceAccount
from marketplaces.selectors import account_get
from portfolios.models import Seat
from portfolios.selectors import seat_list
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import Conflict, NotFound
from seatsync.core.forms import form_done

SHOWN = 100
# Seats to choose from, for one question.
SEATS_SHOWN = 80
_DECISIONS = frozenset({"not-ours", "take-down", "ask-again"})


@login_required
@require_GET
def found_list_page(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """What was found on one account; ?open= shows the seats that one may be of."""
    account = account_get(request_actor(request), account_id)
    opened = None
    if wanted := request.GET.get("open"):
        opened = found_get(request_actor(request), wanted)
    return _render(request, account, opened)


def _render(
    request: HttpRequest, account: MarketplaceAccount, opened: FoundListing | None,
    form: FoundAdoptForm | None = None, stock: StockForm | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    actor = request_actor(request)
    rows = found_list(actor).filter(account=account)
    meant = recognise(account, told_of_found(opened)) if opened is not None else None
    # As many as it is of, or none: what is sent as it is shown is never refused for their number.
    as_many = opened is not None and meant is not None and len(meant.seats) == opened.quantity
    chosen = {str(seat.pk) for seat in meant.seats} if meant and as_many else set()
    context = {
        "account": account,
        "found": Paginator(rows, SHOWN).get_page(request.GET.get("page")),
        "total": rows.count(),
        "waiting": rows.filter(state=FoundState.WAITING).count(),
        "opened": opened,
        "seats": _seats(request, meant.game.pk) if meant and meant.game else [],
        "chosen": set(request.POST.getlist("seats")) if form is not None else chosen,
        "form": form or FoundAdoptForm(),
        "refused": form is not None,
        "asks_delivery": opened is not None and delivery_asked(opened),
        "stock": stock or StockForm(),
        "stock_refused": stock is not None,
    }
    return render(request, "listings/found_list.html", context, status=status)


def _seats(request: HttpRequest, game_id: uuid.UUID) -> list[Seat]:
    seats = seat_list(request_actor(request)).filter(game_id=game_id)
    return list(seats.order_by("section", "row", "seat_number")[:SEATS_SHOWN])


@login_required
@require_POST
def found_adopt(request: HttpRequest, found_id: uuid.UUID) -> HttpResponse:
    """Say which seats it is of."""
    actor = request_actor(request)
    found = found_get(actor, found_id)
    form = FoundAdoptForm(request.POST)

    def act() -> FoundListing:
        kind = form.cleaned_data["delivery"]
        return adopt(actor=actor, found_id=found.pk, seat_ids=form.seat_ids(), delivery=kind)

    if form_done(form, act) is not None:
        messages.success(request, "It is kept in step from now on.")
        return redirect("listings:found_list", found.account_id)
    return _render(request, found.account, found, form, status=422)


@login_required
@require_POST
def found_decide(request: HttpRequest, found_id: uuid.UUID, what: str) -> HttpResponse:
    """Not ours, take it down, or ask again."""
    if what not in _DECISIONS:
        raise NotFound("Nothing is decided at this address.")
    actor = request_actor(request)
    found = found_get(actor, found_id)
    try:
        if what == "not-ours":
            found_not_ours(actor=actor, found_ids=[found.pk])
            messages.success(request, "It is left alone.")
        elif what == "take-down":
            take_down(actor=actor, found_id=found.pk)
            messages.success(request, "It is being taken down.")
        else:
            found_ask_again(actor=actor, found_id=found.pk)
            messages.success(request, "It waits for your word again.")
    except Conflict as error:
        messages.error(request, error.words)
    return redirect("listings:found_list", found.account_id)


@login_required
@require_POST
def stock_say(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Say what the account lists already: its file, or nothing."""
    actor = request_actor(request)
    account = account_get(actor, account_id)
    form = StockForm(request.POST, request.FILES)
    if form_done(form, lambda: stock_declare(actor=actor, account_id=account.pk, file=form.content())) is not None:
        messages.success(request, "Thank you. What it lists is being looked at.")
        return redirect("listings:found_list", account.pk)
    return _render(request, account, None, stock=form, status=422)
