"""A person at the browser."""

import shutil

from playwright.sync_api import Browser, Page

from seatsync.demo.people import HOLDER_EMAIL, PASSWORD
from tests.product import Product

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PATIENCE_MS = 60_000


def signed_in(browser: Browser, product: Product, width: int = 1440, theme: str = "light") -> Page:
    """A page of a new browser, signed in as the demo's holder, on the desk."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if theme == "dark" else "light"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{product.url}/accounts/login/")
    page.fill("input[name=login]", HOLDER_EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{product.url}/")
    return page
