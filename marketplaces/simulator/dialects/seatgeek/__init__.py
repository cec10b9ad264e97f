"""SeatGeek as the simulator speaks it."""

from marketplaces.simulator.dialects.seatgeek.dialect import SeatGeek

DIALECT = SeatGeek
