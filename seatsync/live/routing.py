"""Websocket addresses."""

from django.urls import path

from seatsync.live.consumer import LiveConsumer

websocket_urlpatterns = [path("ws/live/", LiveConsumer.as_asgi())]
