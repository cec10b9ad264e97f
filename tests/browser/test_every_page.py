"""Every page that a holder can reach by links, wide and narrow, dark and light: whole, readable and quiet."""

import random
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.people import signed_in
from tests.product import ROOT, Product
from tests.seeds import seeds

pytestmark = pytest.mark.browser_full

WAYS = [(width, theme) for width in (1440, 390) for theme in ("light", "dark")]
# What a link may lead to that is no page of ours to look at.
NO_PAGE = re.compile(r"^/(api|admin|static|webhooks|accounts/logout)/")
PICTURES = ROOT / "test-results" / "pages"
# WCAG 2.2 AA and below (UI.md); of the "best practice" rules, which are advice, those that landmarks are judged by.
RULES = {
    "resultTypes": ["violations"],
    "rules": {rule: {"enabled": True} for rule in ("region", "landmark-unique")},
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
}


def pattern(path: str) -> str:
    """The address with its ids taken out: one page of each kind is looked at."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "*", path)


class Crawler:
    """Follows links from the desk, one address of each kind, and keeps what is wrong with them."""

    def __init__(self, page: Page, product: Product, way: tuple[int, str], chance: random.Random) -> None:
        self.page, self.product, self.way, self.chance = page, product, way, chance
        self.wrong: list[str] = []
        self.seen: set[str] = set()
        self.path = ""
        page.on("console", lambda message: self._note(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on(
            "response", lambda answer: self._note(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        )

    def _note(self, what: str) -> None:
        self.wrong.append(f"{self.path} {self.way}: {what}")

    def run(self, most: int) -> None:
        """Look at up to `most` kinds of pages."""
        waiting = ["/"]
        while waiting and len(self.seen) < most:
            path = waiting.pop(self.chance.randrange(len(waiting)))
            if pattern(path) in self.seen:
                continue
            self.seen.add(pattern(path))
            self.look(path)
            waiting += [link for link in self.links() if pattern(link) not in self.seen]

    def look(self, path: str) -> None:
        """One page: it answers, fits, says what replay it is, and passes the accessibility rules."""
        self.path = path
        answer = self.page.goto(self.product.url + path)
        if answer is None or answer.status != 200:
            return
        self.page.evaluate("document.fonts.ready")
        name = pattern(path).strip("/").replace("/", "-").replace("*", "one").replace("?", "-") or "desk"
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}-{self.way[0]}-{self.way[1]}.png", full_page=True)
        if self.page.evaluate("document.documentElement.scrollWidth") > self.way[0]:
            self._note("scrolls sideways")
        if self.page.locator("h1").count() != 1:
            self._note(f"{self.page.locator('h1').count()} h1")
        if not re.search(r"2024 season replayed, shifted -?\d+ weeks", self.page.inner_text("body")):
            self._note("does not say that a season is replayed")
        if match := re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", self.page.inner_text("body")):
            self._note(f"shows a raw id: {match.group()}")
        for violation in Axe().run(self.page, options=RULES).response["violations"]:
            nodes = [node["html"][:160] for node in violation["nodes"][:3]]
            self._note(f"{violation['id']} ({violation['impact']}): {violation['help']} {nodes}")

    def links(self) -> Iterator[str]:
        for href in self.page.eval_on_selector_all("a[href]", "nodes => nodes.map(node => node.href)"):
            target = urlsplit(href)
            if f"{target.scheme}://{target.netloc}" == self.product.url and not NO_PAGE.match(target.path):
                yield target.path + (f"?{target.query}" if target.query else "")


@pytest.mark.parametrize("seed", seeds(1))
@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way[0]}-{way[1]}")
def test_every_page_is_whole_readable_and_quiet(
    browser: Browser, product: Product, way: tuple[int, str], seed: int
) -> None:
    crawler = Crawler(signed_in(browser, product, *way), product, way, random.Random(seed))
    # A sample looks at some kinds of pages, the whole run at all of them.
    crawler.run(most=8 if len(seeds(1, 2)) == 1 else 200)
    assert crawler.wrong == []
    assert len(crawler.seen) >= 8
