"""How many queries a request takes, to compare few rows with many."""

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


def queries_of(client: Client, url: str) -> tuple[list[str], Any]:
    """The SQL of one GET that answers 200, and the answer."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return [query["sql"] for query in captured.captured_queries], answer
