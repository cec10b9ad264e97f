"""Lines to platforms: which address, with what grant. Paper accounts reach the simulator only (I-20)."""

import os
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import httpx
from django.conf import settings
from django.db import transaction

from marketplaces.contracts import Answers, AppCredentials, Constraints, Grant, Link, NoAnswers, NoFile
from marketplaces.errors import GrantExpired, MustWait, PermanentError, TemporaryError
from marketplaces.locks import accounts_locked
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, adapter_keys, traits_of
from marketplaces.services.alerts import alert_reconnect
from marketplaces.services.bounds import event_bounds_keep
from marketplaces.services.files import StoredFile
from marketplaces.services.limits import AccountGate, Errand
from marketplaces.services.reading import reading_of
from seatsync.core.clock import now
from seatsync.core.errors import Busy
from seatsync.core.http import http_client
from seatsync.core.locks import lock_waiting, transaction_open
from seatsync.core.places import same_place

# Refresh a little before the end, so that no request leaves with a grant that dies on the way.
REFRESH_BEFORE = timedelta(seconds=60)
# After so long who has an account under lock is through, as a rule.
ASK_AGAIN_S = 5.0
_local = threading.local()
# A few requests that can wait, asked anew.
ERRAND, NO_ANSWERS = Errand(), NoAnswers()
# Tests put an in-process simulator transport here.
transport_override: httpx.BaseTransport | None = None


def base_url_for(platform: str, mode: str) -> str:
    """Where an account of this mode talks to. Raises PermanentError where paper and live would mix (I-20)."""
    simulator = settings.SIMULATOR_URL.rstrip("/")
    if mode == Mode.PAPER:
        _check_nobody_sells_at(simulator)
        return f"{simulator}/{platform}"
    if mode != Mode.LIVE:
        raise PermanentError("An account by hand has no address: a person carries its commands out.")
    address = _live_address(platform)
    if not address:
        name = adapter_get(platform).traits.name
        raise PermanentError(
            f"{name} offers holders no interface to sell by, and {_address_name(platform)} names none."
        )
    return address


def _check_nobody_sells_at(simulator: str) -> None:
    """Raises PermanentError where the simulator's address is a marketplace's: paper would be listed there (I-20)."""
    for adapter in map(adapter_get, adapter_keys()):
        published = adapter.live_base_url
        if published and same_place(published, simulator):
            name = adapter.traits.name
            raise PermanentError(f"SIMULATOR_URL is {name}'s address; an account on paper may not use it.")


def _address_name(platform: str) -> str:
    return f"{platform.upper()}_BASE_URL"


def _live_address(platform: str) -> str:
    """The one that is set, else the one that its adapter knows; "" where neither is. Raises PermanentError (I-20)."""
    name = _address_name(platform)
    address = os.environ.get(name) or adapter_get(platform).live_base_url
    return _not_the_simulator(name, address) if address else ""


def drop_url_for(platform: str, mode: str) -> str:
    """Where a live account's file goes; empty: where its adapter knows. Raises PermanentError as above (I-20)."""
    name = f"{platform.upper()}_DROP_URL"
    address = os.environ.get(name, "").strip() if mode == Mode.LIVE else ""
    by_ftp = address.startswith(("ftp://", "ftps://", "sftp://"))
    return address if by_ftp or not address else _not_the_simulator(name, address)


def _not_the_simulator(name: str, address: str) -> str:
    simulator = settings.SIMULATOR_URL.rstrip("/")
    try:
        if same_place(address, simulator):
            raise PermanentError(f"{name} is the simulator's address; a live account may not use it.")
    except ValueError as error:
        raise PermanentError(f"{name}: {error}") from error
    return address


def app_credentials(platform: str, mode: str) -> AppCredentials:
    """Our registration at the platform; the simulator accepts a fixed one of its own, never the live one."""
    if mode == Mode.PAPER:
        return AppCredentials("seatsync-paper", "seatsync-paper-secret")
    prefix = platform.upper()
    return AppCredentials(os.environ.get(f"{prefix}_CLIENT_ID", ""), os.environ.get(f"{prefix}_CLIENT_SECRET", ""))


def shared_client() -> httpx.Client:
    """This thread's HTTP client, with its connections kept open."""
    client: httpx.Client | None = getattr(_local, "client", None)
    if client is None or getattr(_local, "transport", None) is not transport_override:
        client = http_client(transport_override)
        _local.client, _local.transport = client, transport_override
    return client


def bare_link(platform: str, mode: str, grant: Grant, webhook_secret: str = "") -> Link:
    """A line that belongs to no stored account yet."""
    return Link(
        http=shared_client(),
        base_url=base_url_for(platform, mode),
        grant=grant,
        app=app_credentials(platform, mode),
        webhook_secret=webhook_secret,
        drop_url=drop_url_for(platform, mode),
    )


def link_for(
    account: MarketplaceAccount, *, force_refresh: bool = False, errand: Errand = ERRAND, answers: Answers = NO_ANSWERS
) -> Link:  # fmt: skip
    """The account's line, its grant refreshed where it ends soon. Raises GrantExpired where only he can help.

    Its requests take the account's tokens, as `errand` says; `answers` are those that a reading had before.
    """
    if account.needs_reconnect:
        raise GrantExpired("The holder must connect this account again.")
    ends = account.expires_at
    if force_refresh or (ends is not None and ends <= now() + REFRESH_BEFORE):
        account = _refresh(account.pk, seen_token=account.access_token)
    return _link(account, errand, answers)


def link_standing(account: MarketplaceAccount) -> Link | None:
    """The account's line as it is; None where its grant would have to be renewed first, or only he can help.

    For what is only shown: nobody waits for a renewal, and none that may be had once is cut off. Raises PermanentError.
    """
    ends = account.expires_at
    if account.needs_reconnect or (ends is not None and ends <= now() + REFRESH_BEFORE):
        return None
    return _link(account)


def own_key_searches(platform: str) -> bool:
    """Whether its events can be searched with SeatSync's own key alone, and that is set."""
    traits = traits_of(platform)
    return traits is not None and traits.searches_by_own_key and bool(app_credentials(platform, Mode.LIVE).client_id)


def own_key_link(account: MarketplaceAccount) -> Link:
    """A line for an assisted account's questions that go with SeatSync's own key: it has no grant and no address.

    They take the same tokens as everybody's. Raises PermanentError where the address is the simulator's (I-20).
    """
    platform = account.platform
    return Link(
        http=shared_client(), base_url=_live_address(platform), grant=Grant(""),
        app=app_credentials(platform, Mode.LIVE), gate=AccountGate(account, ERRAND),
    )  # fmt: skip


def link_anew(link: Link, account: MarketplaceAccount) -> Link:
    """A reading's line, for what is written meanwhile: it is finished once it is begun, by what is told just then."""
    return replace(link, gate=AccountGate(account, ERRAND), answers=NO_ANSWERS)


T = TypeVar("T")


def over_link(
    account: MarketplaceAccount, call: Callable[[Link], T], *, reading: str = "", opens: bool = False,
    urgent: bool = False,
) -> T:  # fmt: skip
    """What `call` gives over the account's line; a 401 is answered by one fresh grant and one more try.

    Raises what `call` raises. Where the fresh grant is refused too, GrantExpired, and the holder is asked to connect
    again. `call` may run twice, and must not be inside a transaction: it talks to the marketplace. `reading`: it only
    reads, as many pages as there are; where MustWait breaks it off it goes on from there the next time that the same
    is read. `urgent`: it may take the tokens that are kept back; `opens`: its first request may.
    """
    if not reading:
        return _over_link(account, call, Errand(urgent=urgent, opens=opens), NO_ANSWERS)
    with reading_of(account, reading) as answers:
        return _over_link(account, call, Errand(urgent=urgent, opens=opens, reads=True), answers)


def _over_link(account: MarketplaceAccount, call: Callable[[Link], T], errand: Errand, answers: Answers) -> T:
    if account.needs_reconnect:
        raise GrantExpired("The holder must connect this account again.")
    token = account.access_token
    try:
        return call(link_for(account, errand=errand, answers=answers))
    except GrantExpired:
        pass
    try:
        fresh = link_for(account, force_refresh=True, errand=errand, answers=answers)
        token = fresh.grant.access_token
        return call(fresh)
    except GrantExpired as error:
        _reconnect_ask_or_wait(account.pk, f"{error}", seen_token=token)
        raise


def grant_renewed(account: MarketplaceAccount) -> bool:
    """Whether the account has another grant by now than this copy of it; so it stays until the transaction ends.

    Raises Busy where the grant is being renewed at this moment.
    """
    with lock_waiting("this account's grant"):
        held = accounts_locked().get(pk=account.pk)
    given_anew = account.needs_reconnect and not held.needs_reconnect
    return given_anew or held.access_token != account.access_token


@transaction.atomic
def reconnect_ask(account_id: uuid.UUID, error: str, *, seen_token: str) -> None:
    """Use this grant no more, and ask the account's holder to connect it again.

    Raises Busy where somebody else is changing the account at this moment, who may bring another grant.
    """
    with lock_waiting("this account's grant"):
        account = accounts_locked().get(pk=account_id)
    if not account.is_active or account.needs_reconnect or account.access_token != seen_token:
        return  # renewed or given up meanwhile, or he was asked
    if account.mode == Mode.ASSISTED:
        return  # he gave it up, and what is over it still is not worth a consent
    MarketplaceAccount.objects.filter(pk=account.pk).update(
        needs_reconnect=True, **trouble(f"The grant has ended: {error}")
    )
    alert_reconnect(account)


def _reconnect_ask_or_wait(account_id: uuid.UUID, error: str, *, seen_token: str) -> None:
    """As `reconnect_ask`, for jobs: raises MustWait where it is Busy. Whatever was refused was not done."""
    try:
        reconnect_ask(account_id, error, seen_token=seen_token)
    except Busy as busy:
        raise MustWait(
            f"its grant is refused ({error}), and somebody else is changing the account", retry_after_s=ASK_AGAIN_S
        ) from busy


def trouble(error: str) -> dict[str, Any]:
    """The columns of an account that say what went wrong last, and when."""
    moment = now()
    return {"last_error": error.replace("\x00", "")[:300], "last_error_at": moment, "updated_at": moment}


def _link(account: MarketplaceAccount, errand: Errand = ERRAND, answers: Answers = NO_ANSWERS) -> Link:
    grant = Grant(account.access_token, account.refresh_token, account.expires_at, account.account_id)
    link = bare_link(account.platform, account.keys_of or account.mode, grant, account.webhook_secret)
    by_file = adapter_get(account.platform).traits.whole_account
    file = StoredFile(account) if by_file else NoFile()
    gate, note_bounds = AccountGate(account, errand), partial(_note_bounds, account)
    return replace(link, file=file, gate=gate, answers=answers, note_bounds=note_bounds)


def _note_bounds(account: MarketplaceAccount, event_id: str, told: Constraints) -> None:
    event_bounds_keep(platform=account.platform, paper=account.paper, event_id=event_id, told=told)


def _refresh(account_id: uuid.UUID, *, seen_token: str) -> MarketplaceAccount:
    """Refresh under the account's row lock: two workers never spend the same single-use token.

    Raises GrantExpired where only the holder can help, TemporaryError where another worker's refresh takes too long, or
    where the caller has a transaction: what is undone with it would lose a grant that can be had once.
    """
    if transaction_open():
        raise TemporaryError("its grant is being renewed, which takes up to a minute")
    try:
        with transaction.atomic():
            with lock_waiting("this account's grant"):
                account = accounts_locked().get(pk=account_id)
            if account.access_token != seen_token:
                return account  # another worker was faster
            # Nothing else can be sent without it.
            grant = adapter_get(account.platform).refresh(_link(account, Errand(urgent=True)))
            account.access_token = grant.access_token
            account.refresh_token = grant.refresh_token or account.refresh_token
            account.expires_at = grant.expires_at
            account.save(update_fields=["access_token", "refresh_token", "expires_at", "updated_at"])
            return account
    except Busy as error:
        # Nothing was sent, so nothing is unknown: it is tried again.
        raise TemporaryError("Another worker is renewing this account's grant, and its marketplace is slow.") from error
    except GrantExpired as error:
        _reconnect_ask_or_wait(account_id, f"{error}", seen_token=seen_token)
        raise
