"""Season tickets, and a holder's own moves of seats."""

import uuid
from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portfolios.forms import CorrectionForm, SeasonTicketForm, SeatsStateForm, VersionForm
from portfolios.selectors import (
    game_get,
    history_of_ticket,
    schedule_list,
    season_ticket_counts,
    season_ticket_end,
    season_ticket_get,
    seats_of_game,
)
from portfolios.services import corrections
from portfolios.services.ledger import seats_set_state
from portfolios.services.season_tickets import season_ticket_create
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.core.forms import form_add_refusal, form_done


@login_required
@require_GET
def season_ticket_list(request: HttpRequest) -> HttpResponse:
    """The season tickets that the person may know of."""
    tickets = season_ticket_counts(request_actor(request))
    return render(request, "portfolios/season_ticket_list.html", {"tickets": tickets})


@login_required
@require_http_methods(["GET", "POST"])
def season_ticket_new(request: HttpRequest) -> HttpResponse:
    """The form of a new season ticket; a refusal comes back beside its field with everything that was typed."""
    actor = request_actor(request)
    form = SeasonTicketForm(request.POST or None, schedules=schedule_list())
    if request.method == "POST" and form.is_valid() and actor.user_id is not None:
        wish = dict(form.cleaned_data)
        team_id, source = wish.pop("team"), wish.pop("source", "") or None
        try:
            ticket = season_ticket_create(actor=actor, user_id=actor.user_id, team_id=team_id, source=source, **wish)
        except (Conflict, InvalidInput) as error:
            form_add_refusal(form, error)
        else:
            messages.success(request, f"{ticket.team}: {ticket.total_games} games are in your portfolio.")
            return redirect("analytics:season_detail", ticket.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "portfolios/season_ticket_new.html", {"form": form}, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def season_ticket_correct(request: HttpRequest, ticket_id: uuid.UUID) -> HttpResponse:
    """Mend what was entered wrongly; what no longer can be, the page says why."""
    actor = request_actor(request)
    ticket = season_ticket_get(actor, ticket_id)
    on_record = history_of_ticket(ticket).words
    form = CorrectionForm(request.POST or None, ticket=ticket, place_stands=bool(on_record))
    correct = partial(corrections.season_ticket_correct, actor=actor, ticket_id=ticket.pk)
    if (corrected := form_done(form, lambda: correct(**form.cleaned_data))) is not None:
        messages.success(request, f"{corrected.name} is corrected.")
        return redirect("analytics:season_detail", corrected.pk)
    context = {"ticket": ticket, "form": form, "on_record": on_record, "may_manage": ticket.may(actor, "manage")}
    status = 422 if form.errors else 200
    return render(request, "portfolios/season_ticket_correct.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def season_ticket_remove(request: HttpRequest, ticket_id: uuid.UUID) -> HttpResponse:
    """What exactly goes with a season ticket, and the deletion."""
    actor = request_actor(request)
    ticket = season_ticket_get(actor, ticket_id)
    form = VersionForm(request.POST or None, initial={"version": ticket.version})
    if request.method == "POST" and form.is_valid():
        try:
            corrections.season_ticket_remove(actor=actor, ticket_id=ticket.pk, **form.cleaned_data)
        except Conflict as error:
            form_add_refusal(form, error)
        else:
            messages.success(request, f"{ticket.name}, seats {ticket}, is deleted.")
            return redirect("portfolios:season_ticket_list")
    end, may_manage = season_ticket_end(ticket), ticket.may(actor, "manage")
    context = {"ticket": ticket, "form": form, "end": end, "may_manage": may_manage}
    status = 422 if form.errors else 200
    return render(request, "portfolios/season_ticket_remove.html", context, status=status)


@login_required
@require_POST
def seats_state(request: HttpRequest, game_id: uuid.UUID) -> HttpResponse:
    """Keep seats, free them again, or give them away; refusals are said on the game page."""
    actor = request_actor(request)
    own = [str(pk) for pk in seats_of_game(actor, game_get(actor, game_id)).values_list("pk", flat=True)]
    form = SeatsStateForm(request.POST, seat_ids=own)
    if not form.is_valid():
        messages.error(request, "Choose one of your seats and what shall become of it.")
        return redirect("analytics:game_detail", game_id)
    data = form.cleaned_data
    try:
        moved = seats_set_state(
            actor=actor,
            seat_ids=data["seats"],
            to_state=data["state"],
            reason=data["reason"] or "chosen on the game page",
        )
    except (Conflict, InvalidInput) as error:
        messages.error(request, error.words)
    else:
        messages.success(request, f"{len(moved)} seat{'s' if len(moved) != 1 else ''}: {moved[0].get_state_display()}.")
    return redirect("analytics:game_detail", game_id)
