"""Every alert leads to the page of what it is about."""

import ast
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import resolve, reverse

from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand, Sale
from listings.services.command_alerts import alert_needs_person
from listings.services.inbound import on_unknown
from marketplaces.models import InboundEvent
from portfolios.models import SeasonTicket
from portfolios.services.twins import twins_report
from seatsync.accounts.services.tokens import TokenRefused, tokens_issue, tokens_refresh
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise
from seatsync.live.models import Alert
from tests.market import Market

ROOT = Path(__file__).resolve().parents[2]
APPS = ("analytics", "automation", "intelligence", "listings", "marketplaces", "portfolios", "seatsync")


def calls() -> Iterator[tuple[str, ast.Call, ast.Module]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            module = ast.parse(path.read_text())
            for node in ast.walk(module):
                raises = isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"alert_raise", "alerts_raise"}
                if isinstance(node, ast.Call) and raises and not path.match("seatsync/live/alerts.py"):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node, module


def pages_of(value: ast.expr, module: ast.Module) -> list[str]:
    """The names of the pages that an address is made of: by page_link, or by a function of the module that calls it."""
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
        return []
    if value.func.id == page_link.__name__:
        return [str(value.args[0].value)] if isinstance(value.args[0], ast.Constant) else []
    body = next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == value.func.id)
    inside = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
    return [name for node in inside for name in pages_of(node, module) if isinstance(node.func, ast.Name)]


def test_every_kind_names_a_page_that_there_is() -> None:
    seen, wrong = 0, []
    for where, call, module in calls():
        seen += 1
        url = next((word.value for word in call.keywords if word.arg == "url"), None)
        pages = pages_of(url, module) if url is not None else []
        if not pages or not all(_serves(page) for page in pages):
            wrong.append((where, pages))
    assert not wrong
    assert seen >= 12


def _serves(page: str) -> bool:
    """A page of everything, of one thing, or of one thing's part."""
    ids = (uuid.uuid4(), uuid.uuid4())
    return any(page_link(page, *ids[:count]) for count in range(3))


def test_an_alert_without_a_page_cannot_be_raised(db: None) -> None:
    # The types refuse it too.
    with pytest.raises(TypeError, match="url"):
        alert_raise(tenant_id=uuid.uuid4(), user_id=uuid.uuid4(), kind="test", title="Look")  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", CommandKind)
@pytest.mark.parametrize("about", ["listing", "sale", "account"])
def test_a_command_of_any_kind_leads_somewhere(market: Market, kind: CommandKind, about: str) -> None:
    alpha, _ = market.published(market.holding.seats[:1])
    listing = alpha if about == "listing" else None
    sale = _sale(market, alpha) if about == "sale" else None
    command = MarketplaceCommand.objects.create(
        tenant_id=alpha.tenant_id, account=alpha.account, listing=listing, sale=sale, kind=kind,
        state=CommandState.NEEDS_PERSON, idempotency_key="stuck:1", not_before=alpha.created_at, last_error="No.",
    )  # fmt: skip
    alert_needs_person(command, listing)
    url = Alert.objects.get(kind="command.needs_person").url
    wanted = {
        "listing": reverse("listings:listing_detail", args=[alpha.pk]),
        "sale": sale and reverse("listings:sale_detail", args=[sale.pk]),
        "account": reverse("marketplaces:account_list"),
    }
    assert url == wanted[about]
    client = Client()
    client.force_login(market.holding.user)
    assert f'<a href="{url}">Alpha could not' in client.get(reverse("analytics:desk_needs")).text


def _sale(market: Market, listing: Listing) -> Sale:
    market.webhook(market.alpha.sell(listing.external_id, (1,)))
    market.work()
    return market.sale()


def test_a_notice_leads_to_the_connections(market: Market) -> None:
    account = market.accounts["alpha"]
    event = InboundEvent(account=account, tenant_id=account.tenant_id, topic="odd", kind="unknown")
    on_unknown(event)
    assert Alert.objects.get(kind="marketplace.notice").url == reverse("marketplaces:account_list")


def test_a_key_used_twice_leads_to_the_settings(market: Market) -> None:
    user = market.holding.user
    pair = tokens_issue(user, market.holding.ticket.tenant_id)
    tokens_refresh(pair.refresh)
    with pytest.raises(TokenRefused):
        tokens_refresh(pair.refresh)
    assert Alert.objects.get(kind="account.token_reuse").url == reverse("accounts:settings")


def test_twins_lead_staff_to_the_ticket(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    holding = market.holding
    monkeypatch.setattr("portfolios.services.twins.platform_staff_ids", lambda: [holding.staff.user_id])
    tenant_id = holding.outsider.tenant_id
    assert tenant_id is not None
    twin = SeasonTicket.objects.get(pk=holding.ticket.pk)
    twin.tenant_id = tenant_id
    twins_report(twin, holding.seats)
    assert resolve(Alert.objects.get(kind="seat.two_tenants").url).url_name == "portfolios_seasonticket_change"
