"""What a seller may tell of his seats: one vocabulary, which adapters send in words or by their own names.

DOMAIN.md 4.5, "Disclosure / listing note" (information, perk, defect, restriction on use).
"""

from collections.abc import Iterable

DISCLOSURES: dict[str, str] = {
    "aisle": "Aisle seat",
    "obstructed_view": "Obstructed view",
    "partial_view": "Partial view",
    "limited_legroom": "Limited legroom",
    "wheelchair": "Wheelchair accessible",
    "alcohol_free": "Alcohol-free section",
    "over_21": "21 and over",
    "parking": "Parking included",
    "food": "Food and drink included",
}


def in_words(codes: Iterable[str]) -> tuple[str, ...]:
    """The words of these codes, in the vocabulary's order; a code that this version does not know is left out."""
    known = set(codes)
    return tuple(words for code, words in DISCLOSURES.items() if code in known)
