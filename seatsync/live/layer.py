"""The channel layer: Redis pub/sub, which workers can also speak to without an event loop."""

from collections.abc import Mapping
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

from seatsync.core.limiters import valkey

PREFIX = "live"


class LiveLayer(RedisPubSubChannelLayer):
    """As it comes, on REDIS_URL, with one way more to send: an event loop started for it takes ten times as long."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix=PREFIX, **kwargs)

    def groups_send(self, messages: Mapping[str, Mapping[str, object]]) -> None:
        """Send each group (by name) its message, from any thread. Raises redis.RedisError where Valkey is away."""
        with valkey().pipeline(transaction=False) as line:
            for group, message in messages.items():
                line.publish(f"{PREFIX}__group__{group}", self.serialize(message))
            line.execute()
