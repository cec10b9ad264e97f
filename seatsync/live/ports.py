"""What live needs from accounts, which lies above and fills these ports when it starts."""

import uuid

from django.http import HttpRequest

from seatsync.core.actors import Actor
from seatsync.core.ports import Question


def _nobody() -> Actor:
    raise RuntimeError("Nobody has said yet who is behind a request.")


# The verified mail address of a user id; None where there is none.
address_of: Question[[uuid.UUID], str | None] = Question(lambda: None)
# The actor behind a signed-in request.
caller_actor: Question[[HttpRequest], Actor] = Question(_nobody)
