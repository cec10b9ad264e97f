"""Vivid Seats as the simulator speaks it."""

from marketplaces.simulator.dialects.vividseats.dialect import VividSeats

DIALECT = VividSeats
