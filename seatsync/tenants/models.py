"""A tenant is one company running its product on SeatSync; the default tenant is SeatSync itself."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models

from seatsync.core.models import BaseModel

_COLOUR = RegexValidator(r"^#[0-9a-fA-F]{6}$", "Write the colour as #rrggbb.")


class Tenant(BaseModel):
    """Brand and identity of one client. Exactly one row is the default."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    is_default = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    # Since when it may not sell; its people can sign in still, hand over what is sold, and be paid.
    suspended_at = models.DateTimeField(null=True, blank=True, editable=False)
    accent_dark = models.CharField(max_length=7, default="#f0a83c", validators=[_COLOUR])
    accent_light = models.CharField(max_length=7, default="#9a5b00", validators=[_COLOUR])
    support_email = models.EmailField(blank=True)

    class Meta:
        db_table = "tenants"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="tenant_one_default",
            )
        ]

    def __str__(self) -> str:
        return self.name


class TenantDomain(BaseModel):
    """A host name that answers under a tenant's brand once verified."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="domains")
    host = models.CharField(max_length=253, unique=True)
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "tenant_domains"

    def __str__(self) -> str:
        return self.host
