"""White label: tenants, their brand and domains."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

DEFAULT = {"name": "SeatSync", "slug": "seatsync"}


def make_default_tenant(using: str = "default", **_: Any) -> None:
    """The default tenant exists wherever the tables do (also after a flush)."""
    from seatsync.tenants.models import Tenant

    Tenant.objects.using(using).get_or_create(is_default=True, defaults=DEFAULT)


class TenantsConfig(AppConfig):
    """Django app of the tenant tables."""

    name = "seatsync.tenants"
    label = "tenants"

    def ready(self) -> None:
        """Make the default tenant after each migrate."""
        post_migrate.connect(make_default_tenant, sender=self)
