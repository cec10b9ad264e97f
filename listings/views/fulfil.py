"""Handing the tickets of a sale over."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from listings.forms import WAYS, FulfilForm
from listings.models import CommandKind, Sale
from listings.selectors import sale_get, sale_zone, seats_of_sale
from listings.services.ask import sale_ask as ask
from listings.services.fulfil import hand_over_to, hints_of, ways_of
from listings.services.fulfil import sale_fulfil as hand_over
from listings.services.hand_over_due import due_said
from listings.services.labels import label_of_sale
from marketplaces.delivery import STEPS, DeliveryStep, HandOver, step_of
from marketplaces.models import Mode
from marketplaces.registry import hand_overs_of, platform_name
from portfolios.models import Seat
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import Conflict
from seatsync.core.forms import form_done


@login_required
@require_http_methods(["GET", "POST"])
def sale_fulfil(request: HttpRequest, sale_id: uuid.UUID) -> HttpResponse:
    """The form of one way (?way=), and what it sends; a refusal comes back with everything that was typed."""
    actor = request_actor(request)
    sale = sale_get(actor, sale_id)
    ways, seats = ways_of(sale), [row.seat for row in seats_of_sale(sale) if row.live]
    given = request.POST.get("method", "") or request.GET.get("way", "")
    way = given if given in WAYS else (ways[0] if ways else HandOver.MOBILE_TRANSFER)
    posted = request.POST if request.method == "POST" else None
    form = FulfilForm(posted, request.FILES or None, way=way, seats=seats, hints=hints_of(seats, [HandOver(way)]))
    if form_done(form, lambda: hand_over(actor=actor, sale_id=sale.pk, **form.said())) is not None:
        name, by_hand = platform_name(sale.platform), sale.account.mode == Mode.ASSISTED
        task = f"It is a task of yours: hand it over on {name} yourself, then say under By hand that it is done."
        messages.success(request, task if by_hand else "The marketplace is being told.")
        return redirect("listings:sale_detail", sale.pk)
    context = _context(sale, form, way, ways, seats)
    context |= {"may_change": sale.may(actor, "list"), "buyer": hand_over_to(actor, sale)}
    return render(request, "listings/sale_fulfil.html", context, status=422 if form.errors else 200)


def _context(
    sale: Sale, form: FulfilForm, way: str, ways: tuple[HandOver, ...], seats: list[Seat]
) -> dict[str, object]:
    step = step_of(sale.delivery_step)
    return {
        "sale": sale,
        "zone": sale_zone(sale),
        "due_said": due_said(sale),
        "form": form,
        "way": way,
        "ways": [(one.value, WAYS[one]) for one in ways],
        "takes": hand_overs_of(sale.platform),
        "step": STEPS[step],
        "label": step is DeliveryStep.LABELS,
        "seats": seats,
        "told": sale.commands.filter(kind=CommandKind.FULFIL).order_by("-created_at").first(),
    }


@login_required
@require_POST
def sale_ask(request: HttpRequest, sale_id: uuid.UUID) -> HttpResponse:
    """Have the marketplace asked now; the page follows what it says."""
    try:
        sale = ask(actor=request_actor(request), sale_id=sale_id)
    except Conflict as error:
        messages.error(request, error.words)
    else:
        messages.success(request, f"{platform_name(sale.platform)} is being asked.")
    return redirect("listings:sale_detail", sale_id)


@login_required
@require_GET
def sale_label(request: HttpRequest, sale_id: uuid.UUID) -> HttpResponse:
    """The shipping label of a sale's parcel, a PDF; back to the sale while it is being fetched."""
    actor = request_actor(request)
    sale = sale_get(actor, sale_id)
    label = label_of_sale(actor, sale)
    if label is None:
        messages.info(request, f"{platform_name(sale.platform)} has not given a label yet: look again in a minute.")
        return redirect("listings:sale_fulfil", sale.pk)
    headers = {"Content-Disposition": f'inline; filename="label-{sale.platform_sale_id}.pdf"'}
    return HttpResponse(label, content_type="application/pdf", headers=headers)
