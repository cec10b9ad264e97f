"""What our middleware puts on a request, with its types, and which of a page's two templates it asks for."""

from typing import cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from seatsync.core.limiters import Grant


class OurRequest(HttpRequest):
    """A request that came through our middleware (the REST framework's own adds the grant)."""

    request_id: str
    rate_grant: Grant
    htmx: HtmxDetails
    # The newest live event of the person when the page was begun; pages alone have one.
    live_seq: int


def ours(request: HttpRequest) -> OurRequest:
    """The same request, by its right name."""
    return cast(OurRequest, request)


def refetched(request: HttpRequest) -> bool:
    """Whether a page that is open asks for the part of it that changed."""
    return bool(ours(request).htmx)


def target_of(request: HttpRequest) -> str:
    """The id of the element that an open page fetches again; "" for a whole page."""
    return ours(request).htmx.target or ""


def template_for(request: HttpRequest, *, whole: str, part: str) -> str:
    """The whole page, or the part of it that an open one fetches again."""
    return part if refetched(request) else whole


def sent_from(request: HttpRequest, page: str) -> bool:
    """Whether a form says that it was sent from the page of this name, to which its sender goes back then."""
    return request.POST.get("from") == page
