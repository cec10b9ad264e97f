"""The inbox: all that waits for the person, with one click each."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from analytics.selectors.inbox import inbox
from seatsync.accounts.selectors import request_actor
from seatsync.core.requests import template_for


@login_required
@require_GET
def inbox_list(request: HttpRequest) -> HttpResponse:
    """Everything that waits; the lists alone for an open page that asks for them again."""
    template = template_for(request, whole="analytics/inbox.html", part="analytics/_inbox.html")
    return render(request, template, {"inbox": inbox(request_actor(request))})
