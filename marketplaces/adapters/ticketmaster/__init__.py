"""Ticketmaster (contract unverified: a port of our own). Port and checklist: docs/marketplaces/ticketmaster.md."""

from marketplaces.adapters.ticketmaster.adapter import Ticketmaster
from marketplaces.contracts import MarketplaceAdapter

ADAPTER: MarketplaceAdapter = Ticketmaster()
