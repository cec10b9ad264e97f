"""Listings, the command outbox, sales and the pricing door."""

from django.apps import AppConfig


class ListingsConfig(AppConfig):
    """Django app of the listing tables; hears of sales through the marketplaces' inbox."""

    name = "listings"

    def ready(self) -> None:
        """Register the handler of every inbound notice kind, and tell the ledger which seats are on offer."""
        from listings.selectors import offered_among
        from listings.services.expire import listings_hold
        from listings.services.inbound import register_handlers
        from portfolios.ports import game_moved, openings

        register_handlers()
        openings.fill(offered_among)
        game_moved.register(listings_hold)
