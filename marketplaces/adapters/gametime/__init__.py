"""Gametime (contract reconstructed): an inventory file and an API for purchases. docs/marketplaces/gametime.md."""

from marketplaces.adapters.gametime.adapter import Gametime
from marketplaces.contracts import MarketplaceAdapter

ADAPTER: MarketplaceAdapter = Gametime()
