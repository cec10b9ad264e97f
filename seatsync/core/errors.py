"""The errors a user can cause or meet: each says what happened, which field, and what to do."""

from dataclasses import dataclass

# What a 401 of the API asks for.
CHALLENGE = 'Bearer realm="api"'


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field's trouble: `field` is a path like `seats.0`, `remedy` what to do about it."""

    field: str
    detail: str
    remedy: str = ""


class SeatSyncError(Exception):
    """Base of every error that reaches a person or an API client; `status` is its HTTP status."""

    status = 400
    code = "error"
    title = "The request could not be carried out"

    def __init__(
        self,
        detail: str,
        *,
        field: str = "",
        remedy: str = "",
        problems: tuple[FieldProblem, ...] = (),
        current_version: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        # What a stale writer needs to read again; told with StaleVersion and PreconditionFailed.
        self.current_version = current_version
        self.remedy = remedy
        self.problems = problems or ((FieldProblem(field, detail, remedy),) if field else ())

    @property
    def words(self) -> str:
        """What is wrong and what to do about it, in one line for a person."""
        return f"{self.detail} {self.remedy}".strip()


class InvalidInput(SeatSyncError):
    """A field is missing, malformed or out of bounds."""

    status = 422
    code = "invalid_input"
    title = "Some of the input is not valid"


class NotFound(SeatSyncError):
    """No such object, or not one the caller may know of."""

    status = 404
    code = "not_found"
    title = "Not found"


class NotAllowed(SeatSyncError):
    """The caller sees the object and may not do this to it."""

    status = 403
    code = "not_allowed"
    title = "You may not do this"


class Conflict(SeatSyncError):
    """The state has moved on: a stale version, a seat that is no longer free, a duplicate."""

    status = 409
    code = "conflict"
    title = "The state has changed"


class Busy(Conflict):
    """Somebody else holds the rows, and did not let go in time: the same request may succeed in a moment."""

    code = "busy"


class StaleVersion(Conflict):
    """The body's `version` is not the current one."""

    code = "stale_version"


class PreconditionFailed(SeatSyncError):
    """An If-Match header names an older version."""

    status = 412
    code = "precondition_failed"
    title = "The object has changed"


class TooManyRequests(SeatSyncError):
    """The caller's allowance is used up for `retry_after_s` seconds."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
