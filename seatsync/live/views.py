"""Alerts, and the ticket that opens a page's live line."""

import uuid

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from seatsync.core.requests import refetched, sent_from, template_for
from seatsync.live.alerts import alert_acknowledge
from seatsync.live.ports import caller_actor
from seatsync.live.selectors import alert_list as alerts_visible
from seatsync.live.selectors import alerts_open
from seatsync.live.tickets import ticket_issue as issue

PAGE_SIZE = 50


@login_required
@require_POST
def ticket_issue(request: HttpRequest) -> HttpResponse:
    """A single-use ticket for the websocket's first frame."""
    user_id = caller_actor(request).user_id
    return JsonResponse({"ticket": issue(user_id or uuid.UUID(int=0))})


@login_required
@require_GET
def alert_list(request: HttpRequest) -> HttpResponse:
    """Open alerts, or all of them with ?show=all."""
    actor = caller_actor(request)
    everything = request.GET.get("show") == "all"
    alerts = alerts_visible(actor) if everything else alerts_open(actor)
    page = Paginator(alerts, PAGE_SIZE).get_page(request.GET.get("page"))
    template = template_for(request, whole="live/alert_list.html", part="live/_alert_list.html")
    return render(request, template, {"page": page, "everything": everything})


@login_required
@require_POST
def alert_acknowledge_view(request: HttpRequest, alert_id: uuid.UUID) -> HttpResponse:
    """Acknowledge one alert; a second time changes nothing."""
    alert = alert_acknowledge(actor=caller_actor(request), alert_id=alert_id)
    if refetched(request):
        return render(request, "live/_acknowledged.html", {"alert": alert})
    return redirect("analytics:inbox" if sent_from(request, "inbox") else "live:alert_list")


@login_required
@require_GET
def needs_link(request: HttpRequest) -> HttpResponse:
    """What the top bar's link says of how much needs the person."""
    return render(request, "components/needs_count.html")
