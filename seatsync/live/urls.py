"""Alerts and the live line's ticket."""

from django.urls import path

from seatsync.live import views

app_name = "live"
urlpatterns = [
    path("alerts/", views.alert_list, name="alert_list"),
    path("alerts/count/", views.needs_link, name="needs_link"),
    path("alerts/<uuid:alert_id>/acknowledge/", views.alert_acknowledge_view, name="alert_acknowledge"),
    path("live/ticket/", views.ticket_issue, name="ticket_issue"),
]
