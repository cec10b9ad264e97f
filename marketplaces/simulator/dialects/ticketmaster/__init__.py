"""Ticketmaster as the simulator speaks it."""

from marketplaces.simulator.dialects.ticketmaster.dialect import Ticketmaster

DIALECT = Ticketmaster
