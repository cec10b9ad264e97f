"""Input of the game page and the season table."""

import re
import uuid
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict

from listings.models import SplitType
from seatsync.core.forms import Form, MoneyField, VenueMomentField, choices_give, zone_give
from seatsync.core.money import money_text

SHOWS = [("all", "All games"), ("coming", "Still to come"), ("open", "Undecided"), ("listed", "Listed"),
         ("sold", "Sold"), ("kept", "Kept")]  # fmt: skip


_SEAT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class PublishForm(Form):
    """Which seats to offer, where, and at what price per ticket."""

    seats = forms.TypedMultipleChoiceField(
        label="Seats",
        coerce=uuid.UUID,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose seats.",
            "invalid_choice": "A seat that you chose is not free any more. Choose seats that are.",
        },
    )
    accounts = forms.TypedMultipleChoiceField(
        label="Marketplaces",
        coerce=uuid.UUID,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose at least one marketplace.",
            "invalid_choice": "An account that you chose is not connected. Choose among those shown.",
        },
    )
    price = MoneyField(label="Price")
    floor = MoneyField(label="Floor")
    ceiling = MoneyField(label="Ceiling")
    floor_basis = forms.ChoiceField(
        label="Floor is on", choices=[("list", "the list price"), ("net", "what reaches me")], initial="list"
    )
    split_type = forms.ChoiceField(label="Buyers may take", choices=SplitType.choices, initial=SplitType.ANY)
    list_until = VenueMomentField(
        label="On sale until", required=False,
        help_text="By the venue's clock. Empty: as long as each marketplace sells, and the tickets can still go.",
    )  # fmt: skip

    def __init__(
        self, *args: Any, seats: list[tuple[str, str]], accounts: list[tuple[str, str]], zone: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        choices_give(self, "seats", seats)
        choices_give(self, "accounts", accounts)
        zone_give(self, "list_until", zone)


class NetForm(Form):
    """A price for the net preview, and the seats: what is no amount says why, what is no seat is none.

    `price`: per ticket, in the currency of the season ticket.
    """

    price = MoneyField(required=False)
    floor = MoneyField(required=False)
    ceiling = MoneyField(required=False)
    floor_basis = forms.CharField(required=False, max_length=10)

    def amount(self) -> Decimal | None:
        """The price, if one was typed."""
        price = self._told("price")
        return price if price is not None and price > 0 else None

    def _told(self, name: str) -> Decimal | None:
        self.is_valid()
        told = self.cleaned_data.get(name)
        return told if isinstance(told, Decimal) else None

    def beyond(self, net: Decimal | None) -> str:
        """Why this price could not be listed by the bounds beside it, in words; "" where it could.

        A floor on what reaches the holder is held against `net`, as far as that is known.
        """
        price, floor, ceiling = self.amount(), self._told("floor"), self._told("ceiling")
        if price is None:
            return ""
        if ceiling is not None and price > ceiling:
            return f"above your ceiling of {money_text(ceiling)}"
        least = net if self.data.get("floor_basis") == "net" else price
        return f"below your floor of {money_text(floor)}" if floor and least is not None and least < floor else ""

    def fault(self) -> str:
        """What is wrong with the price that was typed, in words; nothing where none was typed, or a good one."""
        if self.amount() is not None or not str(self.data.get("price") or "").strip():
            return ""
        errors = self.errors.get("price")
        return str(errors[0]) if errors else "a price is more than nothing"

    def seats(self) -> list[uuid.UUID]:
        """The seats that are ticked."""
        told = self.data.getlist("seats") if isinstance(self.data, QueryDict) else []
        return [uuid.UUID(text) for text in told[:40] if _SEAT.fullmatch(text)]


class SearchForm(Form):
    """What a person looks for."""

    q = forms.CharField(label="Find a game", max_length=80, required=False)


class SeasonFilter(Form):
    """What the games table shows and in which order; kept in the URL."""

    show = forms.ChoiceField(label="Show", choices=SHOWS, required=False)
    opponent = forms.CharField(label="Opponent", max_length=40, required=False)
    sort = forms.RegexField(r"^-?(date|opponent|cost|market|suggestion|ask|sold|result)$", required=False)

    @classmethod
    def read(cls, data: Any) -> dict[str, str]:
        """The valid part of what was asked."""
        form = cls(data)
        form.is_valid()
        return {name: form.cleaned_data.get(name) or "" for name in ("show", "opponent", "sort")}
