"""The port for inbound notices: listings registers one handler per notice kind when it starts."""

from collections.abc import Callable

from marketplaces.contracts import NoticeKind
from marketplaces.models import InboundEvent

Handler = Callable[[InboundEvent], None]
_handlers: dict[NoticeKind, Handler] = {}


def register(kind: NoticeKind, handler: Handler) -> None:
    """Set the handler of a kind; a second one raises ValueError."""
    if kind in _handlers and _handlers[kind] is not handler:
        raise ValueError(f"notice kind {kind} has a handler already")
    _handlers[kind] = handler


def handler_for(kind: NoticeKind) -> Handler:
    """The kind's handler; raises KeyError where none was registered."""
    return _handlers[kind]
