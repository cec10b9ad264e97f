"""Addresses that lead to the same place, in every spelling."""

import pytest
from pytest_django import Settings

from marketplaces.errors import PermanentError
from marketplaces.models import Mode
from marketplaces.services.links import base_url_for, drop_url_for
from seatsync.checks import live_addresses
from seatsync.core.places import same_place

SIMULATOR = "http://127.0.0.1:9100"
SAME = (
    "http://127.0.0.1:9100", "http://127.0.0.1:9100/stubhub", "HTTP://LOCALHOST:9100/", "http://localhost:9100",
    "http://127.9.9.9:9100", "http://[::1]:9100", "http://user:secret@LocalHost:9100", "https://localhost:9100",
    "http://localhost.:9100", "http://[::ffff:127.0.0.1]:9100", "http://0.0.0.0:9100", " http://localhost:9100 ",
)  # fmt: skip
OTHER = (
    "http://127.0.0.1:9101", "http://localhost", "https://api.stubhub.net", "http://localhost.example:9100",
    "http://128.0.0.1:9100", "http://[::2]:9100",
)  # fmt: skip
NONE = ("127.0.0.1:9100", "localhost:9100", "api.stubhub.net", "ftp://localhost:9100", "http://", "http://a:x", "//a:1")


@pytest.mark.parametrize("url", SAME)
def test_i20_the_simulator_in_another_spelling_is_the_simulator(
    url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SIMULATOR_URL = SIMULATOR
    monkeypatch.setenv("STUBHUB_BASE_URL", url)
    assert "is the simulator's address" in live_addresses()[0].msg
    with pytest.raises(PermanentError, match="simulator's address"):
        base_url_for("stubhub", Mode.LIVE)


@pytest.mark.parametrize("url", SAME)
def test_i20_no_live_file_goes_to_the_simulator(url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SIMULATOR_URL = SIMULATOR
    monkeypatch.setenv("GAMETIME_DROP_URL", url)
    assert "is the simulator's address" in live_addresses()[0].msg
    with pytest.raises(PermanentError, match="simulator's address"):
        drop_url_for("gametime", Mode.LIVE)
    assert drop_url_for("gametime", Mode.PAPER) == ""


@pytest.mark.parametrize("url", ["ftp://", "ftp://host:99999/a", "ftps:///inventory.csv"])
def test_what_is_no_file_servers_address_is_refused(
    url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SIMULATOR_URL = SIMULATOR
    monkeypatch.setenv("GAMETIME_DROP_URL", url)
    assert "GAMETIME_DROP_URL is no address of a file server" in live_addresses()[0].msg


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1:2121/inventory.csv", "ftps://gtftp.example/a.csv", "https://b.example"]
)
def test_another_place_for_files_is_let_through(url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SIMULATOR_URL = SIMULATOR
    monkeypatch.setenv("GAMETIME_DROP_URL", url)
    assert live_addresses() == []
    assert drop_url_for("gametime", Mode.LIVE) == url


@pytest.mark.parametrize("url", OTHER)
def test_another_place_is_let_through(url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SIMULATOR_URL = SIMULATOR
    monkeypatch.setenv("STUBHUB_BASE_URL", url)
    assert live_addresses() == []
    assert base_url_for("stubhub", Mode.LIVE) == url


@pytest.mark.parametrize("url", NONE)
def test_what_is_no_address_is_refused_in_words(url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SIMULATOR_URL = SIMULATOR
    monkeypatch.setenv("STUBHUB_BASE_URL", url)
    (error,) = live_addresses()
    assert error.msg.startswith(f"STUBHUB_BASE_URL is not usable: {url!r} ")
    assert "https://host" in error.msg
    with pytest.raises(PermanentError, match=r"STUBHUB_BASE_URL: .*Write it as"):
        base_url_for("stubhub", Mode.LIVE)


@pytest.mark.parametrize(("one", "other"), [
    ("http://a.example", "http://A.example:80/x"), ("https://a.example", "https://a.example:443"),
])  # fmt: skip
def test_a_scheme_brings_its_port(one: str, other: str) -> None:
    assert same_place(one, other)
    assert not same_place(one, other.replace("a.example", "b.example").replace("A.", "b."))
