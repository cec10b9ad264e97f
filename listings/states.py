"""Which moves listings and sales may make, as tables with pure functions."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from listings.models import CommandKind, ListingStatus, SaleEnding, SaleState, TradingStateKind

_L, _S = ListingStatus, SaleState

# Statuses in which a marketplace may (still) show the listing.
OPEN: frozenset[str] = frozenset({_L.PUBLISHING, _L.ACTIVE, _L.PAUSED, _L.DELISTING})
# Open, and not already on its way down.
OFFERED: frozenset[str] = frozenset({_L.PUBLISHING, _L.ACTIVE, _L.PAUSED})
# Up there as far as anybody knows, and as it is wanted.
UP: frozenset[str] = frozenset({_L.ACTIVE, _L.PAUSED})
# May be seen there: what was not sent yet, or given up, is seen nowhere.
SHOWN: frozenset[str] = UP | {_L.DELISTING}
# May still be up there: also what was given up without knowing what came of it.
MAY_BE_UP: frozenset[str] = OPEN | {_L.ERROR}
# What its holder wants up there, also where it was refused and waits for him.
WANTED: frozenset[str] = OFFERED | {_L.ERROR}
# Brakes under which nothing new goes up.
NOTHING_NEW: frozenset[str] = frozenset({TradingStateKind.NO_NEW_LISTINGS, TradingStateKind.HALTED})
# Nothing more is to come of it there.
OVER: frozenset[str] = frozenset({_L.CANCELLED, _L.EXPIRED, _L.SOLD})

# Kinds of commands that take seats off show.
TAKES_DOWN: frozenset[str] = frozenset({CommandKind.DELIST, CommandKind.RESIZE})
# Those for which a buyer waits, or may come: they go first, are critical where they wait, and are said again.
URGENT: frozenset[str] = TAKES_DOWN | {CommandKind.REJECT_SALE}

# A sale may arrive for a listing in any status, so `sold` is reachable from everywhere.
LISTING_MOVES: dict[str, frozenset[str]] = {
    _L.DRAFT: frozenset({_L.PUBLISHING, _L.CANCELLED, _L.SOLD}),
    _L.PUBLISHING: frozenset({_L.ACTIVE, _L.DELISTING, _L.ERROR, _L.CANCELLED, _L.SOLD}),
    _L.ACTIVE: frozenset({_L.PAUSED, _L.DELISTING, _L.EXPIRED, _L.ERROR, _L.CANCELLED, _L.SOLD}),
    _L.PAUSED: frozenset({_L.ACTIVE, _L.DELISTING, _L.EXPIRED, _L.ERROR, _L.CANCELLED, _L.SOLD}),
    _L.DELISTING: frozenset({_L.CANCELLED, _L.EXPIRED, _L.ERROR, _L.SOLD}),
    _L.ERROR: frozenset({_L.PUBLISHING, _L.ACTIVE, _L.DELISTING, _L.CANCELLED, _L.SOLD}),
    _L.SOLD: frozenset(),
    _L.CANCELLED: frozenset({_L.DELISTING, _L.SOLD}),
    _L.EXPIRED: frozenset({_L.DELISTING, _L.SOLD}),
}

# What a listing that sold out becomes once none of its sales stands, and what one becomes that a hand made and that was
# met by its sale, when more seats of it are seen; by nothing else it leaves "sold".
UNSOLD: dict[str, str] = {_L.SOLD: _L.CANCELLED}
HAS_MORE: dict[str, str] = {_L.SOLD: _L.ACTIVE}

SALE_MOVES: dict[str, frozenset[str]] = {
    _S.PROVISIONAL: frozenset({_S.CONFIRMED, _S.FULFILLED, _S.COMPLETE, _S.CANCELLED, _S.CONFLICT, _S.NEEDS_PERSON}),
    _S.CONFIRMED: frozenset({_S.FULFILLED, _S.COMPLETE, _S.CANCELLED, _S.NEEDS_PERSON}),
    _S.FULFILLED: frozenset({_S.COMPLETE, _S.CANCELLED, _S.NEEDS_PERSON}),
    _S.COMPLETE: frozenset({_S.CANCELLED, _S.NEEDS_PERSON}),
    _S.CONFLICT: frozenset({_S.CANCELLED, _S.NEEDS_PERSON}),
    _S.NEEDS_PERSON: frozenset({_S.PROVISIONAL, _S.CONFIRMED, _S.FULFILLED, _S.COMPLETE, _S.CANCELLED, _S.CONFLICT}),
    _S.CANCELLED: frozenset(),
}
# What a sale that was paid becomes when its money came back; by nothing else "complete" goes back.
UNPAID: dict[str, str] = {_S.COMPLETE: _S.FULFILLED}
# The buyer was given his tickets; paid or not, he may want them again.
HANDED_OVER: frozenset[str] = frozenset({_S.FULFILLED, _S.COMPLETE})
# States in which the sale has its seats.
SALE_LIVE: frozenset[str] = frozenset({_S.PROVISIONAL, _S.CONFIRMED, _S.FULFILLED, _S.COMPLETE})


class SeatEffect(StrEnum):
    """What an ending does to the sale's seats in the ledger."""

    # Available again: the holder's to decide on. Nothing is listed by itself.
    FREED = "freed"
    # They stay the buyer's.
    KEPT = "kept"
    # It never had them.
    NONE = "none"


class MoneyEffect(StrEnum):
    """What an ending does to the sale's money; what was paid is never edited, only reversed by lines of its own."""

    # Nothing was paid, and nothing will be.
    NEVER_CAME = "never_came"
    # What was paid is taken back by later lines; what was not will not come.
    TAKEN_BACK = "taken_back"
    # What was paid is taken back, and what the buyer's other tickets cost is charged.
    TAKEN_BACK_AND_CHARGED = "taken_back_and_charged"
    # It stays owed, less what is charged.
    CHARGED = "charged"
    # Its marketplace keeps it until it has decided: nothing is late.
    WAITS = "waits"


class LotEffect(StrEnum):
    """What an ending does to the seats' tax lots; it is written down for them (EndingEffect)."""

    NOT_DISPOSED = "not_disposed"
    DISPOSED = "disposed"
    WAITS = "waits"


class BudgetEffect(StrEnum):
    """Whether the game's sale still counts against what the club lets be resold; written down as above."""

    COUNTS_NO_MORE = "counts_no_more"
    COUNTS = "counts"


class SettlementEffect(StrEnum):
    """What partners owe each other of what was settled on the sale; written down as above."""

    OWED_BACK = "owed_back"
    STANDS = "stands"
    SHARES_CHARGE = "shares_charge"
    WAITS = "waits"


@dataclass(frozen=True, slots=True)
class EndingRow:
    """One way in which a sale goes wrong: whence, whither, and exactly what it does. `to_state` None: it stays."""

    from_states: frozenset[str]
    to_state: str | None
    seats: SeatEffect
    money: MoneyEffect
    lot: LotEffect
    budget: BudgetEffect
    settlement: SettlementEffect
    asks: str
    severity: str

    @property
    def counts(self) -> bool:
        """Whether its proceeds still count as sold in what a season brought."""
        return self.money in {MoneyEffect.CHARGED, MoneyEffect.WAITS}

    @property
    def expects_money(self) -> bool:
        """Whether its money may be called late or short."""
        return self.money is MoneyEffect.CHARGED


_LIVE = frozenset({_S.CONFIRMED, _S.FULFILLED, _S.COMPLETE})
_ENDED_LIKE_NO_SALE = (LotEffect.NOT_DISPOSED, BudgetEffect.COUNTS_NO_MORE)
SALE_ENDINGS: dict[str, EndingRow] = {
    SaleEnding.PROMISE_CANCELLED: EndingRow(
        frozenset({_S.PROVISIONAL}), _S.CANCELLED, SeatEffect.FREED, MoneyEffect.NEVER_CAME, *_ENDED_LIKE_NO_SALE,
        SettlementEffect.STANDS, "Publish the seats again if you still want to sell them.", "action",
    ),
    SaleEnding.REJECTED: EndingRow(
        frozenset({_S.CONFLICT}), None, SeatEffect.NONE, MoneyEffect.NEVER_CAME, *_ENDED_LIKE_NO_SALE,
        SettlementEffect.STANDS, "Look for a penalty among the next payouts: a rejected sale may be charged.", "action",
    ),
    SaleEnding.CANCELLED: EndingRow(
        frozenset({*_LIVE, _S.CONFLICT, _S.NEEDS_PERSON}), _S.CANCELLED, SeatEffect.FREED, MoneyEffect.TAKEN_BACK,
        *_ENDED_LIKE_NO_SALE, SettlementEffect.OWED_BACK,
        "Take the tickets back if they were sent. Publish the seats again if you still want to sell them.", "action",
    ),
    # The buyer's until the marketplace lets go of the sale: the game may be brought back, and no seat is sold twice.
    SaleEnding.GAME_OFF: EndingRow(
        frozenset({_S.PROVISIONAL, *_LIVE}), None, SeatEffect.KEPT, MoneyEffect.TAKEN_BACK, *_ENDED_LIKE_NO_SALE,
        SettlementEffect.OWED_BACK,
        "Keep the money apart: what was paid is taken back. Ask the club what it pays back for your seats.", "action",
    ),
    SaleEnding.CLAIM: EndingRow(
        _LIVE, None, SeatEffect.KEPT, MoneyEffect.WAITS, LotEffect.WAITS, BudgetEffect.COUNTS, SettlementEffect.WAITS,
        "Answer its marketplace within its days (some give three) with the proof that the tickets were handed over.",
        "critical",
    ),
    SaleEnding.PENALTY: EndingRow(
        _LIVE, None, SeatEffect.KEPT, MoneyEffect.CHARGED, LotEffect.DISPOSED, BudgetEffect.COUNTS,
        SettlementEffect.SHARES_CHARGE, "Ask its marketplace what it is for, and object if it is wrong.", "action",
    ),
    SaleEnding.REPLACEMENT: EndingRow(
        # Also of one that its marketplace tells no more: that is how some show it.
        frozenset({*_LIVE, _S.NEEDS_PERSON}),
        _S.CANCELLED, SeatEffect.FREED, MoneyEffect.TAKEN_BACK_AND_CHARGED, *_ENDED_LIKE_NO_SALE,
        SettlementEffect.OWED_BACK,
        "Take the tickets back if they were sent. Use the seats yourself, or publish them again.", "critical",
    ),
}  # fmt: skip
# What can be settled again: the sale goes on as before. Of several that are open at once the first one stands: of a
# game that is off no money comes whatever else is decided, and no charge is due before a complaint is.
LIFTABLE: tuple[SaleEnding, ...] = (SaleEnding.GAME_OFF, SaleEnding.CLAIM, SaleEnding.PENALTY)
# What a person may report that a marketplace wrote of a sale, where its interface does not tell.
REPORTABLE: tuple[SaleEnding, ...] = (
    SaleEnding.CLAIM, SaleEnding.PENALTY, SaleEnding.REPLACEMENT, SaleEnding.CANCELLED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """How a sale stands with the lots, the budget and the settlement: of which tickets and money nothing is."""

    lot: LotEffect = LotEffect.DISPOSED
    budget: BudgetEffect = BudgetEffect.COUNTS
    settlement: SettlementEffect = SettlementEffect.STANDS
    # Whether its proceeds and its tickets, which counted, count no more.
    uncounted: bool = False


def standing_of(ending: str) -> Standing:
    """What an ending makes of a sale; empty: it goes on, or nothing ever went wrong.

    A conflict never counted, so nothing of it is taken off.
    """
    row = SALE_ENDINGS.get(ending)
    if row is None:
        return Standing()
    return Standing(row.lot, row.budget, row.settlement, not row.counts and row.seats is not SeatEffect.NONE)


def ending_may_be(state: str, ending: str) -> bool:
    """Whether a sale in this state may end so."""
    return state in SALE_ENDINGS[ending].from_states


def ending_standing(found: Collection[str]) -> str:
    """Which of the endings that are open on a sale stands; empty where none is open."""
    return next((ending.value for ending in LIFTABLE if ending in found), "")


def sale_counts(state: str, ending: str) -> bool:
    """Whether a sale's proceeds count as sold: it stands, and nothing took them back."""
    row = SALE_ENDINGS.get(ending)
    return state not in {_S.CANCELLED, _S.CONFLICT} and (row is None or row.counts)


def listing_may_move(from_status: str, to_status: str) -> bool:
    """Whether a listing may go from one status to another."""
    return to_status in LISTING_MOVES.get(from_status, frozenset())


def sale_may_move(from_state: str, to_state: str) -> bool:
    """Whether a sale may go from one state to another."""
    return to_state in SALE_MOVES.get(from_state, frozenset())
