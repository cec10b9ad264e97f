"""Bodies in and out: JSON in UTF-8, whatever a header says of its charset or looks."""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer


class JsonParser(JSONParser):
    """JSON as RFC 8259 has it between systems: UTF-8, and nested no deeper than can be read."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The value; raises ParseError."""
        try:
            return super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error


class JsonRenderer(JSONRenderer):
    """One writing of one value: an indent in Accept would make another body, and another ETag, of the same object."""

    def get_indent(self, accepted_media_type: str, renderer_context: Mapping[str, Any]) -> int | None:
        """None, whatever was asked for."""
        return None
