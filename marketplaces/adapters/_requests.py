"""The names of a platform's requests, by which their limits are dated and held (docs/adr/0034)."""

import re


class Requests:
    """A platform's requests by name: "GET /sales/{id}", or a path alone where its method says nothing."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self._pattern = re.compile("|".join(f"({self._fitting(name)})" for name in names))

    @staticmethod
    def _fitting(name: str) -> str:
        words = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(name))
        return f"[A-Z]+ {words}" if name.startswith("/") else words

    def name(self, method: str, path: str) -> str:
        """The name of a request; "" for one that has none. The first name that fits counts."""
        found = self._pattern.fullmatch(f"{method} {path}")
        return "" if found is None or found.lastindex is None else self.names[found.lastindex - 1]
