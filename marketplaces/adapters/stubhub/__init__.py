"""StubHub (api.stubhub.net, published OpenAPI). Checklist: docs/marketplaces/stubhub.md."""

from marketplaces.adapters.stubhub.adapter import StubHub
from marketplaces.contracts import MarketplaceAdapter

ADAPTER: MarketplaceAdapter = StubHub()
