"""Staff's brake on pushes, with real workers in the middle of a backlog: it takes hold at the next claim (I-19)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults.market import Seller, settle, wrongs
from tests.product import ROOT, Product

pytestmark = pytest.mark.chaos

# Waits for a line, then sets the brake as the service does, and says so once that is committed; another line lifts it.
_STAFF = """
import sys
from listings.services.halts import push_halt_lift, push_halt_set
from seatsync.accounts.models import User
from seatsync.core.actors import Actor, ActorKind
user = User.objects.filter(is_staff=True).first()
actor = Actor(ActorKind.STAFF, str(user.pk), None, user.pk)
print("ready", flush=True)
platform = sys.stdin.readline().strip()
halt = push_halt_set(actor=actor, platform=platform, reason="an outage")
print(halt.pk, flush=True)
sys.stdin.readline()
push_halt_lift(actor=actor, halt_id=halt.pk)
print("lifted", flush=True)
"""
OLD, NEW = "84.00", "90.00"
ANSWER_S = 2.0


class Staff:
    """A process of its own that sets the brake when it is told to."""

    def __init__(self, product: Product) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", _STAFF], cwd=ROOT, text=True,
            env=product.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._heard() == "ready"

    def _heard(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def say(self, line: str) -> str:
        """Tell it, and return what it says when that is committed."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self._heard()


@contextmanager
def staff_of(product: Product) -> Iterator[Staff]:
    staff = Staff(product)
    try:
        yield staff
    finally:
        staff.process.kill()
        staff.process.wait()


def pushes(product: Product, keys: set[str]) -> dict[str, tuple[str, int, str, str, str]]:
    """The price changes of these listings: state, how often claimed, what is said of them, platform and key, by id."""
    rows = product.rows(
        "SELECT c.id::text, c.state, c.fence, c.last_error, l.platform, l.external_id FROM marketplace_commands c"
        " JOIN listings l ON l.id = c.listing_id WHERE c.kind = 'reprice' AND l.external_id = ANY(%s)", list(keys),
    )  # fmt: skip
    return {row[0]: row[1:] for row in rows}


def prices(product: Product, keys: set[str]) -> dict[str, str]:
    """What each of these shows there."""
    return {row["external_id"]: row["price"] for row in product.simulated()["listings"] if row["external_id"] in keys}


def reprice(seller: Seller, listings: list[dict[str, Any]]) -> None:
    for row in listings:
        now = seller.get(f"/listings/{row['id']}/")
        answer = seller.http.post(f"/listings/{row['id']}/price/", json={"price": NEW, "version": now["version"]})
        assert answer.status_code == 200, answer.text


def done(product: Product, kind: str, listing_id: str) -> bool:
    return product.rows(
        "SELECT bool_and(state = 'done') FROM marketplace_commands WHERE kind = %s AND listing_id = %s",
        kind, listing_id,
    ) == [(True,)]  # fmt: skip


@pytest.mark.parametrize("platform", ["", "stubhub"], ids=["everywhere", "one platform"])
def test_no_push_that_is_claimed_after_the_brake_is_sent_and_what_comes_down_or_is_sold_goes_on(
    product: Product, platform: str
) -> None:
    seller = Seller(product)
    groups = seller.free_groups()[:6]
    offers = [seller.publish(group) for group in groups]
    rows = [row for offer in offers for row in offer.values()]
    seller.wait_active(rows)
    keys = {row["external_id"] for row in rows}
    with staff_of(product) as staff:
        # Slow enough that most of what is to be sent still waits when the brake comes.
        product.control("settings", answer_s=ANSWER_S)
        reprice(seller, rows)
        staff.say(platform)
        # Whatever has been claimed oftener than by now was claimed after the brake was committed.
        before = pushes(product, keys)
        product.control("settings", answer_s=0.0)
        # A listing is taken down by hand, and seats of another are sold: both go on.
        by_hand, sold, elsewhere = offers[0]["stubhub"], offers[1]["stubhub"], offers[1]["seatgeek"]
        assert seller.http.post(f"/listings/{by_hand['id']}/delist/", json={}).status_code in {200, 202}
        bought = product.control("sell", platform="stubhub", external_id=sold["external_id"])
        product.wait(lambda: done(product, "delist", by_hand["id"]), "what was taken down by hand is down")
        product.wait(lambda: done(product, "delist", elsewhere["id"]), "what was sold is down elsewhere")
        sale = "SELECT id::text, state FROM sales WHERE platform_sale_id = %s"
        product.wait(lambda: product.rows(sale, str(bought["sale_id"]))[0][1] == "confirmed", "the sale is confirmed")
        ((sale_id, _),) = product.rows(sale, str(bought["sale_id"]))
        proof = {"method": "mobile_transfer", "confirmation": f"TX-{sale_id}"}
        assert seller.http.post(f"/sales/{sale_id}/fulfil/", json=proof).status_code == 202
        fulfilled = "SELECT state FROM marketplace_commands WHERE kind = 'fulfil' AND sale_id = %s"
        product.wait(lambda: product.rows(fulfilled, sale_id) == [("done",)], "the tickets were handed over")
        product.wait(
            lambda: not any(state == "in_flight" for state, *_ in pushes(product, keys).values()),
            "what was on its way has arrived",
        )
        after, shown = pushes(product, keys), prices(product, keys)
        stopped = {key: row for key, row in after.items() if platform in {"", row[3]}}
        held = {key: row for key, row in stopped.items() if row[0] == "pending"}
        assert len(held) > len(rows) // 10, "nothing waited when the brake came"
        # Nothing of it that was claimed afterwards was sent: it waits, and its marketplace shows the old price.
        # What came down meanwhile wants none any more.
        came_down = {one["external_id"] for one in (by_hand, sold, elsewhere)}
        for key, (state, fence, said, _, external_id) in stopped.items():
            if fence > before[key][1]:
                may_be = {"pending", "superseded"} if external_id in came_down else {"pending"}
                assert state in may_be, (key, state, said)
                assert said.startswith("waiting: trading"), (key, state, said)
            if state == "pending":
                assert shown[external_id] == OLD
        assert any(row[1] > before[key][1] for key, row in held.items()), "no worker came by while it was held back"
        if platform:
            others = {key: row for key, row in after.items() if row[3] != platform and row[0] != "superseded"}
            product.wait(
                lambda: all(pushes(product, keys)[key][0] in {"done", "superseded"} for key in others),
                "the other marketplaces go on",
            )
        assert staff.say("lift") == "lifted"
        product.wait(
            lambda: all(pushes(product, keys)[key][0] in {"done", "superseded"} for key in held),
            "what waited is sent",
        )
        shown = prices(product, keys)
        sent = {row[4] for key, row in pushes(product, keys).items() if key in held and row[0] == "done"}
        assert {shown[external_id] for external_id in sent} == {NEW}
    settle(product)
    assert wrongs(product) == []
