"""Errors of the API as RFC 9457 problem+json: what happened, which field, what to do."""

from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.db import DataError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from seatsync.core.errors import CHALLENGE, FieldProblem, SeatSyncError, TooManyRequests
from seatsync.core.problem_types import problem_address, problem_title
from seatsync.core.remedies import MEND, remedy_of

CONTENT_TYPE = "application/problem+json"

log = structlog.get_logger(__name__)

# What part of the request the framework's own refusals are about, and what to do about them.
_ADVICE: dict[type[Exception], tuple[str, str]] = {
    exceptions.ParseError: ("body", "Send one JSON object."),
    exceptions.UnsupportedMediaType: ("Content-Type", "Send JSON, with the header Content-Type: application/json."),
    exceptions.MethodNotAllowed: ("", "The header Allow names the methods that there are."),
    exceptions.NotAcceptable: ("Accept", "Accept application/json."),
    exceptions.NotAuthenticated: ("Authorization", "Send an access token, as Authorization: Bearer."),
}
# What the framework has a word of its own for, and we have one already.
_OUR_KINDS: dict[type[Exception], str] = {
    exceptions.Throttled: "too_many_requests",
    exceptions.PermissionDenied: "not_allowed",
}
# The remedies of refusals that are about no field, by status; the sentence itself ends with them.
_PLAIN = {404: "Use an id that this API gave you."}


def problem_body(
    *, status: int, code: str, detail: str, request: Any, problems: tuple[FieldProblem, ...] = (),
    current_version: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The body of a problem; `errors` names fields as dotted paths, `current_version` is there for a stale writer."""
    body: dict[str, Any] = {
        "type": problem_address(code),
        "title": problem_title(code, status),
        "status": status,
        "detail": _written(detail),
        "code": code,
        "instance": getattr(request, "path", ""),
        "request_id": getattr(request, "request_id", ""),
        "errors": [
            {"field": _written(p.field), "detail": _written(p.detail), "remedy": _written(p.remedy)} for p in problems
        ],
    }
    if current_version is not None:
        body["current_version"] = current_version
    return body


def _written(text: str) -> str:
    """The text without halves of characters, which input may have and no encoding can write."""
    return text.encode(errors="replace").decode()


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: every error becomes a problem; None (a 500) for what nobody foresaw."""
    request = getattr(context.get("request"), "_request", context.get("request"))
    found = _translated(error)
    if found is None:
        return None
    set_rollback()
    headers: dict[str, str] = {}
    if found.status == HTTPStatus.UNAUTHORIZED:
        # Every 401 bears a challenge (RFC 9110), a refused token's as well as a missing one's.
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    # A remedy without a field stands in the sentence itself.
    detail = (
        found.detail if found.problems else f"{found.detail} {found.remedy or _PLAIN.get(found.status, '')}".strip()
    )
    body = problem_body(
        status=found.status, code=found.code, detail=detail, request=request, problems=found.problems,
        current_version=found.current_version,
    )  # fmt: skip
    return Response(body, status=found.status, headers=headers, content_type=CONTENT_TYPE)


def _translated(error: Exception) -> SeatSyncError | None:
    if isinstance(error, SeatSyncError):
        return error
    if isinstance(error, Http404):
        return _plain(404, "not_found", "There is nothing here.")
    if isinstance(error, PermissionDenied):
        return _plain(403, "not_allowed", "You may not do this.")
    if isinstance(error, exceptions.ValidationError):
        problems = tuple(_fields(error.detail))
        found = _plain(422, "invalid_input", "Some of the input is not valid.")
        found.problems = problems
        return found
    if isinstance(error, exceptions.APIException):
        code = _OUR_KINDS.get(type(error), str(error.default_code))
        found = _plain(error.status_code, code, str(error.detail))
        field, found.remedy = _ADVICE.get(type(error), ("", ""))
        if field:
            found.problems = (FieldProblem(field, found.detail, found.remedy),)
        return found
    if isinstance(error, RequestDataTooBig):
        found = _plain(413, "too_large", "The body is too large.")
        found.problems = (FieldProblem("body", found.detail, "Send less at once."),)
        return found
    return _late(error)


def _late(error: Exception) -> SeatSyncError | None:
    """Input that no edge refused and that something behind it could not take: a refusal, and a line for us to mend."""
    if isinstance(error, ValidationError):
        found = _plain(422, "invalid_input", "Some of the input is not valid.")
        texts = error.message_dict if hasattr(error, "error_dict") else {"body": error.messages}
        found.problems = tuple(FieldProblem(name, " ".join(said), MEND) for name, said in texts.items())
    elif isinstance(error, DataError):
        found = _plain(422, "invalid_input", "A value is longer, larger or other than what can be stored.")
        found.problems = (FieldProblem("body", found.detail, "Look for such a value and send it mended."),)
    elif isinstance(error, RecursionError):
        found = _plain(400, "parse_error", "The input is nested too deeply.")
        found.problems = (FieldProblem("body", found.detail, "Send one JSON object."),)
    else:
        return None
    log.warning("problem.late", error=type(error).__name__, exc_info=error)
    return found


def _plain(status: int, code: str, detail: str) -> SeatSyncError:
    found = SeatSyncError(detail)
    found.status, found.code = status, code
    return found


def _fields(detail: Any, path: str = "") -> list[FieldProblem]:
    """Flatten DRF's nested errors to dotted paths."""
    if isinstance(detail, dict):
        return [p for key, value in detail.items() for p in _fields(value, f"{path}.{key}" if path else str(key))]
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        return [
            p for index, value in enumerate(detail) for p in _fields(value, f"{path}.{index}" if path else str(index))
        ]
    texts = detail if isinstance(detail, list) else [detail]
    return [FieldProblem(_field(path), str(text), remedy_of(text, getattr(text, "code", None))) for text in texts]


def _field(path: str) -> str:
    """DRF says `non_field_errors` of a body that is no object; in our words it is the body's fault."""
    return path.replace(api_settings.NON_FIELD_ERRORS_KEY, "body") or "body"


def problem_view(
    request: HttpRequest, status: int, code: str, detail: str, problems: tuple[FieldProblem, ...] = (),
    *, headers: dict[str, str] | None = None,
) -> JsonResponse:  # fmt: skip
    """A problem from outside DRF: an unknown path, a delivery that proves nothing, or our own failure."""
    body = problem_body(status=status, code=code, detail=detail, request=request, problems=problems)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)
