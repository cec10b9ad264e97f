"""Reporting what a marketplace wrote of a sale."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from listings.forms import ReportForm
from listings.selectors import sale_get
from listings.services.sale_report import sale_report as report
from seatsync.accounts.selectors import request_actor
from seatsync.core.forms import form_done


@login_required
@require_http_methods(["GET", "POST"])
def sale_report(request: HttpRequest, sale_id: uuid.UUID) -> HttpResponse:
    """The form, and what it notes; a refusal comes back beside its field with everything that was typed."""
    actor = request_actor(request)
    sale = sale_get(actor, sale_id)
    form = ReportForm(request.POST or None, initial={"what": request.GET.get("what")}, sale=sale)
    if form_done(form, lambda: report(actor=actor, sale_id=sale.pk, **form.cleaned_data)) is not None:
        messages.success(request, "Noted.")
        return redirect("listings:sale_detail", sale.pk)
    context = {"sale": sale, "form": form, "may_change": sale.may(actor, "list"), "choices": form.told}
    return render(request, "listings/sale_report.html", context, status=422 if form.errors else 200)
