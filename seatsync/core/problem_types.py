"""The kinds of problems that the API can answer with: one address, one title and one meaning for each code (RFC 9457).

Our own kinds are the subclasses of SeatSyncError, wherever a domain declares one; the framework's refusals are listed.
"""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from seatsync.core.errors import SeatSyncError

_ADDRESS = "/api/v1/problems/"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem: `code` for programs, its usual HTTP `status`, `title` and `detail` for people."""

    code: str
    status: int
    title: str
    detail: str

    @property
    def type(self) -> str:
        """Where it is described; what `type` of such a problem says."""
        return problem_address(self.code)


# What no class of ours stands for: refusals of the framework, of the edge, and our own failure.
_PLAIN = (
    ProblemType("bad_request", 400, "Bad request", "The request cannot be understood."),
    ProblemType("parse_error", 400, "Malformed body", "The body is not one JSON object, or is nested too deeply."),
    ProblemType("not_authenticated", 401, "Not signed in", "No access token was sent with Authorization: Bearer."),
    ProblemType("authentication_failed", 401, "Not signed in", "The access token is not good any more, or never was."),
    ProblemType("bad_signature", 401, "Not signed", "A delivery does not carry the secret of the account it names."),
    ProblemType("method_not_allowed", 405, "Method not allowed", "The header Allow names the methods that there are."),
    ProblemType("not_acceptable", 406, "Not acceptable", "The API answers in JSON only."),
    ProblemType("too_large", 413, "Content too large", "The body is larger than the API takes."),
    ProblemType("unsupported_media_type", 415, "Unsupported media type", "The body must be sent as application/json."),
    ProblemType("server_error", 500, "Internal server error", "Something failed on our side, and is logged."),
)


def problem_types() -> Mapping[str, ProblemType]:
    """Every kind by its code, in the order of the codes. Call it once all domains are loaded."""
    found = {kind.code: kind for kind in _PLAIN}
    for error in sorted(_ours(), key=lambda error: len(error.__mro__)):
        # A subclass without a code of its own is the same kind of problem as its parent.
        if error.code not in found:
            found[error.code] = ProblemType(error.code, error.status, error.title, inspect.getdoc(error) or "")
    return dict(sorted(found.items()))


def problem_address(code: str) -> str:
    """The address under which a kind of problem is described."""
    return f"{_ADDRESS}{code}/"


def problem_title(code: str, status: int) -> str:
    """The title of a kind; of one that nobody declared, the words of its HTTP status."""
    kind = problem_types().get(code)
    return kind.title if kind else HTTPStatus(status).phrase


def _ours(kind: type[SeatSyncError] = SeatSyncError) -> Iterator[type[SeatSyncError]]:
    """Every error that is raised: the base of all is not."""
    for sub in kind.__subclasses__():
        yield sub
        yield from _ours(sub)
