"""Who leaves one tenant keeps what he has in others; and what becomes of his seats on other people's accounts."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from listings.models import Listing, ListingStatus
from listings.services.drain import seats_of_erased_down
from listings.services.fulfil import sale_fulfil
from listings.services.publish import listing_publish
from listings.tasks import expire_listings
from marketplaces.contracts import Grant
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.connect import account_keep, accounts_close
from portfolios.models import Seat
from seatsync.accounts.models import Leaving, LeavingWhy, User
from seatsync.accounts.selectors import actor_for
from seatsync.accounts.services.leaving import WHYS, holder_leave, holder_stay
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, NotAllowed, NotFound
from seatsync.live.models import Alert
from tests.builders import browser, verified_client
from tests.factories import TenantFactory
from tests.listings.left import connected, elsewhere
from tests.market import Market

pytestmark = pytest.mark.django_db


def leave(market: Market, why: str, account: MarketplaceAccount | None = None) -> Leaving:
    """He leaves all, or the tenant of this account alone."""
    tenant_id = account.tenant_id if account else None
    return holder_leave(actor=Actor.system(), user_id=market.holding.user.pk, why=why, tenant_id=tenant_id)


def closing(account: MarketplaceAccount) -> bool:
    account.refresh_from_db()
    return account.closing_at is not None


def co_owners(market: Market) -> MarketplaceAccount:
    """The co-owner's own account at alpha, which is the only one that anybody uses there."""
    co_owner = User.objects.get(email="co@example.com")
    return connected(market, "alpha", Mode.PAPER, user=co_owner)


def co_owner_offers(market: Market, account: MarketplaceAccount, seats: list[Seat] | None = None) -> Listing:
    offered = [seat.pk for seat in seats or market.holding.seats]
    (listing,) = listing_publish(
        actor=market.holding.co_owner, seat_ids=offered, account_ids=[account.pk], price=Decimal("84.00"),
        floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    market.work()
    listing.refresh_from_db()
    return listing


@pytest.mark.parametrize("why", WHYS)
def test_who_leaves_one_tenant_is_drained_there_alone(market: Market, why: LeavingWhy) -> None:
    there, here = elsewhere(market), market.accounts["alpha"]
    assert leave(market, why, here).tenant_id == here.tenant_id
    assert (closing(here), closing(market.accounts["beta"]), closing(there)) == (True, True, False)
    # The job that finds what was being connected meanwhile keeps to the tenant as well.
    MarketplaceAccount.objects.filter(pk=here.pk).update(closing_at=None, closing_why="")
    accounts_close()
    here.refresh_from_db()
    there.refresh_from_db()
    assert (here.closing_why, there.closing_why) == ("" if why == LeavingWhy.DOWNGRADE else why, "")
    assert (there.is_active, there.closing_at) == (True, None)
    # He leaves the rest: of a person whole, one row more.
    assert leave(market, why).tenant_id is None
    assert closing(there)
    assert Leaving.objects.filter(ended_at=None).count() == 2
    assert (leave(market, why).pk, leave(market, why, here).pk) == tuple(
        Leaving.objects.order_by("tenant_id").values_list("pk", flat=True)[::-1]
    )


def test_of_one_way_out_there_is_one_row_at_a_time(market: Market) -> None:
    leave(market, LeavingWhy.ERASURE)
    with pytest.raises(IntegrityError), transaction.atomic():
        Leaving.objects.create(user=market.holding.user, why=LeavingWhy.ERASURE)
    Leaving.objects.create(user=market.holding.user, why=LeavingWhy.ERASURE, tenant=market.holding.ticket.tenant)


def test_who_leaves_one_tenant_connects_in_others(market: Market) -> None:
    there = elsewhere(market)
    own = actor_for(market.holding.user, there.tenant_id)
    leaving = leave(market, LeavingWhy.ERASURE, market.accounts["alpha"])
    grant = Grant("anew")
    assert account_keep(actor=own, platform="beta", mode="paper", grant=Grant("of another seller")).takes_listings
    accounts_close()
    assert not MarketplaceAccount.objects.filter(tenant=market.holding.ticket.tenant, is_active=True).exists()
    with pytest.raises(Conflict, match="No account can be connected"):
        account_keep(actor=market.holding.actor, platform="beta", mode="paper", grant=grant)
    assert "No account can be connected" in browser().get(reverse("marketplaces:account_list")).text
    holder_stay(actor=Actor.system(), leaving_id=leaving.pk)
    assert account_keep(actor=market.holding.actor, platform="beta", mode="paper", grant=grant).takes_listings


def test_he_asks_to_be_erased_out_of_one_tenant_and_nobody_out_of_one_he_is_not_in(market: Market) -> None:
    there, own, user_id = elsewhere(market), market.holding.actor, market.holding.user.pk
    foreign = TenantFactory.create()
    for tenant_id in (foreign.pk, user_id):
        with pytest.raises(NotFound):
            holder_leave(actor=own, user_id=user_id, why=LeavingWhy.ERASURE, tenant_id=tenant_id)
    with pytest.raises(NotAllowed):
        holder_leave(
            actor=market.holding.other, user_id=user_id, why=LeavingWhy.ERASURE, tenant_id=there.tenant_id
        )  # fmt: skip
    assert not Leaving.objects.exists()
    holder_leave(actor=own, user_id=user_id, why=LeavingWhy.ERASURE, tenant_id=there.tenant_id)
    assert (closing(there), closing(market.accounts["alpha"])) == (True, False)


def test_the_command_names_the_tenant(market: Market) -> None:
    there, out = elsewhere(market), StringIO()
    call_command(
        "drain_holder", market.holding.user.email, "--why", "erasure", "--tenant", there.tenant.slug, stdout=out
    )
    assert (closing(there), closing(market.accounts["alpha"])) == (True, False)
    assert f"1 account of owner@example.com in {there.tenant.slug} being drained" in out.getvalue()
    with pytest.raises(CommandError, match="is in no tenant 'other-co'"):
        call_command("drain_holder", market.holding.user.email, "--why", "erasure", "--tenant", "other-co")


def test_the_admin_says_which_tenant_somebody_leaves(market: Market) -> None:
    there = elsewhere(market)
    leave(market, LeavingWhy.DUNNING, there)
    leave(market, LeavingWhy.ERASURE)
    client = verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))
    page = client.get(reverse("admin:accounts_leaving_changelist")).text
    assert f'<td class="field-leaves">{there.tenant}</td>' in page
    assert '<td class="field-leaves">all</td>' in page
    only = client.get(f"{reverse('admin:accounts_leaving_changelist')}?tenant__id__exact={there.tenant_id}").text
    assert '<td class="field-leaves">all</td>' not in only


@pytest.mark.parametrize("why", [LeavingWhy.DOWNGRADE, LeavingWhy.DUNNING])
def test_a_plan_is_its_payers_own_and_what_a_co_owner_offers_on_his_account_stays(
    market: Market, why: LeavingWhy
) -> None:
    account = co_owners(market)
    listing = co_owner_offers(market, account)
    leave(market, why)
    accounts_close()
    assert seats_of_erased_down() == 0
    market.work()
    listing.refresh_from_db()
    assert (listing.status, len(market.alpha.shown()), closing(account)) == (ListingStatus.ACTIVE, 1, False)


@pytest.mark.parametrize("whole", [True, False])
def test_who_is_erased_has_no_seats_to_sell_on_whose_account_ever(market: Market, whole: bool) -> None:
    """With him goes what proves that they are his (I-06), and who could hand them over."""
    account = co_owners(market)
    listing = co_owner_offers(market, account)
    remote = market.alpha.sell(listing.external_id, (1, 2))
    market.webhook(remote)
    market.work()
    leaving = leave(market, LeavingWhy.ERASURE, None if whole else account)
    # By the job that is ordered with it, or by the one that runs each minute.
    expire_listings()
    expire_listings()
    market.work()
    listing.refresh_from_db()
    assert (listing.status, market.alpha.shown(), closing(account)) == (ListingStatus.CANCELLED, [], False)
    alert = Alert.objects.get(kind="listing.holder_leaves")
    assert (alert.user_id, alert.url) == (account.user_id, f"/portfolio/listings/{listing.pk}/")
    # What he sold is his to hand over, and he is paid.
    sale_fulfil(
        actor=market.holding.co_owner, sale_id=market.sale().pk, method="mobile_transfer", confirmation="T-1"
    )  # fmt: skip
    market.work()
    assert market.sale().state == "fulfilled"
    with pytest.raises(Conflict, match="These seats' holder leaves") as refused:
        co_owner_offers(market, account, market.holding.seats[2:])
    assert [(problem.field, problem.remedy) for problem in refused.value.problems] == [
        ("seats", "Choose seats of another season ticket; support can take it back.")
    ]
    holder_stay(actor=Actor.system(), leaving_id=leaving.pk)
    assert co_owner_offers(market, account, market.holding.seats[2:]).status == ListingStatus.ACTIVE


def test_who_is_erased_out_of_another_tenant_has_his_seats_here(market: Market) -> None:
    there, account = elsewhere(market), co_owners(market)
    listing = co_owner_offers(market, account)
    leave(market, LeavingWhy.ERASURE, there)
    assert seats_of_erased_down() == 0
    listing.refresh_from_db()
    assert listing.status == ListingStatus.ACTIVE
