"""The paper market's place in the demo: events and asks at the simulator, prints and asks as snapshots."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from django.conf import settings
from django.db.models import Max

from intelligence.market_model import PLATFORM
from intelligence.market_model.model import PaperGame, PaperMarket, PaperPoint, shipped_parameters
from marketplaces.contracts import MarketPoint, PriceBasis
from marketplaces.models import MarketSnapshot
from marketplaces.services import links
from marketplaces.services.market import snapshots_add
from marketplaces.simulator.app import Simulator, SimulatorTransport
from marketplaces.simulator.journal import journal_id
from portfolios.models import Game
from seatsync.core.clock import now
from seatsync.core.crypto import sha256_hex
from seatsync.core.money import amount
from seatsync.core.series import ensure_partitions
from seatsync.core.tasks import series_prepare
from seatsync.core.venue_time import local
from seatsync.demo.facts import facts

ASKS_WITHIN = timedelta(days=60)
ASKS_EVERY = timedelta(minutes=30)


def journal_path() -> Path:
    """Where this installation's simulator keeps its state."""
    path: Path = settings.STATE_DIR / "simulator.json"
    return path


class SimulatorDoor:
    """The control API of the running simulator; where none runs, of one in this process that leaves its journal."""

    def __init__(self) -> None:
        self.local: Simulator | None = None
        if not self.running():
            self.local = Simulator(state_path=journal_path())
            links.transport_override = SimulatorTransport(self.local)

    @staticmethod
    def running() -> bool:
        """Whether this installation's simulator answers at its address: another one's world is not ours to change."""
        try:
            answer = httpx.get(f"{settings.SIMULATOR_URL}/_sim/health", timeout=5)
        except httpx.HTTPError:
            return False
        # One that was named on purpose may keep its state on another machine.
        named = bool(os.environ.get("SIMULATOR_URL"))
        return answer.is_success and (named or answer.json().get("journal") == journal_id(journal_path()))

    def control(self, name: str, **wish: Any) -> Any:
        """One control call; raises httpx.HTTPStatusError for a refusal."""
        answer = links.shared_client().post(f"{settings.SIMULATOR_URL}/_sim/{name}", json=wish)
        answer.raise_for_status()
        return answer.json()

    def read(self, name: str, **query: Any) -> Any:
        """One reading of the control API; raises httpx.HTTPStatusError for a refusal."""
        answer = links.shared_client().get(f"{settings.SIMULATOR_URL}/_sim/{name}", params=query)
        answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        """Leave the journal for the simulator that starts next, and the process as it was."""
        if self.local is not None:
            settings.STATE_DIR.mkdir(parents=True, exist_ok=True)
            self.local.save()
            links.transport_override = None


def event_id(game: Game) -> int:
    """The simulator's id of a game's event: the same one after the database was made anew beside an old journal."""
    return 500_000 + int(sha256_hex(game.source, game.source_key)[:8], 16) % 400_000_000


def events_load(door: SimulatorDoor, games: list[Game]) -> None:
    """Tell the simulator of every game."""
    rows = [
        {
            "id": event_id(game), "name": f"{game.home_team.name} vs {game.opponent.name}", "venue": game.venue.name,
            "starts_at": game.starts_at.isoformat(), "local_date": game.game_date.isoformat(),
        }
        for game in games
    ]  # fmt: skip
    door.control("events", events=rows)


def market() -> PaperMarket:
    """The fitted market of the demo's venue."""
    return PaperMarket(facts().sections, shipped_parameters())


def paper_game(game: Game) -> PaperGame:
    """A game as the model knows it."""
    zone: ZoneInfo = facts().zone
    return PaperGame(game.source_key, game.opponent.abbreviation, local(game.starts_at, zone.key).weekday())


def market_refresh(games: list[Game], door: SimulatorDoor | None = None) -> int:
    """Bring the paper market to now: sales since the last refresh as prints, and the asks; returns points stored."""
    paper, moment = market(), now()
    until = dict(
        MarketSnapshot.objects.filter(platform=PLATFORM, kind="print")
        .values_list("game_id")
        .annotate(newest=Max("time"))
    )
    prints = [row for game in games for row in _prints(paper, game, until.get(game.pk))]
    series_prepare()
    ensure_partitions("market_snapshots", (row.time for row in prints))
    MarketSnapshot.objects.bulk_create(prints, batch_size=2000)
    coming = [game for game in games if moment < game.starts_at < moment + ASKS_WITHIN]
    return len(prints) + sum(_asks(paper, game, door) for game in coming)


def _prints(paper: PaperMarket, game: Game, since: datetime | None) -> list[MarketSnapshot]:
    left = max(0.0, (game.starts_at - now()).total_seconds() / 86_400)
    zones = facts().sections
    drawn = (
        (game.starts_at - timedelta(days=point.days), point) for point in paper.sales(paper_game(game), until_days=left)
    )
    return [
        MarketSnapshot(
            time=at, game_id=game.pk, platform=PLATFORM, kind="print", section=point.section,
            zone=zones.get(point.section, ""), row=point.row, quantity=point.quantity,
            price=amount(point.price), price_basis=PriceBasis.LIST.value,
        )
        for at, point in drawn if since is None or at > since
    ]  # fmt: skip


def _asks(paper: PaperMarket, game: Game, door: SimulatorDoor | None) -> int:
    recent = MarketSnapshot.objects.filter(game_id=game.pk, platform=PLATFORM, kind="ask", time__gt=now() - ASKS_EVERY)
    if recent.exists():
        return 0
    days = (game.starts_at - now()).total_seconds() / 86_400
    points = paper.asks(paper_game(game), days=days)
    if door is not None:
        asks = [{"section": p.section, "row": p.row, "quantity": p.quantity, "price": f"{p.price:.2f}"} for p in points]
        door.control("market", event_id=str(event_id(game)), asks=asks)
    return snapshots_add(game=game, platform=PLATFORM, points=[_market_point(point) for point in points])


def _market_point(point: PaperPoint) -> MarketPoint:
    return MarketPoint(
        f"paper-{point.key}", point.section, point.row, point.quantity, amount(point.price), "USD", PriceBasis.LIST
    )
