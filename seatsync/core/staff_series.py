"""Staff pages of the series: Django's admin refuses their composite keys, so these show them, and only show them."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar, Self

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.views.decorators.http import require_safe

from seatsync.core.bounds import EARLIEST, LATEST, moment_within

LIMIT, LARGEST_LIMIT = 50, 200


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in a series, newest first: its time and, among rows of one time, its id."""

    time: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}_{self.id}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The place that was written so; raises ValueError for any other text."""
        moment, _, key = text.partition("_")
        place = cls(datetime.fromisoformat(moment), uuid.UUID(key))
        if not moment_within(place.time):
            raise ValueError(f"{moment} lies outside the years that are stored")
        return place


def _day(label: str) -> forms.DateField:
    bounds = [MinValueValidator(EARLIEST.date()), MaxValueValidator(LATEST.date())]
    widget = forms.DateInput(attrs={"type": "date"})
    wrong = {"invalid": "Write a day like 2026-06-12."}
    return forms.DateField(label=label, required=False, validators=bounds, widget=widget, error_messages=wrong)


class SeriesFilter(forms.Form):
    """What every series can be narrowed by; a series adds its own fields and names their columns in `columns`."""

    columns: ClassVar[dict[str, str]] = {"platform": "platform"}

    platform = forms.CharField(max_length=20, required=False)
    since = _day("From day (UTC)")
    until = _day("To day (UTC)")
    limit = forms.IntegerField(
        label="Rows",
        min_value=1,
        max_value=LARGEST_LIMIT,
        required=False,
        error_messages={"invalid": "Write a number."},
    )
    cursor = forms.CharField(max_length=80, required=False, widget=forms.HiddenInput)

    def clean_cursor(self) -> Place | None:
        """The place to go on from; None for the newest rows."""
        text = self.cleaned_data["cursor"]
        try:
            return Place.read(text) if text else None
        except ValueError as error:
            raise ValidationError("This place in the list is not valid. Start with the newest rows.") from error

    def clean(self) -> dict[str, Any]:
        """Raises ValidationError where the days are the wrong way round: nothing can lie between them."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", "This day is before the first one. Swap them, or leave one empty.")
        return self.cleaned_data

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that fit what was asked; the form must be valid."""
        wanted = {column: self.cleaned_data[name] for name, column in self.columns.items() if self.cleaned_data[name]}
        if since := self.cleaned_data["since"]:
            wanted["time__gte"] = datetime.combine(since, time(), UTC)
        if until := self.cleaned_data["until"]:
            wanted["time__lt"] = datetime.combine(until, time(), UTC) + timedelta(days=1)
        return rows.filter(**wanted)


class SeriesPage:
    """One series for staff: newest first, narrowed by a form, a page at a time. Register it with `series_page`.

    Staff see all tenants' rows, as everywhere in the admin; a series of owned rows offers its tenant as a filter.
    """

    model: ClassVar[type[Model]]
    filter_form: ClassVar[type[SeriesFilter]]
    list_display: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self.opts = self.model._meta
        self.name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"

    def has_view_permission(self, request: HttpRequest) -> bool:
        """Whether this person may look at the series."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.view_{self.opts.model_name}"))

    def pattern(self, site: admin.AdminSite) -> URLPattern:
        """The page's address, where the model's list would be."""
        view = site.admin_view(require_safe(lambda request: self._view(request, site)))
        return path(f"{self.opts.app_label}/{self.opts.model_name}/", view, name=self.name)

    def listed(self, site: admin.AdminSite) -> dict[str, Any]:
        """The entry in the admin's list of models."""
        return {
            "model": self.model,
            "name": capfirst(self.opts.verbose_name_plural),
            "object_name": self.opts.object_name,
            "perms": {"add": False, "change": False, "delete": False, "view": True},
            "admin_url": reverse(f"admin:{self.name}", current_app=site.name),
            "add_url": None,
            "view_only": True,
        }

    def _view(self, request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = self.filter_form(request.GET)
        rows, older = self._page(form) if form.is_valid() else ([], None)
        context = {
            **site.each_context(request),
            "title": capfirst(self.opts.verbose_name_plural),
            "opts": self.opts,
            "form": form,
            "headings": [label_for_field(name, self.model) for name in self.list_display],
            "rows": [[_shown(getattr(row, name)) for name in self.list_display] for row in rows],
            "older": _query(request, cursor=str(older)) if older else "",
            "newest": _query(request) if "cursor" in request.GET else "",
        }
        return TemplateResponse(request, "core/series_list.html", context, status=422 if form.errors else 200)

    def _page(self, form: SeriesFilter) -> tuple[list[Any], Place | None]:
        rows, place = form.narrowed(self.model._default_manager.all()), form.cleaned_data["cursor"]
        limit = form.cleaned_data["limit"] or LIMIT
        if place is not None:
            # The first alone tells which partitions are needed, the second which rows of that very time are left.
            rows = rows.filter(time__lte=place.time, pk__lt=(place.time, place.id))
        found = list(rows.order_by("-time", "-id")[: limit + 1])
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], Place(last.time, last.id) if last else None


def _query(request: HttpRequest, **changed: str) -> str:
    asked = request.GET.copy()
    asked.pop("cursor", None)
    for name, value in changed.items():
        asked[name] = value
    return f"?{asked.urlencode()}"


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return "-" if value in {None, ""} else str(value)


_PAGES: list[SeriesPage] = []


def series_page(page: type[SeriesPage]) -> type[SeriesPage]:
    """Class decorator: the admin offers this page. For an app's admin.py, like Django's own `register`."""
    _PAGES.append(page())
    return page


def series_patterns(site: admin.AdminSite) -> list[URLPattern]:
    """The addresses of all series."""
    return [page.pattern(site) for page in _PAGES]


def series_list(site: admin.AdminSite, request: HttpRequest, app_label: str | None) -> list[tuple[Any, dict[str, Any]]]:
    """(app's config, entry in the admin's list) of every series that this person may see, of one app or of all."""
    return [
        (page.opts.app_config, page.listed(site))
        for page in _PAGES
        if app_label in {None, page.opts.app_label} and page.has_view_permission(request)
    ]
