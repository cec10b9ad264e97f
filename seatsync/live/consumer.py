"""The live socket: signed in by a ticket in the first frame, one group a user, ids only."""

import asyncio
import uuid
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from seatsync.live.events import group_of
from seatsync.live.selectors import events_since, last_seq
from seatsync.live.tickets import ticket_redeem

SIGN_IN_WITHIN_S = 5.0
LARGEST_FRAME = 1024
REFUSED = 4401


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """`{"ticket", "last_seq"}` in; `ready`, then events or `refetch_all` out."""

    user_id: uuid.UUID | None = None
    _deadline: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        """Accept; the sign-in must follow within five seconds."""
        await self.accept()
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(SIGN_IN_WITHIN_S, lambda: loop.create_task(self._too_late()))

    async def _too_late(self) -> None:
        if self.user_id is None:
            await self.close(code=REFUSED)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Refuse what is no small text frame before it is parsed."""
        if text_data is None or len(text_data) > LARGEST_FRAME:
            await self.close(code=REFUSED)
            return
        try:
            await super().receive(text_data=text_data, **kwargs)
        except ValueError:
            await self.close(code=REFUSED)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """The first frame signs in; later ones are pings."""
        if self.user_id is not None:
            await self.send_json({"type": "pong"})
            return
        ticket = content.get("ticket") if isinstance(content, dict) else None
        user_id = await database_sync_to_async(ticket_redeem)(ticket) if isinstance(ticket, str) else None
        if user_id is None:
            await self.close(code=REFUSED)
            return
        self.user_id = user_id
        if self._deadline:
            self._deadline.cancel()
        # Join first, then tell what was missed: an event in between comes twice rather than never.
        await self.channel_layer.group_add(group_of(user_id), self.channel_name)
        await self._catch_up(content.get("last_seq"))

    async def _catch_up(self, seq: object) -> None:
        if self.user_id is None:
            return
        newest = await database_sync_to_async(last_seq)(self.user_id)
        await self.send_json({"type": "ready", "seq": newest})
        if seq is None:
            return
        missed = None
        if isinstance(seq, int) and not isinstance(seq, bool):
            missed = await database_sync_to_async(events_since)(self.user_id, seq)
        if missed is None:
            await self.send_json({"type": "refetch_all", "seq": newest})
            return
        for message in missed:
            await self.send_json(message.as_json())

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        if self._deadline:
            self._deadline.cancel()
        if self.user_id is not None:
            await self.channel_layer.group_discard(group_of(self.user_id), self.channel_name)

    async def live_events(self, event: dict[str, Any]) -> None:
        """Pass events on, a frame each."""
        for message in event["messages"]:
            await self.send_json(message)
