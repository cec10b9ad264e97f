"""What a holder owns: leagues, teams, venues, games, season tickets and the seat ledger."""

from django.apps import AppConfig


class PortfoliosConfig(AppConfig):
    """Django app of the portfolio tables."""

    name = "portfolios"
