"""Every URL of the product; each app owns its own list."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from seatsync import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("seatsync.api")),
    path("accounts/", include("allauth.urls")),
    path("", include("marketplaces.webhook_urls")),
    # Pages
    path("", include("analytics.urls")),
    path("", include("portfolios.urls")),
    path("", include("listings.urls")),
    path("", include("marketplaces.urls")),
    path("", include("seatsync.live.urls")),
    path("", include("seatsync.accounts.urls")),
]

handler400 = "seatsync.errors.bad_request"
handler403 = "seatsync.errors.forbidden"
handler404 = "seatsync.errors.not_found"
handler500 = "seatsync.errors.server_error"
