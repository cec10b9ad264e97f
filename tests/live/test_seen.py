"""A page knows which events it has seen, so that nothing between its making and its socket is lost."""

import re

import pytest
from django.db.models import QuerySet
from django.test import Client, TestCase
from django.urls import reverse

from seatsync.core.actors import Actor
from seatsync.live import views
from seatsync.live.events import LiveType
from seatsync.live.models import Alert
from seatsync.live.publish import publish
from seatsync.live.selectors import alerts_open, last_seq
from tests.builders import Holding, build_holding

pytestmark = pytest.mark.django_db


@pytest.fixture
def holding() -> Holding:
    return build_holding()


def publish_now(holding: Holding) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        publish(
            tenant_id=holding.ticket.tenant_id, user_ids=[holding.user.pk], kind=LiveType.LISTING_CHANGED, object_id="x"
        )  # fmt: skip


def seen(client: Client, **headers: str) -> str | None:
    page = client.get(reverse("live:alert_list"), headers={"Accept": "text/html", **headers}).content.decode()
    found = re.search(r'data-seq="(\d*)"', page)
    return found and found.group(1)


def test_a_page_bears_the_newest_event_of_before_it_was_made(holding: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.force_login(holding.user)
    assert seen(client) == "0"

    publish_now(holding)

    def meanwhile(actor: Actor) -> QuerySet[Alert]:
        publish_now(holding)
        return alerts_open(actor)

    # What happens while the page is worked out comes after what it has seen.
    monkeypatch.setattr(views, "alerts_open", meanwhile)
    assert seen(client) == "1"
    assert last_seq(holding.user.pk) == 2


def test_a_fragment_asks_for_no_number(holding: Holding) -> None:
    client = Client()
    client.force_login(holding.user)
    assert seen(client, **{"HX-Request": "true"}) is None
