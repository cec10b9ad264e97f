"""Migration 0011 on rows as they were before it: each brake finds its season ticket and game, an orphan goes."""

import uuid
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from listings.models import TradingState
from listings.scopes import game_scope
from tests.market import Market

migration = import_module("listings.migrations.0011_brakes_say_their_place")


@pytest.mark.django_db
def test_brakes_find_what_they_stand_on(market: Market) -> None:
    ticket, game = market.holding.ticket, market.holding.game
    # Rolled back with everything else of the test.
    (named,) = (one for one in TradingState._meta.constraints if one.name == "trading_state_named")
    with connection.schema_editor() as editor:
        editor.remove_constraint(TradingState, named)
    places = {
        "game": game_scope(ticket.pk, game.pk), "season": ticket.pk, "holder": market.holding.user.pk,
        "lost game": uuid.uuid4(), "lost season": uuid.uuid4(),
    }  # fmt: skip
    for name, scope_id in places.items():
        TradingState.objects.create(
            tenant=ticket.tenant, scope=name.removeprefix("lost "), scope_id=scope_id, state="HALTED"
        )
    migration.name_places(apps, None)
    found = {row.scope: (row.season_ticket_id, row.game_id) for row in TradingState.objects.all()}
    assert found == {"game": (ticket.pk, game.pk), "season": (ticket.pk, None), "holder": (None, None)}
