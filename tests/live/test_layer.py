"""What a worker says without an event loop arrives where a page listens."""

import asyncio
import uuid
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings

from seatsync.live.layer import LiveLayer
from seatsync.settings import base


def test_what_is_sent_without_an_event_loop_arrives_as_what_is_sent_with_one() -> None:
    mine, anothers = (f"user.{uuid.uuid4().hex}" for _ in range(2))
    told = {"type": "live.events", "messages": [{"seq": 1, "id": "x"}]}

    async def heard() -> list[Any]:
        layer = LiveLayer(hosts=[settings.REDIS_URL])
        channel = await layer.new_channel()
        await layer.group_add(mine, channel)
        await layer.group_send(mine, told | {"way": "loop"})
        await sync_to_async(layer.groups_send)({anothers: told, mine: told | {"way": "thread"}})
        found = [await asyncio.wait_for(layer.receive(channel), timeout=20) for _ in range(2)]
        await layer.flush()
        return found

    assert asyncio.run(heard()) == [told | {"way": "loop"}, told | {"way": "thread"}]


def test_the_product_speaks_over_this_layer() -> None:
    assert base.CHANNEL_LAYERS["default"]["BACKEND"] == f"{LiveLayer.__module__}.{LiveLayer.__name__}"
