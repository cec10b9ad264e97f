"""I-20 of alerts: what happened in practice says so, on the page, in the mail and by the API."""

import pytest
from django.core import mail

from marketplaces.models import MarketplaceAccount, Mode
from seatsync.accounts.models import User
from seatsync.live.deliver import deliveries_send
from seatsync.live.models import Alert, AlertDelivery
from tests.builders import browser
from tests.market import Market


def sold(market: Market, mode: Mode) -> Alert:
    """Two seats sell on alpha, an account of that mode."""
    User.objects.filter(pk=market.holding.user.pk).update(kyc_status="approved")
    MarketplaceAccount.objects.update(mode=mode)
    alpha, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    return Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk)


@pytest.mark.parametrize(("mode", "practised"), [(Mode.PAPER, True), (Mode.LIVE, False)])
def test_a_sale_says_whether_it_was_practice(market: Market, mode: Mode, *, practised: bool) -> None:
    alert = sold(market, mode)

    assert alert.mode == mode
    page = browser(market.holding.user).get("/alerts/").content.decode()
    assert ('<span class="tag">paper</span>' in page) is practised


@pytest.mark.parametrize(("mode", "practised"), [(Mode.PAPER, True), (Mode.LIVE, False)])
def test_its_mail_says_it_in_the_subject(market: Market, mode: Mode, *, practised: bool) -> None:
    alert = sold(market, mode)
    AlertDelivery.objects.exclude(alert=alert).delete()
    deliveries_send()

    (message,) = mail.outbox
    assert message.subject.startswith("Paper: ") is practised
    assert ("Practice in the paper market" in message.body) is practised
