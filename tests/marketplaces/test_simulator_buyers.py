"""Buyers: they come by the curve and take the cheapest that fits them, the same way under the same seed."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketplaces.contracts import Draft
from marketplaces.registry import adapter_get
from marketplaces.simulator.sales import allowed_quantities
from marketplaces.simulator.state import Sale
from tests.marketplaces.conftest import START, World

# Days before the game at which each stretch of a run begins and ends.
STRETCHES = ((20, 15), (15, 10), (10, 5), (5, 0))


def stocked(draft: Draft, *, seed: int, listings: int) -> World:
    """So many listings at each of two platforms twenty days before the game, at 80 to 84 dollars; strangers ask 80."""
    world = World(moment=START.timestamp() - 20 * 86400)
    world.control("seed", {"seed": seed})
    for platform in ("stubhub", "seatgeek"):
        link = world.link(platform)
        for number in range(listings):
            listing = replace(draft, external_id=f"{number:032d}", price=Decimal(80 + number % 5))
            adapter_get(platform).create(link, listing)
    world.control("market", {"event_id": 501, "listings": [{"section": "1", "quantity": 2, "price": "80"}]})
    return world


def came(world: World) -> list[int]:
    """How many bought in each stretch, hour by hour, while nothing is ever sold out."""
    world.control("buyers", {"action": "start"})
    counts = []
    for begins, ends in STRETCHES:
        bought = 0
        for _ in range((begins - ends) * 24):
            world.moment += 3600
            bought += world.simulator.advance()
            for listing in world.simulator.ledger.listings.values():
                listing.seats, listing.quantity, listing.state = [1, 2, 3, 4], 4, "active"
        counts.append(bought)
    return counts


def promised(world: World) -> list[float]:
    """How many the curve promises for them in each stretch."""
    buyers = world.simulator.buyers
    markets, listings = buyers.markets({501}), list(world.simulator.ledger.listings.values())
    return [
        sum(
            buyers.demand.chance(listing, hours, markets[listing.platform, 501])
            for hours in range(ends * 24, begins * 24) for listing in listings
        )
        for begins, ends in STRETCHES
    ]  # fmt: skip


def _days_of_buyers(seed: int, draft: Draft) -> list[tuple[str, int, float]]:
    world = World()
    world.control("seed", {"seed": seed})
    for platform in ("stubhub", "seatgeek"):
        link = world.link(platform)
        for number in range(20):
            listing = replace(draft, external_id=f"{number:032d}", price=draft.price + number * 5)
            adapter_get(platform).create(link, listing)
    offers = [{"section": "1", "quantity": 2, "price": price} for price in ("60", "80", "100")]
    world.control("market", {"event_id": 501, "listings": offers})
    world.control("buyers", {"action": "start"})
    sold = []
    for _ in range(48):
        world.moment += 3600
        world.simulator.tick()
    for platform in ("stubhub", "seatgeek"):
        sold += [(sale["external_id"], sale["quantity"], sale["created_at"]) for sale in world.state(platform)["sales"]]
    return sold


@pytest.mark.parametrize("urgency", [4.0, 12.0])
def test_so_many_come_as_the_curve_says_and_more_of_them_near_the_game(draft: Draft, urgency: float) -> None:
    world = stocked(draft, seed=5, listings=20)
    world.control("buyers", {"demand": {"urgency": urgency, "base_per_hour": 0.04}})
    told, bought = promised(world), came(world)
    assert max(bought) == bought[-1]
    assert bought[-1] / bought[0] > urgency / 3
    for found, expected in zip(bought, told, strict=True):
        assert found == pytest.approx(expected, rel=0.2)


def test_they_come_at_the_same_hours_under_the_same_seed(draft: Draft) -> None:
    first, again, other = (came(stocked(draft, seed=seed, listings=5)) for seed in (5, 5, 6))
    assert sum(first) > 20
    assert first == again != other


@pytest.mark.parametrize("seed", [3, 4])
def test_each_takes_the_cheapest_that_fits_him_wherever_it_is(draft: Draft, seed: int) -> None:
    world = stocked(draft, seed=seed, listings=20)
    listings = world.simulator.ledger.listings
    for listing in listings.values():
        if listing.platform == "stubhub" and listing.price_cents == 8000:
            listing.split = "Pairs"
    tell, sold = world.simulator.buyers._tell, []

    def look(sale: Sale, what: str) -> None:
        left = [
            item.price_cents for item in listings.values()
            if item.state == "active" and sale.quantity in allowed_quantities(item.split, item.quantity)
        ]  # fmt: skip
        assert sale.price_cents <= min(left, default=sale.price_cents)
        sold.append((sale.platform, sale.quantity, sale.price_cents))
        tell(sale, what)

    world.simulator.buyers._tell = look
    world.control("buyers", {"action": "start", "demand": {"base_per_hour": 0.03}})
    while len(sold) < 25:
        world.moment += 3600
        world.simulator.advance()
    # Of the same price neither platform is better, and who wants one takes no pair for it.
    assert {platform for platform, _, _ in sold} == {"stubhub", "seatgeek"}
    assert {price for _, _, price in sold} >= {8000, 8100}
    assert all(platform == "seatgeek" or quantity % 2 == 0 for platform, quantity, price in sold if price == 8000)
    assert {quantity for _, quantity, _ in sold} >= {1, 2}


def test_buyers_are_the_same_under_the_same_seed(draft: Draft) -> None:
    first = _days_of_buyers(11, draft)
    assert first
    assert _days_of_buyers(11, draft) == first
    assert _days_of_buyers(12, draft) != first


def test_buyers_like_low_prices_and_late_hours(world: World, draft: Draft) -> None:
    adapter_get("stubhub").create(world.link("stubhub"), draft)
    offers = [{"section": "1", "quantity": 2, "price": "84.10"}]
    world.control("market", {"event_id": 501, "listings": offers})
    buyers = world.simulator.buyers
    (listing,) = world.simulator.ledger.listings.values()
    market = buyers.markets({501})["stubhub", 501]
    far, near = (buyers.demand.chance(listing, hours, market) for hours in (24 * 60, 6))
    assert far == pytest.approx(0.01, rel=0.01)
    assert near > 3 * far
    listing.price_cents *= 2
    assert buyers.demand.chance(listing, 6, market) < near / 100
    assert buyers.demand.chance(listing, -1, market) == 0.0


def test_buyers_take_another_model_and_stop(world: World, draft: Draft) -> None:
    adapter_get("stubhub").create(world.link("stubhub"), draft)
    world.simulator.buyers.chance = lambda listing, hours, market: 1.0
    world.control("buyers", {"action": "start"})
    world.control("buyers", {"action": "stop"})
    world.moment += 7200
    assert world.control("buyers", {"action": "tick"})["sold"] == 0
    world.control("buyers", {"action": "start"})
    world.moment += 7200
    assert world.control("buyers", {"action": "tick"})["sold"] == 1
