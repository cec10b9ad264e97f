"""Turns the services' errors into pages: 404 and 403 in the design, everything else a page that says what to do.

So it does with what no form refused and no database takes (a NUL in a filter of staff's): 400, and a line for us.
"""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from seatsync.core.edge import asked_by_machine
from seatsync.core.errors import NotAllowed, NotFound, SeatSyncError
from seatsync.core.problems import problem_view

log = structlog.get_logger(__name__)
_FORM_ONLY = {
    "status": HTTPStatus.METHOD_NOT_ALLOWED.value, "title": "This address only takes what a form sends",
    "detail": "You came to it without one, after signing in again or by its address.",
    "remedy": "Go back to the page with the form, and send it once more.",
}  # fmt: skip


class PageErrorMiddleware:
    """Answers for our errors and for input that nothing refused in time; the API has its own handler."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; a browser that opens what only a form sends to is told so, on a page."""
        answer = self.get_response(request)
        if answer.status_code != HTTPStatus.METHOD_NOT_ALLOWED or request.method != "GET" or answer.content:
            return answer
        if asked_by_machine(request):
            return answer
        # After signing in again, or a reload: what was written in the form was not sent along.
        page = render(request, "refused.html", {"error": _FORM_ONLY}, status=answer.status_code)
        page.headers["Allow"] = answer.headers.get("Allow", "")
        return page

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page for this error; None for errors that are neither ours nor of what was sent."""
        if isinstance(error, DataError | ValidationError) and not asked_by_machine(request):
            log.warning("page.late", error=type(error).__name__, exc_info=error)
            error = SeatSyncError(
                "What was asked for has text or a number that cannot be stored.",
                remedy="Take odd characters out of the address or the form, and try again.",
            )
        if not isinstance(error, SeatSyncError):
            return None
        if asked_by_machine(request):
            return problem_view(request, error.status, error.code, error.detail, problems=error.problems)
        if isinstance(error, NotFound):
            return defaults.page_not_found(request, Http404(error.detail))
        if isinstance(error, NotAllowed):
            return defaults.permission_denied(request, PermissionDenied(error.detail))
        return render(request, "refused.html", {"error": error}, status=error.status)
