"""Answers that a process keeps for a moment: for what is asked all the time and changed by staff once in a while."""

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.conf import settings

P = ParamSpec("P")
R = TypeVar("R")


def kept(setting: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function of hashable arguments is asked again once its answer is as old as this setting says (s).

    Nothing is kept of a call that raises.
    """

    def bind(function: Callable[P, R]) -> Callable[P, R]:
        answers: dict[object, tuple[float, R]] = {}

        @wraps(function)
        def ask(*args: P.args, **kwargs: P.kwargs) -> R:
            key = (args, frozenset(kwargs.items()))
            found = answers.get(key)
            if found is None or time.monotonic() >= found[0]:
                answer = function(*args, **kwargs)
                answers[key] = found = (time.monotonic() + getattr(settings, setting), answer)
            return found[1]

        return ask

    return bind
