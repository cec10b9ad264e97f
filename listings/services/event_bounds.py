"""Asking marketplaces what listings for an event must keep to, and keeping to it when something is sent (I-12).

What is told is kept by the line over which it was asked (marketplaces/services/bounds.py). No transaction is open here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.core.cache import cache
from redis import RedisError

from listings.models import Listing
from listings.selectors import bounds_of_listing
from marketplaces.bounds import Bounds
from marketplaces.contracts import Capability, Draft, Link, MarketplaceAdapter
from marketplaces.errors import MarketplaceError, MustWait, PermanentError, PriceRefused, TemporaryError
from marketplaces.models import MarketplaceAccount
from seatsync.core.errors import FieldProblem
from seatsync.core.http import calls_within

# How long it may take beside what is to be sent, and how long one that did not answer is not asked.
ASK_WITHIN_S, LEFT_ALONE_S = 2.0, 30
log = structlog.get_logger(__name__)


def event_bounds_ask(
    adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, draft: Draft, *,
    within_s: float = ASK_WITHIN_S,
) -> bool:  # fmt: skip
    """Ask for the bounds of the draft's event, where that is one request which the account's limit grants now.

    Returns whether they were told. Nothing is raised: a marketplace judges itself what it is sent.
    """
    if not draft.event_id or Capability.CONSTRAINTS not in adapter.traits.capabilities:
        return False
    try:
        if cache.get(left_alone(account)) is not None:
            return False
        _ask(adapter, link, account, draft, within_s)
    except (MarketplaceError, RedisError) as error:
        log.info("event_bounds.not_told", account_id=str(account.pk), platform=account.platform, error=str(error))
        return False
    return True


def left_alone(account: MarketplaceAccount) -> str:
    """Where it stands that the account's marketplace did not answer a moment ago: what can be done without waits."""
    return f"left-alone:{account.pk}"


def _ask(
    adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, draft: Draft, within_s: float
) -> None:  # fmt: skip
    try:
        with calls_within(within_s):
            adapter.constraints(link, draft)
    except MustWait:
        # It may be asked as soon as there is a token.
        raise
    except TemporaryError:
        cache.set(left_alone(account), True, LEFT_ALONE_S)
        raise


def event_bounds_hold(adapter: MarketplaceAdapter, link: Link, listing: Listing, draft: Draft) -> None:
    """Raises PermanentError for a publication outside what its marketplace takes, or its team or venue asks for.

    What was not told within a day is asked first, and so is what would refuse it: it may have been changed since.
    """
    bounds = bounds_of_listing(listing)
    problems = _problems(bounds, draft)
    if (problems or not bounds.stands) and event_bounds_ask(adapter, link, listing.account, draft):
        problems = _problems(bounds_of_listing(listing), draft)
    if problems:
        raise PermanentError(f"{problems[0].detail} {problems[0].remedy}")


def _problems(bounds: Bounds, draft: Draft) -> list[FieldProblem]:
    return bounds.offer_problems(
        price=draft.price, currency=draft.currency, quantity=draft.quantity, split=draft.split
    )  # fmt: skip


@contextmanager
def price_refusals_told(
    adapter: MarketplaceAdapter, link: Link, listing: Listing, draft: Callable[[], Draft]
) -> Iterator[None]:
    """Around what sends a price: where it is refused the bounds are asked anew, and PriceRefused tells them."""
    try:
        yield
    except PriceRefused as error:
        event_bounds_ask(adapter, link, listing.account, draft())
        takes = bounds_of_listing(listing).event_said
        raise PriceRefused(f"{str(error).rstrip('.')}. {takes}".rstrip(), status=error.status) from error
