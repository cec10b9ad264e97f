"""An item of a list that cannot be read (a field is empty) keeps no other from being read: it is told, and left."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
import time_machine

from listings.models import Listing, ListingStatus, MarketplaceCommand, Sale
from listings.services.delist import listings_delist
from listings.services.publish import listing_publish
from listings.services.reconcile import accounts_reconcile_due
from listings.services.stock import stock_order
from listings.services.sync import account_poll
from marketplaces.models import MarketplaceAccount
from marketplaces.services import links
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.selling import connected
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db
ALL = ["stubhub", "seatgeek", "vividseats", "gametime", "ticketmaster"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MADE = ("created_at", "created", "purchased_at")
PRICES = ("ticket_price", "price", "cost")
Spoil = Callable[[object, tuple[str, ...]], None]


class Spoilt(SimulatorTransport):
    """A marketplace that leaves fields of one item empty, wherever it tells of it."""

    def __init__(self, simulator: Simulator, number: str, fields: tuple[str, ...]) -> None:
        super().__init__(simulator)
        self._number, self._fields = number, set(fields)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As the marketplace answers, one item spoilt."""
        answer = super().handle_request(request)
        if "/_sim/" in request.url.path:
            return answer
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
        return httpx.Response(answer.status_code, headers=headers, content=self._spoil(answer.read()))

    def _spoil(self, content: bytes) -> bytes:
        if b"<order>" in content:
            return re.sub(rb"<order>.*?</order>", self._spoil_order, content, flags=re.DOTALL)
        try:
            body = json.loads(content)
        except ValueError:
            return content
        self._spoil_in(body)
        return json.dumps(body).encode()

    def _spoil_order(self, found: re.Match[bytes]) -> bytes:
        mine = f"<orderId>{self._number}</orderId>".encode() in found[0]
        return re.sub(rb"<cost>[^<]*</cost>", b"<cost>TBD</cost>", found[0]) if mine else found[0]

    def _spoil_in(self, value: Any) -> None:
        names = ("id", "sg_listing_id", "reference")
        if isinstance(value, dict) and self._number in {str(value.get(name)) for name in names}:
            value.update(dict.fromkeys(self._fields & value.keys()))
        if isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                self._spoil_in(inner)


@pytest.fixture
def spoil(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Spoil:
    def act(number: object, fields: tuple[str, ...]) -> None:
        monkeypatch.setattr(links, "transport_override", Spoilt(simulator, str(number), fields))

    return act


def published(holding: Holding, *accounts: MarketplaceAccount) -> list[Listing]:
    made = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats],
        account_ids=[account.pk for account in accounts], price=Decimal("84.00"), floor=Decimal("50.00"),
        ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    return made


def by_hand(account: MarketplaceAccount) -> str:
    """A listing that a hand made there, in a section that is none of ours; its number there."""
    control(
        "listings", platform=account.platform, account_id=account.account_id, event_id=501, section="999", row="Z",
        seats=[1, 2], quantity=2, price="10.00",
    )  # fmt: skip
    return next(str(one["id"]) for one in there(account.platform) if one["section"] == "999")


def there(platform: str) -> list[dict[str, Any]]:
    """Its listings, whatever has become of them."""
    found: list[dict[str, Any]] = (
        links.shared_client().get("http://simulator.test/_sim/state").json()[platform]["listings"]
    )
    return found


def up_there(platform: str) -> list[str]:
    """The sections that are on sale there."""
    return sorted(one["section"] for one in there(platform) if one["state"] == "active")


def told(holding: Holding) -> list[str]:
    """What its holder is told of what cannot be read."""
    alerts = Alert.objects.filter(kind="account.reading", state="firing", user_id=holding.user.pk)
    return list(alerts.values_list("body", flat=True))


@pytest.mark.parametrize("platform", ALL)
def test_of_the_others_the_seats_come_down_elsewhere(
    travel: time_machine.Traveller, holding: Holding, platform: str, spoil: Spoil
) -> None:
    elsewhere = "seatgeek" if platform == "stubhub" else "stubhub"
    one, other = connected(holding, platform), connected(holding, elsewhere)
    published(holding, one, other)
    mine = Listing.objects.get(account=one)
    odd = control("sell", platform=platform, listing_id=by_hand(one), quantity=2)["sale_id"]
    good = control("sell", platform=platform, external_id=mine.external_id, quantity=4)["sale_id"]
    since = one.sales_synced_until
    spoil(odd, MADE)
    account_poll(one)
    work()
    assert list(Sale.objects.values_list("platform_sale_id", flat=True)) == [str(good)]
    assert up_there(elsewhere) == []
    one.refresh_from_db()
    # It is told by its number, and asked for again.
    assert (one.sales_synced_until, len(told(holding))) == (since, 1)
    assert f"sale {odd}: " in told(holding)[0]
    spoil("", ())
    travel.shift(60)
    account_poll(one)
    one.refresh_from_db()
    assert (one.last_error, told(holding), one.sales_synced_until != since) == ("", [], True)


@pytest.mark.parametrize("platform", [name for name in ALL if name != "gametime"])
def test_a_sweep_mends_the_others_and_takes_none_for_gone(
    simulator: Simulator, holding: Holding, platform: str, spoil: Spoil
) -> None:
    account = connected(holding, platform)
    (mine,) = published(holding, account)
    Listing.objects.update(status=ListingStatus.CANCELLED, updated_at=LONG_AGO)
    odd = by_hand(account)
    spoil(odd, PRICES)
    accounts_reconcile_due()
    work()
    assert up_there(platform) == ["999"]
    # SeatGeek's listings are called by the seller's key.
    (one,) = [one for one in there(platform) if str(one["id"]) == odd]
    (body,) = told(holding)
    assert f"listing {odd}: " in body or f"listing {one['external_id']}: " in body
    # Ours is the odd one, and up: that it is not among those that can be read says nothing.
    Listing.objects.update(status=ListingStatus.ACTIVE, updated_at=LONG_AGO)
    next(one for one in simulator.ledger.listings.values() if one.section != "999").state = "active"
    spoil(next(one["id"] for one in there(platform) if one["section"] != "999"), PRICES)
    # In the same ten minutes no second sweep would be ordered, and what is under way is not judged.
    MarketplaceCommand.objects.all().delete()
    assert accounts_reconcile_due() == 1
    work()
    mine.refresh_from_db()
    assert mine.status == ListingStatus.ACTIVE
    assert len(told(holding)) == 1


def test_gametimes_file_is_written_whatever_a_purchase_lacks(
    simulator: Simulator, holding: Holding, spoil: Spoil
) -> None:
    account = connected(holding, "gametime")
    (mine,) = published(holding, account)
    odd = control("sell", platform="gametime", listing_id=by_hand(account), quantity=2)["sale_id"]
    spoil(odd, (*MADE, "price"))
    listings_delist(actor=holding.actor, listing_ids=[mine.pk])
    work()
    assert MarketplaceCommand.objects.filter(kind="delist", state="done").exists()
    assert up_there("gametime") == []


@pytest.mark.parametrize("platform", ["stubhub", "ticketmaster"])
def test_past_sales_are_taken_in_beside_one_that_cannot_be_read(
    simulator: Simulator, holding: Holding, platform: str, spoil: Spoil
) -> None:
    account = connected(holding, platform)
    (mine,) = published(holding, account)
    odd = control("sell", platform=platform, listing_id=by_hand(account), quantity=2)["sale_id"]
    control("sell", platform=platform, external_id=mine.external_id, quantity=4)
    MarketplaceAccount.objects.update(stock_taken_at=None)
    spoil(odd, MADE)
    stock_order(account.pk)
    work()
    account.refresh_from_db()
    assert account.stock_taken_at is not None
    assert Sale.objects.filter(listing=mine).count() == 1
    assert any(f"sale {odd}: " in body for body in told(holding))
