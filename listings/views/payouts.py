"""Payouts: what came, what is announced, and which sales still wait for their money."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from listings.expected import Expectation, expectation_of
from listings.forms import ChargedForm, ReceivedForm, SaleReceivedForm
from listings.models import Payout, Sale
from listings.payables import holder_says_paid, overdue, paid_words, payouts_told
from listings.payables import sales_awaited as awaited_of
from listings.selectors import payout_get, sale_get
from listings.selectors import payout_list as payouts_visible
from listings.services.charged_by_hand import may_say_charged
from listings.services.charged_by_hand import sale_charged as charged
from listings.services.paid_by_hand import sale_paid
from listings.services.payouts import payout_receive
from seatsync.accounts.selectors import request_actor
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
        context |= {"page": waiting, "rows": [_awaited(sale) for sale in waiting]}
    else:
        made = Paginator(payouts, PAGE_SIZE).get_page(number)
        context |= {
            "page": made,
            "asks": [one.pk for one in made if one.paid_at is None and not payouts_told(one.account)],
            "corrects": [one.pk for one in made if _may_correct(one)],
        }
    template = template_for(request, whole="listings/payout_list.html", part="listings/_payout_body.html")
    return render(request, template, context)


def _awaited(sale: Sale) -> tuple[Sale, Expectation, bool, str, bool]:
    """A sale that is not paid: when its money is to come, whether it is late, what its marketplace says of it.

    And whether only its holder says when it came.
    """
    return sale, expectation_of(sale), overdue(sale), paid_words(sale), holder_says_paid(sale.account)


def _may_correct(payout: Payout) -> bool:
    """Whether its holder may put right what he said of it; where payouts are read, that a charge is none, or is one."""
    own = payout.said_by_hand and payout.told_with_id is None
    return own and (not payouts_told(payout.account) or payout.less_by_hand)


@login_required
@require_POST
def payout_received(request: HttpRequest, payout_id: uuid.UUID) -> HttpResponse:
    """The holder found an announced payout on the bank account, or another amount of it."""
    actor = request_actor(request)
    payout, form = payout_get(actor, payout_id), ReceivedForm(request.POST)
    done = form_done(form, lambda: payout_receive(actor=actor, payout_id=payout.pk, **form.cleaned_data))
    about = {"platform": payout.platform, "what": f"Payout {payout.name}", "less": payout.less_by_hand}
    return _noted(request, form, done, about)


@login_required
@require_POST
def sale_received(request: HttpRequest, sale_id: uuid.UUID) -> HttpResponse:
    """The holder found the money of a sale, or another amount, on the bank account, and nobody else says so."""
    actor = request_actor(request)
    sale, form = sale_get(actor, sale_id), SaleReceivedForm(request.POST)
    done = form_done(form, lambda: sale_paid(actor=actor, sale_id=sale.pk, **form.cleaned_data))
    about = {"platform": sale.platform, "what": f"Sale {sale.platform_sale_id}", "show": "?show=awaited"}
    return _noted(request, form, done, about)


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


def _noted(request: HttpRequest, form: ReceivedForm, payout: Payout | None, about: dict[str, Any]) -> HttpResponse:
    """Back to the payouts where it is noted; else what was refused, with what was typed and what it is `about`."""
    if payout is None:
        return render(request, "listings/payout_came.html", {"form": form, **about}, status=422)
    messages.success(request, f"Noted: payout {payout.reference}{'' if payout.less_by_hand else ' came'}.")
    return redirect(f"{reverse('listings:payout_list')}{about.get('show', '')}")
