"""Leaving in order: everything comes down and is seen to be gone before the keys go; what is sold stays deliverable."""

import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from listings.models import CommandState, Listing, ListingStatus, MarketplaceCommand, PushHalt, Sale, SaleState
from listings.services.fulfil import sale_fulfil
from listings.services.give_up import command_give_up
from listings.services.halts import push_halt_lift, push_halt_set
from listings.services.paid_by_hand import sale_paid
from listings.states import OPEN
from marketplaces.contracts import Grant
from marketplaces.errors import PermanentError, TemporaryError
from marketplaces.models import MarketplaceAccount
from marketplaces.ports import account_closing
from marketplaces.services.alerts import alert_reconnect
from marketplaces.services.connect import account_keep, account_leave, accounts_close, connect_assisted, disconnect
from seatsync.accounts.models import Leaving, LeavingWhy, User
from seatsync.accounts.services.leaving import WHYS, holder_leave, holder_stay
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.errors import Busy, Conflict, InvalidInput, NotAllowed
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from seatsync.tenants.services import tenant_resume, tenant_suspend
from tests.builders import verified_client
from tests.listings.ended import Ended
from tests.market import Market

pytestmark = pytest.mark.django_db


def staff(market: Market) -> Actor:
    return Actor(ActorKind.STAFF, "1", market.holding.ticket.tenant_id, None)


def polled(market: Market) -> None:
    MarketplaceAccount.objects.update(sales_synced_until=now() + timedelta(days=365))


def leave(market: Market, why: str) -> Leaving:
    return holder_leave(actor=Actor.system(), user_id=market.holding.user.pk, why=why)


def connect(market: Market, platform: str) -> MarketplaceAccount:
    grant = Grant("anew", account_id=market.accounts[platform].account_id)
    return account_keep(actor=market.holding.actor, platform=platform, mode="paper", grant=grant)


def closed(market: Market) -> None:
    """Everything is down, seen to be gone, and the accounts' keys are away."""
    market.work()
    polled(market)
    accounts_close()


def test_a_suspended_tenant_is_halted_and_drained_and_its_sales_stay_deliverable_and_paid(market: Market) -> None:
    first, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(first.external_id, (1, 2)))
    market.work()
    sale = market.sale()
    market.published(market.holding.seats[2:])
    tenant_id = market.holding.ticket.tenant_id
    with pytest.raises(NotAllowed):
        tenant_suspend(actor=market.holding.actor, tenant_id=tenant_id, reason="unpaid")
    with pytest.raises(InvalidInput):
        tenant_suspend(actor=staff(market), tenant_id=tenant_id, reason=" ")
    tenant = tenant_suspend(actor=staff(market), tenant_id=tenant_id, reason="unpaid")
    assert tenant.suspended_at is not None
    assert PushHalt.objects.in_force().get(tenant_id=tenant_id).state == "HALTED"
    accounts_close()
    assert not any(account.takes_listings for account in MarketplaceAccount.objects.all())
    market.work()
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])
    polled(market)
    accounts_close()
    alpha, beta = (MarketplaceAccount.objects.get(platform=key) for key in ("alpha", "beta"))
    assert (beta.is_active, beta.access_token) == (False, "")
    # The sale is not through: its account keeps its key, and it is handed over and paid.
    assert (alpha.is_active, alpha.access_token) == (True, "token")
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="TX-1")
    market.work()
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED
    tenant_resume(actor=staff(market), tenant_id=tenant_id)
    assert not PushHalt.objects.in_force().exists()


def test_a_suspension_and_a_halt_that_staff_set_go_each_with_its_own_cause(market: Market) -> None:
    market.published()
    tenant_id, by = market.holding.ticket.tenant_id, staff(market)
    by_hand = push_halt_set(actor=by, reason="prices are wrong", tenant_id=tenant_id, state="RAISE_ONLY")
    tenant_suspend(actor=by, tenant_id=tenant_id, reason="unpaid")
    assert set(PushHalt.objects.in_force().values_list("state", "cause", "reason")) == {
        ("RAISE_ONLY", "support", "prices are wrong"), ("HALTED", "suspension", "unpaid"),
    }  # fmt: skip
    # No hand lets a suspended tenant go, and none makes its halt a weaker one.
    suspended = PushHalt.objects.in_force().get(cause="suspension")
    with pytest.raises(Conflict) as caught:
        push_halt_lift(actor=by, halt_id=suspended.pk)
    assert caught.value.remedy == "Let the tenant sell again: it goes with that."
    push_halt_set(actor=by, reason="prices are right", tenant_id=tenant_id, state="NO_NEW_LISTINGS")
    suspended.refresh_from_db()
    assert (suspended.state, suspended.lifted_at) == ("HALTED", None)
    tenant_resume(actor=by, tenant_id=tenant_id)
    assert [halt.pk for halt in PushHalt.objects.in_force()] == [by_hand.pk]
    push_halt_lift(actor=by, halt_id=by_hand.pk)
    tenant_suspend(actor=by, tenant_id=tenant_id, reason="unpaid again")
    tenant_suspend(actor=by, tenant_id=tenant_id, reason="still unpaid")
    assert [halt.reason for halt in PushHalt.objects.in_force()] == ["still unpaid"]


def test_a_drain_verifies_that_everything_is_gone_before_the_key_goes(market: Market) -> None:
    market.published()
    leave(market, LeavingWhy.ERASURE)
    assert MarketplaceAccount.objects.exclude(closing_at=None).count() == 2
    leave(market, LeavingWhy.ERASURE)
    assert Leaving.objects.count() == 1
    accounts_close()
    assert MarketplaceAccount.objects.filter(is_active=True).count() == 2
    market.work(rounds=1)
    polled(market)
    MarketplaceCommand.objects.filter(kind="verify_gone").update(state=CommandState.PENDING, not_before=now())
    accounts_close()
    assert MarketplaceAccount.objects.filter(is_active=True).count() == 2
    market.work()
    accounts_close()
    assert not MarketplaceAccount.objects.filter(is_active=True).exists()
    assert not Listing.objects.exclude(status=ListingStatus.CANCELLED).exists()
    assert not Listing.objects.filter(gone_verified_at=None).exists()


def test_a_key_stays_while_nobody_could_see_that_all_is_gone(market: Market) -> None:
    market.published()
    leave(market, LeavingWhy.ERASURE)
    accounts_close()
    # Its marketplace takes everything down, and answers no look whether it is gone.
    market.alpha.script["fetch"] = [TemporaryError("it is away")] * 99
    for _ in range(30):
        market.hurry()
        market.work()
    look = MarketplaceCommand.objects.get(kind="verify_gone", account=market.accounts["alpha"])
    assert (look.state, look.listing.status if look.listing else "") == ("needs_person", "cancelled")
    polled(market)
    accounts_close()
    assert list(MarketplaceAccount.objects.filter(is_active=True)) == [market.accounts["alpha"]]
    # He looks himself, and says that it is not there.
    command_give_up(actor=market.holding.actor, command_id=look.pk)
    accounts_close()
    assert not MarketplaceAccount.objects.filter(is_active=True).exists()


def test_an_account_that_somebody_else_has_at_this_moment_keeps_no_other_one_open(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.published()
    leave(market, LeavingWhy.ERASURE)
    first = MarketplaceAccount.objects.order_by("pk")[0]
    tell = account_closing.tell

    def taken(account_id: uuid.UUID) -> None:
        if account_id == first.pk:
            raise Busy("Somebody else is changing this listing.")
        tell(account_id)

    monkeypatch.setattr(account_closing, "tell", taken)
    accounts_close()
    up = Listing.objects.filter(status=ListingStatus.ACTIVE).values_list("account", flat=True)
    assert list(up) == [first.pk]
    monkeypatch.undo()
    accounts_close()
    assert not Listing.objects.filter(status=ListingStatus.ACTIVE).exists()


def test_a_revoked_token_alerts_with_what_is_still_up(market: Market) -> None:
    alpha, _ = market.published()
    alert_reconnect(market.accounts["alpha"])
    body = Alert.objects.get(kind="account.reconnect").body
    assert f"4 in 131/27 1-4, {alpha.game.words}" in body


@pytest.mark.parametrize("why", WHYS)
def test_whoever_leaves_is_drained_first_and_what_he_sold_is_handed_over(market: Market, why: LeavingWhy) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    call_command("drain_holder", market.holding.user.email.upper(), "--why", why.value)
    assert not MarketplaceAccount.objects.filter(user=market.holding.user, is_active=True, closing_at=None).exists()
    accounts_close()
    market.work()
    assert not Listing.objects.filter(status=ListingStatus.ACTIVE).exists()
    sale_fulfil(actor=market.holding.actor, sale_id=Sale.objects.get().pk, method="mobile_transfer", confirmation="T-1")
    market.work()
    assert Sale.objects.get().state == SaleState.FULFILLED
    with pytest.raises(CommandError, match="No user has the address"):
        call_command("drain_holder", "nobody@example.com", "--why", why.value)


@pytest.mark.parametrize("why", LeavingWhy)
def test_every_way_out_is_the_same_drain_and_says_why(market: Market, why: LeavingWhy) -> None:
    """Keys go only once all is down and seen to be gone, the account that sold goes when it is paid."""
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    if why == LeavingWhy.DISCONNECT:
        for account in market.accounts.values():
            disconnect(actor=market.holding.actor, account_id=account.pk)
    elif why == LeavingWhy.SUSPENSION:
        tenant_suspend(actor=staff(market), tenant_id=market.holding.ticket.tenant_id, reason="unpaid")
    else:
        leave(market, why)
    found = MarketplaceAccount.objects.all()
    assert {(one.closing_why, one.closing_at is not None, one.access_token) for one in found} == {(why, True, "token")}
    accounts_close()
    assert not found.filter(is_active=False).exists()
    closed(market)
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])
    assert not Listing.objects.filter(status__in=OPEN).exists()
    sold, other = found.get(platform="alpha"), found.get(platform="beta")
    assert (other.is_active, other.access_token, other.closing_why) == (False, "", why)
    assert (sold.is_active, sold.access_token) == (True, "token")
    # What is sold is handed over, and its payout is read, which is the last that goes on there.
    sale_fulfil(actor=market.holding.actor, sale_id=market.sale().pk, method="mobile_transfer", confirmation="T-1")
    market.work()
    ended = Ended(market, next(iter(market.alpha.sales.values())))
    ended.pays("P-1")
    assert ended.sale.state == SaleState.COMPLETE
    closed(market)
    sold.refresh_from_db()
    assert (sold.is_active, sold.access_token, sold.closing_why) == (False, "", why)


def test_what_its_holder_gave_up_himself_goes_on_for_why_he_leaves_and_the_audit_says_so(market: Market) -> None:
    market.published()
    account = disconnect(actor=market.holding.actor, account_id=market.accounts["alpha"].pk)
    leave(market, LeavingWhy.DUNNING)
    leave(market, LeavingWhy.ERASURE)
    began = account.closing_at
    account.refresh_from_db()
    assert (account.closing_why, account.closing_at) == (LeavingWhy.DUNNING, began)
    of_account = AuditEntry.objects.filter(verb="account.disconnect", object_id=str(account.pk)).order_by("at", "pk")
    said = [(audit_read(entry) or {}) for entry in of_account]
    assert [(one.get("before"), one["after"]) for one in said] == [
        (None, {"why": "disconnect"}), ({"why": "disconnect"}, {"why": "dunning"}),
    ]  # fmt: skip


def test_who_leaves_lets_no_key_go_while_a_listing_cannot_be_taken_down(market: Market) -> None:
    market.published()
    market.alpha.script["delist"] = [PermanentError("no")] * 9
    leave(market, LeavingWhy.DUNNING)
    accounts_close()
    closed(market)
    alpha = MarketplaceAccount.objects.get(platform="alpha")
    assert (market.alpha.shown() != [], alpha.is_active, alpha.access_token) == (True, True, "token")


@pytest.mark.parametrize("why", [LeavingWhy.ERASURE, LeavingWhy.DUNNING, LeavingWhy.SUSPENSION])
def test_who_leaves_connects_nothing_until_it_is_taken_back(market: Market, why: LeavingWhy) -> None:
    market.published()
    tenant_id = market.holding.ticket.tenant_id
    leaving = None
    if why == LeavingWhy.SUSPENSION:
        tenant_suspend(actor=staff(market), tenant_id=tenant_id, reason="unpaid")
    else:
        leaving = leave(market, why)
    # The grant of an account that is on its way out is renewed, and it goes on its way: listings come down over it.
    account = connect(market, "alpha")
    assert (account.access_token, account.closing_at is not None, account.closing_why) == ("anew", True, why)
    with pytest.raises(Conflict, match="Everything comes down there"):
        account_leave(actor=market.holding.actor, account_id=account.pk)
    accounts_close()
    closed(market)
    assert not MarketplaceAccount.objects.filter(is_active=True).exists()
    client = Client()
    client.force_login(market.holding.user)
    with pytest.raises(Conflict, match=f"No account can be connected: {why.label}"):
        connect(market, "alpha")
    with pytest.raises(Conflict, match="No account can be connected"):
        connect_assisted(actor=market.holding.actor, platform="alpha")
    page = client.get(reverse("marketplaces:account_list")).content.decode()
    assert (f"No account can be connected: {why.label}" in page, "Connect Alpha" in page) == (True, False)
    if leaving is None:
        tenant_resume(actor=staff(market), tenant_id=tenant_id)
    else:
        with pytest.raises(NotAllowed):
            holder_stay(actor=market.holding.actor, leaving_id=leaving.pk)
        holder_stay(actor=Actor.system(), leaving_id=leaving.pk)
        holder_stay(actor=Actor.system(), leaving_id=leaving.pk)
    assert connect(market, "alpha").takes_listings


def test_with_a_smaller_plan_he_connects_again(market: Market) -> None:
    leave(market, LeavingWhy.DOWNGRADE)
    account = connect(market, "alpha")
    assert (account.closing_at, account.closing_why, account.takes_listings) == (None, "", True)


def test_what_was_being_connected_while_its_holder_left_is_drained_too(market: Market) -> None:
    leave(market, LeavingWhy.DUNNING)
    MarketplaceAccount.objects.filter(platform="alpha").update(closing_at=None, closing_why="")
    accounts_close()
    alpha = MarketplaceAccount.objects.get(platform="alpha")
    assert (alpha.closing_why, alpha.takes_listings) == (LeavingWhy.DUNNING, False)


def test_only_staff_says_that_somebody_leaves_and_a_person_that_he_wants_to_be_erased(market: Market) -> None:
    own, user_id = market.holding.actor, market.holding.user.pk
    for actor, why in (
        (own, LeavingWhy.DUNNING),
        (market.holding.other, LeavingWhy.ERASURE),
        (staff(market), "dunning"),
    ):
        with pytest.raises(NotAllowed):
            holder_leave(actor=actor, user_id=user_id, why=why)
    with pytest.raises(InvalidInput):
        holder_leave(actor=Actor.system(), user_id=user_id, why=LeavingWhy.SUSPENSION)
    assert not Leaving.objects.exists()
    assert holder_leave(actor=own, user_id=user_id, why=LeavingWhy.ERASURE).ended_at is None
    assert not MarketplaceAccount.objects.filter(user_id=user_id, closing_at=None).exists()
    assert MarketplaceAccount.objects.exclude(user_id=user_id).exclude(closing_at=None).count() == 0


def test_staff_says_so_in_the_admin_and_takes_it_back_there(market: Market) -> None:
    client = verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))
    people, leavings = reverse("admin:accounts_user_changelist"), reverse("admin:accounts_leaving_changelist")
    for why in WHYS:
        chosen = {"action": f"leave_{why}", "_selected_action": [market.holding.user.pk]}
        assert "drained" in client.post(people, chosen, follow=True).content.decode()
    assert set(Leaving.objects.filter(ended_at=None).values_list("why", flat=True)) == set(WHYS)
    assert not MarketplaceAccount.objects.filter(user=market.holding.user, closing_at=None).exists()
    chosen = {"action": "take_back", "_selected_action": [one.pk for one in Leaving.objects.all()]}
    assert "taken back" in client.post(leavings, chosen, follow=True).content.decode()
    assert not Leaving.objects.filter(ended_at=None).exists()


def test_what_a_closed_account_still_owes_its_holder_says_came(market: Market) -> None:
    """Its keys went 45 days after the game: nobody reads its payouts any more, as the page says."""
    alpha, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    sale = market.sale()
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="T-1")
    market.work()
    with pytest.raises(Conflict, match="come by themselves"):
        sale_paid(actor=market.holding.actor, sale_id=sale.pk)
    leave(market, LeavingWhy.ERASURE)
    Sale.objects.update(game=None, sold_at=now() - timedelta(days=46))
    accounts_close()
    closed(market)
    account = MarketplaceAccount.objects.get(platform="alpha")
    assert (account.is_active, account.access_token) == (False, "")
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(f"{reverse('listings:payout_list')}?show=awaited").content.decode()
    assert "Nobody reads what a closed account is paid." in page
    payout = sale_paid(actor=market.holding.actor, sale_id=sale.pk)
    sale.refresh_from_db()
    assert (sale.state, payout.net, payout.said_by_hand) == (SaleState.COMPLETE, sale.proceeds, True)
