"""What accounts hold before their holders connect them: listings of some hand, and sales of some of these."""

from collections.abc import Callable
from random import Random

from listings.models import CommandKind, FoundListing, FoundState
from listings.services.commands import command_write
from marketplaces.contracts import Grant
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get
from marketplaces.services import connect
from seatsync.chaos.door import Door
from seatsync.chaos.hands import HandMade, Hands
from seatsync.chaos.pace import wait_until, work_open
from seatsync.chaos.seats import Group
from seatsync.core.actors import Actor
from seatsync.demo.hand_made import Fate

# What each such account holds; the last of those that are certain was sold in part, the last strange one as a whole.
HELD = (Fate.CERTAIN, Fate.CERTAIN, Fate.CERTAIN, Fate.CHOSEN, Fate.STRANGE, Fate.STRANGE, Fate.UNWANTED)
TAKEN_WITHIN_S = 300.0


def account_with_stock(
    door: Door, hands: Hands, *, actor: Actor, platform: str, group: Callable[[], Group], chance: Random
) -> MarketplaceAccount:
    """A holder's account that has been at its marketplace for long, filled and then connected."""
    account_id = f"held-{platform}-{chance.getrandbits(40):010x}"
    grant = door.post("accounts", platform=platform, account_id=account_id, token=f"token-{account_id}")
    made = [
        hands.list_at(platform, {"account_id": account_id}, group(), fate, before=True)
        for fate in HELD
    ]  # fmt: skip
    hands.sell(_last(made, Fate.CERTAIN), 1)
    hands.sell(_last(made, Fate.STRANGE), None)
    if adapter_get(platform).traits.auth == "token":
        account = connect.connect_token(actor=actor, platform=platform, mode=Mode.PAPER, token=f"token-{account_id}")
    else:
        given = Grant(grant["access_token"], grant.get("refresh_token", ""), None, account_id)
        account = connect.account_keep(actor=actor, platform=platform, mode=Mode.PAPER, grant=given)
    hands.whose[account.pk] = {"account_id": account_id}
    return account


def _last(made: list[HandMade], fate: Fate) -> HandMade:
    return [one for one in made if one.fate == fate][-1]


def stock_await() -> None:
    """Until every account's stock is taken. Raises RuntimeError where that takes too long."""
    _await(lambda: not MarketplaceAccount.objects.filter(stock_taken_at=None).exists(), "the stock was not taken")


def gone_await() -> None:
    """Until what is to come down is seen to be gone: nothing is published beside it before. Raises RuntimeError."""
    coming = FoundListing.objects.filter(state=FoundState.COMING_DOWN)
    _await(lambda: work_open() == 0, "what was decided was not done")
    for account in MarketplaceAccount.objects.filter(pk__in=coming.values("account_id")):
        command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{account.pk}:gone")
    _await(lambda: not coming.exists(), "what came down was not seen to be gone")


def _await(condition: Callable[[], bool], what: str) -> None:
    if not wait_until(condition, TAKEN_WITHIN_S):
        raise RuntimeError(f"{what} in {TAKEN_WITHIN_S:.0f} s")
