"""What marketplaces write and holders paste, addresses above all, stays within a phone's page."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser

from seatsync.live.models import Alert

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
LINK = "https://transfer.example/accept/" + "7f3a9c" * 20
MOMENT = datetime(2026, 11, 27, 12, tzinfo=UTC)


def _ending() -> str:
    sale = SimpleNamespace(
        ending="penalty", ended_at=MOMENT, ending_said="charged a penalty", ending_reason=LINK, told_charge=0,
        charged=0, stands=True, currency="USD",
    )  # fmt: skip
    return render_to_string("listings/_sale_ending.html", {"sale": sale, "ending_words": f"See {LINK}."})


def _alert() -> str:
    alert = Alert(title=f"Beta wrote of {LINK}", body=LINK, severity="critical", raised_at=MOMENT, url="/")
    return f'<ul class="needs">{render_to_string("components/alert_row.html", {"alert": alert})}</ul>'


def _given() -> str:
    return render_to_string("listings/_sale_given.html", {"given": [f"Link: {LINK}", "Link: https://b.example/2"]})


def _task() -> str:
    """As the lists of what is found and what waits for a mapping write their rows too."""
    task = SimpleNamespace(
        pk=uuid4(), listing=SimpleNamespace(mode="live"), kind="delist", created_at=MOMENT, account=None
    )
    words = SimpleNamespace(title=LINK, text=LINK, stay=(LINK,), go=(LINK,))
    return render_to_string("listings/_hand_tasks.html", {"tasks": [(task, words)], "total": 1})


@pytest.mark.parametrize("part", [_ending, _alert, _given, _task])
def test_an_address_without_a_gap_makes_no_page_wider_than_a_phone(browser: Browser, part: Callable[[], str]) -> None:
    style = "".join((ROOT / f"static/css/{name}.css").read_text() for name in ("tokens", "base", "listings"))
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_content(f"<!DOCTYPE html><style>{style}</style><main class='main'>{part()}</main>")
    assert LINK in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
