"""A process that is killed: at one statement, one word to Valkey, or beside one request, it does nothing any more.

Between two of these nothing can be seen from outside, so that being killed at each of them is being killed at any line.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from django.db import connection

from marketplaces.contracts import Link
from tests.listings.platform import ScriptedPlatform

# What the database does by itself for a connection that is gone.
_UNDOES = ("ROLLBACK TO SAVEPOINT",)


class KilledError(BaseException):
    """Nobody catches it, as nobody catches SIGKILL."""


@dataclass
class Process:
    """Counts what can be seen from outside, and dies at the `dies_at`-th of it (None: it lives)."""

    dies_at: int | None = None
    done: int = 0
    last: str = ""
    # Of each call at a platform, how often it took effect.
    effects: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @property
    def dead(self) -> bool:
        return self.dies_at is not None and self.done >= self.dies_at

    def goes_on(self, what: str) -> None:
        """The next thing happens, or the process is dead."""
        if not self.dead:
            self.done += 1
            self.last = what
        if self.dead:
            raise KilledError(f"{self.done}: {what}")

    @contextmanager
    def running(self, platforms: tuple[ScriptedPlatform, ...]) -> Iterator[None]:
        """What is done inside is done by this process."""
        with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(self._statement):
            for platform in platforms:
                self._watch(patch, platform)
            say: Any = redis.Redis.execute_command

            def said(valkey: redis.Redis, *words: Any, **options: Any) -> Any:
                self.goes_on(f"{words[0]} {words[1:3]} to Valkey")
                return say(valkey, *words, **options)

            patch.setattr(redis.Redis, "execute_command", said)
            yield

    def _statement(self, execute: Callable[..., Any], sql: Any, *rest: Any) -> Any:
        if not str(sql).startswith(_UNDOES):
            self.goes_on(str(sql)[:200])
        return execute(sql, *rest)

    def _watch(self, patch: pytest.MonkeyPatch, platform: ScriptedPlatform) -> None:
        enter, leave = platform._enter, platform._leave

        def entered(link: Link, call: str, what: str) -> None:
            self.goes_on(f"before {call} at {platform.key}")
            enter(link, call, what)

        def left(call: str) -> None:
            self.effects[platform.key, call, platform.calls[-1][1]] += 1
            leave(call)
            self.goes_on(f"after {call} at {platform.key}")

        patch.setattr(platform, "_enter", entered)
        patch.setattr(platform, "_leave", left)
