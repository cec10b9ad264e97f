"""What an open page fetches again: each part stays in its place and has its content swapped."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from tests.market import Market

ROOT = Path(__file__).resolve().parents[2]
TAG = re.compile(r"<[a-z][^<>]*hx-trigger=\"[^\"]*from:body[^<>]*>")
# Its answer may be another row, or none; it lies in a part that listens for the same.
WITHIN_ANOTHER = {"listings/_listing_row.html"}


def listeners() -> dict[str, list[str]]:
    folder = ROOT / "templates"
    found = {str(path.relative_to(folder)): TAG.findall(path.read_text()) for path in folder.rglob("*.html")}
    return {name: tags for name, tags in found.items() if tags}


def test_what_listens_stays_in_its_place() -> None:
    """Requests that wait for an element are dropped when it is swapped away: the news of meanwhile would be lost."""
    known = listeners()
    assert len(known) > 8
    swapped = {name for name, tags in known.items() if any("outerHTML" in tag for tag in tags)}
    assert swapped == WITHIN_ANOTHER


@pytest.mark.parametrize(
    ("name", "part"),
    [("live:needs_link", "needs-link"), ("listings:brake", "brake"), ("marketplaces:account_list", "accounts")],
)
def test_a_part_is_answered_with_its_content_alone(market: Market, name: str, part: str) -> None:
    client, url = Client(), reverse(name)
    client.force_login(market.holding.user)
    assert f'id="{part}"' in client.get(reverse("marketplaces:account_list")).text
    content = client.get(url, headers={"HX-Request": "true", "HX-Target": part}).text
    assert f'id="{part}"' not in content
    assert "<html" not in content
