"""Predictions: predictors, the model registry, and what was predicted."""

from django.apps import AppConfig


class IntelligenceConfig(AppConfig):
    """Django app of the prediction tables; gives new seat groups a price."""

    name = "intelligence"

    def ready(self) -> None:
        """Hear of new seat groups."""
        from intelligence.services.refresh import prices_of_added
        from portfolios.ports import groups_added

        groups_added.register(prices_of_added)
