"""`manage.py load_figures`: date the fees, limits and retries that are known and not dated yet (I-26)."""

from typing import Any

from django.core.management.base import BaseCommand

from marketplaces.services.figures import figures_load


class Command(BaseCommand):
    """Part of every release."""

    help = "Add missing dated fees, limits and retries; rows that are there are kept as they are."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stderr.write(f"{figures_load()} dated figures added")
