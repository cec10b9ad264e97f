"""What a claim reads of the queue: as much of a long one as of a short one, whatever the planner believes of either."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand
from listings.services.outbox import command_claim
from seatsync.core.clock import now
from tests.market import Market

pytestmark = pytest.mark.django_db


def written(market: Market, count: int, state: CommandState, name: str) -> None:
    """So many prices of one listing that is up, in a state."""
    listing = Listing.objects.filter(account=market.accounts["alpha"])[0]
    MarketplaceCommand.objects.bulk_create(
        MarketplaceCommand(
            tenant_id=listing.tenant_id, account_id=listing.account_id, listing=listing, mode=listing.mode, state=state,
            kind=CommandKind.REPRICE, idempotency_key=f"{name}:{n}", not_before=now(),
        )
        for n in range(count)
    )  # fmt: skip


def pages_read(sql: str) -> int:
    """Pages that a statement of the claim looks at when it is carried out."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
        (found,) = cursor.fetchone()
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def claim_pages() -> int:
    with CaptureQueriesContext(connection) as asked:
        claimed = command_claim()
    assert claimed is not None
    MarketplaceCommand.objects.filter(pk=claimed.pk).update(state=CommandState.PENDING, not_before=now())
    (sql,) = {one["sql"] for one in asked if "SKIP LOCKED" in one["sql"]}
    return pages_read(sql)


def test_a_claim_from_a_long_queue_reads_no_more_than_one_from_a_short_queue(market: Market) -> None:
    market.published()
    written(market, 300, CommandState.DONE, "done")
    # What the planner knows is of a quiet hour: a backlog comes faster than anybody counts.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE marketplace_commands")
    written(market, 30, CommandState.PENDING, "short")
    short = claim_pages()
    written(market, 600, CommandState.PENDING, "long")
    long = claim_pages()
    assert long < 3 * short, f"{long} pages read where a short queue takes {short}"
