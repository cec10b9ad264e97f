"""What a person was asked is asked no more once it is over, whatever ended it; and nobody is asked in vain."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from listings.models import CommandKind, Listing, MarketplaceCommand, Sale, SaleState
from listings.services import ask, labels
from listings.services.ask import sale_ask
from listings.services.by_hand import hand_sold, tasks_nag
from listings.services.commands import command_write
from listings.services.delist import listings_delist
from listings.services.deliverable import deliverable_told
from listings.services.fulfil import sale_fulfil
from listings.services.sale_alerts import alert_again, alert_twice
from listings.services.sale_saga import sale_apply
from listings.services.seat_tickets import Entry, tickets_enter
from listings.services.sync import account_sync_sales
from listings.services.wake import READ_SALE
from listings.tasks import fetch_label, poll_account_sales, read_sale
from marketplaces.contracts import RemoteListing, RemoteListingState, RemoteSaleState
from marketplaces.delivery import DeliveryStep
from marketplaces.errors import AlreadyGone, PermanentError
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.alerts import alert_reading
from marketplaces.services.connect import connect_assisted
from marketplaces.services.links import trouble
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db


def told(market: Market, kind: str) -> Alert:
    """The newest alert of a kind that the holder has."""
    return Alert.objects.filter(kind=kind, user_id=market.holding.user.pk).latest("raised_at")


def over(alert: Alert) -> bool:
    """Whether an alert ended by itself."""
    alert.refresh_from_db()
    return alert.state == "recovered"


def sold(market: Market) -> Sale:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    return Sale.objects.get()


def test_a_sale_that_is_called_off_asks_for_no_ticket_again(market: Market) -> None:
    sale = sold(market)
    Sale.objects.update(state=SaleState.FULFILLED, asked_again_at=now())
    sale.refresh_from_db()
    alert_again(sale)
    alert_twice(sale)
    alerts = [told(market, kind) for kind in ("sale.again", "sale.twice")]
    off = market.alpha.move(sale.platform_sale_id, RemoteSaleState.CANCELLED)
    sale_apply(account=market.accounts["alpha"], remote=off)
    sale.refresh_from_db()
    assert (sale.state, sale.asked_again_at) == (SaleState.CANCELLED, None)
    assert [over(alert) for alert in alerts] == [True, True]


def test_a_brake_for_one_ticket_in_two_sales_asks_no_more_once_each_has_its_own(market: Market) -> None:
    sale = sold(market)
    alert_twice(sale)
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="TX-1")
    assert over(told(market, "sale.twice"))


def test_a_refused_price_asks_nobody_once_its_listing_is_down(market: Market) -> None:
    alpha, _ = market.published()
    market.alpha.script["reprice"] = [PermanentError("too dear")]
    command_write(listing=alpha, kind=CommandKind.REPRICE, key="dear", payload={"version": 9})
    market.work()
    alert = told(market, "command.needs_person")
    assert alert.state == "firing"
    listings_delist(actor=market.holding.actor, listing_ids=[alpha.pk])
    assert MarketplaceCommand.objects.get(kind="reprice").state == "superseded"
    assert over(alert)


def hidden(listing: Listing, *, undeliverable: bool = True) -> RemoteListing:
    """As its marketplace shows it: to nobody, for want of its tickets."""
    return RemoteListing(
        listing_id=listing.listing_id, external_id=listing.external_id, event_id="", section=listing.section,
        row=listing.row, seat_from="1", seat_to="4", quantity=4, price=listing.price, currency="USD",
        state=RemoteListingState.ACTIVE, undeliverable=undeliverable,
    )  # fmt: skip


@pytest.mark.parametrize("ending", ["taken down", "sold here", "sold elsewhere", "gone there"])
def test_nobody_enters_tickets_for_a_listing_that_is_down(market: Market, ending: str) -> None:
    alpha, beta = market.published()
    deliverable_told(alpha, hidden(alpha))
    alert = told(market, "listing.undeliverable")
    alpha.refresh_from_db()
    assert (alpha.undeliverable_at is not None, alert.state) == (True, "firing")
    seats = tuple(seat.seat_number for seat in market.holding.seats)
    match ending:
        case "taken down":
            listings_delist(actor=market.holding.actor, listing_ids=[alpha.pk])
        case "sold here":
            market.webhook(market.alpha.sell(alpha.external_id, seats))
        case "sold elsewhere":
            market.webhook(market.beta.sell(beta.external_id, seats), platform=market.beta)
        case _:
            market.alpha.script["reprice"] = [AlreadyGone("no such listing")]
            command_write(listing=alpha, kind=CommandKind.REPRICE, key="new", payload={"version": 9})
    market.work()
    alpha.refresh_from_db()
    assert (alpha.undeliverable_at, over(alert)) == (None, True)
    # A late word of what is down asks nobody either.
    deliverable_told(alpha, hidden(alpha))
    alpha.refresh_from_db()
    assert (alpha.undeliverable_at, over(alert)) == (None, True)


def test_tickets_for_a_listing_that_its_marketplace_no_longer_has_show_that_it_is_gone(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, _ = market.published()
    Listing.objects.filter(pk=alpha.pk).update(delivery="barcode", undeliverable_at=now())
    monkeypatch.setattr(
        market.alpha, "supply", lambda *_: (_ for _ in ()).throw(AlreadyGone("no such listing")), raising=False
    )
    looked: list[str] = []
    monkeypatch.setattr("listings.services.record.enqueue_on_commit", lambda path, **_: looked.append(path))
    entries = [Entry(seat.pk, barcode=f"88001234{seat.seat_number:04}") for seat in market.holding.seats]
    tickets_enter(actor=market.holding.actor, kind="barcode", entries=entries)
    market.work()
    alpha.refresh_from_db()
    assert MarketplaceCommand.objects.get(kind="supply").state == "done"
    assert (alpha.status, alpha.status_reason) == ("cancelled", "the marketplace no longer has it")
    assert looked == ["listings.tasks.poll_account_sales"]


def test_a_label_that_is_there_at_last_is_no_trouble_any_more(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = sold(market)
    Sale.objects.update(delivery_step=DeliveryStep.LABELS)
    answers: list[Any] = [PermanentError("the printer is on fire"), b"%PDF-1.4 label"]

    def label(*_: object) -> bytes:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return bytes(answer)

    monkeypatch.setattr(market.alpha, "shipping_label", label, raising=False)
    fetch_label(str(sale.pk))
    alert = told(market, "account.reading")
    assert ("label" in alert.title, alert.state) == (True, "firing")
    fetch_label(str(sale.pk))
    sale.refresh_from_db()
    assert (bool(sale.label_sealed), over(alert)) == (True, True)


def test_no_label_is_fetched_for_a_sale_that_is_over(market: Market) -> None:
    sale = sold(market)
    Sale.objects.update(delivery_step=DeliveryStep.LABELS, state=SaleState.CANCELLED)
    sale.refresh_from_db()
    assert not labels.label_wanted(sale)
    Sale.objects.update(state=SaleState.CONFIRMED)
    sale.refresh_from_db()
    assert labels.label_wanted(sale)


@pytest.mark.parametrize(("how", "says"), [("reconnect", "permission has ended"), ("limit", "as often as it allows")])
def test_a_marketplace_that_cannot_be_asked_now_is_not_promised_to_be(
    market: Market, monkeypatch: pytest.MonkeyPatch, how: str, says: str
) -> None:
    sale = sold(market)
    ordered: list[str] = []
    monkeypatch.setattr(ask, "enqueue_on_commit", lambda path, **_: ordered.append(path))
    sale_ask(actor=market.holding.actor, sale_id=sale.pk)
    assert ordered == [READ_SALE]
    if how == "reconnect":
        MarketplaceAccount.objects.update(needs_reconnect=True)
    else:
        monkeypatch.setattr(ask, "token_there", lambda account: False)
    with pytest.raises(Conflict, match=says) as caught:
        sale_ask(actor=market.holding.actor, sale_id=sale.pk)
    assert caught.value.remedy
    assert ordered == [READ_SALE]
    client = Client()
    client.force_login(market.holding.user)
    answer = client.post(f"/portfolio/sales/{sale.pk}/ask/", follow=True)
    assert says in answer.text


def test_the_buyer_of_a_sale_that_was_found_by_polling_is_asked_for(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, _ = market.published()
    ordered: list[str] = []
    monkeypatch.setattr("listings.services.sale_saga.enqueue_on_commit", lambda path, **_: ordered.append(path))
    sold_there = market.alpha.sell(alpha.external_id, (1, 2))
    account_sync_sales(account=market.accounts["alpha"])
    assert Sale.objects.get().platform_sale_id == sold_there.sale_id
    assert ordered == [READ_SALE]


def test_nobody_is_asked_about_a_sale_of_an_assisted_account(
    market: Market, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    account, ours = assisted_at_beta(market)
    listing = Listing.objects.get()
    seats = [seat.pk for seat in market.holding.seats]
    with django_capture_on_commit_callbacks(execute=True):
        hand_sold(actor=ours, listing_id=listing.pk, seat_ids=seats[:2], price=Decimal("84.00"), order="A-1")
    ordered: list[str] = []
    monkeypatch.setattr("listings.services.sale_saga.enqueue_on_commit", lambda path, **_: ordered.append(path))
    sale = hand_sold(actor=ours, listing_id=listing.pk, seat_ids=seats[2:], price=Decimal("84.00"), order="A-2")
    assert sale.state == SaleState.CONFIRMED
    # Whoever orders it, and whenever it was ordered.
    read_sale(str(Sale.objects.get(platform_sale_id="A-1").pk))
    fetch_label(str(Sale.objects.get(platform_sale_id="A-1").pk))
    poll_account_sales(str(account.pk))
    account.refresh_from_db()
    assert (account.last_error, ordered) == ("", [])
    assert not Alert.objects.filter(kind="account.reading").exists()


def test_what_was_said_of_reading_an_assisted_account_is_over(market: Market) -> None:
    account, _ = assisted_at_beta(market)
    MarketplaceAccount.objects.update(**trouble("it has no address"))
    alert_reading(account, "sales", "it has no address")
    alpha = market.accounts["alpha"]
    alert_reading(alpha, "sales", "it is away")
    tasks_nag()
    account.refresh_from_db()
    alpha.refresh_from_db()
    assert (account.last_error, account.last_error_at, alpha.last_error) == ("", None, "it has no address")
    states = dict(Alert.objects.filter(kind="account.reading").values_list("object_id", "state"))
    assert states == {str(account.pk): "recovered", str(alpha.pk): "firing"}


def assisted_at_beta(market: Market) -> tuple[MarketplaceAccount, Actor]:
    """All seats are on offer over an account at beta that its holder works with his own hands."""
    MarketplaceAccount.objects.filter(platform="beta").update(is_active=False)
    account = connect_assisted(actor=market.holding.actor, platform="beta")
    market.publish(account_ids=[account.pk])
    market.work()
    return account, market.holding.actor


def test_a_number_that_is_none_is_refused_on_the_page_and_the_task_stays(market: Market) -> None:
    account = connect_assisted(actor=market.holding.actor, platform="beta")
    assert account.mode == Mode.ASSISTED
    market.publish(account_ids=[account.pk])
    market.work()
    task = MarketplaceCommand.objects.get(by_hand=True, kind="create")
    client = Client()
    client.force_login(market.holding.user)
    answer = client.post(f"/portfolio/by-hand/{task.pk}/done/", {"listing_id": "9" * 300}, follow=True)
    task.refresh_from_db()
    assert (task.state, "Nothing was noted." in answer.text, "Thank you" in answer.text) == (
        "needs_person", True, False,
    )  # fmt: skip


def test_a_label_that_is_here_is_not_fetched_again(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = sold(market)
    Sale.objects.update(delivery_step=DeliveryStep.LABELS)
    fetched: list[str] = []

    def fetch(_link: object, sale_id: str) -> bytes:
        fetched.append(sale_id)
        return b"%PDF-1.4 a label\n%%EOF"

    monkeypatch.setattr(market.alpha, "shipping_label", fetch, raising=False)
    for _ in range(2):
        sale.refresh_from_db()
        assert labels.label_fetch(sale)
    assert fetched == [sale.platform_sale_id]
