"""`bench delist`: from the notice of a sale to the last delist, on real processes and a simulator that takes 50 ms."""

import statistics
import time
from decimal import Decimal
from typing import Any

import httpx
from django.conf import settings

from listings.models import Listing, Sale
from listings.services.expire import BEFORE_START
from listings.services.publish import listing_publish
from marketplaces.models import MarketplaceAccount
from portfolios.models import Game, OwnerState, SeasonTicket, Seat
from portfolios.services.season_tickets import season_ticket_create
from seatsync.accounts.models import Role
from seatsync.accounts.selectors import actor_for
from seatsync.bench.report import Report, percentile
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.demo.accounts import accounts_load
from seatsync.demo.facts import facts
from seatsync.demo.paper import SimulatorDoor
from seatsync.demo.people import user_make
from seatsync.tenants.selectors import tenant_default

EMAIL = "bench@example.com"
SECTION, SEATS_A_GAME = "140", 20
ANSWER_MS = 50
# Two sales a second: inside the five requests a second that an account is granted by default.
PAUSE_S = 0.5
PATIENCE_S = 180.0
# Fewer sales say nothing about a 99th percentile.
FEWEST = 100


def delist(count: int = 200) -> Report:
    """p99 in ms over up to `count` sales (as many as seats are free); the product must be running (bin/start).

    Raises LookupError where the product, the demo or enough free seats are missing.
    """
    simulator = httpx.Client(base_url=f"{settings.SIMULATOR_URL}/_sim", timeout=30)
    if not _answers(simulator):
        raise LookupError("The product is not running. Use `bin/start`, then this command with its SIMULATOR_URL.")
    listings = _publish(count)
    _wait_active(listings)
    baseline = _round_trip(simulator)
    started = now()
    simulator.post("/settings", json={"answer_s": ANSWER_MS / 1000})
    try:
        _sell(simulator, listings)
    finally:
        simulator.post("/settings", json={"answer_s": 0.0})
    times = _times(started, len(listings))
    detail = {
        "sales": len(times), "p50_ms": percentile(times, 0.5), "p95_ms": percentile(times, 0.95),
        "p99_ms": percentile(times, 0.99), "simulator_answers_in_ms": ANSWER_MS,
    }  # fmt: skip
    return Report(
        "delist", percentile(times, 0.99), "ms", {"name": "one delist round trip", "figure": baseline}, detail
    )


def _answers(simulator: httpx.Client) -> bool:
    try:
        return simulator.get("/state").is_success
    except httpx.HTTPError:
        return False


def _seller() -> tuple[Actor, list[MarketplaceAccount]]:
    """A holder of the bench's own, with his accounts, so that no figure depends on what the demo's holder did."""
    game = Game.objects.filter(source=facts().source, starts_at__gt=now()).order_by("starts_at").first()
    if game is None:
        raise LookupError("The demo is not loaded, or its season is over. Run `manage.py demo` first.")
    tenant = tenant_default()
    user = user_make(EMAIL, "Bench", tenant, Role.HOLDER)
    actor = actor_for(user, tenant.pk)
    if not SeasonTicket.objects.filter(user=user).exists():
        season_ticket_create(
            actor=actor, user_id=user.pk, team_id=game.home_team_id, season_year=game.season_year, section=SECTION,
            row="40", seat_from=1, seat_to=SEATS_A_GAME, cost_basis=Decimal("1000.00"), order_reference="BENCH",
            source=game.source,
        )  # fmt: skip
    return actor, accounts_load(actor, SimulatorDoor(), token="bench-seatgeek-token")  # noqa: S106 - the simulator's


def _publish(count: int) -> list[Listing]:
    """A listing on each of two platforms for single seats of coming games; returns those of the first platform."""
    actor, accounts = _seller()
    offered = Listing.objects.filter(status__in=["publishing", "active", "paused", "delisting"])
    free = Seat.objects.filter(
        season_ticket__user__email=EMAIL, state=OwnerState.AVAILABLE, game__starts_at__gt=now() + BEFORE_START * 2
    ).exclude(listing_seats__listing__in=offered)
    seats = list(free.order_by("game__starts_at", "seat_number")[:count])
    if len(seats) < FEWEST:
        raise LookupError(f"{len(seats)} free seats are left; {FEWEST} are needed. Start from a fresh database.")
    made = []
    for seat in seats:
        made += listing_publish(
            actor=actor, seat_ids=[seat.pk], account_ids=[account.pk for account in accounts], price=Decimal("80.00"),
            floor=Decimal("60.00"), ceiling=Decimal("200.00"),
        )[:1]  # fmt: skip
    return made


def _wait_active(listings: list[Listing]) -> None:
    groups = [listing.seat_group_id for listing in listings]
    deadline = time.monotonic() + PATIENCE_S
    while Listing.objects.filter(seat_group__in=groups, status="publishing").exists():
        if time.monotonic() > deadline:
            raise LookupError("The listings were not published in time. Is the sync worker running?")
        time.sleep(0.5)


def _round_trip(simulator: httpx.Client) -> float:
    """A bare request to the simulator with its stated latency, in ms (median of 20)."""
    times = []
    for _ in range(20):
        started = time.perf_counter()
        simulator.get("/faults")
        times.append((time.perf_counter() - started) * 1000 + ANSWER_MS)
    return round(statistics.median(times), 1)


def _sell(simulator: httpx.Client, listings: list[Listing]) -> None:
    for listing in listings:
        body = {"platform": listing.platform, "external_id": listing.external_id}
        answer = simulator.post("/sell", json=body)
        if not answer.is_success:
            raise LookupError(f"The simulator did not sell: {answer.text}")
        time.sleep(PAUSE_S)


def _times(started: Any, count: int) -> list[float]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = Sale.objects.filter(noticed_at__gte=started, notice_to_last_delist_ms__isnull=False)
        if done.count() >= count or time.monotonic() > deadline:
            return [float(ms or 0) for ms in done.values_list("notice_to_last_delist_ms", flat=True)]
        time.sleep(0.5)
