"""Every address of the product with who may enter. An address that is not named here fails the matrix."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


class Kind(Enum):
    """Who may enter."""

    OPEN = auto()  # anybody
    OWN = auto()  # whoever is signed in, and sees what is theirs
    OBJECT = auto()  # names an object of the owner's: nobody else's business, support staff excepted
    PERSONAL = auto()  # names an object of the owner's that support staff has no business with either
    REFERENCE = auto()  # names an object that everybody signed in may read
    FACTOR = auto()  # signed in, with a second factor set up
    METRICS = auto()  # machines near us, and staff
    WEBHOOK = auto()  # whoever knows the account's secret
    UNKNOWN = auto()  # there is nothing, for anybody


@dataclass(frozen=True)
class Route:
    """`names` maps the address's own words to objects of the world, `query` and `body` likewise (see world.py)."""

    kind: Kind
    names: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    # Methods whose `body` names objects of the owner's: with it the address is nobody else's business either.
    body_method: str = ""
    # Methods that a co-owner, who sees the object, is refused: only its holder may.
    holder_methods: tuple[str, ...] = ()
    # Methods that are for staff alone: others are told so, whatever they name.
    staff_methods: tuple[str, ...] = ()
    # Objects of the world that it works with and does not name.
    over: tuple[str, ...] = ()


def _own(**names: str) -> Route:
    return Route(Kind.OBJECT, names) if names else Route(Kind.OWN)


OPEN, OWN, FACTOR, UNKNOWN = Route(Kind.OPEN), Route(Kind.OWN), Route(Kind.FACTOR), Route(Kind.UNKNOWN)
PUBLISH = {
    "seat_ids": ["@free_seat"], "account_ids": ["@account"], "price": "84.00", "floor": "50.00", "ceiling": "200.00",
}  # fmt: skip
PRICE = {"price": "80.00", "version": 1}

ROUTES: dict[str, Route] = {
    "healthz": OPEN,
    "favicon": OPEN,
    "readyz": OPEN,
    "metrics": Route(Kind.METRICS),
    "marketplace_webhook": Route(Kind.WEBHOOK, {"platform": "=alpha", "account_id": "account"}),
    # API
    "api:token": OPEN,
    "api:token_mfa": OPEN,
    "api:token_refresh": OPEN,
    "api:schema": OPEN,
    "api:problem_types": OPEN,
    "api:problem_type": Route(Kind.OPEN, {"code": "=conflict"}),
    "api:docs": OPEN,
    "api:unknown": UNKNOWN,
    "api:me": OWN,
    "api:live_tickets": OWN,
    "api:alerts": OWN,
    "api:alert_acknowledge": Route(Kind.PERSONAL, {"pk": "alert"}),
    "api:teams": OWN,
    "api:venues": OWN,
    "api:games": OWN,
    "api:game": Route(Kind.REFERENCE, {"pk": "game"}),
    "api:season_tickets": OWN,
    "api:season_ticket": Route(
        Kind.OBJECT, {"pk": "ticket"}, body={"cost_basis": "900.00"}, holder_methods=("PATCH", "DELETE")
    ),
    "api:seats": OWN,
    "api:seat": Route(Kind.OBJECT, {"pk": "free_seat"}, body={"state": "attending", "reason": "we go"}),
    "api:accounts": OWN,
    "api:account_finish": OWN,
    "api:account": _own(pk="account"),
    "api:account_stock": Route(Kind.OBJECT, {"pk": "account"}, body={"nothing": True}),
    "api:found": OWN,
    "api:found_adopt": Route(Kind.OBJECT, {"pk": "found"}, body={"seat_ids": ["@free_seat"]}),
    "api:found_not_ours": _own(pk="found"),
    "api:found_take_down": _own(pk="found"),
    "api:account_leave": _own(pk="account"),
    "api:account_mails": Route(Kind.OBJECT, {"pk": "assisted"}, body={"mail": "You sold 2 tickets. Order 12345"}),
    "api:hand_tasks": OWN,
    "api:hand_done": _own(pk="task"),
    "api:hand_not_done": _own(pk="task"),
    "api:listing_sold_whole": _own(pk="hand_listing"),
    "api:listing_sold": Route(
        Kind.OBJECT, {"pk": "hand_listing"}, body={"seat_ids": ["@hand_seat"], "price": "80.00", "order": "A-12345"}
    ),
    "api:account_health": _own(pk="account"),
    "api:inbound_events": OWN,
    "api:inbound_replay": _own(pk="inbound"),
    "api:inbound_retry": _own(pk="inbound"),
    "api:inbound_retry_all": _own(pk="account"),
    "api:market": Route(Kind.OBJECT, query={"game": "game"}),
    "api:listings": Route(Kind.OWN, body=PUBLISH, body_method="POST"),
    "api:listing_net": OWN,
    "api:listing_bulk": Route(Kind.OWN, body={"act": "down", "listings": [{"id": "@listing"}]}, body_method="POST"),
    "api:listing": _own(pk="listing"),
    "api:listing_price": Route(Kind.OBJECT, {"pk": "listing"}, body=PRICE),
    "api:listing_bounds": Route(
        Kind.OBJECT, {"pk": "listing"}, body={"floor": "40.00", "ceiling": "300.00", "version": 1}
    ),
    "api:listing_until": Route(Kind.OBJECT, {"pk": "listing"}, body={"list_until": None, "version": 1}),
    "api:listing_publish": Route(Kind.OBJECT, {"pk": "listing"}, over=("account",)),
    "api:listing_delist": _own(pk="listing"),
    "api:listing_history": _own(pk="listing"),
    "api:listing_why": _own(pk="listing"),
    "api:command_retry": _own(pk="command"),
    "api:command_give_up": _own(pk="waiting"),
    "api:inbox": OWN,
    "api:mapping": Route(Kind.OWN, body={"command": "@waiting", "section": "131"}, body_method="POST"),
    "api:mapping_options": _own(pk="waiting"),
    "api:mapping_requests": OWN,
    "api:sales": OWN,
    "api:sale": _own(pk="sale"),
    "api:sale_delivery": _own(pk="sale"),
    "api:sale_ask": _own(pk="sale"),
    "api:sale_label": _own(pk="sale"),
    "api:delivery_terms": Route(
        Kind.OBJECT, {"pk": "ticket"}, body={"delivery": "pdf", "version": 0}, holder_methods=("PUT",)
    ),
    "api:seat_tickets": Route(
        Kind.OBJECT,
        {"pk": "ticket", "game": "game"},
        body={"kind": "barcode", "tickets": [{"seat": "@free_seat", "barcode": "880012349"}]},
        body_method="PUT",
    ),
    "api:sale_fulfil": Route(Kind.OBJECT, {"pk": "sale"}, body={"method": "mobile_transfer", "confirmation": "TX-1"}),
    "api:sale_resolve": Route(Kind.OBJECT, {"pk": "sale"}, body={"reason": "a test order"}),
    "api:sale_report": Route(Kind.OBJECT, {"pk": "sale"}, body={"what": "claim", "reason": "refused at the gate"}),
    "api:payouts": OWN,
    "api:sale_received": Route(Kind.OBJECT, {"pk": "sale"}, holder_methods=("POST",)),
    "api:sale_charged": Route(
        Kind.OBJECT,
        {"pk": "sale"},
        body={"what": "charged", "amount": "25.00", "reason": "late"},
        holder_methods=("POST",),
    ),
    "api:payout_received": Route(Kind.OBJECT, {"pk": "payout"}),
    "api:trading_states": Route(
        Kind.OWN, body={"scope": "season", "scope_id": "@ticket", "state": "HALTED"}, body_method="POST"
    ),
    "api:push_halts": Route(Kind.OWN, body={"reason": "an outage", "platform": "beta"}, staff_methods=("POST",)),
    "api:push_halt_lift": Route(Kind.OWN, {"pk": "halt"}, staff_methods=("POST",)),
    "api:predictions": Route(Kind.OWN, body={"seat_group": "@group"}, body_method="POST"),
    # Pages
    "analytics:desk": OPEN,
    "analytics:desk_needs": OPEN,  # the front page asks for it after sign-out too; nobody has no needs
    "analytics:inbox": OWN,
    "analytics:search": OWN,
    "analytics:season_detail": _own(ticket_id="ticket"),
    "analytics:game_detail": _own(game_id="game"),
    "analytics:game_publish": _own(game_id="game"),
    "analytics:game_net": _own(game_id="game"),
    "analytics:game_suggest": _own(game_id="game"),
    "portfolios:season_ticket_list": OWN,
    "portfolios:season_ticket_new": OWN,
    "portfolios:season_ticket_correct": Route(
        Kind.OBJECT,
        {"ticket_id": "ticket"},
        body={"cost_basis": "900.00", "order_reference": "A", "version": 1},
        holder_methods=("POST",),
    ),
    "portfolios:season_ticket_remove": Route(
        Kind.OBJECT, {"ticket_id": "ticket"}, body={"version": 1}, holder_methods=("POST",)
    ),
    "portfolios:seats_state": _own(game_id="game"),
    "listings:listing_list": OWN,
    "listings:listing_detail": _own(listing_id="listing"),
    "listings:listing_row": _own(listing_id="listing"),
    "listings:listing_reprice": Route(Kind.OBJECT, {"listing_id": "listing"}, body=PRICE),
    "listings:listing_mend": Route(Kind.OBJECT, {"listing_id": "listing"}, body={**PRICE, "split_type": "any"}),
    "listings:listing_bounds": Route(
        Kind.OBJECT, {"listing_id": "listing"}, body={"floor": "40.00", "ceiling": "300.00", "version": 1}
    ),
    "listings:listing_until": Route(Kind.OBJECT, {"listing_id": "listing"}, body={"list_until": "", "version": 1}),
    "listings:listing_bulk": Route(Kind.OWN, body={"act": "down", "listing": "@listing"}, body_method="POST"),
    "listings:listing_delist": _own(listing_id="listing"),
    "listings:hand_list": OWN,
    "listings:hand_done": _own(command_id="task"),
    "listings:hand_not_done": _own(command_id="task"),
    "listings:listing_sold": Route(
        Kind.OBJECT,
        {"listing_id": "hand_listing"},
        body={"seats": "@hand_seat", "price": "80.00", "order": "A-12345"},
    ),
    "listings:listing_sold_form": _own(listing_id="hand_listing"),
    "listings:listing_sold_whole": _own(listing_id="hand_listing"),
    "listings:hand_account": _own(account_id="assisted"),
    "listings:mail_forward": Route(Kind.OBJECT, {"account_id": "assisted"}, body={"mail": "You sold. Order 12345"}),
    "listings:found_list": _own(account_id="account"),
    "listings:stock_say": Route(Kind.OBJECT, {"account_id": "account"}, body={"nothing": "on"}),
    "listings:found_adopt": Route(Kind.OBJECT, {"found_id": "found"}, body={"seats": "@free_seat"}),
    "listings:found_decide": Route(Kind.OBJECT, {"found_id": "found", "what": "=not-ours"}),
    "listings:command_retry": _own(command_id="command"),
    "listings:command_give_up": _own(command_id="waiting"),
    "listings:sale_list": OWN,
    "listings:sale_detail": _own(sale_id="sale"),
    "listings:sale_fulfil": _own(sale_id="sale"),
    "listings:sale_ask": _own(sale_id="sale"),
    "listings:sale_label": _own(sale_id="sale"),
    "listings:delivery_terms": Route(
        Kind.OBJECT, {"ticket_id": "ticket"}, body={"delivery": "pdf", "version": "0"}, holder_methods=("POST",)
    ),
    "listings:ticket_enter": _own(ticket_id="ticket", game_id="game"),
    "listings:sale_resolve": _own(sale_id="sale"),
    "listings:sale_report": _own(sale_id="sale"),
    "listings:payout_list": OWN,
    "listings:sale_received": Route(Kind.OBJECT, {"sale_id": "sale"}, holder_methods=("POST",)),
    "listings:sale_charged": _own(sale_id="sale"),
    "listings:payout_received": _own(payout_id="payout"),
    "listings:mapping_list": Route(
        Kind.OWN, body={"command": "@waiting", "typed": "131", "wants": "section"}, body_method="POST"
    ),
    "listings:account_detail": _own(account_id="account"),
    "listings:brake": OWN,
    "listings:trading_detail": OWN,
    "listings:trading_set": OWN,
    "listings:trading_lift": _own(state_id="brake"),
    "marketplaces:account_list": OWN,
    "marketplaces:account_connect": OWN,
    "marketplaces:connect_finish": OWN,
    "marketplaces:account_disconnect": _own(account_id="account"),
    "marketplaces:account_leave": _own(account_id="account"),
    "marketplaces:inbound_retry": _own(event_id="inbound"),
    "marketplaces:inbound_replay": _own(event_id="inbound"),
    "marketplaces:inbound_retry_all": _own(account_id="account"),
    "live:alert_list": OWN,
    "live:needs_link": OWN,
    "live:alert_acknowledge": Route(Kind.PERSONAL, {"alert_id": "alert"}),
    "live:ticket_issue": OWN,
    "accounts:settings": OWN,
    "accounts:profile_edit": OWN,
    # Sign-in
    "account_login": OPEN,
    "account_logout": OPEN,
    "account_inactive": OPEN,
    "account_signup": OPEN,
    "account_email_verification_sent": OPEN,
    "account_confirm_login_code": OPEN,
    "account_reset_password": OPEN,
    "account_reset_password_done": OPEN,
    "account_reset_password_from_key": Route(Kind.OPEN, {"uidb36": "=1", "key": "=made-up"}),
    "account_reset_password_from_key_done": OPEN,
    "mfa_authenticate": OPEN,
    "account_reauthenticate": OWN,
    "account_email": OWN,
    "account_change_password": OWN,
    "account_set_password": OWN,
    "mfa_index": OWN,
    "mfa_reauthenticate": OWN,
    "mfa_activate_totp": OWN,
    "mfa_deactivate_totp": FACTOR,
    "mfa_view_recovery_codes": FACTOR,
    "mfa_generate_recovery_codes": FACTOR,
    "mfa_download_recovery_codes": FACTOR,
}

# Of the admin, open to all so that staff can enter; every other address there is staff's.
ADMIN_OPEN = {"admin:login", "admin:logout", "admin:jsi18n"}


def addresses() -> Iterator[tuple[str, URLPattern]]:
    """(name with namespace, pattern) of every address in the URLconf; a catch-all is called `unknown`."""
    yield from _walk(get_resolver(), "")


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield f"{prefix}{pattern.name or 'unknown'}", pattern
        else:
            yield from _walk(pattern, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
