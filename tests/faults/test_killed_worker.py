"""The worst minute, on real processes: one sale, nothing listed, nothing lost."""

from tests.faults.market import Seller, settle, wrongs
from tests.product import Product

WAITING_FOR_A_LOCK = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def test_worker_killed_between_answer_and_record_webhook_twice_and_late_other_marketplace_down(
    product: Product,
) -> None:
    seller = Seller(product)
    listings = seller.publish(seller.free_groups()[0])
    sold, other = listings["seatgeek"], listings["stubhub"]
    seller.wait_active(list(listings.values()))
    product.control("faults", add=[
        {"kind": "status", "platform": "stubhub", "route": "DELETE", "status": 500, "count": 2},
        {"kind": "webhook_duplicate", "platform": "seatgeek", "delay_s": 12.0, "count": 1},
    ])  # fmt: skip
    product.control("sell", platform="seatgeek", external_id=sold["external_id"])
    delist = (
        "SELECT id, state, attempts FROM marketplace_commands WHERE kind = 'delist' AND listing_id = %s"
        " ORDER BY created_at LIMIT 1"
    )
    product.wait(lambda: any(row[2] >= 1 for row in product.rows(delist, other["id"])), "the delist met a 500")
    with product.database() as connection:
        # The worker talks to the marketplace and then cannot record: the answer is there and our row is not.
        connection.execute("SELECT 1 FROM listings WHERE id = %s FOR UPDATE", [other["id"]])
        product.wait(lambda: other["external_id"] not in product.shown(), "the marketplace took it down")
        product.wait(lambda: product.rows(WAITING_FOR_A_LOCK)[0][0] > 0, "the worker waits to record that")
        assert product.kill_sync_workers() > 0
        product.wait(lambda: product.rows(WAITING_FOR_A_LOCK)[0][0] == 0, "the worker is dead")
        connection.rollback()
    settle(product)
    ((_, state, attempts),) = product.rows(delist, other["id"])
    assert (state, attempts >= 3) == ("done", True)
    assert wrongs(product) == []
    ((count, states),) = product.rows(
        "SELECT count(*), array_agg(DISTINCT state) FROM sales WHERE listing_id = %s", sold["id"]
    )
    assert (count, states) == (1, ["confirmed"])
    ((duplicates,),) = product.rows(
        "SELECT sum(duplicates) FROM inbound_events WHERE external_id = %s AND kind = 'sale'", sold["external_id"]
    )
    assert duplicates == 1
    assert seller.get(f"/listings/{other['id']}/")["status"] == "cancelled"
    alerts = product.rows(
        "SELECT count(*) FROM alerts a JOIN sales s ON a.object_id = s.id::text"
        " WHERE s.listing_id = %s AND a.kind = 'sale.sold' AND a.user_id = (SELECT user_id FROM season_tickets"
        " WHERE id = (SELECT season_ticket_id FROM listings WHERE id = %s))", sold["id"], sold["id"],
    )  # fmt: skip
    assert alerts == [(1,)]
