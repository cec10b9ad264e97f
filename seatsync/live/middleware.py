"""What a page that is about to be made has seen of its person's events."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from seatsync.core.requests import ours, refetched
from seatsync.live.selectors import last_seq


class SeenMiddleware:
    """Notes the newest event before a whole page is worked out: its socket asks for all that came after.

    Noted later, what happens while the page is on its way would be lost to it for ever.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Page through; a request for a fragment or by a machine has no socket."""
        wants_page = "text/html" in request.headers.get("Accept", "") and not refetched(request)
        if wants_page and request.user.is_authenticated:
            ours(request).live_seq = last_seq(request.user.pk)
        return self.get_response(request)
