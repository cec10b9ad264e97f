"""What every API view shares: the actor, one transaction a write, Idempotency-Key, ETag and rate headers."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import orjson
from django.db import DataError, transaction
from django.http import HttpResponse, HttpResponseBase
from django.utils.http import parse_etags
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from seatsync.core.actors import Actor
from seatsync.core.errors import FieldProblem, PreconditionFailed, SeatSyncError, StaleVersion
from seatsync.core.idempotency import idempotency_begin, idempotency_keep
from seatsync.core.problems import CONTENT_TYPE
from seatsync.core.throttling import rate_headers
from seatsync.core.wire import JsonRenderer

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Refusals that the same request may not meet again: their keys stay free. Nor is anything kept of what failed (5xx).
PASSING = frozenset({401, 409, 412, 429})


class _Replay(Exception):
    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class ApiView(GenericAPIView[Any]):
    """Base of all API views. `actor` is set once the caller is known."""

    actor: Actor
    # No OPTIONS: DRF would describe the view there in words of its own; /api/v1/schema/ is the description.
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    # Views whose refusals must leave a trace (a revoked family) manage their own transactions.
    atomic_writes = True
    # Views whose service keeps what it refused (a rejected price with its verdicts, I-15) and undoes the rest itself.
    keeps_refusals = False
    # Whether the database refused a statement, after which nothing of the transaction can be kept.
    broken = False
    # Whether the request's Idempotency-Key was looked up and is its own, so that its answer is kept under it.
    key_taken = False
    # What a write under a key does, in a block of its own: undone, its key is held until its answer is kept.
    effect: ExitStack
    # Whether If-Match is understood.
    versioned = False
    # Services name their own arguments; these are the names of the API's fields.
    field_names: Mapping[str, str] = {}

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Writes run in one transaction, undone where the answer is an error; a refusal keeps its key all the same."""
        if request.method not in WRITES:
            return self._with_etag(request, super().dispatch(request, *args, **kwargs))
        if not self.atomic_writes:
            return super().dispatch(request, *args, **kwargs)
        with transaction.atomic(), ExitStack() as self.effect:
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= 400 and (not self.keeps_refusals or self.broken):
                transaction.set_rollback(True)
            self.effect.close()
            self._keep(request, response)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, then look the Idempotency-Key up."""
        super().initial(request, *args, **kwargs)
        actor = getattr(request._request, "api_actor", None)
        if actor is not None:
            self.actor = actor
        key = request.headers.get("Idempotency-Key")
        if self.atomic_writes and request.method in WRITES and key is not None:
            found = idempotency_begin(
                caller=self._caller(request), key=key, method=str(request.method), path=request.get_full_path(),
                body=request._request.body,
            )  # fmt: skip
            self.key_taken = found is None
            if found is not None:
                raise _Replay(found.status or 200, bytes(found.body or b""))
            self.effect.enter_context(transaction.atomic())

    def handle_exception(self, exc: Exception) -> Response:
        """A replayed answer is no error."""
        if isinstance(exc, _Replay):
            body = orjson.loads(exc.body) if exc.body else None
            kind = CONTENT_TYPE if exc.status >= 400 else None
            return Response(body, status=exc.status, headers={"Idempotent-Replay": "true"}, content_type=kind)
        self.broken = isinstance(exc, DataError)
        if isinstance(exc, SeatSyncError):
            exc.problems = tuple(self._in_api_words(problem) for problem in exc.problems)
        response: Response = super().handle_exception(exc)
        return response

    def _in_api_words(self, problem: FieldProblem) -> FieldProblem:
        head, dot, rest = problem.field.partition(".")
        return replace(problem, field=f"{self.field_names.get(head, head)}{dot}{rest}")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the rate headers."""
        final = super().finalize_response(request, response, *args, **kwargs)
        for name, value in rate_headers(getattr(request._request, "rate_grant", None)).items():
            final[name] = value
        return final

    def _caller(self, request: Request) -> str:
        """Whose keys these are: a person's at one tenant, since the same words mean other rows at another."""
        user_id = getattr(request.user, "pk", None)
        return f"user:{user_id}@{self.actor.tenant_id}" if user_id else "nobody"

    def _keep(self, request: Any, response: HttpResponseBase) -> None:
        key = request.headers.get("Idempotency-Key")
        if key is None or not self.key_taken or not isinstance(response, Response):
            return
        if response.status_code in PASSING or response.status_code >= 500:
            return
        response.render()
        idempotency_keep(
            caller=self._caller(self.request), key=key, method=request.method, path=request.get_full_path(),
            body=request.body, status=response.status_code, answer=response.content,
        )  # fmt: skip

    def _with_etag(self, request: Any, response: HttpResponseBase) -> HttpResponseBase:
        if not isinstance(response, Response) or response.status_code != 200:
            return response
        response.render()
        response["ETag"] = etag = etag_of(response.content)
        known = {tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))}
        return _not_modified(response) if known & {etag, "*"} else response

    def body(self, form: type[Serializer[Any]]) -> dict[str, Any]:
        """What the body says, checked; raises ValidationError with each field that is wrong."""
        return self._checked(form(data=self.request.data))

    def query(self, form: type[Serializer[Any]]) -> dict[str, Any]:
        """What the query says, checked; raises as `body` does."""
        return self._checked(form(data=self.request.query_params))

    @staticmethod
    def _checked(given: Serializer[Any]) -> dict[str, Any]:
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    def if_match(self, current: Any, version: int | None = None) -> None:
        """Raises PreconditionFailed where If-Match names neither what GET serves now nor its version (`"v3"`).

        `current` is the object as its GET answers it.
        """
        wanted = self.request.headers.get("If-Match")
        good = {"*", etag_of(JsonRenderer().render(current)), f'"v{version}"'}
        if wanted is not None and not good & set(parse_etags(wanted)):
            raise PreconditionFailed(
                "The object has changed since you read it.", field="If-Match", remedy="Read it again.",
                current_version=version,
            )  # fmt: skip

    @contextmanager
    def vouched(self) -> Iterator[None]:
        """For writes whose version is the one that If-Match named: lost to another writer, that is no longer so (412).

        Raises PreconditionFailed for StaleVersion; where the body said the version, that error stays (409).
        """
        try:
            yield
        except StaleVersion as error:
            if "If-Match" not in self.request.headers or "version" in self.request.data:
                raise
            raise PreconditionFailed(
                error.detail, field="If-Match", remedy="Read it again.", current_version=error.current_version
            ) from error


def _not_modified(response: HttpResponse) -> HttpResponse:
    """304 with the headers of the answer that it stands for, those of a body excepted."""
    headers = {name: value for name, value in response.items() if not name.lower().startswith("content-")}
    answer = HttpResponse(status=304, headers=headers)
    del answer["Content-Type"]
    return answer


def etag_of(content: bytes) -> str:
    """A strong entity tag of exact bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
