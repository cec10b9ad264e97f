"""SeatGeek Seller Direct (contract reconstructed from summaries). Checklist: docs/marketplaces/seatgeek.md."""

from marketplaces.adapters.seatgeek.adapter import SeatGeek
from marketplaces.contracts import MarketplaceAdapter

ADAPTER: MarketplaceAdapter = SeatGeek()
