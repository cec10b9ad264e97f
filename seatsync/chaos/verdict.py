"""What the judges find, as the report's figures."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from listings.models import FoundListing, FoundState, Listing, SaleEnding
from seatsync.chaos import judge
from seatsync.chaos.books import Books
from seatsync.chaos.cast import Cast
from seatsync.chaos.delays import notice_to_last_delist, sale_to_last_delist
from seatsync.chaos.judge_endings import endings_wrong, listed_again, money_wrong, owners_wrong
from seatsync.chaos.judge_hands import found_waiting, hands_missed, ours_alone, strangers_touched

# More findings of one kind than this say nothing new.
MOST_TOLD = 20
# What must be zero besides judge.ZEROS, by its name in the report.
HANDS: dict[str, Callable[[Books, Cast], judge.Findings]] = {
    "hand_made_missed": lambda books, cast: hands_missed(books, cast.hands.made, cast.endings.games_off),
    "strangers_touched": lambda books, cast: strangers_touched(books, cast.hands.made),
}
ENDINGS: dict[str, Callable[[Books, Cast], judge.Findings]] = {
    "endings_wrong": lambda books, cast: endings_wrong(books, cast.endings.ended, cast.endings.games_off),
    "owners_wrong": lambda books, _: owners_wrong(books),
    "listed_again": lambda books, _: listed_again(books),
    "money_wrong": lambda books, cast: money_wrong(books, cast.endings.ended),
}


def judged(whole: Books, cast: Cast, left_active: Sequence[str]) -> dict[str, Any]:
    """The figures; `left_active` was found before the last sweep. What was found is told on standard error."""
    sales, showings = ours_alone(whole, cast.hands.made)
    books = replace(whole, sales=sales, showings=showings)
    figures: dict[str, Any] = {"sales": len(whole.sales)}
    for name, check in judge.ZEROS.items():
        found = list(check(books))
        if check is judge.left_active:
            found = [*dict.fromkeys([*left_active, *found])]
        figures[name] = _count(name, found)
    for name, one in (HANDS | ENDINGS).items():
        figures[name] = _count(name, list(one(whole, cast)))
    figures["hand_made_missed"] += _count("hand_made_missed", list(found_waiting()))
    figures |= happened(books, cast)
    figures["files_overtaken"] = judge.files_overtaken(books)
    figures["needs_person"] = _count("needs_person", list(judge.waiting_for_a_person()))
    figures["turns_undone"] = sum(worker.undone for worker in cast.workers)
    figures["success_rate"] = judge.success_rate()
    figures["notice_to_last_delist_ms"] = notice_to_last_delist()
    figures["sale_to_last_delist_ms"] = sale_to_last_delist(books)
    return figures


def happened(books: Books, cast: Cast) -> dict[str, Any]:
    """What the run was to play, and how often it came to that."""
    rejected = sum(bool(sale["rejected"]) for sale in books.sales)
    made = cast.hands.made
    return {
        "conflicts": rejected, "seats_chosen": cast.buyers.chosen, "held_before": sum(one.before for one in made),
        "made_by_hand_meanwhile": sum(not one.before for one in made),
        "adopted": Listing.objects.filter(made_there=True).count(),
        "adopted_at_once": FoundListing.objects.filter(state=FoundState.ADOPTED, decided_at=None).count(),
        "found_decided": dict(cast.persons.decided),
        "sales_of_hand_made": sum(sale["listing_id"] in {one.listing_id for one in made} for sale in books.sales),
        "ended": dict(cast.endings.counts()) | {SaleEnding.REJECTED.value: rejected}, "payments": len(books.paid),
    }  # fmt: skip


def _count(name: str, findings: list[str]) -> int:
    for finding in findings[:MOST_TOLD]:
        sys.stderr.write(f"{name}: {finding}\n")
    return len(findings)
