"""The simulator's memory on disk: one JSON file, replaced whole, so that a stop in the middle loses nothing."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import orjson


def save(path: Path, state: dict[str, Any]) -> None:
    """Write the state beside the file and put it in its place at once. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            # Every two seconds, and no request is answered meanwhile: the standard encoder takes forty times as long.
            file.write(orjson.dumps(state, option=orjson.OPT_NON_STR_KEYS))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load(path: Path) -> dict[str, Any] | None:
    """The saved state; None where there is none. Raises ValueError where the file is damaged."""
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not a saved simulator state: move it away to start afresh") from error


def journal_id(path: Path) -> str:
    """What tells one installation's simulator from another's on the same machine: a hash of where its state lies."""
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
