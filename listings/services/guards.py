"""The guards at the pricing door: higher layers add theirs here; the door works only with all that are expected."""

from collections.abc import Callable, Sequence

from django.conf import settings

from listings.contracts import Guard
from seatsync.core.errors import Conflict

# Makes guards of the figures that are in force when it is called.
Maker = Callable[[], Sequence[Guard]]
_makers: list[Maker] = []


def guards_register(maker: Maker) -> None:
    """Add guards, which are made anew for every batch of prices: what they go by may be another figure by then."""
    if maker not in _makers:
        _makers.append(maker)


def guards_expected() -> list[Guard]:
    """The guards as of now, in the order of settings.EXPECTED_PRICING_GUARDS.

    Raises Conflict where the registered keys differ from the expected ones: safety never rests on a port being filled.
    """
    expected = list(settings.EXPECTED_PRICING_GUARDS)
    made = [guard for maker in _makers for guard in maker()]
    if sorted(guard.key for guard in made) != sorted(expected):
        missing = sorted(set(expected) - {guard.key for guard in made})
        raise Conflict(
            f"Prices cannot change: the guards at the door are not the expected ones (missing: {missing}).",
            remedy="Support has to start every part of the product.",
        )
    by_key = {guard.key: guard for guard in made}
    return [by_key[key] for key in expected]
