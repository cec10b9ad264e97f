"""I-02 on real connections: one payout is written by one at a time."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import transaction

from listings.models import Payout
from listings.services import payouts
from listings.services.payouts import payout_apply, payout_receive
from marketplaces.contracts import RemotePayment
from tests.listings.platform import ScriptedPlatform
from tests.market import Market
from tests.taking import Doer, patient_market, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def market(
    transactional_db: None, platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch
) -> Market:
    monkeypatch.setattr(payouts, "payouts_told", lambda _: False)
    return patient_market(platforms, monkeypatch)


def test_what_came_stays_where_another_announcement_is_read_at_that_moment(market: Market) -> None:
    account, announced = market.accounts["alpha"], RemotePayment("P-1", None, Decimal("168.00"), "USD")
    payout_apply(account=account, remote=announced)
    with transaction.atomic():
        payout = payout_receive(
            actor=market.holding.actor, payout_id=Payout.objects.get().pk, amount=Decimal("140.00")
        )  # fmt: skip
        reader = Doer(lambda: payout_apply(account=account, remote=replace(announced, net=Decimal("150.00"))))
        wait_until_blocked(reader)
    assert reader.finish().error is None
    payout.refresh_from_db()
    assert (payout.net, payout.received, payout.state) == (Decimal("140.00"), Decimal("140.00"), "paid")
