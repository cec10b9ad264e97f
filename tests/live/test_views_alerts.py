"""Alert pages and the ticket of the live line."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from seatsync.live.alerts import alert_raise
from seatsync.live.models import Alert
from seatsync.live.tickets import ticket_redeem
from tests.builders import Holding, build_holding


@pytest.fixture
def holding(db: None) -> Holding:
    return build_holding()


def enter(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.id))
    return client


def raise_for(holding: Holding, number: int = 1, **changes: Any) -> Alert:
    return alert_raise(
        tenant_id=holding.ticket.tenant_id, user_id=holding.user.pk, kind="test", severity="action",
        dedupe_key=f"test:{number}", **{"title": f"Look at thing {number}", "url": "/alerts/", **changes},
    )  # fmt: skip


def test_it_is_listed_until_acknowledged(holding: Holding) -> None:
    alert = raise_for(holding)
    client = enter(holding.actor)
    assert "Look at thing 1" in client.get(reverse("live:alert_list")).content.decode()
    assert "1 needs you" in client.get(reverse("live:needs_link")).content.decode()
    assert client.post(reverse("live:alert_acknowledge", args=[alert.pk])).status_code == 302
    assert "Look at thing 1" not in client.get(reverse("live:alert_list")).content.decode()
    assert "Look at thing 1" in client.get(reverse("live:alert_list"), {"show": "all"}).content.decode()
    assert "nothing needs you" in client.get(reverse("live:needs_link")).content.decode()


@pytest.mark.parametrize("who", ["other", "outsider", "co_owner"])
def test_nobody_else_acknowledges_it(holding: Holding, who: str) -> None:
    alert = raise_for(holding)
    url = reverse("live:alert_acknowledge", args=[alert.pk])
    assert enter(getattr(holding, who)).post(url).status_code == 404
    alert.refresh_from_db()
    assert alert.acknowledged_at is None


def test_the_count_comes_with_the_refetched_list(holding: Holding) -> None:
    client, url = enter(holding.actor), reverse("live:alert_list")
    raise_for(holding, 2)
    alert = raise_for(holding)
    assert '<span class="sub" id="alert-count">2 open</span>' in client.get(url).content.decode()
    client.post(reverse("live:alert_acknowledge", args=[alert.pk]), headers={"HX-Request": "true"})
    fragment = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert '<span class="sub" id="alert-count" hx-swap-oob="true">1 open</span>' in fragment


def test_text_is_escaped(holding: Holding) -> None:
    raise_for(holding, title="<b>bold</b>")
    assert "&lt;b&gt;bold" in enter(holding.actor).get(reverse("live:alert_list")).content.decode()


def test_query_count_does_not_grow(holding: Holding) -> None:
    client = enter(holding.actor)
    counts = []
    for numbers in (range(3), range(3, 13)):
        for number in numbers:
            raise_for(holding, number)
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("live:alert_list"))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_ticket_is_the_callers_own_and_works_once(holding: Holding) -> None:
    answer = enter(holding.actor).post(reverse("live:ticket_issue"))
    ticket = answer.json()["ticket"]
    assert ticket_redeem(ticket) == holding.user.pk
    assert ticket_redeem(ticket) is None
    assert Client().post(reverse("live:ticket_issue")).status_code == 302
    assert enter(holding.actor).get(reverse("live:ticket_issue")).status_code == 405
