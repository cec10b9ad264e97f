"""A grant is refused while somebody else has its account: the work is put back with a time, and nobody is alarmed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from listings.models import MarketplaceCommand
from listings.services.sync import account_contained
from marketplaces.contracts import Grant, Link
from marketplaces.errors import GrantExpired, MustWait
from marketplaces.locks import accounts_locked
from marketplaces.services import links
from seatsync.core import locks
from seatsync.core.clock import now
from seatsync.core.errors import Busy
from seatsync.live.models import Alert
from tests.listings.platform import ScriptedPlatform
from tests.market import Market
from tests.taking import PATIENCE_S, Doer, patient_market

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def market(platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch) -> Market:
    market = patient_market(platforms, monkeypatch)
    monkeypatch.setattr(locks, "LOCK_TIMEOUT_MS", 100)

    def refuse(link: Link) -> Grant:
        raise GrantExpired("invalid_grant")

    monkeypatch.setattr(market.alpha, "refresh", refuse)
    return market


@contextmanager
def taken(market: Market) -> Iterator[None]:
    """Somebody else changes alpha's account."""
    end, has = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            accounts_locked().get(pk=market.accounts["alpha"].pk)
            has.set()
            end.wait(PATIENCE_S)

    doer = Doer(hold)
    assert has.wait(PATIENCE_S)
    try:
        yield
    finally:
        end.set()
        doer.finish()


def asked(market: Market) -> bool:
    market.accounts["alpha"].refresh_from_db()
    return market.accounts["alpha"].needs_reconnect


def test_whoever_asks_for_a_new_grant_then_is_told_that_somebody_else_is_at_it(market: Market) -> None:
    with taken(market), pytest.raises(Busy, match="Somebody else is changing this account's grant"):
        links.reconnect_ask(market.accounts["alpha"].pk, "401", seen_token="token")
    assert not asked(market)
    links.reconnect_ask(market.accounts["alpha"].pk, "401", seen_token="token")
    assert asked(market)


@pytest.mark.parametrize("renewal", [True, False])
def test_a_job_is_put_back_with_a_time_and_asks_later(
    market: Market, monkeypatch: pytest.MonkeyPatch, renewal: bool
) -> None:
    """Of a renewal that is refused, and of a request that is refused with the fresh grant."""
    account, ask = market.accounts["alpha"], links.reconnect_ask
    if not renewal:
        monkeypatch.setattr(market.alpha, "refresh", lambda link: link.grant)

    def meanwhile(*given: Any, **named: Any) -> None:
        with taken(market):
            ask(*given, **named)

    def refuse(link: Link) -> int:
        raise GrantExpired("401")

    monkeypatch.setattr(links, "reconnect_ask", meanwhile)
    with pytest.raises(MustWait, match="its grant is refused") as put_back:
        links.over_link(account, refuse)
    assert put_back.value.retry_after_s == links.ASK_AGAIN_S
    again: list[float] = []
    contained = account_contained(
        account, "sales", lambda: links.over_link(account, refuse),
        again=lambda *, countdown_s: again.append(countdown_s),
    )  # fmt: skip
    assert (contained, again, asked(market), account.last_error) == (None, [links.ASK_AGAIN_S], False, "")
    monkeypatch.setattr(links, "reconnect_ask", ask)
    with pytest.raises(GrantExpired):
        links.over_link(account, refuse)
    assert asked(market)


def test_a_command_waits_and_counts_no_try(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = links.reconnect_ask

    def meanwhile(*given: Any, **named: Any) -> None:
        with taken(market):
            ask(*given, **named)

    monkeypatch.setattr(links, "reconnect_ask", meanwhile)
    market.alpha.script["create"] = [GrantExpired("401")] * 9
    market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    command = MarketplaceCommand.objects.get()
    assert (command.state, command.attempts, command.outcome_unknown) == ("pending", 1, False)
    assert "somebody else is changing the account" in command.last_error
    assert now() < command.not_before <= now() + timedelta(seconds=links.ASK_AGAIN_S)
    assert not Alert.objects.filter(kind__in=["command.needs_person", "account.reconnect"]).exists()
    monkeypatch.setattr(links, "reconnect_ask", ask)
    market.hurry()
    market.work()
    assert asked(market)
    assert Alert.objects.filter(kind="account.reconnect").exists()
