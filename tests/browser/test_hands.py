"""What the scripts do around a person's hands: nothing is swapped away under them, and the keyboard keeps its place."""

from pathlib import Path

import django_htmx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
HTMX = Path(django_htmx.__file__).parent / "static/django_htmx/htmx-2.min.js"
SIDE = """<aside id="side" hx-get="/side" hx-trigger="seat.changed from:body delay:40ms" hx-disinherit="*">{}</aside>"""
HANDS = """<input id="price" value="84"><input type="checkbox" id="seat" checked>
<p id="inner" hx-get="/inner" hx-trigger="seat.changed:1 from:body" hx-swap="outerHTML">inner</p>{}"""
ROW = """<li id="row-{0}"><form hx-post="/ack/{0}" hx-target="closest li" hx-swap="outerHTML">
<button>Seen {0}</button></form></li>"""


def opened(browser: Browser) -> Page:
    """A page with our scripts and a server that always has news."""
    page = browser.new_page()
    scripts = "".join(
        f"<script>{path.read_text()}</script>" for path in (HTMX, ROOT / "static/js/ui.js", ROOT / "static/js/live.js")
    )
    rows = "".join(ROW.format(number) for number in (1, 2))
    start = f"""<body data-ticket-url="/ticket" data-csrf="x" hx-headers='{{"X": "1"}}'><h1>Alerts</h1>
    <span id="live-badge"></span>{SIDE.format(HANDS.format("old"))}<ul class="needs">{rows}</ul>
    <button id="away">away</button>{scripts}</body>"""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix("http://page.test")
        if path.startswith("/ack/"):
            route.fulfill(content_type="text/html", body=f"<li>seen {path[-1]}</li>")
        elif path == "/side":
            route.fulfill(content_type="text/html", body=HANDS.format("new"))
        elif path == "/inner":
            route.fulfill(content_type="text/html", body="<p id='inner'>fresh</p>")
        elif path == "/":
            route.fulfill(content_type="text/html", body=f"<!DOCTYPE html><html>{start}</html>")
        else:
            route.fulfill(status=503, body="")

    page.route("**/*", answer)
    page.goto("http://page.test/")
    return page


def news(page: Page, *, of: str = "") -> None:
    """As the socket tells, in one go: the kind of news, and the kind with the object's id."""
    names = ["seat.changed", f"seat.changed:{of}"][: 2 if of else 1]
    page.evaluate("names => names.forEach(name => document.body.dispatchEvent(new CustomEvent(name)))", names)


def held_back(page: Page) -> list[Route]:
    """What asks for the column from now on, unanswered."""
    held = list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/side", hold)
    return held


def test_news_waits_for_a_field_that_has_the_focus_or_was_changed(browser: Browser) -> None:
    page = opened(browser)
    page.focus("#price")
    news(page)
    expect(page.locator("#side")).to_contain_text("old")
    page.focus("#away")
    expect(page.locator("#side")).to_contain_text("new")
    page.uncheck("#seat")
    page.focus("#away")
    page.evaluate("document.querySelector('#side').append('mine')")
    news(page)
    page.wait_for_timeout(600)
    expect(page.locator("#side")).to_contain_text("mine")
    expect(page.locator("#seat")).not_to_be_checked()
    page.close()


def test_news_that_is_on_its_way_when_the_hands_begin_waits_too(browser: Browser) -> None:
    page = opened(browser)
    held = held_back(page)
    news(page)
    page.wait_for_timeout(300)
    (answer,) = held
    page.fill("#price", "90")
    answer.fulfill(content_type="text/html", body=HANDS.format("new"))
    page.wait_for_timeout(600)
    expect(page.locator("#side")).to_contain_text("old")
    expect(page.locator("#price")).to_have_value("90")
    page.close()


def test_a_part_comes_with_the_larger_one_around_it_unless_hands_hold_that_one_back(browser: Browser) -> None:
    page, every = opened(browser), list[str]()
    page.on("request", lambda request: every.append(request.url.removeprefix("http://page.test")))

    def asked() -> list[str]:
        return [path for path in every if path != "/ticket"]

    news(page, of="1")
    expect(page.locator("#side")).to_contain_text("new")
    page.wait_for_timeout(300)
    assert asked() == ["/side"]
    page.fill("#price", "90")
    news(page, of="1")
    expect(page.locator("#inner")).to_contain_text("fresh")
    assert asked() == ["/side", "/inner"]
    expect(page.locator("#price")).to_have_value("90")
    page.close()


def test_news_of_a_part_whose_larger_one_is_under_way_comes_with_its_next_fetch(browser: Browser) -> None:
    page, inner = opened(browser), list[str]()
    page.on("request", lambda request: inner.append(request.url) if request.url.endswith("/inner") else None)
    held = held_back(page)
    news(page)
    page.wait_for_selector("#side.htmx-request")
    news(page, of="1")
    page.wait_for_timeout(300)
    (first,) = held
    first.fulfill(content_type="text/html", body=HANDS.format("on its way"))
    expect(page.locator("#side")).to_contain_text("on its way")
    expect(page.locator("#side.htmx-request")).to_be_attached()
    held[1].fulfill(content_type="text/html", body=HANDS.format("new"))
    expect(page.locator("#side")).to_contain_text("new")
    assert inner == []
    page.close()


def test_the_keyboard_goes_on_with_the_next_row_and_then_the_heading(browser: Browser) -> None:
    page = opened(browser)
    page.get_by_role("button", name="Seen 1").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Seen 2")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_focused()
    page.close()


def test_words_are_marked_for_copying_where_the_browser_gives_no_clipboard(browser: Browser) -> None:
    page = opened(browser)
    assert page.evaluate("navigator.clipboard === undefined")
    page.evaluate(
        'document.body.insertAdjacentHTML(\'beforeend\', \'<div id="task-1"><pre class="copy">131 row 27</pre></div>'
        '<button data-copies="task-1">Copy</button>\')'
    )
    page.get_by_role("button", name="Copy").click()

    assert page.evaluate("window.getSelection().toString()") == "131 row 27"
    expect(page.get_by_role("button", name="Marked: copy it yourself")).to_be_visible()
    page.close()
