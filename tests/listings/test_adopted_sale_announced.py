"""A sale of an adopted listing that a hand made there is announced, and cannot be read yet: its seats are held all the
same, and come down elsewhere. The notice tells the listing by its id there where it has no key of the seller's.
"""

import httpx
import pytest

from listings.models import Listing, ListingStatus, Sale, SaleState
from listings.services.publish import listing_publish
from listings.services.stock import stock_order
from marketplaces.contracts import Capability
from marketplaces.models import InboundEvent, MarketplaceAccount
from marketplaces.registry import adapter_get, adapter_list
from marketplaces.services import links
from marketplaces.services.inbox import inbox_receive
from marketplaces.services.understand import MOST_ATTEMPTS, inbound_process
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from portfolios.models import OwnerState, Seat
from tests.builders import Holding
from tests.listings.selling import connected
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db
CALLING = sorted(adapter.traits.key for adapter in adapter_list() if Capability.WEBHOOK in adapter.traits.capabilities)
SECRET = "what-proves-their-word"


class Unread(SimulatorTransport):
    """A marketplace that tells nothing of sales at the moment."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """503 for each question about a sale."""
        if any(part in request.url.path for part in ("/v2/sales", "/order", "/purchases")):
            return httpx.Response(503, content=b"")
        return super().handle_request(request)


def _told_by_hook(holding: Holding, platform: str) -> MarketplaceAccount:
    """The holder's account there, which tells us of sales."""
    account, adapter = connected(holding, platform), adapter_get(platform)
    account.webhook_secret = SECRET
    account.stock_taken_at = None
    if Capability.REGISTER_WEBHOOK in adapter.traits.capabilities:
        account.webhook_id = adapter.register_webhook(
            links.link_for(account), url="https://seatsync.test/hook", secret=SECRET
        )
    account.save()
    if not account.webhook_id:
        control(
            "accounts", platform=platform, token=account.access_token, webhook_url="https://seatsync.test/hook",
            webhook_secret=SECRET,
        )  # fmt: skip
    return account


@pytest.mark.parametrize("platform", CALLING)
def test_its_seats_are_held_and_come_down_elsewhere(
    simulator: Simulator, holding: Holding, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered: list[tuple[dict[str, str], str]] = []

    def take(_url: str, headers: dict[str, str], body: str) -> int:
        delivered.append((headers, body))
        return 200

    monkeypatch.setattr(simulator.outbox, "_sender", take)
    account, seats = _told_by_hook(holding, platform), holding.seats
    made = control(
        "listings", platform=platform, account_id=account.account_id, event_id=501, section=seats[0].section,
        row=seats[0].row, seats=[seat.seat_number for seat in seats], price="84.00",
    )  # fmt: skip
    stock_order(account.pk)
    work()
    adopted = Listing.objects.get()
    assert (adopted.status, adopted.made_there) == (ListingStatus.ACTIVE, True)
    other = connected(holding, "vividseats")
    (elsewhere,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in seats], account_ids=[other.pk], price=adopted.price,
        floor=adopted.price, ceiling=adopted.price,
    )  # fmt: skip
    work()
    elsewhere.refresh_from_db()
    assert elsewhere.status == ListingStatus.ACTIVE

    control("sell", platform=platform, listing_id=made["id"], quantity=len(seats))
    simulator.outbox.deliver_due(simulator.clock() + 60)
    monkeypatch.setattr(links, "transport_override", Unread(simulator))
    for headers, body in delivered:
        inbox_receive(platform=platform, account_id=account.pk, headers=headers, body=body.encode())
    event = InboundEvent.objects.get(kind="sale")
    assert not inbound_process(event_id=event.pk)
    work()

    assert set(Seat.objects.filter(pk__in=[seat.pk for seat in seats]).values_list("state", flat=True)) == {
        OwnerState.HELD
    }
    elsewhere.refresh_from_db()
    assert elsewhere.status == ListingStatus.CANCELLED

    # Nobody can read it at all: what is asked of a person names the listing.
    for _ in range(MOST_ATTEMPTS):
        inbound_process(event_id=event.pk)
    sale = Sale.objects.get()
    assert (sale.state, sale.listing) == (SaleState.NEEDS_PERSON, adopted)
