"""Deciding on a sale that its marketplace left unclear."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from listings.forms import ResolveForm
from listings.models import SaleState
from listings.selectors import sale_get, seats_of_sale
from listings.services.mail_sales import mail_names
from listings.services.resolve import sale_resolve as decide
from listings.services.resolve import seats_to_choose
from seatsync.accounts.selectors import request_actor
from seatsync.core.forms import form_done


@login_required
@require_http_methods(["GET", "POST"])
def sale_resolve(request: HttpRequest, sale_id: uuid.UUID) -> HttpResponse:
    """The form, and what it decides; a refusal comes back beside its field with everything that was chosen."""
    actor = request_actor(request)
    sale = sale_get(actor, sale_id)
    seats = seats_to_choose(sale)
    # Of one that is told no more its seats are known: they are the answer where it stands.
    own = [str(row.seat_id) for row in seats_of_sale(sale) if row.live]
    form = ResolveForm(request.POST if request.method == "POST" else None, seats=seats, initial={"seats": own})
    if form_done(form, lambda: decide(actor=actor, sale_id=sale.pk, **form.said())) is not None:
        chosen = form.cleaned_data["seats"]
        messages.success(request, "Decided: the sale has its seats." if chosen else "Decided: its seats are free.")
        return redirect("listings:sale_detail", sale.pk)
    context = {
        "sale": sale,
        "form": form,
        "named": mail_names(sale),
        "may_change": sale.may(actor, "list"),
        "seats": seats,
        "waits": sale.state == SaleState.NEEDS_PERSON,
    }
    return render(request, "listings/sale_resolve.html", context, status=422 if form.errors else 200)
