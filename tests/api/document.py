"""The generated OpenAPI document, and whether an answer is what it says."""

import re
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS30ReadValidator, oas30_format_checker

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
PROBLEM = "application/problem+json"


class Document:
    """The document of the whole API; `check` raises AssertionError for an answer that it does not allow."""

    def __init__(self) -> None:
        generator: Any = SchemaGenerator
        self.spec: dict[str, Any] = generator().get_schema(request=None, public=True)
        self._components = {
            "components": {
                "schemas": {name: _closed(body) for name, body in self.spec["components"]["schemas"].items()}
            }
        }
        # A kind of problem is named by its code, everything else by its id.
        words = {"{code}": "[a-z_]+"}
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", lambda word: words.get(word[0], "[0-9a-f-]{36}"), path) + "$"), path)
            for path in self.spec["paths"]
        ]

    def operations(self) -> list[tuple[str, str]]:
        """Every (method, path template), methods in capitals."""
        return [
            (method.upper(), path) for path, item in self.spec["paths"].items() for method in item if method in METHODS
        ]

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation that serves this path (its query string does not count); None where there is none."""
        bare = path.partition("?")[0]
        found = next((template for pattern, template in self._paths if pattern.match(bare)), None)
        operation: dict[str, Any] | None = self.spec["paths"][found].get(method.lower()) if found else None
        return operation

    def check(self, method: str, path: str, answer: Any) -> None:
        """The status is foreseen, the body and its type are as described; every refusal is a problem."""
        said = f"{method} {path} answered {answer.status_code}: {answer.content[:400]!r}"
        assert answer.status_code < 500, said
        operation = self.operation(method, path)
        if operation is None:
            # Paths and methods outside the document are refused, in the document's own words.
            if answer.status_code >= 400:
                self._problem(answer, said)
            return
        responses, status = operation["responses"], str(answer.status_code)
        response = responses.get(status) or responses.get(f"{status[0]}XX")
        assert response is not None, f"not in the document: {said}"
        if answer.status_code >= 400:
            self._problem(answer, said)
        content = response.get("content")
        if content is None:
            assert answer.content == b"", said
            return
        kind = answer.headers["Content-Type"].partition(";")[0]
        assert kind in content, f"{kind} is not in the document: {said}"
        if kind in {"application/json", PROBLEM}:
            self.valid(content[kind]["schema"], answer.json(), said)

    def problem_schema(self) -> dict[str, Any]:
        return {"$ref": "#/components/schemas/ProblemOutput"}

    def _problem(self, answer: Any, said: str) -> None:
        assert answer.headers["Content-Type"] == PROBLEM, said
        self.valid(self.problem_schema(), answer.json(), said)
        assert answer.json()["status"] == answer.status_code, said

    def valid(self, schema: dict[str, Any], body: Any, said: str) -> None:
        """The body has every field of the schema, and none besides."""
        validator = OAS30ReadValidator({**_closed(schema), **self._components}, format_checker=oas30_format_checker)
        errors = [(list(error.absolute_path), error.message) for error in validator.iter_errors(body)]
        assert not errors, f"{errors} in {said}"


def _closed(schema: Any) -> Any:
    """The schema with no room for fields that it does not name."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if "properties" in closed and isinstance(closed["properties"], dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


@cache
def document() -> Document:
    return Document()
