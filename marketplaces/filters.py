"""What lists of the API are filtered by."""

from typing import Any

from marketplaces.registry import adapter_keys
from seatsync.core.filters import ToldChoiceFilter


class PlatformFilter(ToldChoiceFilter):
    """One of the marketplaces that are installed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=_platforms, **kwargs)


def _platforms() -> list[tuple[str, str]]:
    return [(key, key) for key in adapter_keys()]
