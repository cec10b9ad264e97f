"""Gametime as the simulator speaks it."""

from marketplaces.simulator.dialects.gametime.dialect import Gametime

DIALECT = Gametime
