"""Staff pages of automation."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from automation.models import AutomationRule, Decision, Strategy, ThresholdVersion
from automation.registry import figures_needed
from seatsync.core.staff import DatedRowAdmin, ReadOnlyAdmin

if TYPE_CHECKING:
    _ThresholdForm = forms.ModelForm[ThresholdVersion]
else:
    _ThresholdForm = forms.ModelForm


class ThresholdVersionForm(_ThresholdForm):
    """A figure that a guard goes by, within its bounds."""

    def clean(self) -> dict[str, Any]:
        """Refuses a name that no guard knows, which would hold nobody back, and a figure out of its bounds."""
        found = super().clean() or {}
        known, name, value = figures_needed(), found.get("name", ""), found.get("value")
        if name and name not in known:
            self.add_error("name", f"No guard goes by that. Use one of: {', '.join(sorted(known))}.")
        elif name and value is not None:
            least, most = known[name]
            if not least <= value <= most:
                self.add_error("value", f"It is a whole number from {least} to {most}.")
        return found


@admin.register(ThresholdVersion)
class ThresholdVersionAdmin(DatedRowAdmin):
    """What guards go by, by date."""

    form = ThresholdVersionForm
    list_display = ("name", "value", "valid_from", "source", "checked_on")
    list_filter = ("name",)
    search_fields = ("name", "source")


@admin.register(Strategy)
class StrategyAdmin(ReadOnlyAdmin):
    """Strategies."""

    list_display = ("name", "user", "season_ticket", "mode", "is_active")
    list_filter = ("mode", "is_active")
    search_fields = ("name", "user__email")
    list_select_related = ("user", "season_ticket")


@admin.register(AutomationRule)
class AutomationRuleAdmin(ReadOnlyAdmin):
    """Rules."""

    list_display = ("name", "rule_type", "user", "strategy", "is_active", "version")
    list_filter = ("rule_type", "is_active")
    search_fields = ("name", "user__email")
    list_select_related = ("user", "strategy")


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """Decisions with their traces."""

    list_display = ("at", "rule", "trigger", "result", "listing")
    list_filter = ("result", "trigger")
    list_select_related = ("rule", "listing")
