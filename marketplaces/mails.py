"""Reading the mails by which marketplaces tell a seller of a sale, as he forwards them. No Django here.

No marketplace publishes how its mails are worded, and they change: the words that sellers' mails have in common are
looked for, and what is not found is left empty, never guessed.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from functools import partial
from html import unescape
from itertools import islice

from marketplaces.contracts import Notice, NoticeKind

LARGEST = 2_000_000
# What the inbox calls a mail.
MAIL = "mail"
_find = partial(re.compile, flags=re.IGNORECASE)
# "You've", with either apostrophe.
_YOU = "you(?:'|\N{RIGHT SINGLE QUOTATION MARK})"
_SALE = _find(
    rf"\b({_YOU}?ve sold|you sold|tickets? sold|ha(?:s|ve) sold|sale confirm|new sale|new order|your sale|sold your)"
)
# What ends a sale, or is not decided, is none, whatever else the mail says: its holder is told to look.
_OVER = _find(
    r"\b(?:cancell?(?:ed|ing|ation)|refund(?:ed)?|voided|reversed|declined|pending (?:review|approval)"
    r"|(?:sale|order) (?:is )?pending|payment\b[^.\n]{0,60}\bfailed)\b"
)
# What would be if the game were called off ends nothing: it stands below every sale's mail.
_IF_CALLED_OFF = _find(
    r"(?:^|(?<=[.!?] ))(?:if|should|in case|in the event)\b[^.!?\n]{0,20}"
    r"\b(?:event|game|show|match|concert)\b[^.!?\n]*",
    flags=re.IGNORECASE | re.MULTILINE,
)
_A_DATE = r"(?:20\d\d[/-]\d{1,2}[/-]\d{1,2}|\d{1,2}/\d{1,2}/\d{2,4}|\d{1,2}-\d{1,2}-20\d\d)(?![\d/-])"
_ORDER = _find(
    r"\b(?P<what>order|sale|transaction|purchase)\s*(?:number|no\.?|id|#)?\s*[:#]?\s*#?\s*"
    rf"(?!{_A_DATE})"
    r"(?P<number>(?=[A-Z/-]*\d)[A-Z0-9][A-Z0-9/-]{4,39})"
)
_SECTION = _find(r"\bsec(?:tion|t)?\.?\s*[:#]?\s*([A-Z0-9][A-Z0-9 ]{0,38}?)(?=\s*(?:[,;|\n]|\brow\b|\bseat|$))")
_ROW = _find(r"\brow\.?\s*[:#]?\s*([A-Z0-9]{1,8})\b")
_MORE = "(?:-|\N{EN DASH}|to|,|&|and)"
_SEATS = _find(rf"\bseats?\b(?:\s*\(s\))?\s*(?:numbers?|no\.?)?\s*[:#]?\s*(\d{{1,4}}(?:\s*{_MORE}\s*\d{{1,4}})*)")
# How many were sold counts before how many there were: "You sold 1 of your 4 tickets".
_SOLD_COUNT = _find(r"\bsold (\d{1,2}) (?:x )?(?:of|out of|tickets?|seats?)\b")
_QUANTITY = _find(
    r"\b(?:quantity|qty|number of tickets|tickets)\s*[:#]?\s*(\d{1,2})\b|\b(\d{1,2})\s*(?:x\s*)?tickets?\b"
)
# In the marketplace's own dollars, of the same sentence: "CA$45", "$45 CAD" and "-$45" are something else.
_PAYOUT = _find(
    rf"\b(?<!gross )(?:(?:total )?payout|{_YOU}ll (?:be paid|receive|get|earn)|you will (?:be paid|receive)|proceeds"
    r"|(?:your|total) earnings)(?P<before>[^$\n.]{0,40}?(?:\n ?){0,2})(?:US|(?<![A-Z-]))\$\s*"
    r"(?P<amount>\d[\d,]*(?:\.\d{1,2})?)(?!\d)(?P<after>[^$\n]{0,20})"
)
_EACH = _find(r"\b(?:each|ea|apiece|(?:per|a|every)[ -](?:ticket|seat))\b|/\s*(?:ticket|seat)\b|\d\s*x\s*$|^\s*x\s*\d")
# What the amount comes to: "$40.00 x 2 tickets = $80.00".
_COMES_TO = re.compile(r"^[^$\n=]{0,30}=\s*(?:US)?\$\s*(\d[\d,]*(?:\.\d{1,2})?)(?!\d)")
# Something is still taken off it, and nobody says how much that leaves.
_NOT_NET = _find(r"^\W*(?:minus|less|before|excluding)\b")
_OTHER_MONEY = _find(r"^\s*(?:CAD|AUD|MXN|NZD)\b")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAY = _find(
    rf"\b(?P<m1>{'|'.join(_MONTHS)})[a-z]*\.?\s+(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y1>\d{{4}})\b"
    r"|\b(?P<y2>20\d{2})-(?P<m2>\d{2})-(?P<d2>\d{2})\b"
    r"|\b(?P<m3>\d{1,2})/(?P<d3>\d{1,2})/(?P<y3>20\d{2})\b"
    rf"|\b(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<m4>{'|'.join(_MONTHS)})[a-z]*\.?,?\s+(?P<y4>20\d{{2}})\b"
    rf"|\b(?P<m5>{'|'.join(_MONTHS)})[a-z]*\.?\s+(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?\b(?!,?\s+\d{{4}}\b)"
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
# A line that names a game: two teams. "at 9:00 AM" names none.
_GAME = _find(r"\b(?:vs\.?|v\.?|at(?!\s+\d))(?=\s)|\s@\s")
# The words above the columns of a table, each with the one that it is read by.
_COLUMNS = {
    **dict.fromkeys(("section", "sec", "sect"), "section"), "row": "row",
    **dict.fromkeys(("seat", "seats", "seat(s)", "seat numbers"), "seats"),
    **dict.fromkeys(("quantity", "qty", "tickets", "number of tickets", "# of tickets"), "quantity"),
    **dict.fromkeys(("event", "date", "venue", "price", "price per ticket", "total", "status"), ""),
    **dict.fromkeys(("order", "order id", "order number", "order #"), "order"),
    **dict.fromkeys(("payout", "total payout", "proceeds", "total proceeds"), "payout"),
}  # fmt: skip
_PLACES = frozenset({"section", "row", "seats"})
_MOST_COLUMNS, _MOST_EVENTS = 12, 8
# A mail program's words for who wrote what it forwards.
_FROM = _find(r"^[^\w\n]*(?:from|von|de|da|van)[^\S\n]?:(?P<who>[^\n]{1,300})", flags=re.IGNORECASE | re.MULTILINE)
# As many characters before a date can say that.
_NEAR = 80
# No mail about a sale says more; what comes behind is somebody's attachment.
_MOST_TEXT = 50_000
# The date that a mail program writes above what it forwards or answers: among the headers, or "On ... wrote:".
_FORWARDED = _find(
    r"^[^\w\n]*(?:date|sent):[^\n]*\n(?=[^\w\n]*(?:subject|to|cc):)|^[^\w\n]*on\b[^\n]*(?:\n[^\n]*)?\bwrote:",
    flags=re.IGNORECASE | re.MULTILINE,
)
# A place, and no word of a sentence as in "section of" or "row with".
_PLACE = _find(r"\d|^([A-Z])\1?$")
_HEADER = re.compile(
    rb"(from|to|subject|date|received|message-id|return-path|delivered-to|mime-version|content-type):", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SaleMail:
    """What a mail says of a sale; empty or None where it does not. `payout` is for all tickets together.

    `events` are the lines that may name the game, the likeliest first. `days` are those that may be the game's, as
    YYYY-MM-DD: all that are written out and not said to be something else. `doubt`: it may tell of several sales, and
    nothing of it is certain.
    """

    order: str
    events: tuple[str, ...]
    days: tuple[str, ...]
    section: str
    row: str
    seats: tuple[int, ...]
    quantity: int
    payout: Decimal | None
    sent_at: datetime | None
    doubt: str = ""

    @property
    def event(self) -> str:
        """The line that names the game, as far as can be told; empty where none does."""
        return self.events[0] if self.events else ""


def as_mail(pasted: bytes) -> bytes:
    """What was pasted as a mail: text that begins with none of a mail's own headers gets those that say it is text."""
    if _HEADER.match(pasted.lstrip()):
        return pasted.lstrip()
    return b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + pasted


def sale_in(raw: bytes) -> SaleMail | None:
    """The sale that a mail tells of, as forwarded or pasted; None for a mail that is about none, or names no order.

    Of a mail in two forms the one that says where the seats are is read: the plain one may only point to the other.
    """
    message, told = _told(raw)
    if any(_OVER.search(_IF_CALLED_OFF.sub("", f"{subject}\n{text}")) for subject, text in told):
        return None
    sales = [sale for subject, text in told if (sale := _sale_of(message, subject, text)) is not None]
    return next((sale for sale in sales if sale.section), sales[0] if sales else None)


def order_over(raw: bytes) -> str:
    """The order of which a mail says that something was cancelled or is not decided; empty where it names none."""
    for subject, text in _told(raw)[1]:
        whole = f"{subject}\n{text}"
        order = _ORDER.search(whole)
        if order is not None and _OVER.search(_IF_CALLED_OFF.sub("", whole)):
            return order["number"].rstrip("-/")
    return ""


def senders_of(raw: bytes) -> frozenset[str]:
    """The domains of who wrote a mail, and what it forwards, by what it says itself: nobody has proved them."""
    message, told = _told(raw)
    said = [_header(part, "From") for part in message.walk()]
    said += [found["who"] for _, text in told for found in _FROM.finditer(text)]
    # "[mailto:...]" and "&lt;" are what mail programs make of the angles.
    plain = [re.sub(r"\[mailto:|[\[\]<>]", " ", one).replace('"', " ") for one in said]
    words = [word.strip("(),;:'") for one in plain for word in one.split() if "@" in word]
    return frozenset(word.rpartition("@")[2].casefold() for word in words) - {""}


def _told(raw: bytes) -> tuple[EmailMessage, list[tuple[str, str]]]:
    """A mail, and its subject and text in each form that it has."""
    message = message_from_bytes(raw, policy=policy.default)
    try:
        told = [one for one in _texts_of(message) if one[1].strip()]
    except Exception:
        # The library's reader of headers raises whatever it stumbles over.
        told = []
    # What its headers say of its form is not believed then: it is read as it stands.
    return message, told or [("", raw.decode(errors="replace").replace("\r", "")[:_MOST_TEXT])]


def _sale_of(message: EmailMessage, subject: str, text: str) -> SaleMail | None:
    whole = f"{subject}\n{text}"
    order = _ORDER.search(whole)
    if not _SALE.search(whole) or order is None:
        return None
    seats = _seats(text)
    told = _SOLD_COUNT.search(whole) or _QUANTITY.search(whole)
    quantity = int(next(filter(None, told.groups()))) if told else 0
    quantity, doubt = quantity or len(seats), _doubt(whole, text, order["what"])
    return SaleMail(
        order=order["number"].rstrip("-/"), events=_events(whole), days=_days(whole),
        section=_named(_SECTION, text), row=_named(_ROW, text), seats=seats,
        quantity=quantity, payout=None if doubt else _money(whole, quantity), sent_at=_sent_at(message), doubt=doubt,
    )  # fmt: skip


def notices_of(raw: bytes) -> list[Notice]:
    """A forwarded mail as the inbox keeps it, once by its own number or its bytes: a sale, or something unknown."""
    sale = sale_in(raw)
    message_id = _header(message_from_bytes(raw, policy=policy.default), "Message-ID")
    if sale is None:
        return [Notice(NoticeKind.UNKNOWN, MAIL, "", "", "", message_id, raw)]
    return [Notice(NoticeKind.SALE, MAIL, "sale", sale.order, "", message_id, raw)]


def _header(message: MIMEPart, name: str) -> str:
    """A header in plain words, or as it was written where its words cannot be made out; empty where there is none.

    A mail whose number is odd tells of its sale all the same.
    """
    try:
        return str(message.get(name, "")).strip()
    except Exception:
        # The library's reader of headers raises whatever it stumbles over.
        found = (value for key, value in message.raw_items() if key.casefold() == name.casefold())
        return "".join(str(next(found, "")).split())


def _texts_of(message: EmailMessage) -> list[tuple[str, str]]:
    """Subject and text, in each form; of a mail that is attached, its own."""
    for part in message.walk():
        if part.get_content_type() == "message/rfc822" and part is not message:
            inner = part.get_payload(0)
            if isinstance(inner, EmailMessage):
                return _texts_of(inner)
    subject = _header(message, "Subject")
    bodies = [message.get_body(preferencelist=(form,)) for form in ("plain", "html")]
    return [(subject, _text_of(body)) for body in bodies if body is not None]


def _text_of(body: MIMEPart) -> str:
    try:
        text = str(body.get_content())
    except (LookupError, ValueError):
        text = ""
    if body.get_content_type() == "text/html":
        text = re.sub(r"(?is)<(style|script)\b.*?(?:</\1\b|\Z)", " <", text)
        text = re.sub(r"(?i)<br\s*/?>|</(p|div|tr|td|th|li|h\d)>", "\n", text)
        # What is written with "&lt;" is no tag: who wrote it stands there.
        text = unescape(re.sub(r"<[^<>]*>", " ", text))
    text = re.sub(r"[ \t\xa0]+", " ", text.replace("\r", ""))
    # What a forwarding mail program puts before each line is no word of the marketplace's. Each line by itself: what
    # looks over empty lines too takes minutes for a few thousand of them.
    text = re.sub(r"(?m)^ ?>+ ?", "", text)
    return _columns_told(re.sub(r"(?:\n ?){3,}", "\n\n", text)[:_MOST_TEXT])


def _columns_told(text: str) -> str:
    """What stands in columns, each under its own word, told in turn: "Section", "Row" above "131", "27"."""
    lines = [line.strip() for line in text.split("\n")]
    filled = [number for number, line in enumerate(lines) if line]
    at = 0
    while at < len(filled):
        heads, taken = _heads([lines[number] for number in filled[at : at + _MOST_COLUMNS]])
        values = [lines[number] for number in filled[at + taken : at + taken + len(heads)]]
        if taken == 1:
            values = re.sub(r"\s*([,-])\s*", r"\1", values[0]).split() if values else []
        places = [value for head, value in zip(heads, values, strict=False) if head in _PLACES]
        if len(values) != len(heads) or not places or not all(map(_PLACE.search, places)):
            at += 1
            continue
        told = "\n".join(f"{head} {value}" for head, value in zip(heads, values, strict=True))
        over = filled[at : at + taken + (1 if taken == 1 else len(heads))]
        # The words above are told with what stands below them.
        for number in over:
            lines[number] = ""
        lines[over[-1]] = told
        at += len(over)
    return "\n".join(lines)


def _heads(lines: list[str]) -> tuple[list[str], int]:
    """The words above the columns that begin here, and how many lines they take; none, 0 where there are none."""
    words = [_COLUMNS.get(word.rstrip(":").casefold()) for word in lines[0].split()]
    if len(words) > 1 and None not in words:
        return [word for word in words if word is not None], 1
    below = [_COLUMNS.get(line.rstrip(":").casefold()) for line in lines]
    heads = [word for word in below[: below.index(None) if None in below else len(below)] if word is not None]
    return (heads, len(heads)) if len(heads) > 1 else ([], 0)


def _named(where: re.Pattern[str], text: str) -> str:
    """The first place that is named so, or the first words where none has a number or is a letter."""
    found = [one[1].strip() for one in where.finditer(text)]
    return next(
        (name for name in found if _place(name)), next((name for name in found if name.casefold() not in _COLUMNS), "")
    )


def _doubt(whole: str, text: str, what: str) -> str:
    """Why a mail may tell of several sales: it names several orders or places; empty where it does not."""
    orders = [found for found in _ORDER.finditer(whole) if found["what"].casefold() == what.casefold()]
    named: dict[str, set[str] | set[tuple[int, ...]]] = {
        "orders": {found["number"].rstrip("-/").casefold() for found in orders},
        "sections": {_place(found[1]) for found in _SECTION.finditer(text)} - {""},
        "rows": {_place(found[1]) for found in _ROW.finditer(text)} - {""},
        "runs of seats": {_numbers(found[1]) for found in _SEATS.finditer(text)},
    }
    several = next((kind for kind, found in named.items() if len(found) > 1), "")
    return several and f"it names several {several}"


def _place(told: str) -> str:
    """A section or a row as it is compared: "Field Box 131" and "131" are one; empty for what is no place."""
    words = [word for word in told.casefold().split() if _PLACE.search(word)]
    return " ".join(words)


def _seats(text: str) -> tuple[int, ...]:
    found = _SEATS.search(text)
    return _numbers(found[1]) if found else ()


def _numbers(told: str) -> tuple[int, ...]:
    """The seats of "1-4, 7 and 8", in order."""
    seats: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:\s*(?:-|\N{EN DASH}|to)\s*(\d+))?", told):
        start, end = int(first), int(last or first)
        seats.update(range(start, end + 1) if start <= end <= start + 40 else {start, end})
    return tuple(sorted(seats))


def _events(text: str) -> tuple[str, ...]:
    """The lines that may name the game, in their order; what a mail says of itself and its time names none."""
    lines = (line.strip() for line in text.splitlines())
    found = (line for line in lines if 8 <= len(line) <= 160 and _GAME.search(line))
    return tuple(dict.fromkeys(islice(found, _MOST_EVENTS)))


def _days(text: str) -> tuple[str, ...]:
    """The days that may be the game's, in their order, each once; one without a year is of those that others name."""
    whole = _FORWARDED.sub("", text)
    near = [(found, whole[max(0, found.start() - _NEAR) : found.start()]) for found in _DAY.finditer(whole)]
    told = [found for found, before in near if not _NO_GAME.search(before)]
    years = dict.fromkeys(filter(None, (_part(found, "y") for found in told)))
    days = [_iso(found, year) for found in told for year in ([_part(found, "y")] if _part(found, "y") else years)]
    return tuple(dict.fromkeys(filter(None, days)))


def _part(found: re.Match[str], part: str) -> str:
    """A day's part ("m", "d" or "y"), in whichever way the day is written; "" where it is left out."""
    return next(filter(None, (text for name, text in found.groupdict().items() if name[0] == part)), "")


def _iso(found: re.Match[str], year: str) -> str:
    """As YYYY-MM-DD; "" for a day that there is not."""
    month, day = _part(found, "m"), _part(found, "d")
    number = int(month) if month.isdecimal() else _MONTHS.index(month.lower()[:3]) + 1
    try:
        return date(int(year), number, int(day)).isoformat()
    except ValueError:
        return ""


def _money(text: str, quantity: int) -> Decimal | None:
    """What is paid for all tickets together; None where that is not told."""
    found = next((one for one in _PAYOUT.finditer(text) if not _NOT_NET.search(one["after"])), None)
    if found is None or _OTHER_MONEY.search(found["after"]):
        return None
    if total := _COMES_TO.search(text[found.end("amount") :]):
        return Decimal(total[1].replace(",", ""))
    amount = Decimal(found["amount"].replace(",", ""))
    if _EACH.search(found["before"]) or _EACH.search(found["after"]):
        return amount * quantity if quantity else None
    return amount


def _sent_at(message: EmailMessage) -> datetime | None:
    try:
        moment = getattr(message.get("Date"), "datetime", None)
    except Exception:
        # As above: of an odd date nothing is known.
        return None
    return moment if isinstance(moment, datetime) and moment.tzinfo is not None else None
