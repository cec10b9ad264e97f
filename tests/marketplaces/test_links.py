"""Grants: one worker renews one, however many found it ended."""

from dataclasses import replace
from threading import Event, Thread

import pytest
from django.db import connection, transaction

from marketplaces.contracts import Grant, Link
from marketplaces.errors import TemporaryError
from marketplaces.models import MarketplaceAccount
from marketplaces.services.links import link_for
from seatsync.core.limiters import valkey
from seatsync.tenants.models import Tenant
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_find_a_grant_ended_spend_one_refresh_token(
    default_tenant: Tenant, platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey().flushdb()
    account = build_market(platforms).accounts["alpha"]
    MarketplaceAccount.objects.filter(pk=account.pk).update(access_token="a-0", refresh_token="r-0")
    spent, both_begun, got = list[str](), Event(), list[str]()

    def refresh(link: Link) -> Grant:
        # Meanwhile the other, who read the same grant, comes to the row's lock.
        both_begun.wait(30)
        spent.append(link.grant.refresh_token)
        number = len(spent)
        return replace(link.grant, access_token=f"a-{number}", refresh_token=f"r-{number}")

    monkeypatch.setattr(platforms[0], "refresh", refresh)

    def work(seen: MarketplaceAccount) -> None:
        try:
            got.append(link_for(seen, force_refresh=True).grant.access_token)
        finally:
            connection.close()

    seen = [MarketplaceAccount.objects.get(pk=account.pk) for _ in range(2)]
    workers = [Thread(target=work, args=[one]) for one in seen]
    for worker in workers:
        worker.start()
    both_begun.set()
    for worker in workers:
        worker.join(60)
    assert (spent, got) == (["r-0"], ["a-1", "a-1"])
    account.refresh_from_db()
    assert (account.access_token, account.refresh_token) == ("a-1", "r-1")


@pytest.mark.django_db
def test_no_grant_is_renewed_inside_a_transaction(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is undone with it would lose a grant that can be had once."""
    account, spent = market.accounts["alpha"], list[str]()

    def refresh(link: Link) -> Grant:
        spent.append(link.grant.refresh_token)
        return replace(link.grant, access_token="fresh")

    monkeypatch.setattr(market.alpha, "refresh", refresh)
    with transaction.atomic(), pytest.raises(TemporaryError, match="being renewed"):
        link_for(account, force_refresh=True)
    account.refresh_from_db()
    assert (spent, account.access_token) == ([], "token")
    assert link_for(account, force_refresh=True).grant.access_token == "fresh"


@pytest.mark.django_db(transaction=True)
def test_an_answer_without_a_new_refresh_token_keeps_the_old_one(
    default_tenant: Tenant, platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey().flushdb()
    account = build_market(platforms).accounts["alpha"]
    MarketplaceAccount.objects.filter(pk=account.pk).update(access_token="a-0", refresh_token="r-0")
    account.refresh_from_db()
    monkeypatch.setattr(platforms[0], "refresh", lambda link: replace(link.grant, access_token="a-1", refresh_token=""))
    assert link_for(account, force_refresh=True).grant.access_token == "a-1"
    account.refresh_from_db()
    assert (account.access_token, account.refresh_token) == ("a-1", "r-0")
