"""What hands list at a marketplace without the product: its wording there, and what the demo's account holds of it."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Any

from marketplaces.registry import traits_of
from portfolios.models import Game, SeasonTicket
from seatsync.core.clock import now
from seatsync.demo.paper import SimulatorDoor, event_id

# A section that nobody of the demo, or of a run, has.
ELSEWHERE = "Box 7"
# How their seller's own numbers begin, by which they are known to be there.
NAMED = "demo-hand-"
# Of the season's last games: nothing else is offered of a game there before its holder has decided, and the next ones
# are those that the demo, and who tries it out, offer first.
NEXT, LAST = 14, 10
# Nobody is to buy them before their holder has decided: they cost more than the market asks.
CENTS = (24_000, 36_000)


class Fate(StrEnum):
    """What is to become of a listing that a hand made."""

    # It says whose seats it is of: one of ours at once.
    CERTAIN = "certain"
    # Its holder is asked, and says which seats.
    CHOSEN = "chosen"
    # Its holder is asked, and says that it is not his: nobody touches it.
    STRANGE = "strange"
    # Its holder is asked, and has it taken down.
    UNWANTED = "unwanted"


# Each waits for the holder: nothing becomes a listing of his by itself.
HELD = (Fate.CHOSEN, Fate.UNWANTED, Fate.STRANGE)


def fate_words(fate: Fate, *, platform: str, section: str, row: str, seats: Sequence[int]) -> dict[str, Any]:
    """How these seats are listed there, so that this becomes of it."""
    traits = traits_of(platform)
    words: dict[str, Any] = {"section": section, "row": row, "seats": list(seats)}
    if fate == Fate.CHOSEN and traits is not None and traits.seller_allocates:
        # It says which seats it sold only when it is asked to hand them over.
        words |= {"seats": [], "quantity": len(seats)}
    elif fate == Fate.CHOSEN:
        words["section"] = f"Lower {section}"
    elif fate == Fate.UNWANTED:
        words["section"] = f"Upper {section}"
    elif fate == Fate.STRANGE:
        words["section"] = ELSEWHERE
    return words


def hand_made(platform: str, ticket: SeasonTicket, games: Sequence[Game], seed: int) -> list[dict[str, Any]]:
    """What hands have listed by this seed, as the simulator takes it: a pair of a coming game's seats each."""
    chance = Random(f"hand-made {seed}")  # noqa: S311 - the same each time, and no secret
    coming = [game for game in games if game.starts_at > now()][NEXT:][-LAST:]
    chosen = chance.sample(coming, min(len(HELD), len(coming)))
    first, last = ticket.seat_numbers
    made = []
    for fate, game in zip(HELD, chosen, strict=False):
        seat = chance.randrange(first, max(first + 1, last))
        words = fate_words(fate, platform=platform, section=ticket.section, row=ticket.row, seats=(seat, seat + 1))
        price = Decimal(chance.randrange(*CENTS)) / 100
        made.append({
            "platform": platform, "event_id": event_id(game), "price": f"{price:.2f}",
            "external_id": f"{NAMED}{seed}-{fate}", **words,
        })  # fmt: skip
    return made


def hand_made_load(
    door: SimulatorDoor, *, platform: str, token: str, ticket: SeasonTicket, games: Sequence[Game], seed: int
) -> int:
    """Have hands list at the account that this token names, once; returns how many listings were made.

    The account is not connected yet: what it holds is found when it is. Seed 0: nothing.
    """
    if not seed:
        return 0
    there = door.read("state")["listings"]
    if any(row["external_id"].startswith(NAMED) and row["platform"] == platform for row in there):
        return 0
    made = hand_made(platform, ticket, games, seed)
    for row in made:
        door.control("listings", token=token, **row)
    return len(made)
