"""A first reading that takes long: it ends, says how far it is, and what sells meanwhile is read."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from listings.models import CommandState, MarketplaceCommand, Sale
from listings.services.outbox import commands_drain
from listings.services.stock import stock_order
from listings.services.sync import account_poll, accounts_due, accounts_sync_due
from marketplaces.errors import MustWait, TemporaryError
from marketplaces.models import STOCK_IS_LONG, MarketplaceAccount
from marketplaces.services.reading import KEPT_FOR, reading_of
from marketplaces.simulator.app import Simulator
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from tests.builders import Holding, bearer, browser
from tests.listings.limited import Counted, due_now, limit, refill
from tests.listings.selling import connected
from tests.listings.simulated import control

pytestmark = pytest.mark.django_db

# Each of a listing of its own, as a season's are.
PAST = 12


def with_past(line: Counted, holding: Holding, *, through: bool = False) -> MarketplaceAccount:
    """An account that has sold for long, and whose stock was not taken."""
    account = connected(holding, "stubhub")
    MarketplaceAccount.objects.filter(pk=account.pk).update(stock_taken_at=None)
    account.refresh_from_db()
    there = next(iter(line.simulator.ledger.accounts))
    hand: dict[str, Any] = {
        "platform": "stubhub", "account_id": there, "event_id": 501, "section": "900", "row": "Z", "price": "84.00",
        "quantity": PAST + 9, "seats": list(range(1, PAST + 10)),
    }  # fmt: skip
    made = control("listings", **hand)
    for number in range(PAST):
        line.simulator.ledger.listings[made["id"]].external_id = f"pos-{number}"
        control("sell", platform="stubhub", listing_id=made["id"], quantity=1)
    if through:
        for sale in line.simulator.ledger.sales.values():
            sale.status = "Complete"
    line.arrived.clear()
    stock_order(account.pk)
    return account


def go_on(
    account: MarketplaceAccount, travel: time_machine.Traveller, *, minutes: float = 2.0, tokens: int = 2
) -> None:
    """So much later as many requests may be sent."""
    travel.shift(timedelta(minutes=minutes))
    refill(account, tokens)
    MarketplaceCommand.objects.filter(state=CommandState.PENDING).update(not_before=now())
    commands_drain()
    account.refresh_from_db()


def listings_asked(line: Counted) -> list[str]:
    return [where for where in line.arrived if "/externalsellerlistings/" in where]


def test_a_first_reading_that_takes_longer_than_what_is_kept_of_it_ends(
    holding: Holding, line: Counted, travel: time_machine.Traveller
) -> None:
    account = with_past(line, holding)
    limit("stubhub", burst=3, reserved=1)
    commands_drain()
    began, rounds = now(), 0
    while account.stock_taken_at is None and rounds < PAST + 5:
        go_on(account, travel)
        rounds += 1
    assert account.stock_taken_at is not None
    assert now() - began > 2 * KEPT_FOR
    # Nothing was asked twice, one listing a sale at most.
    assert len(listings_asked(line)) == len(set(listings_asked(line))) == PAST
    assert account.stock_sales_read == PAST


def test_of_past_sales_that_are_through_no_listing_is_asked(
    holding: Holding, line: Counted, travel: time_machine.Traveller
) -> None:
    account = with_past(line, holding, through=True)
    commands_drain()
    account.refresh_from_db()
    assert account.stock_taken_at is not None
    assert listings_asked(line) == []
    assert account.stock_sales_read == PAST


def test_its_page_and_api_say_how_far_it_is_and_new_sales_are_asked_for_meanwhile(
    holding: Holding, line: Counted, travel: time_machine.Traveller
) -> None:
    account = with_past(line, holding)
    limit("stubhub", burst=3, reserved=1)
    commands_drain()
    account.refresh_from_db()
    url = f"/settings/connections/{account.pk}/"
    assert b"What it holds is being read" not in browser().get(url).content
    while account.stock_sales_read < 5:
        go_on(account, travel)
    assert account.stock_is_long
    assert account.stock_begun_at is not None
    assert now() - account.stock_begun_at > STOCK_IS_LONG
    page = browser().get(url).content.decode()
    assert "What it holds is being read" in page
    assert f"{account.stock_sales_read} past sales are read so far" in page
    (told,) = bearer().get("/api/v1/marketplace-accounts/").json()["results"]
    assert (told["stock_sales_read"], told["stock_taken_at"]) == (account.stock_sales_read, None)
    MarketplaceAccount.objects.filter(pk=account.pk).update(polled_at=None)
    assert accounts_due() == [account]
    line.arrived.clear()
    refill(account, 2)
    accounts_sync_due()
    assert [where for where in line.arrived if "sales" in where]
    due = MarketplaceAccount.objects.get(pk=account.pk)
    assert due.stock_taken_at is None


def test_sales_are_not_asked_for_before_its_listings_are_known(holding: Holding, line: Counted) -> None:
    account = with_past(line, holding)
    assert account.stock_listed_at is None
    due_now()
    assert accounts_due() == []
    assert not Sale.objects.exists()


def test_what_is_kept_is_kept_from_the_last_answer_on(
    holding: Holding, line: Counted, travel: time_machine.Traveller
) -> None:
    account, step = connected(holding, "stubhub"), KEPT_FOR * 0.8
    began = now()
    for number in range(4):
        with suppress(MustWait), reading_of(account, "sales") as answers:
            assert answers.known(f"question {number - 1}") is not None or number == 0
            answers.note(f"question {number}", httpx.Response(200, content=b"answer"))
            raise MustWait("not yet", retry_after_s=1.0)
        assert valkey().pttl(f"reading:{account.pk}:sales") > step.total_seconds() * 1000
        travel.shift(step)
    with reading_of(account, "sales") as answers:
        # How old the oldest of it is, it still says.
        assert abs(answers.began - began) < timedelta(minutes=1)


def test_a_first_reading_outlives_a_trouble_of_the_moment(holding: Holding, line: Counted) -> None:
    account = connected(holding, "stubhub")
    with suppress(TemporaryError), reading_of(account, "sweep", patient=True) as answers:
        answers.note("question", httpx.Response(200, content=b"answer"))
        raise TemporaryError("503")
    with reading_of(account, "sweep") as answers:
        assert answers.known("question") is not None


def test_what_sold_before_its_listings_were_known_is_left_to_its_past_sales(
    holding: Holding, simulator: Simulator
) -> None:
    """Whose listing that was nobody was asked yet: as an unknown listing's sale it would want a person."""
    account = connected(holding, "ticketmaster")
    for row in ("Y", "Z"):
        control(
            "listings", platform="ticketmaster", account_id=account.account_id, event_id=501, section="900", row=row,
            seats=[1, 2], quantity=2, price="84.00",
        )  # fmt: skip
    first, second = simulator.ledger.listings
    control("sell", platform="ticketmaster", listing_id=first, quantity=2)
    MarketplaceAccount.objects.update(stock_taken_at=None, stock_listed_at=now())
    account.refresh_from_db()
    account_poll(account)
    assert not Sale.objects.exists()
    control("sell", platform="ticketmaster", listing_id=second, quantity=2)
    account_poll(account)
    assert Sale.objects.count() == 1
