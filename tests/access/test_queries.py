"""Thirty rows take as many queries as three: every list of the API and every page with rows."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from intelligence.models import AiPrediction, ModelVersion
from listings.models import (
    FoundListing,
    Listing,
    MarketplaceCommand,
    PriceHistory,
    PriceProposal,
    PushHalt,
    Sale,
)  # fmt: skip
from listings.services.payouts import payout_apply
from listings.services.trading import trading_state_set
from marketplaces.contracts import PaymentLine, RemotePayment
from marketplaces.models import InboundEvent, MarketplaceAccount
from portfolios.models import EventMapping, Game, SeasonTicket, Team, Venue
from portfolios.services.season_tickets import season_ticket_create
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from seatsync.live.alerts import alert_raise
from tests.access.conftest import World
from tests.access.test_matrix import client_of, everything
from tests.api.document import document
from tests.builders import person
from tests.market import Market
from tests.queries import queries_of

pytestmark = pytest.mark.django_db
FEW, MANY = range(3), range(3, 30)
PAGES_WITH_ROWS = {
    "analytics:desk", "analytics:inbox", "analytics:search", "analytics:season_detail", "analytics:game_detail",
    "portfolios:season_ticket_list", "listings:account_detail", "listings:mapping_list", "listings:listing_list",
    "listings:listing_detail", "listings:sale_list", "listings:payout_list",
    "listings:found_list", "listings:hand_list", "listings:hand_account",
    "listings:trading_detail", "live:alert_list",
}  # fmt: skip
# Pages that show no rows of the person's: single things and input.
NO_ROWS = {
    "accounts:settings", "live:needs_link", "listings:listing_row", "analytics:game_net", "marketplaces:connect_finish",
}  # fmt: skip


@dataclass
class Grown:
    """A market in which everything that is listed anywhere has grown to as many rows as asked for."""

    market: Market
    world: World
    listing: Listing
    ticket: SeasonTicket

    def grow(self, numbers: range) -> None:
        for number in numbers:
            self._one_of_each(number)
        self.market.work(rounds=40)
        own_games = Listing.objects.filter(status="active", platform="alpha").exclude(game=self.market.holding.game)
        for listing in own_games:
            self.market.webhook(self.market.alpha.sell(listing.external_id, (1,)))
        self.market.work(rounds=40)
        # As if each were in no search of its marketplace: nothing of it is sent any more.
        listed = Listing.objects.filter(platform="alpha").exclude(game=self.market.holding.game)
        for game in Game.objects.filter(pk__in=listed.values("game")):
            asked = {"confirmed_at": None, "requested_at": now(), "event_date": game.game_date}
            EventMapping.objects.update_or_create(game=game, platform="alpha", paper=True, defaults=asked)

    def _one_of_each(self, number: int) -> None:
        holding = self.market.holding
        league, venue = holding.game.home_team.league, holding.game.venue
        Team.objects.create(league=league, name=f"Team {number}", abbreviation=f"T{number}", venue=venue)
        Venue.objects.create(name=f"Park {number}", city="Seattle", timezone="America/Los_Angeles")
        starts = holding.game.starts_at + timedelta(days=number + 1, hours=2)
        game = Game.objects.create(
            home_team=holding.game.home_team, opponent=holding.game.opponent, venue=venue, starts_at=starts,
            game_date=starts.date(), season_year=2026,
        )  # fmt: skip
        self.ticket = season_ticket_create(
            actor=holding.actor, user_id=holding.user.pk, team_id=game.home_team_id, season_year=2026, section="131",
            row=f"R{number}", seat_from=1, seat_to=1, cost_basis=Decimal("100.00"), order_reference=f"ACC-{number}x",
        )  # fmt: skip
        for offered in (holding.game, game):
            (seat,) = self.ticket.seats.filter(game=offered)
            self.market.publish([seat], account_ids=[self.market.accounts["alpha"].pk])
        # One account a platform and person; staff see everybody's.
        neighbour, _ = person(f"neighbour-{number}@example.com", self.ticket.tenant)
        MarketplaceAccount.objects.create(
            tenant_id=self.ticket.tenant_id, user=neighbour, platform="beta", account_id=f"b{number}",
            access_token="token", sales_synced_until=now(),
        )  # fmt: skip
        alert_raise(
            tenant_id=self.ticket.tenant_id, user_id=holding.user.pk, kind="test", severity="action",
            dedupe_key=f"many:{number}", url="/alerts/", title=f"Look {number}",
        )  # fmt: skip
        trading_state_set(actor=holding.actor, scope="season", scope_id=self.ticket.pk, state="RAISE_ONLY", reason="x")
        AiPrediction.objects.create(
            tenant_id=self.ticket.tenant_id, seat_group=self.listing.seat_group, model_type="price",
            model_version=ModelVersion.objects.get_or_create(kind="price", engine="test", version="1")[0],
            predicted_value=Decimal("80.00"), lower=Decimal("70.00"), upper=Decimal("90.00"),
            coverage=Decimal("0.800"), sample_size=9, level="game",
        )  # fmt: skip
        line = PaymentLine("", Decimal("80.00"), Decimal("8.00"), Decimal("0.00"), Decimal("72.00"))
        MarketplaceCommand.objects.create(
            tenant_id=self.ticket.tenant_id, account=self.listing.account, listing=self.listing, kind="create",
            state="needs_person", idempotency_key=f"waits:m{number}", payload={"wants": "section"}, not_before=now(),
        )  # fmt: skip
        payout_apply(
            account=self.market.accounts["alpha"],
            remote=RemotePayment(f"P-{number}", now(), Decimal("72.00"), "USD", (line,)),
        )
        FoundListing.objects.create(
            tenant_id=self.ticket.tenant_id, account=self.listing.account, remote_id=f"F-{number}", quantity=1,
            price=Decimal("80.00"), section="131", row="27", first_seen_at=now(), last_seen_at=now(), why="no seats",
            game=game,
        )  # fmt: skip
        MarketplaceCommand.objects.create(
            tenant_id=self.ticket.tenant_id, account_id=self.world.ids["assisted"], listing=self.listing, kind="delist",
            state="needs_person", by_hand=True, priority=0, idempotency_key=f"hands:{number}", not_before=now(),
        )  # fmt: skip
        # Lifted at once: nothing is stopped by it.
        PushHalt.objects.create(platform="alpha", reason=f"outage {number}", lifted_at=now())
        PriceHistory.objects.create(
            time=now(), tenant_id=self.listing.tenant_id, listing_id=self.listing.pk, price=Decimal("80.00"),
            platform="alpha",
        )  # fmt: skip
        PriceProposal.objects.create(
            tenant_id=self.ticket.tenant_id, listing=self.listing, previous_price=Decimal("80.00"),
            proposed_price=Decimal("81.00"), currency="USD", accepted=False, verdicts=[], listing_version=1,
            actor_kind="user", actor_id="1",
        )  # fmt: skip


@pytest.fixture
def grown(own_world: World) -> Grown:
    listing = Listing.objects.get(pk=own_world.ids["listing"])
    return Grown(own_world.market, own_world, listing, own_world.market.holding.ticket)


# What does not grow: what the product itself has so many of, and the seats of one ticket's game.
OF_ITS_OWN = {"/api/v1/problems/", "/api/v1/season-tickets/{id}/games/{game}/tickets/"}


def api_lists(grown: Grown) -> dict[str, str]:
    """Address by path template, of every operation that answers with rows."""
    found = {}
    for method, path in document().operations():
        if method != "GET" or path in OF_ITS_OWN:
            continue
        content = document().spec["paths"][path]["get"]["responses"]["200"]["content"]
        if "application/json" not in content:
            continue
        schema = content["application/json"]["schema"]
        if schema.get("type") == "array" or schema.get("$ref", "").rpartition("/")[2].startswith("Paginated"):
            found[path] = path.replace("{id}", str(grown.listing.pk)) + "?limit=200&price=84.00"
    return found


def page_lists(grown: Grown) -> dict[str, str]:
    """Address by name, of every page that a person reads."""
    words: dict[str, dict[str, Any]] = {
        "analytics:season_detail": {"ticket_id": grown.ticket.pk},
        "analytics:game_detail": {"game_id": grown.world.ids["game"]},
        "listings:account_detail": {"account_id": grown.world.ids["account"]},
        "listings:found_list": {"account_id": grown.world.ids["account"]},
        "listings:hand_account": {"account_id": grown.world.ids["assisted"]},
        "listings:listing_detail": {"listing_id": grown.listing.pk},
        "listings:sale_detail": {"sale_id": grown.world.ids["sale"]},
    }
    client = client_of(grown.world, "owner", api=False)
    found = {}
    for name, pattern in everything():
        if not name.startswith(("analytics:", "portfolios:", "listings:", "marketplaces:", "live:", "accounts:")):
            continue
        if name in NO_ROWS or (pattern.pattern.regex.groups and name not in words):
            continue
        url = reverse(name, kwargs=words.get(name))
        if client.get(url).status_code == 200:
            found[name] = url + ("?q=owls" if name == "analytics:search" else "")
    return found


def count_all(client: Client, addresses: dict[str, str]) -> dict[str, list[str]]:
    found = {}
    for name, url in addresses.items():
        valkey().flushdb()
        client.get(url)
        found[name], _ = queries_of(client, url)
    return found


def test_no_list_asks_more_for_more_rows(grown: Grown) -> None:
    api, staff = (client_of(grown.world, who, api=True) for who in ("owner", "staff"))
    browser = client_of(grown.world, "owner", api=False)
    counted, shown = [], []
    for numbers in (FEW, MANY):
        grown.grow(numbers)
        lists = api_lists(grown)
        staffs = {f"{name} (staff)": queries for name, queries in count_all(staff, lists).items()}
        counted.append(count_all(api, lists) | staffs | count_all(browser, page_lists(grown)))
        shown.append({name: max(len(rows(api, url)), len(rows(staff, url))) for name, url in lists.items()})
    (few, many), (few_rows, many_rows) = counted, shown
    assert len(few_rows) >= 13
    assert {name: (few_rows[name], count) for name, count in many_rows.items() if count < few_rows[name] + 25} == {}
    assert set(many) >= PAGES_WITH_ROWS
    grew = [name for name in few if len(few[name]) < len(many[name])]
    assert {name: (len(few[name]), len(many[name]), many[name][-3:]) for name in grew} == {}


def rows(client: Client, url: str) -> list[object]:
    body = client.get(url).json()
    found: list[object] = body["results"] if isinstance(body, dict) else body
    return found


def _another(found: Any, **changes: Any) -> Any:
    """A second row like this one, kept beside it."""
    model = type(found)
    told = {one.attname: getattr(found, one.attname) for one in model._meta.concrete_fields if not one.primary_key}
    return model.objects.create(**{**told, **changes})


# Where sales stand, of which pages say different things.
SALES: tuple[dict[str, Any], ...] = (
    {"state": "needs_person", "state_reason": "it names no seats"}, {"state": "provisional"}, {"state": "confirmed"},
    {"state": "conflict"}, {"state": "cancelled", "ending": "cancelled"}, {"state": "complete"},
    {"state": "fulfilled", "ending": "claim"}, {"state": "confirmed", "listing_id": None, "game_id": None},
)  # fmt: skip
BY_HAND = ("create", "reprice", "resize", "delist", "supply")


@dataclass
class Varied:
    """A market in which things of each kind stand as differently as they can, and as many of each as asked for."""

    grown: Grown

    def vary(self, number: int) -> None:
        market, ids, listing = self.grown.market, self.grown.world.ids, self.grown.listing
        tenant, ends, paid = listing.tenant_id, now() + timedelta(days=1), Decimal("72.00")
        game = _another(market.holding.game, starts_at=now() + timedelta(days=30 + number))
        (seat,) = market.holding.seats[:1]
        _another(seat, game_id=game.pk)
        error = self._listing(f"E-{number}", status="error", status_reason="refused", game_id=game.pk)
        gone = self._listing(f"G-{number}", status="cancelled", game_id=game.pk)
        by_hand = self._listing(f"H-{number}", account_id=ids["assisted"], game_id=game.pk)
        sale = Sale.objects.get(pk=ids["sale"])
        for place, stands in enumerate(SALES):
            told = {"game_id": game.pk, "listing_id": listing.pk, "confirm_by": ends, "ship_by": ends} | stands
            made = _another(sale, platform_sale_id=f"V-{number}-{place}", **told)
            self._command(f"v:{number}:{place}", kind="confirm_sale", sale=made)
            there = _another(sale, platform_sale_id=f"A-{number}-{place}", account_id=ids["assisted"], **told)
            for kind in ("reject_sale", "fulfil", "confirm_sale"):
                self._command(f"a:{number}:{place}:{kind}", by_hand=True, kind=kind, sale=there)
            payout_apply(
                account=market.accounts["alpha"],
                remote=RemotePayment(
                    f"V-{number}-{place}", now(), paid, "USD",
                    (PaymentLine(made.platform_sale_id, paid + 8, Decimal(8), Decimal(0), paid),),
                ),
            )  # fmt: skip
        for kind in BY_HAND:
            self._command(f"h:{number}:{kind}", by_hand=True, kind=kind, listing=by_hand)
        for place, one in enumerate((error, gone)):
            for wants in ("event", "section", ""):
                kind = "create" if wants else "verify_gone"
                self._command(f"m:{number}:{place}:{wants}", kind=kind, listing=one, payload={"wants": wants})
        # Of the sale and of the listing whose own pages are read.
        for kind, state in (("delist", "needs_person"), ("resize", "done"), ("confirm_sale", "done")):
            self._command(f"s:{number}:{kind}", kind=kind, listing=error, sale=sale, state=state)
            self._command(f"l:{number}:{kind}", kind=kind, listing=listing, state=state)
        down = self._command(f"d:{number}", kind="delist", listing=gone, state="pending")
        for kind, of in (("command.needs_person", down), ("marketplace.notice", None)):
            alert_raise(
                tenant_id=tenant, user_id=market.holding.user.pk, kind=kind, severity="critical", url="/alerts/",
                title="It does not come down", dedupe_key=f"vary:{kind}:{number}",
                object_type="command" if of else "", object_id=str(of.pk) if of else "",
            )  # fmt: skip
        for place, kind in enumerate(("listing", "sale")):
            FoundListing.objects.create(
                tenant_id=tenant, account_id=ids["account"], remote_id=f"V-{number}-{place}", kind=kind, quantity=1,
                price=Decimal("80.00"), section="131", row="27", first_seen_at=now(), last_seen_at=now(), why="x",
            )  # fmt: skip
        event = InboundEvent.objects.get(pk=ids["inbound"])
        for state in ("failed", "received", "done"):
            _another(event, dedupe_key=f"vary:{number}:{state}", state=state, resource_id=f"V-{number}")
        account = market.accounts["alpha"]
        _another(account, is_active=False, account_id=f"left-{number}")
        trading_state_set(
            actor=market.holding.actor, scope="game", scope_id=game.pk, state="RAISE_ONLY", reason="x",
            season_ticket_id=listing.season_ticket_id,
        )  # fmt: skip

    def _listing(self, name: str, **changes: Any) -> Listing:
        made: Listing = _another(self.grown.listing, external_id=name, listing_id="", **changes)
        for row in self.grown.listing.listing_seats.all():
            _another(row, listing_id=made.pk)
        return made

    def _command(self, key: str, **changes: Any) -> MarketplaceCommand:
        where: Any = changes.get("sale") or changes.get("listing")
        told = {"state": "needs_person", "payload": {}, "not_before": now()} | changes
        account = self.grown.world.ids["assisted"] if changes.get("by_hand") else where.account_id
        return MarketplaceCommand.objects.create(
            tenant_id=where.tenant_id, account_id=account, idempotency_key=f"vary:{key}", **told
        )


def test_however_things_stand_many_ask_no_more_than_one(own_world: World) -> None:
    listing = Listing.objects.get(pk=own_world.ids["listing"])
    grown = Grown(own_world.market, own_world, listing, own_world.market.holding.ticket)
    api, browser = (client_of(grown.world, "owner", api=by_api) for by_api in (True, False))
    counted = []
    for numbers in (range(1), range(1, 6)):
        for number in numbers:
            Varied(grown).vary(number)
        counted.append(count_all(api, api_lists(grown)) | count_all(browser, page_lists(grown)))
    few, many = counted
    assert set(many) >= PAGES_WITH_ROWS | {"listings:sale_detail"}
    grew = [name for name in few if len(few[name]) < len(many[name])]
    assert {name: (len(few[name]), len(many[name]), many[name][-3:]) for name in grew} == {}
