"""Staff read names and no keys, and a list does not ask for each of them apart."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portfolios.models import EventMapping, Game
from seatsync.accounts.models import User
from tests.access.conftest import build_world
from tests.builders import Holding, build_holding, verified_client
from tests.listings.platform import ScriptedPlatform

pytestmark = pytest.mark.django_db
KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


def staff(holding: Holding) -> User:
    user: User = User.objects.create_superuser("root@example.com", "a-long-password-1")
    assert holding.ticket.tenant.is_default
    return user


def test_a_row_is_called_by_a_name(platforms: tuple[ScriptedPlatform, ScriptedPlatform]) -> None:
    """Of what is named by others' keys (an audit entry, an alert's delivery) only what they are keys of is told."""
    build_world(platforms)
    seen, wrong = set(), {}
    for model in admin.site._registry:
        row = model._default_manager.first()
        if row is None or model._meta.model_name in {"auditentry", "liveevent", "idempotencyrecord"}:
            continue
        seen.add(model._meta.model_name)
        if KEY.search(str(row)):
            wrong[model._meta.label] = str(row)
    assert not wrong
    assert seen >= {"game", "seat", "listing", "sale", "saleseat", "listingseat", "membership", "seasonticketshare"}


def test_the_log_and_the_message_name_a_game() -> None:
    holding = build_holding()
    client, game = verified_client(staff(holding)), holding.game
    name = f"Inland Owls at Harbor Gulls {game.game_date}"
    page = client.get(reverse("admin:portfolios_game_change", args=[game.pk])).text
    values = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    values |= dict(re.findall(r'<input[^>]*value="([^"]*)"[^>]*name="([^"]+)"', page)) if not values else {}
    chosen = {name: getattr(game, f"{name}_id") for name in ("home_team", "opponent", "venue")} | {
        "kind": game.kind,
        "status": game.status,
        "tier": "gold",
    }
    answer = client.post(reverse("admin:portfolios_game_change", args=[game.pk]), {**values, **chosen}, follow=True)
    assert Game.objects.get(pk=game.pk).tier == "gold"
    assert name in re.sub(r"<[^>]+>", "", answer.text.split("messagelist")[1].split("</ul>")[0])
    assert LogEntry.objects.latest("pk").object_repr == name


@pytest.mark.parametrize("model", ["game", "eventmapping", "seatgroup", "seat"])
def test_names_cost_a_list_no_query_each(model: str) -> None:
    holding = build_holding()
    client, path = verified_client(staff(holding)), reverse(f"admin:portfolios_{model}_changelist")
    games = holding.games
    EventMapping.objects.create(game=games[0], platform="alpha", remote_event_id="1")
    client.get(path)
    counts = []
    for more in (games[1:2], games[2:]):
        EventMapping.objects.bulk_create(
            EventMapping(game=game, platform="alpha", remote_event_id=str(game.pk)[:20]) for game in more
        )
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answer = client.get(path)
        assert "Inland Owls" in answer.text
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[1] < 20


def test_games_are_chosen_by_name() -> None:
    holding = build_holding()
    client = verified_client(staff(holding))
    with CaptureQueriesContext(connection) as asked:
        found = client.get(
            reverse("admin:autocomplete"),
            {"app_label": "portfolios", "model_name": "eventmapping", "field_name": "game", "term": "Owls"},
        ).json()
    assert len(found["results"]) == len(holding.games)
    assert all(row["text"].startswith("Inland Owls at Harbor Gulls") for row in found["results"])
    assert len(asked) < 12
