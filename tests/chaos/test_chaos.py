"""Many sales at once under faults of every kind while workers are killed: nothing sold twice, lost, or left on show."""

import random
import threading
import time
from itertools import islice

import pytest

from tests.faults.market import Seller, settle, wrongs
from tests.product import Product
from tests.seeds import seeds

pytestmark = pytest.mark.chaos

GAMES = 12
KILL_EVERY_S = 3.0
FAULTS = [
    {"kind": "status", "status": 500, "probability": 0.10},
    {"kind": "status", "status": 429, "retry_after_s": 1, "probability": 0.05},
    {"kind": "status_after", "status": 502, "probability": 0.10},
    {"kind": "timeout_after", "hang_s": 12, "probability": 0.02},
    {"kind": "webhook_lost", "probability": 0.15},
    {"kind": "webhook_duplicate", "delay_s": 1.0, "probability": 0.20},
    {"kind": "webhook_late", "delay_s": 4.0, "probability": 0.15},
    {"kind": "webhook_reorder", "delay_s": 3.0, "probability": 0.20},
]


@pytest.mark.parametrize("seed", seeds(1, 2, 3))
def test_under_faults_and_kills_no_seat_is_sold_twice_and_nothing_is_lost(product: Product, seed: int) -> None:
    chance = random.Random(seed)
    seller = Seller(product)
    product.control("seed", seed=seed)
    offers = [seller.publish(group) for group in islice(seller.free_groups(2), GAMES)]
    assert len(offers) >= GAMES // 2, "too few coming games have free seats"
    seller.wait_active([row for offer in offers for row in offer.values()])
    product.control("faults", add=FAULTS)
    over = threading.Event()
    killed: list[int] = []

    def kill() -> None:
        while not over.wait(KILL_EVERY_S):
            killed.append(product.kill_sync_workers())

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        for offer in offers:
            _buy(product, chance, offer)
            time.sleep(chance.uniform(0.0, 1.0))
        time.sleep(2 * KILL_EVERY_S)
    finally:
        over.set()
        killer.join()
    settle(product)
    assert sum(killed) > 0
    assert wrongs(product) == [], "\n".join(wrongs(product))


def _buy(product: Product, chance: random.Random, offer: dict[str, dict[str, object]]) -> None:
    """One buyer, or two at once on two marketplaces: then one of them must be refused afterwards.

    The first always gets the seats. The second may find the listing gone, as it should be.
    """
    platforms = sorted(offer)
    chance.shuffle(platforms)
    two = chance.random() < 0.3
    for platform, refusable in zip(platforms, (False, True)[: 1 + two], strict=False):
        wish = {"platform": platform, "external_id": offer[platform]["external_id"], "quantity": chance.choice([1, 2])}
        status, answer = product.asked("sell", **wish)
        assert status < 300 or (refusable and status in {404, 409}), answer
