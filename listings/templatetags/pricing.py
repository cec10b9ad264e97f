"""What the pricing door asked, in a holder's words."""

from django import template

register = template.Library()
_CHECKS = {
    "version": "the version you saw",
    "status": "the listing's state",
    "sale": "no sale under way",
    "in_flight": "no change under way",
    "halted": "no halt",
    "raise_only": "no brake on lower prices",
    "floor": "your floor",
    "net_floor": "your floor on what reaches you",
    "ceiling": "your ceiling",
    "max_step": "the largest step",
    "dwell_time": "how long a price stands",
    "change_budget": "changes by rules in a day",
    "manual_price": "a price that you set",
    "market_data": "what the market shows",
}
_ACTORS = {
    "user": "a person",
    "staff": "our staff",
    "rule": "a rule",
    "model": "a model",
    "marketplace": "a marketplace",
    "system": "SeatSync itself",
}


@register.filter
def check_name(key: str) -> str:
    """A check or guard by what it looks at; one that has no name here is made readable."""
    return _CHECKS.get(key, key.replace("_", " "))


@register.filter
def actor_name(kind: str) -> str:
    """Who proposed a price."""
    return _ACTORS.get(kind, kind)
