"""Idempotency-Key and versions where requests meet: one effect, one answer, and one winner (I-14, I-24)."""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from listings.models import Listing, MarketplaceCommand, PriceProposal, TradingState
from seatsync.accounts.models import User
from seatsync.accounts.services.tokens import tokens_issue
from seatsync.core.clock import now
from seatsync.core.idempotency import idempotency_keep
from seatsync.core.models import AuditEntry, IdempotencyRecord
from seatsync.tenants.models import Tenant, TenantDomain
from tests.api.conftest import Api, As
from tests.api.test_api import fields, wish
from tests.factories import MembershipFactory
from tests.market import Market

AT_ONCE = 6


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    """Every call in a thread of its own, begun at the same moment; the answers in the calls' order."""
    begin, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def work(place: int) -> None:
        begin.wait(timeout=30)
        try:
            answers[place] = calls[place]()
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert None not in answers
    return answers


def test_the_same_key_at_once_has_one_effect(default_tenant: Tenant, market: Market, as_: As) -> None:
    owner, key, body = as_("owner"), {"Idempotency-Key": "k-1"}, wish(market)
    answers = together([lambda: owner.post("/listings/", body, **key)] * AT_ONCE)
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = [answer for answer in answers if answer.status_code == 201]
    assert sum("Idempotent-Replay" not in answer.headers for answer in made) == 1
    assert len({answer.content for answer in made}) == 1
    for refused in (answer for answer in answers if answer.status_code == 409):
        assert fields(refused) == ["Idempotency-Key"]
    later = owner.post("/listings/", body, **key)
    assert (later.status_code, later.content) == (201, made[0].content)
    assert (Listing.objects.count(), MarketplaceCommand.objects.count()) == (2, 2)


def test_i24_a_key_is_held_until_the_refusal_under_it_is_kept(
    default_tenant: Tenant, market: Market, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another request under the key that comes after the effect was undone, and before its answer is kept."""
    owner, key, name = as_("owner"), {"Idempotency-Key": "k-1"}, "seatsync.core.apiview.idempotency_keep"
    met: list[Any] = []

    def meanwhile(**words: Any) -> None:
        monkeypatch.setattr(name, idempotency_keep)
        met.extend(together([partial(owner.post, "/listings/", wish(market), **key)]))
        idempotency_keep(**words)

    monkeypatch.setattr(name, meanwhile)
    refused = owner.post("/listings/", wish(market) | {"price": "40.00"}, **key)
    assert refused.status_code == 422
    assert [(answer.status_code, fields(answer)) for answer in met] == [(409, ["Idempotency-Key"])]
    assert not Listing.objects.exists()


def test_of_prices_for_one_version_one_wins(default_tenant: Tenant, market: Market, as_: As) -> None:
    listing = market.published()[0]
    owner = as_("owner")
    path, version = f"/listings/{listing.pk}/price/", Listing.objects.get(pk=listing.pk).version
    wishes = [{"price": f"{70 + number}.00", "version": version} for number in range(AT_ONCE)]
    answers = together([partial(owner.post, path, wish) for wish in wishes])
    (won,) = [answer for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in lost} == {409}
    assert {answer.json()["current_version"] for answer in lost} == {version + 1}
    listing.refresh_from_db()
    assert (str(listing.price), listing.version) == (won.json()["price"], version + 1)


@pytest.mark.django_db
class TestOneAfterTheOther:
    def test_any_write_takes_a_key(self, market: Market, as_: As) -> None:
        owner, seat = as_("owner"), market.holding.seats[0].pk
        keep = {"state": "attending", "reason": "we go"}
        brake = {"scope": "holder", "scope_id": str(market.holding.user.pk), "state": "HALTED"}
        writes: list[tuple[str, str, dict[str, str]]] = [
            ("PATCH", "/me/", {"full_name": "Sam"}),
            ("PATCH", f"/seats/{seat}/", keep),
            ("POST", "/trading-states/", brake),
            ("DELETE", f"/marketplace-accounts/{market.accounts['beta'].pk}/", {}),
        ]
        for number, (method, path, body) in enumerate(writes):
            key = {"Idempotency-Key": f"k-{number}"}
            first = owner.send(method, path, body, **key)
            done = AuditEntry.objects.count()
            again = owner.send(method, path, body, **key)
            assert first.status_code < 300
            assert (again.status_code, again.content) == (first.status_code, first.content), path
            assert again.headers["Idempotent-Replay"] == "true"
            assert AuditEntry.objects.count() == done, path

    @pytest.mark.parametrize("change", ["body", "path", "method"])
    def test_a_key_is_for_one_request(self, market: Market, as_: As, change: str) -> None:
        owner, key = as_("owner"), {"Idempotency-Key": "k-1"}
        first, second = (f"/seats/{seat.pk}/" for seat in market.holding.seats[:2])
        keep = {"state": "attending", "reason": "we go"}
        assert owner.patch(first, keep, **key).status_code == 200
        other = {
            "body": ("PATCH", first, {**keep, "reason": "we stay"}),
            "path": ("PATCH", second, keep),
            "method": ("POST", "/live-tickets/", keep),
        }[change]
        answer = owner.send(*other, **key)
        assert (answer.status_code, fields(answer)) == (422, ["Idempotency-Key"])
        assert "new key" in answer.json()["errors"][0]["remedy"]

    @pytest.mark.parametrize("key", [" ", "k" * 201])
    def test_a_key_that_is_none_is_refused(self, market: Market, as_: As, key: str) -> None:
        answer = as_("owner").patch("/me/", {"full_name": "Sam"}, **{"Idempotency-Key": key})
        assert (answer.status_code, fields(answer)) == (422, ["Idempotency-Key"])
        assert User.objects.get(pk=market.holding.user.pk).full_name == ""

    def test_a_key_is_forgotten_after_a_day(self, market: Market, as_: As) -> None:
        owner, key = as_("owner"), {"Idempotency-Key": "k-1"}
        assert owner.patch("/me/", {"full_name": "Sam"}, **key).status_code == 200
        IdempotencyRecord.objects.update(created_at=now() - timedelta(hours=25))
        anew = owner.patch("/me/", {"full_name": "Max"}, **key)
        assert (anew.status_code, anew.json()["full_name"]) == (200, "Max")
        assert "Idempotent-Replay" not in anew.headers

    def test_a_refusal_keeps_its_key(self, market: Market, as_: As) -> None:
        owner, key = as_("owner"), {"Idempotency-Key": "k-1"}
        refused = wish(market) | {"price": "40.00"}
        first = owner.post("/listings/", refused, **key)
        assert (first.status_code, first.headers["Content-Type"]) == (422, "application/problem+json")
        again = owner.post("/listings/", refused, **key)
        assert (again.status_code, again.content) == (422, first.content)
        assert again.headers["Idempotent-Replay"] == "true"
        assert again.headers["Content-Type"] == "application/problem+json"
        # With another body it is another request: it needs a key of its own.
        other = owner.post("/listings/", wish(market), **key)
        assert (other.status_code, fields(other)) == (422, ["Idempotency-Key"])
        assert not Listing.objects.exists()
        assert owner.post("/listings/", wish(market), **{"Idempotency-Key": "k-2"}).status_code == 201

    def test_what_is_kept_of_a_refusal_is_kept_once(self, market: Market, as_: As) -> None:
        """A price that was refused keeps its verdicts (I-15)."""
        listing = market.published()[0]
        owner, key, version = as_("owner"), {"Idempotency-Key": "k-1"}, Listing.objects.get(pk=listing.pk).version
        answers = [
            owner.post(f"/listings/{listing.pk}/price/", {"price": "10.00", "version": version}, **key)
            for _ in range(2)
        ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [422, 422]
        assert answers[0].content == answers[1].content
        assert PriceProposal.objects.filter(accepted=False).count() == 1

    def test_a_stale_version_keeps_no_key(self, market: Market, as_: As) -> None:
        """409, and 412 where If-Match named it: read again, the same request may be right."""
        listing = market.published()[0]
        owner, path = as_("owner"), f"/listings/{listing.pk}/price/"
        version = Listing.objects.get(pk=listing.pk).version
        stale, key = {"price": "70.00", "version": version + 1}, {"Idempotency-Key": "k-409"}
        assert owner.post(path, stale, **key).status_code == 409
        Listing.objects.filter(pk=listing.pk).update(version=version + 1)
        assert owner.post(path, stale, **key).status_code == 200
        price, key = {"price": "71.00"}, {"Idempotency-Key": "k-412"}
        assert owner.post(path, price, **key, **{"If-Match": '"v0"'}).status_code == 412
        answer = owner.post(path, price, **key, **{"If-Match": "*"})
        assert (answer.status_code, "Idempotent-Replay" in answer.headers) == (200, False)

    @pytest.mark.parametrize("name", [" ", "k-1"])
    def test_a_key_that_was_refused_itself_keeps_nothing(self, market: Market, as_: As, name: str) -> None:
        owner, key = as_("owner"), {"Idempotency-Key": name}
        owner.patch("/me/", {"full_name": "Sam"}, **key)
        before = list(IdempotencyRecord.objects.values_list("request_sha256", flat=True))
        assert owner.patch("/me/", {"full_name": "Max"}, **key).status_code == 422
        assert list(IdempotencyRecord.objects.values_list("request_sha256", flat=True)) == before

    def test_what_failed_may_be_sent_again_with_the_same_key(self, market: Market, as_: As) -> None:
        owner, key = as_("owner"), {"Idempotency-Key": "k-1"}
        market.published()
        wish = {
            "seat_ids": [str(seat.pk) for seat in market.holding.seats], "price": "84.00", "floor": "50.00",
            "account_ids": [str(market.accounts["alpha"].pk)], "ceiling": "200.00",
        }  # fmt: skip
        assert owner.post("/listings/", wish, **key).status_code == 409
        Listing.objects.update(status="cancelled")
        assert owner.post("/listings/", wish, **key).status_code == 201
        assert Listing.objects.filter(status="publishing").count() == 1

    def test_a_persons_key_in_two_tenants_is_two_requests(self, market: Market) -> None:
        user, key = market.holding.user, {"Idempotency-Key": "k-1"}
        here, there = market.holding.ticket.tenant_id, Tenant.objects.get(slug="other-co").pk
        MembershipFactory.create(user=user, tenant_id=there)
        brake = {"scope": "holder", "scope_id": str(user.pk), "state": "HALTED"}
        first = Api(tokens_issue(user, here).access).post("/trading-states/", brake, **key)
        TenantDomain.objects.create(tenant_id=there, host="testserver", verified_at=now())
        second = Api(tokens_issue(user, there).access).post("/trading-states/", brake, **key)
        assert (first.status_code, second.status_code) == (200, 200)
        assert "Idempotent-Replay" not in second.headers
        assert set(TradingState.objects.values_list("tenant_id", flat=True)) == {here, there}
