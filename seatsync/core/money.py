"""Money: Decimal with two places and a currency beside it, one rounding rule, never float."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from seatsync.core.errors import InvalidInput

CENT = Decimal("0.01")
DEFAULT_CURRENCY = "USD"
# Decimal(10,2): the widest amount a column holds.
LARGEST = Decimal("99999999.99")
_SYMBOLS = {"USD": "$", "CAD": "C$", "GBP": "£", "EUR": "€"}
_CURRENCY = re.compile(r"[A-Z]{3}")
# Digits, or exact groups of thousands with one and the same separator; then at most one decimal point. A comma
# anywhere else may be somebody's decimal comma, and is asked about rather than guessed.
_AMOUNT = re.compile(
    r"([-+]?)\s*\$?\s*([-+]?)\s*((?:[0-9]+|[0-9]{1,3}(?:([, ])[0-9]{3})(?:\4[0-9]{3})*)(?:\.[0-9]*)?|\.[0-9]+)"
)
_REMEDY = "Write it like 70.50."
# What pages and spreadsheets write for a minus and for a space between digits, our own pages among them.
_PLAIN = str.maketrans(
    {
        "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{FIGURE DASH}": "-", "\N{NON-BREAKING HYPHEN}": "-",
        "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ", "\N{THIN SPACE}": " ",
    }
)  # fmt: skip


def round_money(amount: Decimal) -> Decimal:
    """The one rounding rule: to the cent, halves away from zero. A float raises TypeError."""
    if not isinstance(amount, Decimal):
        raise TypeError(f"money is Decimal, not {type(amount).__name__}")
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def money_text(value: Decimal, currency: str = DEFAULT_CURRENCY, places: int = 2) -> str:
    """An amount as people read it: "$1,084.50", "20.00 SEK"."""
    symbol = _SYMBOLS.get(currency, "")
    text = f"{symbol}{abs(value):,.{places}f}"
    sign = "\N{MINUS SIGN}" if round(value, places) < 0 else ""
    return f"{sign}{text}" if symbol else f"{sign}{text} {currency}"


def parse_money(text: str, *, field: str) -> Decimal:
    """An amount from what a person typed ("$1,084.5" -> 1084.50). Raises InvalidInput naming the field."""
    found = _AMOUNT.fullmatch(text.translate(_PLAIN).strip())
    if found is None or (found[1] and found[2]):
        raise InvalidInput(f"{text[:40]!r} is not an amount.", field=field, remedy=_REMEDY)
    amount = Decimal(found[1] + found[2] + found[3].replace(",", "").replace(" ", ""))
    if abs(amount) > LARGEST:
        raise InvalidInput(f"{text[:40]!r} is out of range.", field=field, remedy=_REMEDY)
    if amount != amount.quantize(CENT):
        raise InvalidInput(
            f"{text[:40]!r} has parts of a cent.",
            field=field,
            remedy="Use at most two decimals.",
        )
    return round_money(amount)


def amount(value: object) -> Decimal:
    """A number or text from outside as money, to the cent; raises decimal.InvalidOperation for what is no number."""
    return round_money(Decimal(str(value)))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency; sums across currencies raise ValueError."""

    amount: Decimal
    currency: str = DEFAULT_CURRENCY

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", round_money(self.amount))
        if not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"{self.currency!r} is not an ISO 4217 code")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __str__(self) -> str:
        return f"{self.amount:,.2f} {self.currency}"

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other.amount


def split_evenly(total: Decimal, parts: int) -> list[Decimal]:
    """`parts` amounts that differ by at most a cent and sum to `total`; the first ones carry the extra cents."""
    if parts < 1:
        raise ValueError("parts must be at least 1")
    cents = int(round_money(total) / CENT)
    base, extra = divmod(cents, parts)
    return [(Decimal(base + (1 if index < extra else 0)) * CENT).quantize(CENT) for index in range(parts)]
