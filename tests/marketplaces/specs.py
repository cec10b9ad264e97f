"""JSON bodies against published schemas: StubHub's specs (MIT) lie beside the fixtures, others beside a checkout."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator, OAS31Validator

VENDORED = Path(__file__).resolve().parents[1] / "fixtures" / "marketplaces" / "stubhub" / "spec"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "marketplaces" / "specs"


@lru_cache(maxsize=8)
def spec_of(name: str) -> Any:
    """A spec by its file's name, as validators take it."""
    folder = VENDORED if (VENDORED / name).exists() else BESIDE
    return _mended(json.loads((folder / name).read_text()))


def _mended(node: Any) -> Any:
    """Strict validators refuse what the publisher left empty: descriptions of null, parameters without a name."""
    if isinstance(node, list):
        return [_mended(item) for item in node]
    if not isinstance(node, dict):
        return node
    mended = {key: _mended(value) for key, value in node.items()}
    if mended.get("description", "") is None:
        mended["description"] = ""
    if isinstance(mended.get("parameters"), list):
        mended["parameters"] = [item for item in mended["parameters"] if "$ref" in item or "name" in item]
    return mended


def violations(spec_name: str, schema: str, body: Any) -> list[str]:
    """What of `body` does not fit the spec's schema."""
    assert schema in spec_of(spec_name)["components"]["schemas"], f"{spec_name} has no schema {schema}"
    return misfits(spec_name, {"$ref": f"#/components/schemas/{schema}"}, body)


def misfits(spec_name: str, schema: Mapping[str, Any], body: Any) -> list[str]:
    """What of `body` does not fit a schema that stands in the spec."""
    spec = spec_of(spec_name)
    validator = OAS31Validator if str(spec.get("openapi", "")).startswith("3.1") else OAS30Validator
    found = validator({**schema, "components": spec["components"]}).iter_errors(body)
    return [f"{'/'.join(map(str, error.absolute_path)) or '(body)'}: {error.message}" for error in found]
