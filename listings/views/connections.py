"""One connected account: its health, and what its marketplace told us."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from listings.forms import InboundFilter
from listings.health import account_health, webhook_secret_for
from marketplaces.models import InboxState
from marketplaces.selectors import account_get, inbound_list
from seatsync.accounts.selectors import request_actor
from seatsync.core.requests import target_of, template_for

SHOWN = 25


@login_required
@require_GET
def account_detail(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Mode, last sync, last webhook, last error, limit, commands, last sweep, and the newest of what came in."""
    actor = request_actor(request)
    account = account_get(actor, account_id)
    state = InboundFilter.read(request.GET)
    events = inbound_list(actor).filter(account=account)
    if state:
        events = events.filter(state=state)
    health = account_health(account)
    context = {
        "account": account, "health": health, "events": events[:SHOWN], "state": state, "states": InboxState.choices,
        "webhook_secret": webhook_secret_for(actor, health),
    }  # fmt: skip
    now_alone = target_of(request) == "account-now"
    part = "listings/_account_now.html" if now_alone else "listings/_account_rest.html"
    return render(request, template_for(request, whole="listings/account_detail.html", part=part), context)
