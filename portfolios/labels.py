"""Labels of sections and rows: one place has one key, however its holder writes it."""

from django.db.models import CharField, Func


def label_of(text: str) -> str:
    """The label as people read it: single spaces, none around."""
    return " ".join(text.split())


class PlaceKey(Func):
    """What two spellings of one section or row have in common: "b" and "B", "027" and "27", "1 31" and "Sec 131".

    Case, width, spaces, marks, what is not seen, leading zeros and the word for what it is tell no two places of a
    stadium apart; PostgreSQL computes it, so that the ledger's unique constraint holds for every writer (I-01).
    """

    template = (
        r"REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(UPPER(NORMALIZE(%(expressions)s, NFKC)), "
        r"'[^[:alnum:]]+', '', 'g'), '^(SECTION|SECT|SEC|ROW)([0-9])', '\2'), "
        r"'(^|[^0-9])0+([0-9])', '\1\2', 'g')"
    )
    arity = 1
    output_field = CharField()


def seats_label(first: int, last: int) -> str:
    """The seats from the first to the last: "1-4", or "7" for one seat."""
    return f"{first}-{last}" if first != last else str(first)
