"""Staff pages of tenants."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from seatsync.core.actors import Actor, ActorKind
from seatsync.core.staff import ReferenceAdmin
from seatsync.tenants.models import Tenant, TenantDomain
from seatsync.tenants.services import tenant_resume, tenant_suspend


@admin.register(Tenant)
class TenantAdmin(ReferenceAdmin):
    """Tenants and their brand."""

    list_display = ("name", "slug", "is_default", "is_active", "suspended_at")
    search_fields = ("name", "slug")
    actions = ("suspend", "resume")

    @admin.action(description="Suspend: halt selling, take everything down", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        """Drain the chosen tenants."""
        for tenant in queryset:
            tenant_suspend(actor=self._staff(request, tenant), tenant_id=tenant.pk, reason="Your company is suspended.")
            self.message_user(request, f"{tenant} is suspended; its listings are coming down")

    @admin.action(description="Let sell again", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        """Release the chosen tenants."""
        for tenant in queryset:
            tenant_resume(actor=self._staff(request, tenant), tenant_id=tenant.pk)
            self.message_user(request, f"{tenant} may sell again")

    @staticmethod
    def _staff(request: HttpRequest, tenant: Tenant) -> Actor:
        return Actor(ActorKind.STAFF, str(request.user.pk), tenant.pk, None)


@admin.register(TenantDomain)
class TenantDomainAdmin(ReferenceAdmin):
    """Domains."""

    list_display = ("host", "tenant", "verified_at")
    search_fields = ("host",)
