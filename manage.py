#!/usr/bin/env python3
"""Command-line entry: chooses settings, finds or starts the embedded servers, then hands over to Django."""

import sys

from seatsync.environment import use_settings


def main() -> None:
    """Run one management command."""
    use_settings()
    from seatsync.core.embedded import EmbeddedError, provide_servers

    try:
        provide_servers()
    except EmbeddedError as error:
        raise SystemExit(f"error: {error}") from error
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
