"""Makes our staff site the admin; apart from it, because apps load before models."""

from django.contrib.admin.apps import AdminConfig


class StaffConfig(AdminConfig):
    """The admin app with our site."""

    default_site = "seatsync.core.staff.StaffSite"
