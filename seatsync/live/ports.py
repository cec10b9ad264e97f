"""What live needs from the apps above it, which fill these ports when they start."""

import uuid
from collections.abc import Collection, Mapping

from django.http import HttpRequest

from seatsync.core.actors import Actor
from seatsync.core.ports import Question


def _nobody() -> Actor:
    raise RuntimeError("Nobody has said yet who is behind a request.")


# The verified mail address of a user id; None where there is none.
address_of: Question[[uuid.UUID], str | None] = Question(lambda: None)
# Who hears of changes to season tickets, by the tickets' ids.
watchers_of: Question[[Collection[uuid.UUID]], Mapping[uuid.UUID, Collection[uuid.UUID]]] = Question(dict)
# The actor behind a signed-in request.
caller_actor: Question[[HttpRequest], Actor] = Question(_nobody)
