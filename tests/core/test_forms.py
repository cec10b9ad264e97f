"""What every form does with a service: it asks it where it is valid, and shows what it refuses."""

from collections.abc import Callable, Iterator

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import get_resolver
from django.utils.datastructures import MultiValueDict

from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.core.forms import Form, MoneyField, VenueMomentField, form_done
from seatsync.core.staff_series import SeriesFilter

OURS = ("seatsync.", "portfolios.", "marketplaces.", "listings.", "analytics.", "automation.", "intelligence.")


class SeatForm(Form):
    seat = forms.CharField(max_length=3)


def raises(error: Exception) -> Callable[[], int]:
    def act() -> int:
        raise error

    return act


def test_what_a_valid_form_asks_for_is_done_and_comes_back() -> None:
    form = SeatForm({"seat": "7"})
    assert (form_done(form, lambda: int(form.cleaned_data["seat"])), form.errors) == (7, {})


@pytest.mark.parametrize("data", [None, {"seat": ""}, {"seat": "1234"}])
def test_nothing_is_asked_of_a_form_that_is_empty_or_wrong(data: dict[str, str] | None) -> None:
    form = SeatForm(data)
    assert form_done(form, raises(AssertionError("asked"))) is None


def test_a_refusal_stands_beside_its_field_or_on_top() -> None:
    named, whole = SeatForm({"seat": "7"}), SeatForm({"seat": "7"})
    assert form_done(named, raises(InvalidInput("It is gone.", field="seats.0", remedy="Choose."))) is None
    assert form_done(whole, raises(Conflict("It is over."))) is None
    assert [list(form.non_field_errors()) for form in (named, whole)] == [["It is gone. Choose."], ["It is over."]]
    renamed = SeatForm({"seat": "7"})
    form_done(renamed, raises(InvalidInput("It is gone.", field="seats.0")), seats="seat")
    assert renamed.errors == {"seat": ["It is gone."]}


def test_what_is_not_for_the_form_to_say_is_raised() -> None:
    with pytest.raises(NotFound):
        form_done(SeatForm({"seat": "7"}), raises(NotFound("No such sale.")))


class EveryKind(Form):
    text = forms.CharField(label="Order number")
    own = forms.CharField(error_messages={"required": "Say why."})
    price = MoneyField()
    number = forms.IntegerField()
    moment = VenueMomentField()
    day = forms.DateField()
    one = forms.ChoiceField(choices=[("a", "A")])
    some = forms.MultipleChoiceField(choices=[("a", "A")])
    file = forms.FileField()
    tick = forms.BooleanField()
    version = forms.IntegerField(widget=forms.HiddenInput)


def test_what_is_missing_is_said_with_what_to_enter() -> None:
    assert EveryKind({}).errors == {
        "text": ["Nothing was entered. Write the order number."],
        "own": ["Say why."],
        "price": ["Nothing was entered. Write an amount, like 70.50."],
        "number": ["Nothing was entered. Write a whole number, like 7."],
        "moment": ["Nothing was entered. Write a day and a time, like 2026-06-12 19:10."],
        "day": ["Nothing was entered. Write a day, like 2026-06-12."],
        "one": ["Nothing was entered. Choose one of those shown."],
        "some": ["Nothing was entered. Choose at least one."],
        "file": ["Nothing was entered. Choose a file."],
        "tick": ["Nothing was entered. Tick it."],
        "version": ["The page did not send this as it was given. Load it again and repeat what you did."],
    }


def test_what_cannot_be_read_is_said_with_what_to_enter() -> None:
    wrong = {"number": "x", "moment": "soon", "day": "31 June", "one": "100 %", "some": ["b" * 300], "version": "1.5"}
    form = EveryKind(wrong, MultiValueDict({"file": [SimpleUploadedFile("a.pdf", b"")]}))
    said = {name: str(form.errors[name][0]) for name in (*wrong, "file")}
    some = said.pop("some")
    assert some.startswith('"bbbb')
    assert len(some) < 200
    assert said == {
        "number": "This cannot be read. Write a whole number, like 7.",
        "moment": "This cannot be read. Write a day and a time, like 2026-06-12 19:10.",
        "day": "This cannot be read. Write a day, like 2026-06-12.",
        "one": '"100 %" cannot be chosen here. Choose among what is shown.',
        "version": "The page did not send this as it was given. Load it again and repeat what you did.",
        "file": "This file is empty. Choose another.",
    }


def kinds(parent: type[forms.BaseForm]) -> Iterator[type[forms.BaseForm]]:
    for kind in parent.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_form_of_ours_says_what_to_enter() -> None:
    # What the addresses lead to is loaded.
    assert get_resolver().url_patterns
    plain = [kind for kind in kinds(forms.Form) if kind.__module__.startswith(OURS) and kind is not Form]
    assert len(plain) > 30
    # Of allauth's and the admin's making; a filter of staff's asks for nothing.
    others = [kind for kind in plain if not issubclass(kind, Form | SeriesFilter)]
    assert {kind.__module__ for kind in others} <= {"seatsync.accounts.forms"}
