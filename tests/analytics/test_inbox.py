"""The inbox: each thing that waits once, with what can be done, and as many as the shell says."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from analytics.selectors.inbox import MOST, Inbox, inbox, inbox_count
from listings.models import CommandState, Listing, MarketplaceCommand, Sale
from listings.services.command_alerts import alert_needs_person
from listings.services.give_up import command_give_up
from listings.services.publish import listing_publish
from listings.services.sale_alerts import alert_unclear
from listings.services.stock import found_listing_note
from marketplaces.contracts import RemoteEvent, RemoteListing, RemoteListingState
from marketplaces.errors import PermanentError
from marketplaces.models import InboundEvent, InboxState, MarketplaceAccount
from marketplaces.services.connect import connect_assisted
from marketplaces.services.links import reconnect_ask
from portfolios.models import OwnerState, Seat
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, NotFound
from seatsync.core.models import AuditEntry
from seatsync.live.alerts import alert_raise
from seatsync.live.models import Alert
from tests.builders import verified_client
from tests.hands import assist, up
from tests.market import Market

pytestmark = pytest.mark.django_db


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.id))
    return client


def kinds(found: Inbox) -> list[str]:
    return [item.kind for item in found.items]


def own(market: Market) -> Inbox:
    """The holder's inbox; the shell must count the same."""
    found = inbox(market.holding.actor)
    assert found.count == inbox_count(market.holding.actor) == len(found.items)
    shell = browser(market.holding.actor).get(reverse("live:needs_link")).content.decode()
    assert f'data-count="{found.count}"' in shell
    return found


def refused(market: Market) -> MarketplaceCommand:
    """A publication that Alpha refuses for good."""
    market.alpha.script["create"] = [PermanentError("the row is unknown")]
    market.published(market.holding.seats[:2])
    return MarketplaceCommand.objects.get(state=CommandState.NEEDS_PERSON)


def test_nothing_waits_for_whoever_has_nothing(market: Market) -> None:
    assert own(market).groups == []
    assert "Nothing waits for you." in browser(market.holding.actor).get(reverse("analytics:inbox")).content.decode()


def test_a_refused_publication_is_one_thing_and_its_alert_no_second(market: Market) -> None:
    command = refused(market)
    assert Alert.objects.filter(object_type="command", object_id=str(command.pk)).count() == 1
    (item,) = own(market).items
    assert (item.kind, item.object_id, item.why) == ("command", command.pk, "the row is unknown")
    assert item.title.startswith("Alpha could not publish 131/27 1-2, Inland Owls at Harbor Gulls")
    assert [act.verb for act in item.acts] == ["Try again", "Do not publish"]


def test_one_click_tries_again_and_comes_back(market: Market) -> None:
    command = refused(market)
    client, url = browser(market.holding.actor), reverse("analytics:inbox")
    page = client.get(url).content.decode()
    retry = reverse("listings:command_retry", args=[command.pk])
    assert f'action="{retry}"' in page
    answer = client.post(retry, {"from": "inbox"}, follow=True)
    assert answer.redirect_chain == [(url, 302)]
    market.work()
    assert set(Listing.objects.values_list("status", flat=True)) == {"active"}
    assert own(market).groups == []


def test_giving_up_a_publication_takes_it_down_wherever_it_may_have_arrived(market: Market) -> None:
    command = refused(market)
    client = browser(market.holding.actor)
    answer = client.post(reverse("listings:command_give_up", args=[command.pk]), {"from": "inbox"}, follow=True)
    assert "It is not sent any more." in answer.content.decode()
    market.work()
    command.refresh_from_db()
    assert command.state == CommandState.SUPERSEDED
    assert Listing.objects.get(platform="alpha").status == "cancelled"
    assert Listing.objects.get(platform="beta").status == "active"
    assert Alert.objects.get(object_id=str(command.pk)).state == "recovered"
    assert AuditEntry.objects.filter(verb="command.give_up", object_id=str(command.pk)).count() == 1
    assert own(market).groups == []
    assert client.post(reverse("listings:command_give_up", args=[command.pk])).status_code == 409


@pytest.mark.parametrize("kind", ["reprice", "delist", "resize", "reject_sale"])
def test_what_must_come_down_or_would_be_sent_again_is_never_given_up(market: Market, kind: str) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    command = waiting(market, alpha, kind=kind)
    with pytest.raises(Conflict, match="would be asked for it again"):
        command_give_up(actor=market.holding.actor, command_id=command.pk)
    command.refresh_from_db()
    assert command.state == CommandState.NEEDS_PERSON
    assert [act.verb for act in own(market).items[0].acts] == ["Try again"]


def waiting(market: Market, listing: Listing, **changes: Any) -> MarketplaceCommand:
    wish: dict[str, Any] = {"kind": "reprice", "state": "needs_person", "payload": {}, **changes}
    return MarketplaceCommand.objects.create(
        tenant_id=listing.tenant_id, account=listing.account, listing=listing, not_before=now(),
        idempotency_key=f"w{MarketplaceCommand.objects.count()}", last_error="no", **wish,
    )  # fmt: skip


def test_nobody_gives_up_for_another(market: Market) -> None:
    command = refused(market)
    for actor in (market.holding.co_owner, market.holding.other, market.holding.outsider):
        with pytest.raises(NotFound):
            command_give_up(actor=actor, command_id=command.pk)
    assert inbox(market.holding.other).groups == []
    command.refresh_from_db()
    assert command.state == CommandState.NEEDS_PERSON


def test_a_mapping_is_asked_for_once_however_many_wait(market: Market) -> None:
    game = market.holding.game
    market.alpha.events = [RemoteEvent("E-1", "Inland Owls at Harbor Gulls", "Harbor Field", game.starts_at)]
    market.published(market.holding.seats[:2])
    market.published(market.holding.seats[2:])
    (item,) = own(market).items
    assert item.kind == "mapping"
    assert item.why.startswith("2 publications wait for it.")
    assert item.acts[0].verb == "Choose the event"


def test_a_sale_waits_until_its_tickets_are_handed_over(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    Sale.objects.update(ship_by=now() + timedelta(hours=3))
    assert Alert.objects.filter(kind="sale.sold", severity="action").exists()
    (item,) = own(market).items
    assert (item.kind, item.due is not None) == ("hand_over", True)
    assert item.acts[0].page == reverse("listings:sale_fulfil", args=[Sale.objects.get().pk])
    assert "in 2 h" in browser(market.holding.actor).get(reverse("analytics:inbox")).content.decode()


def test_an_unclear_sale_waits_for_a_decision(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    Sale.objects.update(state="needs_person", state_reason="it names a seat that was not offered")
    (item,) = [item for item in own(market).items if item.object_type == "sale"]
    assert (item.kind, item.why) == ("decide", "it names a seat that was not offered.")


def test_a_doubt_about_a_sale_that_is_to_be_handed_over_is_an_entry_of_its_own(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    Sale.objects.update(ship_by=now() + timedelta(hours=3))
    alert_unclear(Sale.objects.get(), "of a mail of its order number it names several orders")
    due, doubt = own(market).items
    assert (due.kind, doubt.kind) == ("hand_over", "alert")
    assert "it names several orders" in doubt.why


def test_what_does_not_come_down_is_told_until_it_is(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    market.alpha.script["delist"] = [PermanentError("not allowed")]
    browser(market.holding.actor).post(reverse("listings:listing_delist", args=[alpha.pk]))
    market.work(1)
    (item,) = own(market).items
    assert (item.kind, item.severity) == ("take_down", "critical")
    assert item.title.startswith("Alpha does not delist 131/27 1-2")
    market.hurry()
    market.work()
    assert own(market).groups == []


def test_failures_reconnects_and_other_alerts_wait_too(market: Market) -> None:
    market.announce("x1", "e1")
    InboundEvent.objects.update(state=InboxState.FAILED, last_error="not read")
    MarketplaceAccount.objects.filter(platform="beta").update(needs_reconnect=True)
    for severity in ("action", "info"):
        alert_raise(
            tenant_id=market.holding.ticket.tenant_id, user_id=market.holding.user.pk, kind="k", url="/alerts/",
            title="Look", severity=severity, dedupe_key=severity,
        )  # fmt: skip
    assert kinds(own(market)) == ["reconnect", "inbound", "alert"]
    client = browser(market.holding.actor)
    event, alert = InboundEvent.objects.get(), Alert.objects.get(severity="action", kind="k")
    for url in (
        reverse("marketplaces:inbound_retry", args=[event.pk]), reverse("live:alert_acknowledge", args=[alert.pk])
    ):  # fmt: skip
        assert client.post(url, {"from": "inbox"}).headers["Location"] == reverse("analytics:inbox")
    assert kinds(own(market)) == ["reconnect"]


def test_an_account_to_connect_again_says_what_is_still_up_there(market: Market) -> None:
    market.published()
    account = market.accounts["alpha"]
    reconnect_ask(account.pk, "revoked there", seen_token=account.access_token)
    (item,) = own(market).items
    assert (item.kind, item.title) == ("reconnect", "Connect Alpha again")
    assert "Still up there: 4 in 131/27 1-4" in item.why


def test_many_are_counted_and_the_first_shown(market: Market) -> None:
    for number in range(MOST + 3):
        alert_raise(
            tenant_id=market.holding.ticket.tenant_id, user_id=market.holding.user.pk, kind="k", url="/alerts/",
            title="Look", severity="action", dedupe_key=f"k{number}",
        )  # fmt: skip
    found = inbox(market.holding.actor)
    assert (len(found.items), found.count, found.groups[0].more) == (MOST, MOST + 3, 3)
    assert inbox_count(market.holding.actor) == MOST + 3
    page = browser(market.holding.actor).get(reverse("analytics:inbox")).content.decode()
    assert "3 more come up as these are done." in page


def test_an_open_inbox_fetches_its_lists_alone(market: Market) -> None:
    refused(market)
    part = (
        browser(market.holding.actor).get(reverse("analytics:inbox"), headers={"HX-Request": "true"}).content.decode()
    )
    assert "Could not be sent" in part
    assert "<h1>" not in part


def test_the_nav_leads_there(market: Market) -> None:
    page = browser(market.holding.actor).get("/").content.decode()
    assert page.count(f'href="{reverse("analytics:inbox")}"') >= 2


def test_staff_gives_up_what_may_be_and_is_told_of_the_rest(market: Market) -> None:
    command = refused(market)
    alpha = Listing.objects.get(platform="beta")
    other = waiting(market, alpha)
    client = verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))
    url = reverse("admin:listings_marketplacecommand_changelist")
    assert "the row is unknown" in client.get(f"{url}?state__exact=needs_person&q=owner@example.com").text
    chosen = [str(command.pk), str(other.pk)]
    text = client.post(url, {"action": "give_up", "_selected_action": chosen}, follow=True).text
    assert "1 are given up" in text
    assert "would be asked for it again" in text


def test_staff_sends_nothing_again_whose_seats_are_gone(market: Market) -> None:
    command = refused(market)
    Seat.objects.filter(pk=market.holding.seats[0].pk).update(state=OwnerState.ATTENDING)
    client = verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))
    url = reverse("admin:listings_marketplacecommand_changelist")
    text = client.post(url, {"action": "try_again", "_selected_action": [str(command.pk)]}, follow=True).text
    assert "0 will be tried again" in text
    assert "is attending" in text
    command.refresh_from_db()
    assert command.state == CommandState.NEEDS_PERSON


def test_what_is_for_ones_own_hands_and_what_was_found_there_wait_too(market: Market) -> None:
    actor, account = market.holding.actor, market.accounts["alpha"]
    assisted = connect_assisted(actor=actor, platform="beta")
    listing_publish(
        actor=actor, seat_ids=[seat.pk for seat in market.holding.seats], account_ids=[assisted.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    item = RemoteListing("X-1", "", "", "131", "27", "", "", 1, Decimal("80.00"), "USD", RemoteListingState.ACTIVE)
    found_listing_note(account=account, item=item, tell=True)
    found = inbox(actor)
    assert [(group.title, len(group.items)) for group in found.groups] == [
        ("For your own hands", 1), ("Listed there, and not made here", 1),
    ]  # fmt: skip
    assert found.groups[1].items[0].title == "A listing at Alpha: section 131, row 27, 1 ticket"
    assert inbox_count(actor) == found.count == 2


@pytest.mark.parametrize(("seats", "said"), [(1, "1 was sold on Alpha."), (2, "2 were sold on Alpha.")])
def test_a_task_to_take_down_says_how_many_sold(market: Market, seats: int, said: str) -> None:
    alpha, _ = up(market, assist(market))
    market.webhook(market.alpha.sell(alpha.external_id, tuple(range(1, seats + 1))))
    (task,) = [item for item in inbox(market.holding.actor).items if item.kind == "by_hand"]
    assert said in task.why


def test_a_take_down_of_what_was_found_that_does_not_come_through_is_shown(market: Market) -> None:
    account = market.accounts["alpha"]
    command = MarketplaceCommand.objects.create(
        tenant_id=account.tenant_id, account=account, kind="delist", priority=0, idempotency_key="found-down",
        not_before=now(), attempts=11, last_error="it says no", payload={"ref": {"listing_id": "X-1"}},
    )  # fmt: skip
    alert_needs_person(command, None)
    (item,) = inbox(market.holding.actor).items
    assert (item.kind, item.page) == ("take_down", reverse("listings:account_detail", args=[account.pk]))
