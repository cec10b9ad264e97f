"""Columns that tables got later are filled from the rows that they belong to, and keys change without loss."""

from decimal import Decimal

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from listings.services.payouts import account_sync_payouts
from marketplaces.contracts import PaymentLine, RemotePayment
from portfolios.services.ledger import seats_set_state
from seatsync.core.clock import now
from tests.market import Market

pytestmark = pytest.mark.django_db
BEFORE = [("live", "0001_initial"), ("portfolios", "0002_section_mappings"), ("listings", "0002_payouts")]
FILLED = ("alert_deliveries", "season_ticket_shares", "seat_changes", "payout_lines")


def rows(table: str, *columns: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2")
        return list(cursor.fetchall())


def test_what_was_there_gets_its_tenant_and_its_key(market: Market) -> None:
    first, _ = market.published(market.holding.seats[:2])
    sold = market.alpha.sell(first.external_id, (1, 2))
    market.webhook(sold)
    seats_set_state(
        actor=market.holding.actor, seat_ids=[market.holding.seats[3].pk], to_state="attending", reason="we go"
    )
    line = PaymentLine(sold.sale_id, Decimal("168.00"), Decimal("16.80"), Decimal("0.00"), Decimal("151.20"))
    market.alpha.paid = [RemotePayment("P-1", now(), Decimal("151.20"), "USD", (line,))]
    account_sync_payouts(account=market.accounts["alpha"])
    offered = rows("listing_seats", "listing_id", "seat_id", "offered")
    taken = rows("sale_seats", "sale_id", "seat_id", "live")
    assert offered
    assert taken
    newest = [node for node in MigrationExecutor(connection).loader.graph.leaf_nodes() if node[0] in dict(BEFORE)]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    MigrationExecutor(connection).migrate(BEFORE)
    assert all(isinstance(key, int) for key, _ in rows("listing_seats", "id", "offered"))
    MigrationExecutor(connection).migrate(newest)
    assert rows("listing_seats", "listing_id", "seat_id", "offered") == offered
    assert rows("sale_seats", "sale_id", "seat_id", "live") == taken
    tenant = market.holding.ticket.tenant_id
    for table in FILLED:
        found = rows(table, "tenant_id", "id")
        assert found, table
        assert {tenant_id for tenant_id, _ in found} == {tenant}, table


def test_a_payouts_lines_that_are_no_sales_become_one(market: Market) -> None:
    charge = PaymentLine("", Decimal("0.00"), Decimal("3.00"), Decimal("0.00"), Decimal("-3.00"))
    market.alpha.paid = [RemotePayment("P-1", now(), Decimal("-3.00"), "USD", (charge,))]
    account_sync_payouts(account=market.accounts["alpha"])
    newest = [node for node in MigrationExecutor(connection).loader.graph.leaf_nodes() if node[0] == "listings"]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    older = MigrationExecutor(connection).migrate([("listings", "0006_price_history_hourly")])
    # The columns as they were then.
    lines = older.apps.get_model("listings", "PayoutLine").objects
    line = lines.get()
    for number in (1, 2):
        lines.create(tenant_id=line.tenant_id, payout_id=line.payout_id, gross=number, fee=Decimal("0.50"), net=number)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    MigrationExecutor(connection).migrate(newest)
    assert rows("payout_lines", "gross", "fee", "net") == [(Decimal("3.00"), Decimal("4.00"), Decimal("0.00"))]
