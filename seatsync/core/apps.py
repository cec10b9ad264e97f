"""The bottom layer: money, clock, errors, audit, jobs, HTTP, crypto, embedded servers."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Django app of the tables that every other app may use."""

    name = "seatsync.core"
    label = "core"
