"""The tables' names are the product's vocabulary: support, exports and reports query them by these names."""

from datetime import date
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from intelligence.models import MarketData, SentimentData
from marketplaces.models import MarketSnapshot
from seatsync.core.clock import now
from seatsync.core.ids import uuid7
from tests.builders import schedule

pytestmark = pytest.mark.django_db

VOCABULARY = {
    "users", "memberships", "season_tickets", "games", "seats", "seat_groups", "marketplace_accounts", "listings",
    "listing_seats", "trading_states", "marketplace_commands", "sales", "sale_seats", "payouts", "payout_lines",
    "inbound_events", "price_history", "market_snapshots", "ai_predictions", "model_versions", "market_data",
    "sentiment_data", "automation_rules", "strategies", "decisions", "alerts", "alert_deliveries", "live_events",
    "audit",
}  # fmt: skip
# What belongs to a holder; the series have keys and times of their own (DESIGN.md 3).
OWNED = {
    "season_tickets", "season_ticket_shares", "seats", "seat_groups", "seat_changes", "marketplace_accounts",
    "connect_attempts", "inbound_events", "inbound_deliveries", "listings", "trading_states", "marketplace_commands",
    "sales", "payouts", "payout_lines", "price_proposals", "ending_effects", "alerts", "alert_deliveries",
    "live_events",
}  # fmt: skip
APPEND_ONLY = {"seat_changes", "price_proposals", "ending_effects"}
OWN = ("portfolios", "marketplaces", "listings", "intelligence", "automation", "analytics")


def test_every_table_of_the_vocabulary_is_there() -> None:
    assert VOCABULARY - set(connection.introspection.table_names()) == set()


@pytest.mark.parametrize("table", sorted(OWNED | {"listing_seats", "sale_seats"}))
def test_what_is_owned_says_whose_it_is_and_has_a_key_and_times(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = %s", [table]
        )
        columns = {name: (kind, nullable) for name, kind, nullable in cursor.fetchall()}
    wanted = {"id": ("uuid", "NO"), "created_at": ("timestamp with time zone", "NO")}
    if table not in APPEND_ONLY:
        wanted["updated_at"] = ("timestamp with time zone", "NO")
    if table in OWNED:
        wanted["tenant_id"] = ("uuid", "NO")
    assert {name: columns.get(name) for name in wanted} == wanted


def test_a_snapshots_price_has_one_of_three_meanings() -> None:
    row = {"time": now(), "game_id": uuid7(), "platform": "x", "price": Decimal("1.00")}
    for basis in ("list", "all_in", "net"):
        MarketSnapshot.objects.create(**row, price_basis=basis)
    with pytest.raises(IntegrityError, match="snapshot_price_basis"), transaction.atomic():
        MarketSnapshot.objects.create(**row, price_basis="gross")


def test_no_table_of_ours_is_named_after_its_app() -> None:
    tables = {model._meta.db_table for label in OWN for model in apps.get_app_config(label).get_models()}
    named_after = tuple(f"{label}_" for label in OWN)
    assert [table for table in tables - VOCABULARY if table.startswith(named_after)] == []


def test_no_field_takes_the_names_that_two_factor_sets_on_the_user() -> None:
    names = {field.name for model in apps.get_models() for field in model._meta.get_fields()}
    assert not names & {"is_verified", "otp_device"}


def test_a_reading_is_stored_once_and_never_changed() -> None:
    game = schedule(1)[0]
    moment = now()
    told = {
        "team": game.home_team, "game": game, "data_type": "weather", "source": "open_meteo", "source_key": "w-1",
        "observed_at": moment, "valid_at": game.starts_at, "data": {"temperature_c": 18.5},
    }  # fmt: skip
    MarketData.objects.create(**told)
    with pytest.raises(IntegrityError), transaction.atomic():
        MarketData.objects.create(**told)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        MarketData.objects.update(data={})


def test_a_sentiment_score_lies_between_minus_one_and_one() -> None:
    game = schedule(1)[0]
    with pytest.raises(IntegrityError, match="sentiment_score_range"), transaction.atomic():
        SentimentData.objects.create(
            team=game.home_team, game_date=date(2026, 6, 1), sentiment_score=Decimal("1.01"), sentiment_volume=3,
            observed_at=now(),
        )  # fmt: skip
