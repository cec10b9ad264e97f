"""The mapping queue under Connections: what waits, what the marketplace offers, and the person's word."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from listings.forms import MappingFilter, MappingForm
from listings.models import CommandState, MarketplaceCommand
from listings.selectors import (
    mapping_groups,
    mapping_question,
    mapping_waiting_get,
    mappings_queue,
    mappings_search,
)  # fmt: skip
from listings.services.mapping import Options, mapping_confirm, mapping_options
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import Conflict
from seatsync.core.forms import form_done

SHOWN, LOOKED_AT = 100, 2000


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mapping_list(request: HttpRequest) -> HttpResponse:
    """What waits; ?command= opens one and asks its marketplace what there is; a POST confirms the choice."""
    actor = request_actor(request)
    wanted = request.POST.get("command") or request.GET.get("command")
    if not wanted:
        return _render(request, None, MappingForm())
    command = mapping_waiting_get(actor, wanted)
    form = MappingForm(request.POST or None)
    all_of_it = form_done(form, lambda: mapping_confirm(actor=actor, command_id=command.pk, **form.choice()))
    if all_of_it is not None:
        _say(request, all_of_it)
        return redirect("listings:mapping_list")
    return _render(request, command, form)


def _say(request: HttpRequest, commands: list[MarketplaceCommand]) -> None:
    """How many went, and why the others did not."""
    waiting = [command for command in commands if command.state == CommandState.NEEDS_PERSON]
    sent = len(commands) - len(waiting)
    messages.success(request, f"Confirmed. {sent} listing{'s' if sent != 1 else ''} sent again.")
    for command in waiting:
        messages.error(request, f"Not sent: {command.last_error}")


def _render(request: HttpRequest, command: MarketplaceCommand | None, form: MappingForm) -> HttpResponse:
    words = MappingFilter.read(request.GET)
    rows = list(mappings_search(mappings_queue(request_actor(request)), words)[:LOOKED_AT])
    groups = mapping_groups(rows)
    context: dict[str, object] = {
        "waiting": groups[:SHOWN],
        "more": len(groups) - SHOWN if len(groups) > SHOWN else 0,
        "words": words,
        "opened": _opened(groups, command),
        "form": form,
    }
    if command is not None:
        context |= _asked(request, command)
    return render(request, "listings/mapping_list.html", context, status=422 if form.errors else 200)


def _opened(groups: list[MarketplaceCommand], command: MarketplaceCommand | None) -> MarketplaceCommand | None:
    """The row that is open: another publication may stand for all that wait for the same answer."""
    if command is None:
        return None
    asked = mapping_question(command)
    return next((shown for shown in groups if mapping_question(shown) == asked), command)


def _asked(request: HttpRequest, command: MarketplaceCommand) -> dict[str, object]:
    """What the marketplace offers for the opened row, or why it could not be asked."""
    try:
        return {"options": mapping_options(actor=request_actor(request), command_id=command.pk), "silent": None}
    except Conflict as error:
        return {"options": Options([], []), "silent": error}
