"""Fees, limits and retries are dated rows (I-26): loaded once, changed by staff, in force from their day on."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from listings.models import CommandState, MarketplaceCommand
from listings.services.outbox import leases_reap
from marketplaces.adapters.vividseats import client
from marketplaces.delivery import DeliveryType
from marketplaces.errors import TemporaryError
from marketplaces.models import (
    FeeVersion,
    HandOverVersion,
    LimitVersion,
    ListUntilVersion,
    RetryVersion,
    TransferCutOffVersion,
)
from marketplaces.registry import adapter_list
from marketplaces.selectors import RETRIES, limit_for, paces_kept, retries_kept
from marketplaces.services.figures import figures_load
from seatsync.accounts.models import User
from seatsync.core.clock import now
from tests.builders import verified_client
from tests.factories import TeamFactory
from tests.market import Market

pytestmark = pytest.mark.django_db


DATED = (FeeVersion, LimitVersion, RetryVersion, ListUntilVersion, HandOverVersion)


def today() -> date:
    return now().date()


def dated(**changes: Any) -> RetryVersion:
    row = {
        "platform": "", "urgent": False, "most_tries": 2, "first_wait_s": 3, "longest_wait_s": 30,
        "longest_asked_s": 20, "longest_refused_s": 30, "valid_from": today(), "source": "staff", "checked_on": today(),
    }  # fmt: skip
    return RetryVersion.objects.create(**row | changes)


def test_what_is_known_is_dated_once_and_says_what_the_adapters_declare(capsys: pytest.CaptureFixture[str]) -> None:
    declared = {adapter.traits.key: limit_for(adapter.traits.key) for adapter in adapter_list()}
    call_command("load_figures")
    added = sum(model.objects.count() for model in DATED)
    assert capsys.readouterr().err == f"{added} dated figures added\n"
    paced = sum(len(adapter.traits.paces) for adapter in adapter_list())
    assert LimitVersion.objects.count() == len(adapter_list()) + paced
    assert {key: limit_for(key) for key in declared} == declared
    for request, every_s in client.PACES.items():
        found = paces_kept("vividseats")[request]
        # Never sooner than published, and a poll a minute finds its token.
        assert every_s - 0.1 < 1 / found.per_second < every_s + 0.1
        assert found.burst == client.BURSTS.get(request, 1)
    assert {pace.per_day for pace in paces_kept("ticketmaster").values()} == {5_000}
    assert [retries_kept("stubhub", urgent=urgent) for urgent in (False, True)] == [RETRIES[False], RETRIES[True]]
    for model in DATED:
        assert not model.objects.filter(source="").exists()
    assert figures_load() == 0


def test_what_staff_dated_is_kept() -> None:
    figures_load()
    LimitVersion.objects.filter(platform="stubhub").update(burst=3, source="staff")
    dated(valid_from=today())
    assert figures_load() == 0
    assert limit_for("stubhub")[1] == 3
    assert retries_kept("stubhub", urgent=False).most_tries == 2


def test_what_is_declared_otherwise_than_before_is_in_force_from_today_on(monkeypatch: pytest.MonkeyPatch) -> None:
    figures_load()
    monkeypatch.setitem(RETRIES, False, replace(RETRIES[False], most_tries=4))
    of_all = LimitVersion.objects.filter(platform="seatgeek", request="")
    of_all.update(burst=3)
    assert (figures_load(), figures_load()) == (2, 0)
    assert retries_kept("seatgeek", urgent=False).most_tries == 4
    before = RetryVersion.objects.filter(urgent=False).in_force(today() - timedelta(days=1))
    assert before is not None
    assert before.most_tries == RETRIES[True].most_tries - 2 == 8
    assert [row.valid_from for row in of_all.order_by("-valid_from")] == [today(), date(2020, 1, 1)]


def test_a_platforms_own_row_comes_before_everybodys_and_none_before_its_day() -> None:
    dated(valid_from=today() - timedelta(days=5), most_tries=5)
    dated(valid_from=today() + timedelta(days=1), most_tries=6)
    dated(platform="stubhub", valid_from=today() - timedelta(days=9), most_tries=7)
    found = [retries_kept(platform, urgent=False).most_tries for platform in ("seatgeek", "stubhub")]
    assert found == [5, 7]
    assert retries_kept("stubhub", urgent=True) == RETRIES[True]


def test_commands_are_tried_again_as_the_row_in_force_says(market: Market) -> None:
    dated()
    market.alpha.script["create"] = [TemporaryError("busy"), TemporaryError("busy", retry_after_s=60.0)]
    market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    command = MarketplaceCommand.objects.get(kind="create")
    assert timedelta(seconds=2) < command.not_before - now() <= timedelta(seconds=3.75)
    MarketplaceCommand.objects.update(not_before=now())
    market.work()
    command.refresh_from_db()
    assert (command.state, command.attempts) == (CommandState.NEEDS_PERSON, 2)


def test_a_wait_that_is_asked_for_is_heeded_as_far_as_the_row_allows(market: Market) -> None:
    dated(most_tries=9)
    market.alpha.script["create"] = [TemporaryError("busy", retry_after_s=60.0)]
    market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    command = MarketplaceCommand.objects.get(kind="create")
    assert timedelta(seconds=18) < command.not_before - now() <= timedelta(seconds=20)


def test_whose_worker_died_too_often_ends_with_a_person_by_the_row_of_its_platform(market: Market) -> None:
    dated(platform="alpha", most_tries=3)
    market.publish()
    flying = {"state": CommandState.IN_FLIGHT, "attempts": 3, "lease_until": now() - timedelta(seconds=1)}
    MarketplaceCommand.objects.update(**flying)
    assert leases_reap() == 2
    states = dict(MarketplaceCommand.objects.values_list("account__platform", "state"))
    assert states == {"alpha": CommandState.NEEDS_PERSON, "beta": CommandState.PENDING}


@pytest.mark.parametrize(
    "wrong", [{"most_tries": 0}, {"first_wait_s": 0}, {"longest_wait_s": 1}, {"longest_asked_s": 0}]
)
def test_a_row_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        dated(**wrong)
    assert dated(first_wait_s=Decimal("0.5")).pk is not None


@pytest.mark.parametrize(
    "what",
    [
        "feeversion",
        "limitversion",
        "retryversion",
        "payoutcalendarversion",
        "listuntilversion",
        "handoverversion",
    ],
)
def test_staff_are_asked_what_it_is_and_then_since_when_and_whence(what: str) -> None:
    staff = verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))
    page = staff.get(reverse(f"admin:marketplaces_{what}_add")).content.decode()
    asked = [page.index(f'name="{name}"') for name in ("platform", "valid_from", "source", "checked_on")]
    assert asked == sorted(asked)
    assert page.count('<div class="form-row field-') >= 6


def test_what_is_published_of_deadlines_is_dated_with_its_source_and_the_rest_is_called_our_caution() -> None:
    figures_load()
    hard, pdf, uploaded = (
        ListUntilVersion.objects.get(platform="vividseats", delivery=delivery, uploaded=there)
        for delivery, there in (("paper", False), ("pdf", False), ("pdf", True))
    )
    assert [row.cut_off.words for row in (hard, pdf, uploaded)] == ["5 shipping days", "48 h", "6 h"]
    assert all("11000033567" in row.source and row.checked_on == date(2026, 11, 22) for row in (hard, pdf, uploaded))
    seatgeek = HandOverVersion.objects.get(platform="seatgeek")
    assert "50923330975891" in seatgeek.source
    assert seatgeek.rule.words.startswith("sold 61 h or more before it: 36 h before the game; sold 26 h or more")
    everybodys = ListUntilVersion.objects.filter(platform="")
    assert {row.basis for row in everybodys} == {"caution"}
    assert set(everybodys.values_list("delivery", flat=True)) == {kind.value for kind in DeliveryType}
    assert all("caution" in row.source for row in everybodys)


@pytest.mark.parametrize("wrong", [{"shipping_days": 5}, {"hours": None}, {"hours": -1}, {"shipping_days": 0}])
def test_a_cut_off_is_in_hours_or_in_shipping_days(wrong: dict[str, Any]) -> None:
    told = {"valid_from": today(), "source": "staff", "checked_on": today(), "basis": "stops", "hours": 1}
    if "shipping_days" in wrong and not wrong["shipping_days"]:
        told["hours"] = None
    with pytest.raises(IntegrityError), transaction.atomic():
        ListUntilVersion.objects.create(**told | wrong)


def test_staff_date_a_rule_to_hand_over_and_no_other_form_of_it() -> None:
    staff = verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))
    form = {
        "platform": "seatgeek", "kind": "steps", "steps": '[[48, "before", 24]]', "valid_from": "2026-11-27",
        "source": "its help", "checked_on": "2026-11-27",
    }  # fmt: skip
    url = reverse("admin:marketplaces_handoverversion_add")
    assert "down to 0, each once" in staff.post(url, form).content.decode()
    assert staff.post(url, {**form, "steps": '[[48, "before", 24], [0, "within", 2]]'}).status_code == 302
    assert HandOverVersion.objects.get().rule.words == (
        "sold 48 h or more before it: 24 h before the game; sold later: within 2 h"
    )
    assert "within 2 h" in staff.get(reverse("admin:marketplaces_handoverversion_changelist")).content.decode()


@pytest.mark.parametrize("of", [{}, {"team", "league"}])
def test_a_transfer_cut_off_is_of_one_club_or_one_league(of: set[str]) -> None:
    team = TeamFactory.create()
    given = {name: {"team": team, "league": team.league}[name] for name in of}
    with pytest.raises(IntegrityError), transaction.atomic():
        TransferCutOffVersion.objects.create(hours=3, valid_from=today(), source="its app", checked_on=today(), **given)
