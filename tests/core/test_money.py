"""What a person types as an amount is read as meant, or asked about; it is never another amount."""

import re
from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from seatsync.core.errors import InvalidInput
from seatsync.core.money import LARGEST, parse_money

amounts = st.decimals(min_value=0, max_value=LARGEST, places=2, allow_nan=False, allow_infinity=False)


@given(amounts, st.sampled_from(["{:.2f}", "{:,.2f}", "${:,.2f}", " $ {:,.2f} ", "$ {:.2f}"]))
def test_every_amount_that_we_write_is_read_back(amount: Decimal, form: str) -> None:
    assert parse_money(form.format(amount), field="price") == amount


@given(amounts)
def test_thousands_may_be_set_apart_by_spaces(amount: Decimal) -> None:
    assert parse_money(f"{amount:,.2f}".replace(",", " "), field="price") == amount


@pytest.mark.parametrize("text", ["\N{MINUS SIGN}5", "-5", "\N{EN DASH}5", "$-5", "-$5", "\N{MINUS SIGN}$5.00", "- 5"])
def test_a_minus_is_read_however_it_is_written(text: str) -> None:
    assert parse_money(text, field="price") == Decimal("-5.00")


@pytest.mark.parametrize("text", ["1\N{NO-BREAK SPACE}250", "1\N{NARROW NO-BREAK SPACE}250.00", "$1,250.00"])
def test_thousands_are_read_however_they_are_set_apart(text: str) -> None:
    assert parse_money(text, field="price") == Decimal("1250.00")


@pytest.mark.parametrize("text", ["-$-5", "5\N{MINUS SIGN}", "5\N{EN DASH}6", "--5"])
def test_signs_that_may_be_meant_otherwise_are_asked_about(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_money(text, field="price")


@given(st.integers(0, 99_999), st.text("0123456789", min_size=1, max_size=6))
@example(7, "5")
@example(70, "5")
@example(7, "55")
def test_a_comma_that_parts_no_thousands_is_asked_about(whole: int, after: str) -> None:
    assume(not (len(after) == 3 and 1 <= len(str(whole)) <= 3))
    with pytest.raises(InvalidInput) as caught:
        parse_money(f"{whole},{after}", field="price")
    assert (caught.value.problems[0].field, caught.value.remedy) == ("price", "Write it like 70.50.")


@given(st.text("0123456789,.$ eE+-_\u0663\x00", max_size=14))
@example("1e3")
@example("1E3")
@example("1_000")
@example("1,000 000")
@example("\u0661\u0662")
def test_what_is_read_is_what_stands_there(text: str) -> None:
    """Whatever is accepted has its digits in order, one point at most and no exponent."""
    try:
        amount = parse_money(text, field="price")
    except InvalidInput:
        return
    plain = re.sub(r"[$, ]", "", text)
    assert re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)", plain)
    assert amount == Decimal(plain)
    whole = text.strip().lstrip("+-$ ").partition(".")[0]
    assert all(len(group) == 3 for group in re.split(r"[, ]", whole)[1:])
