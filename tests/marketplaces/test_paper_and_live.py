"""A paper account knows nothing of the live registration, and a live one nothing of the simulator's (I-20)."""

import pytest
from pytest_django import Settings

from marketplaces.errors import PermanentError
from marketplaces.models import Mode
from marketplaces.services.links import app_credentials, base_url_for, link_for
from tests.market import Market

SIMULATOR, LIVE = "http://simulator.example:9100", "https://alpha.example"


@pytest.fixture
def _addresses(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.SIMULATOR_URL = SIMULATOR
    monkeypatch.setenv("ALPHA_BASE_URL", LIVE)
    monkeypatch.setenv("ALPHA_CLIENT_ID", "ours")
    monkeypatch.setenv("ALPHA_CLIENT_SECRET", "the live secret")


def test_i20_each_mode_has_its_own_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUBHUB_CLIENT_ID", "ours")
    monkeypatch.setenv("STUBHUB_CLIENT_SECRET", "the live secret")
    paper, live = (app_credentials("stubhub", mode) for mode in (Mode.PAPER, Mode.LIVE))
    assert (live.client_id, live.client_secret) == ("ours", "the live secret")
    assert {"ours", "the live secret"} & {paper.client_id, paper.client_secret} == set()


@pytest.mark.usefixtures("_addresses")
@pytest.mark.parametrize(("mode", "address", "client_id"), [
    (Mode.PAPER, f"{SIMULATOR}/alpha", "seatsync-paper"), (Mode.LIVE, LIVE, "ours"),
])  # fmt: skip
def test_i20_an_accounts_line_is_of_its_own_mode(market: Market, mode: Mode, address: str, client_id: str) -> None:
    account = market.accounts["alpha"]
    account.mode = mode
    account.save()
    link = link_for(account)
    assert (link.base_url, link.app.client_id) == (address, client_id)


@pytest.mark.usefixtures("_addresses")
@pytest.mark.parametrize("spelling", [SIMULATOR, f"{SIMULATOR}/alpha", f"{SIMULATOR.upper()}/"])
def test_i20_a_live_account_gets_no_line_to_the_simulator(
    market: Market, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    monkeypatch.setenv("ALPHA_BASE_URL", spelling)
    account = market.accounts["alpha"]
    account.mode = Mode.LIVE
    account.save()
    with pytest.raises(PermanentError, match="simulator"):
        link_for(account)


@pytest.mark.usefixtures("_addresses")
@pytest.mark.parametrize("address", ["https://api.stubhub.net", "https://api.gametime.co/v3/"])
def test_i20_paper_gets_no_line_to_where_a_marketplace_is(settings: Settings, address: str) -> None:
    settings.SIMULATOR_URL = address
    for platform in ("stubhub", "seatgeek"):
        with pytest.raises(PermanentError, match="SIMULATOR_URL is"):
            base_url_for(platform, Mode.PAPER)


def test_i20_an_account_that_a_person_works_for_has_no_address(market: Market) -> None:
    with pytest.raises(PermanentError, match="a person"):
        base_url_for("alpha", Mode.ASSISTED)
