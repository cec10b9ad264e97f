"""Staff pages of tenants."""

from django.contrib import admin

from seatsync.core.staff import ReferenceAdmin
from seatsync.tenants.models import Tenant, TenantDomain


@admin.register(Tenant)
class TenantAdmin(ReferenceAdmin):
    """Tenants and their brand."""

    list_display = ("name", "slug", "is_default", "is_active")
    search_fields = ("name", "slug")


@admin.register(TenantDomain)
class TenantDomainAdmin(ReferenceAdmin):
    """Domains."""

    list_display = ("host", "tenant", "verified_at")
    search_fields = ("host",)
