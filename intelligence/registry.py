"""Finds the predictors: one file each under intelligence/predictors, exporting PREDICTOR."""

import hashlib
import pkgutil
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from intelligence import predictors
from intelligence.contracts import ArtifactRefused, Predictor
from seatsync.core.errors import InvalidInput

ARTIFACTS = Path(predictors.__path__[0]) / "artifacts"
# What `sha256sum --check` reads: the digest of every artifact that ships.
SUMS = "SHA256SUMS"


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
    """The artifact that ships with the product; raises ArtifactRefused where it is missing or not the one that was."""
    return artifact_read(ARTIFACTS, key)


def artifact_read(folder: Path, key: str) -> bytes:
    """One artifact, held to its digest in the folder's SHA256SUMS; raises ArtifactRefused."""
    name, remedy = f"{key}.json", f"Restore it, or fit it again: manage.py fit_{key} --data PATH --write."
    try:
        content = (folder / name).read_bytes()
        wanted = _sums(folder).get(name)
    except OSError as error:
        raise ArtifactRefused(f"The model artifact {name} cannot be read: {error.strerror}.", remedy=remedy) from error
    if wanted is None:
        raise ArtifactRefused(f"{SUMS} does not name the model artifact {name}.", remedy=remedy)
    if artifact_digest(content) != wanted:
        raise ArtifactRefused(f"The model artifact {name} is not the one that {SUMS} names.", remedy=remedy)
    return content


def artifact_digest(content: bytes) -> str:
    """The plain hex SHA-256 of an artifact's bytes, as `sha256sum` prints it."""
    return hashlib.sha256(content).hexdigest()


def artifact_write(folder: Path, key: str, content: bytes) -> None:
    """Keep an artifact and its digest beside it."""
    path = folder / SUMS
    sums = (_sums(folder) if path.exists() else {}) | {f"{key}.json": artifact_digest(content)}
    (folder / f"{key}.json").write_bytes(content)
    path.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())))
    artifact_shipped.cache_clear()


def _sums(folder: Path) -> dict[str, str]:
    lines = (line.split() for line in (folder / SUMS).read_text().splitlines())
    return {name: digest for digest, name in lines}
