"""Ids of other people's things in what is sent: nothing tells them from made-up ones, and nothing is done with them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.messages import get_messages

from listings.models import FoundListing, Listing, MarketplaceCommand
from listings.services.publish import listing_publish
from listings.services.trading import trading_state_set
from marketplaces.models import MarketplaceAccount
from portfolios.models import Seat
from portfolios.services.season_tickets import season_ticket_create
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from tests.access.conftest import World
from tests.access.routes import ROUTES
from tests.access.test_hostile_pages import BODIES as FORMS
from tests.access.test_hostile_pages import OURS, reading
from tests.access.test_hostile_writes import BODIES, Spot, fields_of, rows, schema_of, spoilt, spots_of, writes
from tests.access.test_matrix import address, ask, client_of, undone

pytestmark = pytest.mark.django_db
NOWHERE = str(uuid4())


def neighbours(world: World, actor: Actor) -> dict[str, str]:
    """One thing of each kind that is somebody else's, by what it is."""
    game = world.market.holding.game
    assert actor.user_id is not None
    assert actor.tenant_id is not None
    ticket = season_ticket_create(
        actor=actor, user_id=actor.user_id, team_id=game.home_team_id, season_year=2026, section="140", row="3",
        seat_from=1, seat_to=4, cost_basis=Decimal("400.00"), order_reference="ACC-2",
    )  # fmt: skip
    account = MarketplaceAccount.objects.create(
        tenant_id=actor.tenant_id, user_id=actor.user_id, platform="alpha", access_token="theirs",
        webhook_secret="secret-theirs", stock_taken_at=now(), sales_synced_until=now(),
    )  # fmt: skip
    seats = list(Seat.objects.filter(season_ticket=ticket, game=game).order_by("seat_number"))
    (listing,) = listing_publish(
        actor=actor, seat_ids=[seat.pk for seat in seats[:2]], account_ids=[account.pk], price=Decimal("84.00"),
        floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    command = MarketplaceCommand.objects.get(listing=listing)
    MarketplaceCommand.objects.filter(pk=command.pk).update(state="needs_person", payload={"wants": "section"})
    found = FoundListing.objects.create(
        tenant_id=actor.tenant_id, account=account, remote_id="X-2", quantity=1, price=Decimal("80.00"), section="140",
        row="3", first_seen_at=now(), last_seen_at=now(), why="it names no seats",
    )  # fmt: skip
    brake = trading_state_set(actor=actor, scope="season", scope_id=ticket.pk, state="ACTIVE", reason="")
    things = {"ticket": ticket, "account": account, "seat": seats[3], "listing": listing, "command": command,
              "found": found, "brake": brake}  # fmt: skip
    assert Listing.objects.filter(pk=listing.pk).exists()
    return {**{name: str(thing.pk) for name, thing in things.items()}, "group": str(listing.seat_group_id)}


def named(fields: dict[str, Any]) -> Iterator[tuple[Spot, bool]]:
    """The fields of a body that name something by its id, and whether they name many."""
    for spot in [spot for spots in spots_of(fields) for spot in spots]:
        if spot.kind == "uuid":
            yield spot, False
        elif not spot.part and schema_of(schema_of(fields[spot.name]).get("items", {})).get("format") == "uuid":
            yield spot, True


def alike(said: str, value: str) -> str:
    return said.replace(value, "ID")


@pytest.mark.parametrize("who", ["other", "outsider"])
def test_no_write_of_the_api_tells_or_takes_what_is_somebody_elses(world: World, who: str) -> None:
    world.ids["team"] = str(world.market.holding.game.home_team_id)
    theirs = neighbours(world, getattr(world.market.holding, who))
    client, before, tried, wrong = client_of(world, "owner", api=True), rows(), 0, list[tuple[Any, ...]]()
    for name, method in writes():
        route = ROUTES[name]
        path = address(world, name, route)
        body = world.filled(BODIES.get((name, method), route.body))
        for spot, many in named(fields_of(method, path)) if method not in route.staff_methods else ():
            answers = {}
            for what, value in {"made up": NOWHERE, **theirs}.items():
                tried += 1
                with undone():
                    told = ask(client, method, path, spoilt(body, {spot: [value] if many else value}), api=True)
                    problem = told.json() if told.status_code >= 400 else {}
                    shown = alike(f"{problem.get('detail')} {problem.get('errors')}", value)
                    answers[what] = (told.status_code, shown, rows() == before)
            made_up = answers.pop("made up")
            if made_up[0] < 400 or not made_up[2]:
                wrong.append((name, spot.field, "takes what is not there", made_up))
            wrong += [(name, spot.field, what, said, made_up) for what, said in answers.items() if said != made_up]
    assert wrong == []
    assert tried > 60


def ids_in(body: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    for name, value in body.items():
        for one in value if isinstance(value, list) else [value]:
            try:
                UUID(str(one))
            except ValueError:
                continue
            yield name, isinstance(value, list)


@pytest.mark.parametrize("who", ["other", "outsider"])
def test_no_form_tells_or_takes_what_is_somebody_elses(world: World, who: str) -> None:
    world.ids["team"] = str(world.market.holding.game.home_team_id)
    theirs = neighbours(world, getattr(world.market.holding, who))
    client, before, tried, wrong = client_of(world, "owner", api=False), rows(), 0, list[tuple[Any, ...]]()
    for name, route in ROUTES.items():
        body = world.filled(FORMS.get(name, route.body))
        if name.startswith("api:"):
            continue
        for field, many in ids_in(body):
            answers = {}
            path = address(world, name, route)
            for what, value in {"made up": NOWHERE, **theirs}.items():
                tried += 1
                wish = {**body, field: [value] if many else value, OURS: "1"}
                with undone(), reading() as (_, read_with):
                    client.cookies.pop("messages", None)
                    told = ask(client, "POST", path, wish, api=False)
                    errors = [str(form.errors) for form in read_with]
                    words = [str(word) for word in get_messages(told.wsgi_request)]
                    answers[what] = (told.status_code, alike(f"{errors} {words}", value), rows() == before)
            made_up = answers.pop("made up")
            if made_up[0] < 300 or not made_up[2]:
                wrong.append((name, field, "takes what is not there", made_up))
            wrong += [(name, field, what, said, made_up) for what, said in answers.items() if said != made_up]
    assert wrong == []
    assert tried > 30
