"""A sale that its marketplace takes back while we confirm it: nobody is asked for what no person can do."""

from decimal import Decimal

import pytest

from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand, Sale, SaleState
from listings.services import outbox
from listings.services.execute import execute
from listings.services.publish import listing_publish
from listings.services.sale_report import sale_report
from listings.services.sync import account_sync_sales
from marketplaces.registry import adapter_keys
from marketplaces.simulator.app import Simulator
from portfolios.models import OwnerState, Seat
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.selling import connected
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db
# Vivid Seats tells no more of an order that was taken back.
NAMED = [key for key in adapter_keys() if key != "vividseats"]


def sold_and_taken_back(holding: Holding, platform: str) -> Sale:
    """Two seats were sold and read, and taken back before they could be confirmed."""
    account = connected(holding, platform)
    listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[:2]], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    control("sell", platform=platform, external_id=Listing.objects.get().external_id, quantity=2)
    account_sync_sales(account=account)
    sale = Sale.objects.get()
    assert sale.commands.get(kind=CommandKind.CONFIRM_SALE).state == CommandState.PENDING
    control("advance", sale_id=int(sale.platform_sale_id), to="cancelled")
    return sale


@pytest.mark.parametrize("platform", adapter_keys())
@pytest.mark.parametrize("promised", [False, True])
def test_a_rejection_that_is_refused_because_the_sale_is_over_asks_nobody(
    holding: Holding, simulator: Simulator, platform: str, *, promised: bool
) -> None:
    """Its seats sold elsewhere before, so that it is refused; its marketplace takes it back before that arrives."""
    elsewhere = "seatgeek" if platform != "seatgeek" else "stubhub"
    accounts = [connected(holding, key) for key in (elsewhere, platform)]
    listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[:2]],
        account_ids=[account.pk for account in accounts], price=Decimal("84.00"), floor=Decimal("50.00"),
        ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    for account in accounts:
        key = Listing.objects.get(account=account).external_id
        review = promised and account.platform == platform
        control("sell", platform=account.platform, external_id=key, quantity=2, provisional=review)
        account_sync_sales(account=account)
    sale = Sale.objects.get(platform=platform)
    rejection = sale.commands.get(kind=CommandKind.REJECT_SALE)
    assert (sale.state, rejection.state) == (SaleState.CONFLICT, CommandState.PENDING)
    control("advance", sale_id=int(sale.platform_sale_id), to="cancelled")
    work()
    sale.refresh_from_db()
    rejection.refresh_from_db()
    # Vivid Seats tells no more of it: what is not there is refused as well as it can be.
    untold = platform == "vividseats"
    ends = (CommandState.DONE, SaleState.CONFLICT) if untold else (CommandState.SUPERSEDED, SaleState.CANCELLED)
    # It never had the seats, whoever was faster.
    assert (rejection.state, sale.state, sale.ending) == (*ends, "rejected")
    assert not Alert.objects.filter(kind="command.needs_person").exists()


def confirmation(sale: Sale) -> MarketplaceCommand:
    return sale.commands.get(kind=CommandKind.CONFIRM_SALE)


@pytest.mark.parametrize("platform", NAMED)
def test_a_confirmation_that_is_refused_because_the_sale_is_over_ends_it(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    sale = sold_and_taken_back(holding, platform)
    work()
    sale.refresh_from_db()
    assert (sale.state, confirmation(sale).state) == (SaleState.CANCELLED, CommandState.SUPERSEDED)
    assert not Seat.objects.filter(state=OwnerState.SOLD).exists()
    assert not Alert.objects.filter(kind="command.needs_person").exists()


def test_a_confirmation_that_is_refused_for_another_reason_needs_a_person_until_the_sale_is_over(
    holding: Holding, simulator: Simulator
) -> None:
    sale = sold_and_taken_back(holding, "vividseats")
    work()
    assert confirmation(sale).state == CommandState.NEEDS_PERSON
    assert Alert.objects.get(kind="command.needs_person").state == "firing"
    sale_report(actor=holding.actor, sale_id=sale.pk, what="cancelled", reason="they wrote so")
    sale.refresh_from_db()
    assert (sale.state, confirmation(sale).state) == (SaleState.CANCELLED, CommandState.SUPERSEDED)
    assert Alert.objects.get(kind="command.needs_person").state == "recovered"


def test_a_refusal_that_comes_after_the_end_asks_nobody(
    holding: Holding, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The confirmation is on its way when another word says that the sale is over."""
    sale = sold_and_taken_back(holding, "vividseats")

    def overtaken(command: MarketplaceCommand) -> object:
        answer = execute(command)
        sale_report(actor=holding.actor, sale_id=sale.pk, what="cancelled", reason="they wrote so")
        return answer

    monkeypatch.setattr(outbox, "execute", overtaken)
    work()
    sale.refresh_from_db()
    assert (sale.state, confirmation(sale).state) == (SaleState.CANCELLED, CommandState.SUPERSEDED)
    assert not Alert.objects.filter(kind="command.needs_person").exists()
