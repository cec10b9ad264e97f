"""Reading the mails by which marketplaces tell a seller of a sale, as he forwards them. No Django here.

No marketplace publishes how its mails are worded, and they change: the words that sellers' mails have in common are
looked for, and what is not found is left empty, never guessed.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from html import unescape

from marketplaces.contracts import Notice, NoticeKind

LARGEST = 2_000_000
_find = partial(re.compile, flags=re.IGNORECASE)
# "You've", with either apostrophe.
_YOU = "you(?:'|\N{RIGHT SINGLE QUOTATION MARK})"
_SALE = _find(
    rf"\b({_YOU}?ve sold|you sold|tickets? sold|ha(?:s|ve) sold|sale confirm|new sale|new order|your sale|sold your)"
)
# What ends a sale is none, whatever else the mail says: its holder is told to look.
_OVER = _find(r"\b(cancell?ed|cancell?ation|refund(ed)?|voided|reversed)\b")
_ORDER = _find(
    r"\b(?:order|sale|transaction|purchase)\s*(?:number|no\.?|id|#)?\s*[:#]?\s*#?\s*((?=[A-Z/-]*\d)[A-Z0-9][A-Z0-9/-]{4,39})"
)
_SECTION = _find(r"\bsec(?:tion|t)?\.?\s*[:#]?\s*([A-Z0-9][A-Z0-9 ]{0,38}?)(?=\s*(?:[,;|\n]|\brow\b|\bseat|$))")
_ROW = _find(r"\brow\.?\s*[:#]?\s*([A-Z0-9]{1,8})\b")
_MORE = "(?:-|\N{EN DASH}|to|,|&|and)"
_SEATS = _find(rf"\bseats?\b(?:\s*\(s\))?\s*(?:numbers?|no\.?)?\s*[:#]?\s*(\d{{1,4}}(?:\s*{_MORE}\s*\d{{1,4}})*)")
_QUANTITY = _find(
    r"\b(?:quantity|qty|number of tickets|tickets)\s*[:#]?\s*(\d{1,2})\b|\b(\d{1,2})\s*(?:x\s*)?tickets?\b"
)
_PAYOUT = _find(
    rf"\b(?:(?:total )?payout|{_YOU}ll (?:be paid|receive|get|earn)|you will (?:be paid|receive)|proceeds"
    r"|(?:your|total) earnings)[^$\n]{0,40}(?:US)?\$\s*([\d,]+(?:\.\d{2})?)"
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAY = _find(
    rf"\b(?P<m1>{'|'.join(_MONTHS)})[a-z]*\.?\s+(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y1>\d{{4}})\b"
    r"|\b(?P<y2>20\d{2})-(?P<m2>\d{2})-(?P<d2>\d{2})\b"
    r"|\b(?P<m3>\d{1,2})/(?P<d3>\d{1,2})/(?P<y3>20\d{2})\b"
)
# What a date directly behind it is no game's: a deadline's, or the one of an order or of its payment.
_NO_GAME = _find(
    r"(?:\b(?:by|before|until|no later than|due|deadline|expir(?:es|y))(?:\s+(?:on|date|by))?"
    r"|\b(?:order|sale|purchase|transaction|transfer|delivery|ship|payout|payment|deposit|invoice)\s+date"
    r"|\bdate\s+of\s+(?:the\s+|your\s+)?(?:order|sale|purchase|transaction|payment)"
    r"|\b(?:payouts?|payments?|paid|deposit(?:ed)?|ordered|order placed|purchased|bought|sold|placed|sent|received"
    r"|issued|made|confirmed|listed)(?:[ \t]+on(?: or (?:about|around|before))?|[ \t]*:))"
    r"\s*[:-]?\s*(?:\d{1,2}(?::\d\d)?\s*[ap]\.?m\.?\s+(?:[a-z]{2,4}\s+)?(?:on\s+)?)?(?:the\s+)?(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?$"
)
# As many characters before a date can say that.
_NEAR = 80
# The date among the headers that a forwarding mail program writes above what it forwards.
_FORWARDED = _find(r"^\W*(?:date|sent):[^\n]*\n(?=\W*(?:subject|to|cc):)", flags=re.IGNORECASE | re.MULTILINE)


_HEADER = re.compile(
    rb"(from|to|subject|date|received|message-id|return-path|delivered-to|mime-version|content-type):", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SaleMail:
    """What a mail says of a sale; empty or None where it does not. `payout` is for all tickets together.

    `days` are those that may be the game's, as YYYY-MM-DD: all that are written out and not said to be something else.
    """

    order: str
    event: str
    days: tuple[str, ...]
    section: str
    row: str
    seats: tuple[int, ...]
    quantity: int
    payout: Decimal | None
    sent_at: datetime | None


def as_mail(pasted: bytes) -> bytes:
    """What was pasted as a mail: text that begins with none of a mail's own headers gets those that say it is text."""
    if _HEADER.match(pasted.lstrip()):
        return pasted.lstrip()
    return b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + pasted


def sale_in(raw: bytes) -> SaleMail | None:
    """The sale that a mail tells of, as forwarded or pasted; None for a mail that is about none, or names no order."""
    message = message_from_bytes(raw, policy=policy.default)
    subject, text = _text_of(message)
    whole = f"{subject}\n{text}"
    order = _ORDER.search(whole)
    if not _SALE.search(whole) or order is None or _OVER.search(whole):
        return None
    seats = _seats(text)
    told = _QUANTITY.search(whole)
    quantity = int(next(filter(None, told.groups()))) if told else 0
    section, row = _SECTION.search(text), _ROW.search(text)
    return SaleMail(
        order=order[1].rstrip("-/"), event=_event(whole), days=_days(whole),
        section=section[1].strip() if section else "", row=row[1] if row else "", seats=seats,
        quantity=quantity or len(seats), payout=_money(whole), sent_at=_sent_at(message),
    )  # fmt: skip


def notices_of(raw: bytes) -> list[Notice]:
    """A forwarded mail as the inbox keeps it, once by its own number or its bytes: a sale, or something unknown."""
    sale = sale_in(raw)
    message_id = str(message_from_bytes(raw, policy=policy.default).get("Message-ID", "")).strip()
    if sale is None:
        return [Notice(NoticeKind.UNKNOWN, "mail", "", "", "", message_id, raw)]
    return [Notice(NoticeKind.SALE, "mail", "sale", sale.order, "", message_id, raw)]


def _text_of(message: EmailMessage) -> tuple[str, str]:
    """Subject and text; of a mail that is attached, its own."""
    for part in message.walk():
        if part.get_content_type() == "message/rfc822" and part is not message:
            inner = part.get_payload(0)
            if isinstance(inner, EmailMessage):
                return _text_of(inner)
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return str(message.get("Subject", "")), ""
    try:
        text = str(body.get_content())
    except (LookupError, ValueError):
        text = ""
    if body.get_content_type() == "text/html":
        text = re.sub(r"(?is)<(style|script).*?</\1>", " ", text)
        text = unescape(re.sub(r"(?i)<br\s*/?>|</(p|div|tr|td|li|h\d)>", "\n", text))
        text = re.sub(r"<[^>]+>", " ", text)
    text = re.sub(r"[ \t\xa0]+", " ", text.replace("\r", ""))
    # What a forwarding mail program puts before each line is no word of the marketplace's.
    return str(message.get("Subject", "")), re.sub(r"(?m)^\s*>+ ?", "", text)


def _seats(text: str) -> tuple[int, ...]:
    found = _SEATS.search(text)
    if found is None:
        return ()
    numbers = [int(number) for number in re.findall(r"\d+", found[1])]
    spans = re.search(r"-|\N{EN DASH}|to", found[1])
    if spans and len(numbers) == 2 and numbers[0] <= numbers[1] <= numbers[0] + 40:
        return tuple(range(numbers[0], numbers[1] + 1))
    return tuple(sorted(set(numbers)))


def _event(text: str) -> str:
    for line in text.splitlines():
        if re.search(r"\b(at|vs\.?|v\.)\b", line, re.IGNORECASE) and 8 <= len(line.strip()) <= 160:
            return line.strip()
    return ""


def _days(text: str) -> tuple[str, ...]:
    """The days that may be the game's, in their order, each once."""
    whole = _FORWARDED.sub("", text)
    days = [_iso(found) for found in _DAY.finditer(whole) if not _NO_GAME.search(whole[: found.start()][-_NEAR:])]
    return tuple(dict.fromkeys(filter(None, days)))


def _iso(found: re.Match[str]) -> str:
    """As YYYY-MM-DD; "" for a day that there is not."""
    month, day, year = (found[f"{part}1"] or found[f"{part}2"] or found[f"{part}3"] for part in "mdy")
    number = int(month) if month.isdigit() else _MONTHS.index(month.lower()[:3]) + 1
    try:
        return date(int(year), number, int(day)).isoformat()
    except ValueError:
        return ""


def _money(text: str) -> Decimal | None:
    found = _PAYOUT.search(text)
    try:
        return Decimal(found[1].replace(",", "")) if found else None
    except InvalidOperation:
        return None


def _sent_at(message: EmailMessage) -> datetime | None:
    moment = getattr(message.get("Date"), "datetime", None)
    return moment if isinstance(moment, datetime) and moment.tzinfo is not None else None
