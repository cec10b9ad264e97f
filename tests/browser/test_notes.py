"""What the page says of what was just done: it covers nothing for good, and good news leaves by itself."""

from pathlib import Path

import pytest
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Route, expect

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
GOOD, BAD, NEWS = "The new price is on its way.", "Choose one of your seats.", "No price can be said yet."


def opened(browser: Browser, *said: tuple[int, str], still: bool = False) -> Page:
    """A phone's page with our styles, scripts and notes; its time is the test's, its last button at its end."""
    page = browser.new_page(
        viewport={"width": 390, "height": 844}, reduced_motion="reduce" if still else "no-preference"
    )
    style = "".join((ROOT / f"static/css/{name}.css").read_text() for name in ("tokens", "base"))
    script = (ROOT / "static/js/ui.js").read_text()
    notes = render_to_string("components/messages.html", {"messages": [Message(level, text) for level, text in said]})
    body = f"""<!DOCTYPE html><html><style>{style}</style><body><div class="shell"><header class="topbar"></header>
    <main class="main"><div style="height: 1200px"><button class="btn" id="away">away</button></div>
    <button class="btn" id="last">Take down</button></main><nav class="bottombar"><a href="/">Desk</a></nav></div>
    {notes}<script>{script}</script></body></html>"""

    def answer(route: Route) -> None:
        route.fulfill(content_type="text/html", body=body)

    page.route("**/*", answer)
    page.clock.install()
    page.goto("http://page.test/")
    return page


def pass_s(page: Page, seconds: int) -> None:
    """The page's time goes on, every timer in its turn."""
    page.clock.run_for(seconds * 1000)


def test_good_news_leaves_by_itself_and_what_went_wrong_stays_until_it_is_closed(browser: Browser) -> None:
    page = opened(browser, (constants.SUCCESS, GOOD), (constants.INFO, NEWS), (constants.ERROR, BAD))
    notes = page.get_by_role("status").locator(".note-item")
    pass_s(page, 5)
    expect(notes).to_have_count(3)
    pass_s(page, 10)
    expect(notes).to_have_count(1)
    expect(notes).to_contain_text(BAD)
    pass_s(page, 3600)
    notes.get_by_role("button", name="Dismiss").click()
    expect(notes).to_have_count(0)
    expect(page.get_by_role("status")).to_have_attribute("aria-live", "polite")
    page.close()


@pytest.mark.parametrize("how", ["hover", "focus"])
def test_it_stays_for_as_long_as_somebody_is_at_it(browser: Browser, how: str) -> None:
    page = opened(browser, (constants.SUCCESS, GOOD))
    note = page.locator(".note-item")
    if how == "hover":
        note.hover()
    else:
        note.get_by_role("button").focus()
    pass_s(page, 120)
    expect(note).to_be_visible()
    if how == "hover":
        page.mouse.move(5, 300)
    else:
        page.evaluate("document.activeElement.blur()")
    pass_s(page, 1)
    expect(note).to_be_visible()
    pass_s(page, 15)
    expect(note).to_have_count(0)
    page.close()


@pytest.mark.parametrize("still", [False, True])
def test_it_fades_away_except_where_nothing_is_to_move(browser: Browser, still: bool) -> None:
    page = opened(browser, (constants.SUCCESS, GOOD), still=still)
    page.evaluate(
        """() => { window.faded = false; new MutationObserver(seen => { window.faded = window.faded || seen.some(
        change => change.target.classList.contains("leaving")); }).observe(
        document.getElementById("notes"), {subtree: true, attributes: true}); }"""
    )
    pass_s(page, 15)
    expect(page.locator(".note-item")).to_have_count(0)
    assert page.evaluate("window.faded") is not still
    page.close()


@pytest.mark.parametrize("text", [GOOD, "Only a sale that waits for its tickets is handed over. " * 4])
def test_what_is_at_the_end_of_the_page_can_be_reached_beside_it(browser: Browser, text: str) -> None:
    page = opened(browser, (constants.ERROR, text), (constants.ERROR, BAD))
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    last, notes = page.locator("#last").bounding_box(), page.locator("#notes").bounding_box()
    assert last is not None
    assert notes is not None
    assert last["y"] + last["height"] <= notes["y"]
    before = page.evaluate("document.documentElement.scrollHeight")
    for button in page.get_by_role("button", name="Dismiss").all()[::-1]:
        button.click()
    assert page.evaluate("document.documentElement.scrollHeight") < before
    page.close()
