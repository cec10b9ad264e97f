"""Websocket addresses."""

from channels.routing import URLRouter  # noqa: F401
from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = []
