"""Every action that staff have in the admin, on real rows and to its end."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

from listings.models import CommandState, Listing, MarketplaceCommand, PushHalt, Sale, SaleState
from listings.services import ask
from listings.services.halts import push_halt_set
from listings.services.sync import sale_read
from listings.services.wake import READ_SALE
from marketplaces.contracts import RemoteSaleState
from marketplaces.errors import PermanentError
from marketplaces.models import InboundEvent, InboxState, MarketplaceAccount
from marketplaces.services.connect import accounts_close
from portfolios.models import EventMapping, SectionMapping
from seatsync.accounts.models import Leaving, LeavingWhy, User
from seatsync.accounts.selectors import leaving_barring
from seatsync.accounts.services.leaving import holder_leave
from seatsync.core.clock import now
from seatsync.tenants.models import Tenant
from seatsync.tenants.services import tenant_suspend
from tests.builders import verified_client
from tests.listings.left import elsewhere
from tests.market import Market

pytestmark = pytest.mark.django_db
OURS = {"seatsync", "portfolios", "marketplaces", "listings", "intelligence", "automation", "analytics"}
Case = Callable[[Market], tuple[Model, Callable[[], None]]]
# What was ordered of the workers, by path.
JOBS: list[tuple[str, dict[str, object]]] = []


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    JOBS.clear()
    monkeypatch.setattr(ask, "enqueue_on_commit", lambda path, **named: JOBS.append((path, named)))


def refused(market: Market) -> MarketplaceCommand:
    """A publication on alpha that was refused and needs a person."""
    market.alpha.script["create"] = [PermanentError("the row is unknown")]
    market.publish(market.holding.seats[:2], account_ids=[market.accounts["alpha"].pk])
    market.work()
    return MarketplaceCommand.objects.get(kind="create", state=CommandState.NEEDS_PERSON)


def tried_again(market: Market) -> tuple[Model, Callable[[], None]]:
    command = refused(market)

    def done() -> None:
        command.refresh_from_db()
        assert command.state == CommandState.PENDING
        market.work()
        command.refresh_from_db()
        listing = Listing.objects.get()
        assert (command.state, listing.status) == (CommandState.DONE, "active")
        assert market.alpha.listings[listing.external_id].price == listing.price

    return command, done


def given_up(market: Market) -> tuple[Model, Callable[[], None]]:
    command = refused(market)

    def done() -> None:
        market.work()
        command.refresh_from_db()
        assert (command.state, Listing.objects.get().status) == (CommandState.SUPERSEDED, "cancelled")
        assert market.alpha.listings == {}

    return command, done


def lifted(market: Market) -> tuple[Model, Callable[[], None]]:
    halt = push_halt_set(actor=market.holding.staff, reason="an outage")
    waiting = MarketplaceCommand.objects.filter(kind="create", state=CommandState.PENDING)

    def done() -> None:
        assert PushHalt.objects.get().lifted_at is not None
        market.published()
        assert not waiting.exists()

    return halt, done


def drained(market: Market) -> tuple[Model, Callable[[], None]]:
    market.published()

    def done() -> None:
        accounts_close()
        market.work()
        MarketplaceAccount.objects.update(sales_synced_until=now() + timedelta(days=1))
        accounts_close()
        assert (market.alpha.shown(), len(market.beta.shown())) == ([], 1)
        account = MarketplaceAccount.objects.get(platform="alpha")
        assert (account.is_active, account.access_token) == (False, "")

    return market.accounts["alpha"], done


def failed(market: Market) -> InboundEvent:
    """What alpha told of a sale, given up."""
    alpha, _ = market.published(market.holding.seats[:2])
    remote = market.alpha.sell(alpha.external_id, (1, 2))
    market.announce(remote.sale_id, remote.external_id)
    event = InboundEvent.objects.get()
    InboundEvent.objects.update(state=InboxState.FAILED, attempts=20)
    return event


def worked_off(market: Market) -> tuple[Model, Callable[[], None]]:
    event = failed(market)

    def done() -> None:
        assert InboundEvent.objects.get().state == InboxState.RECEIVED
        market.process()
        assert (InboundEvent.objects.get().state, market.sale().platform) == (InboxState.DONE, "alpha")

    return event, done


def all_worked_off(market: Market) -> tuple[Model, Callable[[], None]]:
    _, done = worked_off(market)
    return market.accounts["alpha"], done


def mapped(market: Market) -> tuple[Model, Callable[[], None]]:
    game = market.holding.game
    mapping = EventMapping.objects.create(
        game=game, platform="alpha", remote_event_id="E-1", confirmed_at=now(), confirmed_by="staff"
    )

    def done() -> None:
        assert EventMapping.objects.get(pk=mapping.pk).confirmed_at is None

    return mapping, done


def section_mapped(market: Market) -> tuple[Model, Callable[[], None]]:
    mapping = SectionMapping.objects.create(
        venue=market.holding.game.venue, platform="alpha", section="131", remote_section="Section 131",
        confirmed_at=now(), confirmed_by="staff",
    )  # fmt: skip

    def done() -> None:
        assert SectionMapping.objects.get(pk=mapping.pk).confirmed_at is None

    return mapping, done


def suspended(market: Market) -> tuple[Model, Callable[[], None]]:
    tenant = market.published()[0].tenant

    def done() -> None:
        accounts_close()
        market.work()
        assert (market.alpha.shown(), market.beta.shown()) == ([], [])
        assert PushHalt.objects.get(tenant=tenant).lifted_at is None

    return tenant, done


def asked(market: Market) -> tuple[Model, Callable[[], None]]:
    """A sale that its marketplace took back without a word."""
    alpha, _ = market.published(market.holding.seats[:2])
    remote = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(remote)
    market.alpha.move(remote.sale_id, RemoteSaleState.CANCELLED)

    def done() -> None:
        ((path, named),) = JOBS
        assert path == READ_SALE
        sale_read(sale=Sale.objects.select_related("account").get(pk=str(named["sale_id"])))
        assert market.sale().state == SaleState.CANCELLED

    return market.sale(), done


def resumed(market: Market) -> tuple[Model, Callable[[], None]]:
    tenant = Tenant.objects.get(is_default=True)
    tenant_suspend(actor=market.holding.staff, tenant_id=tenant.pk, reason="unpaid")
    assert PushHalt.objects.in_force().filter(tenant=tenant).exists()

    def done() -> None:
        assert not PushHalt.objects.in_force().exists()
        tenant.refresh_from_db()
        assert tenant.suspended_at is None

    return tenant, done


def left(why: str) -> Case:
    """A holder leaves for this reason: everything of his comes down."""

    def case(market: Market) -> tuple[Model, Callable[[], None]]:
        market.published()

        def done() -> None:
            accounts_close()
            market.work()
            assert (market.alpha.shown(), market.beta.shown()) == ([], [])
            assert set(MarketplaceAccount.objects.values_list("closing_why", flat=True)) == {why}
            assert Leaving.objects.get(ended_at=None).why == why

        return market.holding.user, done

    return case


def left_here(why: str) -> Case:
    """A holder leaves this tenant for this reason: what he has in another one stays."""

    def case(market: Market) -> tuple[Model, Callable[[], None]]:
        membership, stays = market.holding.user.memberships.get(), elsewhere(market)
        market.published()

        def done() -> None:
            accounts_close()
            market.work()
            assert (market.alpha.shown(), market.beta.shown()) == ([], [])
            stays.refresh_from_db()
            assert (stays.is_active, stays.closing_at, stays.access_token) == (True, None, "token")
            assert Leaving.objects.get(ended_at=None, why=why).tenant_id == membership.tenant_id

        return membership, done

    return case


def taken_back(market: Market) -> tuple[Model, Callable[[], None]]:
    user = market.holding.user
    leaving = holder_leave(actor=market.holding.staff, user_id=user.pk, why=LeavingWhy.DUNNING)
    tenant_id = market.holding.ticket.tenant_id
    assert leaving_barring(user.pk, tenant_id) == leaving

    def done() -> None:
        assert leaving_barring(user.pk, tenant_id) is None

    return leaving, done


ACTIONS: dict[tuple[str, str], Case] = {
    ("marketplacecommand", "try_again"): tried_again, ("marketplacecommand", "give_up"): given_up,
    ("sale", "ask"): asked, ("pushhalt", "lift"): lifted, ("marketplaceaccount", "drain"): drained,
    ("marketplaceaccount", "retry_failed"): all_worked_off, ("inboundevent", "process_again"): worked_off,
    ("inboundevent", "replay"): worked_off, ("eventmapping", "undo"): mapped,
    ("user", "leave_erasure"): left("erasure"), ("user", "leave_downgrade"): left("downgrade"),
    ("user", "leave_dunning"): left("dunning"), ("membership", "leave_erasure"): left_here("erasure"),
    ("membership", "leave_downgrade"): left_here("downgrade"), ("membership", "leave_dunning"): left_here("dunning"),
    ("leaving", "take_back"): taken_back,
    ("sectionmapping", "undo"): section_mapped, ("tenant", "suspend"): suspended, ("tenant", "resume"): resumed,
}  # fmt: skip


def test_there_is_no_action_without_its_case() -> None:
    there = {
        (str(model._meta.model_name), str(action))
        for model, page in admin.site._registry.items() for action in page.actions or ()
        if type(page).__module__.partition(".")[0] in OURS
    }  # fmt: skip
    assert there == set(ACTIONS)


@pytest.mark.parametrize(("name", "action"), ACTIONS, ids=str)
def test_it_does_what_it_says_on_the_chosen_row(market: Market, name: str, action: str) -> None:
    row, done = ACTIONS[name, action](market)
    client = verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))
    path = reverse(f"admin:{row._meta.app_label}_{name}_changelist")
    assert f'<option value="{action}">' in client.get(path).text
    answer = client.post(path, {"action": action, "_selected_action": [row.pk]}, follow=True)
    assert answer.status_code == 200
    assert [message.level_tag for message in answer.context["messages"]] in (["info"], ["success"])
    done()
