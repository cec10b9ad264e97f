"""The main job in a real browser, against the real processes: publish, reprice, a sale, and everything follows."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from seatsync.core.embedded.ports import free_port
from seatsync.demo.people import HOLDER_EMAIL, PASSWORD

# One worker starts the product once.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("product")]
ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PATIENCE_MS = 60_000


class Running:
    """The product under its own launcher, in a folder of its own."""

    def __init__(self, state: Path) -> None:
        self.port, self.simulator_port = free_port(), free_port()
        hidden = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER"}
        environment = {key: value for key, value in os.environ.items() if key not in hidden}
        environment |= {"ENVIRONMENT": "dev", "SEATSYNC_STATE_DIR": str(state)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "seatsync.launch", "--port", str(self.port), "--simulator-port",
             str(self.simulator_port)],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        lines = []
        for line in self.process.stdout or ():
            lines.append(line)
            if "SeatSync is at" in line:
                return
        raise AssertionError("it did not start:\n" + "".join(lines[-20:]))

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def control(self, name: str, **wish: object) -> None:
        answer = httpx.post(f"http://127.0.0.1:{self.simulator_port}/_sim/{name}", json=wish, timeout=20)
        assert answer.is_success, answer.text

    def shown(self) -> set[str]:
        state = httpx.get(f"http://127.0.0.1:{self.simulator_port}/_sim/state", timeout=20).json()
        return {listing["external_id"] for listing in state["listings"] if listing["shown"]}

    def prices(self, keys: set[str]) -> set[str]:
        state = httpx.get(f"http://127.0.0.1:{self.simulator_port}/_sim/state", timeout=20).json()
        return {f"{float(row['price']):.2f}" for row in state["listings"] if row["external_id"] in keys}

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed (Debian: apt install chromium)")
    state = tmp_path_factory.mktemp("state")
    # PostgreSQL runs as another user where we are root, and must be able to get here.
    for folder in (state, *state.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    product = Running(state)
    yield product
    product.stop()


@pytest.fixture(scope="module")
def browser(running: Running) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM)
        yield found
        found.close()


def signed_in(browser: Browser, running: Running, width: int = 1440) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{running.url}/accounts/login/")
    page.fill("input[name=login]", HOLDER_EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{running.url}/")
    return page


def test_publishing_repricing_and_a_sale_that_arrives_without_reload(browser: Browser, running: Running) -> None:
    page = signed_in(browser, running)
    expect(page.locator("h1")).to_contain_text("Desk")
    expect(page.get_by_text(re.compile("2024 season replayed, shifted -?\\d+ weeks")).first).to_be_visible()
    page.locator("main a[href*='/portfolio/games/']").nth(12).click()
    page.wait_for_url(re.compile("/portfolio/games/"))
    before = running.shown()
    page.get_by_role("button", name="List the chosen seats").click()
    expect(page.get_by_text("2 open").first).to_be_visible(timeout=PATIENCE_MS)
    for _ in range(600):
        if len(fresh := running.shown() - before) == 2:
            break
        page.wait_for_timeout(100)
    assert len(fresh) == 2
    key = min(fresh)
    state = httpx.get(f"http://127.0.0.1:{running.simulator_port}/_sim/state", timeout=20).json()
    platform = next(row["platform"] for row in state["listings"] if row["external_id"] == key)
    form = page.locator("form.price-form").first
    expect(form).to_be_visible(timeout=PATIENCE_MS)
    wanted = f"{float(form.locator('input[name=price]').input_value()) + 1:.2f}"
    form.locator("input[name=price]").fill(wanted)
    form.get_by_role("button", name="Set").click()
    for _ in range(600):
        if wanted in running.prices(fresh):
            break
        page.wait_for_timeout(100)
    assert wanted in running.prices(fresh)
    page.goto(f"{running.url}/")
    expect(page.get_by_text("live", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    running.control("sell", platform=platform, external_id=key)
    # Nothing is reloaded: the alert and the sale come by themselves.
    expect(page.get_by_text(re.compile("^Sold on ")).first).to_be_visible(timeout=PATIENCE_MS)
    for _ in range(600):
        if not fresh & running.shown():
            break
        page.wait_for_timeout(100)
    assert not fresh & running.shown()
    page.goto(f"{running.url}/portfolio/sales/")
    expect(page.get_by_role("cell", name="sold").first).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/", "/portfolio/", "/portfolio/listings/", "/portfolio/sales/", "/alerts/", "/settings/"]
)
def test_no_page_scrolls_sideways_on_a_phone(browser: Browser, running: Running, path: str) -> None:
    page = signed_in(browser, running, width=390)
    page.goto(running.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
