"""Which owner state a seat may move to (I-01), as one table."""

from portfolios.models import OwnerState

_S = OwnerState
_GIVEN = frozenset({_S.TRANSFERRED, _S.ATTENDING, _S.DONATED, _S.SWAPPED, _S.RELINQUISHED})

SEAT_MOVES: dict[str, frozenset[str]] = {
    _S.AVAILABLE: frozenset({_S.HELD, _S.SOLD}) | _GIVEN,
    # From one hold to another: of a sale that was announced, to one that was read.
    _S.HELD: frozenset({_S.AVAILABLE, _S.SOLD, _S.HELD}),
    # A sale that is cancelled or reversed gives the seat back.
    _S.SOLD: frozenset({_S.AVAILABLE}),
    _S.TRANSFERRED: frozenset({_S.AVAILABLE}),
    _S.ATTENDING: frozenset({_S.AVAILABLE}),
    _S.DONATED: frozenset({_S.AVAILABLE}),
    _S.SWAPPED: frozenset({_S.AVAILABLE}),
    _S.RELINQUISHED: frozenset({_S.AVAILABLE}),
}
# What a holder may choose by hand; held and sold follow from sales alone.
HOLDER_STATES: frozenset[str] = _GIVEN | {_S.AVAILABLE}


def may_move(from_state: str, to_state: str) -> bool:
    """Whether the ledger allows this move."""
    return to_state in SEAT_MOVES.get(from_state, frozenset())
