"""The tenant that a request belongs to, put there by the middleware."""

from typing import cast

from django.http import HttpRequest

from seatsync.tenants.models import Tenant


class TenantRequest(HttpRequest):
    """A request that came through TenantMiddleware."""

    tenant: Tenant


def request_tenant(request: HttpRequest) -> Tenant:
    """The tenant of the request's host."""
    return cast(TenantRequest, request).tenant
