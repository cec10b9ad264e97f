"""A season ticket's page."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from analytics.forms import SHOWS, SeasonFilter
from analytics.selectors.overview import season_overview
from analytics.selectors.season import rows_shown, sold_total
from portfolios.selectors import season_ticket_get
from seatsync.accounts.selectors import request_actor
from seatsync.core.requests import target_of, template_for


@login_required
@require_GET
def season_detail(request: HttpRequest, ticket_id: uuid.UUID) -> HttpResponse:
    """The season's totals and games table; filters and order lie in the URL."""
    actor = request_actor(request)
    overview = season_overview(actor, season_ticket_get(actor, ticket_id))
    if target_of(request) == "season-totals":
        return render(request, "analytics/_season_strip.html", {"overview": overview})
    chosen = SeasonFilter.read(request.GET)
    rows = rows_shown(overview.games, **chosen)
    context = {
        "overview": overview,
        "rows": rows,
        "shown_proceeds": sold_total(rows),
        "chosen": chosen,
        "shows": SHOWS,
    }
    template = template_for(request, whole="analytics/season_detail.html", part="analytics/_season_body.html")
    return render(request, template, context)
