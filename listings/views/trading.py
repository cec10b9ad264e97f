"""The brake on everything a holder sells."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from listings.forms import TradingForm
from listings.models import TradingState, TradingStateKind
from listings.selectors import brake_lines, brake_of_holder
from listings.services.trading import trading_state_lift, trading_state_set
from seatsync.accounts.selectors import request_actor
from seatsync.core.actors import Actor
from seatsync.core.errors import InvalidInput
from seatsync.core.forms import form_add_refusal


def _render(
    request: HttpRequest, actor: Actor, mine: TradingState | None, form: TradingForm, status: int = 200
) -> HttpResponse:  # fmt: skip
    present = _present(mine)
    context = {"form": form, "mine": mine, "does": present.does, "others": brake_lines(actor)}
    return render(request, "listings/trading_detail.html", context, status=status)


def _present(mine: TradingState | None) -> TradingStateKind:
    return TradingStateKind(mine.state) if mine else TradingStateKind.ACTIVE


@login_required
@require_GET
def trading_detail(request: HttpRequest) -> HttpResponse:
    """Whether you sell, and which brakes are on."""
    actor = request_actor(request)
    mine = brake_of_holder(actor)
    # What a person comes here for: to stop, or, once stopped, to go on.
    wish = TradingStateKind.ACTIVE if mine else TradingStateKind.HALTED
    return _render(request, actor, mine, TradingForm(initial={"state": wish}, present=_present(mine)))


@login_required
@require_GET
def brake(request: HttpRequest) -> HttpResponse:
    """What the strip under the top bar says while the person's own brake is on."""
    return render(request, "components/brake_said.html")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def trading_set(request: HttpRequest) -> HttpResponse:
    """Halt, brake or resume everything of the holder's."""
    if request.method != "POST":
        return redirect("listings:trading_detail")
    actor = request_actor(request)
    mine = brake_of_holder(actor)
    form = TradingForm(request.POST, present=_present(mine))
    if form.is_valid():
        try:
            state = trading_state_set(
                actor=actor, scope="holder", scope_id=actor.user_id or uuid.UUID(int=0), **form.cleaned_data
            )
        except InvalidInput as error:
            form_add_refusal(form, error)
        else:
            messages.success(request, f"Selling {TradingStateKind(state.state).does}.")
            return redirect("listings:trading_detail")
    return _render(request, actor, mine, form, status=422)


@login_required
@require_POST
def trading_lift(request: HttpRequest, state_id: uuid.UUID) -> HttpResponse:
    """Lift one brake, on a game, a season ticket or an account."""
    trading_state_lift(actor=request_actor(request), state_id=state_id)
    messages.success(request, "The brake is lifted. Where another one stands too, that still holds.")
    return redirect("listings:trading_detail")
