"""Ports: how a lower app reaches a higher one without importing it. The higher one fills them when it starts."""

from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Question(Generic[P, R]):
    """Asks whoever filled it; until somebody has, every answer is `unfilled()`."""

    def __init__(self, unfilled: Callable[[], R]) -> None:
        self._unfilled = unfilled
        self._answer: Callable[P, R] | None = None

    def fill(self, answer: Callable[P, R]) -> None:
        """Say who answers."""
        self._answer = answer

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Ask whoever answers."""
        return self._answer(*args, **kwargs) if self._answer else self._unfilled()


class Tidings(Generic[P]):
    """Tells whoever registered, one after the other, in the teller's transaction."""

    def __init__(self) -> None:
        self._hearers: list[Callable[P, object]] = []

    def register(self, hearer: Callable[P, object]) -> None:
        """Add a hearer; the same one twice hears once."""
        if hearer not in self._hearers:
            self._hearers.append(hearer)

    def tell(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell everyone."""
        for hearer in self._hearers:
            hearer(*args, **kwargs)
