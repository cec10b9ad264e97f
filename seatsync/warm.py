"""What a process loads before its first request or job, so that no person and no seat on show waits for it."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.template import Context, Template
from django.template.loader import get_template
from django.urls import reverse

from marketplaces.registry import adapter_keys
from seatsync.core.garbage import garbage_resumes, garbage_waits
from seatsync.shell import nav_icons

_ICON = re.compile(r'{% lucide "([a-z0-9-]+)"')


def warm_up() -> None:
    """Read every address and import what serves it, with the adapters: a second's work, else paid for by a sale."""
    garbage_waits()
    _load()
    garbage_resumes()


def warm_up_pages() -> None:
    """The same for whoever serves pages, with every template and the icons in them."""
    garbage_waits()
    _load()
    icons = nav_icons()
    for folder, name in _templates():
        get_template(name)
        icons |= set(_ICON.findall((folder / name).read_text()))
    for icon in sorted(icons):
        Template(f'{{% load lucide %}}{{% lucide "{icon}" %}}').render(Context())
    garbage_resumes()


def _load() -> None:
    reverse("healthz")
    adapter_keys()


def _templates() -> Iterator[tuple[Path, str]]:
    folder = Path(settings.BASE_DIR) / "templates"
    for path in folder.rglob("*.html"):
        yield folder, str(path.relative_to(folder))
