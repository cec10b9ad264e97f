"""I-08 at the marketplaces: an event that one of them moves or calls off holds the game everywhere, and asks once."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from listings.models import Listing, ListingStatus, MarketplaceCommand
from listings.selectors import mappings_waiting
from listings.services import event_news
from listings.services.mapping import mapping_confirm
from listings.services.reconcile import accounts_reconcile_due
from marketplaces.contracts import EventStanding, EventState, RemoteEvent
from marketplaces.errors import PermanentError, TemporaryError
from marketplaces.models import LimitVersion, MarketplaceAccount
from marketplaces.registry import adapter_get
from marketplaces.services.links import link_for
from portfolios.locks import seats_lock
from portfolios.models import EventMapping, Game
from portfolios.selectors import game_mapped_to
from portfolios.services.games import game_move
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput
from seatsync.core.models import AuditEntry
from seatsync.core.venue_time import local
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


def event_of(market: Market, event_id: str = "E-1", **changes: Any) -> RemoteEvent:
    game = market.holding.game
    return replace(RemoteEvent(event_id, "Inland Owls at Harbor Gulls", game.venue.name, game.starts_at), **changes)


def on_sale(market: Market) -> EventMapping:
    """The game is mapped at Alpha by its exact name, and on sale there and at Beta, which names events in words."""
    market.alpha.events, market.alpha.standings = [event_of(market)], {}
    tell(market, EventState.ON)
    market.published()
    assert len(market.alpha.shown()) == len(market.beta.shown()) == 1
    return EventMapping.objects.get(platform="alpha")


def tell(market: Market, state: EventState, word: str = "", *, event_id: str = "E-1", **when: Any) -> None:
    """Alpha says from now on how the event stands."""
    moment = when or {"starts_at": market.holding.game.starts_at}
    assert market.alpha.standings is not None
    market.alpha.standings[event_id] = EventStanding(event_id, state, word or state.value, **moment)


def sweep(market: Market) -> None:
    """Both accounts are swept as beat does it, whatever was asked a moment ago."""
    EventMapping.objects.exclude(told_at=None).update(told_at=market.holding.moment - timedelta(hours=1))
    MarketplaceCommand.objects.filter(kind="sync_account").delete()
    accounts_reconcile_due()
    market.work()


def asked() -> list[Alert]:
    """What the holder was asked, the oldest first."""
    own = User.objects.get(email="owner@example.com").pk
    return list(Alert.objects.filter(kind="game.moved", user_id=own).order_by("raised_at"))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (EventState.POSTPONED, "Alpha says that it is postponed"),
        (EventState.CANCELLED, "Alpha says that it is called off"),
        (EventState.RELOCATED, "Alpha says that it is held at another place"),
    ],
)
def test_i08_what_one_marketplace_says_holds_the_game_everywhere_and_asks_its_people_once(
    market: Market, state: EventState, words: str
) -> None:
    mapping = on_sale(market)
    tell(market, state, "Their Word")
    sweep(market)
    assert market.alpha.shown() == market.beta.shown() == []
    assert set(Listing.objects.values_list("status", flat=True)) == {ListingStatus.CANCELLED}
    (alert,) = asked()
    assert alert.title == f"Inland Owls: {words}"
    assert "2 listings were taken down" in alert.body
    assert set(Alert.objects.filter(kind="game.moved").values_list("user_id", flat=True)) == {
        market.holding.user.pk, market.holding.co_owner.user_id, market.holding.viewer.user_id,
    }  # fmt: skip
    mapping.refresh_from_db()
    assert (mapping.told_state, mapping.told_word) == (state.value, "Their Word")
    assert AuditEntry.objects.filter(verb="event.told", object_id=str(mapping.pk)).count() == 1
    # Nobody's calendar was changed by it, and whoever offers the seats again was asked.
    assert market.holding.game.status == "scheduled"
    market.published()
    sweep(market)
    assert len(market.beta.shown()) == 1
    assert len(asked()) == 1


def test_where_a_marketplace_shows_the_game_is_kept_as_it_told_it_last(market: Market) -> None:
    market.alpha.events, market.alpha.standings = [event_of(market, page="https://alpha.example/first")], {}
    tell(market, EventState.ON)
    market.published()
    mapping = EventMapping.objects.get(platform="alpha")
    assert mapping.told_page == "https://alpha.example/first"
    for told, kept in (("https://alpha.example/second", "second"), ("", "second")):
        market.alpha.standings["E-1"] = replace(market.alpha.standings["E-1"], page=told)
        sweep(market)
        mapping.refresh_from_db()
        assert mapping.told_page == f"https://alpha.example/{kept}"


def test_i08_another_date_holds_whatever_its_state_is_called(market: Market) -> None:
    mapping = on_sale(market)
    later = market.holding.game.starts_at + timedelta(days=2)
    tell(market, EventState.UNTOLD, starts_at=later)
    sweep(market)
    assert market.alpha.shown() == market.beta.shown() == []
    day = local(later, market.holding.game.venue.timezone).date()
    assert asked()[0].title == f"Inland Owls: Alpha says that it is on {day:%a %-d %b %Y}"
    mapping.refresh_from_db()
    assert mapping.event_date == day


def test_i08_a_state_without_a_date_is_told_so(market: Market) -> None:
    on_sale(market)
    tell(market, EventState.RESCHEDULED, local_date="")
    sweep(market)
    assert asked()[0].title == "Inland Owls: Alpha says that it gets another date"


def test_i08_what_is_rescheduled_to_the_day_that_we_have_is_as_it_should_be(market: Market) -> None:
    on_sale(market)
    for state in (EventState.RESCHEDULED, EventState.ON, EventState.UNTOLD):
        tell(market, state)
        sweep(market)
    assert len(market.alpha.shown()) == len(market.beta.shown()) == 1
    assert asked() == []


def test_i21_a_word_that_we_do_not_know_changes_nothing(market: Market) -> None:
    mapping = on_sale(market)
    tell(market, EventState.UNKNOWN, "Mothballed")
    sweep(market)
    assert len(market.alpha.shown()) == 1
    mapping.refresh_from_db()
    assert (mapping.told_state, mapping.told_word) == ("unknown", "Mothballed")


def test_what_becomes_worse_is_asked_again(market: Market) -> None:
    on_sale(market)
    tell(market, EventState.POSTPONED)
    sweep(market)
    market.published()
    tell(market, EventState.CANCELLED)
    sweep(market)
    assert market.beta.shown() == []
    assert [alert.title.partition(": ")[2] for alert in asked()] == [
        "Alpha says that it is postponed", "Alpha says that it is called off",
    ]  # fmt: skip


def test_i20_the_paper_market_says_nothing_of_real_listings(market: Market) -> None:
    on_sale(market)
    MarketplaceAccount.objects.filter(platform="beta").update(mode="live")
    tell(market, EventState.CANCELLED)
    sweep(market)
    assert market.alpha.shown() == []
    assert Listing.objects.get(platform="beta").status == ListingStatus.ACTIVE


def test_two_sweeps_within_minutes_ask_once_and_a_sweep_asks_so_many_at_most(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_sale(market)
    accounts_reconcile_due()
    market.work()
    assert [call for call, _ in market.alpha.calls].count("event_standings") == 1
    MarketplaceCommand.objects.filter(kind="sync_account").delete()
    accounts_reconcile_due()
    market.work()
    assert [call for call, _ in market.alpha.calls].count("event_standings") == 1
    monkeypatch.setattr(event_news, "MOST_REQUESTS", 0)
    sweep(market)
    assert [call for call, _ in market.alpha.calls].count("event_standings") == 1


def test_no_event_is_asked_for_beyond_the_accounts_limit(market: Market) -> None:
    on_sale(market)
    # One token stays for what is urgent, and the sweep reads the listings and the sales with the others.
    LimitVersion.objects.create(
        platform="alpha", per_second="0.001", burst=3, reserved=1, valid_from=date(2024, 1, 1), source="test",
        checked_on=date(2024, 1, 1),
    )  # fmt: skip
    sweep(market)
    assert "event_standings" not in [call for call, _ in market.alpha.calls]
    assert MarketplaceCommand.objects.filter(kind="sync_account", account__platform="alpha").get().state == "done"


def test_a_game_that_is_not_offered_is_not_asked_for(market: Market) -> None:
    on_sale(market)
    Listing.objects.update(status=ListingStatus.CANCELLED)
    sweep(market)
    assert "event_standings" not in [call for call, _ in market.alpha.calls]


@pytest.mark.parametrize(("error", "alerts"), [(TemporaryError("busy"), 0), (PermanentError("no key"), 2)])
def test_a_marketplace_that_does_not_tell_stops_no_sweep(market: Market, error: Exception, alerts: int) -> None:
    on_sale(market)
    market.alpha.script["event_standings"] = [error]
    sweep(market)
    assert MarketplaceCommand.objects.filter(kind="sync_account", account__platform="alpha").get().state == "done"
    assert Alert.objects.filter(kind="account.reading", state="firing").count() == alerts
    market.alpha.script.clear()
    sweep(market)
    assert not Alert.objects.filter(kind="account.reading", state="firing").exists()


def test_i08_a_webhook_holds_at_once(market: Market) -> None:
    mapping = on_sale(market)
    listing = Listing.objects.get(platform="alpha")
    market.announce("", listing.external_id, kind="event_update")
    market.process()
    market.work()
    assert market.alpha.shown() == market.beta.shown() == []
    assert asked()[0].title == "Inland Owls: Alpha says that it is not on sale there any more"
    mapping.refresh_from_db()
    assert mapping.told_state == EventState.INACTIVE


def test_a_webhook_says_nothing_of_a_game_that_has_begun(market: Market) -> None:
    on_sale(market)
    Game.objects.filter(pk=market.holding.game.pk).update(starts_at=now() - timedelta(minutes=1))
    market.announce("", Listing.objects.get(platform="alpha").external_id, kind="event_update")
    market.process()
    assert asked() == []
    assert EventMapping.objects.get(platform="alpha").told_state == ""


def test_a_webhook_of_a_listing_that_was_named_in_words_holds_too(market: Market) -> None:
    on_sale(market)
    listing = Listing.objects.get(platform="beta")
    market.announce("", listing.external_id, kind="event_update", key="beta")
    market.process("beta")
    market.work()
    assert market.alpha.shown() == market.beta.shown() == []
    assert asked()[0].title == "Inland Owls: Beta says that it is not on sale there any more"


def test_a_webhook_of_a_listing_that_is_not_ours_is_told_as_it_came(market: Market) -> None:
    on_sale(market)
    market.announce("", "f" * 32, kind="event_update")
    market.process()
    market.work()
    assert len(market.alpha.shown()) == 1
    assert Alert.objects.filter(kind="marketplace.notice").exists()


# After the game was moved here.
def moved(market: Market, days: int = 2) -> Any:
    later = market.holding.game.starts_at + timedelta(days=days)
    game = game_move(actor=SYSTEM, game_id=market.holding.game.pk, starts_at=later)
    market.work()
    assert market.alpha.shown() == market.beta.shown() == []
    return game


def test_i09_an_event_that_still_has_the_old_date_is_not_used_and_a_person_is_asked(market: Market) -> None:
    on_sale(market)
    old = local(market.holding.game.starts_at, market.holding.game.venue.timezone).date()
    moved(market)
    market.published()
    assert market.alpha.shown() == []
    (command,) = mappings_waiting(market.holding.actor)
    assert f"Alpha has event E-1 on {old:%a %-d %b %Y}, which is not this game's day." in command.last_error
    assert len(market.beta.shown()) == 1, "what names its events in words has the new date"


def test_an_event_of_the_new_date_is_mapped_by_itself_where_it_is_exact(market: Market) -> None:
    on_sale(market)
    game = moved(market)
    market.alpha.events = [event_of(market, "E-2", starts_at=game.starts_at)]
    market.published()
    mapping = EventMapping.objects.get(platform="alpha")
    assert (mapping.remote_event_id, mapping.event_date) == ("E-2", game.game_date)
    assert [listing.event_id for listing in market.alpha.listings.values()][-1] == "E-2"


def test_an_event_that_its_marketplace_has_moved_too_is_used_again(market: Market) -> None:
    on_sale(market)
    game = moved(market)
    tell(market, EventState.RESCHEDULED, starts_at=game.starts_at)
    market.alpha.events = []
    market.published()
    assert len(market.alpha.shown()) == 1
    assert EventMapping.objects.get(platform="alpha").event_date == game.game_date
    sweep(market)
    assert len(market.alpha.shown()) == len(market.beta.shown()) == 1
    # It was asked by our own calendar; nobody is asked the same by the marketplace's.
    assert len(asked()) == 1


def test_a_marketplace_that_stays_behind_holds_nothing_of_what_is_offered_elsewhere(market: Market) -> None:
    on_sale(market)
    moved(market)
    market.published()
    sweep(market)
    assert len(market.beta.shown()) == 1


def test_a_holder_chooses_the_event_of_the_new_date_and_not_the_old_one(market: Market) -> None:
    on_sale(market)
    game = moved(market)
    other = event_of(market, "E-3", starts_at=game.starts_at + timedelta(hours=1), venue="Harbor Field")
    market.alpha.events = [other, event_of(market)]
    market.published()
    (command,) = mappings_waiting(market.holding.actor)
    with pytest.raises(InvalidInput, match="cannot be this game: it is on"):
        mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-1")
    mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-3")
    market.work()
    mapping = EventMapping.objects.get(platform="alpha")
    assert (mapping.remote_event_id, mapping.event_date, mapping.fits) == ("E-3", game.game_date, True)
    assert len(market.alpha.shown()) == 1


def test_support_lets_an_old_date_pass_until_the_game_moves_again(market: Market) -> None:
    mapping = on_sale(market)
    game = moved(market)
    market.published()
    (command,) = mappings_waiting(market.holding.actor)
    mapping_confirm(actor=market.holding.staff, command_id=command.pk, event_id="E-1")
    market.work()
    assert len(market.alpha.shown()) == 1
    sweep(market)
    assert len(market.alpha.shown()) == 1
    game_move(actor=SYSTEM, game_id=game.pk, starts_at=game.starts_at + timedelta(days=3))
    mapping.refresh_from_db()
    assert (mapping.accepted_date, mapping.fits) == (None, False)


def test_what_is_listed_there_by_hand_is_not_taken_for_a_game_that_moved_away(market: Market) -> None:
    on_sale(market)
    assert game_mapped_to("alpha", "E-1", paper=True) == market.holding.game
    moved(market)
    assert game_mapped_to("alpha", "E-1", paper=True) is None


def test_of_two_who_are_told_the_same_at_once_one_takes_the_game_down(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = on_sale(market)
    locked = list[set[Any]]()

    def late(seat_ids: Any) -> Any:
        locked.append(set(seat_ids))
        # The other one was faster, while the seats were waited for.
        EventMapping.objects.filter(pk=mapping.pk).update(told_state="postponed")
        return seats_lock(seat_ids)

    monkeypatch.setattr(event_news, "seats_lock", late)
    told = EventStanding("E-1", EventState.POSTPONED, "Off", starts_at=market.holding.game.starts_at)
    assert not event_news.event_told(account=market.accounts["alpha"], mapping=mapping, told=told)
    assert (asked(), len(market.alpha.shown())) == ([], 1)
    # All of the game's seats, which every publication takes: what is offered later sees what was told.
    assert locked == [set(mapping.game.seats.values_list("pk", flat=True))]


def test_a_game_that_has_begun_is_asked_about_no_more(market: Market) -> None:
    mapping = on_sale(market)
    EventMapping.objects.update(told_at=None)
    before = market.alpha.calls.count(("event_standings", "E-1"))
    Game.objects.filter(pk=mapping.game_id).update(starts_at=now() - timedelta(minutes=1))
    event_news.events_ask(
        adapter=adapter_get("alpha"), link=link_for(market.accounts["alpha"]), account=market.accounts["alpha"],
        alive=lambda: None,
    )  # fmt: skip
    assert market.alpha.calls.count(("event_standings", "E-1")) == before


def test_a_webhook_about_an_event_that_is_mapped_nowhere_locks_the_seats_too(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    EventMapping.objects.all().delete()
    locked = list[set[Any]]()

    def watched(seat_ids: Any) -> Any:
        locked.append(set(seat_ids))
        return seats_lock(seat_ids)

    monkeypatch.setattr(event_news, "seats_lock", watched)
    assert event_news.event_inactive(account=market.accounts["alpha"], listing=alpha)
    assert locked == [set(alpha.game.seats.values_list("pk", flat=True))]
