"""How the tests are spread over workers: a module stays together, and what needs the running product is one unit."""

from itertools import groupby

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Where the `product` fixture may be used: one worker runs all of these, so that the product is started once.
WITH_PRODUCT = (
    "tests/browser/test_main_job.py",
    "tests/browser/test_every_page.py",
    "tests/faults/",
    "tests/chaos/",
    "tests/load/",
)


def with_product(nodeid: str) -> bool:
    """Whether this test belongs to the unit that shares the running product."""
    return nodeid.startswith(WITH_PRODUCT)


class Spread(LoadScopeScheduling):
    """Units in the order of the collection; fixtures of a module are set up once.

    A module whose tests do not follow one another makes several units: what empties the tables comes after all that
    needs what the migrations put there (pytest-django's order), on every worker.
    """

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._units: dict[str, str] = {}
        # By number of tests, xdist's own choice, would leave the longest to the end.
        config.option.loadscopereorder = False

    def schedule(self) -> None:
        if not self._units:
            collected = next(iter(self.registered_collections.values()))
            for number, (name, tests) in enumerate(groupby(collected, key=_unit)):
                self._units |= dict.fromkeys(tests, f"{name} {number}")
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return self._units[nodeid]


def _unit(nodeid: str) -> str:
    return "product" if with_product(nodeid) else nodeid.partition("::")[0]
