"""One seller at a marketplace is connected once; what one connection has for its own no other one takes."""

from decimal import Decimal
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.test import Client

from listings.models import CommandKind, FoundListing, Listing, MarketplaceCommand, Sale
from listings.services.doubled import Named, listing_of_another
from listings.services.pricing import listing_reprice
from listings.services.publish import listing_publish
from listings.services.stock import stock_order
from listings.services.sync import account_poll
from marketplaces.contracts import Grant
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services import links
from marketplaces.services.connect import (
    account_keep,
    account_leave,
    accounts_close,
    connect_assisted,
    connect_finish,
    connect_start,
    connect_token,
)
from marketplaces.simulator.app import Simulator
from portfolios.models import SeasonTicketShare
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.live.models import Alert
from tests.builders import Holding, bearer, browser
from tests.listings.selling import connected
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db(transaction=True)

BACK = "https://seats.example/finish"


def consented(actor: Actor, hint: str) -> MarketplaceAccount:
    """Who consents at StubHub as the seller of this name."""
    url = connect_start(actor=actor, platform="stubhub", mode=Mode.PAPER, redirect_uri=BACK)
    answer = links.shared_client().get(f"{url}&login_hint={hint.partition('@')[0]}")
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    return connect_finish(actor=actor, state=told["state"][0], code=told["code"][0], redirect_uri=BACK)


def four_listed(holding: Holding, account: MarketplaceAccount) -> Listing:
    (mine,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    return Listing.objects.get(pk=mine.pk)


def second(holding: Holding, account: MarketplaceAccount, **more: Any) -> MarketplaceAccount:
    """The co-owner's connection of the same seller, under a credential by which nobody could tell."""
    known = {"token": account.access_token} if account.platform in {"seatgeek", "vividseats"} else {}
    made = control("accounts", platform=account.platform, account_id=account.account_id, **known)
    return MarketplaceAccount.objects.create(
        tenant_id=holding.ticket.tenant_id, user=User.objects.get(email="co@example.com"), platform=account.platform,
        access_token=made["access_token"], refresh_token=made.get("refresh_token", ""), sales_synced_until=now(),
        **more,
    )  # fmt: skip


def there(platform: str) -> Any:
    return links.shared_client().get("http://simulator.test/_sim/state").json()[platform]


def test_by_consent_the_same_seller_is_refused_and_the_holder_goes_on(holding: Holding, simulator: Simulator) -> None:
    first = consented(holding.actor, "")
    for actor in (holding.co_owner, holding.outsider):
        with pytest.raises(Conflict) as caught:
            consented(actor, first.account_id)
        (problem,) = caught.value.problems
        assert problem.field == "account"
        assert "share a season ticket" in problem.remedy
        # Nothing says whose it is.
        assert "owner@" not in f"{caught.value.detail}{problem.remedy}"
    assert MarketplaceAccount.objects.get() == first
    assert consented(holding.actor, first.account_id).pk == first.pk


def test_by_token_page_and_api_refuse_it_beside_the_field(holding: Holding, simulator: Simulator) -> None:
    token = control("accounts", platform="seatgeek")["access_token"]
    connect_token(actor=holding.actor, platform="seatgeek", mode=Mode.PAPER, token=token)
    body = {"platform": "seatgeek", "mode": "paper", "token": token}
    told = bearer("co").post("/api/v1/marketplace-accounts/", body, content_type="application/json")
    assert told.status_code == 409
    assert told.json()["errors"][0]["field"] == "token"
    page: Client = browser("co")
    shown = page.post("/settings/connections/connect/", body)
    assert shown.status_code == 422
    assert b"is connected already, and can be connected once" in shown.content
    assert MarketplaceAccount.objects.count() == 1


def test_over_a_change_of_account_or_one_that_is_worked_by_hand_it_is_refused_too(
    holding: Holding, simulator: Simulator
) -> None:
    first = consented(holding.actor, "")
    other = consented(holding.co_owner, "")
    connect_assisted(actor=holding.other, platform="stubhub")
    for actor in (holding.co_owner, holding.other):
        with pytest.raises(Conflict):
            consented(actor, first.account_id)
    other.refresh_from_db()
    assert other.account_id != first.account_id
    account_leave(actor=holding.actor, account_id=first.pk)
    with pytest.raises(Conflict):
        consented(holding.co_owner, first.account_id)
    # Who took it into his own hands connects it again.
    assert consented(holding.actor, first.account_id).mode == Mode.PAPER


def test_an_account_that_was_closed_is_anybodys_again(holding: Holding, simulator: Simulator) -> None:
    first = consented(holding.actor, "")
    MarketplaceAccount.objects.filter(pk=first.pk).update(closing_at=now(), sales_synced_until=now(), webhook_id="")
    work()
    accounts_close()
    first.refresh_from_db()
    assert (first.is_active, first.seller_key) == (False, "")
    assert consented(holding.co_owner, first.account_id).account_id == first.account_id


def test_the_database_refuses_it_as_well(
    holding: Holding, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = Grant("token-1", "", None, "seller@example.com")
    first = account_keep(actor=holding.actor, platform="ticketmaster", mode=Mode.PAPER, grant=grant)
    twin = second(holding, connected(holding, "stubhub"))
    with pytest.raises(IntegrityError), transaction.atomic():
        MarketplaceAccount.objects.filter(pk=twin.pk).update(platform="ticketmaster", seller_key=first.seller_key)
    # Two who connect it at the same moment see nothing of each other.
    monkeypatch.setattr("marketplaces.services.connect.seller_check", lambda *_: None)
    with pytest.raises(Conflict, match="connected already"):
        account_keep(actor=holding.other, platform="ticketmaster", mode=Mode.PAPER, grant=grant)


def test_what_is_connected_twice_by_now_is_paused_and_its_holder_asked(holding: Holding, simulator: Simulator) -> None:
    first = connected(holding, "stubhub")
    twin = second(holding, first, account_id=f" {first.account_id.upper()}")
    migration = import_module("marketplaces.migrations.0027_sellers_connected_before")
    migration.sellers_note(apps, None)
    first.refresh_from_db()
    twin.refresh_from_db()
    assert (bool(first.seller_key), first.needs_reconnect) == (True, False)
    assert (twin.seller_key, twin.doubled) == ("", True)
    for _ in range(2):
        accounts_close()
    asked = Alert.objects.get(kind="account.doubled")
    assert (asked.user_id, asked.count) == (twin.user_id, 1)
    page = browser("co").get(f"/settings/connections/{twin.pk}/")
    assert b"connected twice" in page.content


def test_a_co_owner_changes_what_is_listed_over_the_holders_account(holding: Holding, simulator: Simulator) -> None:
    """What the remedy says."""
    mine = four_listed(holding, connected(holding, "stubhub"))
    assert SeasonTicketShare.objects.filter(role="co_owner").exists()
    listing_reprice(actor=holding.co_owner, listing_id=mine.pk, price=Decimal("90.00"), version=None)
    mine.refresh_from_db()
    assert mine.price == Decimal("90.00")


@pytest.mark.parametrize("platform", ["stubhub", "ticketmaster", "vividseats", "seatgeek"])
def test_a_sweep_that_sees_the_other_connections_listing_takes_nothing_and_pauses(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    first = connected(holding, platform)
    mine = four_listed(holding, first)
    twin = second(holding, first)
    stock_order(twin.pk)
    work()
    twin.refresh_from_db()
    assert (twin.doubled, twin.stock_taken_at) == (True, None)
    assert Listing.objects.get() == mine
    assert not FoundListing.objects.exists()
    assert Alert.objects.get(kind="account.doubled").user_id == twin.user_id


@pytest.mark.parametrize("platform", ["stubhub", "ticketmaster", "vividseats", "seatgeek"])
@pytest.mark.parametrize("heard_first", ["owner", "co"])
def test_a_sale_is_taken_by_the_connection_that_listed_and_never_rejected(
    holding: Holding, simulator: Simulator, platform: str, heard_first: str
) -> None:
    first = connected(holding, platform)
    mine = four_listed(holding, first)
    # Never swept: nothing has shown yet that it is the same seller's.
    twin = second(holding, first, stock_taken_at=now())
    control("sell", platform=platform, external_id=mine.external_id, quantity=2)
    order = (first, twin) if heard_first == "owner" else (twin, first)
    start = simulator.clock()
    for number, account in enumerate((*order, *order)):
        # Vivid Seats answers once a minute.
        simulator.clock = partial(float.__add__, start, 65.0 * number)
        account_poll(account)
        work()
    sale = Sale.objects.get()
    assert (sale.account, sale.state) == (first, "confirmed")
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.REJECT_SALE).exists()
    (sold,) = there(platform)["sales"]
    assert not sold["rejected"]
    assert sum(item["quantity"] for item in there(platform)["listings"] if item["state"] == "active") == 2


@pytest.mark.parametrize("heard_first", ["owner", "co"])
def test_a_listing_that_both_have_from_before_counts_once(
    holding: Holding, simulator: Simulator, heard_first: str
) -> None:
    first = connected(holding, "stubhub")
    mine = four_listed(holding, first)
    twin = second(holding, first, stock_taken_at=now())
    double = Listing.objects.get(pk=mine.pk)
    double.pk, double.account, double.made_there = None, twin, True
    double.external_id, double.remote_key = "f" * 32, mine.external_id
    double._state.adding = True
    double.save()
    double.listing_seats.bulk_create(
        [type(row)(tenant_id=row.tenant_id, listing=double, seat=row.seat) for row in mine.listing_seats.all()]
    )
    control("sell", platform="stubhub", external_id=mine.external_id, quantity=2)
    for account in (first, twin) if heard_first == "owner" else (twin, first):
        account_poll(account)
    assert Sale.objects.get().account == first
    stock_order(twin.pk)
    MarketplaceAccount.objects.filter(pk=twin.pk).update(stock_taken_at=None)
    stock_order(twin.pk)
    work()
    double.refresh_from_db()
    twin.refresh_from_db()
    assert (twin.doubled, double.status) == (True, "cancelled")
    (up,) = [item for item in there("stubhub")["listings"] if item["state"] == "active"]
    assert (up["quantity"], there("stubhub")["sales"][0]["rejected"]) == (2, False)


def test_no_rejection_is_sent_for_what_another_connection_has_confirmed(holding: Holding, simulator: Simulator) -> None:
    first = connected(holding, "stubhub")
    mine = four_listed(holding, first)
    control("sell", platform="stubhub", external_id=mine.external_id, quantity=2)
    account_poll(first)
    work()
    sale = Sale.objects.get()
    twin = second(holding, first, stock_taken_at=now())
    conflict = Sale.objects.get(pk=sale.pk)
    conflict.pk, conflict.account, conflict.state, conflict.listing = None, twin, "conflict", None
    conflict._state.adding = True
    conflict.save()
    MarketplaceCommand.objects.create(
        tenant_id=sale.tenant_id, account=twin, sale=conflict, kind=CommandKind.REJECT_SALE,
        idempotency_key="reject:twice", not_before=now(),
    )  # fmt: skip
    work()
    assert MarketplaceCommand.objects.get(idempotency_key="reject:twice").state == "superseded"
    assert there("stubhub")["sales"][0]["rejected"] is False


def test_what_the_same_words_name_of_another_row_is_nobodys_double(holding: Holding, simulator: Simulator) -> None:
    """Where sellers name their listings two of them may have one name."""
    first = connected(holding, "gametime")
    mine = four_listed(holding, first)
    twin = second(holding, first, stock_taken_at=now())
    Listing.objects.filter(pk=mine.pk).update(listing_id="1", made_there=True, external_id="e" * 32)
    day = mine.game_date.isoformat()
    assert listing_of_another(twin, Named("1", "1", mine.row, day, "2")) == mine
    for other in (Named("1", "1", "X"), Named("1", "1", mine.row, "2020-01-01"), Named("1", "1", mine.row, day, "99")):
        assert listing_of_another(twin, other) is None
    # Our own key is nobody else's.
    assert listing_of_another(twin, Named("", "e" * 32, "X")) == mine
