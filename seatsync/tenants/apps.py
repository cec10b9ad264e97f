"""White label: tenants, their brand and domains."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Django app of the tenant tables."""

    name = "seatsync.tenants"
    label = "tenants"
