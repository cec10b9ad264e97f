"""The mapping queue under Connections: what waits, what the marketplace offers, and the person's word."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from listings.forms import MappingFilter, MappingForm
from listings.models import CommandState, MarketplaceCommand
from listings.selectors import (
    event_requests,
    mapping_groups,
    mapping_question,
    mappings_queue,
    mappings_search,
)  # fmt: skip
from listings.services.mapping import Options, mapping_confirm, mapping_open, mapping_options
from listings.services.mapping_request import event_request
from marketplaces.registry import platform_name
from seatsync.accounts.selectors import request_actor
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict
from seatsync.core.forms import form_done
from seatsync.core.requests import refetched, template_for

SHOWN, LOOKED_AT = 100, 2000


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mapping_list(request: HttpRequest) -> HttpResponse:
    """What waits; ?command= opens one and asks its marketplace what there is; a POST confirms the choice.

    Or has the marketplace asked to add the game. What was answered meanwhile says so.
    """
    actor = request_actor(request)
    wanted = request.POST.get("command") or request.GET.get("command")
    if not wanted:
        return _render(request, None, MappingForm())
    try:
        command = mapping_open(actor, wanted)
    except Conflict as answered:
        if request.method != "POST":
            return _render(request, None, MappingForm(), answered=answered.detail)
        messages.info(request, f"{answered.detail} {answered.remedy}")
        return redirect("listings:mapping_list")
    form = MappingForm(request.POST or None)
    all_of_it = form_done(form, lambda: _done(actor, command, form))
    if all_of_it is not None:
        done = f"{platform_name(command.account.platform)} is asked to add the game." if form.asks else "Confirmed."
        _say(request, done, all_of_it)
        return redirect("listings:mapping_list")
    return _render(request, command, form)


def _done(actor: Actor, command: MarketplaceCommand, form: MappingForm) -> list[MarketplaceCommand]:
    if form.asks:
        return event_request(actor=actor, command_id=command.pk)
    return mapping_confirm(actor=actor, command_id=command.pk, **form.choice())


def _say(request: HttpRequest, done: str, commands: list[MarketplaceCommand]) -> None:
    """What was done, how many went, and why the others did not."""
    waiting = [command for command in commands if command.state == CommandState.NEEDS_PERSON]
    sent = len(commands) - len(waiting)
    messages.success(request, f"{done} {sent} listing{'s' if sent != 1 else ''} sent again.")
    for command in waiting:
        messages.error(request, f"Not sent: {command.last_error}")


def _render(
    request: HttpRequest, command: MarketplaceCommand | None, form: MappingForm, *, answered: str = ""
) -> HttpResponse:  # fmt: skip
    words = MappingFilter.read(request.GET)
    rows = list(mappings_search(mappings_queue(request_actor(request)), words)[:LOOKED_AT])
    groups = mapping_groups(rows)
    kept = {"q": words, "command": str(command.pk) if command else ""}
    context: dict[str, object] = {
        "waiting": groups[:SHOWN],
        "more": len(groups) - SHOWN if len(groups) > SHOWN else 0,
        "words": words,
        "asked": event_requests(request_actor(request))[:SHOWN],
        "opened": _opened(groups, command),
        "answered": answered,
        "form": form,
        "query": urlencode({name: value for name, value in kept.items() if value}),
    }
    # What is open in a page keeps what its marketplace showed and what is typed.
    if command is not None and not refetched(request):
        context |= _asked(request, command)
    template = template_for(request, whole="listings/mapping_list.html", part="listings/_mapping.html")
    return render(request, template, context, status=422 if form.errors else 200)


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
