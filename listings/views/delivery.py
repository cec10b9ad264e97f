"""How seats reach their buyers: the terms of a season ticket, and the tickets of a game's seats."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from listings.forms import DeliveryForm, TicketsForm
from listings.selectors import seats_with_tickets, ticket_of
from listings.services.delivery_terms import delivery_terms_set, open_with_other_terms, terms_of
from listings.services.fulfil import hints_of
from listings.services.seat_tickets import tickets_enter
from marketplaces.delivery import OF_SEATS, HandOver
from marketplaces.registry import adapter_list
from seatsync.accounts.selectors import request_actor
from seatsync.core.forms import form_done

KINDS = {HandOver.BARCODE: "Barcodes", HandOver.PDF: "PDF files", HandOver.QR_CODE: "Pictures of codes"}


@login_required
@require_http_methods(["GET", "POST"])
def delivery_terms(request: HttpRequest, ticket_id: uuid.UUID) -> HttpResponse:
    """What each publication of these seats promises its buyers."""
    actor = request_actor(request)
    ticket = ticket_of(actor, ticket_id)
    terms = terms_of(ticket)
    entered = {
        "delivery": terms.delivery, "in_hand_on": terms.in_hand_on, "disclosures": terms.disclosures,
        "version": terms.version,
    }  # fmt: skip
    form = DeliveryForm(request.POST or None, initial=entered)
    kept = form_done(form, lambda: delivery_terms_set(actor=actor, ticket_id=ticket.pk, **form.cleaned_data))
    if kept is not None:
        messages.success(request, "Kept. What is published from now on promises it.")
        return redirect("listings:delivery_terms", ticket.pk)
    context = {
        "ticket": ticket, "terms": terms, "form": form, "may_change": ticket.may(actor, "manage"),
        "others": open_with_other_terms(ticket, terms) if terms.version else 0,
        "takers": [one.traits.name for one in adapter_list() if terms.delivery in one.traits.deliveries],
    }  # fmt: skip
    return render(request, "listings/delivery_terms.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def ticket_enter(request: HttpRequest, ticket_id: uuid.UUID, game_id: uuid.UUID) -> HttpResponse:
    """The tickets of a game's seats, of one kind (?kind=)."""
    actor = request_actor(request)
    ticket = ticket_of(actor, ticket_id)
    game, seats = seats_with_tickets(ticket, game_id)
    usual = terms_of(ticket).delivery
    asked = request.POST.get("kind", "") or request.GET.get("kind", "") or usual
    kind = HandOver(asked) if asked in OF_SEATS else HandOver.BARCODE
    posted = request.POST if request.method == "POST" else None
    form = TicketsForm(posted, request.FILES or None, kind=kind, seats=seats, hints=hints_of(seats, [kind]))
    kept = form_done(form, lambda: tickets_enter(actor=actor, kind=kind, entries=form.entries()))
    if kept is not None:
        messages.success(request, f"{len(kept)} ticket{'' if len(kept) == 1 else 's'} kept.")
        return redirect(f"{reverse('listings:ticket_enter', args=[ticket.pk, game.pk])}?kind={kind}")
    context = {
        "ticket": ticket, "game": game, "seats": seats, "form": form, "kind": kind,
        "kinds": [(one.value, words) for one, words in KINDS.items()], "may_change": ticket.may(actor, "list"),
    }  # fmt: skip
    return render(request, "listings/ticket_enter.html", context, status=422 if form.errors else 200)
