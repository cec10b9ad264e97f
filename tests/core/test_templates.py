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
