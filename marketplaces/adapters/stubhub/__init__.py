"""StubHub (api.stubhub.net v2, official OpenAPI): OAuth2, one JSON call a listing, webhooks with an echoed header."""

from marketplaces.adapters.stubhub.client import StubHub

ADAPTER = StubHub()
