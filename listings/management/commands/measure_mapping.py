"""`manage.py measure_mapping --data PATH [--json]`: how often the first suggestion is right, by threshold.

Read from records of public ticket markets in the folder PATH; the spellings that are not recorded are made of the
recorded words, and the report says which are which.
"""

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from listings.likeness import Likeness, event_likeness, section_likeness, sure_enough

THRESHOLDS = (50, 60, 70, 80, 85, 90, 95)
# An event's name as four marketplaces may write it.
WORDINGS: tuple[Callable[[str, str], str], ...] = (
    lambda away, home: f"{away} at {home}",
    lambda away, home: f"{home} vs. {away}",
    lambda away, home: f"{home.split()[-1]} vs {away.split()[-1]}",
    lambda away, home: f"Regular Season: {home} v. {away} (Date subject to change)",
)
# How far a marketplace's start may lie from ours.
ROUNDED = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Case:
    """What was scored: each choice's likeness, and which is right ("" where none is)."""

    scores: dict[str, Likeness]
    right: str


def ranked(case: Case) -> list[tuple[int, str]]:
    """What is not ruled out, best first."""
    return sorted(
        ((found.score, name) for name, found in case.scores.items() if found.score), key=lambda x: (-x[0], x[1])
    )


def table(cases: Iterable[Case]) -> list[dict[str, Any]]:
    """For each threshold: how many first suggestions would be chosen beforehand, and how many of them are right."""
    known = [(case, ranked(case)) for case in cases]
    rows = []
    for threshold in THRESHOLDS:
        taken = [(case, order) for case, order in known if sure_enough([score for score, _ in order], threshold)]
        right = sum(order[0][1] == case.right for case, order in taken)
        rows.append({
            "threshold": threshold, "n": len(known), "chosen": len(taken), "right": right,
            "precision": round(right / len(taken), 4) if taken else None,
        })  # fmt: skip
    return rows


def first_right(cases: Iterable[Case]) -> dict[str, int]:
    """How often the right one stands first, of those where there is a right one."""
    known = [(case, ranked(case)) for case in cases if case.right]
    return {"n": len(known), "first": sum(bool(order) and order[0][1] == case.right for case, order in known)}


def records(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of one file. Raises FileNotFoundError."""
    with gzip.open(folder / f"{name}.csv.gz", "rt", newline="") as file:
        return list(csv.DictReader(file))


def _section_cases(pairs: Iterable[tuple[str, str]], there: Iterable[str]) -> Iterator[Case]:
    names = sorted(set(there))
    for ours, right in pairs:
        yield Case({name: section_likeness(ours, name) for name in names}, right)


def sections_of_two_marketplaces(folder: Path) -> list[Case]:
    """One game on two marketplaces: "131" at the one is "Plaza Level 131" at the other, and the other way round."""
    rows = records(folder, "listings_nfl_2021_mia_at_no")
    here = {row["section"] for row in rows if row["site"] == "seatgeek"}
    titled = {row["section"]: row["title"] for row in rows if row["site"] == "vividseats"}
    # Rows whose own number is not in their title are broken.
    titles = {section: title for section, title in titled.items() if section in title.split()}
    there = [(section, titles.get(section, "")) for section in sorted(here)]
    back = [(title, section if section in here else "") for section, title in sorted(titles.items())]
    return [*_section_cases(there, titles.values()), *_section_cases(back, here)]


def sections_with_their_zones(folder: Path) -> dict[str, list[Case]]:
    """Recorded sections and zones of four ballparks, in the spellings that marketplaces make of them."""
    zones: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in records(folder, "sales_mlb_2025"):
        if row["section"] and row["zone"]:
            zones[row["venue"]][row["section"]].add(row["zone"])
    found: dict[str, list[Case]] = defaultdict(list)
    for sections in zones.values():
        pairs = sorted((section, zone) for section, names in sections.items() for zone in names)
        full = [f"{zone} {section}" for section, zone in pairs]
        alone = [(section, zone) for section, zone in pairs if len(sections[section]) == 1]
        several = sorted(section for section, names in sections.items() if len(names) > 1)
        found["the number for zone and number"] += _section_cases([(s, f"{z} {s}") for s, z in alone], full)
        found["first letters for zone and number"] += _section_cases(
            [(f"{_short(z)} {s}", f"{z} {s}") for s, z in pairs], full
        )
        found["the number where several zones have it (none is right)"] += _section_cases(
            [(s, "") for s in several], full
        )
        for section, zone in pairs:
            name = f"{zone} {section}"
            found["the right one is not there"] += _section_cases([(name, "")], set(full) - {name})
    return found


def _short(zone: str) -> str:
    return "".join(word[0] for word in zone.replace("-", " ").split())


def events(folder: Path) -> dict[str, list[Case]]:
    """Each recorded game among all events of its day, in four wordings; and once more without itself."""
    found: dict[str, list[Case]] = defaultdict(list)
    for sport, file in (("baseball 2022", "panel_mlb_2022"), ("football 2018", "panel_nfl_2018")):
        games = {row["event_id"]: row for row in records(folder, file) if row["home_team"] and row["away_team"]}
        # Two games of two teams that start alike are one for this record: it cannot say which is meant.
        one = Counter(_game(row) for row in games.values())
        games = {key: row for key, row in games.items() if one[_game(row)] == 1}
        by_day: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in games.values():
            by_day[row["event_dt"][:10]].append(row)
        for number, row in enumerate(games[key] for key in sorted(games)):
            others = by_day[row["event_dt"][:10]]
            scores = {other["event_id"]: _event(row, other, number) for other in others}
            found[sport] += [Case(scores, row["event_id"])]
            rest = {key: score for key, score in scores.items() if key != row["event_id"]}
            found[f"{sport}, the right one is not there"] += [Case(rest, "")]
    return found


def _game(row: dict[str, str]) -> tuple[str, str, str]:
    return row["home_team"], row["away_team"], row["event_dt"]


def _event(ours: dict[str, str], theirs: dict[str, str], number: int) -> Likeness:
    starts = [datetime.fromisoformat(row["event_dt"]) for row in (ours, theirs)]
    return event_likeness(
        teams=(ours["home_team"], ours["away_team"]), places=[ours["venue"]],
        name=WORDINGS[number % len(WORDINGS)](theirs["away_team"], theirs["home_team"]), place=theirs["venue"],
        apart=abs(starts[0] - starts[1]) + ROUNDED * (number % 2),
    )  # fmt: skip


def measure(folder: Path) -> dict[str, dict[str, Any]]:
    """Every set of cases with its table. Raises FileNotFoundError where a record is not in the folder."""
    sets = {"one game on two marketplaces": sections_of_two_marketplaces(folder), **sections_with_their_zones(folder)}
    sets |= events(folder)
    return {name: {"first_right": first_right(cases), "thresholds": table(cases)} for name, cases in sets.items()}


class Command(BaseCommand):
    """Measure."""

    help = "How often the first suggestion of a mapping is right, on public ticket-market records."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True)
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = measure(options["data"])
        except (FileNotFoundError, NotADirectoryError) as error:
            raise CommandError(f"{error.filename} is not there. Name the folder of the records with --data.") from error
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        for name, found in report.items():
            first = found["first_right"]
            self.stdout.write(f"{name}: the right one stands first in {first['first']} of {first['n']}")
            for row in found["thresholds"]:
                self.stdout.write(
                    f"  from {row['threshold']}: {row['chosen']} of {row['n']} chosen beforehand, {row['right']} right"
                )
