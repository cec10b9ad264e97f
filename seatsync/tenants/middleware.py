"""Puts the tenant of the request's host on the request."""

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from seatsync.tenants.models import Tenant
from seatsync.tenants.requests import TenantRequest
from seatsync.tenants.selectors import tenant_for_host


class TenantMiddleware:
    """Sets `request.tenant`, looked up on first use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Say whose address was asked, then pass the request on."""
        host = request.get_host()
        cast(TenantRequest, request).tenant = cast(Tenant, SimpleLazyObject(lambda: tenant_for_host(host)))
        return self.get_response(request)
