"""The guards at the pricing door: higher layers add theirs here; the door works only with all that are expected."""

from django.conf import settings

from listings.contracts import Guard
from seatsync.core.errors import Conflict

_guards: dict[str, Guard] = {}


def guard_register(guard: Guard) -> None:
    """Add a guard; a second one of the same key raises ValueError."""
    if guard.key in _guards and _guards[guard.key] is not guard:
        raise ValueError(f"guard {guard.key} is registered already")
    _guards[guard.key] = guard


def guards_expected() -> list[Guard]:
    """The guards in the order of settings.EXPECTED_PRICING_GUARDS.

    Raises Conflict where the registered keys differ from the expected ones: safety never rests on a port being filled.
    """
    expected = list(settings.EXPECTED_PRICING_GUARDS)
    if sorted(_guards) != sorted(expected):
        missing = sorted(set(expected) - set(_guards))
        raise Conflict(
            f"Prices cannot change: the guards at the door are not the expected ones (missing: {missing}).",
            remedy="Support has to start every part of the product.",
        )
    return [_guards[key] for key in expected]
