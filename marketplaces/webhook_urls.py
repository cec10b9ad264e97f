"""Where marketplaces deliver."""

from django.urls import path

from marketplaces import views

urlpatterns = [path("webhooks/<slug:platform>/<uuid:account_id>/", views.webhook, name="marketplace_webhook")]
