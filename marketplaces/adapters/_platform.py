"""What adapters share: a platform's call that is not there says so, and what was written is read back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from inspect import isfunction, signature
from typing import Any, TypeVar

from marketplaces.contracts import (
    AccountChange,
    AppCredentials,
    Constraints,
    Draft,
    EventAsked,
    EventQuery,
    EventStanding,
    Grant,
    Link,
    ListingRef,
    MarketPoint,
    Notice,
    Preview,
    PrimaryLeft,
    RemoteEvent,
    RemoteListing,
    RemotePayment,
    RemoteSale,
    Traits,
)
from marketplaces.delivery import Fulfilment, SeatTicket
from marketplaces.errors import (
    BadSignature,
    MarketplaceError,
    MustWait,
    NotSupported,
    PermanentError,
    UnknownOutcome,
    secrets_leave_out,
)  # fmt: skip
from seatsync.core.left_out import left_out

T = TypeVar("T")
# What of a marketplace's words an error has.
LONGEST_TEXT = 300
# What a call is given beside the line and stands in no error either.
_SECRET_ARGUMENTS = ("code", "code_verifier", "secret")


def _credentials_left_out(call: Callable[..., Any]) -> Callable[..., Any]:
    """The one place where errors leave an adapter: a refusal may repeat what it was sent, and says no credential.

    Neither does what could not be read of a list (`link.unread`), nor an error that is given back as an answer.
    """

    @contextmanager
    def held(link: Link, secrets: frozenset[str]) -> Iterator[None]:
        try:
            yield
        except MustWait:
            raise  # nothing was sent: these are our own words, and there may be many of them
        except Exception as error:
            _clean(error, secrets)
            raise
        finally:
            told = link.unread.told
            told[:] = [left_out(what, secrets, short_as_words=True) for what in told]

    def each(items: Iterator[Any], link: Link, secrets: frozenset[str]) -> Iterator[Any]:
        with held(link, secrets):
            yield from items

    @wraps(call)
    def guarded(self: Any, link: Link, *args: Any, **options: Any) -> Any:
        given = {value for name in _SECRET_ARGUMENTS if isinstance(value := options.get(name), str)}
        secrets = link.credentials | given
        with held(link, secrets):
            answer = call(self, link, *args, **options)
        if isinstance(answer, Iterator):
            return each(answer, link, secrets)
        for item in answer if isinstance(answer, list) else ():
            if isinstance(item, Exception):
                _clean(item, secrets)
        return answer

    return guarded


def _clean(error: Exception, secrets: frozenset[str]) -> None:
    secrets_leave_out(error, secrets, short_as_words=True)
    if isinstance(error, MarketplaceError):
        error.args = tuple(arg[:LONGEST_TEXT] if isinstance(arg, str) else arg for arg in error.args)


class Platform(ABC):
    """Base of adapters. Each call here is one that a platform may lack; an adapter writes those that it has."""

    traits: Traits

    def __init_subclass__(cls, **options: Any) -> None:
        """Every call over a line is guarded, whichever adapter has it."""
        super().__init_subclass__(**options)
        for name, call in vars(cls).copy().items():
            if not name.startswith("_") and isfunction(call) and "link" in signature(call).parameters:
                setattr(cls, name, _credentials_left_out(call))

    def _none(self, what: str) -> NotSupported:
        return NotSupported(f"{self.traits.name} has no {what}")

    def search_events(self, link: Link, query: EventQuery) -> list[RemoteEvent]:
        """Raises NotSupported: events are named in words."""
        raise self._none("event search for sellers")

    def event_standings(self, link: Link, asked: Sequence[EventAsked]) -> Iterator[EventStanding]:
        """Raises NotSupported: nothing is told of an event that is moved or called off."""
        raise self._none("word on how events stand")

    def primary_left(self, link: Link, event_ids: Sequence[str]) -> Mapping[str, PrimaryLeft]:
        """Raises NotSupported: what the club has left is not told."""
        raise self._none("word on what the club has left")

    def constraints(self, link: Link, draft: Draft) -> Constraints:
        """Raises NotSupported: no bounds are stated."""
        raise self._none("listing constraints")

    def preview(self, link: Link, draft: Draft) -> Preview:
        """Raises NotSupported: what reaches the seller is told with the sale only."""
        raise self._none("preview of proceeds")

    def keep_alive(self, link: Link) -> None:
        """Raises NotSupported: a silent account's listings stay."""
        raise self._none("need of a sign of life")

    def change_together(self, link: Link, changes: Sequence[AccountChange]) -> list[RemoteListing | Exception]:
        """Raises NotSupported: each listing is changed by itself."""
        raise self._none("file that is the account")

    def listings_in(self, content: bytes) -> list[RemoteListing]:
        """Raises NotSupported: each listing is a thing of its own."""
        raise self._none("file that is the account")

    def payments(self, link: Link, since: datetime) -> Iterator[RemotePayment]:
        """Raises NotSupported: payouts are not told."""
        raise self._none("list of payouts")

    def next_payment(self, link: Link) -> RemotePayment | None:
        """Raises NotSupported: what is coming is not told."""
        raise self._none("preview of the next payout")

    def supply(self, link: Link, ref: ListingRef, tickets: tuple[SeatTicket, ...]) -> RemoteListing:
        """Raises NotSupported: tickets are asked for with the sale."""
        raise self._none("call that takes a listing's tickets")

    def shipping_label(self, link: Link, sale_id: str) -> bytes:
        """Raises NotSupported: it sells no paper tickets, or prints no labels."""
        raise self._none("shipping labels")

    def register_webhook(self, link: Link, *, url: str, secret: str) -> str:
        """Raises NotSupported: there is none, or its people note the address down."""
        raise self._none("call that registers a webhook")

    def unregister_webhook(self, link: Link, webhook_id: str) -> None:
        """Raises NotSupported, as above."""
        raise self._none("call that takes a webhook back")

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature: nothing proves a delivery of what sends none."""
        raise BadSignature(f"{self.traits.name} sends no webhooks")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        """Raises NotSupported, as above."""
        raise self._none("webhooks")

    def market_view(self, link: Link, event_id: str) -> Iterator[MarketPoint]:
        """Raises NotSupported: others' listings are not shown."""
        raise self._none("view of the market")

    # What every platform has, and what is written here is made of.
    @abstractmethod
    def fetch(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        """The listing as it is there now."""

    @abstractmethod
    def fetch_sale(self, link: Link, sale_id: str) -> RemoteSale | None:
        """One sale as it is there now."""

    def _read_back(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        """What a write made, where its answer does not tell. Raises UnknownOutcome where that fails."""
        try:
            return self.fetch(link, ref)
        except MarketplaceError as error:
            raise _not_read_back(error) from error

    def _sale_read_back(self, link: Link, sale_id: str) -> RemoteSale:
        """A sale as an act left it, where its answer does not tell. Raises UnknownOutcome."""
        try:
            sale = self.fetch_sale(link, sale_id)
        except MarketplaceError as error:
            raise _not_read_back(error) from error
        if sale is None:
            raise UnknownOutcome("applied, and then the sale was not told any more")
        return sale

    def _written(self, parse: Callable[[Any], T], answer: Any) -> T:
        """What a write's answer tells. Raises UnknownOutcome where it cannot be read: something was done."""
        try:
            return parse(answer)
        except PermanentError as error:
            raise UnknownOutcome(f"{self.traits.name} did not say what it did: {error}") from error

    def _check_proof(self, proof: Fulfilment) -> None:
        """Raises PermanentError for a way of handing over that the platform does not take, or half a proof."""
        if proof.method not in self.traits.hand_overs:
            raise PermanentError(f"{self.traits.name} takes no {proof.method.replace('_', ' ')}")
        if proof.lacks:
            raise PermanentError(f"{self.traits.name} needs {proof.lacks}")

    def _check_currency(self, currency: str) -> None:
        """Raises PermanentError for a currency in which the platform takes no prices."""
        if currency not in self.traits.currencies:
            raise PermanentError(f"{self.traits.name} sells in {' or '.join(self.traits.currencies)}, not {currency}")


class TokenPlatform(Platform):
    """Base of those whose accounts connect by a token, which has no known end."""

    def authorize_url(
        self, *, base_url: str, app: AppCredentials, state: str, redirect_uri: str, code_challenge: str
    ) -> str:
        """Raises NotSupported: accounts connect by token."""
        raise self._none("consent page: accounts connect by token")

    def refresh(self, link: Link) -> Grant:
        """The same grant."""
        return link.grant


def _not_read_back(error: MarketplaceError) -> UnknownOutcome:
    return UnknownOutcome(f"applied, but not read back: {error}", status=error.status)
