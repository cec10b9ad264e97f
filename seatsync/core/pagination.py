"""Cursor pagination: `?limit=` (1 to 200, default 50), newest first unless a list says otherwise."""

from typing import Any

from rest_framework import pagination
from rest_framework.exceptions import NotFound as DrfNotFound
from rest_framework.request import Request

from seatsync.core.errors import InvalidInput


class CursorPagination(pagination.CursorPagination):
    """Stable under inserts: the place is a position in the order, not a number of rows."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    ordering = ("-created_at", "-id")

    def get_page_size(self, request: Request) -> int | None:
        """The wished limit; raises InvalidInput for one out of bounds."""
        text = request.query_params.get("limit")
        if text is None:
            return self.page_size
        # Short ASCII digits only: "²" is a digit to Python, and no number.
        if not (text.isascii() and text.isdigit() and len(text) < 9) or not 1 <= int(text) <= self.max_page_size:
            raise InvalidInput(
                f"{text[:40]!r} is not a limit.", field="limit", remedy=f"Use 1 to {self.max_page_size}."
            )
        return int(text)

    def decode_cursor(self, request: Request) -> Any:
        """The place to go on from; raises InvalidInput for a made-up one."""
        try:
            return super().decode_cursor(request)
        except DrfNotFound as error:
            raise InvalidInput("This cursor is not valid.", field="cursor", remedy="Start without one.") from error
