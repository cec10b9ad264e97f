"""Whatever a holder can change on a page, an API client can change as well."""

import pytest
from django.test import Client

from tests.access.conftest import World
from tests.access.routes import ROUTES, Kind
from tests.access.test_matrix import address, undone
from tests.api.document import document

# A page that changes something, and the operation of the API that does it through the same service.
SAME_BY_API = {
    "analytics:game_publish": ("POST", "/api/v1/listings/"),
    "analytics:game_suggest": ("POST", "/api/v1/predictions/"),
    "portfolios:season_ticket_new": ("POST", "/api/v1/season-tickets/"),
    "portfolios:season_ticket_correct": ("PATCH", "/api/v1/season-tickets/{id}/"),
    "portfolios:season_ticket_remove": ("DELETE", "/api/v1/season-tickets/{id}/"),
    "portfolios:seats_state": ("PATCH", "/api/v1/seats/{id}/"),
    "listings:listing_reprice": ("POST", "/api/v1/listings/{id}/price/"),
    "listings:listing_bulk": ("POST", "/api/v1/listings/together/"),
    "listings:listing_delist": ("POST", "/api/v1/listings/{id}/delist/"),
    "listings:listing_mend": ("POST", "/api/v1/listings/{id}/publish/"),
    "listings:listing_bounds": ("POST", "/api/v1/listings/{id}/bounds/"),
    "listings:listing_until": ("POST", "/api/v1/listings/{id}/until/"),
    "listings:listing_sold": ("POST", "/api/v1/listings/{id}/sold/"),
    "listings:listing_sold_whole": ("POST", "/api/v1/listings/{id}/sold-whole/"),
    "listings:hand_done": ("POST", "/api/v1/hand-tasks/{id}/done/"),
    "listings:hand_not_done": ("POST", "/api/v1/hand-tasks/{id}/not-done/"),
    "listings:mail_forward": ("POST", "/api/v1/marketplace-accounts/{id}/mails/"),
    "listings:stock_say": ("POST", "/api/v1/marketplace-accounts/{id}/stock/"),
    "listings:found_adopt": ("POST", "/api/v1/found/{id}/adopt/"),
    "listings:found_decide": ("POST", "/api/v1/found/{id}/not-ours/"),
    "marketplaces:account_leave": ("POST", "/api/v1/marketplace-accounts/{id}/leave/"),
    "listings:sale_fulfil": ("POST", "/api/v1/sales/{id}/fulfil/"),
    "listings:sale_ask": ("POST", "/api/v1/sales/{id}/ask/"),
    "listings:delivery_terms": ("PUT", "/api/v1/season-tickets/{id}/delivery/"),
    "listings:ticket_enter": ("PUT", "/api/v1/season-tickets/{id}/games/{game}/tickets/"),
    "listings:sale_resolve": ("POST", "/api/v1/sales/{id}/resolve/"),
    "listings:sale_report": ("POST", "/api/v1/sales/{id}/report/"),
    "listings:sale_received": ("POST", "/api/v1/sales/{id}/received/"),
    "listings:sale_charged": ("POST", "/api/v1/sales/{id}/charged/"),
    "listings:payout_received": ("POST", "/api/v1/payouts/{id}/received/"),
    "listings:command_retry": ("POST", "/api/v1/commands/{id}/retry/"),
    "listings:command_give_up": ("POST", "/api/v1/commands/{id}/give-up/"),
    "listings:mapping_list": ("POST", "/api/v1/mapping/"),
    "listings:trading_set": ("POST", "/api/v1/trading-states/"),
    "listings:trading_lift": ("POST", "/api/v1/trading-states/"),
    "marketplaces:account_connect": ("POST", "/api/v1/marketplace-accounts/"),
    "marketplaces:connect_finish": ("POST", "/api/v1/marketplace-accounts/finish/"),
    "marketplaces:account_disconnect": ("DELETE", "/api/v1/marketplace-accounts/{id}/"),
    "marketplaces:inbound_replay": ("POST", "/api/v1/inbound-events/{id}/replay/"),
    "marketplaces:inbound_retry_all": ("POST", "/api/v1/marketplace-accounts/{id}/retry-failed/"),
    "marketplaces:inbound_retry": ("POST", "/api/v1/inbound-events/{id}/retry/"),
    "live:alert_acknowledge": ("POST", "/api/v1/alerts/{id}/acknowledge/"),
    "live:ticket_issue": ("POST", "/api/v1/live-tickets/"),
    "accounts:profile_edit": ("PATCH", "/api/v1/me/"),
}
# Pages that change something by GET, because a marketplace sends the browser there.
BY_GET = {"marketplaces:connect_finish"}
# Sign-up, passwords and second factors are proved in a browser, to the person alone.
BROWSER_ONLY_PREFIXES = ("account_", "mfa_")


@pytest.mark.parametrize("name", [name for name in ROUTES if not name.startswith(("api:", *BROWSER_ONLY_PREFIXES))])
def test_what_a_page_changes_the_api_changes_too(world: World, name: str) -> None:
    route = ROUTES[name]
    if route.kind is Kind.WEBHOOK:
        return
    client = Client()
    client.force_login(world.user("owner"))
    with undone():
        answer = client.generic("TRACE", address(world, name, route))
    assert answer.status_code == 405, "the page does not say which methods it takes (require_GET or require_POST)"
    changes = name in BY_GET or not set(answer.headers["Allow"].replace(" ", "").split(",")) <= {"GET", "HEAD"}
    assert changes == (name in SAME_BY_API), "name the operation of the API in SAME_BY_API"


def test_the_operations_exist() -> None:
    assert set(SAME_BY_API.values()) <= set(document().operations())
