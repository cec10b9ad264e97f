"""The connections page: accounts, their health, connect and disconnect."""

import uuid

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketplaces.forms import ConnectForm, ConsentForm
from marketplaces.models import Mode
from marketplaces.registry import adapter_get, adapter_list, traits_of
from marketplaces.selectors import account_list as accounts_visible
from marketplaces.selectors import connecting_barred, inbound_failed, inbound_get
from marketplaces.services.connect import (
    account_leave,
    connect_assisted,
    connect_finish,
    connect_start,
    connect_token,
    disconnect,
)  # fmt: skip
from marketplaces.services.understand import inbound_replay, inbound_retry, inbound_retry_all
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import Conflict, InvalidInput, SeatSyncError
from seatsync.core.forms import form_add_refusal
from seatsync.core.requests import refetched, sent_from

MOST_SHOWN = 50


def _redirect_uri() -> str:
    return settings.BASE_URL.rstrip("/") + reverse("marketplaces:connect_finish")


def _render(request: HttpRequest, form: ConnectForm | None = None, status: int = 200) -> HttpResponse:
    actor = request_actor(request)
    context = {
        "accounts": accounts_visible(actor),
        "failed": inbound_failed(actor)[:MOST_SHOWN],
        "barred": connecting_barred(actor.tenant_id, actor.user_id),
        "platforms": [adapter.traits for adapter in adapter_list()],
        "form": form or ConnectForm(initial={"mode": "paper"}),
        # A consent was refused for want of it; a token is on the form that was sent.
        "confirm_consent": request.GET.get("confirm") == "same_account",
    }
    return render(request, "marketplaces/account_list.html", context, status=status)


@login_required
@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    """Every account with its mode, last sync, last webhook and last error."""
    if refetched(request):
        accounts = accounts_visible(request_actor(request))
        return render(request, "marketplaces/_accounts.html", {"accounts": accounts})
    return _render(request)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account_connect(request: HttpRequest) -> HttpResponse:
    """Go to the platform's consent page, or test and keep a token."""
    if request.method != "POST":
        return redirect("marketplaces:account_list")
    given = request.POST.copy()
    # A platform may ask for several parts; they are the lines of one token.
    given["token"] = "\n".join(str(part).strip() for part in given.getlist("token")).strip()
    form = ConnectForm(given, traits=traits_of(given.get("platform", "")))
    if form.is_valid():
        actor, data = request_actor(request), form.cleaned_data
        try:
            if data["mode"] == Mode.ASSISTED:
                account = connect_assisted(actor=actor, platform=data["platform"])
                messages.success(request, "The account is here. What is to be done there waits under By hand.")
                return redirect("listings:hand_account", account.pk)
            if adapter_get(data["platform"]).traits.auth == "oauth2":
                url = connect_start(
                    actor=actor, platform=data["platform"], mode=data["mode"], redirect_uri=_redirect_uri(),
                    same_account=data["same_account"],
                )  # fmt: skip
                # A link, not a redirect: the page's own rules forbid forms that lead to other sites.
                context = {"url": url, "traits": adapter_get(data["platform"]).traits, "mode": data["mode"]}
                return render(request, "marketplaces/account_consent.html", context)
            connect_token(actor=actor, **data)
        except (InvalidInput, Conflict) as error:
            form_add_refusal(form, error)
        else:
            messages.success(request, "The account is connected.")
            return redirect("marketplaces:account_list")
    return _render(request, form, status=422)


@login_required
@require_GET
def account_connected(request: HttpRequest) -> HttpResponse:
    """Where the platform sends the holder back after consent."""
    form = ConsentForm(request.GET)
    # What is not even text was not sent by a platform: it is refused as a made-up answer is.
    data = form.cleaned_data if form.is_valid() else {"state": "", "code": "", "error": ""}
    try:
        connect_finish(actor=request_actor(request), redirect_uri=_redirect_uri(), **data)
    except SeatSyncError as error:
        messages.error(request, error.words)
        if any(problem.field == "same_account" for problem in error.problems):
            return redirect(reverse("marketplaces:account_list") + "?confirm=same_account")
    else:
        messages.success(request, "The account is connected.")
    return redirect("marketplaces:account_list")


@login_required
@require_POST
def account_disconnect(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Give the account up; what is open there comes down first."""
    try:
        account = disconnect(actor=request_actor(request), account_id=account_id)
    except Conflict as error:
        messages.error(request, error.words)
    else:
        done, under_way = (
            "The account is disconnected.",
            "It is disconnected once its listings are down and sales settled.",
        )
        messages.success(request, under_way if account.is_active else done)
    return redirect("marketplaces:account_list")


@login_required
@require_POST
def account_left(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Give the grant up and leave the listings where they are."""
    try:
        account_leave(actor=request_actor(request), account_id=account_id)
    except Conflict as error:
        messages.error(request, error.words)
    else:
        messages.success(request, "Its listings stay up there, and are yours to take down by hand.")
    return redirect("marketplaces:account_list")


@login_required
@require_POST
def inbound_again(request: HttpRequest, event_id: uuid.UUID) -> HttpResponse:
    """Work off once more what was received and given up."""
    try:
        inbound_retry(actor=request_actor(request), event_id=event_id)
    except Conflict as error:
        messages.error(request, error.words)
    else:
        messages.success(request, "It is being tried again.")
    return redirect("analytics:inbox" if sent_from(request, "inbox") else "marketplaces:account_list")


@login_required
@require_POST
def inbound_replayed(request: HttpRequest, event_id: uuid.UUID) -> HttpResponse:
    """Work one item off anew, whatever came of it before."""
    actor = request_actor(request)
    event = inbound_get(actor, event_id)
    try:
        inbound_replay(actor=actor, event_id=event.pk)
    except Conflict as error:
        messages.error(request, error.words)
    else:
        messages.success(request, "It is being worked off anew.")
    return redirect("listings:account_detail", event.account_id)


@login_required
@require_POST
def inbound_all_again(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Work off once more everything that was given up over an account."""
    queued = inbound_retry_all(actor=request_actor(request), account_id=account_id)
    items = f"{queued} item{'' if queued == 1 else 's'}"
    messages.success(request, f"{items} will be tried again." if queued else "Nothing there was given up.")
    return redirect("listings:account_detail", account_id)
