"""What to do about a value that the frameworks refuse: by the code of their error, in words of ours."""

import re
from collections.abc import Iterable
from typing import Self

# As much of a bad value as is repeated, and as many choices as are named.
LONGEST_ECHO = 80
MOST_CHOICES = 12
MEND = "Mend this field and send it again."

# {n} is the number that the framework's own sentence names.
_BY_CODE = {
    "required": "Send a value for it.",
    "null": "Send a value instead of null.",
    "blank": "Send a text that is not empty.",
    "empty": "Send at least one.",
    "not_a_list": "Send a list.",
    "not_a_dict": "Send an object.",
    "max_length": "Shorten it to {n} characters.",
    "min_length": "Send at least {n} characters.",
    "max_value": "Send {n} or less.",
    "min_value": "Send {n} or more.",
    "max_digits": "Send at most {n} digits.",
    "max_decimal_places": "Send at most {n} decimals.",
    "max_whole_digits": "Send at most {n} digits before the point.",
    "max_string_length": "Send a shorter number.",
    "overflow": "Send a smaller value.",
    "null_characters_not_allowed": "Leave the null characters out.",
    "surrogate_characters_not_allowed": "Leave the halves of characters out.",
}
# A value of the wrong kind has one code for all kinds: the sentence says which was wanted.
_BY_KIND = {
    "uuid": "Send an id as it was given by this API.",
    "boolean": "Send true or false.",
    "true or false": "Send true or false.",
    "integer": "Send a whole number, like 7.",
    "whole number": "Send a whole number, like 7.",
    "number": "Send a number, like 70.50.",
    "datetime": "Write it like 2026-06-12T19:10:00Z.",
    "date/time": "Write it like 2026-06-12T19:10:00Z.",
    "url": "Write it like https://seats.example/finish/.",
    "email": "Write it like name@example.com.",
    "dictionary": "Send one JSON object.",
    "string": "Send a text, in quotation marks.",
}


class Told(str):
    """An error's code that brings its remedy along: wherever DRF collects errors it keeps text and code, no more."""

    __slots__ = ("remedy",)
    remedy: str

    def __new__(cls, code: str, remedy: str) -> Self:
        """A code with its remedy beside it."""
        told = super().__new__(cls, code)
        told.remedy = remedy
        return told


def remedy_of(text: str, code: str | None) -> str:
    """What to do about a framework's error: a sentence and its code."""
    if isinstance(code, Told):
        return code.remedy
    said = text.lower()
    number = re.search(r"-?\d+(\.\d+)?", text)
    n = number[0] if number else "the number named"
    if code in {"max_length", "min_length"} and ("elements" in said or "items" in said):
        return f"Send at {'most' if code == 'max_length' else 'least'} {n}."
    if (found := _BY_CODE.get(code or "")) is not None:
        return found.format(n=n)
    return next((remedy for kind, remedy in _BY_KIND.items() if kind in said), MEND)


def echoed(value: object) -> str:
    """A bad value as it is repeated to who sent it: enough to know it by."""
    text = str(value)
    return f'"{text}"' if len(text) <= LONGEST_ECHO else f'"{text[:LONGEST_ECHO]}…"'


def choices_told(choices: Iterable[object]) -> str:
    """The remedy that names what there is to choose from."""
    names = [str(choice) for choice in choices if choice not in {"", None}]
    more = (
        f" or another of {len(names) - MOST_CHOICES} that the documentation names" if len(names) > MOST_CHOICES else ""
    )
    return f"Use one of: {', '.join(names[:MOST_CHOICES])}{more}."
