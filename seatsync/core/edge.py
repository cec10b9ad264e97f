"""The first look at a request: how large it is, and in which charset it claims to be."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from seatsync.core.errors import FieldProblem
from seatsync.core.problems import problem_view

# Below these addresses machines ask, and every refusal is a problem.
API = "/api/"
MACHINES = (API, "/webhooks/")


def asked_by_machine(request: HttpRequest) -> bool:
    """Whether the address is one of those that answer problems instead of pages."""
    return request.path.startswith(MACHINES)


def too_large(request: HttpRequest, most: int) -> HttpResponse:
    """413 as a problem; `most` in bytes."""
    detail, remedy = f"The body is larger than {most:,} bytes.", f"Send at most {most:,} bytes."
    return problem_view(request, 413, "too_large", detail, problems=(FieldProblem("body", detail, remedy),))


def largest_body(request: HttpRequest) -> int:
    """How many bytes a machine may send to this address; to a webhook's, where it is for mails."""
    own = settings.API_LARGEST_BODY if request.path.startswith(API) else settings.MAIL_LARGEST_BODY
    return int(own)


def body_within(request: HttpRequest, most: int) -> tuple[bytes, int]:
    """A body of at most `most` bytes, and how many it has or announces; empty where that is more."""
    announced = _announced(request)
    body = request.read(most + 1) if announced <= most else b""
    size = max(announced, len(body))
    return (body if size <= most else b""), size


class EdgeMiddleware:
    """Refuses large bodies of the API unread, and takes every text for UTF-8.

    How large a webhook may be depends on whose it is: its view sees to that, which reads no more either.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Read what text the request is in, then pass it on."""
        if request.encoding is not None:
            # The charset of Content-Type would be used for the query string as well, and may be no charset of text.
            request.encoding = "utf-8"
        most = settings.API_LARGEST_BODY
        if request.path.startswith(API) and _announced(request) > most:
            return too_large(request, most)
        return self.get_response(request)


def _announced(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
