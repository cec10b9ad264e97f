"""Live events, the socket, alerts and their deliveries."""

import asyncio
import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.core import mail
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from seatsync.asgi import application
from seatsync.core.clock import now
from seatsync.core.errors import NotFound
from seatsync.core.limiters import valkey
from seatsync.live import deliver
from seatsync.live.alerts import alert_acknowledge, alert_raise, alert_recover, alerts_raise
from seatsync.live.events import LiveType
from seatsync.live.models import Alert, AlertDelivery, LiveEvent
from seatsync.live.publish import publish
from seatsync.live.selectors import alerts_open, events_purge, events_since
from seatsync.live.tickets import ticket_issue, ticket_redeem
from tests.builders import build_holding

ME, YOU, TENANT = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()


def say(user_id: uuid.UUID, object_id: str = "1") -> None:
    publish(tenant_id=TENANT, user_ids=[user_id], kind=LiveType.LISTING_CHANGED, object_id=object_id)


@pytest.mark.django_db(transaction=True)
def test_events_are_numbered_without_gaps_and_only_after_commit() -> None:
    with transaction.atomic():
        say(ME)
        assert LiveEvent.objects.count() == 0
    with transaction.atomic():
        say(ME)
        transaction.set_rollback(True)
    with transaction.atomic():
        say(ME)
        say(YOU)
    assert list(LiveEvent.objects.filter(user_id=ME).values_list("seq", flat=True)) == [1, 2]
    assert list(LiveEvent.objects.filter(user_id=YOU).values_list("seq", flat=True)) == [1]


@pytest.mark.django_db(transaction=True)
def test_two_writers_at_once_leave_no_gap() -> None:
    def work() -> None:
        for _ in range(10):
            with transaction.atomic():
                say(ME)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(LiveEvent.objects.filter(user_id=ME).values_list("seq", flat=True)) == list(range(1, 31))


@pytest.mark.django_db(transaction=True)
def test_what_was_missed_is_told_or_everything_must_be_fetched() -> None:
    for _ in range(3):
        say(ME)
    missed = events_since(ME, 1)
    assert missed is not None
    assert [message.seq for message in missed] == [2, 3]
    assert set(missed[0].as_json()) == {"seq", "type", "id", "version", "at"}
    LiveEvent.objects.filter(user_id=ME, seq=2).update(at=now() - timedelta(hours=25))
    assert events_purge() == 1
    assert events_since(ME, 1) is None
    assert events_since(ME, 99) is None
    assert events_since(ME, 3) == []


def test_a_ticket_is_good_once_for_half_a_minute() -> None:
    ticket = ticket_issue(ME)
    assert 0 < int(valkey().ttl(f"live-ticket:{ticket}")) <= 30
    assert [ticket_redeem(ticket), ticket_redeem(ticket), ticket_redeem("made-up"), ticket_redeem("")] == [
        ME, None, None, None,
    ]  # fmt: skip


def socket() -> WebsocketCommunicator:
    return WebsocketCommunicator(application, "/ws/live/", headers=[(b"origin", b"http://localhost")])


async def signed_in(user_id: uuid.UUID, last_seq: int | None = None) -> WebsocketCommunicator:
    line = socket()
    assert (await line.connect())[0]
    await line.send_json_to({"ticket": await sync_to_async(ticket_issue)(user_id), "last_seq": last_seq})
    assert (await line.receive_json_from())["type"] == "ready"
    return line


@pytest.mark.django_db(transaction=True)
async def test_one_hears_of_ones_own_and_of_nobody_elses() -> None:
    mine, yours = await signed_in(ME), await signed_in(YOU)
    await sync_to_async(say)(ME, "42")
    heard = await mine.receive_json_from(timeout=5)
    assert (heard["type"], heard["id"], heard["seq"]) == ("listing.changed", "42", 1)
    assert await yours.receive_nothing(timeout=0.2)
    await mine.disconnect()
    await yours.disconnect()


@pytest.mark.django_db(transaction=True)
async def test_a_line_that_was_cut_catches_up() -> None:
    for _ in range(2):
        await sync_to_async(say)(ME)
    line = await signed_in(ME, last_seq=1)
    assert (await line.receive_json_from())["seq"] == 2
    await line.disconnect()
    stale = await signed_in(ME, last_seq=77)
    assert (await stale.receive_json_from())["type"] == "refetch_all"
    await stale.disconnect()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("frame", ['{"ticket": "wrong"}', "{}", "no json", '{"ticket": 5}', '"x"', "y" * 5000])
async def test_without_a_good_ticket_the_line_is_closed(frame: str) -> None:
    line = socket()
    await line.connect()
    await line.send_to(text_data=frame)
    closed: dict[str, Any] = await line.receive_output(timeout=5)
    assert (closed["type"], closed["code"]) == ("websocket.close", 4401)


@pytest.mark.django_db(transaction=True)
async def test_who_does_not_sign_in_is_shown_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatsync.live.consumer.SIGN_IN_WITHIN_S", 0.05)
    line = socket()
    await line.connect()
    await asyncio.sleep(0.1)
    closed: dict[str, Any] = await line.receive_output(timeout=5)
    assert closed["code"] == 4401


# Alerts.
def raised(user_id: uuid.UUID, tenant_id: uuid.UUID, severity: str = "action") -> Alert:
    return alert_raise(
        tenant_id=tenant_id,
        user_id=user_id,
        kind="test",
        url="/alerts/",
        title="Look",
        body="Here.",
        severity=severity,
        dedupe_key="k",
    )


@pytest.mark.django_db
def test_of_several_who_are_told_one_may_have_it_open_already() -> None:
    holding = build_holding()
    people = [actor.user_id for actor in (holding.actor, holding.co_owner, holding.viewer) if actor.user_id]
    said: Any = {
        "tenant_id": holding.ticket.tenant_id,
        "kind": "test",
        "title": "Look",
        "url": "/",
        "dedupe_key": "one",
    }
    first = alert_raise(user_id=people[1], **said)
    with CaptureQueriesContext(connection) as alone:
        alerts_raise(user_ids=people, **{**said, "dedupe_key": "other", "severity": "critical"})
    told = alerts_raise(user_ids=people, **{**said, "severity": "critical"})
    assert [(alert.user_id, alert.count) for alert in told] == [(people[0], 1), (people[1], 2), (people[2], 1)]
    assert told[1].pk == first.pk
    assert Alert.objects.filter(dedupe_key="one").count() == 3
    deliveries = AlertDelivery.objects.filter(alert__dedupe_key="one").values_list("alert__user_id", "channel")
    assert sorted(deliveries) == sorted(
        [(people[0], "in_app"), (people[0], "mail"), (people[1], "in_app"), (people[2], "in_app"), (people[2], "mail")]
    )
    # Three people nobody has told yet: a savepoint around one insert, and one for how they are told.
    assert len(alone) == 4


@pytest.mark.django_db
def test_an_open_alert_is_counted_and_a_seen_one_raised_again() -> None:
    holding = build_holding()
    first = raised(holding.user.pk, holding.ticket.tenant_id)
    assert raised(holding.user.pk, holding.ticket.tenant_id).pk == first.pk
    first.refresh_from_db()
    assert (first.count, alerts_open(holding.actor).count()) == (2, 1)
    for stranger in (holding.other, holding.outsider, holding.co_owner, holding.staff):
        with pytest.raises(NotFound):
            alert_acknowledge(actor=stranger, alert_id=first.pk)
    alert_acknowledge(actor=holding.actor, alert_id=first.pk)
    assert alerts_open(holding.actor).count() == 0
    again = raised(holding.user.pk, holding.ticket.tenant_id)
    assert again.pk != first.pk
    assert alert_recover(user_id=holding.user.pk, dedupe_key="k") == 2
    assert alerts_open(holding.actor).count() == 0


@pytest.mark.django_db
def test_an_alert_that_needs_action_goes_by_mail_once() -> None:
    holding = build_holding()
    raised(holding.user.pk, holding.ticket.tenant_id)
    assert deliver.deliveries_send() == 1
    assert deliver.deliveries_send() == 0
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["owner@example.com"], "Look")
    assert AlertDelivery.objects.get(channel="mail").state == "sent"


@pytest.mark.django_db
def test_without_a_verified_address_nothing_is_sent_and_it_says_so() -> None:
    holding = build_holding()
    holding.user.email_verified_at = None
    holding.user.save()
    raised(holding.user.pk, holding.ticket.tenant_id)
    deliver.deliveries_send()
    assert (mail.outbox, AlertDelivery.objects.get(channel="mail").state) == ([], "no_address")


@pytest.mark.django_db
def test_mail_that_fails_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    holding = build_holding()
    raised(holding.user.pk, holding.ticket.tenant_id)

    def fail(*_: object) -> None:
        raise OSError("no mail server")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    deliver.deliveries_send()
    delivery = AlertDelivery.objects.get(channel="mail")
    assert (delivery.state, delivery.attempts, delivery.last_error) == ("pending", 1, "no mail server")
    assert delivery.not_before > now()


@pytest.mark.django_db
def test_a_hint_that_cannot_be_written_stops_nothing_else_that_waits_for_the_commit(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def broken(*_: Any) -> None:
        raise DatabaseError("the counter's row is locked")

    monkeypatch.setattr("seatsync.live.publish._send", broken)
    done: list[str] = []
    with django_capture_on_commit_callbacks(execute=True):
        publish(tenant_id=TENANT, user_ids=[ME], kind=LiveType.LISTING_CHANGED, object_id="x")
        transaction.on_commit(lambda: done.append("a job was sent"))
    assert done == ["a job was sent"]
