"""What Django says when no view answers: problems for machines, pages and plain sentences for people."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from seatsync.core.edge import asked_by_machine, largest_body, too_large
from seatsync.core.problems import problem_view


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for a body over the limit. People get one sentence: what a page needs may not be there yet."""
    large = isinstance(exception, RequestDataTooBig)
    if asked_by_machine(request):
        if large:
            return too_large(request, largest_body(request))
        return problem_view(request, 400, "bad_request", "The request cannot be understood. Mend it and send it again.")
    if large:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return _sentence(413, f"What you sent is larger than {most:,} bytes. Go back, send less, and nothing is lost.")
    return _sentence(400, "The request could not be understood. Go back and try again.")


def _sentence(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    if asked_by_machine(request):
        return problem_view(request, 403, "not_allowed", "You may not do this.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    if asked_by_machine(request):
        return problem_view(request, 404, "not_found", "There is no such path. /api/v1/docs/ lists them.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500. Nothing of the cause is told."""
    if not asked_by_machine(request):
        return defaults.server_error(request)
    return problem_view(request, 500, "server_error", "Something failed on our side. It is logged; try again later.")
