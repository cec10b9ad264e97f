"""Staff's brakes by the API: staff sets and lifts them, holders are told of those that stand on them."""

import uuid
from datetime import timedelta

import pytest

from listings.models import Listing, PushHalt
from seatsync.accounts.models import Role
from seatsync.core.clock import now
from tests.api.conftest import As
from tests.builders import person
from tests.factories import TenantFactory
from tests.market import Market


def test_staff_stops_one_marketplace_and_releases_it(market: Market, as_: As) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    made = as_("staff").post("/push-halts/", {"platform": "alpha", "reason": "an outage"})
    assert (made.status_code, made.json()["state"], made.json()["tenant"]) == (201, "HALTED", None)
    wish = {"price": "80.00", "version": Listing.objects.get(pk=alpha.pk).version}
    refused = as_("owner").post(f"/listings/{alpha.pk}/price/", wish)
    assert refused.status_code == 422
    assert "halted" in refused.json()["errors"][0]["detail"]
    (seen,) = as_("owner").get("/push-halts/").json()["results"]
    assert (seen["id"], seen["reason"]) == (made.json()["id"], "an outage")
    lifted = as_("staff").post(f"/push-halts/{seen['id']}/lift/", {}).json()
    assert lifted["lifted_at"] is not None
    assert as_("staff").post(f"/push-halts/{seen['id']}/lift/", {}).json()["lifted_at"] == lifted["lifted_at"]
    assert as_("owner").post(f"/listings/{alpha.pk}/price/", wish).status_code == 200
    assert as_("owner").get("/push-halts/").json()["results"] == []
    assert len(as_("staff").get("/push-halts/?in_force=false").json()["results"]) == 1
    assert as_("staff").get("/push-halts/?in_force=true").json()["results"] == []


@pytest.mark.parametrize("who", ["owner", "co", "other"])
def test_nobody_else_stops_or_releases_anything(market: Market, as_: As, who: str) -> None:
    assert as_(who).post("/push-halts/", {"reason": "because"}).status_code == 403
    halt = as_("staff").post("/push-halts/", {"reason": "an outage"}).json()
    assert as_(who).post(f"/push-halts/{halt['id']}/lift/", {}).status_code == 403
    assert PushHalt.objects.get().lifted_at is None


def test_a_tenants_own_support_stops_its_tenant_and_no_other(market: Market, as_: As) -> None:
    """It is staff to its own holders; everybody's selling is the platform's business."""
    tenant, foreign = market.holding.ticket.tenant, TenantFactory.create(name="Third Co", slug="third-co")
    person("support@example.com", tenant, role=Role.SUPPORT)
    support = as_("support")
    for wish in ({}, {"tenant": str(foreign.pk)}):
        assert support.post("/push-halts/", {"reason": "because", **wish}).status_code == 403
    own = support.post("/push-halts/", {"reason": "because", "tenant": str(tenant.pk)})
    assert own.status_code == 201
    whole = as_("staff").post("/push-halts/", {"reason": "an outage"}).json()
    assert as_("staff").post("/push-halts/", {"reason": "theirs", "tenant": str(foreign.pk)}).status_code == 201
    assert {row["reason"] for row in support.get("/push-halts/").json()["results"]} == {"because", "an outage"}
    assert len(as_("staff").get("/push-halts/").json()["results"]) == 3
    assert support.post(f"/push-halts/{whole['id']}/lift/", {}).status_code == 403
    assert support.post(f"/push-halts/{own.json()['id']}/lift/", {}).status_code == 200


def test_what_the_platforms_staff_set_on_a_tenant_its_own_support_neither_lifts_nor_weakens(
    market: Market, as_: As
) -> None:
    tenant = market.holding.ticket.tenant
    person("support@example.com", tenant, role=Role.SUPPORT)
    wish = {"reason": "their prices are wrong", "tenant": str(tenant.pk)}
    ours = as_("staff").post("/push-halts/", wish).json()
    support = as_("support")
    weaker = support.post("/push-halts/", {**wish, "reason": "it is fine", "state": "RAISE_ONLY"}).json()
    assert (ours["cause"], weaker["cause"]) == ("staff", "support")
    assert support.post(f"/push-halts/{ours['id']}/lift/", {}).status_code == 403
    assert support.post(f"/push-halts/{weaker['id']}/lift/", {}).status_code == 200
    assert [halt.state for halt in PushHalt.objects.in_force()] == ["HALTED"]
    assert as_("staff").post(f"/push-halts/{ours['id']}/lift/", {}).status_code == 200


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "reason"), ({"reason": "  "}, "reason"), ({"reason": "x", "state": "ACTIVE"}, "state"),
        ({"reason": "x", "platform": "nowhere"}, "platform"), ({"reason": "x", "tenant": str(uuid.uuid4())}, "tenant"),
        ({"reason": "x", "until": (now() - timedelta(days=1)).isoformat()}, "until"),
        ({"reason": "x", "tenant": "7"}, "tenant"), ({"reason": "x" * 201}, "reason"),
        ({"reason": "x", "who": 1}, "who"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_field(market: Market, as_: As, wish: dict[str, object], field: str) -> None:
    answer = as_("staff").post("/push-halts/", wish)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not PushHalt.objects.exists()


def test_a_brake_of_another_tenant_is_not_told(market: Market, as_: As) -> None:
    foreign = TenantFactory.create(name="Third Co", slug="third-co")
    as_("staff").post("/push-halts/", {"reason": "theirs", "tenant": str(foreign.pk)})
    assert as_("owner").get("/push-halts/").json()["results"] == []
    assert as_("staff").post(f"/push-halts/{uuid.uuid4()}/lift/", {}).status_code == 404
    for query in ("in_force=maybe", "platform=nowhere", "tenant=7"):
        assert as_("staff").get(f"/push-halts/?{query}").status_code in {400, 422}, query
