"""Many listings at once: what becomes of each is shown first, and done when a person says so.

What is asked wrongly is said on the board, where it was asked, with all that was chosen and typed. The address keeps
the board's filters: opened anew it leads back there.
"""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from listings.forms import BulkForm, chosen_in
from listings.services.bulk import Act, Chosen, Line, listings_bulk
from listings.views.listings import board_page, board_url
from seatsync.accounts.selectors import request_actor
from seatsync.core.forms import form_done


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def listing_bulk(request: HttpRequest) -> HttpResponse:
    """What would become of the chosen listings or, where it was looked at (`sure`), what became of them."""
    if request.method != "POST":
        return redirect(board_url(request))
    form, chosen = BulkForm(request.POST), chosen_in(request.POST)
    lines = form_done(form, lambda: _lines(request, form, chosen))
    if lines is None:
        return board_page(request, form, frozenset(one.listing_id for one in chosen), status=422)
    sure = form.cleaned_data["sure"]
    changed = [line for line in lines if line.changes]
    if sure and not any(line.refusal for line in lines):
        messages.success(request, _said(form.cleaned_data["act"], changed))
        return redirect(board_url(request))
    context = {
        "form": form, "chosen": [f"{one.listing_id}:{one.version or ''}" for one in chosen], "lines": lines,
        "done": sure, "changed": changed, "down": form.cleaned_data["act"] == Act.DOWN, "board_url": board_url(request),
        "confirms": any(line.to_confirm for line in lines) or "confirmed" in request.POST,
    }  # fmt: skip
    return render(request, "listings/listing_bulk.html", context)


def _lines(request: HttpRequest, form: BulkForm, chosen: list[Chosen]) -> list[Line]:
    wish = form.cleaned_data
    return listings_bulk(
        actor=request_actor(request), chosen=chosen, act=Act(wish["act"]), amount=wish["amount"],
        confirmed=wish["confirmed"], dry_run=not wish["sure"],
    )  # fmt: skip


def _said(act: str, changed: list[Line]) -> str:
    count, hands = len(changed), sum(line.by_hand for line in changed)
    what = f"{count} listing{'s are' if count != 1 else ' is'} being taken down."
    if act != Act.DOWN:
        what = f"{count} new price{'s are' if count != 1 else ' is'} on {'their' if count != 1 else 'its'} way."
    return what if not hands else f"{what} {hands} of them you do with your own hands: see By hand."
