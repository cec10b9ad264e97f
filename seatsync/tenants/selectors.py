"""Reading tenants: all, the default one, and the one a host name belongs to."""

from django.db.models import QuerySet

from seatsync.tenants.models import Tenant, TenantDomain


def tenant_list() -> QuerySet[Tenant]:
    """Every tenant by name, for staff to choose from."""
    return Tenant.objects.order_by("name", "slug")


def tenant_default() -> Tenant:
    """The tenant that answers where no domain says otherwise; made by the first migration."""
    return Tenant.objects.get(is_default=True)


def tenant_for_host(host: str) -> Tenant:
    """The active tenant whose verified domain is `host` (port ignored), else the default tenant."""
    name = host.rsplit(":", 1)[0].lower().strip("[]")
    domain = (
        TenantDomain.objects.select_related("tenant")
        .filter(host=name, verified_at__isnull=False, tenant__is_active=True)
        .first()
    )
    return domain.tenant if domain else tenant_default()
