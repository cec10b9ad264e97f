"""Many people and clients at once: everyone is answered, and who competes for the same thing cannot both have it."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.faults.market import Seller, settle, wrongs
from tests.product import Product
from tests.seeds import seeds

pytestmark = pytest.mark.load

AT_ONCE = 16
REQUESTS = 600
PATHS = (
    "/me/", "/teams/", "/venues/", "/games/?limit=50", "/season-tickets/", "/seats/?limit=50", "/listings/?limit=50",
    "/sales/", "/alerts/", "/payouts/", "/marketplace-accounts/",
)  # fmt: skip


def together(jobs: list[Any]) -> list[httpx.Response]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda job: job(), jobs))


@pytest.mark.parametrize("seed", seeds(1, 2))
def test_every_reading_is_answered(product: Product, seed: int) -> None:
    chance = random.Random(seed)
    http = product.api()
    paths = [chance.choice(PATHS) for _ in range(REQUESTS)]
    answers = together([lambda path=path: http.get(path) for path in paths])
    # 429 is an answer too: it says when to come again.
    assert set(Counter(answer.status_code for answer in answers)) <= {200, 429}
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 429)
    assert sum(answer.status_code == 200 for answer in answers) > REQUESTS // 10


@pytest.mark.parametrize("seed", seeds(1, 2))
def test_one_of_many_publishers_gets_the_seats(product: Product, seed: int) -> None:
    seller = Seller(product)
    groups = seller.free_groups()
    seats = random.Random(seed).choice(groups[: max(1, len(groups) // 2)])
    accounts = [row["id"] for row in seller.get("/marketplace-accounts/")["results"] if row["is_active"]]
    wish = {
        "seat_ids": [seat["id"] for seat in seats], "account_ids": accounts, "price": "90.00", "floor": "60.00",
        "ceiling": "200.00",
    }  # fmt: skip
    answers = together([lambda: seller.http.post("/listings/", json=wish)] * AT_ONCE)
    codes = Counter(answer.status_code for answer in answers)
    assert codes[201] == 1, [answer.text for answer in answers]
    assert set(codes) <= {201, 409, 429}
    made = next(answer.json() for answer in answers if answer.status_code == 201)
    seller.wait_active(made)
    # One version, many prices: one of them wins, the others are told that they are late.
    listing = seller.get(f"/listings/{made[0]['id']}/")
    prices = [f"{81 + number}.00" for number in range(AT_ONCE)]
    answers = together([
        lambda price=price: seller.http.post(
            f"/listings/{listing['id']}/price/", json={"price": price, "version": listing["version"]}
        )
        for price in prices
    ])  # fmt: skip
    codes = Counter(answer.status_code for answer in answers)
    assert codes[200] == 1, [answer.text for answer in answers]
    assert set(codes) <= {200, 409, 429}
    settle(product)
    assert wrongs(product) == []
