"""What every page's shell shows: navigation and what needs the person."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from seatsync.accounts.selectors import request_actor
from seatsync.live.selectors import needing_person


@dataclass(frozen=True, slots=True)
class NavItem:
    """One link of the navigation; `key` follows g on the keyboard."""

    label: str
    url: str
    icon: str
    key: str
    active: bool
    phone: bool


_ITEMS = (
    ("Desk", "analytics:desk", "layout-dashboard", "d", True),
    ("Portfolio", "portfolios:season_ticket_list", "ticket", "p", True),
    ("Listings", "listings:listing_list", "tags", "l", True),
    ("Sales", "listings:sale_list", "receipt-text", "s", True),
    ("Alerts", "live:alert_list", "bell", "a", True),
    ("Settings", "accounts:settings", "settings", "e", False),
)


def _nav(path: str) -> list[NavItem]:
    urls = [reverse(name) for _, name, *_ in _ITEMS]
    # The longest address that the path begins with is where we are ("/portfolio/sales/" is not the portfolio).
    here = max((url for url in urls if url != "/" and path.startswith(url)), key=len, default=path)
    return [
        NavItem(label, url, icon, key, url == here, phone)
        for url, (label, _, icon, key, phone) in zip(urls, _ITEMS, strict=True)
    ]


def shell(request: HttpRequest) -> dict[str, object]:
    """Context of the shell: links, the open alert count (read on first use) and the socket's address."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {
        "nav": _nav(request.path),
        "open_alert_count": SimpleLazyObject(lambda: needing_person(request_actor(request))),
        "ws_url": settings.WS_URL,
    }
