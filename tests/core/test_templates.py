"""Rules of every template that a browser would show broken and no view would notice."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
GRID = re.compile(r'<dl class="facts">.*?</dl>', re.DOTALL)


def test_no_cell_of_a_two_column_list_leaves_its_grid() -> None:
    """A `dt` hidden by position shifts every pair after it by one column."""
    lists = [(path.name, found) for path in TEMPLATES.rglob("*.html") for found in GRID.findall(path.read_text())]
    assert len(lists) >= 2
    assert [name for name, text in lists if re.search(r'<d[td][^>]*class="[^"]*\bsr\b', text)] == []


def test_i33_no_template_writes_the_start_of_a_game_in_another_zone_than_its_venues() -> None:
    """Django's own filters would write it in the server's."""
    bare = re.compile(r"(?<!venue_clock )(?<![\w.])[\w.]*\bstarts_at\b")
    found = {path.name: bare.findall(path.read_text()) for path in TEMPLATES.rglob("*.html")}
    assert {name: places for name, places in found.items() if places} == {}
