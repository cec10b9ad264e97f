"""What is open on a sale, and which of it the sale says: worked out from facts that are kept, not from what came last.

A complaint and a penalty are kept each with its reason until they are settled; that a game is off its own status says.
So what comes for a while, as a complaint does, hides what lasts and never ends it.
"""

from listings.models import Sale, SaleEnding, SaleState
from listings.services.ending_alerts import alert_ending, alerts_of_ending_settle
from listings.services.ending_effects import effects_note
from listings.services.payout_alerts import alerts_of_money_settle
from listings.services.sale_alerts import alert_again, alert_sold, alerts_settle
from listings.states import SALE_ENDINGS, ending_may_be, ending_standing
from portfolios.models import Game, GameStatus
from seatsync.core.clock import now

# What is asked of a sale in these states is asked again once its game is on again.
_SOLD_SAID = frozenset({SaleState.PROVISIONAL, SaleState.CONFIRMED})
_GAME_OFF = f"the game was {GameStatus.CANCELLED.label}"


def ending_note(sale: Sale, ending: SaleEnding, reason: str, *, there: bool = False) -> None:
    """Keep that a complaint or a penalty is open, or (no reason) that it is settled. The caller saves the sale.

    `there`: its marketplace itself complained.
    """
    if ending == SaleEnding.CLAIM:
        sale.claim_reason, sale.claimed_there = reason[:300], there
    elif ending == SaleEnding.PENALTY:
        sale.penalty_reason = reason[:300]


def endings_open(sale: Sale) -> dict[str, str]:
    """What is open on a sale in its state, each with its reason; the game is read anew, as it was moved just now."""
    found = {SaleEnding.CLAIM: sale.claim_reason, SaleEnding.PENALTY: sale.penalty_reason}
    if sale.game_id is not None and ending_may_be(sale.state, SaleEnding.GAME_OFF):
        off = Game.objects.filter(pk=sale.game_id, status=GameStatus.CANCELLED).exists()
        found[SaleEnding.GAME_OFF] = _GAME_OFF if off else ""
    return {ending.value: reason for ending, reason in found.items() if reason and ending_may_be(sale.state, ending)}


def ending_stand(sale: Sale, *, told: str = "") -> None:
    """Have a sale that is not over say what stands of all that is open on it; its people hear where that is news.

    `told`: what was told just now, perhaps once more in other words. The caller holds the sale's lock and saves it.
    """
    found = endings_open(sale)
    standing = ending_standing(found)
    reason = found.get(standing, "")
    if not sale.penalty_reason:
        sale.told_charge = None
    if (sale.ending, sale.ending_reason) == (standing, reason) and (not told or told != standing):
        return
    was_off = sale.ending == SaleEnding.GAME_OFF
    sale.ending, sale.ending_reason, sale.ended_at = standing, reason, now() if standing else None
    if not sale._state.adding:
        # One that is told first has no amounts yet (amounts_take).
        effects_note(sale)
    alerts_settle(sale)
    alerts_of_ending_settle(sale)
    if was_off and sale.stands:
        _ask_again(sale)
    if not standing:
        return
    if not SALE_ENDINGS[standing].expects_money:
        alerts_of_money_settle(sale)
    alert_ending(sale)


def _ask_again(sale: Sale) -> None:
    """Its game is on again, and so is what was asked of the sale before."""
    if sale.state in _SOLD_SAID:
        alert_sold(sale)
    if sale.asked_again_at is not None:
        alert_again(sale)
