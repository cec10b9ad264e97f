"""Vivid Seats Broker Portal (contract reconstructed). Checklist: docs/marketplaces/vividseats.md."""

from marketplaces.adapters.vividseats.adapter import VividSeats
from marketplaces.contracts import MarketplaceAdapter

ADAPTER: MarketplaceAdapter = VividSeats()
