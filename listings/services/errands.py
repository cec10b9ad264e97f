"""For what a command's line is wanted: which tokens of its account are taken when it is claimed, and how many."""

from listings.models import CommandKind, MarketplaceCommand
from marketplaces.services.limits import Errand, errand_to

# By the protocol's name for it.
_ACTS = {
    CommandKind.CREATE: "create", CommandKind.REPRICE: "reprice", CommandKind.RESIZE: "resize",
    CommandKind.DELIST: "delist", CommandKind.VERIFY_GONE: "fetch", CommandKind.CONFIRM_SALE: "confirm",
    CommandKind.REJECT_SALE: "reject", CommandKind.FULFIL: "fulfil", CommandKind.SUPPLY: "supply",
    CommandKind.SYNC_ACCOUNT: "list_all", CommandKind.UNSUBSCRIBE: "unregister_webhook",
}  # fmt: skip
# What a buyer waits for by a deadline.
AWAITED = frozenset({CommandKind.CONFIRM_SALE, CommandKind.FULFIL})


def errand_of(command: MarketplaceCommand) -> Errand:
    """What its line may send; `paid` are the tokens that its claim takes. A sweep goes on where it was broken off."""
    return errand_to(
        command.account.platform, _ACTS[CommandKind(command.kind)], urgent=command.priority == 0,
        awaited=command.kind in AWAITED, reads=command.kind == CommandKind.SYNC_ACCOUNT,
    )  # fmt: skip
