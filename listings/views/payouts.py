"""Payouts: what came, what is announced, and which sales still wait for their money."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from listings.forms import ChargedForm, ReceivedForm, SaleReceivedForm
from listings.models import Payout
from listings.payables import expectation_of, overdue, payouts_told
from listings.payables import sales_awaited as awaited_of
from listings.selectors import payout_list as payouts_visible
from listings.selectors import sale_get
from listings.services.charged_by_hand import may_say_charged
from listings.services.charged_by_hand import sale_charged as charged
from listings.services.paid_by_hand import sale_paid
from listings.services.payouts import payout_receive
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.core.forms import form_done
from seatsync.core.requests import template_for

PAGE_SIZE = 50


@login_required
@require_GET
def payout_list(request: HttpRequest) -> HttpResponse:
    """The payouts with their lines, newest first, a page at a time; ?show=awaited: the sales that are not paid yet."""
    actor, show = request_actor(request), request.GET.get("show", "")
    payouts, awaited = payouts_visible(actor), awaited_of(actor)
    context: dict[str, Any] = {
        "show": show,
        "tabs": [
            {"url": "?", "label": "Payouts", "count": payouts.count(), "active": show != "awaited"},
            {"url": "?show=awaited", "label": "Not paid yet", "count": awaited.count(), "active": show == "awaited"},
        ],
    }  # fmt: skip
    number = request.GET.get("page")
    if show == "awaited":
        waiting = Paginator(awaited, PAGE_SIZE).get_page(number)
        context |= {"page": waiting, "rows": [(sale, expectation_of(sale), overdue(sale)) for sale in waiting]}
    else:
        made = Paginator(payouts, PAGE_SIZE).get_page(number)
        context |= {
            "page": made,
            "asks": [one.pk for one in made if one.paid_at is None and not payouts_told(one.account)],
            "corrects": [one.pk for one in made if _may_correct(one)],
        }
    template = template_for(request, whole="listings/payout_list.html", part="listings/_payout_body.html")
    return render(request, template, context)


def _may_correct(payout: Payout) -> bool:
    """Whether its holder may put right what he said of it; where payouts are read, that a charge is none, or is one."""
    own = payout.said_by_hand and payout.told_with_id is None
    return own and (not payouts_told(payout.account) or payout.less_by_hand)


@login_required
@require_POST
def payout_received(request: HttpRequest, payout_id: uuid.UUID) -> HttpResponse:
    """The holder found an announced payout on the bank account, or another amount of it."""
    note = partial(payout_receive, actor=request_actor(request), payout_id=payout_id)
    return _noted(request, ReceivedForm(request.POST), note)


@login_required
@require_POST
def sale_received(request: HttpRequest, sale_id: uuid.UUID) -> HttpResponse:
    """The holder found the money of a sale over an assisted account on the bank account, or another amount of it."""
    note = partial(sale_paid, actor=request_actor(request), sale_id=sale_id)
    return _noted(request, SaleReceivedForm(request.POST), note, "?show=awaited")


@login_required
@require_http_methods(["GET", "POST"])
def sale_charged(request: HttpRequest, sale_id: uuid.UUID) -> HttpResponse:
    """The form for what was charged for a sale, or taken back, where nobody reads that; and what it notes."""
    actor = request_actor(request)
    sale, form = sale_get(actor, sale_id), ChargedForm(request.POST or None)
    if form_done(form, lambda: charged(actor=actor, sale_id=sale.pk, **form.cleaned_data)) is not None:
        messages.success(request, "Noted. Another amount is put right on the payouts page.")
        return redirect("listings:sale_detail", sale.pk)
    context = {"sale": sale, "form": form, "may_say": may_say_charged(actor, sale)}
    return render(request, "listings/sale_charged.html", context, status=422 if form.errors else 200)


def _noted(request: HttpRequest, form: ReceivedForm, note: Callable[..., Payout], show: str = "") -> HttpResponse:
    """Note what came, or say why not; back to the page."""
    back = redirect(f"{reverse('listings:payout_list')}{show}")
    if not form.is_valid():
        messages.error(request, str(form.errors["amount"][0]))
        return back
    try:
        payout = note(**form.cleaned_data)
    except (Conflict, InvalidInput) as error:
        messages.error(request, f"{error.detail} {error.remedy}")
    else:
        messages.success(request, f"Noted: payout {payout.reference}{'' if payout.less_by_hand else ' came'}.")
    return back
