"""Who calls a page of this layer: accounts, which lies above, says so when it starts."""

from collections.abc import Callable

from django.http import HttpRequest

from seatsync.core.actors import Actor

_finders: list[Callable[[HttpRequest], Actor]] = []


def caller_finder_set(finder: Callable[[HttpRequest], Actor]) -> None:
    """Tell how to find the actor behind a request."""
    _finders[:] = [finder]


def caller_actor(request: HttpRequest) -> Actor:
    """The actor behind a signed-in request."""
    (finder,) = _finders
    return finder(request)
