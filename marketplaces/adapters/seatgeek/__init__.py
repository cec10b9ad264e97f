"""SeatGeek Seller Direct 1.0.0 (reconstructed from summaries of its documentation): token, PUT/PATCH, orders."""

from marketplaces.adapters.seatgeek.client import SeatGeek

ADAPTER = SeatGeek()
