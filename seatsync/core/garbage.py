"""Python's search for garbage while a process starts: what is loaded then stays, and the search took a fifth of it."""

import gc


def garbage_waits() -> None:
    """No search until `garbage_resumes`."""
    gc.disable()


def garbage_resumes() -> None:
    """Search as usual from now on, but never again through what is loaded by now."""
    gc.freeze()
    gc.enable()
