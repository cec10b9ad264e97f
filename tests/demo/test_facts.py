"""The facts are the venue's and the league's own, with their sources."""

from pathlib import Path

from django.conf import settings

from intelligence.market_model.model import shipped_parameters
from seatsync.demo import people, recorded
from seatsync.demo.facts import facts

NOTICE = (
    "The information used here was obtained free of charge from and is copyrighted by Retrosheet. Interested parties "
    "may contact Retrosheet at www.retrosheet.org."
)


def test_every_section_has_a_zone_that_the_market_model_knows() -> None:
    known = set(shipped_parameters()["zone_share"])
    assert set(facts().sections.values()) <= known
    assert {people.SECTION, recorded.SECTION} <= set(facts().sections)


def test_the_levels_are_whole() -> None:
    """Not the sections that happened to have a sale: no number is missing inside a level."""
    levels = [(102, 151), (180, 187), (190, 195), (211, 227), (233, 249), (306, 347)]
    numbers = [str(number) for first, last in levels for number in range(first, last + 1)]
    assert sorted(facts().sections) == sorted(numbers)


def test_the_sources_are_named_with_retrosheets_notice() -> None:
    assert NOTICE in facts().sources["schedule"]
    assert "Uncertain" in facts().sources["sections"]
    page = (Path(settings.BASE_DIR) / "docs" / "sources.md").read_text()
    assert NOTICE in page
    assert "(docs/sources.md)" in (Path(settings.BASE_DIR) / "README.md").read_text()
