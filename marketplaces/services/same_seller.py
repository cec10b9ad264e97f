"""Whose a new credential is: another account there must not take over what is open on the known one.

It knows nothing of our listings and sales: they could be neither changed nor handed over nor settled.
"""

from collections.abc import Iterator

from marketplaces.contracts import Capability, Grant, Link, MarketplaceAdapter
from marketplaces.errors import AlreadyGone, NotSupported, PermanentError, StockUnknown
from marketplaces.models import MarketplaceAccount
from marketplaces.ports import Traces, traces
from marketplaces.registry import adapter_get
from marketplaces.services.sellers import credential_of
from seatsync.core.errors import Conflict


def untold(known: MarketplaceAccount, grant: Grant) -> bool:
    """Whether neither names nor an unchanged credential tell if the grant is the known account's."""
    named = bool(known.account_id and grant.account_id)
    return not named and credential_of(known.access_token) != credential_of(grant.access_token)


def seller_seen(known: MarketplaceAccount | None, link: Link, *, confirmed: bool) -> bool:
    """Whether a credential that no name tells of is the known account's: it sees what that one has open there.

    `confirmed`: its holder says so; it counts where nothing can be looked up. False where nothing is open, or names are
    compared. Raises Conflict where it is another account's or must be confirmed, or what the lookup raises.
    """
    if known is None or not untold(known, link.grant):
        return False
    open_there = traces(known.pk)
    if not open_there:
        return False
    adapter, looked_up = adapter_get(known.platform), False
    for found, telling in _looked_up(adapter, link, open_there):
        if found:
            return True
        looked_up |= telling
    if looked_up:
        raise _another(adapter, known)
    if not confirmed:
        raise _unsure(adapter, known)
    return True


def _looked_up(adapter: MarketplaceAdapter, link: Link, open_there: Traces) -> Iterator[tuple[bool, bool]]:
    """Of each thing, whether this credential sees it, and whether it would tell something that it does not."""
    if Capability.FETCH in adapter.traits.capabilities:
        for ref in (*open_there.shown, *open_there.perhaps):
            try:
                yield adapter.fetch(link, ref) is not None, ref in open_there.shown
            except (NotSupported, StockUnknown):
                continue
            except (AlreadyGone, PermanentError):
                yield False, ref in open_there.shown
    for sale_id in open_there.sales:
        try:
            yield adapter.fetch_sale(link, sale_id) is not None, True
        except NotSupported:
            return
        except (AlreadyGone, PermanentError):
            yield False, True


def _another(adapter: MarketplaceAdapter, known: MarketplaceAccount) -> Conflict:
    leave = "or disconnect that first and wait until it is through, or take it into your own hands."
    if adapter.traits.auth == "token":
        return Conflict(
            "This token is another account's: what is open on the connected one is not there.", field="token",
            remedy=f"Use a token of the connected account, {leave}",
        )  # fmt: skip
    if known.account_id:
        return Conflict(
            f"{adapter.traits.name} does not say at this moment whose account this is, and what is open on "
            f"{known.account_id} is not there.",
            field="account",
            remedy=f"Connect it again in a moment, signed in there as {known.account_id}, {leave}",
        )
    return Conflict(
        "This is another account: what is open on the connected one is not there.", field="account",
        remedy=f"Sign in there as the connected account, {leave}",
    )  # fmt: skip


def _unsure(adapter: MarketplaceAdapter, known: MarketplaceAccount) -> Conflict:
    leave = "disconnect that one first and wait until it is through, or take it into your own hands"
    if adapter.traits.auth != "token" and known.account_id:
        return Conflict(
            f"{adapter.traits.name} does not say at this moment whose account this is, and something is still going on "
            f"over {known.account_id}.",
            field="account",
            remedy="Connect it again in a moment.",
        )
    return Conflict(
        "Something is still going on over the connected account, and nothing there shows whether this is the same one.",
        field="same_account",
        remedy=f"Confirm that it is the same account, with a new key; if it is another one, {leave}.",
    )
