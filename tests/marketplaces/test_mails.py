"""What is read of a seller's mails: what is there, and nothing that is not."""

import base64
from decimal import Decimal
from time import process_time_ns

import pytest

from marketplaces.contracts import NoticeKind
from marketplaces.mails import notices_of, order_over, sale_in, senders_of
from marketplaces.proofs import secret_given

PLAIN = """Subject: Your tickets sold
Date: Tue, 7 Apr 2026 09:00:00 -0700

> Congratulations, your sale is confirmed.
> Order number: 40218837
> Chicago White Sox at Seattle Mariners
> 2026-04-12
> Section 131, Row 27, Seats 5, 6 and 7
> Quantity: 3
> Total payout: $1,204.50
"""


def test_a_plain_forwarded_mail() -> None:
    sale = sale_in(PLAIN.encode())
    assert sale is not None
    assert (sale.order, sale.section, sale.row, sale.seats, sale.quantity) == ("40218837", "131", "27", (5, 6, 7), 3)
    assert (sale.days, sale.payout) == (("2026-04-12",), Decimal("1204.50"))
    assert sale.event == "Chicago White Sox at Seattle Mariners"
    assert sale.sent_at is not None


def test_a_mail_attached_to_a_mail() -> None:
    outer = (
        'Subject: Fwd\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nsee below\n'
        f"--b\nContent-Type: message/rfc822\n\n{PLAIN}\n--b--\n"
    )
    sale = sale_in(outer.encode())
    assert sale is not None
    assert sale.order == "40218837"


@pytest.mark.parametrize(
    "text",
    [
        "Subject: Newsletter\n\nTickets sold out fast this week. Order now!",
        "Subject: Your order details\n\nYou bought 2 tickets. Order 12345",
        "Subject: You sold your tickets\n\nSee your account for details of the sale.",
        "",
        "\x00\xff",
    ],
)
def test_what_names_no_sale_or_no_order_is_none(text: str) -> None:
    assert sale_in(text.encode()) is None
    (notice,) = notices_of(text.encode())
    assert notice.kind is NoticeKind.UNKNOWN


def test_what_is_not_told_is_left_empty() -> None:
    sale = sale_in(b"Subject: You sold tickets\n\nOrder 998877\n")
    assert sale is not None
    assert (sale.section, sale.row, sale.seats, sale.quantity) == ("", "", (), 0)
    assert (sale.payout, sale.days) == (None, ())


@pytest.mark.parametrize(
    "said",
    [
        "Please transfer the tickets by Dec 15, 2026.", "Transfer by Tuesday, Dec 15, 2026",
        "Deliver before 12/15/2026",
        "Ship by 11:59 PM ET on Dec 15, 2026", "Upload the tickets no later than 2026-12-15", "Deadline: Dec 15, 2026",
        "Transfer by\n12/15/2026", "Expected payout on Dec 15, 2026", "You will be paid on or about Dec 15, 2026",
        "Payout date: Dec 15, 2026", "Ordered on Dec 15, 2026", "Order placed: Dec 15, 2026", "Order date\n12/15/2026",
        "Date of sale: Dec 15, 2026", "Your payout will be sent on Dec 15, 2026",
        "> From: TM <x@y.example>\n> Date: Tue, Dec 15, 2026 at 9:00 AM\n> Subject: You sold\n> To: me",
        "On Tue, Dec 15, 2026 at 9:00 AM TM <x@y.example> wrote:",
        "On Tue, Dec 15, 2026 at 9:00 AM TM\n> <x@y.example> wrote:",
    ],
)  # fmt: skip
def test_a_day_that_is_said_to_be_something_else_is_not_the_games(said: str) -> None:
    sale = sale_in(f"You sold 2 tickets. Order 998877\n{said}\nOwls at Gulls\nDec 16, 2026\n".encode())
    assert sale is not None
    assert sale.days == ("2026-12-16",)


@pytest.mark.parametrize(
    "said", ["Your tickets sold\nDec 15, 2026", "Owls at Gulls on Dec 15, 2026", "Date: Dec 15, 2026\nSection: 1",
             "You sold 2 tickets to Owls at Gulls, 12/15/2026", "When: Tuesday, Dec 15, 2026"],
)  # fmt: skip
def test_every_other_day_may_be_the_games(said: str) -> None:
    sale = sale_in(f"You sold 2 tickets. Order 998877\n{said}\nDec 16, 2026, and Dec 16, 2026, Feb 31, 2026".encode())
    assert sale is not None
    assert sale.days == ("2026-12-15", "2026-12-16")


@pytest.mark.parametrize("said", ["15 December 2026", "Tue 15th Dec 2026", "Tue, Dec 15, 7:10 PM", "Dec. 15th at 7 PM"])
def test_a_day_may_be_written_with_its_month_behind_it_or_without_its_year(said: str) -> None:
    sale = sale_in(f"You sold 2 tickets. Order 998877\n{said}\nOwls at Gulls\nDec 16, 2026\n".encode())
    assert sale is not None
    assert sale.days == ("2026-12-15", "2026-12-16")


def test_a_day_without_a_year_is_not_guessed() -> None:
    sale = sale_in(b"You sold 2 tickets. Order 998877\nOwls at Gulls, Tue, Dec 15, 7:10 PM\n")
    assert sale is not None
    assert sale.days == ()


SOLD = "You sold 2 tickets. Order 998877\nOwls at Gulls\nSection 131, Row 27, Seats 5-6\n"


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ("You sold 2 tickets. Order 998878", "orders"), ("> ORDER #111222 and order #998877", "orders"),
        ("Section 140", "sections"), ("Row 3", "rows"), ("Row A", "rows"), ("Seats 7-8", "runs of seats"),
    ],
)  # fmt: skip
def test_a_mail_that_may_tell_of_several_sales_is_certain_of_nothing(more: str, kind: str) -> None:
    sale = sale_in(f"{SOLD}Payout: $90.00\n\n{more}\n".encode())
    assert sale is not None
    assert (sale.doubt, sale.payout) == (f"it names several {kind}", None)


@pytest.mark.parametrize(
    "more", ["Order #998877", "Transaction ID: 887766", "Sec 131 Row: 27 Seats: 5, 6", "Section: Field Box 131",
             "See the section on fees, row by row.", "The row of seats 5 to 6"],
)  # fmt: skip
def test_a_mail_that_says_the_same_again_is_of_one_sale(more: str) -> None:
    sale = sale_in(f"{SOLD}{more}\n".encode())
    assert sale is not None
    assert sale.doubt == ""


@pytest.mark.parametrize(
    ("told", "seats"),
    [("1-4, 7-8", (1, 2, 3, 4, 7, 8)), ("1 to 3 and 9", (1, 2, 3, 9)), ("9, 5", (5, 9)), ("1-200", (1, 200))],
)
def test_runs_of_seats(told: str, seats: tuple[int, ...]) -> None:
    sale = sale_in(f"You sold your tickets. Order 998877\nSeats {told}\n".encode())
    assert sale is not None
    assert (sale.seats, sale.quantity) == (seats, len(seats))


@pytest.mark.parametrize(
    ("told", "payout"),
    [
        ("You'll receive $45.00 per ticket", "90.00"), ("Payout: $45.00 each", "90.00"), ("Payout: $45/ticket", "90"),
        ("Proceeds per ticket: $45.00, in all $90.00", "90.00"), ("Payout: $90.00 ($45.00 each)", "90.00"),
        ("Payout: 2 x $45.00", "90.00"), ("Payout: $70.5", "70.5"), ("Total payout: US$45.00", "45.00"),
        ("Total payout: CA$45.00", None), ("Total payout: $45.00 CAD", None), ("Payout: -$45.00", None),
        ("You will be paid after the event. Total price: $120.00", None),
        ("Payout: $40.00 x 2 tickets = $80.00", "80.00"), ("Payout: $40.00 x 2 tickets", "80.00"),
        ("You'll receive $40.00 per-ticket", "80.00"), ("You'll receive $40.00 ea.", "80.00"),
        ("Gross proceeds: $100.00\nFees: $15.00\nPayout: $85.00", "85.00"),
        ("You will receive $100.00 minus the 10% fee.", None),
    ],
)  # fmt: skip
def test_the_payout_is_of_all_tickets_in_the_marketplaces_money(told: str, payout: str | None) -> None:
    sale = sale_in(f"{SOLD}{told}\n".encode())
    assert sale is not None
    assert sale.payout == (None if payout is None else Decimal(payout))


def test_a_payout_for_each_of_nobody_knows_how_many_is_not_told() -> None:
    sale = sale_in(b"You sold your tickets. Order 998877\nPayout: $45.00 each\n")
    assert sale is not None
    assert sale.payout is None


def test_a_mail_is_told_by_its_own_number_and_a_sale_by_its_order() -> None:
    (one,) = notices_of(PLAIN.encode())
    (other,) = notices_of(b"Message-ID: <x@y>\n" + PLAIN.encode())
    assert (one.resource_id, other.resource_id) == ("40218837", "40218837")
    assert (one.delivery_id, other.delivery_id) == ("", "<x@y>")


@pytest.mark.parametrize("word", ["cancelled", "canceled", "refunded", "voided"])
def test_a_mail_of_a_sale_that_is_over_sells_nothing(word: str) -> None:
    assert sale_in(PLAIN.replace("confirmed", word).encode()) is None


@pytest.mark.parametrize(
    "said",
    [
        "Your sale was declined", "Payment of your order failed", "We are cancelling this order",
        "Your sale is pending review; do not send",
    ],
)  # fmt: skip
def test_a_mail_of_a_sale_that_is_not_decided_or_about_to_end_sells_nothing(said: str) -> None:
    assert sale_in(f"{PLAIN}> {said}.\n".encode()) is None


def test_what_would_be_if_the_game_were_called_off_ends_no_sale() -> None:
    assert sale_in(f"{PLAIN}> If the event is cancelled you will be refunded.\n".encode()) is not None
    assert sale_in(f"{PLAIN}> If the event is moved we tell you. Your sale was cancelled.\n".encode()) is None


def test_of_how_many_were_sold_is_not_how_many_were_there() -> None:
    sale = sale_in(b"Subject: You sold 1 of your 4 tickets\n\nOrder #12345678\nSection 131, Row 27, Seats 1-4")
    assert sale is not None
    assert (sale.quantity, sale.seats) == (1, (1, 2, 3, 4))


@pytest.mark.parametrize("said", ["Transaction 11/27/2026 10:00", "Mariners sale 2026-11-30", "Sale 11-30-2026"])
def test_a_date_is_no_order_number(said: str) -> None:
    sale = sale_in(f"Subject: You sold 2 tickets\n\n{said}\nOrder #12345678\n".encode())
    assert sale is not None
    assert (sale.order, sale.doubt) == ("12345678", "")


HTML = "Subject: You sold your tickets\nContent-Type: text/html\n\n<p>Order #998877</p>"


@pytest.mark.parametrize(
    "table",
    [
        "<tr><th>Section</th><th>Row</th><th>Seats</th></tr>\n<tr><td>131</td><td>27</td><td>5 - 6</td></tr>",
        "<div>Section</div><div>Row</div><div>Seat(s)</div><div>Qty</div><p>131</p><p>27</p><p>5, 6</p><p>2</p>",
        "<pre>Section Row Seats Qty\n131     27  5, 6  2</pre>",
        "<p>Section</p><p>131</p><p>Row</p><p>27</p><p>Seats</p><p>5-6</p>",
    ],
)
def test_places_may_stand_in_columns_under_their_words(table: str) -> None:
    sale = sale_in(f"{HTML}{table}".encode())
    assert sale is not None
    assert (sale.section, sale.row, sale.seats, sale.quantity, sale.doubt) == ("131", "27", (5, 6), 2, "")


@pytest.mark.parametrize("label", ["Total proceeds", "Payout:", "Your earnings"])
def test_the_payout_may_stand_under_its_word(label: str) -> None:
    sale = sale_in(f"{HTML}<table><tr><td>{label}</td></tr><tr><td>$151.20</td></tr></table>".encode())
    assert sale is not None
    assert sale.payout == Decimal("151.20")


def test_of_two_forms_one_that_says_it_is_over_counts_for_both() -> None:
    parts = ["text/plain\n\nYour sale was cancelled.", "text/html\n\n<p>Order #998877, Section 131 Row 27</p>"]
    bodies = "".join(f"--b\nContent-Type: {part}\n" for part in parts)
    mail = f'Subject: You sold\nContent-Type: multipart/alternative; boundary="b"\n\n{bodies}--b--\n'
    assert sale_in(mail.encode()) is None
    assert order_over(mail.encode()) == ""
    assert order_over(b"Subject: Sale cancelled\n\nOrder #998877 is refunded") == "998877"
    assert order_over(PLAIN.encode()) == ""


@pytest.mark.parametrize(
    "mail",
    [
        "From: A <a@mail.shop.com>\n\nhello", "From: me@own.example\n\nFrom: Shop <a@MAIL.shop.com>\nTo: me",
        "From: me@own.example\n\n> *Von:* Shop [mailto:a@mail.shop.com]\n> Gesendet: heute",
        'From: "Shop, Inc" <a@mail.shop.com>\n\nhello',
        "From: me@own.example\nContent-Type: text/html\n\nFrom: <b>Shop</b> &lt;a@mail.shop.com&gt;<br>To: me",
    ],
)  # fmt: skip
def test_who_wrote_a_mail_is_what_it_says(mail: str) -> None:
    assert "mail.shop.com" in senders_of(mail.encode())


def test_an_address_that_a_mail_only_mentions_wrote_nothing() -> None:
    assert senders_of(b"From: me@own.example\n\nAsk help@shop.com, or see buyer@x.example") == {"own.example"}


def test_the_secret() -> None:
    basic = base64.b64encode(b"mail:right").decode()
    assert secret_given({"authorization": "Bearer right"}, "right")
    assert secret_given({"authorization": f"Basic {basic}"}, "right")
    for header in ("Bearer wrong", "right", "Basic !!", ""):
        assert not secret_given({"authorization": header}, "right")
    assert not secret_given({"authorization": "Bearer "}, "")


@pytest.mark.parametrize(
    "odd",
    [
        "Message-ID: <", "Message-ID: <a@[", "Message-ID: <abc@\n mail.example>", "Message-ID: ", "Date: \x00",
        "Content-Type: text/plain; charset=\x00", "Content-Type: ;;;", "Content-Type: multipart/mixed",
        "Content-Transfer-Encoding: \x00",
        "Content-Type: message/rfc822", "Subject: =?utf-8?b?!!!?=", "From: <<<<@", "Date: Tue, 99 Abc",
    ],
)  # fmt: skip
def test_an_odd_header_hides_no_sale(odd: str) -> None:
    (notice,) = notices_of(f"{odd}\n{PLAIN}".encode())
    assert (notice.kind, notice.resource_id) == (NoticeKind.SALE, "40218837")


@pytest.mark.parametrize("filler", ["\n", "-\n", "> \n", "<", "<style", "<a", "12/12/2026 ", "section ", "on a\n"])
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_how_long_it_takes_to_read_a_mail_grows_with_its_length_alone(filler: str, kind: str) -> None:
    """Anybody may send one, and it is read while the sender waits; twice as much may not take four times as long."""

    def work(length: int) -> int:
        mail = f"Content-Type: text/{kind}\n\nYou sold 2 tickets\nOrder 12345678\n" + filler * (length // len(filler))
        began = process_time_ns()
        assert sale_in(mail.encode()) is not None
        return process_time_ns() - began

    assert min(work(12_000) for _ in range(3)) < 8 * max(1, min(work(3_000) for _ in range(3)))
