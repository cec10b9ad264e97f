"""Names that are alike, and how often the first suggestion is right on real records."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from listings.likeness import (
    EVENT_CHOSEN,
    SECTION_CHOSEN,
    event_likeness,
    names_the_game,
    section_likeness,
    sure_enough,
    surely_named,
)  # fmt: skip
from listings.management.commands.measure_mapping import measure

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.mark.parametrize(
    ("ours", "theirs", "score"),
    [
        ("131", "131", 100), ("Sec. 131", "section 131", 98), ("131", "Field Level 131", 90), ("FL 131", "131", 90),
        ("Field Level 131", "FL 131", 95), ("FL 131", "Field Level 131", 95), ("Fld Lvl 131", "Field Level 131", 95),
        ("Lower Box 131", "Lower Box 131A", 70), ("114A", "114B", 0), ("131", "1310", 0), ("131", "Bleachers", 0),
        ("Lower Box 131", "Upper Box 131", 20), ("Field Box 103", "Field Box Front Row 103", 80),
        ("131", "Suite 131 Row 2", 50), ("Bleachers", "Left Bleachers", 80), ("Left Bleachers", "Right Bleachers", 0),
        ("SRO", "Standing Room Only", 85), ("Lower Box 131", "Lower Bxo 131", 80), ("007", "7", 100), ("", "131", 0),
    ],
)  # fmt: skip
def test_how_alike_sections_are(ours: str, theirs: str, score: int) -> None:
    assert section_likeness(ours, theirs).score == score


def test_a_score_says_why() -> None:
    assert section_likeness("Lower Box 131", "Upper Box 131").reason == "the same number, but upper instead of lower"
    assert (
        section_likeness("FL 131", "Field Level 131").reason == "the same number, and one name is short for the other"
    )


def _event(name: str, *, place: str = "T-Mobile Park", apart: timedelta = timedelta(0), **changes: Any) -> int:
    known: dict[str, Any] = {"teams": ("Seattle Mariners", "Boston Red Sox"), "places": ["T-Mobile Park"], **changes}
    return event_likeness(name=name, place=place, apart=apart, **known).score


def test_how_alike_events_are() -> None:
    assert _event("Boston Red Sox at Seattle Mariners") == 100
    assert _event("Mariners vs Red Sox") >= EVENT_CHOSEN
    assert _event("Boston Red Sox at Seattle Mariners", place="Safeco Field") < 100
    assert (
        _event("Boston Red Sox at Seattle Mariners", place="Safeco Field", places=["T-Mobile Park", "Safeco Field"])
        == 100
    )
    assert _event("Boston Red Sox at Seattle Mariners", apart=timedelta(hours=2)) == 88
    assert _event("PARKING: Boston Red Sox at Seattle Mariners") == 0


def test_one_team_of_two_is_never_chosen_whatever_else_agrees() -> None:
    assert _event("Houston Astros at Seattle Mariners") < EVENT_CHOSEN
    # The White Sox share a word with the Red Sox.
    assert _event("Boston Red Sox at Chicago Cubs", teams=("Boston Red Sox", "Chicago White Sox")) < EVENT_CHOSEN


@pytest.mark.parametrize(
    ("teams", "name", "sure"),
    [
        (("Harbor Gulls", "Inland Owls"), "Inland Owls at Harbor Gulls", True),
        (("Harbor Gulls", "Inland Owls"), "GULLS vs. OWLS", True),
        (("Harbor Gulls", "Inland Owls"), "MLB: Owls @ Gulls at Harbor Park Tickets", True),
        (("Harbor Gulls", "Inland Owls"), "Regular Season: Gulls v. Owls (Date subject to change)", True),
        (("Harbor Gulls", "Inland Owls"), "Owls at Gulls Season Tickets", False),
        (("Harbor Gulls", "Inland Owls"), "Owls at Gulls - Suite Hospitality", False),
        (("Harbor Gulls", "Inland Owls"), "Owls at Gulls Meet and Greet", False),
        (("Harbor Gulls", "Inland Owls"), "CANCELLED: Owls at Gulls", False),
        (("Harbor Gulls", "Inland Owls"), "Harbor Park Club Lounge Pass", False),
        (("Harbor Gulls", "Inland Owls"), "Harbor Gulls at Harbor Park", False),
        (("Harbor Gulls", "Inland Owls"), "Harbor Gulls vs Inland Bears", False),
        (("Boston Red Sox", "Chicago White Sox"), "White Sox at Red Sox", True),
        (("Boston Red Sox", "Chicago White Sox"), "Sox at Red Sox", False),
        (("Inter Miami CF", "Orlando City SC"), "Orlando City SC at Inter Miami CF", True),
        (("Club America", "Inter Miami CF"), "Club America at Inter Miami CF", True),
        (("Inter Miami CF", "Chicago Fire FC"), "FC at CF", False),
        (("Harbor Gulls", ""), "Harbor Gulls", False),
        ((), "Harbor Gulls", False),
    ],
)
def test_which_names_are_surely_of_the_game(teams: tuple[str, ...], name: str, sure: bool) -> None:
    assert names_the_game(teams, ["Harbor Park", "Harbor City"], event=name) is sure


@pytest.mark.parametrize("more", ["Suite Hospitality", "Watch Party", "CANCELLED", "Club Lounge Pass"])
def test_what_stands_beside_a_game_is_not_chosen_beforehand(more: str) -> None:
    name = f"Boston Red Sox at Seattle Mariners {more}"
    assert _event(name) == 70
    assert not surely_named(
        ("Seattle Mariners", "Boston Red Sox"), ["T-Mobile Park"], event=name, place="T-Mobile Park"
    )


def test_a_word_of_a_teams_own_name_says_nothing_of_that() -> None:
    assert _event("Club America at Seattle Mariners", teams=("Seattle Mariners", "Club America")) == 100


@pytest.mark.parametrize(
    ("scores", "sure"), [([90], True), ([90, 85], True), ([90, 86], False), ([84], False), ([], False)]
)
def test_the_first_is_chosen_only_where_it_is_good_and_alone(scores: list[int], sure: bool) -> None:
    assert sure_enough(scores, SECTION_CHOSEN) is sure


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, Any]]:
    if not DATA.is_dir():
        pytest.skip("the public ticket-market records are not beside this checkout (../shared/data)")
    return measure(DATA)


def _at(found: dict[str, Any], threshold: int) -> tuple[int, int, int]:
    (row,) = [row for row in found["thresholds"] if row["threshold"] == threshold]
    return row["n"], row["chosen"], row["right"]


def test_whatever_is_chosen_beforehand_was_right_on_the_records(measured: dict[str, dict[str, Any]]) -> None:
    """docs/models/suggested_mappings.md has the table."""
    for name, found in measured.items():
        threshold = EVENT_CHOSEN if name.startswith(("baseball", "football")) else SECTION_CHOSEN
        n, taken, right = _at(found, threshold)
        assert taken == right, name
        assert n >= 80, name
        if "none is right" in name or "is not there" in name:
            assert taken == 0, name
        else:
            assert taken >= 0.85 * n, name


def test_below_the_threshold_wrong_ones_would_be_chosen(measured: dict[str, dict[str, Any]]) -> None:
    """So that the threshold is not higher than it need be, nor the measure blind."""
    _, taken, right = _at(measured["the right one is not there"], 80)
    assert taken > 0 == right


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"listings_nfl_2021_mia_at_no.csv.gz is not there"):
        call_command("measure_mapping", data=tmp_path)
