"""The desk, or the landing page for people who are not signed in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from analytics.selectors.desk import desk as desk_of
from analytics.selectors.desk import desk_top
from analytics.selectors.desk import needs as needs_of
from seatsync.accounts.selectors import request_actor
from seatsync.core.requests import target_of, template_for


@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """The morning check; a part of it alone for a refetch."""
    if not request.user.is_authenticated:
        return render(request, "landing.html")
    actor = request_actor(request)
    if target_of(request) == "desk-top":
        return render(request, "analytics/_desk_top.html", {"desk": desk_top(actor)})
    template = template_for(request, whole="analytics/desk.html", part="analytics/_desk_lists.html")
    return render(request, template, {"desk": desk_of(actor)})


@require_GET
def desk_needs(request: HttpRequest) -> HttpResponse:
    """The strip of what needs the person, alone."""
    if not request.user.is_authenticated:
        return HttpResponse(status=204)
    return render(request, "analytics/_needs.html", {"needs": needs_of(request_actor(request))})
