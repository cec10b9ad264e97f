"""Working off what was received: failures are put back, given up with an alert, and tried again by a person."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from listings.services.inbound import INDEXED_WITHIN
from marketplaces.contracts import Grant
from marketplaces.errors import GrantExpired, TemporaryError
from marketplaces.models import InboundEvent, InboxState
from marketplaces.services import understand
from marketplaces.services.connect import account_keep
from marketplaces.services.inbox import inbox_receive
from marketplaces.services.understand import MOST_ATTEMPTS, inbound_due, inbound_process, inbound_replay, inbound_retry
from seatsync.accounts.models import Role, User
from seatsync.core.clock import now
from seatsync.core.errors import Busy, Conflict, NotFound
from seatsync.core.models import AuditEntry
from seatsync.live.events import LiveType
from seatsync.live.models import Alert, AlertDelivery, AlertState, LiveEvent
from tests.builders import browser, person
from tests.listings.killing import KilledError
from tests.market import Market

pytestmark = pytest.mark.django_db


def told(market: Market) -> InboundEvent:
    account = market.accounts["alpha"]
    headers = {"Authorization": account.webhook_secret}
    inbox_receive(platform="alpha", account_id=account.pk, headers=headers, body=b"sale|x1|e1")
    return account.inbound.get()


def given_up(market: Market) -> InboundEvent:
    """An item whose handler failed as often as it may."""
    event = told(market)
    market.alpha.script["fetch_sale"] = [ZeroDivisionError("a fault of our own")] * MOST_ATTEMPTS
    for _ in range(MOST_ATTEMPTS):
        inbound_process(event_id=event.pk)
    event.refresh_from_db()
    return event


def test_an_item_that_is_given_up_alerts_its_holder_and_the_tenants_staff(market: Market) -> None:
    support, _ = person("support@example.com", market.holding.ticket.tenant, role=Role.SUPPORT)
    event = given_up(market)
    assert (event.state, event.attempts) == (InboxState.FAILED, MOST_ATTEMPTS)
    alerts = Alert.objects.filter(kind="inbound.failed")
    staff = User.objects.get(email="staff@example.com")
    assert {alert.user_id for alert in alerts} == {market.holding.user.pk, support.pk, staff.pk}
    assert {(alert.severity, alert.object_id) for alert in alerts} == {("action", str(event.pk))}
    assert AlertDelivery.objects.filter(alert__in=alerts, channel="mail").count() == 3


@pytest.mark.parametrize(
    ("fault", "ours"), [(Busy("Somebody else is changing this seat."), False), (KeyError("x"), True)]
)
def test_what_meets_somebody_elses_change_is_put_back_and_is_no_fault_of_ours(
    market: Market, caplog: pytest.LogCaptureFixture, fault: Exception, *, ours: bool
) -> None:
    event = told(market)
    market.alpha.script["fetch_sale"] = [fault]
    assert not inbound_process(event_id=event.pk)
    event.refresh_from_db()
    assert (event.state, event.attempts, "Somebody else" in event.last_error) == (InboxState.RECEIVED, 1, not ours)
    assert ("inbox.handler_failed" in caplog.text) is ours


@pytest.mark.parametrize("fault", [TemporaryError("503"), GrantExpired("401"), ZeroDivisionError("a fault of our own")])
@pytest.mark.parametrize("attempts", [0, MOST_ATTEMPTS - 1])
def test_i21_what_one_worker_has_done_another_that_fails_later_does_not_put_back(
    market: Market, monkeypatch: pytest.MonkeyPatch, fault: Exception, attempts: int
) -> None:
    event = told(market)
    InboundEvent.objects.update(attempts=attempts)

    def overtaken(_: InboundEvent) -> None:
        InboundEvent.objects.update(
            state=InboxState.DONE, attempts=attempts + 1, processed_at=now(), not_before=None
        )  # fmt: skip
        raise fault

    monkeypatch.setattr(understand, "handler_for", lambda kind: overtaken)
    assert inbound_process(event_id=event.pk) is False
    event.refresh_from_db()
    assert (event.state, event.attempts, event.last_error, event.not_before) == ("done", attempts + 1, "", None)
    assert not Alert.objects.filter(kind="inbound.failed").exists()


def test_i21_an_item_is_worked_off_once_and_again_after_a_failure(market: Market) -> None:
    event = told(market)
    InboundEvent.objects.update(received_at=now() - INDEXED_WITHIN)
    market.alpha.script["fetch_sale"] = [TemporaryError("503")]
    done = [inbound_process(event_id=event.pk) for _ in range(3)]
    assert done == [False, True, False]
    assert market.alpha.calls == [("fetch_sale", "x1")] * 2
    event.refresh_from_db()
    assert (event.state, event.attempts) == (InboxState.DONE, 2)


def test_an_item_that_kills_whoever_works_it_off_is_in_nobodys_way_and_ends_with_a_person(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = told(market)

    def killed(_: InboundEvent) -> None:
        raise KilledError("out of memory")

    monkeypatch.setattr(understand, "handler_for", lambda kind: killed)
    for _ in range(MOST_ATTEMPTS):
        InboundEvent.objects.update(received_at=now() - timedelta(minutes=1))
        with pytest.raises(KilledError):
            inbound_process(event_id=event.pk)
        # Its place at the head of the queue is lost, so that what came after it has its turn.
        assert event.pk not in inbound_due()
    assert inbound_process(event_id=event.pk) is False
    event.refresh_from_db()
    assert (event.state, event.last_error) == (InboxState.FAILED, understand.NO_END)
    assert Alert.objects.filter(kind="inbound.failed", object_id=str(event.pk)).exists()


def test_one_accounts_backlog_that_must_wait_again_and_again_keeps_no_other_accounts_item_waiting(
    market: Market,
) -> None:
    others = market.accounts["beta"]
    for number in range(3):
        body = f"sale|x{number}|e1".encode()
        headers = {"Authorization": market.accounts["alpha"].webhook_secret}
        inbox_receive(platform="alpha", account_id=market.accounts["alpha"].pk, headers=headers, body=body)
    headers = {"Authorization": others.webhook_secret}
    inbox_receive(platform="beta", account_id=others.pk, headers=headers, body=b"sale|y1|e1")
    market.accounts["alpha"].inbound.update(received_at=now() - timedelta(hours=1), not_before=now())
    others.inbound.update(received_at=now() - timedelta(minutes=1))
    assert inbound_due(limit=1) == [others.inbound.get().pk]
    # Also once it was put back itself: whoever waits for longest is next.
    others.inbound.update(not_before=now() - timedelta(seconds=1))
    assert inbound_due(limit=1) == [others.inbound.get().pk]


def test_it_alerts_at_the_last_attempt_and_not_before(market: Market) -> None:
    event = told(market)
    market.alpha.script["fetch_sale"] = [ZeroDivisionError("a fault of our own")] * MOST_ATTEMPTS
    for _ in range(MOST_ATTEMPTS - 1):
        inbound_process(event_id=event.pk)
    assert not Alert.objects.filter(kind="inbound.failed").exists()


def test_a_retry_works_it_off_and_closes_the_alerts(market: Market) -> None:
    event = given_up(market)
    assert inbound_retry(actor=market.holding.actor, event_id=event.pk).state == InboxState.RECEIVED
    # A sale that is not found so long after it was announced does not exist.
    InboundEvent.objects.update(received_at=now() - INDEXED_WITHIN)
    assert inbound_process(event_id=event.pk)
    assert set(Alert.objects.filter(kind="inbound.failed").values_list("state", flat=True)) == {AlertState.RECOVERED}
    assert AuditEntry.objects.filter(verb="inbound.retry", object_id=str(event.pk)).count() == 1


def test_a_retry_is_for_what_was_given_up_and_for_its_own_people(market: Market) -> None:
    event = given_up(market)
    for stranger in (market.holding.other, market.holding.outsider, market.holding.co_owner):
        with pytest.raises(NotFound):
            inbound_retry(actor=stranger, event_id=event.pk)
    inbound_retry(actor=market.holding.staff, event_id=event.pk)
    with pytest.raises(Conflict):
        inbound_retry(actor=market.holding.actor, event_id=event.pk)


def test_the_page_offers_it_and_queues_it(market: Market) -> None:
    event = given_up(market)
    client = Client()
    client.force_login(market.holding.user)
    page, again = reverse("marketplaces:account_list"), reverse("marketplaces:inbound_retry", args=[event.pk])
    assert again in client.get(page).content.decode()
    assert "It is being tried again." in client.post(again, follow=True).content.decode()
    assert again not in client.get(page).content.decode()
    assert "The item is received." in client.post(again, follow=True).content.decode()


def test_the_accounts_page_hears_of_every_step_so_that_its_figures_are_those_of_its_rows(
    market: Market, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    event = told(market)

    def heard() -> int:
        every = LiveEvent.objects.filter(type=LiveType.ACCOUNT_CHANGED, object_id=str(event.account_id))
        return every.filter(user_id=market.holding.user.pk).count()

    def waits(page: str) -> bool:
        return "<dt>Waiting</dt><dd>1</dd>" in page

    client, before = browser(market.holding.user), heard()
    url = reverse("listings:account_detail", args=[event.account_id])
    assert waits(client.get(url).text)
    market.alpha.script["fetch_sale"] = [TemporaryError("503"), ZeroDivisionError("ours"), GrantExpired("over")]
    for step in (1, 2, 3):
        with django_capture_on_commit_callbacks(execute=True):
            inbound_process(event_id=event.pk)
        assert heard() == before + step
    InboundEvent.objects.update(received_at=now() - INDEXED_WITHIN)
    with django_capture_on_commit_callbacks(execute=True):
        assert inbound_process(event_id=event.pk)
    assert (heard(), waits(client.get(url).text)) == (before + 4, False)
    with django_capture_on_commit_callbacks(execute=True):
        inbound_replay(actor=market.holding.actor, event_id=event.pk)
    # Tasks run at once here: it is worked off when it is asked for.
    assert (heard(), waits(client.get(url).text)) == (before + 5, False)


def test_waiting_for_the_holder_is_no_failure(market: Market) -> None:
    event = told(market)
    market.alpha.script["fetch_sale"] = [GrantExpired("401")] * 40
    for _ in range(MOST_ATTEMPTS + 1):
        inbound_process(event_id=event.pk)
    event.refresh_from_db()
    assert (event.state, event.attempts) == (InboxState.RECEIVED, 0)


def test_what_waited_for_the_holder_is_due_as_soon_as_he_has_connected_it_again(market: Market) -> None:
    event = told(market)
    market.alpha.script["fetch_sale"] = [GrantExpired("401")] * 2
    inbound_process(event_id=event.pk)
    InboundEvent.objects.update(received_at=now() - timedelta(minutes=1))
    assert inbound_due() == []
    grant = Grant("by-hand", account_id=market.accounts["alpha"].account_id)
    account_keep(actor=market.holding.actor, platform="alpha", mode="paper", grant=grant)
    assert inbound_due() == [event.pk]
