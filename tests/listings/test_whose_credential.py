"""Another seller's account is not accepted over one with open business; the same one with a new key is."""

from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.urls import reverse

from listings.models import CommandKind, CommandState, Listing, ListingStatus, MarketplaceCommand, Sale
from listings.services.fulfil import sale_fulfil
from listings.services.publish import listing_publish
from listings.services.sync import account_poll
from marketplaces.contracts import Grant, Link
from marketplaces.delivery import HandOver
from marketplaces.models import ConnectAttempt, MarketplaceAccount
from marketplaces.registry import hand_overs_of
from marketplaces.services import connect, links, same_seller
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.core.errors import Conflict
from tests.builders import Holding, verified_client
from tests.listings.selling import PROOF
from tests.listings.simulated import control, work
from tests.market import Market

pytestmark = pytest.mark.django_db
BACK = "https://seatsync.test/finish"
BY_TOKEN = pytest.mark.parametrize("platform", ["seatgeek", "vividseats", "gametime"])


def listed(holding: Holding, account: MarketplaceAccount) -> Listing:
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    return Listing.objects.get(pk=listing.pk)


def by_token(holding: Holding, platform: str, token: str = "", *, same_account: bool = False) -> MarketplaceAccount:
    return connect.connect_token(
        actor=holding.actor, platform=platform, mode="paper", token=token, same_account=same_account
    )


def sold_out(holding: Holding, platform: str) -> MarketplaceAccount:
    """All four seats are sold at a new account, and their tickets are to be handed over."""
    account = by_token(holding, platform)
    work()
    listing = listed(holding, account)
    control("sell", platform=platform, external_id=listing.external_id, quantity=4)
    account_poll(account)
    work()
    assert Sale.objects.get().state == "confirmed"
    return account


@BY_TOKEN
def test_another_accounts_token_is_refused_while_a_sale_is_to_be_handed_over(
    simulator: Simulator, holding: Holding, platform: str
) -> None:
    account = sold_out(holding, platform)
    other = control("accounts", platform=platform)["access_token"]
    for same_account in (False, True):
        with pytest.raises(Conflict, match="another account's") as caught:
            by_token(holding, platform, other, same_account=same_account)
        assert (caught.value.problems[0].field, "disconnect" in caught.value.remedy) == ("token", True)
    kept = MarketplaceAccount.objects.get(pk=account.pk)
    assert kept.access_token == account.access_token
    way, urls = hand_overs_of(platform)[0], [f"https://transfer.example/{seat}" for seat in range(4)]
    proof = {"transfer_urls": urls} if way == HandOver.TRANSFER_URL else PROOF[way]
    sale_fulfil(actor=holding.actor, sale_id=Sale.objects.get().pk, method=way, **proof)
    work()
    assert MarketplaceCommand.objects.get(kind=CommandKind.FULFIL).state == CommandState.DONE


@BY_TOKEN
def test_a_new_key_of_the_same_account_is_known_by_its_sale(
    simulator: Simulator, holding: Holding, platform: str
) -> None:
    account = sold_out(holding, platform)
    (there,) = (one for one in simulator.ledger.accounts.values() if one.platform == platform)
    control("accounts", platform=platform, account_id=there.id, token="a new key")
    again = by_token(holding, platform, "a new key")
    assert (again.pk, again.access_token) == (account.pk, "a new key")
    # What it lists is known still.
    assert again.stock_taken_at == MarketplaceAccount.objects.get(pk=account.pk).stock_taken_at is not None


class Unnamed(SimulatorTransport):
    """StubHub does not say at this moment whose a grant is."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/v2/user"):
            return httpx.Response(503, content=b"")
        return super().handle_request(request)


def consent(
    holding: Holding, who: str = "", platform: str = "stubhub", *, same_account: bool = False
) -> MarketplaceAccount:  # fmt: skip
    """The holder grants access, signed in there as `who`, or as a seller who is new there."""
    url = connect.connect_start(
        actor=holding.actor, platform=platform, mode="paper", redirect_uri=BACK, same_account=same_account
    )
    answer = links.shared_client().get(f"{url}&login_hint={who}" if who else url)
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    return connect.connect_finish(actor=holding.actor, state=back["state"][0], code=back["code"][0], redirect_uri=BACK)


def test_a_grant_without_a_name_is_taken_for_the_known_accounts_only_where_it_sees_what_that_has_on_show(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = consent(holding)
    work()
    listing = listed(holding, account)
    (there,) = (one for one in simulator.ledger.accounts.values() if one.platform == "stubhub")
    monkeypatch.setattr(links, "transport_override", Unnamed(simulator))
    with pytest.raises(Conflict, match="does not say at this moment") as caught:
        consent(holding)
    assert (caught.value.problems[0].field, "again in a moment" in caught.value.remedy) == ("account", True)
    kept = MarketplaceAccount.objects.get(pk=account.pk)
    assert (kept.access_token, kept.account_id) == (account.access_token, account.account_id)
    again = consent(holding, there.id)
    assert (again.pk, again.account_id) == (account.pk, account.account_id)
    assert again.access_token != account.access_token
    listing.refresh_from_db()
    assert listing.status == ListingStatus.ACTIVE


def test_a_grant_without_a_name_waits_while_something_is_on_its_way(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = consent(holding)
    work()
    listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    monkeypatch.setattr(links, "transport_override", Unnamed(simulator))
    with pytest.raises(Conflict, match="does not say at this moment"):
        consent(holding)


def test_a_consent_that_no_name_and_no_listing_tells_of_is_confirmed_by_its_holder(
    simulator: Simulator, holding: Holding
) -> None:
    account = consent(holding, platform="ticketmaster")
    work()
    listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    with pytest.raises(Conflict) as caught:
        consent(holding, platform="ticketmaster")
    assert caught.value.problems[0].field == "same_account"
    assert consent(holding, platform="ticketmaster", same_account=True).pk == account.pk


def alpha(market: Market) -> MarketplaceAccount:
    return MarketplaceAccount.objects.get(pk=market.accounts["alpha"].pk)


@pytest.fixture
def waiting(market: Market, monkeypatch: pytest.MonkeyPatch) -> Market:
    """A publication is on its way, and Alpha says of no token whose it is."""
    monkeypatch.setattr(market.alpha, "connect", lambda link, **_: link.grant)
    market.publish()
    return market


def test_where_nothing_can_be_looked_up_the_holder_confirms_on_the_page(waiting: Market) -> None:
    client = verified_client(waiting.holding.user)
    url = reverse("marketplaces:account_connect")
    wish = {"platform": "alpha", "mode": "paper", "token": "token-9"}
    refused = client.post(url, wish)
    text = refused.content.decode()
    assert (refused.status_code, alpha(waiting).access_token) == (422, "token")
    assert "nothing there shows whether this is the same one" in text
    assert "disconnect that one first" in text
    assert 'id="same_account-alpha"' in text
    assert 'id="same_account-beta"' not in text
    assert client.post(url, wish | {"same_account": "on"}).status_code == 302
    assert alpha(waiting).access_token == "token-9"


def test_a_consent_that_must_be_confirmed_comes_back_to_a_page_that_asks_for_it(
    waiting: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = verified_client(waiting.holding.user)
    made = {"tenant": waiting.holding.ticket.tenant, "user": waiting.holding.user, "platform": "alpha"}
    ConnectAttempt.objects.create(**made, mode="paper", state="s-1", code_verifier="v")
    monkeypatch.setattr(waiting.alpha, "connect", lambda link, **_: Grant("token-9"))
    back = client.get(reverse("marketplaces:connect_finish"), {"state": "s-1", "code": "c-1"})
    assert back["Location"] == reverse("marketplaces:account_list") + "?confirm=same_account"
    traits = replace(waiting.alpha.traits, auth="oauth2")
    monkeypatch.setattr(type(waiting.alpha), "traits", property(lambda _: traits))
    assert 'name="same_account"' in client.get(back["Location"]).content.decode()
    assert 'name="same_account"' not in client.get(reverse("marketplaces:account_list")).content.decode()


@pytest.mark.parametrize("there", [True, False])
def test_a_publication_that_failed_may_be_up_and_is_looked_up(
    market: Market, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(market.alpha, "connect", lambda link, **_: link.grant)
    first, _ = market.published()
    Listing.objects.filter(pk=first.pk).update(status=ListingStatus.ERROR)
    if there:
        assert by_token(market.holding, "alpha", "token-9").access_token == "token-9"
        return
    del market.alpha.listings[first.external_id]
    with pytest.raises(Conflict) as caught:
        by_token(market.holding, "alpha", "token-9")
    assert caught.value.problems[0].field == "same_account"


def test_what_is_published_while_a_credential_is_looked_at_is_not_taken_over(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish_meanwhile(known: MarketplaceAccount | None, link: Link, *, confirmed: bool) -> bool:
        seen = same_seller.seller_seen(known, link, confirmed=confirmed)
        market.publish()
        return seen

    monkeypatch.setattr(market.alpha, "connect", lambda link, **_: link.grant)
    monkeypatch.setattr(connect, "seller_seen", publish_meanwhile)
    with pytest.raises(Conflict, match="meanwhile"):
        by_token(market.holding, "alpha", "token-9")
    assert alpha(market).access_token == "token"
