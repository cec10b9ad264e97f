"""What marketplaces take for an event and teams ask for at least: kept, dated, shown, and kept to (I-12, I-26)."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from listings.contracts import Grounds, PriceChange
from listings.models import Listing, MarketplaceCommand, PriceProposal
from listings.services.bounds import listing_bounds_set
from listings.services.net_preview import nets_preview
from listings.services.pricing import listing_reprice, price_apply
from marketplaces.bounds import bounds_of
from marketplaces.contracts import Constraints
from marketplaces.errors import PriceRefused, TemporaryError
from marketplaces.models import EventBounds, LeastPriceVersion, LimitVersion
from marketplaces.selectors import accounts_able
from marketplaces.services.bounds import event_bounds_keep
from portfolios.selectors import event_mapping_get
from portfolios.services.mapping import event_mapping_confirm, section_mapping_confirm
from seatsync.accounts.models import User
from seatsync.accounts.services.tokens import tokens_issue
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.clock import now
from seatsync.core.errors import FieldProblem, InvalidInput
from seatsync.core.limiters import valkey
from tests.builders import verified_client
from tests.market import Market

pytestmark = pytest.mark.django_db
SCHEDULED = Grounds(scheduled=True)
TAKES = "Alpha takes $60.00 to $120.00 per ticket for this game"


@pytest.fixture(autouse=True)
def mapped(market: Market, travel: time_machine.Traveller) -> None:
    """The game is mapped at alpha, where its section is known too; nothing was asked a moment ago."""
    valkey().flushdb()
    game = market.holding.game
    event_mapping_confirm(game=game, platform="alpha", paper=True, remote_event_id="A-1", by="test")
    section_mapping_confirm(
        venue=game.venue, section="131", platform="alpha", paper=True, remote_section="131", by="test"
    )


def told(**figures: Any) -> Constraints:
    return Constraints(**{"min_price": Decimal("60.00"), "max_price": Decimal("120.00"), **figures})


def today() -> str:
    return f"{now():%-d %b}"


def keep(**figures: Any) -> EventBounds:
    kept = event_bounds_keep(platform="alpha", paper=True, event_id="A-1", told=told(**figures))
    assert kept is not None
    return kept


def least(market: Market, price: str | None = "70.00", *, days_ago: int = 1, venue: bool = False) -> LeastPriceVersion:
    whose = {"venue": market.holding.game.venue} if venue else {"team": market.holding.game.home_team}
    day = now().date() - timedelta(days=days_ago)
    return LeastPriceVersion.objects.create(
        **whose, min_price=price and Decimal(price), valid_from=day, source="season-ticket terms", checked_on=day
    )


def refused(act: Callable[[], object]) -> list[FieldProblem]:
    with pytest.raises(InvalidInput) as caught:
        act()
    return list(caught.value.problems)


def alpha_only(market: Market, price: str = "84.00", **changes: Any) -> list[Listing]:
    return market.publish(price=price, account_ids=[market.accounts["alpha"].pk], **changes)


def up(market: Market) -> Listing:
    """A listing on alpha at 84.00."""
    (listing,) = alpha_only(market)
    market.work()
    listing.refresh_from_db()
    assert listing.status == "active"
    return listing


def reprice(market: Market, listing: Listing, price: str) -> Listing:
    listing.refresh_from_db()
    return listing_reprice(
        actor=market.holding.actor, listing_id=listing.pk, price=Decimal(price), version=listing.version, confirmed=True
    )


# What is kept.
def test_i26_what_is_told_again_keeps_its_day_and_what_changed_is_dated_anew(
    market: Market, travel: time_machine.Traveller
) -> None:
    first = keep(max_quantity=6, splits=("any", "pairs"))
    assert (first.valid_from, first.source) == (now().date(), "Alpha's listing constraints of event A-1")
    travel.shift(timedelta(days=2))
    keep(max_quantity=6, splits=("any", "pairs"))
    first.refresh_from_db()
    assert (EventBounds.objects.count(), first.told_at, first.checked_on) == (1, now(), now().date())
    keep(max_price=Decimal("90.00"))
    keep(max_price=Decimal("95.00"))
    rows = list(EventBounds.objects.order_by("valid_from").values_list("max_price", "valid_from"))
    assert rows == [
        (Decimal("120.00"), now().date() - timedelta(days=2)), (Decimal("95.00"), now().date()),
    ]  # fmt: skip
    assert bounds_of(market.holding.game, "alpha", paper=True).event == EventBounds.objects.latest("valid_from")


def test_i20_what_is_told_on_paper_is_nothing_to_the_real_market(market: Market) -> None:
    keep()
    assert bounds_of(market.holding.game, "alpha", paper=False).event is None
    assert event_bounds_keep(platform="alpha", paper=False, event_id="A-1", told=told()) is None
    assert event_bounds_keep(platform="alpha", paper=True, event_id="", told=told()) is None


def test_what_was_told_of_another_event_is_nothing_to_the_game(market: Market) -> None:
    keep()
    event_mapping_confirm(
        game=market.holding.game, platform="alpha", paper=True, remote_event_id="A-2", by="a person",
        known=event_mapping_get(market.holding.game, "alpha", paper=True),
    )  # fmt: skip
    assert bounds_of(market.holding.game, "alpha", paper=True).event is None


@pytest.mark.parametrize(
    ("figures", "kept"),
    [
        ({"min_price": Decimal(200)}, (None, None, 1, None)),
        ({"min_price": Decimal("NaN"), "max_price": Decimal("1e12")}, (None, None, 1, None)),
        ({"min_price": Decimal(-1), "min_quantity": 0}, (None, Decimal("120.00"), 1, None)),
        ({"min_quantity": 4, "max_quantity": 2}, (Decimal("60.00"), Decimal("120.00"), 1, None)),
        ({"max_quantity": 10**12}, (Decimal("60.00"), Decimal("120.00"), 1, 10_000)),
    ],
)
def test_what_makes_no_sense_binds_nobody(market: Market, figures: dict[str, Any], kept: tuple[object, ...]) -> None:
    row = keep(**figures)
    row.refresh_from_db()
    assert (row.min_price, row.max_price, row.min_quantity, row.max_quantity) == kept


# The door and the publication.
@pytest.mark.parametrize("price", ["59.99", "120.01"])
def test_i12_nothing_is_published_outside_what_its_marketplace_takes(market: Market, price: str) -> None:
    keep()
    assert refused(lambda: market.publish(price=price)) == [
        FieldProblem(
            "price", f"${price} is outside what its marketplace takes: {TAKES}, told {today()}.",
            "Choose $60.00 to $120.00.",
        )
    ]  # fmt: skip
    assert not Listing.objects.exists()
    assert [one.platform for one in market.publish(account_ids=[market.accounts["beta"].pk], price=price)] == ["beta"]


@pytest.mark.parametrize(("price", "allowed"), [("59.99", False), ("60.00", True), ("120.00", True), ("120.01", False)])
def test_i12_no_price_leaves_what_its_marketplace_takes(market: Market, price: str, allowed: bool) -> None:
    listing = up(market)
    keep()
    if allowed:
        assert reprice(market, listing, price).price == Decimal(price)
        return
    (problem,) = refused(lambda: reprice(market, listing, price))
    assert (problem.field, problem.remedy) == ("price", "Choose $60.00 to $120.00.")
    assert f"{TAKES}, told {today()}." in problem.detail
    listing.refresh_from_db()
    assert listing.price == Decimal("84.00")


@pytest.mark.parametrize("guard", ["event_bounds", "least_price"])
def test_i12_a_rules_proposal_outside_is_rejected_and_traced(
    market: Market, travel: time_machine.Traveller, guard: str
) -> None:
    listing = up(market)
    travel.shift(timedelta(minutes=settings.MIN_PRICE_DWELL_MINUTES))
    if guard == "event_bounds":
        keep(min_price=Decimal("82.00"))
    else:
        least(market, "82.00")
    rule = Actor(ActorKind.RULE, "rule-1", listing.tenant_id)
    (outcome,) = price_apply(actor=rule, changes=[PriceChange(listing.pk, Decimal("81.99"), grounds=SCHEDULED)])
    assert outcome.refusal is not None
    assert (outcome.accepted, outcome.refusal.guard) == (False, guard)
    traced = PriceProposal.objects.get(listing=listing)
    (verdict,) = [one for one in traced.verdicts if not one["allowed"]]
    assert (traced.accepted, verdict["guard"], verdict["reason"]) == (False, guard, outcome.refusal.reason)
    assert not MarketplaceCommand.objects.filter(kind="reprice").exists()
    (outcome,) = price_apply(actor=rule, changes=[PriceChange(listing.pk, Decimal("82.00"), grounds=SCHEDULED)])
    assert outcome.accepted


def test_i12_what_was_told_a_day_ago_is_said_and_refuses_nothing(
    market: Market, travel: time_machine.Traveller
) -> None:
    listing = up(market)
    keep()
    day = today()
    travel.shift(timedelta(hours=23, minutes=59))
    refused(lambda: reprice(market, listing, "125.00"))
    travel.shift(timedelta(minutes=1))
    assert reprice(market, listing, "125.00").price == Decimal("125.00")
    kept = PriceProposal.objects.latest("created_at")
    (verdict,) = [one for one in kept.verdicts if one["guard"] == "event_bounds"]
    assert verdict["allowed"]
    assert verdict["reason"].startswith(f"{TAKES}, told {day}; asked again")


def test_i12_bounds_in_another_currency_are_no_measure(market: Market) -> None:
    keep(currency="CAD")
    assert alpha_only(market, "50.00")


def test_i12_quantity_and_split_are_what_its_marketplace_takes(market: Market) -> None:
    keep(min_quantity=2, max_quantity=3, splits=("any", "none"))
    one = market.holding.seats[:1]
    (problem,) = refused(lambda: alpha_only(market, seats=one))
    assert (problem.field, problem.detail) == (
        "seats", f"Alpha takes 2 seats or more in a listing for this game, told {today()}, and 1 is chosen.",
    )  # fmt: skip
    problems = refused(lambda: alpha_only(market, split_type="pairs"))
    assert [(problem.field, problem.remedy) for problem in problems] == [
        ("seats", "Choose fewer seats, or leave this marketplace out."), ("split_type", "Use any, none."),
    ]  # fmt: skip
    assert alpha_only(market, seats=market.holding.seats[:2])


@pytest.mark.parametrize("venue", [False, True])
def test_i12_nothing_goes_below_what_the_team_or_the_venue_asks_for(market: Market, venue: bool) -> None:
    row = least(market, venue=venue)
    name, since = "Harbor Park" if venue else "Harbor Gulls", f"{row.valid_from:%-d %b %Y}"
    # Said once, however many marketplaces it is for.
    assert refused(lambda: market.publish(price="69.99")) == [
        FieldProblem(
            "price",
            f"$69.99 is below the least price. {name} asks for $70.00 or more per ticket since {since} "
            "(season-ticket terms).",
            "Choose $70.00 or more.",
        )
    ]
    listing = up(market)
    (problem,) = refused(lambda: reprice(market, listing, "69.99"))
    assert (problem.field, problem.remedy) == ("price", "Choose $70.00 or more.")
    assert reprice(market, listing, "70.00").price == Decimal("70.00")


def test_i12_the_strictest_row_in_force_counts_and_an_empty_one_lifts_it(market: Market) -> None:
    least(market, "70.00", days_ago=9)
    least(market, "65.00", days_ago=9, venue=True)
    least(market, "95.00", days_ago=-1)
    game = market.holding.game
    assert bounds_of(game, "beta", paper=True).least_problem(Decimal("69.99"), "USD") is not None
    assert bounds_of(game, "beta", paper=True).least_problem(Decimal("70.00"), "USD") is None
    least(market, None, days_ago=1)
    assert bounds_of(game, "beta", paper=True).least_problem(Decimal("65.00"), "USD") is None
    assert bounds_of(game, "beta", paper=True).least_problem(Decimal("64.99"), "USD") is not None


def test_a_least_price_is_a_teams_or_a_venues(market: Market) -> None:
    row = least(market)
    row.venue = market.holding.game.venue
    with pytest.raises(ValidationError, match="choose one of them"):
        row.full_clean()


def test_a_floor_and_a_ceiling_leave_a_price_that_may_be_asked(market: Market) -> None:
    listing = up(market)
    keep(min_price=Decimal("90.00"))
    least(market, "91.00")

    def bounds(floor: str, ceiling: str) -> Listing:
        return listing_bounds_set(
            actor=market.holding.actor, listing_id=listing.pk, floor=Decimal(floor), ceiling=Decimal(ceiling),
            version=None,
        )  # fmt: skip

    assert {problem.field for problem in refused(lambda: bounds("80.00", "89.99"))} == {"ceiling"}
    keep(max_price=Decimal("70.00"))
    assert [problem.field for problem in refused(lambda: bounds("80.00", "100.00"))] == ["floor"]
    keep(max_price=Decimal("100.00"))
    assert bounds("80.00", "100.00").ceiling == Decimal("100.00")


# Asked before a publication, and when it is refused.
def test_before_the_first_listing_of_an_event_its_bounds_are_asked_once(
    market: Market, travel: time_machine.Traveller
) -> None:
    market.alpha.bounds = told(min_price=Decimal("90.00"))
    (listing,) = alpha_only(market, seats=market.holding.seats[:2])
    market.work()
    listing.refresh_from_db()
    why = "$84.00 is outside what its marketplace takes: Alpha takes $90.00 to $120.00 per ticket for this game"
    assert (listing.status, listing.status_reason) == (
        "error", f"not published: {why}, told {today()}. Choose $90.00 to $120.00.",
    )  # fmt: skip
    assert ("create", listing.external_id) not in market.alpha.calls
    assert market.alpha.bounds_asked == ["A-1"]
    market.publish(market.holding.seats[2:3], account_ids=[market.accounts["alpha"].pk], price="95.00")
    market.work()
    assert len(market.alpha.shown()) == 1
    assert market.alpha.bounds_asked == ["A-1"]
    travel.shift(timedelta(hours=24))
    market.publish(market.holding.seats[3:], account_ids=[market.accounts["alpha"].pk], price="95.00")
    market.work()
    assert len(market.alpha.shown()) == 2
    assert market.alpha.bounds_asked == ["A-1"] * 2


def test_what_refuses_a_publication_is_asked_anew_before_it_does(market: Market) -> None:
    alpha_only(market)
    keep(min_price=Decimal("90.00"))
    market.alpha.bounds = told()
    market.work()
    assert len(market.alpha.shown()) == 1
    assert bounds_of(market.holding.game, "alpha", paper=True).event_said == f"{TAKES}, told {today()}."


def test_a_marketplace_that_cannot_be_asked_stops_nothing(market: Market) -> None:
    market.alpha.script["constraints"] = [TemporaryError("away"), TemporaryError("away")]
    listing = up(market)
    assert (listing.status, market.alpha.bounds_asked) == ("active", ["A-1"])
    assert not EventBounds.objects.exists()


def test_nobody_waits_for_a_token_to_ask(market: Market) -> None:
    LimitVersion.objects.create(
        platform="alpha", per_second=Decimal("0.001"), burst=2, reserved=1, valid_from=now().date(), source="test",
        checked_on=now().date(),
    )  # fmt: skip
    # A publication asks with its own token, and is sent all the same: what was begun is finished.
    assert up(market).status == "active"
    assert market.alpha.bounds_asked == ["A-1"]
    EventBounds.objects.all().delete()
    holder = market.holding
    nets_preview(
        actor=holder.actor, accounts=list(accounts_able(holder.actor)), price=Decimal("84.00"),
        seat_ids=[seat.pk for seat in holder.seats[2:4]],
    )  # fmt: skip
    assert market.alpha.bounds_asked == ["A-1"]


@pytest.mark.parametrize("kind", ["create", "reprice"])
def test_i12_a_price_that_its_marketplace_refuses_is_told_with_what_it_takes_by_now(market: Market, kind: str) -> None:
    market.alpha.bounds = told()
    if kind == "create":
        market.alpha.script["create"] = [PriceRefused("400: ticket_price Out of range")]
        (listing,) = alpha_only(market)
    else:
        listing = up(market)
        market.alpha.script["reprice"] = [PriceRefused("400: ticket_price Out of range")]
        reprice(market, listing, "90.00")
    market.alpha.bounds = told(max_price=Decimal("80.00"))
    market.alpha.bounds_asked.clear()
    if kind == "create":
        # Somebody has asked a moment ago, and it was as it should be.
        keep()
    market.work()
    command = MarketplaceCommand.objects.get(kind=kind)
    assert (command.state, command.last_error) == (
        "needs_person",
        f"400: ticket_price Out of range. Alpha takes $60.00 to $80.00 per ticket for this game, told {today()}.",
    )
    assert market.alpha.bounds_asked == ["A-1"]
    # The next one is refused here.
    refused(lambda: reprice(market, listing, "81.00"))


# Where it is said.
def test_the_panel_asks_once_and_says_what_is_taken(market: Market, client: Client) -> None:
    market.alpha.bounds, holder = told(), market.holding
    least(market)
    seats = [seat.pk for seat in holder.seats[:2]]
    for price in ("84.00", "85.00"):
        lines = nets_preview(
            actor=holder.actor, accounts=list(accounts_able(holder.actor)), price=Decimal(price), seat_ids=seats
        )
    assert market.alpha.bounds_asked == ["A-1"]
    assert [line.bounds and line.bounds.event_said for line in lines] == [f"{TAKES}, told {today()}.", ""]
    client.force_login(holder.user)
    page = client.get(reverse("analytics:game_detail", args=[holder.game.pk])).text
    assert f"{TAKES}, told {today()}." in page
    assert page.count("Harbor Gulls asks for $70.00 or more per ticket since") == 1
    net = client.get(
        reverse("analytics:game_net", args=[holder.game.pk]), {"price": "84.00", "seats": [str(pk) for pk in seats]}
    ).text
    assert f"{TAKES}, told {today()}." in net
    assert "is below the least price" not in net


def test_the_panel_says_why_a_price_is_not_listed_before_it_is(market: Market, client: Client) -> None:
    keep()
    least(market, "70.00")
    holder, seats = market.holding, [str(seat.pk) for seat in market.holding.seats[:2]]
    client.force_login(holder.user)
    url = reverse("analytics:game_net", args=[holder.game.pk])
    page = client.get(url, {"price": "59.00", "seats": seats}).text
    assert page.count(f"$59.00 is outside what its marketplace takes: {TAKES}, told {today()}.") == 1
    assert page.count("$59.00 is below the least price. Harbor Gulls asks for $70.00 or more") == 1
    page = client.get(url, {"price": "69.00", "seats": seats}).text
    assert page.count("$69.00 is below the least price.") == 2


def test_a_refused_preview_has_its_bounds_asked(market: Market) -> None:
    keep()
    market.alpha.bounds, holder = told(max_price=Decimal("80.00")), market.holding
    market.alpha.script["preview"] = [PriceRefused("too high"), PriceRefused("too high")]
    for price in ("84.00", "85.00"):
        lines = nets_preview(
            actor=holder.actor, accounts=list(accounts_able(holder.actor)), price=Decimal(price),
            seat_ids=[seat.pk for seat in holder.seats[:2]],
        )  # fmt: skip
    # The second one is no news.
    assert market.alpha.bounds_asked == ["A-1"]
    assert lines[0].bounds is not None
    assert lines[0].bounds.event_said.startswith("Alpha takes $60.00 to $80.00")


def test_the_panel_reads_bounds_twice_however_many_accounts_and_asks_once(market: Market) -> None:
    market.alpha.bounds, market.beta.bounds, holder = told(), told(), market.holding
    market.alpha.script["preview"] = [PriceRefused("for another reason")]
    with CaptureQueriesContext(connection) as captured:
        nets_preview(
            actor=holder.actor, accounts=list(accounts_able(holder.actor)), price=Decimal("84.00"),
            seat_ids=[seat.pk for seat in holder.seats[:2]],
        )  # fmt: skip
    # Before anybody is asked, and when all were.
    assert len([query for query in captured.captured_queries if 'FROM "least_price_versions"' in query["sql"]]) == 2
    # What was told a moment ago is not asked again because of the refusal.
    assert market.alpha.bounds_asked == ["A-1"]


def test_a_publication_that_is_refused_says_so_beside_its_price(market: Market, client: Client) -> None:
    keep()
    client.force_login(market.holding.user)
    sent = {
        "seats": [str(seat.pk) for seat in market.holding.seats], "accounts": [str(market.accounts["alpha"].pk)],
        "price": "50.00", "floor": "40.00", "ceiling": "200.00", "floor_basis": "list", "split_type": "any",
    }  # fmt: skip
    answer = client.post(reverse("analytics:game_publish", args=[market.holding.game.pk]), sent)
    assert answer.status_code == 422
    assert f"$50.00 is outside what its marketplace takes: {TAKES}, told {today()}." in answer.text
    assert not Listing.objects.exists()


def test_the_listings_page_and_the_api_say_what_is_taken(market: Market, client: Client) -> None:
    listing, holder = up(market), market.holding
    keep(max_quantity=8, splits=("any",))
    row = least(market)
    client.force_login(holder.user)
    page = client.get(reverse("listings:listing_detail", args=[listing.pk])).text
    assert f"{TAKES}, told {today()}." in page
    assert "Harbor Gulls asks for $70.00 or more per ticket since" in page
    answer = client.post(
        reverse("listings:listing_reprice", args=[listing.pk]), {"price": "50.00", "version": listing.version}
    )
    assert answer.status_code == 422
    access = tokens_issue(holder.user, holder.ticket.tenant_id).access
    said = {
        "min_price": "60.00", "max_price": "120.00", "currency": "USD", "min_quantity": 1, "max_quantity": 8,
        "splits": ["any"], "told_at": now().isoformat().replace("+00:00", "Z"), "told_since": now().date().isoformat(),
        "told_source": "Alpha's listing constraints of event A-1", "stands": True, "least_price": "70.00",
        "least_price_currency": "USD", "least_price_of": "Harbor Gulls",
        "least_price_from": row.valid_from.isoformat(), "least_price_source": "season-ticket terms",
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {access}"}
    url = reverse("api:listing_bounds", args=[listing.pk])
    assert client.get(url, headers=headers).json() == {
        "floor": "50.00", "ceiling": "200.00", "floor_basis": "list", "currency": "USD", "version": listing.version,
        "bounds": said,
    }  # fmt: skip
    query = {"price": "84.00", "seat_ids": [str(seat.pk) for seat in holder.seats]}
    lines = client.get(reverse("api:listing_net"), query, headers=headers).json()
    assert lines[0]["bounds"] == said
    assert lines[1]["bounds"]["told_at"] is None
    outsider = User.objects.get(email="other@example.com")
    stranger = tokens_issue(outsider, holder.ticket.tenant_id).access
    assert client.get(url, headers={"Authorization": f"Bearer {stranger}"}).status_code == 404


def test_staff_read_bounds_and_date_least_prices(market: Market) -> None:
    keep()
    staff = User.objects.create_superuser("root@example.com", "a-long-password-1")
    client = verified_client(staff)
    assert "A-1" in client.get(reverse("admin:marketplaces_eventbounds_changelist")).text
    assert client.get(reverse("admin:marketplaces_eventbounds_add")).status_code == 403
    sent = {
        "team": market.holding.game.home_team_id, "venue": "", "min_price": "70.00", "currency": "USD",
        "valid_from": date(2026, 1, 1), "source": "terms of 2026", "checked_on": date(2026, 1, 1),
    }  # fmt: skip
    assert client.post(reverse("admin:marketplaces_leastpriceversion_add"), sent).status_code == 302
    row = LeastPriceVersion.objects.get()
    url = reverse("admin:marketplaces_leastpriceversion_change", args=[row.pk])
    client.post(url, {**sent, "min_price": "10.00", "source": "their mail"})
    row.refresh_from_db()
    # In force it is corrected by a newer row.
    assert (row.min_price, row.source) == (Decimal("70.00"), "their mail")
