"""What a person has done with a part of the page outlasts the news that is fetched into it."""

from pathlib import Path

import django_htmx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
HTMX = Path(django_htmx.__file__).parent / "static/django_htmx/htmx-2.min.js"
FORM = """<form id="together"><button type="button" data-chooses="listing">Choose all</button>
<span role="status" data-counts="listing"></span></form>"""
CELL = """<div id="cell-{0}"><input type="checkbox" class="choose" id="choose-{0}" form="together" name="listing"
value="{0}:{1}"> <span class="ask">${2}</span><div id="edit-{0}" data-keep><details><summary>Price {0}</summary>
<form hx-post="/price/{0}" hx-target="#cell-{0}" hx-swap="outerHTML"><input type="hidden" name="version" value="{1}">
<input name="price" id="ask-{0}" value="{2}"><button>Set {0}</button></form></details></div></div>"""
BOARD = """<div id="board" data-keeps hx-get="/board" hx-trigger="listing.changed from:body delay:40ms">{}</div>
<details id="more"><summary>More</summary>more</details>"""
PART = """<section id="part" hx-get="/part" hx-trigger="listing.changed from:body delay:40ms">{}</section>"""
QUEUE = """<section id="queue" data-keeps hx-get="/queue" hx-trigger="listing.changed from:body delay:40ms"><p>old</p>
<div id="opened" hx-preserve data-keep><input id="typed"><em>what it showed</em></div></section>"""
FOLDS = "<p>{}</p><details><summary>First</summary>one</details><details open><summary>Second</summary>two</details>"


def cells(version: int, price: int, *, only: tuple[int, ...] = (1, 2, 3)) -> str:
    return "".join(CELL.format(one, version, price) for one in only)


class Server:
    """A board whose listings have another version and price each time that they are asked for."""

    def __init__(self) -> None:
        self.only: tuple[int, ...] = (1, 2, 3)
        self.asked, self.sent = 0, list[str]()

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix("http://page.test")
        scripts = (HTMX, ROOT / "static/js/ui.js", ROOT / "static/js/live.js")
        if path == "/board":
            self.asked += 1
            route.fulfill(content_type="text/html", body=cells(1 + self.asked, 84 + self.asked, only=self.only))
        elif path == "/part":
            route.fulfill(content_type="text/html", body=FOLDS.format("new"))
        elif path == "/queue":
            route.fulfill(content_type="text/html", body="<p>new</p><div id='opened' hx-preserve data-keep>again</div>")
        elif path.startswith("/price/"):
            self.sent.append(route.request.post_data or "")
            route.fulfill(content_type="text/html", body=CELL.format(path[-1], 9, 70))
        elif path == "/":
            start = FORM + BOARD.format(cells(1, 84)) + PART.format(FOLDS.format("old")) + QUEUE
            body = f"""<!DOCTYPE html><html><body data-ticket-url="/ticket" data-csrf="x"><span id="live-badge"></span>
            {start}{"".join(f"<script>{script.read_text()}</script>" for script in scripts)}</body></html>"""
            route.fulfill(content_type="text/html", body=body)
        else:
            route.fulfill(status=503, body="")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def page(browser: Browser, server: Server) -> Page:
    opened = browser.new_page()
    opened.route("**/*", server.answer)
    opened.goto("http://page.test/")
    return opened


def news(page: Page, price: int) -> None:
    """Something was listed elsewhere, and the board shows it."""
    page.evaluate("document.body.dispatchEvent(new CustomEvent('listing.changed'))")
    expect(page.locator("#cell-3 .ask")).to_have_text(f"${price}")


def test_ticks_stay_with_the_versions_that_are_shown_by_now(page: Page, server: Server) -> None:
    page.check("#choose-1")
    news(page, 85)
    expect(page.locator("#choose-1")).to_be_checked()
    expect(page.locator("#choose-1")).to_have_value("1:2")
    expect(page.locator("#choose-2")).not_to_be_checked()
    page.uncheck("#choose-1")
    news(page, 86)
    expect(page.locator("#choose-1")).not_to_be_checked()
    page.check("#choose-3")
    server.only = (2, 3)
    news(page, 87)
    expect(page.locator("[data-counts]")).to_have_text("1 of 2 chosen")
    page.close()


def test_a_price_that_is_typed_stays_with_the_version_that_was_seen_and_can_be_sent(page: Page, server: Server) -> None:
    page.get_by_text("Price 1").click()
    page.fill("#ask-1", "80")
    page.evaluate("document.getElementById('ask-1').setSelectionRange(1, 1)")
    news(page, 85)
    expect(page.locator("#cell-1 .ask")).to_have_text("$85")
    expect(page.locator("#ask-1")).to_have_value("80")
    expect(page.locator("#ask-1")).to_be_focused()
    assert page.evaluate("document.activeElement.selectionStart") == 1
    expect(page.locator("#cell-1 [name=version]")).to_have_value("1")
    expect(page.locator("#ask-2")).to_have_value("85")
    page.check("#choose-1")
    page.get_by_role("button", name="Set 1").click()
    expect(page.locator("#cell-1 .ask")).to_have_text("$70")
    assert server.sent == ["version=1&price=80"]
    # What was ticked is ticked still.
    expect(page.locator("#choose-1")).to_be_checked()
    page.close()


def test_fold_outs_stay_as_they_were_put(page: Page) -> None:
    page.get_by_text("Price 2").click()
    page.get_by_text("First").click()
    page.get_by_text("Second").click()
    news(page, 85)
    expect(page.locator("#part p")).to_have_text("new")
    shown = page.evaluate("Array.from(document.querySelectorAll('details')).map(fold => fold.open)")
    assert shown == [False, True, False, False, True, False]
    page.close()


@pytest.mark.parametrize("typed", ["", "E-77"])
def test_what_is_open_in_a_queue_is_not_asked_for_again(page: Page, typed: str) -> None:
    page.fill("#typed", typed)
    news(page, 85)
    expect(page.locator("#queue p")).to_have_text("new")
    expect(page.locator("#opened em")).to_have_text("what it showed")
    expect(page.locator("#typed")).to_have_value(typed)
    expect(page.locator("#typed")).to_be_focused()
    page.close()


def test_the_focus_stays_on_what_has_no_id(page: Page) -> None:
    page.get_by_text("Price 2").focus()
    news(page, 85)
    assert page.evaluate("document.activeElement.textContent") == "Price 2"
    page.close()


def test_all_or_none_are_chosen_and_how_many_are_is_said(page: Page) -> None:
    count, button = page.get_by_role("status").and_(page.locator("[data-counts]")), page.locator("[data-chooses]")
    expect(count).to_have_text("none of 3 chosen")
    expect(button).to_have_text("Choose all 3")
    page.check("#choose-2")
    expect(count).to_have_text("1 of 3 chosen")
    button.click()
    expect(count).to_have_text("3 of 3 chosen")
    expect(button).to_have_text("Choose none")
    button.click()
    expect(count).to_have_text("none of 3 chosen")
    expect(button).to_have_text("Choose all 3")
    page.close()


def test_what_is_said_of_a_listing_stays_one_text_on_a_phone(browser: Browser) -> None:
    style = "".join((ROOT / f"static/css/{name}.css").read_text() for name in ("tokens", "base", "listings"))
    page = browser.new_page(viewport={"width": 390, "height": 844})
    said = '<span><b class="warn">Left as it is.</b> It is below your floor. <i class="muted">Ask for more.</i></span>'
    page.set_content(
        f"""<!DOCTYPE html><style>{style}</style><main class="main"><div class="scroll"><table class="together cards">
        <tbody><tr><td class="whole" data-label="What would happen">{said}</td></tr></tbody></table></div></main>"""
    )
    left = page.evaluate("document.querySelector('td > span').getBoundingClientRect().left")
    assert left < 60
    assert page.evaluate("document.querySelector('td > span').getBoundingClientRect().width") > 200
    page.close()
