"""Live events and alerts; knows users by id only."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    """Django app of events and alerts."""

    name = "seatsync.live"
    label = "live"
