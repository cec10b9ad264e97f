"""Handing the tickets of a sale over."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from listings.forms import FulfilForm
from listings.models import CommandKind, SaleState
from listings.selectors import sale_get, sale_zone
from listings.services.fulfil import sale_fulfil as hand_over
from marketplaces.registry import hand_overs_of
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.core.forms import form_add_refusal


@login_required
@require_http_methods(["GET", "POST"])
def sale_fulfil(request: HttpRequest, sale_id: uuid.UUID) -> HttpResponse:
    """The form, and what it sends; a refusal comes back beside its field with everything that was typed."""
    actor = request_actor(request)
    sale = sale_get(actor, sale_id)
    form = FulfilForm(request.POST or None, platform=sale.platform)
    if request.method == "POST" and form.is_valid():
        try:
            hand_over(actor=actor, sale_id=sale.pk, **form.cleaned_data)
        except (InvalidInput, Conflict) as error:
            form_add_refusal(form, error)
        else:
            messages.success(request, "The marketplace is being told.")
            return redirect("listings:sale_detail", sale.pk)
    context = {
        "sale": sale,
        "zone": sale_zone(sale),
        "form": form,
        "ways": hand_overs_of(sale.platform),
        "may_change": sale.listing is not None and sale.listing.season_ticket.may(actor, "list"),
        "waits": sale.state == SaleState.CONFIRMED,
        "told": sale.commands.filter(kind=CommandKind.FULFIL).order_by("-created_at").first(),
    }
    return render(request, "listings/sale_fulfil.html", context, status=422 if form.errors else 200)
