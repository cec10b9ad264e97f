"""Events that are postponed, get another date, or are called off: at every platform, or in one platform's books alone.

What is on sale stays on sale, as it does at the platforms: taking it down is the seller's business.
"""

from typing import Any

from marketplaces.simulator.http import Refusal
from marketplaces.simulator.state import Event

HOW = ("postpone", "reschedule", "redate", "cancel", "restore")
_STATUS = {"postpone": "Postponed", "reschedule": "Rescheduled", "cancel": "Cancelled", "restore": "Normal"}


def move(event: Event, how: str, *, platform: str, start: dict[str, Any]) -> None:
    """What befalls an event at a platform ("" for all). `start`: its new start, in the event's fields; empty: none.

    postpone: its date is to be announced. reschedule: another date, and said so. redate: another date, and not a word.
    cancel: it will not be played. restore: on again, at `start` or as it was. Raises Refusal.
    """
    if how not in HOW:
        raise Refusal(400, f"how is one of {', '.join(HOW)}")
    if how in {"reschedule", "redate"} and not start:
        raise Refusal(400, "starts_at is missing")
    said: dict[str, Any] = {"dated": how != "postpone", **start}
    if how in _STATUS:
        said["status"] = _STATUS[how]
    if platform:
        # Rows replace their parts whole, so that a journal may be written meanwhile.
        event.there = {**event.there, platform: {**event.there.get(platform, {}), **said}}
        return
    for name, value in said.items():
        setattr(event, name, value)
    event.there = {}


def merge(event: Event, into: Event, *, platform: str) -> None:
    """A platform had the game twice: its one event answers from now on, also to the other one's number.

    Raises Refusal.
    """
    if event.id == into.id or event.at(platform).merged_into or into.at(platform).merged_into:
        raise Refusal(409, "these are no two events there")
    merged = [*into.at(platform).merged, event.id]
    for one, said in ((event, {"merged_into": into.id}), (into, {"merged": merged})):
        one.there = {**one.there, platform: {**one.there.get(platform, {}), **said}}
