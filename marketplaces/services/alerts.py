"""What people are told about accounts and what was received over them."""

import uuid

from marketplaces.models import InboundEvent, MarketplaceAccount
from marketplaces.ports import still_up
from marketplaces.registry import platform_name
from seatsync.accounts.selectors import staff_ids
from seatsync.core.clock import now
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise, alert_recover
from seatsync.live.events import LiveType
from seatsync.live.models import Alert, AlertState
from seatsync.live.publish import publish


def _name(account: MarketplaceAccount) -> str:
    return platform_name(account.platform)


def _people(account: MarketplaceAccount) -> list[uuid.UUID]:
    """The holder, and the tenant's staff."""
    return sorted({account.user_id, *staff_ids(account.tenant_id)})


def _tell(
    account: MarketplaceAccount, *, kind: str, title: str, body: str, severity: str, key: str,
    user_id: uuid.UUID | None = None,
) -> None:  # fmt: skip
    """Tell its holder, or another one, something of an account."""
    alert_raise(
        tenant_id=account.tenant_id, user_id=user_id or account.user_id, mode=account.mode, kind=kind, title=title,
        body=body, severity=severity, object_type="marketplace_account", object_id=str(account.pk),
        url=page_link("marketplaces:account_list"), dedupe_key=key,
    )  # fmt: skip


def account_changed(account: MarketplaceAccount) -> None:
    """Tell the pages that show the account."""
    publish(
        tenant_id=account.tenant_id, user_ids=[account.user_id], kind=LiveType.ACCOUNT_CHANGED, object_id=account.pk
    )


def _failed_key(event: InboundEvent) -> str:
    return f"inbound.failed:{event.pk}"


def alert_inbound_failed(event: InboundEvent) -> None:
    """Something that a marketplace told us could not be worked off."""
    for user_id in _people(event.account):
        alert_raise(
            tenant_id=event.tenant_id,
            user_id=user_id,
            mode=event.mode,
            kind="inbound.failed",
            title=f"{_name(event.account)} told us something that we could not work off",
            body=(
                f"{event.topic or 'No topic'}, concerning {event.resource_id or 'no object'}: {event.last_error}. "
                "Try it again from Connections; seats that it concerns stay held."
            ),
            severity="action",
            object_type="inbound_event",
            object_id=str(event.pk),
            url=page_link("marketplaces:account_list"),
            dedupe_key=_failed_key(event),
        )


def alert_inbound_recovered(event: InboundEvent) -> None:
    """It was worked off after all. Only an item that was put back before can have alerted."""
    if not event.last_error:
        return
    for user_id in _people(event.account):
        alert_recover(user_id=user_id, dedupe_key=_failed_key(event))


def alert_mail_too_large(account: MarketplaceAccount, size: int, most: int) -> None:
    """A forwarded mail was not read, which may tell of a sale. A mail server that tries again tells nothing new."""
    name = _name(account)
    _tell(
        account,
        kind="mail.too_large",
        title=f"A mail that you forwarded for {name} was too large to be read",
        body=(
            f"It has {size:,} bytes, and at most {most:,} are read. If it tells of a sale, its seats are still on sale "
            "elsewhere: say that they are sold, or forward it without what is attached."
        ),
        severity="critical",
        key=f"mail.too_large:{account.pk}:{now():%Y%m%d}:{size}",
    )


def alert_reconnect(account: MarketplaceAccount) -> None:
    """A grant has ended and only the holder can renew it; what is still up there cannot be taken down meanwhile."""
    up = still_up(account.pk)
    shown = f" Still up there: {'; '.join(up[:5])}{f' and {len(up) - 5} more' if len(up) > 5 else ''}." if up else ""
    _tell(
        account,
        kind="account.reconnect",
        title=f"Connect {_name(account)} again",
        body=f"Its permission has ended. Until then nothing can be listed, repriced or taken down there.{shown}",
        severity="critical",
        key=f"reconnect:{account.pk}",
    )


def alert_reconnected(account: MarketplaceAccount) -> None:
    """It was, or another account there was connected in its place, or it was given up."""
    for what in ("reconnect", "doubled"):
        alert_recover(user_id=account.user_id, dedupe_key=f"{what}:{account.pk}")


def alert_doubled(account: MarketplaceAccount) -> bool:
    """Its holder is asked once what is to become of an account that is connected twice; whether that was now."""
    key = f"doubled:{account.pk}"
    if Alert.objects.filter(user_id=account.user_id, dedupe_key=key).exclude(state=AlertState.RECOVERED).exists():
        return False
    _tell(
        account,
        kind="account.doubled",
        title=f"Your {_name(account)} account is connected twice",
        body=(
            "The connection that was there before goes on, and yours is paused: nothing is read, listed or taken down "
            "over it, so that no seat counts twice. Disconnect it, or connect another account there."
        ),
        severity="critical",
        key=key,
    )
    return True


def alert_reading(account: MarketplaceAccount, what: str, reason: str) -> None:
    """The account's `what` (sales, payouts), or some of them, cannot be read; one alert while that lasts."""
    for user_id in _people(account):
        _tell(
            account,
            user_id=user_id,
            kind="account.reading",
            title=f"{_name(account)}: {what} could not be read completely",
            body=f"{reason[:1000]}. It is tried again by itself; what happens there meanwhile may go unnoticed.",
            severity="action",
            key=_reading_key(account, what),
        )


def alert_reading_recovered(account: MarketplaceAccount, what: str) -> None:
    """They were read completely again."""
    for user_id in _people(account):
        alert_recover(user_id=user_id, dedupe_key=_reading_key(account, what))


def alert_readings_over(account: MarketplaceAccount) -> None:
    """Nothing is read over it any more, so nothing of that needs anybody."""
    for what in ("sales", "payouts", "listings", "events", "label"):
        alert_reading_recovered(account, what)


def _reading_key(account: MarketplaceAccount, what: str) -> str:
    return f"reading:{what}:{account.pk}"
