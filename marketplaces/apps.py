"""The marketplaces: adapters, connected accounts, inbox, rate limits, market snapshots, simulator."""

from django.apps import AppConfig


class MarketplacesConfig(AppConfig):
    """Django app of the marketplace tables."""

    name = "marketplaces"
