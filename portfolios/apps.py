"""What a holder owns: leagues, teams, venues, games, season tickets and the seat ledger."""

from django.apps import AppConfig


class PortfoliosConfig(AppConfig):
    """Django app of the portfolio tables."""

    name = "portfolios"

    def ready(self) -> None:
        """Tell live who watches what."""
        from portfolios.services.ledger import watchers_of
        from seatsync.live import ports as live

        live.watchers_of.fill(watchers_of)
