"""What listings does when a marketplace tells us something."""


def register_handlers() -> None:
    """Register one handler for every notice kind."""
