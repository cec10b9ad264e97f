"""What every form does with a service: it asks it where it is valid, and shows what it refuses."""

from collections.abc import Callable

import pytest
from django import forms

from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.core.forms import form_done


class SeatForm(forms.Form):
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
