"""The main job in a real browser, against the real processes: publish, reprice, a sale, and everything follows."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.people import PATIENCE_MS, signed_in
from tests.product import Product

pytestmark = pytest.mark.browser


def test_publishing_repricing_and_a_sale_that_arrives_without_reload(browser: Browser, product: Product) -> None:
    page = signed_in(browser, product)
    expect(page.locator("h1")).to_contain_text("Desk")
    expect(page.get_by_text(re.compile("2024 season replayed, shifted -?\\d+ weeks")).first).to_be_visible()
    page.locator("main a[href*='/portfolio/games/']").nth(12).click()
    page.wait_for_url(re.compile("/portfolio/games/"))
    before = product.shown()
    page.get_by_role("button", name="List the chosen seats").click()
    expect(page.get_by_text("2 open").first).to_be_visible(timeout=PATIENCE_MS)
    for _ in range(600):
        if len(fresh := product.shown() - before) == 2:
            break
        page.wait_for_timeout(100)
    assert len(fresh) == 2
    # The page that came back says so by itself, also where it was made before the answers and its socket opened after.
    expect(page.locator("tr[id^=listing-row-] .badge", has_text="active")).to_have_count(2, timeout=PATIENCE_MS)
    key = min(fresh)
    platform = next(row["platform"] for row in product.simulated()["listings"] if row["external_id"] == key)
    form = page.locator("form.price-form").first
    expect(form).to_be_visible(timeout=PATIENCE_MS)
    wanted = f"{float(form.locator('input[name=price]').input_value()) + 1:.2f}"
    form.locator("input[name=price]").fill(wanted)
    form.get_by_role("button", name="Set").click()
    for _ in range(600):
        if wanted in product.prices(fresh):
            break
        page.wait_for_timeout(100)
    assert wanted in product.prices(fresh)
    page.goto(f"{product.url}/")
    expect(page.get_by_text("live", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    product.control("sell", platform=platform, external_id=key)
    # Nothing is reloaded: the alert and the sale come by themselves.
    expect(page.get_by_text(re.compile("^Sold on ")).first).to_be_visible(timeout=PATIENCE_MS)
    for _ in range(600):
        if not fresh & product.shown():
            break
        page.wait_for_timeout(100)
    assert not fresh & product.shown()
    page.goto(f"{product.url}/portfolio/sales/")
    expect(page.get_by_role("cell", name="sold").first).to_be_visible()


def test_the_apis_description_can_be_clicked_through(browser: Browser, product: Product) -> None:
    page = signed_in(browser, product)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{product.url}/api/v1/docs/")
    expect(page.locator(".opblock").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("season replayed").first).to_be_visible()
    assert errors == []


@pytest.mark.parametrize(
    "path", ["/", "/portfolio/", "/portfolio/listings/", "/portfolio/sales/", "/alerts/", "/settings/"]
)
def test_no_page_scrolls_sideways_on_a_phone(browser: Browser, product: Product, path: str) -> None:
    page = signed_in(browser, product, width=390)
    page.goto(product.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_table_wider_than_its_place_can_be_scrolled_by_keys(browser: Browser, product: Product) -> None:
    page = signed_in(browser, product, width=390)
    page.goto(f"{product.url}/alerts/")
    page.evaluate(
        """document.querySelector("main").insertAdjacentHTML("beforeend", `<div class="scroll" id="wide"><table>
        <caption>Wide</caption><tr><td style="min-width: 900px">no link in it</td></tr></table></div>`)"""
    )
    page.set_viewport_size({"width": 391, "height": 800})
    wide = page.locator("#wide")
    expect(wide).to_have_attribute("tabindex", "0")
    expect(wide).to_have_attribute("aria-label", "Wide")
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(wide).not_to_have_attribute("tabindex", "0")
