"""The inbox: everything authentic is stored raw under its holder's key, whatever it is, in a few steps."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from threading import Event, Thread

import orjson
import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from marketplaces.contracts import Notice, NoticeKind
from marketplaces.errors import TemporaryError
from marketplaces.locks import accounts_locked
from marketplaces.mails import LARGEST
from marketplaces.models import InboundDelivery, InboundEvent, MarketplaceAccount
from marketplaces.selectors import delivery_body, inbound_body, inbound_headers
from marketplaces.services import inbox
from marketplaces.services.connect import connect_assisted
from marketplaces.services.inbox import dedupe_key, inbox_receive
from marketplaces.services.links import over_link
from marketplaces.services.understand import inbound_process
from seatsync.accounts.models import User
from seatsync.core import crypto, locks
from seatsync.core.audit import subject_key_destroy
from seatsync.core.clock import now
from seatsync.core.errors import NotFound
from seatsync.live.models import Alert
from seatsync.tenants.models import Tenant
from tests.builders import Holding, build_holding, verified_client
from tests.marketplaces.conftest import fixture

pytestmark = pytest.mark.django_db
TOKEN = "sg-token"


@pytest.fixture
def holding() -> Holding:
    return build_holding()


@pytest.fixture
def account(holding: Holding) -> MarketplaceAccount:
    return MarketplaceAccount.objects.create(
        tenant=holding.ticket.tenant, user=holding.user, platform="seatgeek", access_token=TOKEN, webhook_secret=TOKEN
    )


def receive(account: MarketplaceAccount, body: bytes, **headers: str) -> int:
    """A delivery to SeatGeek's door."""
    given = {"Authorization": f"Bearer {TOKEN}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return inbox_receive(platform=account.platform, account_id=account.pk, headers=given, body=body)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe{\x00",
        b"",
        b"not json",
        b'{"data": [[[',
        b"[" * 100_000,
        b'"\\ud800"',
        b'{"data": "\\u0000"}',
        b"null",
    ],
)
def test_i21_what_cannot_be_read_is_stored_as_it_came_and_told(account: MarketplaceAccount, body: bytes) -> None:
    assert receive(account, body) == 1
    event = InboundEvent.objects.get()
    assert (inbound_body(event), event.kind) == (body, "unknown")
    assert inbound_process(event_id=event.pk)
    assert Alert.objects.get(kind="marketplace.notice").user_id == account.user_id


def test_words_that_no_text_column_takes_are_replaced_and_the_bytes_stay(account: MarketplaceAccount) -> None:
    body = b'{"metadata": {"notification_type": "order.created"}, "data": {"id": "a\\u0000b\\ud800"}}'
    assert receive(account, body) == 1
    event = InboundEvent.objects.get()
    assert (event.kind, event.resource_id) == ("sale", "a\N{REPLACEMENT CHARACTER}b?")
    assert inbound_body(event) == body


def test_a_batch_is_a_row_an_item_in_its_own_bytes_and_the_delivery_once(account: MarketplaceAccount) -> None:
    body = (
        b'\xef\xbb\xbf{"metadata": {"notification_type": "order.created", "notification_id": "n-1"}, "sent"'
        b' : [1, {}],\n "data" :\t[ {"id":"G1",  "price": 84.125, "note": "], \\" {"} ,{"id": "G2", "price": 1e2}\n] }'
    )
    assert receive(account, body) == 2
    events = list(InboundEvent.objects.order_by("resource_id"))
    assert [inbound_body(event) for event in events] == [
        b'{"id":"G1",  "price": 84.125, "note": "], \\" {"}', b'{"id": "G2", "price": 1e2}',
    ]  # fmt: skip
    delivery = InboundDelivery.objects.get()
    assert {event.delivery_id for event in events} == {delivery.pk}
    assert delivery_body(delivery) == body


def test_i21_a_delivery_of_one_item_is_kept_once(account: MarketplaceAccount) -> None:
    body = fixture("seatgeek", "order_created")
    assert [receive(account, body), receive(account, body)] == [1, 0]
    event = InboundEvent.objects.get()
    assert (inbound_body(event), event.duplicates, event.delivery) == (body, 1, None)
    assert event.tenant_id == account.tenant_id


def test_i21_a_batch_that_is_partly_known_adds_what_is_new(account: MarketplaceAccount) -> None:
    def batch(*ids: str) -> bytes:
        items = [{"id": name} for name in ids]
        return json.dumps({"metadata": {"notification_type": "order.created"}, "data": items}).encode()

    assert receive(account, batch("A", "B")) == 2
    assert receive(account, batch("B", "C", "C")) == 1
    assert dict(InboundEvent.objects.values_list("resource_id", "duplicates")) == {"A": 0, "B": 1, "C": 0}


def test_i21_long_delivery_ids_that_begin_alike_are_not_taken_for_each_other(account: MarketplaceAccount) -> None:
    def body(delivery: str) -> bytes:
        said = {"notification_type": "order.created", "notification_id": delivery}
        return json.dumps({"metadata": said, "data": {"id": "A"}}).encode()

    assert [receive(account, body("x" * 130 + end)) for end in "aba"] == [1, 1, 0]


def test_a_delivery_for_a_disconnected_account_is_refused_and_nothing_is_stored(account: MarketplaceAccount) -> None:
    MarketplaceAccount.objects.filter(pk=account.pk).update(is_active=False)
    with pytest.raises(NotFound):
        receive(account, fixture("seatgeek", "order_created"))
    account.refresh_from_db()
    assert (account.last_webhook_at, account.rejected_webhooks) == (None, 0)
    assert not InboundEvent.objects.exists()
    assert not InboundDelivery.objects.exists()


def test_every_header_is_kept_but_those_that_carry_a_secret(account: MarketplaceAccount) -> None:
    receive(account, fixture("seatgeek", "ping"), Cookie="c=1", X_Delivery="7", User_Agent="SG", X_Odd="\udcff")
    event = InboundEvent.objects.get()
    assert inbound_headers(event) == {"x-delivery": "7", "user-agent": "SG", "x-odd": "?"}


def test_a_signature_is_not_kept_with_what_it_signs(account: MarketplaceAccount) -> None:
    """Ticketmaster's: whoever read both could try secrets against them, and send the delivery again as its own."""
    MarketplaceAccount.objects.update(platform="ticketmaster", webhook_secret="signs")
    account.refresh_from_db()
    body = fixture("ticketmaster", "ping")
    proof = f"sha256={hmac.new(b'signs', body, hashlib.sha256).hexdigest()}"
    given = {"X-Resale-Signature": proof, "X-Delivery": "7"}
    inbox_receive(platform="ticketmaster", account_id=account.pk, headers=given, body=body)
    assert inbound_headers(InboundEvent.objects.get()) == {"x-delivery": "7"}


def test_nothing_of_a_destroyed_subject_can_be_read_and_later_deliveries_lie_empty(account: MarketplaceAccount) -> None:
    receive(account, fixture("seatgeek", "order_created"), X_Delivery="7")
    subject_key_destroy(subject=account.user_id)
    receive(account, b"later")
    for event in InboundEvent.objects.all():
        assert (inbound_body(event), inbound_headers(event)) == (None, None)
    assert bytes(InboundEvent.objects.get(topic="unreadable").body_encrypted) == b""


def test_the_rows_hold_no_plain_text(account: MarketplaceAccount) -> None:
    receive(account, fixture("seatgeek", "order_created"), X_Delivery="hello-there")
    event = InboundEvent.objects.get()
    assert b"G1-88412" not in bytes(event.body_encrypted)
    assert b"hello" not in bytes(event.headers_encrypted)


def test_i21_the_steps_of_a_delivery_do_not_grow_with_its_items(account: MarketplaceAccount) -> None:
    def queries(count: int) -> int:
        items = [{"id": f"{count}-{number}"} for number in range(count)]
        body = json.dumps({"metadata": {"notification_type": "order.created"}, "data": items}).encode()
        with CaptureQueriesContext(connection) as caught:
            assert receive(account, body) == count
        return len(caught)

    receive(account, fixture("seatgeek", "ping"))
    assert queries(2) == queries(200)


@pytest.fixture
def being_refreshed(default_tenant: Tenant) -> Iterator[tuple[MarketplaceAccount, Event]]:
    """An account whose row another worker holds, while the marketplace is slow to answer, until the event is set."""
    holding = build_holding()
    account = MarketplaceAccount.objects.create(
        tenant=holding.ticket.tenant, user=holding.user, platform="seatgeek", access_token=TOKEN, webhook_secret=TOKEN,
        expires_at=now(),
    )  # fmt: skip
    held, done = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            accounts_locked().get(pk=account.pk)
            held.set()
            done.wait(60)
        connection.close()

    holder = Thread(target=hold)
    holder.start()
    try:
        assert held.wait(60)
        yield account, done
    finally:
        done.set()
        holder.join()


@pytest.mark.django_db(transaction=True)
def test_who_waits_too_long_for_anothers_refresh_tries_again_later(
    being_refreshed: tuple[MarketplaceAccount, Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_TIMEOUT_MS", 50)
    account, _ = being_refreshed
    with pytest.raises(TemporaryError, match="renewing"):
        over_link(account, lambda link: link)


@pytest.mark.django_db(transaction=True)
def test_i21_the_door_does_not_wait_for_an_account_that_is_being_refreshed(
    being_refreshed: tuple[MarketplaceAccount, Event],
) -> None:
    account, done = being_refreshed
    assert receive(account, fixture("seatgeek", "ping")) == 1
    account.refresh_from_db()
    assert account.last_webhook_at is None
    done.set()
    with transaction.atomic():
        accounts_locked().get(pk=account.pk)
    receive(account, fixture("seatgeek", "order_created"))
    account.refresh_from_db()
    assert account.last_webhook_at is not None


def test_what_was_received_before_is_readable_after_the_move_and_back(account: MarketplaceAccount) -> None:
    receive(account, fixture("seatgeek", "ping"))  # of the new kind, so that going back is seen too
    executor = MigrationExecutor(connection)
    newest = [node for node in executor.loader.graph.leaf_nodes() if node[0] in {"marketplaces", "listings"}]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    old = executor.migrate([("marketplaces", "0001_initial")]).apps
    event = old.get_model("marketplaces", "InboundEvent").objects.get()
    assert event.body.encode() == fixture("seatgeek", "ping")
    event.body, event.headers = "Ärger|1", orjson.dumps({"x-request-id": "r"}).decode()
    event.save()
    MigrationExecutor(connection).migrate(newest)
    moved = InboundEvent.objects.get()
    assert inbound_body(moved) == "Ärger|1".encode()
    assert inbound_headers(moved) == {"x-request-id": "r"}
    assert moved.tenant_id == account.tenant_id
    with pytest.raises(crypto.InvalidToken):
        crypto.fernet().decrypt(bytes(moved.body_encrypted))


def staff_client(tenant: Tenant) -> Client:
    user = User.objects.create_superuser("root@example.com", "a-long-password-1")
    assert tenant.is_default
    return verified_client(user)


def test_staff_read_it_while_the_key_lives_and_nobody_changes_it(account: MarketplaceAccount) -> None:
    receive(account, b'\xff {"order": "G1"}', X_Delivery="7")
    event = InboundEvent.objects.get()
    client, url = staff_client(account.tenant), reverse("admin:marketplaces_inboundevent_change", args=[event.pk])

    def page() -> str:
        return client.get(url).content.decode()

    assert "\\xff {&quot;order&quot;: &quot;G1&quot;}" in page()
    assert "x-delivery: 7" in page()
    assert client.post(url, {"topic": "x"}).status_code == 403
    subject_key_destroy(subject=account.user_id)
    assert "key was destroyed" in page()
    assert "G1" not in page()


def test_i21_an_item_is_queued_when_it_is_stored_and_not_understood_at_the_door(
    account: MarketplaceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[object] = []
    monkeypatch.setattr(inbox, "enqueue_on_commit", lambda path, **given: queued.append((path, given)))
    receive(account, fixture("seatgeek", "order_created"))
    receive(account, fixture("seatgeek", "order_created"))
    event = InboundEvent.objects.get()
    assert queued == [("marketplaces.tasks.process_inbound", {"event_ids": [str(event.pk)]})]
    assert (event.state, event.attempts, event.processed_at) == ("received", 0, None)


def test_i21_the_same_delivery_to_two_accounts_is_two(account: MarketplaceAccount) -> None:
    other = MarketplaceAccount.objects.create(
        tenant=account.tenant, user=User.objects.get(email="other@example.com"), platform="seatgeek",
        access_token=TOKEN, webhook_secret=TOKEN,
    )  # fmt: skip
    body = fixture("seatgeek", "order_created")
    assert [receive(account, body), receive(other, body)] == [1, 1]
    assert {event.account_id for event in InboundEvent.objects.all()} == {account.pk, other.pk}


def test_i21_two_deliveries_without_an_id_are_one_only_where_all_they_say_is_the_same() -> None:
    first = Notice(NoticeKind.SALE, topic="sales", action="created", resource_id="1", body=b"a")
    others = [
        replace(first, topic="orders"), replace(first, action="updated"), replace(first, resource_id="2"),
        replace(first, body=b"b"),
    ]  # fmt: skip
    assert dedupe_key(first) == dedupe_key(replace(first))
    assert len({dedupe_key(notice) for notice in (first, *others)}) == 5


def mail_of(size: int) -> bytes:
    """A sale's mail with so much attached."""
    mail = b"Subject: You sold 2 tickets\n\nYou sold 2 tickets\nOrder 12345678\n"
    return mail + b"=" * (size - len(mail))


def forwarded(holding: Holding, size: int, secret: str | None = None) -> tuple[MarketplaceAccount, int]:
    """An assisted account, and what the door answers to a mail of `size` bytes."""
    account = connect_assisted(actor=holding.actor, platform="seatgeek")
    door = reverse("marketplace_webhook", args=["seatgeek", account.pk])
    headers = {"Authorization": f"Bearer {secret or account.webhook_secret}"}
    answer = Client().generic("POST", door, mail_of(size), content_type="message/rfc822", headers=headers)
    return account, answer.status_code


def test_a_mail_may_be_forwarded_as_large_as_it_may_be_uploaded(holding: Holding) -> None:
    assert django_settings.MAIL_LARGEST_BODY == LARGEST
    account, status = forwarded(holding, LARGEST)
    assert (status, account.inbound.get().kind, Alert.objects.filter(kind="mail.too_large").count()) == (200, "sale", 0)


def test_who_forwards_a_larger_mail_is_told_of_it(holding: Holding) -> None:
    account, status = forwarded(holding, LARGEST + 1)
    assert (status, account.inbound.exists()) == (413, False)
    assert forwarded(holding, LARGEST + 1)[1] == 413
    told = Alert.objects.get(kind="mail.too_large")
    assert (told.user_id, told.severity, "2,000,001 bytes" in told.body) == (account.user_id, "critical", True)


def test_a_stranger_tells_nobody_of_a_large_mail(holding: Holding) -> None:
    assert forwarded(holding, LARGEST + 1, secret="a guess")[1] == 401
    assert not Alert.objects.filter(kind="mail.too_large").exists()
