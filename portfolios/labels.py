"""Labels of sections and rows: one place has one key, however its holder writes it."""

from django.db.models import CharField, Func


def label_of(text: str) -> str:
    """The label as people read it: single spaces, none around."""
    return " ".join(text.split())


class PlaceKey(Func):
    """What two spellings of one section or row have in common: "b" and "B", "027" and "27", "1 31" and "131".

    Case, spaces and leading zeros tell no two places of a stadium apart; PostgreSQL computes it, so that the ledger's
    unique constraint holds for every writer (I-01).
    """

    template = (
        "UPPER(REGEXP_REPLACE(REGEXP_REPLACE(%(expressions)s, '[[:space:]]+', '', 'g'), "
        r"'(^|[^0-9])0+([0-9])', '\1\2', 'g'))"
    )
    arity = 1
    output_field = CharField()
