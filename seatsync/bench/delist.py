"""`bench delist`: from the notice of a sale to the last delist, on real processes and a simulator that takes 50 ms."""

import statistics
import time
from datetime import datetime
from decimal import Decimal

import httpx
from django.conf import settings

from listings.models import Listing, Sale
from listings.services.expire import BEFORE_START
from listings.services.publish import listing_publish
from listings.services.refs import listing_ref
from marketplaces.errors import MarketplaceError
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_get
from marketplaces.services.links import link_for
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
# Delists for the baseline.
BARE = 20


def delist(count: int = 200) -> Report:
    """p99 in ms from notice to last delist over `count` sales; the product must be running (bin/start).

    The baseline is the marketplace's own part of it: delists sent straight to the simulator, one at a time, while it
    takes as long to answer as it does for the product. Raises LookupError where the product, the demo or enough free
    seats are missing, or where a sale's delists did not finish.
    """
    simulator = httpx.Client(base_url=f"{settings.SIMULATOR_URL}/_sim", timeout=30)
    if not SimulatorDoor.running():
        raise LookupError("The product is not running here. Use `bin/start`, then this command with its SIMULATOR_URL.")
    try:
        listings, spare = _publish(count)
    except MarketplaceError as error:
        raise LookupError(f"The simulator refused the bench's account ({error}). Start from a fresh state.") from error
    _wait_active([*listings, *spare])
    started = now()
    simulator.post("/settings", json={"answer_s": ANSWER_MS / 1000})
    try:
        baseline = _bare_delists(spare)
        _sell(simulator, listings)
        times = _times(started, count)
    finally:
        simulator.post("/settings", json={"answer_s": 0.0})
    detail = {
        "sales": len(times), "p50_ms": percentile(times, 0.5), "p95_ms": percentile(times, 0.95),
        "p99_ms": percentile(times, 0.99), "simulator_answers_in_ms": ANSWER_MS, "sales_a_second": 1 / PAUSE_S,
    }  # fmt: skip
    return Report(
        "delist",
        percentile(times, 0.99),
        "ms",
        {"name": "one bare delist at the simulator", "figure": baseline},
        detail,
    )


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


def _publish(count: int) -> tuple[list[Listing], list[Listing]]:
    """Offer single seats of coming games on both platforms.

    Returns the first platform's listings: `count` of them to be sold, and BARE more for the baseline.
    """
    actor, accounts = _seller()
    offered = Listing.objects.filter(status__in=["publishing", "active", "paused", "delisting"])
    free = Seat.objects.filter(
        season_ticket__user__email=EMAIL, state=OwnerState.AVAILABLE, game__starts_at__gt=now() + BEFORE_START * 2
    ).exclude(listing_seats__listing__in=offered)
    seats = list(free.order_by("game__starts_at", "seat_number")[: count + BARE])
    if len(seats) < count + BARE:
        raise LookupError(f"{len(seats)} free seats are left; {count + BARE} are needed. Start from a fresh state.")
    made = [
        listing_publish(
            actor=actor, seat_ids=[seat.pk], account_ids=[account.pk for account in accounts], price=Decimal("80.00"),
            floor=Decimal("60.00"), ceiling=Decimal("200.00"),
        )[0]
        for seat in seats
    ]  # fmt: skip
    return made[:count], made[count:]


def _wait_active(listings: list[Listing]) -> None:
    groups = [listing.seat_group_id for listing in listings]
    deadline = time.monotonic() + PATIENCE_S
    while Listing.objects.filter(seat_group__in=groups, status="publishing").exists():
        if time.monotonic() > deadline:
            raise LookupError("The listings were not published in time. Is the sync worker running?")
        time.sleep(0.5)


def _bare_delists(spare: list[Listing]) -> float:
    """Median ms of one delist through the adapter alone: no queue, no limit, no database."""
    times = []
    for listing in spare:
        listing.refresh_from_db()
        adapter, link = adapter_get(listing.platform), link_for(listing.account)
        started = time.perf_counter()
        adapter.delist(link, listing_ref(listing))
        times.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(times), 1)


def _sell(simulator: httpx.Client, listings: list[Listing]) -> None:
    for listing in listings:
        body = {"platform": listing.platform, "external_id": listing.external_id}
        answer = simulator.post("/sell", json=body)
        if not answer.is_success:
            raise LookupError(f"The simulator did not sell: {answer.text}")
        time.sleep(PAUSE_S)


def _times(started: datetime, count: int) -> list[float]:
    """Raises LookupError where a sale's delists have not finished in time: a figure without them would flatter."""
    deadline = time.monotonic() + PATIENCE_S
    ours = Sale.objects.filter(account__user__email=EMAIL, noticed_at__gte=started)
    while True:
        done = list(ours.exclude(notice_to_last_delist_ms=None).values_list("notice_to_last_delist_ms", flat=True))
        if len(done) >= count:
            return [float(ms or 0) for ms in done]
        if time.monotonic() > deadline:
            raise LookupError(f"{len(done)} of {count} sales were taken down everywhere within {PATIENCE_S:.0f} s.")
        time.sleep(0.5)
