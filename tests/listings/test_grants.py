"""Grants that end while a command is under way: a refusal speaks of its own grant, and of no later one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from listings.models import MarketplaceCommand
from listings.services.execute import execute
from listings.services.outbox import command_claim
from listings.services.record import record
from marketplaces.contracts import Grant, Link
from marketplaces.errors import GrantExpired
from marketplaces.models import LimitVersion, MarketplaceAccount
from marketplaces.services import links
from marketplaces.services.connect import account_keep
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db
ENDED = "the grant has ended: 401"


def reconnect(market: Market, token: str = "by-hand") -> None:
    """The holder connects the account again."""
    account_keep(actor=market.holding.actor, platform="alpha", mode="paper", grant=Grant(token, account_id="seller-1"))


def asked() -> bool:
    return Alert.objects.filter(kind="account.reconnect").exclude(state="recovered").exists()


@pytest.fixture
def refreshed(market: Market, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were spent for a fresh grant; each is good once."""
    spent: list[str] = []

    def refresh(link: Link) -> Grant:
        assert link.grant.access_token not in spent
        spent.append(link.grant.access_token)
        return replace(link.grant, access_token=f"fresh-{len(spent)}")

    monkeypatch.setattr(market.alpha, "refresh", refresh)
    return spent


def late(market: Market, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> None:
    """Publish on alpha; its first answer is a refusal, and comes after `meanwhile`."""
    create, answers = market.alpha.create, iter([GrantExpired("401")])

    def refuse_once(*given: Any) -> Any:
        if (refusal := next(answers, None)) is None:
            return create(*given)
        meanwhile()
        raise refusal

    monkeypatch.setattr(market.alpha, "create", refuse_once)
    # By its name the holder's new grant is known to be the same account's.
    MarketplaceAccount.objects.filter(platform="alpha").update(account_id="seller-1")
    market.publish(account_ids=[market.accounts["alpha"].pk])


@pytest.mark.parametrize("told_before", ["", ENDED])
def test_a_late_refusal_of_the_old_grant_says_nothing_of_the_one_that_the_holder_gave_meanwhile(
    market: Market, monkeypatch: pytest.MonkeyPatch, refreshed: list[str], told_before: str
) -> None:
    late(market, monkeypatch, lambda: reconnect(market))
    MarketplaceCommand.objects.update(last_error=told_before)
    claimed = command_claim()
    assert claimed is not None
    assert record(claimed, execute(claimed))
    command = MarketplaceCommand.objects.get()
    assert (command.state, command.last_error, asked()) == ("pending", "", False)
    assert command.not_before <= now()
    spent = list(refreshed)
    market.work()
    command.refresh_from_db()
    # With the new grant, which nobody spent before it was used.
    assert (command.state, refreshed) == ("done", spent)


def test_what_was_refused_before_it_was_sent_goes_on_with_the_grant_that_came_meanwhile(market: Market) -> None:
    market.publish(account_ids=[market.accounts["alpha"].pk])
    MarketplaceAccount.objects.filter(platform="alpha").update(needs_reconnect=True)
    claimed = command_claim()
    assert claimed is not None
    answer = execute(claimed)
    # The very token that was refused is good again: its marketplace had it wrong.
    reconnect(market, "token")
    record(claimed, answer)
    assert not asked()
    market.work()
    assert MarketplaceCommand.objects.get().state == "done"


def test_a_fresh_grant_that_is_refused_too_is_not_taken_for_one_that_somebody_else_renewed(
    market: Market, refreshed: list[str]
) -> None:
    market.alpha.script["create"] = [GrantExpired("401")] * 9
    market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    command = MarketplaceCommand.objects.get()
    assert (refreshed, [call for call, _ in market.alpha.calls], asked()) == (["token"], ["create", "create"], True)
    assert command.not_before > now() + timedelta(seconds=60)


def test_a_refresh_that_is_refused_gives_up_no_grant_that_came_meanwhile(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(link: Link) -> Grant:
        raise GrantExpired("invalid_grant")

    ask = links.reconnect_ask

    def reconnected_first(*given: Any, **named: Any) -> None:
        # The account's lock is free here, for the first time since the refusal.
        reconnect(market)
        ask(*given, **named)

    monkeypatch.setattr(market.alpha, "refresh", refuse)
    monkeypatch.setattr(links, "reconnect_ask", reconnected_first)
    account = market.accounts["alpha"]
    with pytest.raises(GrantExpired):
        links.link_for(account, force_refresh=True)
    account.refresh_from_db()
    assert (account.access_token, account.needs_reconnect, asked()) == ("by-hand", False, False)


def test_a_limit_that_keeps_all_for_urgent_commands_lets_the_others_through_all_the_same(market: Market) -> None:
    LimitVersion.objects.create(
        platform="alpha", per_second="0.001", burst=2, reserved=2, valid_from="2024-01-01", source="test",
        checked_on="2024-01-01",
    )  # fmt: skip
    market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    assert MarketplaceCommand.objects.get().state == "done"
