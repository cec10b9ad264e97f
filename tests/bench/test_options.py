"""`bench`: its options, and what it refuses before it measures anything."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from seatsync.bench.delist import Load
from seatsync.bench.publish import PublishLoad
from seatsync.bench.report import Report
from seatsync.management.commands import bench


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the benches were asked for; none of them measures."""
    seen = list[Any]()

    def measured(load: Any = None) -> Report:
        seen.append(load)
        return Report("none", 2.0, "ms", {"name": "nothing", "figure": 4.0})

    for name in ("delist", "publish"):
        monkeypatch.setattr(bench, name, measured)
    monkeypatch.setattr(bench, "PLAIN", dict.fromkeys(bench.PLAIN, measured))
    return seen


@pytest.mark.parametrize(
    ("words", "load"),
    [
        ([], Load(count=200, rate=20.0, holders=20, backlog=True, pages=2.0)),
        (["--count", "40", "--rate", "5", "--holders", "3"], Load(count=40, rate=5.0, holders=3)),
        (
            ["--rate", "2", "--holders", "1", "--no-backlog", "--no-pages"],
            Load(rate=2.0, holders=1, backlog=False, pages=0.0),
        ),
        (["--pages", "4.5", "--backlog"], Load(pages=4.5)),
    ],
)
def test_delist_is_loaded_as_asked(asked: list[Any], words: list[str], load: Load) -> None:
    call_command("bench", "delist", *words)
    assert asked == [load]


def test_publish_is_loaded_as_asked(asked: list[Any]) -> None:
    call_command("bench", "publish")
    call_command("bench", "publish", "--holders", "4", "--seconds", "30")
    assert asked == [PublishLoad(), PublishLoad(holders=4, seconds=30.0)]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["pages", "--rate", "5"], "rate"),
        (["publish", "--rate", "5"], "rate"),
        (["publish", "--no-backlog"], "backlog"),
        (["overhead", "--holders", "2"], "holders"),
        (["delist", "--seconds", "2"], "seconds"),
    ],
)
def test_an_option_of_another_bench_is_refused_by_name(asked: list[Any], words: list[str], named: str) -> None:
    with pytest.raises(CommandError, match=named):
        call_command("bench", *words)
    assert asked == []


def test_the_figure_stands_beside_its_baseline(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("bench", "overhead")
    assert "ratio 0.5" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--count", "0"], ["--rate", "0"], ["--pages", "-1"]])
def test_a_load_of_nothing_is_refused(words: list[str]) -> None:
    with pytest.raises(CommandError, match="more than nothing"):
        call_command("bench", "delist", *words)


@pytest.mark.parametrize("name", ["delist", "publish"])
def test_what_needs_the_running_product_says_so(name: str) -> None:
    with pytest.raises(CommandError, match="not running"):
        call_command("bench", name)
