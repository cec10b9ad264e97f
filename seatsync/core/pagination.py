"""Cursor pagination: `?limit=` (1 to 200, default 50), newest first unless a list says otherwise."""

import re
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Field
from rest_framework import pagination
from rest_framework.exceptions import NotFound as DrfNotFound
from rest_framework.request import Request

from seatsync.core.bounds import moment_within
from seatsync.core.errors import InvalidInput
from seatsync.core.remedies import echoed


class CursorPagination(pagination.CursorPagination):
    """Stable under inserts: the place is a position in the order, not a number of rows."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    ordering = ("-created_at", "-id")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """One page; raises InvalidInput for a limit or a cursor that is none."""
        ordered: Any = queryset.model._meta.get_field(self.ordering[0].lstrip("-"))
        self._ordered = ordered
        page: list[Any] | None = super().paginate_queryset(queryset, request, view)
        return page

    def get_page_size(self, request: Request) -> int | None:
        """The wished limit; raises InvalidInput for one out of bounds."""
        text = request.query_params.get("limit")
        if text is None:
            return self.page_size
        # isdigit() alone takes superscripts, which are no numbers.
        usable = text.isascii() and text.isdigit() and len(text) <= len(str(self.max_page_size))
        if not usable or not 1 <= int(text) <= self.max_page_size:
            raise InvalidInput(
                f"{echoed(text)} is not a limit.", field="limit", remedy=f"Use 1 to {self.max_page_size}."
            )
        return int(text)

    def decode_cursor(self, request: Request) -> Any:
        """The place to go on from; raises InvalidInput for a made-up one."""
        # What is no base64 at all would be read as nothing, and answered with the first page.
        if re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", request.query_params.get("cursor", "")) is None:
            raise self._no_cursor()
        try:
            found = super().decode_cursor(request)
        except DrfNotFound as error:
            raise self._no_cursor() from error
        if found is not None and found.position is not None and not _fits(self._ordered, str(found.position)):
            raise self._no_cursor()
        return found

    @staticmethod
    def _no_cursor() -> InvalidInput:
        return InvalidInput("This cursor is not valid.", field="cursor", remedy="Start without one.")


def _fits(ordered: "Field[Any, Any]", position: str) -> bool:
    """Whether the text is a value of the column that the list is ordered by: the database is asked with it."""
    try:
        value = ordered.to_python(position)
    except (ValidationError, ValueError, OverflowError):
        return False
    return moment_within(value) if isinstance(value, datetime) else "\x00" not in position
