"""Deciding on an unclear sale by the API: in the one transaction that its writes have."""

from listings.models import Sale
from portfolios.models import Seat
from tests.api.conftest import As
from tests.market import Market


def test_an_unclear_sale_is_settled_and_a_settled_one_is_a_conflict(market: Market, as_: As) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False))
    path = f"/sales/{Sale.objects.get().pk}/resolve/"
    seats = Seat.objects.filter(game=market.holding.game, seat_number__in=[1, 2])
    wish = {"seat_ids": [str(seat.pk) for seat in seats]}
    assert as_("other").post(path, wish).status_code == 404
    assert as_("viewer").post(path, wish).status_code == 403
    asked = [call for call, _ in market.alpha.calls].count("fetch_sale")
    decided = as_("owner").post(path, wish, **{"Idempotency-Key": "once"})
    # A marketplace is slow, and its answer may spend a token that a refusal would undo: it is asked afterwards.
    assert [call for call, _ in market.alpha.calls].count("fetch_sale") == asked
    assert (decided.status_code, decided.json()["state"]) == (200, "confirmed")
    assert as_("owner").post(path, wish, **{"Idempotency-Key": "once"}).json() == decided.json()
    assert as_("owner").post(path, wish).status_code == 409
