"""One game's page: decide, offer, reprice."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from analytics.forms import NetForm, PublishForm
from analytics.publishing import account_picks, least_said, left_out, on_their_way, publish_form, seat_picks
from analytics.selectors.comparables import bases, sales_judged
from analytics.selectors.game import GamePage, game_page
from analytics.services.suggest import game_prices_suggest
from listings.services.net_preview import nets_preview
from listings.services.publish import listing_publish
from marketplaces.selectors import account_list
from portfolios.selectors import game_get
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import NotAllowed, NotFound, SeatSyncError
from seatsync.core.forms import form_add_refusal
from seatsync.core.requests import target_of


@login_required
@require_GET
def game_detail(request: HttpRequest, game_id: uuid.UUID) -> HttpResponse:
    """The game's seats, suggestion, market, listings and the form to offer seats; a part alone for a refetch."""
    page = game_page(request_actor(request), game_id)
    if target_of(request) == "game-facts":
        return render(request, "analytics/_game_facts.html", {"page": page})
    if target_of(request) == "game-market":
        return render(request, "analytics/_game_market.html", _market(page))
    if target_of(request) == "game-side":
        return render(request, "analytics/_game_side.html", _side(page, publish_form(page)))
    return _whole(request, page, publish_form(page))


def _market(page: GamePage) -> dict[str, Any]:
    return {"page": page, "sales": sales_judged(page), "bases": bases(page)}


def _side(page: GamePage, form: PublishForm) -> dict[str, Any]:
    seats, picks = seat_picks(page, form), account_picks(page, form)
    return {
        "page": page,
        "form": form,
        "seats": seats,
        "left_out": len(form["seats"]) - len(seats),
        "picks": picks,
        "least_said": least_said(pick.line for pick in picks),
        "count": len(form["seats"].value() or ()),
        "practise": left_out(page, form),
    }


def _whole(request: HttpRequest, page: GamePage, form: PublishForm, status: int = 200) -> HttpResponse:
    return render(request, "analytics/game_detail.html", _market(page) | _side(page, form), status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def game_publish(request: HttpRequest, game_id: uuid.UUID) -> HttpResponse:
    """Offer the chosen seats on the chosen marketplaces; refusals come back beside their fields."""
    actor = request_actor(request)
    page = game_page(actor, game_id)
    if request.method != "POST":
        # A reload after a refusal, or an address that was kept: the form lives on the game's page.
        return redirect("analytics:game_detail", page.game.pk)
    form = publish_form(page, request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            listings = listing_publish(
                actor=actor, seat_ids=data.pop("seats"), account_ids=data.pop("accounts"), **data
            )
        except (NotFound, NotAllowed):
            raise
        except SeatSyncError as error:
            form_add_refusal(form, error)
        else:
            messages.success(request, on_their_way(listings))
            return redirect("analytics:game_detail", game_id)
    return _whole(request, page, form, status=422)


@login_required
@require_GET
def game_net(request: HttpRequest, game_id: uuid.UUID) -> HttpResponse:
    """What a price of the ticked seats brings per ticket on each of the accounts, as the person types."""
    actor = request_actor(request)
    game_get(actor, game_id)
    accounts = [a for a in account_list(actor).filter(is_active=True) if a.takes_listings]
    form = NetForm(request.GET)
    seats = form.seats()
    nets = nets_preview(actor=actor, accounts=accounts, price=form.amount(), seat_ids=seats)
    beyond = {net.account.pk: form.beyond(net.net) for net in nets}
    context = {"lines": [(net, beyond[net.account.pk]) for net in nets], "count": len(seats), "fault": form.fault()}
    return render(request, "analytics/_net.html", context)


@login_required
@require_POST
def game_suggest(request: HttpRequest, game_id: uuid.UUID) -> HttpResponse:
    """Work out a price for each of the person's seat groups of this game."""
    found = game_prices_suggest(actor=request_actor(request), game_id=game_id)
    if found:
        messages.success(request, f"{len(found)} price{'s' if len(found) != 1 else ''} worked out.")
    else:
        messages.info(request, "No price can be said yet: no sale of this game near your seats is known.")
    return redirect("analytics:game_detail", game_id)
