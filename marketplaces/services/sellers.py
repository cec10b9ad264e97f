"""Which seller an account is at its marketplace: the same one is connected once, whoever connects it.

Two connections of one seller would read each listing and each sale twice, and each would take the other's for a
stranger's. Whose the other connection is, is nobody's to know.
"""

import uuid

from django.db import transaction

from marketplaces.locks import accounts_locked
from marketplaces.models import DOUBLED, MarketplaceAccount, Mode
from marketplaces.ports import account_paused
from marketplaces.registry import adapter_get, platform_name
from marketplaces.services.alerts import account_changed, alert_doubled
from marketplaces.services.links import trouble
from seatsync.core.crypto import sha256_hex
from seatsync.core.errors import Conflict


def seller_key(account: MarketplaceAccount) -> str:
    """Who it is there, by the name that is told of it, else by its credential; empty where there is neither."""
    market = account.keys_of or (Mode.LIVE if account.mode == Mode.ASSISTED else account.mode)
    if name := account.account_id.strip():
        return sha256_hex(account.platform, str(market), "name", name.casefold())
    credential = credential_of(account.access_token)
    return sha256_hex(account.platform, str(market), "credential", credential) if credential else ""


def credential_of(token: str) -> str:
    """What names the account in a token of several parts; the others, such as a file server's password, change."""
    return token.partition("\n")[0]


def seller_check(account: MarketplaceAccount, key: str) -> None:
    """Raises Conflict where this seller is connected otherwise, by whomever; what its holder works by hand is his."""
    others = MarketplaceAccount.objects.filter(platform=account.platform, seller_key=key, is_active=True)
    others = others.exclude(pk=account.pk).exclude(tenant_id=account.tenant_id, user_id=account.user_id)
    if key and others.exists():
        raise connected_already(account.platform)


def connected_already(platform: str) -> Conflict:
    """What is said to whoever connects a seller once more."""
    return Conflict(
        f"This account at {platform_name(platform)} is connected already, and can be connected once.",
        field="token" if adapter_get(platform).traits.auth == "token" else "account",
        remedy="Connect another account there. Where you share a season ticket with whoever connected it, its seats "
        "are listed over that connection, and you change those listings as far as your share lets you.",
    )


@transaction.atomic
def account_doubled(account_id: uuid.UUID) -> None:
    """Pause an account that turned out to be connected otherwise, and ask its holder; nothing is read over it."""
    account = accounts_locked().get(pk=account_id)
    if not account.is_active or account.mode == Mode.ASSISTED:
        return
    MarketplaceAccount.objects.filter(pk=account.pk).update(needs_reconnect=True, seller_key="", **trouble(DOUBLED))
    alert_doubled(account)
    account_paused.tell(account.pk)
    account_changed(account)


def doubled_ask() -> int:
    """Ask the holders of accounts that were found connected twice before anybody could be told; returns how many."""
    paused = MarketplaceAccount.objects.filter(is_active=True, needs_reconnect=True, last_error=DOUBLED)
    asked = 0
    for account in paused:
        with transaction.atomic():
            if alert_doubled(account):
                account_paused.tell(account.pk)
                asked += 1
    return asked
