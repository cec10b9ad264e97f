"""Staff stops pushes at one platform, of one tenant or everywhere; taking down and handing over go on (I-19)."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client, TestCase
from django.urls import reverse

from listings.models import CommandKind, CommandState, Listing, ListingStatus, MarketplaceCommand, PushHalt, Sale
from listings.services.delist import listings_delist
from listings.services.execute import execute
from listings.services.halts import push_halt_lift, push_halt_set
from listings.services.outbox import command_claim
from listings.services.pricing import listing_reprice
from listings.services.record import Outcome
from listings.services.together import execute_together
from marketplaces.contracts import EventQuery, Link, RemoteEvent
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed
from seatsync.core.models import AuditEntry
from seatsync.live.models import LiveEvent
from tests.builders import verified_client
from tests.factories import TenantFactory
from tests.market import Market

pytestmark = pytest.mark.django_db


def enter(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.id))
    return client


def lower(market: Market, listing: Listing, price: str = "80.00") -> Listing:
    listing.refresh_from_db()
    return listing_reprice(
        actor=market.holding.actor, listing_id=listing.pk, price=Decimal(price), version=listing.version
    )


def test_i19_everywhere_nothing_goes_up_and_no_price_moves_but_what_comes_down_does(market: Market) -> None:
    alpha, beta = market.published(market.holding.seats[:2])
    push_halt_set(actor=market.holding.staff, reason="an outage")
    with pytest.raises(Conflict, match=r"halted \(an outage\)") as caught:
        market.publish(market.holding.seats[2:])
    assert "Support has set it" in caught.value.remedy
    with pytest.raises(InvalidInput, match="halted"):
        lower(market, alpha)
    listings_delist(actor=market.holding.actor, listing_ids=[beta.pk])
    market.webhook(market.alpha.sell(alpha.external_id, (1,)))
    market.work()
    beta.refresh_from_db()
    assert (beta.status, Sale.objects.get().state) == (ListingStatus.CANCELLED, "confirmed")


def test_i19_one_platform_is_stopped_and_the_others_are_not(market: Market) -> None:
    alpha, beta = market.published(market.holding.seats[:2])
    push_halt_set(actor=market.holding.staff, platform="alpha", reason="their prices are wrong")
    with pytest.raises(InvalidInput, match=r"^Trading at Alpha is halted \(their prices are wrong\)"):
        lower(market, alpha)
    assert lower(market, beta).price == Decimal("80.00")
    with pytest.raises(Conflict, match=r"Trading at Alpha is halted \(their prices are wrong\)") as caught:
        market.publish(market.holding.seats[2:])
    (problem,) = caught.value.problems
    assert (problem.field, problem.remedy.partition(".")[0]) == ("accounts", "Leave Alpha out")
    beta_account = market.accounts["beta"].pk
    assert len(market.publish(market.holding.seats[2:], account_ids=[beta_account])) == 1


def test_i19_one_tenant_is_stopped_and_the_others_are_not(market: Market) -> None:
    alpha, _ = market.published()
    push_halt_set(actor=market.holding.staff, tenant_id=TenantFactory.create().pk, reason="unpaid")
    assert lower(market, alpha).price == Decimal("80.00")
    push_halt_set(actor=market.holding.staff, tenant_id=alpha.tenant_id, reason="unpaid")
    with pytest.raises(InvalidInput, match="halted"):
        lower(market, alpha, "79.00")


@pytest.mark.parametrize("place", ["everywhere", "platform", "tenant"])
def test_i19_what_was_decided_before_is_held_back_and_sent_when_it_is_lifted(market: Market, place: str) -> None:
    alpha, beta = market.publish(market.holding.seats)
    places: dict[str, dict[str, Any]] = {
        "everywhere": {}, "platform": {"platform": "alpha"}, "tenant": {"tenant_id": alpha.tenant_id},
    }  # fmt: skip
    halt = push_halt_set(actor=market.holding.staff, reason="wait", **places[place])
    market.work()
    held = set(
        MarketplaceCommand.objects.filter(state=CommandState.PENDING).values_list("account__platform", flat=True)
    )
    assert held == ({"alpha"} if place == "platform" else {"alpha", "beta"})
    assert market.alpha.calls == []
    push_halt_lift(actor=market.holding.staff, halt_id=halt.pk)
    market.work()
    for listing in (alpha, beta):
        listing.refresh_from_db()
        assert listing.status == ListingStatus.ACTIVE
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.CREATE).exclude(state=CommandState.DONE).exists()


def test_the_same_place_once_more_changes_the_brake_that_stands_there(market: Market) -> None:
    staff = market.holding.staff
    first = push_halt_set(actor=staff, platform="alpha", reason="one")
    again = push_halt_set(actor=staff, platform="alpha", reason="two", state="NO_NEW_LISTINGS")
    assert (again.pk, again.reason, again.state) == (first.pk, "two", "NO_NEW_LISTINGS")
    lifted = [push_halt_lift(actor=staff, halt_id=first.pk).lifted_at for _ in range(2)]
    assert lifted[0] == lifted[1] is not None
    assert push_halt_set(actor=staff, platform="alpha", reason="three").pk != first.pk
    verbs = list(AuditEntry.objects.filter(object_type="push_halt").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["push_halt.set", "push_halt.set", "push_halt.lift", "push_halt.set"]
    with pytest.raises(IntegrityError), transaction.atomic():
        PushHalt.objects.create(platform="alpha", reason="four")


@pytest.mark.parametrize(
    ("wish", "field"),
    [({"platform": "ebay"}, "platform"), ({"reason": " "}, "reason"), ({"state": "ACTIVE"}, "state")],
)
def test_what_stops_nothing_is_refused(market: Market, wish: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        push_halt_set(actor=market.holding.staff, **{"reason": "x", **wish})
    assert [problem.field for problem in caught.value.problems] == [field]
    assert not PushHalt.objects.exists()


def test_only_staff_stops_others(market: Market) -> None:
    halt = push_halt_set(actor=market.holding.staff, reason="x")
    for actor in (market.holding.actor, market.holding.other):
        with pytest.raises(NotAllowed):
            push_halt_set(actor=actor, reason="x")
        with pytest.raises(NotAllowed):
            push_halt_lift(actor=actor, halt_id=halt.pk)


def test_open_pages_of_those_whom_it_concerns_are_told(market: Market) -> None:
    LiveEvent.objects.all().delete()
    with TestCase.captureOnCommitCallbacks(execute=True):
        push_halt_set(actor=market.holding.staff, platform="alpha", reason="x")
    told = set(LiveEvent.objects.values_list("type", "user_id"))
    assert told == {(kind, market.holding.user.pk) for kind in ("trading.changed", "season.changed")}
    LiveEvent.objects.all().delete()
    with TestCase.captureOnCommitCallbacks(execute=True):
        push_halt_set(actor=market.holding.staff, tenant_id=TenantFactory.create().pk, reason="another's")
    assert not LiveEvent.objects.exists()


def test_every_page_says_what_support_has_stopped(market: Market) -> None:
    client, other = enter(market.holding.actor), enter(market.holding.other)
    halt = push_halt_set(actor=market.holding.staff, platform="alpha", reason="their prices are wrong")
    for page in ("analytics:desk", "listings:listing_list", "listings:brake"):
        assert "Alpha, by support: their prices are wrong" in client.get(reverse(page)).content.decode()
    selling = client.get(reverse("listings:trading_detail")).content.decode()
    assert selling.count("Alpha, by support: their prices are wrong") == 2
    assert "By you:" in selling
    push_halt_lift(actor=market.holding.staff, halt_id=halt.pk)
    assert "by support" not in client.get(reverse("analytics:desk")).content.decode()
    push_halt_set(actor=market.holding.staff, tenant_id=TenantFactory.create().pk, reason="elsewhere")
    assert "by support" not in other.get(reverse("analytics:desk")).content.decode()


def test_staff_sets_and_lifts_it_in_the_admin(market: Market) -> None:
    client = verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))
    url = reverse("admin:listings_pushhalt_add")
    empty = client.post(url, {"state": "HALTED", "platform": "alpha", "tenant": "", "reason": ""})
    assert (empty.status_code, PushHalt.objects.count()) == (200, 0)
    for reason in ("one", "two"):
        wish = {"state": "HALTED", "platform": "alpha", "tenant": "", "reason": reason, "until_0": "", "until_1": ""}
        assert client.post(url, wish).status_code == 302
    halt = PushHalt.objects.get()
    assert (halt.platform, halt.tenant, halt.reason) == ("alpha", None, "two")
    chosen = {"action": "lift", "_selected_action": [str(halt.pk)]}
    assert client.post(reverse("admin:listings_pushhalt_changelist"), chosen).status_code == 302
    halt.refresh_from_db()
    assert halt.lifted_at is not None
    assert set(AuditEntry.objects.filter(object_type="push_halt").values_list("actor_kind", flat=True)) == {"staff"}


def test_i19_a_publication_whose_event_is_being_looked_for_does_not_go_up_any_more(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    game, real = market.holding.game, market.alpha.search_events
    market.alpha.events = [RemoteEvent("E-1", "Inland Owls at Harbor Gulls", game.venue.name, game.starts_at)]

    def slow(link: Link, query: EventQuery) -> list[RemoteEvent]:
        push_halt_set(actor=market.holding.staff, platform="alpha", reason="an outage")
        return real(link, query)

    monkeypatch.setattr(market.alpha, "search_events", slow)
    (listing,) = market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    assert ("create" in {call for call, _ in market.alpha.calls}, market.alpha.shown()) == (False, [])
    command = MarketplaceCommand.objects.get(listing=listing)
    assert (command.state, command.last_error) == ("pending", "waiting: trading is halted")


@pytest.mark.parametrize("together", [False, True])
def test_i19_a_price_whose_net_is_being_asked_for_is_not_sent_any_more(
    market: Market, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    real = market.alpha.preview
    (listing,) = market.publish(
        price="100.00", floor=Decimal("60.00"), floor_basis="net", account_ids=[market.accounts["alpha"].pk]
    )
    market.work()

    def slow(*asked: Any) -> Any:
        push_halt_set(actor=market.holding.staff, platform="alpha", reason="an outage")
        return real(*asked)

    lower(market, listing, "90.00")
    monkeypatch.setattr(market.alpha, "preview", slow)
    command = command_claim()
    assert command is not None
    ((_, answer),) = execute_together([command]) if together else [(command, execute(command))]
    assert (answer.outcome, answer.error) == (Outcome.HELD_BACK, "waiting: trading is halted")
    (there,) = market.alpha.listings.values()
    assert there.price == Decimal("100.00")
    assert PushHalt.objects.exists()
