"""A marketplace that repeats what it was sent in its refusals: no credential reaches a column, a log or an alert."""

import base64
import json
import logging
from abc import ABC
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from inspect import isfunction, signature
from urllib.parse import quote

import httpx
import pytest
from django.db import connection

from listings.services.payouts import accounts_sync_payouts
from listings.services.publish import listing_publish
from listings.services.reconcile import accounts_reconcile_due
from listings.services.stock import stock_order
from listings.services.sync import account_poll
from marketplaces.adapters._platform import Platform
from marketplaces.contracts import Capability, Grant
from marketplaces.errors import MarketplaceError
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_get, adapter_list, platform_can
from marketplaces.services import links
from marketplaces.services.connect import connect_token, webhook_register_late
from marketplaces.services.inbox import inbox_receive
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput
from tests.builders import Holding
from tests.listings.selling import connected
from tests.listings.simulated import work

pytestmark = pytest.mark.django_db
ALL = ["stubhub", "seatgeek", "vividseats", "ticketmaster", "gametime"]
TOKEN, REFRESH, HOOK = "tok/en+of=the/holder", "ref/resh+of=the/holder", "hook/secret+of=ours"
LINES = {"gametime": ("ftp-user-of-his", "pw1"), "vividseats": (), "seatgeek": ()}
OURS = "seatsync-paper-secret"


class Repeats(SimulatorTransport):
    """Refuses everything, and says all that it was sent, and all that it knows of the account, in several ways."""

    def __init__(self, simulator: Simulator, status: int, secrets: list[str]) -> None:
        super().__init__(simulator)
        self._status, self._secrets = status, secrets

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """A refusal."""
        if "/_sim/" in request.url.path:
            return super().handle_request(request)
        sent = [str(request.url), request.headers.get("authorization", ""), request.read().decode(errors="replace")]
        said = [one for ways in map(_ways, self._secrets) for one in ways]
        # The limit of an error's length lies in the middle of the first.
        message = f"{'x' * 283} {' '.join(said)} {' '.join(sent)}"
        again = {"code": "x", "message": message, "error": message, "errors": {}, "success": False, "title": message}
        return httpx.Response(self._status, json=again)


def _ways(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode()
    yield base64.b64encode(f"his:{secret}".encode()).decode()


def _told(secrets: list[str]) -> list[str]:
    """The columns that say one of these, or the beginning of one, in whatever way."""
    looked_for = {way[:10] for secret in secrets for way in _ways(secret)}
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'public'"
            " and data_type in ('text', 'character varying', 'jsonb')"
        )
        for table, column in cursor.fetchall():
            for text in looked_for:
                cursor.execute(f'select 1 from "{table}" where "{column}"::text like %s limit 1', [f"%{text}%"])
                if cursor.fetchone():
                    found.add(f"{table}.{column}")
    return sorted(found)


def _held(holding: Holding, platform: str) -> tuple[MarketplaceAccount, list[str]]:
    """An account there, and all that is secret of it."""
    account = connected(holding, platform)
    lines = (TOKEN, *LINES.get(platform, ()))
    account.access_token, account.webhook_secret = "\n".join(lines), HOOK
    secrets = [*lines, HOOK]
    if adapter_get(platform).traits.auth == "oauth2":
        account.refresh_token = REFRESH
        secrets += [REFRESH, OURS]
    account.save()
    return account, secrets


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("platform", ALL)
def test_no_column_and_no_log_says_it(
    simulator: Simulator, holding: Holding, platform: str, status: int, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Commands, polls, sweeps, what it holds, payouts, its webhook, and a grant that is renewed."""
    account, secrets = _held(holding, platform)
    listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    assert _told(secrets) == []
    monkeypatch.setattr(links, "transport_override", Repeats(simulator, status, secrets))
    caplog.set_level(logging.INFO)

    webhook_register_late(account.pk)
    work()
    account_poll(account)
    accounts_reconcile_due()
    stock_order(account.pk)
    work()
    accounts_sync_payouts()
    MarketplaceAccount.objects.filter(pk=account.pk).update(
        needs_reconnect=False, expires_at=now() - timedelta(minutes=1)
    )
    account.refresh_from_db()
    account_poll(account)

    account.refresh_from_db()
    assert account.last_error
    assert _told(secrets) == []
    assert not [way[:10] for secret in secrets for way in _ways(secret) if way[:10] in caplog.text]


@pytest.mark.parametrize("platform", ["seatgeek", "vividseats", "gametime"])
def test_who_connects_is_not_told_it(
    simulator: Simulator, holding: Holding, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "\n".join((TOKEN, *LINES[platform]))
    monkeypatch.setattr(links, "transport_override", Repeats(simulator, 401, token.splitlines()))
    with pytest.raises(InvalidInput) as refused:
        connect_token(actor=holding.actor, platform=platform, mode="paper", token=token)
    assert not [way for line in token.splitlines() for way in _ways(line) if way[:10] in str(refused.value)]


@pytest.mark.parametrize("platform", ALL)
def test_what_it_is_asked_with_is_left_out_too(
    simulator: Simulator, holding: Holding, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code of consent and its proof; a webhook's secret."""
    given = "given/with+the=call"
    monkeypatch.setattr(links, "transport_override", Repeats(simulator, 400, [given]))
    adapter, link = adapter_get(platform), links.bare_link(platform, "paper", Grant(TOKEN))
    with pytest.raises(MarketplaceError) as refused:
        adapter.connect(link, code=given, redirect_uri="https://seatsync.test/back", code_verifier=given)
    _says_nothing_of(refused.value, [TOKEN, OURS, given] if adapter.traits.auth == "oauth2" else [TOKEN])
    if platform_can(platform, Capability.REGISTER_WEBHOOK):
        with pytest.raises(MarketplaceError) as refused:
            adapter.register_webhook(link, url="https://seatsync.test/hook", secret=given)
        _says_nothing_of(refused.value, [TOKEN, given])


def test_every_call_over_a_line_is_guarded() -> None:
    """An adapter that is no Platform, or gets round it, would let its errors out as they are."""
    for adapter in adapter_list():
        kinds = [kind for kind in type(adapter).__mro__ if kind not in {Platform, ABC, object}]
        calls = {name: call for kind in reversed(kinds) for name, call in vars(kind).items() if isfunction(call)}
        over = {name for name, call in calls.items() if name[0] != "_" and "link" in signature(call).parameters}
        assert {"create", "fetch", "sales_since", "connect"} <= over
        assert [name for name in over if not hasattr(calls[name], "__wrapped__")] == []


def _says_nothing_of(error: BaseException, secrets: list[str]) -> None:
    behind: BaseException | None = error
    while behind is not None:
        for way in (way for secret in secrets for way in _ways(secret)):
            assert way[:10] not in str(behind)
        behind = behind.__cause__ or behind.__context__


def test_a_delivery_that_is_not_understood_logs_no_secret(
    holding: Holding, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, simulator: Simulator
) -> None:
    account, _ = _held(holding, "stubhub")

    def unreadable(_headers: object, body: bytes) -> None:
        raise ValueError(body.decode())

    monkeypatch.setattr(adapter_get("stubhub"), "parse_webhook", unreadable)
    body = json.dumps({"again": [TOKEN, REFRESH, HOOK]}).encode()
    assert inbox_receive(platform="stubhub", account_id=account.pk, headers={"Authorization": HOOK}, body=body) == 1
    assert "inbox.unreadable" in caplog.text
    assert not [secret for secret in (TOKEN, REFRESH, HOOK) if secret in caplog.text]
