"""StubHub as the simulator speaks it."""

from marketplaces.simulator.dialects.stubhub.dialect import StubHub

DIALECT = StubHub
