"""Which ports a start takes: those asked for, the usual ones, or free ones for a check."""

import sys

import pytest

from seatsync.launch import product
from seatsync.launch.options import arguments
from seatsync.launch.product import ports_choose


@pytest.mark.parametrize(("line", "web", "socket", "simulator"), [
    ((), 8000, 8001, 9100),
    (("--port", "8100"), 8100, 8101, 9100),
    (("--check",), 1, 3, 2),
    (("--check", "--simulator-port", "9200"), 1, 2, 9200),
    (("--check", "--port", "8100"), 8100, 8101, 1),
    (("--check", "--port", "0", "--simulator-port", "0"), 0, 1, 0),
])  # fmt: skip
def test_a_check_takes_free_ports_except_where_it_is_told_which(
    line: tuple[str, ...], web: int, socket: int, simulator: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter((1, 2, 3))
    monkeypatch.setattr(product, "free_port", lambda: next(free))
    monkeypatch.setattr(sys, "argv", ["bin/start", *line])
    options = arguments()
    assert (ports_choose(options), options.port, options.simulator_port) == (socket, web, simulator)
