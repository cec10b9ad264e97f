"""Finds the predictors: one file each under intelligence/predictors, exporting PREDICTOR."""

import pkgutil
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from intelligence import predictors
from intelligence.contracts import Predictor
from seatsync.core.errors import InvalidInput

ARTIFACTS = Path(predictors.__path__[0]) / "artifacts"


@lru_cache(maxsize=1)
def _found() -> dict[str, Predictor]:
    found: dict[str, Predictor] = {}
    for module in pkgutil.iter_modules(predictors.__path__):
        predictor: Predictor = import_module(f"{predictors.__name__}.{module.name}").PREDICTOR
        key = f"{predictor.kind}_{predictor.engine}"
        if key != module.name:
            raise RuntimeError(f"predictor {module.name} calls itself {key}")
        found[key] = predictor
    return found


def predictor_keys() -> list[str]:
    """The known predictors, `<kind>_<engine>`, sorted."""
    return sorted(_found())


def predictor_get(key: str) -> Predictor:
    """One predictor; raises InvalidInput naming the known ones."""
    if key not in _found():
        known = ", ".join(predictor_keys())
        raise InvalidInput(f"{key!r} is not a predictor.", field="model_type", remedy=f"Use one of: {known}.")
    return _found()[key]


@lru_cache(maxsize=8)
def artifact_shipped(key: str) -> bytes:
    """The artifact that ships with the product; raises FileNotFoundError where none does."""
    return (ARTIFACTS / f"{key}.json").read_bytes()
