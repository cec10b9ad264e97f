"""What every page's shell shows: navigation, whether the person sells, and what needs them."""

from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from analytics.selectors.inbox import inbox_count
from listings.selectors import brake_of_holder, push_halts_of
from portfolios.selectors import replays_loaded
from seatsync.accounts.selectors import request_actor
from seatsync.core.kept import kept
from seatsync.core.replay import Replay


@dataclass(frozen=True, slots=True)
class NavItem:
    """One link of the navigation; `key` follows g on the keyboard, `phone` is its name in the bottom bar or "".

    What has no name there is under its More.
    """

    label: str
    url: str
    icon: str
    key: str
    active: bool
    wide: bool
    phone: str

    @property
    def more(self) -> bool:
        """Whether a phone shows it under More."""
        return not self.phone


_ITEMS = (
    ("Desk", "analytics:desk", "layout-dashboard", "d", True, "Desk"),
    ("Inbox", "analytics:inbox", "inbox", "i", True, ""),
    ("Portfolio", "portfolios:season_ticket_list", "ticket", "p", True, "Games"),
    ("Listings", "listings:listing_list", "tags", "l", True, "Sell"),
    ("Sales", "listings:sale_list", "receipt-text", "s", True, ""),
    ("Payouts", "listings:payout_list", "landmark", "", False, ""),
    ("Alerts", "live:alert_list", "bell", "a", True, "Alerts"),
    ("Settings", "accounts:settings", "settings", "e", True, ""),
    ("Halt", "listings:trading_detail", "octagon-pause", "h", False, "Halt"),
)


# Pages that do not lie under the address of the link that they belong to: the sign-in library's own for passwords and
# addresses are reached from the settings, and what is done by hand is done to listings.
_BELONG = (("/accounts/", "accounts:settings"), ("/portfolio/by-hand/", "listings:listing_list"))


def nav_icons() -> set[str]:
    """The names of the navigation's icons."""
    return {item[2] for item in _ITEMS} | {"ellipsis"}


def _nav(path: str) -> list[NavItem]:
    urls = [(reverse(item[1]), item) for item in _ITEMS]
    # The longest address that the path begins with is where we are ("/portfolio/sales/" is not the portfolio).
    wide = [url for url, item in urls if item[4] and url != "/" and path.startswith(url)]
    belongs = next((reverse(name) for begin, name in _BELONG if path.startswith(begin)), None)
    here = belongs or max(wide, key=len, default=path)
    return [
        NavItem(label, url, icon, key, url == here or (not wide_link and path == url), wide_link, phone)
        for url, (label, _, icon, key, wide_link, phone) in urls
    ]


@kept("REPLAY_LABELS_KEPT_S")
def _replays() -> list[Replay]:
    """The labels as of now or a moment ago: seasons are loaded once in a long while."""
    return replays_loaded()


def shell(request: HttpRequest) -> dict[str, object]:
    """Context of the shell: replay labels, links, the socket; the brake and how much needs the person, on first use."""
    everybody: dict[str, object] = {"replays": cache(_replays)}
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return everybody
    return everybody | {
        "nav": _nav(request.path),
        "brake": cache(lambda: brake_of_holder(request_actor(request))),
        "halts": cache(lambda: push_halts_of(request_actor(request))),
        "needs_count": cache(lambda: inbox_count(request_actor(request))),
        "ws_url": settings.WS_URL,
    }
