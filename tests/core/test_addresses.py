"""Whose address a request has: what proxies of ours say is believed, what anybody else says is not."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory

from seatsync.core.addresses import client_address
from seatsync.core.limiters import valkey
from seatsync.settings.env import env_networks
from tests.market import Market

PROXIES = ["10.0.0.0/8", "192.0.2.7", "fd00::/8"]


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # nobody asked a stranger
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", "198.51.100.1"),  # the left end is the client's own tale
        ("10.0.0.1", "198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1, 192.0.2.7, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("192.0.2.7", "198.51.100.1", "198.51.100.1"),
        ("192.0.2.8", "198.51.100.1", "192.0.2.8"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("fd00::1", "2001:DB8:0::1", "2001:db8::1"),
        ("fd00::1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("fd00::1", "2001:db8::1, fd00::2", "2001:db8::1"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "garbage", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
        ("10.0.0.1", "garbage, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", ", ,", "10.0.0.1"),
        ("10.0.0.1", "1" * 5000, "10.0.0.1"),
        ("10.0.0.1", "²²²", "10.0.0.1"),
        ("", "198.51.100.1", ""),
        ("/run/web.sock", "198.51.100.1", ""),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy_of_ours(
    settings: Any, remote: str, forwarded: str | None, client: str
) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert client_address(RequestFactory(REMOTE_ADDR=remote, headers=headers).get("/")) == client


def test_with_no_proxies_no_header_is_believed(settings: Any) -> None:
    settings.TRUSTED_PROXIES = []
    request = RequestFactory(REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "198.51.100.1"}).get("/")
    assert client_address(request) == "127.0.0.1"


@pytest.mark.parametrize(
    ("remote", "headers", "status"),
    [
        ("127.0.0.1", {}, 200), ("::1", {}, 200), ("203.0.113.9", {}, 404), ("10.0.0.1", {}, 404),
        ("10.0.0.1", {"X-Forwarded-For": "198.51.100.1"}, 404), ("10.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "198.51.100.1"}, 404), ("127.0.0.1", {"X-Forwarded-For": "garbage"}, 404),
        ("127.0.0.1", {"Forwarded": "for=198.51.100.1"}, 404),
        ("203.0.113.9", {"X-Forwarded-For": "127.0.0.1"}, 404),
    ],
)  # fmt: skip
def test_metrics_are_not_for_whoever_a_proxy_asks_for(
    db: None, settings: Any, remote: str, headers: dict[str, str], status: int
) -> None:
    settings.TRUSTED_PROXIES = [*PROXIES, "127.0.0.1"]
    assert Client(REMOTE_ADDR=remote, headers=headers).get("/metrics").status_code == status


def failures(address: str, count: int, *, page: bool) -> list[int]:
    client = Client(REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": f"127.0.0.1, {address}"})
    told = []
    for number in range(count):
        wish = {
            "password": "wrong-password-1",
            ("login" if page else "email"): f"nobody-{address}-{number}@example.com",
        }
        path = "/accounts/login/" if page else "/api/v1/auth/token/"
        answer = client.post(path, wish) if page else client.post(path, wish, content_type="application/json")
        told.append(answer.status_code)
    return told


@pytest.mark.parametrize("page", [False, True])
def test_those_behind_one_proxy_are_locked_out_one_by_one(
    market: Market,
    settings: Any,
    page: bool,
) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    valkey().flushdb()
    mine, wrong = failures("198.51.100.1", 21, page=page), 200 if page else 401
    assert mine[:20] == [wrong] * 20
    assert failures("198.51.100.2", 1, page=page) == [wrong]
    if not page:
        assert mine[20] == 429


@pytest.mark.parametrize("text", ["everybody", "10.0.0.0/99", "10.0.0.1,::x"])
def test_proxies_that_are_none_stop_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", text)
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES"):
        env_networks("TRUSTED_PROXIES")
