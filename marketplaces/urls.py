"""Connections of a holder."""

from django.urls import path

from marketplaces import pages

app_name = "marketplaces"
urlpatterns = [
    path("settings/connections/", pages.account_list, name="account_list"),
    path("settings/connections/connect/", pages.account_connect, name="account_connect"),
    path("settings/connections/finish/", pages.account_connected, name="connect_finish"),
    path("settings/connections/<uuid:account_id>/disconnect/", pages.account_disconnect, name="account_disconnect"),
    path("settings/connections/<uuid:account_id>/leave/", pages.account_left, name="account_leave"),
    path("settings/connections/inbound/<uuid:event_id>/retry/", pages.inbound_again, name="inbound_retry"),
    path("settings/connections/inbound/<uuid:event_id>/replay/", pages.inbound_replayed, name="inbound_replay"),
    path("settings/connections/<uuid:account_id>/replay-failed/", pages.inbound_all_again, name="inbound_retry_all"),
]
