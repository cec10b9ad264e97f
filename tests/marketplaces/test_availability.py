"""What clubs have left of their own tickets: read now and then, within limits, kept with its time, and shown so."""

from datetime import date, timedelta

import pytest
from django.test import Client

from marketplaces.contracts import EventStanding, EventState, Link, PrimaryLeft, RemoteEvent
from marketplaces.errors import PermanentError, TemporaryError
from marketplaces.models import LimitVersion, MarketplaceAccount
from marketplaces.services import availability
from marketplaces.services.availability import availability_read
from marketplaces.services.links import link_for
from marketplaces.tasks import read_availability
from portfolios.models import EventMapping, Game
from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db


def mapped(market: Market, platform: str = "alpha", number: int = 0) -> EventMapping:
    game = [game for game in market.holding.games if game.starts_at > now()][number]
    return EventMapping.objects.create(
        game=game,
        platform=platform,
        paper=True,
        remote_event_id=f"E-{number}",
        confirmed_at=now(),
        event_date=game.game_date,
    )


def asked(market: Market) -> list[str]:
    return [what for call, what in market.alpha.calls if call == "primary_left"]


def page(market: Market) -> str:
    client = Client()
    client.force_login(market.holding.user)
    return client.get(f"/portfolio/games/{market.holding.game.pk}/").content.decode()


def test_what_is_left_is_kept_with_its_time_and_stands_on_the_games_page(market: Market) -> None:
    mapping = mapped(market)
    mapped(market, number=1)
    mapped(market, "beta")
    market.alpha.left = {"E-0": PrimaryLeft.FEW, "E-1": PrimaryLeft.NONE}
    before = now()
    assert availability_read() == 2
    mapping.refresh_from_db()
    assert mapping.primary_left == "few"
    assert mapping.primary_at is not None
    assert mapping.primary_at >= before
    EventMapping.objects.filter(pk=mapping.pk).update(primary_at=now() - timedelta(minutes=12))
    shown = page(market)
    assert "few left" in shown
    assert "12 min ago" in shown
    assert asked(market) == ["E-0,E-1"], "one request for all, and none by the page"
    # Beta tells nothing of it, and its line says so.
    assert shown.count("not told") == 1


def test_what_was_read_within_the_hour_is_not_read_again(market: Market) -> None:
    mapped(market)
    market.alpha.left = {"E-0": PrimaryLeft.PLENTY}
    read_availability()
    assert (availability_read(), asked(market)) == (0, ["E-0"])
    EventMapping.objects.update(primary_at=now() - timedelta(hours=1))
    assert (availability_read(), asked(market)) == (1, ["E-0", "E-0"])


def test_only_games_to_come_are_asked_for_and_only_so_many_requests_are_made(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = mapped(market)
    market.alpha.left = {"E-0": PrimaryLeft.PLENTY}
    Game.objects.filter(pk=mapping.game_id).update(status="postponed")
    assert availability_read() == 0
    Game.objects.filter(pk=mapping.game_id).update(status="scheduled", starts_at=now() - timedelta(hours=1))
    assert availability_read() == 0
    Game.objects.filter(pk=mapping.game_id).update(starts_at=now() + timedelta(hours=9))
    monkeypatch.setattr(availability, "MOST_ACCOUNTS", 0)
    assert (availability_read(), asked(market)) == (0, [])


@pytest.mark.parametrize("change", [{"mode": "assisted"}, {"needs_reconnect": True}, {"is_active": False}], ids=str)
def test_accounts_that_nobody_asks_over_are_left_alone(market: Market, change: dict[str, object]) -> None:
    mapped(market)
    market.alpha.left = {"E-0": PrimaryLeft.PLENTY}
    MarketplaceAccount.objects.filter(platform="alpha").update(**change)
    assert (availability_read(), asked(market)) == (0, [])


@pytest.mark.parametrize("error", [PermanentError("403: not authorised"), TemporaryError("429")])
def test_who_is_not_authorised_hears_nothing_and_nobody_is_alarmed(market: Market, error: Exception) -> None:
    mapping = mapped(market)
    market.alpha.left = {"E-0": PrimaryLeft.PLENTY}
    market.alpha.script["primary_left"] = [error]
    assert availability_read() == 0
    mapping.refresh_from_db()
    assert (mapping.primary_left, mapping.primary_at) == ("", None)
    assert not Alert.objects.exists()


def limit(*, burst: int, reserved: int) -> None:
    """Alpha takes so many requests, and hardly any after them."""
    LimitVersion.objects.create(
        platform="alpha", per_second="0.001", burst=burst, reserved=reserved, valid_from=date(2024, 1, 1),
        source="test", checked_on=date(2024, 1, 1),
    )  # fmt: skip


def test_nothing_is_asked_beyond_the_accounts_limit(market: Market) -> None:
    mapped(market)
    market.alpha.left = {"E-0": PrimaryLeft.PLENTY}
    limit(burst=2, reserved=1)
    assert availability_read() == 1
    EventMapping.objects.update(primary_at=None)
    assert (availability_read(), asked(market)) == (0, ["E-0"])


def test_the_games_page_shows_what_a_marketplace_says_of_its_event_and_when(market: Market) -> None:
    game = market.holding.game
    market.alpha.events = [RemoteEvent("E-9", "Inland Owls at Harbor Gulls", game.venue.name, game.starts_at)]
    market.alpha.standings = {"E-9": EventStanding("E-9", EventState.POSTPONED, "Verschoben")}
    market.published()
    shown = page(market)
    assert "What marketplaces say of the game" in shown
    assert "not asked yet" in shown
    EventMapping.objects.update(
        told_state="postponed", told_word="Verschoben", told_at=now() - timedelta(minutes=7),
        event_date=game.game_date + timedelta(days=1),
    )  # fmt: skip
    shown = page(market)
    assert "Verschoben" in shown
    assert "7 min ago" in shown
    assert "not the game&#x27;s day: nothing is offered there under this event" in shown


def test_a_game_that_is_mapped_nowhere_has_no_such_panel(market: Market) -> None:
    assert "What marketplaces say of the game" not in page(market)


def test_so_many_requests_are_made_in_a_round_and_none_is_spent_where_only_the_holder_can_help(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped(market)
    market.alpha.left = {"E-0": PrimaryLeft.PLENTY}
    own = MarketplaceAccount.objects.get(platform="alpha")
    second = MarketplaceAccount.objects.create(
        tenant_id=own.tenant_id, user=User.objects.get(email="co@example.com"), platform="alpha", access_token="token"
    )
    taken = set[object]()

    def asked_over(account: MarketplaceAccount) -> Link:
        taken.add(account.pk)
        return link_for(account)

    monkeypatch.setattr(availability, "link_for", asked_over)
    # Nothing is kept, so that each account would ask for itself.
    market.alpha.script["primary_left"] = [TemporaryError("429")] * 9
    availability_read()
    assert (len(asked(market)), taken) == (2, {own.pk, second.pk})
    monkeypatch.setattr(availability, "MOST_REQUESTS", 1)
    availability_read()
    assert len(asked(market)) == 3
    taken.clear()
    MarketplaceAccount.objects.filter(pk=own.pk).update(needs_reconnect=True)
    availability_read()
    assert (len(asked(market)), taken) == (4, {second.pk})


def test_a_limit_that_keeps_all_for_urgent_requests_lets_one_through_all_the_same(market: Market) -> None:
    mapped(market)
    market.alpha.left = {"E-0": PrimaryLeft.PLENTY}
    limit(burst=1, reserved=2)
    assert availability_read() == 1
