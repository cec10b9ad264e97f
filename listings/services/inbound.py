"""What listings does when a marketplace tells us something: one handler for every notice kind."""

from datetime import timedelta

from listings.selectors import sale_set_aside
from listings.services.deliverable import barcode_failed, deliverable_told
from listings.services.doubled import sale_of_another
from listings.services.event_news import event_inactive
from listings.services.mail_sales import mail_apply, mail_over_told
from listings.services.reconcile import account_reconcile_soon
from listings.services.refs import listing_called, listing_ref
from listings.services.sale_holds import projections_withdraw, sale_hold, sale_hold_release
from listings.services.sale_saga import sale_apply
from listings.services.sync import account_sync_sales
from listings.services.unread import announced_keep
from listings.states import OFFERED
from marketplaces.contracts import Capability, NoticeKind
from marketplaces.errors import GrantExpired, MarketplaceError, MustWait, TemporaryError
from marketplaces.inbox import register
from marketplaces.mails import MAIL
from marketplaces.models import InboundEvent, MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, platform_can, platform_name
from marketplaces.selectors import inbound_body
from marketplaces.services.inbox import written_by_another
from marketplaces.services.links import over_link
from marketplaces.services.understand import MOST_ATTEMPTS
from seatsync.core.clock import now
from seatsync.core.crypto import sha256_hex
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise

# Platforms index late: before this a sale that is announced and not found is not yet one that does not exist.
INDEXED_WITHIN = timedelta(minutes=3)
# A sale whose reading waits for a token for longer takes the other listings of its seats down; till then they are held.
HELD_AT_MOST_S = 2.0
# In what a marketplace calls it that a barcode is none.
_BARCODE = "barcode"
_NO_SALE = (
    "We found no order, section or seats in it. Only English is read, and a mail that speaks of something cancelled or "
    "undecided sells nothing. Where it is of a sale, say on the listing's page that it sold."
)


def register_handlers() -> None:
    """Register one handler for every notice kind (a test compares)."""
    register(NoticeKind.SALE, on_sale)
    register(NoticeKind.PROVISIONAL_SALE, on_sale)
    register(NoticeKind.PROVISIONAL_CANCELLED, on_sale)
    register(NoticeKind.SALE_UPDATE, on_sale)
    register(NoticeKind.LISTING_UPDATE, on_listing_update)
    register(NoticeKind.EVENT_UPDATE, on_event_update)
    register(NoticeKind.PING, on_ping)
    register(NoticeKind.UNKNOWN, on_unknown)


def on_sale(event: InboundEvent) -> None:
    """Hold at once, read back, then sell (DESIGN flow 3). Raises MarketplaceError where the read-back must wait.

    While it waits the seats stay held and every other listing of them is taken down, so nobody else can buy them.
    """
    account = event.account
    if account.mode == Mode.ASSISTED:
        _on_hand_sale(event)
        return
    if not event.resource_id:
        account_sync_sales(account=account)
        return
    sale_hold(
        account=account, external_id=event.external_id, listing_id=event.listing_id,
        platform_sale_id=event.resource_id,
    )  # fmt: skip
    try:
        adapter = adapter_get(account.platform)
        # What it tells takes seats off sale elsewhere: it may take the tokens that are kept for that.
        remote = over_link(account, lambda link: adapter.fetch_sale(link, event.resource_id), urgent=True)
        if remote is None and now() - event.received_at < INDEXED_WITHIN:
            raise TemporaryError("the announced sale is not there yet")
    except MustWait as error:
        if (error.retry_after_s or 0) > HELD_AT_MOST_S:
            _withdraw(event)
        raise
    except MarketplaceError as error:
        _withdraw(event)
        if event.attempts >= MOST_ATTEMPTS and not isinstance(error, GrantExpired):
            # Nobody asks again by itself: what it holds is not held for nothing that anybody sees.
            announced_keep(event, f"it was announced, and its marketplace does not tell it: {error}")
        raise
    if remote is None:
        sale_hold_release(
            account=account, platform_sale_id=event.resource_id, reason="the announced sale does not exist"
        )
        return
    if sale_set_aside(account, remote) or sale_of_another(account, remote):
        return
    sale_apply(account=account, remote=remote, noticed_at=event.received_at)


def _on_hand_sale(event: InboundEvent) -> None:
    """A sale of an account that its holder works by hand: as its mail tells it."""
    if event.topic != MAIL:
        # What was announced before its holder took it into his own hands is no mail.
        announced_keep(event)
        return
    if writer := written_by_another(event.account.platform, inbound_body(event) or b""):
        name = platform_name(event.account.platform)
        _tell(
            event, f"A mail from {writer} came to your {name} account", severity="action", about=str(event.pk),
            body=f"It tells of order {event.resource_id}, which is none of {name}'s: nothing was done with it. Where "
            f"you sell on {writer} by hand, forward it there.",
        )  # fmt: skip
        return
    mail_apply(event)


def _withdraw(event: InboundEvent) -> None:
    """Take down every other listing of what it may have sold."""
    projections_withdraw(
        account=event.account,
        external_id=event.external_id,
        platform_sale_id=event.resource_id,
        listing_id=event.listing_id,
        reason=f"{platform_name(event.account.platform)} announced a sale that could not be read back yet",
    )


def on_listing_update(event: InboundEvent) -> None:
    """A listing's standing changed at its marketplace (hidden, undeliverable): read it, and tell the holder."""
    account = event.account
    told_id = event.listing_id or event.resource_id
    listing = listing_called(account, key=event.external_id, listing_id=told_id)
    read = account.mode != Mode.ASSISTED and platform_can(account.platform, Capability.FETCH)
    failed = listing is not None and listing.status in OFFERED and _BARCODE in event.action.casefold()
    if listing is not None and failed:
        barcode_failed(listing)
    if listing is not None and listing.status in OFFERED and read:
        adapter, known = adapter_get(account.platform), listing.undeliverable_at
        found = over_link(account, lambda link: adapter.fetch(link, listing_ref(listing)))
        if found is not None:
            deliverable_told(listing, found)
        if found is not None and (found.undeliverable or known is not None):
            return
    if failed:
        return
    if listing is None:
        # Whose it is the sweep says: of seats that we know it is kept in step from then on.
        account_reconcile_soon(account, listing_id=told_id, key=event.external_id)
    about, title = str(listing.pk) if listing else "", f"{platform_name(event.account.platform)} changed a listing"
    _tell(event, title, severity="action", about=about)


def on_event_update(event: InboundEvent) -> None:
    """The event of a listing is not on any more: hold the game's listings everywhere at once, and ask (I-08)."""
    listing = listing_called(event.account, key=event.external_id, listing_id=event.listing_id)
    if listing is None:
        on_listing_update(event)
        return
    event_inactive(account=event.account, listing=listing)


def on_ping(_event: InboundEvent) -> None:
    """A test delivery: having stored it is all."""


def on_unknown(event: InboundEvent) -> None:
    """Stored and reported; nothing else is done with what we do not know (I-21)."""
    if event.account.mode == Mode.ASSISTED:
        if not mail_over_told(event):
            _tell(
                event, f"A mail from {platform_name(event.account.platform)} names no sale", severity="action",
                about=str(event.pk), body=_NO_SALE,
            )  # fmt: skip
        return
    _tell(event, f"{platform_name(event.account.platform)} sent something unknown", severity="info")


def _tell(
    event: InboundEvent, title: str, *, severity: str, about: str = "", body: str = ""
) -> None:  # fmt: skip
    """Tell the account's holder; the same of the same thing (`about`, else what the notice names) is counted up."""
    account, named = event.account, about or event.external_id or event.resource_id
    what = f"Topic {event.topic}, action {event.action or 'none'}, concerning {event.resource_id or 'no object'}."
    alert_raise(
        tenant_id=account.tenant_id,
        user_id=account.user_id,
        mode=event.mode,
        kind="marketplace.notice",
        title=title,
        body=body or what,
        severity=severity,
        object_type="inbound_event",
        object_id=str(event.pk),
        url=_page(event.account),
        dedupe_key=f"notice:{account.pk}:{sha256_hex(event.topic, event.action, named)}",
    )


def _page(account: MarketplaceAccount) -> str:
    if account.mode == Mode.ASSISTED:
        return page_link("listings:hand_account", account.pk)
    return page_link("marketplaces:account_list")
