"""The connections page."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from marketplaces.models import ConnectAttempt, MarketplaceAccount
from marketplaces.services import links
from marketplaces.services.connect import accounts_close, connect_assisted
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.state import Account
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.accounts.models import User
from seatsync.accounts.services.tokens import tokens_issue
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from tests.api.conftest import Api
from tests.builders import build_holding
from tests.market import Market

NAMES = ("StubHub", "SeatGeek", "Vivid Seats", "Gametime", "Ticketmaster")


def enter(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.id))
    return client


def test_it_shows_the_own_accounts_alone(market: Market) -> None:
    page = enter(market.holding.actor).get(reverse("marketplaces:account_list")).content.decode()
    assert page.count("data-row") == 2
    other = enter(market.holding.other).get(reverse("marketplaces:account_list")).content.decode()
    assert "data-row" not in other
    assert "secret-alpha" not in page


def test_disconnecting_waits_for_open_listings(market: Market) -> None:
    market.published()
    account = market.accounts["alpha"]
    url = reverse("marketplaces:account_disconnect", args=[account.pk])
    answer = enter(market.holding.actor).post(url, follow=True).content.decode()
    assert "once its listings are down" in answer
    assert "closing" in answer
    active = MarketplaceAccount.objects.filter(pk=account.pk, is_active=True)
    assert active.exists()
    market.work()
    MarketplaceAccount.objects.update(sales_synced_until=now() + timedelta(minutes=1))
    accounts_close()
    assert not active.exists()
    assert "is disconnected" in enter(market.holding.actor).post(url, follow=True).content.decode()


def test_an_account_without_an_interface_is_by_hand_everywhere_and_asks_for_no_key(market: Market) -> None:
    User.objects.filter(pk=market.holding.user.pk).update(kyc_status="approved")
    market.accounts["beta"].is_active = False
    market.accounts["beta"].save()
    connect_assisted(actor=market.holding.actor, platform="beta")
    page = enter(market.holding.actor).get(reverse("marketplaces:account_list")).text
    assert (page.count("<td>by hand</td>"), "<td>assisted</td>" in page) == (1, False)
    assert "Listings made there" in page
    form = page.partition("<strong>Alpha</strong>")[2].partition("</form>")[0]
    # The style sheet hides them where By hand is chosen, and shows the other words.
    assert (form.count("asks"), form.count("by-hand"), "required" in form) == (2, 1, False)


@pytest.mark.parametrize("who", ["other", "outsider"])
def test_nobody_else_disconnects(market: Market, who: str) -> None:
    account = market.accounts["alpha"]
    url = reverse("marketplaces:account_disconnect", args=[account.pk])
    assert enter(getattr(market.holding, who)).post(url).status_code == 404
    assert MarketplaceAccount.objects.get(pk=account.pk).is_active


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Simulator:
    """The simulator in this process, at its address."""
    made = Simulator()
    settings.SIMULATOR_URL = "http://simulator.test"
    monkeypatch.setattr(links, "transport_override", SimulatorTransport(made))
    return made


@pytest.mark.django_db
def test_what_is_not_verified_says_so_where_it_is_chosen(simulator: Simulator) -> None:
    page = enter(build_holding().actor).get(reverse("marketplaces:account_list")).content.decode()
    named = {name: page.partition(f"<strong>{name}</strong>")[2].partition("</li>")[0] for name in NAMES}
    told = {
        name: [word for word in ("reconstructed", "unverified") if f">contract {word}<" in form]
        for name, form in named.items()
    }
    assert told == {
        "StubHub": [], "SeatGeek": ["reconstructed"], "Vivid Seats": ["reconstructed"],
        "Gametime": ["reconstructed"], "Ticketmaster": ["unverified"],
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("platform", "says"), [
    ("ticketmaster", "Ticketmaster cannot be connected here: Ticketmaster offers holders no interface to sell by"),
    ("stubhub", "StubHub cannot be connected here: STUBHUB_CLIENT_ID is not set"),
])  # fmt: skip
def test_a_consent_that_cannot_be_asked_for_says_why(simulator: Simulator, platform: str, says: str) -> None:
    client = enter(build_holding().actor)
    answer = client.post(reverse("marketplaces:account_connect"), {"platform": platform, "mode": "live"})
    assert (answer.status_code, says in answer.content.decode()) == (422, True)
    assert not ConnectAttempt.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("platform", "label", "field"), [
    ("gametime", "API key, FTP user, FTP password", "token"), ("seatgeek", "API token", "token"),
    ("stubhub", "Mode", "mode"),
])  # fmt: skip
def test_what_is_refused_stands_beside_the_fields_that_it_is_of(
    simulator: Simulator, platform: str, label: str, field: str
) -> None:
    given = {"platform": platform, "mode": "live" if field == "mode" else "paper", "token": ["no", "such", "key"]}
    text = enter(build_holding().actor).post(reverse("marketplaces:account_connect"), given).text
    # The summary's link leads to a field that is there, under the name that the field has.
    assert f'<a href="#{field}-{platform}">{label}</a>' in text
    assert text.count(f'id="{field}-{platform}"') == 1
    assert text.count('aria-invalid="true"') == (3 if platform == "gametime" else 1)
    form = text.partition(f'value="{platform}"')[2].partition("</form>")[0]
    refused = form.partition(f'id="refused-{platform}">')[2].partition("</p>")[0]
    assert refused.strip()
    assert text.count(refused.strip()) == 2
    assert text.count('class="error"') == 1


@pytest.mark.django_db
def test_a_credential_of_several_parts_is_asked_for_part_by_part(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding = build_holding()
    client, url = enter(holding.actor), reverse("marketplaces:account_connect")
    page = client.get(reverse("marketplaces:account_list")).content.decode()
    for part in ("API key", "FTP user", "FTP password"):
        assert f">{part}</label>" in page
    # A live account's server is elsewhere: here the API's stand-in serves for it, under another name.
    monkeypatch.setenv("GAMETIME_BASE_URL", "http://gametime.test/gametime")
    monkeypatch.setenv("GAMETIME_DROP_URL", "http://gametime.test/gametime/drop")
    for given, told in (([], "none was"), (["key"], "1 of 3 were"), (["key", "", "password"], "2 of 3 were")):
        answer = client.post(url, {"platform": "gametime", "mode": "live", "token": given})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert f"Gametime asks for API key, FTP user, FTP password; {told} given." in page
        # What was chosen stays chosen: the next try is not one in paper.
        assert page.count('<option value="live" selected>') == 1
    simulator.ledger.accounts["g"] = Account("g", "gametime", "key")
    answer = client.post(url, {"platform": "gametime", "mode": "live", "token": ["key", " user ", "password"]})
    assert answer.status_code == 302
    account = MarketplaceAccount.objects.get(platform="gametime")
    assert (account.mode, account.access_token) == ("live", "key\nuser\npassword")


@pytest.mark.django_db
def test_a_practice_account_needs_no_key(simulator: Simulator) -> None:
    holding = build_holding()
    client, url = enter(holding.actor), reverse("marketplaces:account_connect")
    for _ in range(2):  # connecting again keeps the account there: its listings are known to no other
        answer = client.post(url, {"platform": "seatgeek", "mode": "paper", "token": ""}, follow=True)
        assert "The account is connected." in answer.content.decode()
    account = MarketplaceAccount.objects.get(user=holding.user)
    (there,) = simulator.ledger.accounts.values()
    assert (account.mode, account.access_token) == ("paper", there.token)
    assert there.webhook_url == f"http://localhost:8000/webhooks/seatgeek/{account.pk}/"
    assert there.webhook_secret == account.webhook_secret


@pytest.mark.django_db
def test_a_live_account_needs_its_key(simulator: Simulator) -> None:
    client, url = enter(build_holding().actor), reverse("marketplaces:account_connect")
    answer = client.post(url, {"platform": "seatgeek", "mode": "live", "token": ""})
    assert answer.status_code == 422
    assert "SeatGeek asks for API token; none was given." in answer.content.decode()
    assert simulator.ledger.accounts == {}


@pytest.mark.django_db
@pytest.mark.parametrize("platform", ["seatgeek", "vividseats", "gametime"])
@pytest.mark.parametrize("token", ["clé", "\U0001f3ab", "\u0430-token"], ids=["accent", "sign", "cyrillic"])
def test_a_token_with_letters_that_no_token_has_is_refused(simulator: Simulator, platform: str, token: str) -> None:
    holding = build_holding()
    wish = {"platform": platform, "mode": "paper", "token": token}
    page = enter(holding.actor).post(reverse("marketplaces:account_connect"), wish)
    api = Api(tokens_issue(holding.user, holding.ticket.tenant_id).access)
    answer = api.post("/marketplace-accounts/", wish)
    assert (page.status_code, answer.status_code) == (422, 422)
    assert answer.json()["errors"][0]["field"] == "token"
    assert "refuses this token" in page.content.decode()
    assert not MarketplaceAccount.objects.exists()


@pytest.mark.django_db
def test_a_simulator_that_is_away_is_said() -> None:
    client, url = enter(build_holding().actor), reverse("marketplaces:account_connect")
    answer = client.post(url, {"platform": "seatgeek", "mode": "paper", "token": ""})
    assert answer.status_code == 422
    assert "SeatGeek cannot be asked: the simulator does not answer. Try again in a moment." in answer.content.decode()
    assert not MarketplaceAccount.objects.exists()


def test_an_unknown_platform_is_refused(market: Market) -> None:
    url = reverse("marketplaces:account_connect")
    answer = enter(market.holding.actor).post(url, {"platform": "nowhere", "mode": "paper"})
    assert answer.status_code == 422
    assert "is not a marketplace we know" in answer.content.decode()
