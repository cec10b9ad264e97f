"""Every word of a page lies in a landmark, and landmarks of one kind tell each other apart by name."""

from collections import Counter
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from tests.market import Market

pytestmark = pytest.mark.django_db
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
ROLE_OF = {"main": "main", "nav": "navigation", "aside": "complementary", "dialog": "dialog", "section": "region"}
# A header or a footer is a landmark of the page only where no section, article or landmark holds it.
PAGE_WIDE = {"header": "banner", "footer": "contentinfo"}
LANDMARKS = {"main", "navigation", "complementary", "region", "search", "banner", "contentinfo"}
# What assistive technology reads out by itself, or opens.
READ_OUT = {"status", "alert", "log", "dialog"}


class Page(HTMLParser):
    """The landmarks of a page, and its words outside them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.landmarks: list[tuple[str, str]] = []
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        given = dict(attrs)
        role = given.get("role") or self._implied(tag)
        name = given.get("aria-label") or given.get("aria-labelledby") or ""
        if role == "region" and not name:
            role = ""
        if role in LANDMARKS:
            self.landmarks.append((str(role), name))
        if given.get("class") == "skip" or tag in {"head", "script", "style", "title", "svg"}:
            role = "dialog"
        self.open.append((tag, str(role or "")))

    def _implied(self, tag: str) -> str:
        inside = {role for _, role in self.open} & {"main", "complementary", "navigation", "region"}
        return "" if tag in PAGE_WIDE and inside else ROLE_OF.get(tag) or PAGE_WIDE.get(tag, "")

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            found, _ = self.open.pop()
            if found == tag:
                break

    def handle_data(self, data: str) -> None:
        held = {role for _, role in self.open} & (LANDMARKS | READ_OUT)
        if data.strip() and not held and any(tag == "body" for tag, _ in self.open):
            self.outside.append(data.strip())


def check(text: str, path: str) -> None:
    page = Page(text)
    assert page.outside == [], path
    assert [found for found, count in Counter(page.landmarks).items() if count > 1] == [], path
    assert [role for role, _ in page.landmarks].count("main") == 1, path


def test_what_is_outside_and_what_is_named_twice_is_found() -> None:
    page = Page(
        '<body><p>Lost</p><nav aria-label="A">x</nav><nav aria-label="A">y</nav><main>z<header>h</header></main></body>'
    )
    assert page.outside == ["Lost"]
    assert page.landmarks == [("navigation", "A"), ("navigation", "A"), ("main", "")]


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"])
def test_pages_of_somebody_who_is_not_in(path: str, market: Market) -> None:
    _replayed(market)
    check(Client().get(path).text, path)


def test_pages_of_a_holder(market: Market) -> None:
    holding = market.holding
    _replayed(market)
    listing, _ = market.published(holding.seats[:2])
    market.webhook(market.alpha.sell(listing.external_id, (1, 2)))
    market.work()
    sale = market.sale()
    client = Client()
    client.force_login(holding.user)
    paths = [
        "/", "/search/?q=owls", "/portfolio/", "/portfolio/new/", "/alerts/", "/settings/", reverse("account_email"),
        reverse("listings:listing_list"), reverse("listings:sale_list"), reverse("listings:trading_detail"),
        reverse("listings:mapping_list"), reverse("marketplaces:account_list"),
        *(reverse(f"analytics:{name}", args=[key]) for name, key in (
            ("season_detail", holding.ticket.pk), ("game_detail", holding.game.pk))),
        *(reverse(f"portfolios:{name}", args=[holding.ticket.pk]) for name in (
            "season_ticket_correct", "season_ticket_remove")),
        *(reverse(f"listings:{name}", args=[key]) for name, key in (
            ("listing_detail", listing.pk), ("sale_detail", sale.pk), ("sale_fulfil", sale.pk))),
    ]  # fmt: skip
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, path
        check(answer.text, path)


def _replayed(market: Market) -> None:
    """A season that is replayed is said above every page."""
    type(market.holding.game).objects.update(source="2024 season", shifted_weeks=100)
