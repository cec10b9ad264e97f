"""Filters of the API's lists."""

from typing import Any, ClassVar

from django.db.models import ForeignKey
from django_filters import rest_framework as filters


class ApiFilterSet(filters.FilterSet):
    """Objects are filtered by bare id: one that is not there and another holder's both give an empty list.

    django-filter's own choice among all rows would answer them differently, and read the row for it.
    """

    FILTER_DEFAULTS: ClassVar[dict[Any, Any]] = {
        **filters.FilterSet.FILTER_DEFAULTS,
        ForeignKey: {"filter_class": filters.UUIDFilter},
    }
