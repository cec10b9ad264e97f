"""Rotating the encryption key: all is read with the new key alone, and a run that was cut off is gone on with."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, models
from pytest_django import Settings

from marketplaces.models import ConnectAttempt, MarketplaceAccount
from seatsync.core import crypto, rotation
from seatsync.core.audit import subject_cipher
from seatsync.core.locks import transaction_open
from seatsync.core.models import SubjectKey
from seatsync.core.rotation import Column, Rotation, columns, keys_rotate
from seatsync.settings.safety import INSECURE_ENCRYPTION_KEY
from tests.builders import Holding, build_holding

pytestmark = pytest.mark.django_db
SECRETS = ("an access token", "a refresh token", "a webhook's secret")


@pytest.fixture
def holding(db: None) -> Holding:
    return build_holding()


@pytest.fixture
def accounts(holding: Holding) -> list[MarketplaceAccount]:
    ConnectAttempt.objects.create(
        tenant=holding.ticket.tenant, user=holding.user, platform="stubhub", mode="paper", state="s", code_verifier="v"
    )
    return [
        MarketplaceAccount.objects.create(
            tenant=holding.ticket.tenant, user=holding.user, platform=platform, access_token=SECRETS[0],
            refresh_token=SECRETS[1], webhook_secret=SECRETS[2] if platform == "alpha" else "",
        )
        for platform in ("alpha", "beta", "gamma")
    ]  # fmt: skip


def secrets_of(account: MarketplaceAccount) -> tuple[str, str, str]:
    account.refresh_from_db()
    return account.access_token, account.refresh_token, account.webhook_secret


def rotated(*arguments: str) -> str:
    said = StringIO()
    call_command("rotate_encryption_key", *arguments, stdout=said)
    return said.getvalue()


def test_every_column_that_the_key_itself_encrypts_is_walked_over() -> None:
    walked = {str(column) for column in columns()}
    assert walked >= {
        "marketplace_accounts.access_token",
        "connect_attempts.code_verifier",
        "subject_keys.key_encrypted",
    }
    # Bytes lie under a subject's key; a text that is named as encrypted, or is by itself, lies under this one.
    texts = {
        f"{model._meta.db_table}.{item.name}"
        for model in apps.get_models()
        for item in model._meta.concrete_fields
        if isinstance(item, crypto.EncryptedTextField)
        or (isinstance(item, models.TextField) and item.name.endswith("_encrypted"))
    }
    assert texts == walked


def test_afterwards_the_old_key_is_needed_no_more(
    holding: Holding, accounts: list[MarketplaceAccount], settings: Settings
) -> None:
    cipher = subject_cipher(holding.user.pk)
    assert cipher is not None
    sealed = cipher.encrypt(b"a body")
    old, new = settings.ENCRYPTION_KEYS, crypto.new_key()
    settings.ENCRYPTION_KEYS = [new, *old]
    with pytest.raises(CommandError, match="older key is still needed"):
        rotated("--check")
    said = rotated()
    assert "marketplace_accounts.access_token: 3 rows, 3 encrypted anew, 0 unreadable" in said
    assert "marketplace_accounts.webhook_secret: 1 rows, 1 encrypted anew, 0 unreadable" in said
    settings.ENCRYPTION_KEYS = [new]
    assert secrets_of(accounts[0]) == SECRETS
    assert secrets_of(accounts[1]) == (*SECRETS[:2], "")
    assert ConnectAttempt.objects.get().code_verifier == "v"
    again = subject_cipher(holding.user.pk)
    assert again is not None
    assert again.decrypt(sealed) == b"a body"
    assert "0 to encrypt anew" in rotated("--check")
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token FROM marketplace_accounts")
        assert not any(SECRETS[0] in stored for (stored,) in cursor.fetchall())


def test_a_token_that_is_renewed_while_its_row_is_looked_at_stays(
    accounts: list[MarketplaceAccount], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh token is good once: the one before it, put back, would end the grant."""
    settings.ENCRYPTION_KEYS = [crypto.new_key(), *settings.ENCRYPTION_KEYS]
    real = rotation._renew

    def after_a_refresh(one: Rotation, pk: Any, *rest: Any, write: bool) -> None:
        if (one.column.name, pk) == ("refresh_token", accounts[0].pk):
            MarketplaceAccount.objects.filter(pk=pk).update(refresh_token="the next one")
        real(one, pk, *rest, write=write)

    monkeypatch.setattr(rotation, "_renew", after_a_refresh)
    keys_rotate()
    assert [secrets_of(one)[1] for one in accounts] == ["the next one", SECRETS[1], SECRETS[1]]


def test_an_account_that_is_waited_for_holds_up_no_other(
    accounts: list[MarketplaceAccount], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever renews a grant has the account's row until its marketplace answers."""
    settings.ENCRYPTION_KEYS = [crypto.new_key(), *settings.ENCRYPTION_KEYS]
    real, kept = rotation._renew, list[bool]()

    def looked_at(*arguments: Any, write: bool) -> None:
        kept.append(transaction_open())
        real(*arguments, write=write)

    monkeypatch.setattr(rotation, "_renew", looked_at)
    keys_rotate()
    assert len(kept) >= 3 * len(accounts) - 2
    assert not any(kept)


def test_a_run_that_is_cut_off_is_gone_on_with(accounts: list[MarketplaceAccount], settings: Settings) -> None:
    new = crypto.new_key()
    settings.ENCRYPTION_KEYS = [new, *settings.ENCRYPTION_KEYS]

    def cut(one: Rotation) -> None:
        if one.old == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keys_rotate(batch=1, on_batch=cut)
    done = [one for one in keys_rotate() if one.column.name == "access_token"]
    assert [(one.rows, one.old) for one in done] == [(3, 1)]
    settings.ENCRYPTION_KEYS = [new]
    assert {secrets_of(account)[0] for account in accounts} == {SECRETS[0]}


def test_what_is_changed_meanwhile_is_left_to_its_writer(
    accounts: list[MarketplaceAccount], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENCRYPTION_KEYS = [crypto.new_key(), *settings.ENCRYPTION_KEYS]
    first, read = accounts[0], rotation._batches

    def overtaken(column: Column, size: int) -> Iterator[list[tuple[Any, str]]]:
        for rows in read(column, size):
            MarketplaceAccount.objects.filter(pk=first.pk).update(access_token="a newer one")
            yield rows

    monkeypatch.setattr(rotation, "_batches", overtaken)
    keys_rotate()
    assert secrets_of(first)[0] == "a newer one"


def test_what_no_key_opens_is_named_and_the_rest_is_done(
    holding: Holding, accounts: list[MarketplaceAccount], settings: Settings
) -> None:
    SubjectKey.objects.filter(subject=holding.user.pk).delete()
    lost = SubjectKey.objects.create(subject=holding.user.pk, key_encrypted="gAAAA")
    new = crypto.new_key()
    settings.ENCRYPTION_KEYS = [new, *settings.ENCRYPTION_KEYS]
    with pytest.raises(CommandError, match=rf"subject_keys.key_encrypted of {lost.pk}\. Put the key back"):
        rotated()
    settings.ENCRYPTION_KEYS = [new]
    assert secrets_of(accounts[0]) == SECRETS


def test_what_was_begun_under_the_published_key_needs_no_more_than_a_key_of_its_own(
    accounts: list[MarketplaceAccount], settings: Settings
) -> None:
    """ENCRYPTION_KEY refuses the published one in every environment, also behind another."""
    settings.ENCRYPTION_KEYS = [INSECURE_ENCRYPTION_KEY]
    MarketplaceAccount.objects.filter(pk=accounts[0].pk).update(access_token="of the demo", refresh_token="")
    settings.ENCRYPTION_KEYS = [crypto.new_key()]
    SubjectKey.objects.all().delete()
    ConnectAttempt.objects.all().delete()
    MarketplaceAccount.objects.exclude(pk=accounts[0].pk).update(
        access_token="new", refresh_token="", webhook_secret=""
    )
    MarketplaceAccount.objects.filter(pk=accounts[0].pk).update(webhook_secret="new")
    with pytest.raises(CommandError, match="older key is still needed"):
        rotated("--check")
    said = rotated()
    assert "access_token: 3 rows, 1 encrypted anew, 0 unreadable" in said
    assert "1 of them lay under the published key of development" in said
    assert secrets_of(accounts[0])[0] == "of the demo"
    assert "published" not in rotated("--check")


def test_a_key_that_was_destroyed_stays_so(holding: Holding, settings: Settings) -> None:
    SubjectKey.objects.update_or_create(subject=holding.user.pk, defaults={"key_encrypted": ""})
    settings.ENCRYPTION_KEYS = [crypto.new_key(), *settings.ENCRYPTION_KEYS]
    rotated()
    assert SubjectKey.objects.get(subject=holding.user.pk).key_encrypted == ""


def test_who_reads_what_no_key_opens_is_told_what_to_do(accounts: list[MarketplaceAccount], settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [crypto.new_key()]
    with pytest.raises(crypto.InvalidToken, match="Put the key back that it was encrypted with"):
        accounts[0].refresh_from_db()


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(CommandError, match="from 1"):
        rotated("--batch", "0")
