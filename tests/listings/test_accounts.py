"""Giving an account up and connecting it again, while listings and sales are under way."""

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand, Sale, SaleEnding
from listings.services.accounts import LATE, account_business
from listings.services.commands import command_write
from listings.services.delist import listings_delist
from listings.services.sync import account_sync_sales
from marketplaces.contracts import Capability, Grant, Link, RemoteSaleState
from marketplaces.delivery import Fulfilment
from marketplaces.errors import GrantExpired, TemporaryError
from marketplaces.models import InboundEvent, MarketplaceAccount
from marketplaces.ports import Business
from marketplaces.services.connect import (
    account_keep,
    account_leave,
    accounts_close,
    connect_token,
    disconnect,
    webhook_register_late,
)
from marketplaces.services.inbox import inbox_receive
from marketplaces.services.links import link_for, reconnect_ask
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.live.models import Alert
from tests.listings.platform import ScriptedPlatform
from tests.market import Market

pytestmark = pytest.mark.django_db


def alpha(market: Market) -> MarketplaceAccount:
    return MarketplaceAccount.objects.get(pk=market.accounts["alpha"].pk)


def give_up(market: Market) -> MarketplaceAccount:
    return disconnect(actor=market.holding.actor, account_id=market.accounts["alpha"].pk)


def reconnect(market: Market, account_id: str = "", token: str = "token-2") -> MarketplaceAccount:
    grant = Grant(token, account_id=account_id)
    return account_keep(actor=market.holding.actor, platform="alpha", mode="paper", grant=grant)


def sales_read_later(market: Market) -> None:
    """The accounts' sales are read when the last listing has been down for a while."""
    MarketplaceAccount.objects.update(sales_synced_until=now() + 2 * LATE)


def test_an_account_on_which_nothing_is_going_on_is_closed_at_once(market: Market) -> None:
    account = give_up(market)
    assert (account.is_active, account.closing_at, account.access_token) == (False, None, "")
    with pytest.raises(Conflict):
        give_up(market)


def test_what_proved_its_webhooks_goes_with_the_keys(market: Market) -> None:
    """Where a platform's webhooks carry the token itself (SeatGeek), the secret is the key."""
    MarketplaceAccount.objects.filter(pk=market.accounts["alpha"].pk).update(webhook_secret="token")
    give_up(market)
    left = alpha(market)
    assert (left.is_active, left.access_token, left.refresh_token, left.webhook_secret) == (False, "", "", "")


def test_keys_that_an_account_kept_when_it_was_closed_before_go_too(market: Market) -> None:
    alpha_pk, beta_pk = (market.accounts[key].pk for key in ("alpha", "beta"))
    MarketplaceAccount.objects.filter(pk=alpha_pk).update(is_active=False)
    migration = import_module("marketplaces.migrations.0022_closed_accounts_keep_no_secret")
    migration.secrets_forget(apps, None)
    kept = dict(MarketplaceAccount.objects.values_list("pk", "webhook_secret"))
    assert kept == {alpha_pk: "", beta_pk: "secret-beta"}


def test_giving_up_takes_the_listings_down_first_and_closes_when_they_are(market: Market) -> None:
    market.published()
    account = give_up(market)
    assert (account.is_active, account.takes_listings, account.access_token) == (True, False, "token")
    assert accounts_close() == 0
    market.work()
    assert (market.alpha.shown(), len(market.beta.shown())) == ([], 1)
    assert accounts_close() == 0
    sales_read_later(market)
    assert accounts_close() == 1
    assert (alpha(market).is_active, alpha(market).access_token) == (False, "")
    assert accounts_close() == 0


@pytest.mark.parametrize("by_hand", [False, True])
def test_who_has_given_an_account_up_is_asked_no_more_to_connect_it_again(market: Market, by_hand: bool) -> None:
    account = alpha(market)
    reconnect_ask(account.pk, "revoked there", seen_token=account.access_token)
    asked = Alert.objects.get(kind="account.reconnect")
    assert asked.state != "recovered"
    if by_hand:
        account_leave(actor=market.holding.actor, account_id=account.pk)
    else:
        give_up(market)
    asked.refresh_from_db()
    assert (asked.state, alpha(market).access_token) == ("recovered", "")


def test_what_is_published_on_the_way_comes_down_too(market: Market) -> None:
    market.published(market.holding.seats[:2])
    give_up(market)
    MarketplaceAccount.objects.update(closing_at=None)
    market.published(market.holding.seats[2:])
    MarketplaceAccount.objects.filter(platform="alpha").update(closing_at=now())
    accounts_close()
    market.work()
    assert market.alpha.shown() == []
    sales_read_later(market)
    assert accounts_close() == 1


def test_a_sale_on_the_way_is_stored_confirmed_handed_over_and_waited_for(market: Market) -> None:
    first, _ = market.published()
    give_up(market)
    sold = market.alpha.sell(first.external_id, (1, 2, 3, 4), state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(sold)
    assert accounts_close() == 0
    market.work()
    assert ("confirm", sold.sale_id) in market.alpha.calls
    sale = Sale.objects.get()
    assert (sale.state, market.beta.shown()) == ("confirmed", [])
    assert account_business(alpha(market).pk) == Business(sales=1, unread=1)
    market.alpha.fulfil(link_for(alpha(market)), sold.sale_id, Fulfilment("mobile", (), "C"))
    market.alpha.move(sold.sale_id, RemoteSaleState.COMPLETE)
    account_sync_sales(account=alpha(market))
    sales_read_later(market)
    assert accounts_close() == 1


def test_i03_a_buyer_who_came_before_the_last_listing_was_down_is_not_lost_with_the_account(market: Market) -> None:
    first, _ = market.published()
    market.alpha.sell(first.external_id, (1, 2))
    give_up(market)
    market.work()
    assert accounts_close() == 0
    account_sync_sales(account=alpha(market))
    assert Sale.objects.get().state == "confirmed"
    market.work()
    assert market.beta.seats[Listing.objects.get(platform="beta").external_id] == [3, 4]


def test_a_conflict_is_refused_before_the_account_closes(market: Market) -> None:
    first, second = market.published()
    market.webhook(market.alpha.sell(first.external_id, (1, 2, 3, 4)))
    refused = market.beta.sell(second.external_id, (1, 2, 3, 4))
    market.webhook(refused, platform=market.beta)
    beta = market.accounts["beta"]
    disconnect(actor=market.holding.actor, account_id=beta.pk)
    MarketplaceCommand.objects.filter(kind="reject_sale").update(state=CommandState.NEEDS_PERSON)
    assert accounts_close() == 0
    MarketplaceCommand.objects.filter(kind="reject_sale").update(state=CommandState.PENDING)
    market.work()
    assert ("reject", refused.sale_id) in market.beta.calls
    sales_read_later(market)
    accounts_close()
    assert not MarketplaceAccount.objects.get(pk=beta.pk).is_active


@pytest.mark.parametrize("waits", [{"asked_again_at": now()}, {"ending": SaleEnding.CLAIM, "claim_reason": "refused"}])
def test_a_sale_that_is_paid_and_asked_for_again_or_complained_of_keeps_the_key(
    market: Market, waits: dict[str, Any]
) -> None:
    first, _ = market.published()
    sold = market.alpha.sell(first.external_id, (1, 2, 3, 4))
    market.webhook(sold)
    market.work()
    market.alpha.move(sold.sale_id, RemoteSaleState.COMPLETE)
    account_sync_sales(account=alpha(market))
    Sale.objects.update(**waits)
    give_up(market)
    sales_read_later(market)
    assert account_business(alpha(market).pk).sales == 1
    assert accounts_close() == 0
    Sale.objects.update(asked_again_at=None, ending="", claim_reason="")
    assert accounts_close() == 1


@pytest.mark.parametrize(("days", "closed"), [(44, 0), (46, 1)])
def test_a_payout_that_never_comes_is_not_waited_for(market: Market, days: int, closed: int) -> None:
    first, _ = market.published()
    market.webhook(market.alpha.sell(first.external_id, (1, 2, 3, 4)))
    market.work()
    give_up(market)
    game = market.holding.game
    game.starts_at = now() - timedelta(days=days)
    game.save()
    assert accounts_close() == closed


def test_what_was_received_and_not_understood_is_waited_for(market: Market) -> None:
    account = market.accounts["alpha"]
    headers = {"Authorization": account.webhook_secret}
    inbox_receive(platform="alpha", account_id=account.pk, headers=headers, body=b"ping|1|2")
    assert give_up(market).is_active
    InboundEvent.objects.update(state="done")
    assert accounts_close() == 1


def test_strangers_give_up_nothing(market: Market) -> None:
    for stranger in (market.holding.other, market.holding.outsider, market.holding.co_owner):
        with pytest.raises(NotFound):
            disconnect(actor=stranger, account_id=market.accounts["alpha"].pk)


def test_connecting_again_ends_the_closing(market: Market) -> None:
    market.published()
    give_up(market)
    account = reconnect(market)
    assert account.pk == market.accounts["alpha"].pk
    assert account.takes_listings
    assert accounts_close() == 0


@pytest.mark.parametrize("old", ["seller-1", ""])
def test_another_account_there_is_refused_while_anything_is_open(market: Market, old: str) -> None:
    MarketplaceAccount.objects.filter(platform="alpha").update(account_id=old)
    market.published()
    assert reconnect(market, "seller-1").account_id == "seller-1"
    with pytest.raises(Conflict) as caught:
        reconnect(market, "seller-2")
    problem = caught.value.problems[0]
    assert (problem.field, "seller-1" in problem.remedy) == ("account", True)
    assert (alpha(market).account_id, alpha(market).access_token) == ("seller-1", "token-2")


def test_another_account_there_is_refused_while_a_sale_is_unsettled(market: Market) -> None:
    MarketplaceAccount.objects.filter(platform="alpha").update(account_id="seller-1")
    first, _ = market.published()
    market.webhook(market.alpha.sell(first.external_id, (1, 2, 3, 4)))
    market.work()
    assert not Listing.objects.filter(account__platform="alpha", status__in=["active", "delisting"]).exists()
    with pytest.raises(Conflict):
        reconnect(market, "seller-2")


def test_another_account_there_is_taken_where_nothing_is_open(market: Market) -> None:
    MarketplaceAccount.objects.filter(platform="alpha").update(account_id="seller-1")
    assert reconnect(market, "seller-2").account_id == "seller-2"
    assert reconnect(market, "").account_id == "seller-2"


def test_what_waited_for_the_grant_goes_on_when_it_is_there(market: Market, monkeypatch: Any) -> None:
    first, _ = market.published()
    market.alpha.script["fetch_sale"] = [GrantExpired("401")] * 2
    market.webhook(market.alpha.sell(first.external_id, (1,)))
    listings_delist(actor=market.holding.actor, listing_ids=[first.pk])
    MarketplaceAccount.objects.filter(platform="alpha").update(needs_reconnect=True)
    MarketplaceCommand.objects.filter(account__platform="alpha", kind="delist").update(
        not_before=now() + timedelta(hours=1), last_error="the grant has ended: 401"
    )
    refreshed: list[Link] = []

    def refresh(link: Link) -> Grant:
        refreshed.append(link)
        return link.grant

    monkeypatch.setattr(market.alpha, "refresh", refresh)
    waiting = MarketplaceCommand.objects.filter(account__platform="alpha", state=CommandState.PENDING)
    assert waiting.exists()
    reconnect(market)
    market.work()
    assert not waiting.filter(not_before__gt=now()).exists()
    assert refreshed == []
    assert InboundEvent.objects.get().not_before is None
    assert not Alert.objects.filter(kind="account.reconnect").exclude(state="recovered").exists()


def test_nothing_new_is_offered_on_an_account_that_is_given_up(market: Market) -> None:
    market.published(market.holding.seats[:2])
    give_up(market)
    with pytest.raises(Conflict) as caught:
        market.publish(market.holding.seats[2:])
    assert caught.value.problems[0].field == "accounts"


@pytest.mark.parametrize("said", ["401: Token is not valid", "401: Token is not valid."])
def test_a_refused_token_is_told_in_whole_sentences(market: Market, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    def refuse(*args: object, **kwargs: object) -> Grant:
        raise GrantExpired(said)

    monkeypatch.setattr(market.alpha, "connect", refuse)
    with pytest.raises(InvalidInput) as caught:
        connect_token(actor=market.holding.actor, platform="alpha", mode="paper", token="token-3")
    assert (caught.value.detail, caught.value.remedy) == (
        "Alpha refuses this token: 401: Token is not valid.", "Copy it again.",
    )  # fmt: skip


@pytest.mark.parametrize("theirs", [True, False])
def test_i03_a_token_of_another_account_is_refused_while_something_is_on_show(
    market: Market, monkeypatch: pytest.MonkeyPatch, theirs: bool
) -> None:
    """Under it every listing of the known one would seem to be gone."""
    first, _ = market.published()
    monkeypatch.setattr(market.alpha, "connect", lambda link, **_: link.grant)
    if theirs:
        del market.alpha.listings[first.external_id]
        with pytest.raises(Conflict, match="another account's"):
            connect_token(actor=market.holding.actor, platform="alpha", mode="paper", token="token-4")
    else:
        connect_token(actor=market.holding.actor, platform="alpha", mode="paper", token="token-4")
    assert alpha(market).access_token == ("token" if theirs else "token-4")


@pytest.mark.parametrize("name", [f"{'a' * 64}@{'season-tickets.' * 4}example.com", "holder\x00@example.com"])
def test_an_account_that_is_called_by_a_name_of_any_length_is_kept_and_known_again(market: Market, name: str) -> None:
    """An address may have 254 letters, and the code of a consent is spent by then."""
    first = reconnect(market, name, "token-1")
    MarketplaceAccount.objects.filter(pk=first.pk).update(last_sync_at=now())
    again = reconnect(market, name, "token-2")
    assert (again.pk, again.account_id, again.access_token) == (first.pk, name.replace("\x00", "")[:80], "token-2")
    assert again.last_sync_at is not None, "it is no other account"


def swept(market: Market) -> None:
    command_write(account=alpha(market), kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{now().timestamp()}")
    market.work()


def test_a_webhook_that_could_not_be_registered_is_registered_with_the_next_sweep(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers = list[str](), dict[str, Exception]()

    def register(link: Link, *, url: str, secret: str) -> str:
        asked.append(url)
        if "busy" in answers:
            raise answers["busy"]
        return "hook-1"

    traits = market.alpha.traits
    more = replace(traits, capabilities=traits.capabilities | {Capability.REGISTER_WEBHOOK})
    monkeypatch.setattr(ScriptedPlatform, "traits", property(lambda _: more))
    monkeypatch.setattr(market.alpha, "register_webhook", register)
    answers["busy"] = TemporaryError("503 busy")
    assert reconnect(market).webhook_id == ""
    assert alpha(market).last_error == "Webhook not registered: 503 busy"
    swept(market)
    assert alpha(market).webhook_id == ""
    answers.clear()
    swept(market)
    assert alpha(market).webhook_id == "hook-1"
    tried = len(asked)
    swept(market)
    assert len(asked) == tried > 2


@pytest.mark.parametrize("how", [{"closing_at": now()}, {"needs_reconnect": True}, {"mode": "assisted"}])
def test_no_webhook_is_registered_for_an_account_that_is_given_up_or_has_no_grant(
    market: Market, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    traits = market.alpha.traits
    more = replace(traits, capabilities=traits.capabilities | {Capability.REGISTER_WEBHOOK})
    monkeypatch.setattr(ScriptedPlatform, "traits", property(lambda _: more))
    monkeypatch.setattr(market.alpha, "register_webhook", lambda *_, **__: "hook-1")
    MarketplaceAccount.objects.filter(platform="alpha").update(**how)
    webhook_register_late(alpha(market).pk)
    assert alpha(market).webhook_id == ""


def test_another_account_there_has_a_webhook_of_its_own_and_the_one_before_proves_itself_no_more(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def register(link: Link, *, url: str, secret: str) -> str:
        asked.append((link.grant.access_token, secret))
        return f"hook-{len(asked)}"

    traits = market.alpha.traits
    more = replace(traits, capabilities=traits.capabilities | {Capability.REGISTER_WEBHOOK})
    monkeypatch.setattr(ScriptedPlatform, "traits", property(lambda _: more))
    monkeypatch.setattr(market.alpha, "register_webhook", register)
    first = reconnect(market, "account-1", "token-1")
    again = reconnect(market, "account-1", "token-1b")
    assert (first.webhook_id, again.webhook_id, first.webhook_secret) == ("hook-1", "hook-1", again.webhook_secret)
    MarketplaceAccount.objects.filter(pk=first.pk).update(last_sync_at=now())
    another = reconnect(market, "account-2", "token-2")
    assert (another.pk, another.webhook_id, another.last_sync_at) == (first.pk, "hook-2", None)
    assert [token for token, _ in asked] == ["token-1", "token-2"]
    assert asked[0][1] != asked[1][1] == another.webhook_secret
