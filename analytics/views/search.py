"""The command box."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from analytics.forms import SearchForm
from analytics.selectors.search import games_found
from seatsync.accounts.selectors import request_actor


@login_required
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Go to the one game that matches, or show those that do."""
    form = SearchForm(request.GET)
    text = form.cleaned_data["q"] if form.is_valid() else ""
    games = list(games_found(request_actor(request), text)) if text else []
    if len(games) == 1:
        return redirect("analytics:game_detail", games[0].pk)
    return render(request, "analytics/search.html", {"search_text": text, "games": games, "form": form})
