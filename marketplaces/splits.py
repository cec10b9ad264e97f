"""How many of a listing's seats a buyer may take, by its split rule (DOMAIN.md 4.5). No Django here."""

SPLITS = frozenset({"any", "none", "pairs", "avoid_one", "avoid_one_and_three"})


def split_allows(split: str, quantity: int, taken: int) -> bool:
    """Whether a buyer may take `taken` of `quantity` seats; never under a rule that is not ours."""
    if not 1 <= taken <= quantity:
        return False
    rest = quantity - taken
    return {
        "any": True,
        "none": rest == 0,
        "pairs": taken % 2 == 0,
        "avoid_one": rest != 1,
        "avoid_one_and_three": rest not in {1, 3},
    }.get(split, False)


def split_offerable(split: str, quantity: int) -> bool:
    """Whether `quantity` seats can be offered at all, so that some buyers could take all of them (I-05)."""
    return quantity >= 1 and (quantity % 2 == 0 if split == "pairs" else True)


def split_sizes(split: str, quantity: int) -> list[int]:
    """How many a buyer may take, where they are listed one by one: all of them is the last.

    Of pairs that are odd in number, as a marketplace may have left them, nobody leaves a single seat.
    """
    sizes = (taken for taken in range(1, quantity) if split_allows(split, quantity, taken))
    return [*(taken for taken in sizes if quantity - taken != 1), quantity]
