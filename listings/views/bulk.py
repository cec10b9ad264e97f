"""Many listings at once: what becomes of each is shown first, and done when a person says so."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from listings.forms import BulkForm, chosen_in
from listings.services.bulk import Act, Line, listings_bulk
from seatsync.accounts.selectors import request_actor
from seatsync.core.errors import InvalidInput
from seatsync.core.forms import form_add_refusal


@login_required
@require_POST
def listing_bulk(request: HttpRequest) -> HttpResponse:
    """What would become of the chosen listings or, where it was looked at (`sure`), what became of them."""
    form, chosen = BulkForm(request.POST), chosen_in(request.POST)
    lines: list[Line] = []
    sure, status = False, 422
    if form.is_valid():
        wish = form.cleaned_data
        sure = wish["sure"]
        try:
            lines = listings_bulk(
                actor=request_actor(request), chosen=chosen, act=Act(wish["act"]), amount=wish["amount"],
                confirmed=wish["confirmed"], dry_run=not sure,
            )  # fmt: skip
        except InvalidInput as error:
            form_add_refusal(form, error)
        else:
            status = 200
    changed = [line for line in lines if line.changes]
    if sure and lines and not any(line.refusal for line in lines):
        messages.success(request, _said(form.cleaned_data["act"], changed))
        return redirect("listings:listing_list")
    context = {
        "form": form, "chosen": [f"{one.listing_id}:{one.version or ''}" for one in chosen], "lines": lines,
        "done": sure and bool(lines), "changed": changed, "down": form.data.get("act") == Act.DOWN.value,
        "confirms": any(line.to_confirm for line in lines) or "confirmed" in request.POST,
    }  # fmt: skip
    return render(request, "listings/listing_bulk.html", context, status=status)


def _said(act: str, changed: list[Line]) -> str:
    count, hands = len(changed), sum(line.by_hand for line in changed)
    what = f"{count} listing{'s are' if count != 1 else ' is'} being taken down."
    if act != Act.DOWN:
        what = f"{count} new price{'s are' if count != 1 else ' is'} on {'their' if count != 1 else 'its'} way."
    return what if not hands else f"{what} {hands} of them you do with your own hands: see By hand."
