"""Staff pages of automation."""

from django.contrib import admin

from automation.models import AutomationRule, Decision, Strategy
from seatsync.core.staff import ReadOnlyAdmin


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
