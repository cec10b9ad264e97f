"""Connecting and disconnecting accounts: OAuth2 with state and PKCE, or a token that is tested before it is kept."""

import base64
import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from marketplaces.contracts import Capability, Grant, Link
from marketplaces.errors import MarketplaceError, NotSupported, TemporaryError
from marketplaces.locks import (
    account_give_up_lock,
    account_lock,
    account_lock_for,
    accounts_locked,
    connect_attempt_lock,
)  # fmt: skip
from marketplaces.models import AccountFile, ConnectAttempt, InboxState, MarketplaceAccount, Mode
from marketplaces.ports import account_closed, account_closing, account_connected, account_left, business, traces
from marketplaces.registry import adapter_get, platform_can, platform_name
from marketplaces.selectors import connecting_barred
from marketplaces.services.alerts import account_changed, alert_reconnected
from marketplaces.services.files import file_declare
from marketplaces.services.limits import AccountGate, Connecting, Errand
from marketplaces.services.links import app_credentials, bare_link, base_url_for
from marketplaces.services.paper import paper_token, paper_webhook_register
from marketplaces.services.same_seller import seller_seen, untold
from marketplaces.services.sellers import connected_already, credential_of, doubled_ask, seller_check, seller_key
from marketplaces.services.understand import inbound_wake
from marketplaces.services.webhook_back import keys_let_go, webhook_let_go
from seatsync.accounts.models import LEAVING_BARS, LeavingWhy
from seatsync.accounts.selectors import leaves_for
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed
from seatsync.core.jobs import enqueue_on_commit, one_by_one
from seatsync.core.locks import lock_waiting

ATTEMPT_LIFE = timedelta(minutes=10)
# As an account's name is kept: an address may be longer, and a grant that was got by it is not to be lost over that.
LONGEST_NAME = 80
log = structlog.get_logger(__name__)


def _owner(actor: Actor, mode: str) -> tuple[uuid.UUID, uuid.UUID]:
    if actor.tenant_id is None or actor.user_id is None:
        raise NotAllowed("Only a signed-in holder can connect an account.")
    if mode not in {Mode.PAPER, Mode.LIVE}:
        raise InvalidInput(f"{mode!r} is not a mode.", field="mode", remedy="Use paper or live.")
    return actor.tenant_id, actor.user_id


def _barred(tenant_id: uuid.UUID, user_id: uuid.UUID, platform: str, mode: str) -> bool:
    """Whether this person leaves, so that no account of his is connected. Raises Conflict for one that is not known.

    The grant of one that is known is renewed all the same: what is up there comes down over it.
    """
    why = connecting_barred(tenant_id, user_id)
    if why and _known(tenant_id, user_id, platform, mode) is None:
        raise Conflict(
            f"No account can be connected: {why}.", field="platform", remedy="Support can take that back; ask it."
        )
    return bool(why)


def _sentence(error: MarketplaceError) -> str:
    """What a platform said, with its end: a remedy follows."""
    return f"{str(error).rstrip(' .')}."


def connect_start(
    *, actor: Actor, platform: str, mode: str, redirect_uri: str, same_account: bool = False
) -> str:  # fmt: skip
    """The address of the platform's consent page for a new attempt. Raises InvalidInput for a token platform.

    `same_account`: its holder says that it is the connected account once more, where nothing will show it.
    """
    tenant_id, user_id = _owner(actor, mode)
    _barred(tenant_id, user_id, platform, mode)
    adapter = adapter_get(platform)
    if adapter.traits.auth != "oauth2":
        raise InvalidInput(
            f"{adapter.traits.name} connects by token.", field="platform", remedy="Enter the account's API token."
        )
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    try:
        url = adapter.authorize_url(
            base_url=base_url_for(platform, mode), app=app_credentials(platform, mode), state=state,
            redirect_uri=redirect_uri, code_challenge=challenge,
        )  # fmt: skip
    except MarketplaceError as error:
        raise InvalidInput(
            f"{adapter.traits.name} cannot be connected here: {_sentence(error)}",
            field="mode",
            remedy="Use paper for now, and tell support.",
        ) from error
    ConnectAttempt.objects.create(
        tenant_id=tenant_id, user_id=user_id, platform=platform, mode=mode, state=state, code_verifier=verifier,
        same_account=same_account,
    )  # fmt: skip
    return url


def connect_finish(
    *, actor: Actor, state: str, code: str, redirect_uri: str, error: str = ""
) -> MarketplaceAccount:  # fmt: skip
    """Trade the code for a grant and keep the account. The state is single use, ten minutes, and the caller's own.

    `error`: what the platform's page says instead of a code. Raises Conflict for that, for an attempt that has ended,
    and for a code that the platform does not take.
    """
    tenant_id, user_id = _owner(actor, Mode.PAPER)
    with transaction.atomic():
        attempt = connect_attempt_lock(state=state, user_id=user_id, tenant_id=tenant_id)
        if attempt is None or attempt.created_at < now() - ATTEMPT_LIFE:
            raise Conflict("This connection attempt has ended.", field="state", remedy="Start again from Connections.")
        attempt.used_at = now()
        attempt.save(update_fields=["used_at", "updated_at"])
    if error or not code:
        name = platform_name(attempt.platform)
        refused = f"You did not give SeatSync access on {name}'s page."
        detail = refused if error == "access_denied" else f"{name}'s page gave no access."
        raise Conflict(f"{detail} Nothing has changed.", field="code", remedy="Start again from Connections.")
    link = _trial_link(tenant_id, user_id, attempt.platform, attempt.mode, Grant(""))
    try:
        grant = adapter_get(attempt.platform).connect(
            link, code=code, redirect_uri=redirect_uri, code_verifier=attempt.code_verifier
        )
        return account_keep(
            actor=actor, platform=attempt.platform, mode=attempt.mode, grant=grant, same_account=attempt.same_account
        )
    except MarketplaceError as refused_by:
        raise Conflict(
            f"{platform_name(attempt.platform)} did not grant access: {_sentence(refused_by)}",
            field="code",
            remedy="Start again from Connections.",
        ) from refused_by


def connect_token(
    *, actor: Actor, platform: str, mode: str, token: str, same_account: bool = False
) -> MarketplaceAccount:  # fmt: skip
    """Test a platform token and keep the account; without one, in paper mode, it is a new practice account.

    `same_account`: its holder says that a new token is the connected account's, where nothing shows it. Raises
    InvalidInput where the platform refuses the token, or is not to be reached; else as account_keep.
    """
    tenant_id, user_id = _owner(actor, mode)
    _barred(tenant_id, user_id, platform, mode)
    adapter = adapter_get(platform)
    if adapter.traits.auth != "token":
        raise InvalidInput(
            f"{adapter.traits.name} connects by consent.", field="platform", remedy="Use its Connect button."
        )
    parts, token = adapter.traits.token_parts, "\n".join(filter(None, map(str.strip, token.splitlines())))
    given = len(token.splitlines())
    if mode != Mode.PAPER and given != len(parts):
        told = f"{given} of {len(parts)} were" if given else "none was"
        raise InvalidInput(
            f"{adapter.traits.name} asks for {', '.join(parts)}; {told} given.", field="token",
            remedy="Copy what is missing from your account page there.",
        )  # fmt: skip
    known = _known(tenant_id, user_id, platform, mode)
    fresh = not token and known is None
    try:
        tried = Grant(token.strip() or _practice_token(known, platform))
        link = _trial_link(tenant_id, user_id, platform, mode, tried)
        grant = adapter.connect(link, code="", redirect_uri="", code_verifier="")
        return account_keep(
            actor=actor, platform=platform, mode=mode, grant=grant, empty=fresh, same_account=same_account
        )
    except TemporaryError as error:
        raise InvalidInput(
            f"{adapter.traits.name} cannot be asked: {_sentence(error)}", field="token", remedy="Try again in a moment."
        ) from error
    except MarketplaceError as error:
        raise InvalidInput(
            f"{adapter.traits.name} refuses this token: {_sentence(error)}", field="token", remedy="Copy it again."
        ) from error


@transaction.atomic
def connect_assisted(*, actor: Actor, platform: str) -> MarketplaceAccount:
    """An account that its holder works with his own hands, because its platform gives him no interface.

    What is to be done there is written as tasks; sales are told by him, or by the mails that he forwards.
    """
    if actor.tenant_id is None or actor.user_id is None:
        raise NotAllowed("Only a signed-in holder can connect an account.")
    adapter_get(platform)
    leaves = _barred(actor.tenant_id, actor.user_id, platform, Mode.ASSISTED)
    account, created = accounts_locked().get_or_create(
        tenant_id=actor.tenant_id, user_id=actor.user_id, platform=platform, mode=Mode.ASSISTED, is_active=True,
        defaults={"webhook_secret": secrets.token_urlsafe(24), "stock_taken_at": now()},
    )  # fmt: skip
    if not leaves:
        account.closing_at, account.closing_why = None, ""
        account.save(update_fields=["closing_at", "closing_why", "updated_at"])
    audit_record(
        actor=actor, verb="account.connect" if created else "account.reconnect", object_type="marketplace_account",
        object_id=account.pk, after={"platform": platform, "mode": Mode.ASSISTED.value},
    )  # fmt: skip
    account_changed(account)
    return account


def _trial_link(tenant_id: uuid.UUID, user_id: uuid.UUID, platform: str, mode: str, grant: Grant) -> Link:
    """A line for a grant that is not kept yet: its requests take the known account's tokens, else the holder's own."""
    known = _known(tenant_id, user_id, platform, mode) or Connecting(user_id, platform, mode == Mode.PAPER)
    return replace(bare_link(platform, mode, grant), gate=AccountGate(known, Errand(urgent=True)))


def _practice_token(known: MarketplaceAccount | None, platform: str) -> str:
    """The one that the holder's paper account has, where there is one: its listings are known to no other."""
    return (known.access_token if known else "") or paper_token(platform)


def _known(tenant_id: uuid.UUID, user_id: uuid.UUID, platform: str, mode: str) -> MarketplaceAccount | None:
    return MarketplaceAccount.objects.filter(
        tenant_id=tenant_id, user_id=user_id, platform=platform, mode=mode, is_active=True
    ).first()


def account_keep(
    *, actor: Actor, platform: str, mode: str, grant: Grant, empty: bool = False, same_account: bool = False
) -> MarketplaceAccount:  # fmt: skip
    """Store or renew the caller's account at a platform, then subscribe its webhook where the platform lets us.

    `empty`: it was made this moment and holds nothing; what another one holds is read before anything is offered.
    `same_account`: its holder says that it is the known one with a new key; it counts where nothing shows whose it is.
    Ends a disconnection under way, but for one who leaves, and wakes what waited for the grant. Raises Conflict where
    the grant is (or may be) another account's at the platform and something is still going on over the known one, he
    leaves, or that account is connected otherwise already; a MarketplaceError where that cannot be looked up.
    """
    tenant_id, user_id = _owner(actor, mode)
    grant = replace(grant, account_id=grant.account_id.replace("\x00", "")[:LONGEST_NAME])
    traits = adapter_get(platform).traits
    leaves = _barred(tenant_id, user_id, platform, mode)
    known = _known(tenant_id, user_id, platform, mode)
    same = seller_seen(known, _trial_link(tenant_id, user_id, platform, mode, grant), confirmed=same_account)
    with transaction.atomic():
        with lock_waiting("this account"):
            account, created = accounts_locked().get_or_create(
                tenant_id=tenant_id, user_id=user_id, platform=platform, mode=mode, is_active=True
            )
        _check_same(account, grant, same=same)
        former = None
        if not created and not same and _is_another(account, grant):
            former = _former(actor, account)
            # What it holds is not known yet, and the file of the one before is no base for its own.
            account.stock_taken_at = account.sales_synced_until = account.last_sync_at = account.polled_at = None
            account.stock_begun_at, account.stock_listed_at, account.stock_sales_read = None, None, 0
            # The webhook is that one's: it proves itself here no more, and this one gets its own.
            account.webhook_id = account.webhook_secret = ""
            AccountFile.objects.filter(account=account).delete()
        if empty or (created and Capability.LIST_ALL not in traits.capabilities):
            account.stock_taken_at = now()
        account.access_token, account.refresh_token = grant.access_token, grant.refresh_token
        account.expires_at, account.account_id = grant.expires_at, grant.account_id or account.account_id
        account.needs_reconnect, account.last_error, account.last_error_at = False, "", None
        if not leaves and account.closing_at is not None:
            # Its webhook may be taken back by now: it gets another one, which takes the place of the one before.
            account.webhook_id = ""
        if not leaves:
            account.closing_at, account.closing_why = None, ""
        kept = account.webhook_secret or secrets.token_urlsafe(32)
        account.webhook_secret = grant.access_token if traits.webhook_secret_is_token else kept
        account.sales_synced_until = account.sales_synced_until or now()
        account.seller_key = seller_key(account)
        seller_check(account, account.seller_key)
        try:
            with transaction.atomic():
                account.save()
        except IntegrityError as error:
            # Somebody else connected it at the same moment.
            raise connected_already(platform) from error
        if empty and traits.whole_account:
            file_declare(account, b"")
        audit_record(
            actor=actor, verb="account.connect" if created else "account.reconnect", object_type="marketplace_account",
            object_id=account.pk, after={"platform": platform, "mode": mode},
        )  # fmt: skip
        if former is not None:
            keys_let_go(former)
        if not created:
            alert_reconnected(account)
            inbound_wake(account.pk)
        account_connected.tell(account.pk)
        account_changed(account)
    webhook_subscribe(account)
    return account


def _former(actor: Actor, account: MarketplaceAccount) -> MarketplaceAccount | None:
    """A locked account that is about to become another seller's, as it was: a row of its own, given up, with its keys.

    Only they take its webhook back, and they are kept for that alone, a day at most, as those of whoever leaves. None
    where it has no webhook of ours.
    """
    if not account.webhook_id or not account.access_token:
        return None
    former = MarketplaceAccount.objects.create(
        tenant_id=account.tenant_id, user_id=account.user_id, platform=account.platform, mode=account.mode,
        account_id=account.account_id, access_token=account.access_token, refresh_token=account.refresh_token,
        expires_at=account.expires_at, webhook_id=account.webhook_id, keys_of=account.mode, is_active=False,
        closing_why=LeavingWhy.DISCONNECT,
    )  # fmt: skip
    audit_record(
        actor=actor, verb="account.disconnect", object_type="marketplace_account", object_id=former.pk,
        subject=account.user_id, after={"why": LeavingWhy.DISCONNECT.value, "instead": account.pk},
    )  # fmt: skip
    return former


def _check_same(account: MarketplaceAccount, grant: Grant, *, same: bool) -> None:
    """Raises Conflict where the grant is, or may be, another account's and something is going on over the known one."""
    if not same and account.access_token and untold(account, grant) and traces(account.pk):
        raise Conflict(
            "Something was begun over the connected account meanwhile.", field="account",
            remedy="Connect it again in a moment.",
        )  # fmt: skip
    if not account.account_id or not grant.account_id or account.account_id == grant.account_id:
        return
    if open_there := business(account.pk):
        raise Conflict(
            f"This is the account {grant.account_id}; {account.account_id} is connected and still has "
            f"{open_there.listings} listings, {open_there.sales} unsettled sales and {open_there.commands} commands.",
            field="account",
            remedy=f"Sign in there as {account.account_id}, or disconnect it and wait until it is through.",
        )


def _is_another(account: MarketplaceAccount, grant: Grant) -> bool:
    """Whether the grant may be of another account there than the known one."""
    if account.account_id and grant.account_id:
        return account.account_id != grant.account_id
    return not grant.account_id and credential_of(account.access_token) != credential_of(grant.access_token)


def webhook_url(account: MarketplaceAccount) -> str:
    """Where the platform delivers this account's webhooks."""
    return f"{settings.BASE_URL.rstrip('/')}/webhooks/{account.platform}/{account.pk}/"


def webhook_subscribe(account: MarketplaceAccount) -> None:
    """Register our webhook; where a platform cannot or will not, polling goes on alone and the reason is kept."""
    adapter = adapter_get(account.platform)
    by_us = Capability.REGISTER_WEBHOOK in adapter.traits.capabilities
    if account.webhook_id or not (by_us or account.mode == Mode.PAPER):
        return
    bare = bare_link(account.platform, account.mode, Grant(account.access_token), account.webhook_secret)
    link = replace(bare, gate=AccountGate(account, Errand(urgent=True)))
    try:
        if by_us:
            url, secret = webhook_url(account), account.webhook_secret
            account.webhook_id = adapter.register_webhook(link, url=url, secret=secret)
        else:
            paper_webhook_register(account, webhook_url(account))
    except NotSupported:
        return
    except MarketplaceError as error:
        account.last_error, account.last_error_at = f"Webhook not registered: {error}"[:300], now()
    account.save(update_fields=["webhook_id", "last_error", "last_error_at", "updated_at"])


def webhook_register_late(account_id: uuid.UUID) -> None:
    """Register our webhook where that could not be done when the account was connected; nothing where it was.

    No transaction may be open. Not for an account that is being given up, or whose grant has ended.
    """
    standing = MarketplaceAccount.objects.filter(is_active=True, needs_reconnect=False, closing_at=None, webhook_id="")
    account = standing.exclude(mode=Mode.ASSISTED).filter(pk=account_id).first()
    if account is not None and platform_can(account.platform, Capability.REGISTER_WEBHOOK):
        webhook_subscribe(account)


@transaction.atomic
def account_leave(*, actor: Actor, account_id: uuid.UUID) -> MarketplaceAccount:
    """Give up the grant of an account and leave its listings where they are: its holder works it by hand from now on.

    Their seats still come down elsewhere when its holder says that they sold there, and it is a task of his to take
    them down there when they sell elsewhere. Its webhook is taken back over the grant first, where it has one of ours:
    until then, a day at most, the keys are kept for that alone. Raises NotFound, or Conflict where something is on its
    way there now, or he has such an account there already.
    """
    account = account_lock_for(actor, account_id)
    account_give_up_lock(account.pk)
    if not account.is_active or account.mode == Mode.ASSISTED:
        raise Conflict("There is no grant to give up.", field="account", remedy="Nothing needs to be done.")
    if account.closing_at is not None and account.closing_why not in {"", LeavingWhy.DISCONNECT}:
        raise Conflict(
            f"Everything comes down there: {account.get_closing_why_display()}.", field="account",
            remedy="Support can take that back; ask it.",
        )  # fmt: skip
    others = MarketplaceAccount.objects.filter(
        tenant_id=account.tenant_id, user_id=account.user_id, platform=account.platform, mode=Mode.ASSISTED,
        is_active=True,
    )  # fmt: skip
    if others.exists():
        raise Conflict(
            f"You have an account by hand at {platform_name(account.platform)} already.", field="account",
            remedy="Disconnect that one first, or take the listings down.",
        )  # fmt: skip
    account_left.tell(account.pk)
    account.keys_of, account.mode = account.mode, Mode.ASSISTED
    account.closing_at, account.closing_why, account.needs_reconnect = None, "", False
    account.stock_taken_at = account.stock_taken_at or now()
    account.webhook_secret = secrets.token_urlsafe(24)
    # What came so far were webhooks; from now on it is mails.
    account.last_webhook_at, account.rejected_webhooks = None, 0
    account.save()
    audit_record(
        actor=actor, verb="account.leave", object_type="marketplace_account", object_id=account.pk,
        subject=account.user_id, after={"mode": Mode.ASSISTED.value},
    )  # fmt: skip
    keys_let_go(account)
    alert_reconnected(account)
    account_changed(account)
    return account


@transaction.atomic
def disconnect(*, actor: Actor, account_id: uuid.UUID) -> MarketplaceAccount:
    """Give an account up. Raises NotFound for a stranger's account, Conflict for one that is disconnected already.

    Open listings come down first. While anything is open or unsettled there the account is closing: nothing new is
    offered over it, and its commands, webhooks and payouts go on. Then its webhook is taken back and the grant is
    forgotten (accounts_close).
    """
    account = account_lock_for(actor, account_id)
    account_give_up_lock(account.pk)
    if not account.is_active:
        raise Conflict("The account is disconnected.", field="account", remedy="Nothing needs to be done.")
    if account.closing_at is None:
        _closing(actor, account, LeavingWhy.DISCONNECT)
    account_closing.tell(account.pk)
    _close_if_through(account)
    account_changed(account)
    return account


@transaction.atomic
def closing_begin(*, actor: Actor, account_ids: Sequence[uuid.UUID], why: str) -> list[MarketplaceAccount]:
    """Begin to give several accounts up; returns those that were neither gone nor on their way.

    `why`: a LeavingWhy; what their holder began himself goes on for it. The rest is the job's that follows at once
    (accounts_close), in a transaction each.
    """
    begun = []
    with lock_waiting("one of these accounts"):
        locked = list(accounts_locked().filter(pk__in=account_ids, is_active=True).order_by("pk"))
    for account in locked:
        fresh = account.closing_at is None
        if fresh or account.closing_why in {"", LeavingWhy.DISCONNECT}:
            _closing(actor, account, why)
            account_changed(account)
        begun += [account] if fresh else []
    if begun:
        enqueue_on_commit("marketplaces.tasks.drain_accounts")
    return begun


def _closing(actor: Actor, account: MarketplaceAccount, why: str) -> None:
    before = {"why": account.closing_why} if account.closing_why else None
    account.closing_at, account.closing_why = account.closing_at or now(), why
    account.save(update_fields=["closing_at", "closing_why", "updated_at"])
    audit_record(
        actor=actor, verb="account.disconnect", object_type="marketplace_account", object_id=account.pk,
        subject=account.user_id, before=before, after={"why": str(why)},
    )  # fmt: skip


def _late_begin() -> int:
    """What was being connected while its holder, or his tenant, began to leave is given up as well."""
    open_there = MarketplaceAccount.objects.filter(is_active=True, closing_at=None)
    late: list[tuple[uuid.UUID, LeavingWhy]] = []
    for why in LEAVING_BARS:
        of_leaving = open_there.filter(leaves_for(why, user="user_id", tenant="tenant_id"))
        late += [(account_id, why) for account_id in of_leaving.values_list("pk", flat=True)]
    suspended = open_there.filter(tenant__suspended_at__isnull=False).values_list("pk", flat=True)
    late += [(account_id, LeavingWhy.SUSPENSION) for account_id in suspended]
    return one_by_one("accounts.late", late, lambda one: len(_begin_late(*one)))


def _begin_late(account_id: uuid.UUID, why: LeavingWhy) -> list[MarketplaceAccount]:
    return closing_begin(actor=Actor.system(), account_ids=[account_id], why=why)


def accounts_close() -> int:
    """Finish the disconnection of accounts on which nothing is going on any more; returns how many.

    The keys of those that are worked by hand, or became another seller's, go once their webhooks are taken back. What
    somebody else is changing at this moment has its turn the next time, and keeps no other account open.
    """
    _late_begin()
    doubled_ask()
    on_the_way = MarketplaceAccount.objects.filter(Q(closing_at__isnull=False, is_active=True) | ~Q(keys_of=""))
    return one_by_one("accounts.close", on_the_way.order_by("pk").values_list("pk", flat=True), _close)


@transaction.atomic
def _close(account_id: uuid.UUID) -> bool:
    """Take down what is up on an account that is given up, and close it once it is through; whether it was closed."""
    account = account_lock(account_id)
    account_give_up_lock(account.pk)
    keys_let_go(account)
    if account.closing_at is None:
        return False  # connected again meanwhile, or worked by hand
    account_closing.tell(account.pk)
    closed = _close_if_through(account)
    if closed:
        account_changed(account)
    return closed


def _close_if_through(account: MarketplaceAccount) -> bool:
    waiting = account.inbound.filter(state=InboxState.RECEIVED).exists()
    if business(account.pk) or waiting or not webhook_let_go(account):
        return False
    account.is_active, account.closing_at = False, None
    # What proved its webhooks goes too: at some platforms it is the token itself (`webhook_secret_is_token`).
    account.access_token = account.refresh_token = account.webhook_secret = account.webhook_id = account.keys_of = ""
    account.seller_key = ""
    account.save(
        update_fields=[
            "is_active", "closing_at", "access_token", "refresh_token", "webhook_secret", "webhook_id", "keys_of",
            "seller_key", "updated_at",
        ]
    )  # fmt: skip
    alert_reconnected(account)
    account_closed.tell(account.pk)
    return True
