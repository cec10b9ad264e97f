"""What can go wrong at a marketplace; retry policy is written once, by class."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from seatsync.core.errors import SeatSyncError
from seatsync.core.left_out import left_out

OURS = "SeatSync itself failed at this; what exactly is in its log"


class MarketplaceError(Exception):
    """Base. `status` is the HTTP status where there was one."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class TemporaryError(MarketplaceError):
    """Nothing was applied and trying again later may work: 429, 5xx before work began, refused connection."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class MustWait(TemporaryError):
    """Nothing was sent: the platform takes this request again in `retry_after_s`. It counts as no try."""


class UnknownOutcome(TemporaryError):
    """The request may have been applied (timeout, cut connection, 5xx): read back before any retry (I-23)."""


class PermanentError(MarketplaceError):
    """The marketplace refuses this request; the same request will be refused again. A person must look."""


class PriceRefused(PermanentError):
    """The marketplace takes no such price for this event; its words say why."""


class NetBelowFloor(PermanentError):
    """Its marketplace was asked, and says that `price` a ticket brings `net`, below the seller's floor on the net."""

    def __init__(self, message: str, *, price: Decimal, net: Decimal) -> None:
        super().__init__(message)
        self.price, self.net = price, net


class MappingNeeded(PermanentError):
    """Which event or section there is ours is not certain; `wants` is "event" or "section", and a person confirms."""

    def __init__(self, message: str, *, wants: str) -> None:
        super().__init__(message)
        self.wants = wants


class GrantExpired(MarketplaceError):
    """The account's grant or token is no longer good; refresh, or ask the holder to connect again."""


class AlreadyGone(MarketplaceError):
    """The listing is not there any more; for a delist that is success."""


class AlreadySold(AlreadyGone):
    """The listing is gone because it was sold there: a delist that came too late."""


class StockUnknown(PermanentError):
    """What the account holds there cannot be read, so that nothing may be written over it: its holder must say."""


class ConnectedTwice(PermanentError):
    """It is the account of another connection: that one speaks for it, and this one is paused."""


class NotSupported(PermanentError):
    """The platform has no such call; the adapter's traits say so too."""


class BadSignature(MarketplaceError):
    """A webhook that does not prove who sent it."""


def secrets_leave_out(error: Exception, secrets: Iterable[str], *, short_as_words: bool = False) -> None:
    """What an error says is shown and logged, and a refusal may repeat what it was sent: secrets are left out of it.

    So are they of what lies behind it, which a log shows too; what cannot be changed there is cut off.
    """
    found = list(secrets)

    def clean(text: str) -> str:
        return left_out(text, found, short_as_words=short_as_words)

    said: BaseException = error
    while True:
        said.args = tuple(clean(arg) if isinstance(arg, str) else arg for arg in said.args)
        behind = said.__cause__ or said.__context__
        if behind is None:
            return
        behind.args = tuple(clean(arg) if isinstance(arg, str) else arg for arg in behind.args)
        if clean(str(behind)) != str(behind):
            # Its words are not made of what it was raised with.
            said.__cause__, said.__context__ = None, None
            return
        said = behind


@contextmanager
def secrets_left_out(secrets: Iterable[str]) -> Iterator[None]:
    """Around what sends these: whatever it raises says none of them."""
    try:
        yield
    except Exception as error:
        secrets_leave_out(error, secrets)
        raise


def told(error: Exception) -> str:
    """An error in words for people: what a marketplace or a refusal says; all else is our own fault, and is logged."""
    return str(error) if isinstance(error, MarketplaceError | SeatSyncError) else OURS
