"""What every operation of the OpenAPI document shares: problem+json refusals, and the headers a client may send."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers

from seatsync.core.apiview import WRITES, ApiView
from seatsync.core.idempotency import LONGEST_KEY
from seatsync.core.problems import CONTENT_TYPE


class FieldProblemOutput(serializers.Serializer[Any]):
    """One field's trouble and what to do about it."""

    field = serializers.CharField(help_text="Dotted path of the field, such as `seat_ids.0`; or a header's name.")
    detail = serializers.CharField()
    remedy = serializers.CharField(allow_blank=True)


class ProblemOutput(serializers.Serializer[Any]):
    """An error as RFC 9457 describes it."""

    type = serializers.CharField(help_text="Names the kind of problem; under this address it is described.")
    title = serializers.CharField(help_text="The same for every problem of this type.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="One sentence for a person.")
    code = serializers.CharField(help_text="For programs: stays the same when the sentence is reworded.")
    instance = serializers.CharField(allow_blank=True)
    request_id = serializers.CharField(allow_blank=True)
    # The contract's name; the stubs know only the serializer's own property of that name.
    errors = FieldProblemOutput(many=True)  # type: ignore[assignment]
    current_version = serializers.IntegerField(
        required=False, help_text="With a stale version or If-Match: the version to read and decide on."
    )


class ProblemTypeOutput(serializers.Serializer[Any]):
    """One kind of problem."""

    type = serializers.CharField(help_text="Its address.")
    code = serializers.CharField()
    status = serializers.IntegerField(help_text="Its usual HTTP status.")
    title = serializers.CharField()
    detail = serializers.CharField(help_text="What it means.")


class ProblemSchema(AutoSchema):
    """drf-spectacular's operation with our error responses and headers added."""

    def get_override_parameters(self) -> list[Any]:
        """Idempotency-Key on writes; If-Match on writes of versioned objects; If-None-Match on reads."""
        if self.method == "GET":
            name, text = "If-None-Match", "The ETag of an answer you have; 304 where it is still the same."
            return [OpenApiParameter(name, str, OpenApiParameter.HEADER, description=text)]
        found = []
        if self.method in WRITES and getattr(self.view, "atomic_writes", False):
            text = (
                f"1 to {LONGEST_KEY} characters; the same key and body get the same answer once more for 24 hours, "
                "that of a refusal too (401, 409, 412 and 429 excepted); with another body the key is refused."
            )
            found.append(OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description=text))
        if self.method in WRITES and getattr(self.view, "versioned", False):
            text = 'The ETag that you read, or the version as `"v3"`; 412 where the object has changed since.'
            found.append(OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description=text))
        return found

    def get_filter_backends(self) -> list[Any]:
        """Only reading is filtered; a write that makes several objects is no list of them."""
        found: Any = super().get_filter_backends() if self.method == "GET" else []
        return list(found)

    def _get_paginator(self) -> Any:
        """Only reading answers with pages; a write that makes several objects answers with all of them."""
        found: Any = super()
        return found._get_paginator() if self.method == "GET" else None

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        if not isinstance(self.view, ApiView):
            return bodies
        for status, text in self._refusals(self.view):
            bodies.setdefault(status, self._problem(text))
        if self.method == "GET":
            bodies["304"] = {"description": "Unchanged since the ETag of If-None-Match."}
        return bodies

    def _refusals(self, view: ApiView) -> list[tuple[str, str]]:
        found = [("429", "Too many requests; Retry-After says how many seconds to wait.")]
        if view.authentication_classes or not view.atomic_writes:
            found.append(("401", "No token, or one that is not good."))
        if "{" in self.path:
            found.append(("404", "No such object, or another holder's."))
        if self.method in WRITES:
            found += [
                ("400", "The body is not JSON."),
                ("413", "The body is too large."),
                ("415", "The body is not sent as application/json."),
                ("422", "Some of the input is not valid; `errors` says which and what to do."),
            ]
        if self.method in WRITES and view.atomic_writes:
            found += [
                ("403", "You may look at it but not do this to it."),
                ("409", "The state has moved on: a stale version, a seat that is no longer free, a key in flight."),
            ]
            if view.versioned:
                found.append(("412", "The object is another than If-Match names."))
        if self.method == "GET" and self._is_list_view():
            found.append(("422", "A filter, limit or cursor that is not valid."))
        return [*sorted(found), ("4XX", "Any other refusal.")]

    def _problem(self, description: str) -> dict[str, Any]:
        component = self.resolve_serializer(ProblemOutput, "response")
        return {"content": {CONTENT_TYPE: {"schema": component.ref}}, "description": description}


def nullable_objects(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The document with objects that may be null said so that it is valid: beside a reference `nullable` says nothing.

    A postprocessing hook of drf-spectacular, which writes {"allOf": [reference], "nullable": true}.
    """
    for component in result.get("components", {}).get("schemas", {}).values():
        for said in component.get("properties", {}).values():
            if said.get("nullable") and "allOf" in said:
                said["oneOf"] = [*said.pop("allOf"), {"enum": [None], "nullable": True}]
    return result


def example(name: str, value: Any, *, request: bool = False, status: int | None = None) -> OpenApiExample:
    """An example of a request, or of the answer with this status."""
    codes = [str(status)] if status else None
    return OpenApiExample(name, value=value, request_only=request, response_only=not request, status_codes=codes)
