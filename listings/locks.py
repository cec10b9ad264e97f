"""Locks of listings, sales and commands, in this order, and before them of staff's brakes (seatsync.core.locks).

Each raises Busy where somebody else has the row for longer than one waits.
"""

import uuid
from collections.abc import Collection, Iterable

from listings.models import DeliveryTerms, FoundListing, Listing, MarketplaceCommand, Payout, PushHalt, Sale
from marketplaces.models import MarketplaceAccount
from seatsync.core.clock import now
from seatsync.core.locks import Level, lock_announce, lock_waiting


def found_lock(found_id: uuid.UUID) -> FoundListing:
    """Lock one thing that was found on an account and read it fresh; such locks come first, with the accounts."""
    lock_announce(Level.ACCOUNTS)
    with lock_waiting("what was found"):
        return FoundListing.objects.select_for_update(of=("self",), no_key=True).get(pk=found_id)


def payout_lock(payout_id: uuid.UUID) -> Payout:
    """Lock one payout and read it fresh; such locks come first, with the accounts: its sales are locked after it."""
    lock_announce(Level.ACCOUNTS)
    with lock_waiting("this payout"):
        found = Payout.objects.select_related("account", "told_with").select_for_update(of=("self",), no_key=True)
        return found.get(pk=payout_id)


def listings_lock(listing_ids: Iterable[uuid.UUID], *, account: MarketplaceAccount | None = None) -> list[Listing]:
    """Lock these listings in primary-key order and read them fresh, with their accounts.

    `account`: theirs, where it was read before.
    """
    lock_announce(Level.LISTINGS)
    wanted = Listing.objects.filter(pk__in=list(listing_ids)).order_by("pk")
    if account is None:
        wanted = wanted.select_related("account")
    with lock_waiting("this listing"):
        found = list(wanted.select_for_update(of=("self",), no_key=True))
    if account is not None:
        for listing in found:
            listing.account = account
    return found


def terms_lock(ticket_id: uuid.UUID) -> DeliveryTerms | None:
    """Lock a season ticket's terms of delivery, among the listings that promise them; None where it has none."""
    lock_announce(Level.LISTINGS)
    with lock_waiting("these terms"):
        found = DeliveryTerms.objects.select_for_update(of=("self",), no_key=True)
        return found.filter(season_ticket_id=ticket_id).first()


def sale_lock(sale_id: uuid.UUID) -> Sale:
    """Lock one sale and read it fresh."""
    lock_announce(Level.SALES)
    with lock_waiting("this sale"):
        return Sale.objects.select_for_update(of=("self",), no_key=True).get(pk=sale_id)


def command_lock(command_id: uuid.UUID) -> MarketplaceCommand:
    """Lock one command and read it fresh."""
    lock_announce(Level.COMMANDS)
    with lock_waiting("this command"):
        return MarketplaceCommand.objects.select_for_update(of=("self",), no_key=True).get(pk=command_id)


# The conditions on the locked row stand twice: what another worker changed after our snapshot is judged anew by those
# alone, not by the list. Written out, since putting it together takes longer each time than carrying it out; and so
# that it reads the queue in its order and stops after the first that may go, whatever the planner believes of how many
# wait: its figures are those of a quiet hour when a backlog comes, and what is joined then is read once for each.
_CLAIMABLE = """
WITH flying AS MATERIALIZED (
  SELECT listing_id, account_id, whole_account FROM marketplace_commands WHERE state = 'in_flight'
), next AS MATERIALIZED (
  SELECT due.id FROM (
    SELECT id, account_id, listing_id, kind, priority FROM marketplace_commands
    WHERE state = 'pending' AND not_before <= %(now)s AND priority <= %(lowest)s
    ORDER BY priority, not_before, id OFFSET 0) AS due
  WHERE due.account_id <> ALL(%(spent)s::uuid[])
  AND (due.priority = 0 OR due.account_id <> ALL(%(spent_ordinary)s::uuid[]))
  AND (due.account_id, due.kind) NOT IN (SELECT * FROM unnest(%(kinds_of)s::uuid[], %(kinds)s::text[]))
  AND (
    SELECT true FROM flying
    WHERE flying.listing_id = due.listing_id OR (flying.account_id = due.account_id AND flying.whole_account)
    LIMIT 1) IS NOT TRUE
  AND (due.kind IN ('create', 'delist') OR (
    SELECT true FROM marketplace_commands AS unborn
    WHERE unborn.state = 'pending' AND unborn.kind = 'create' AND unborn.listing_id = due.listing_id
    LIMIT 1) IS NOT TRUE)
  AND (
    SELECT account.is_active OR account.keys_of <> ''
    FROM marketplace_accounts AS account WHERE account.id = due.account_id)
  LIMIT %(look_ahead)s)
SELECT command.* FROM next JOIN marketplace_commands AS command ON command.id = next.id
WHERE command.state = 'pending' AND command.not_before <= %(now)s AND command.priority <= %(lowest)s
ORDER BY command.priority, command.not_before, command.id LIMIT 1
FOR NO KEY UPDATE OF command SKIP LOCKED
"""
# As a small positive integer holds.
_LOWEST = 32_767


def command_claimable(
    *, urgent: bool, spent: Collection[uuid.UUID], spent_ordinary: Collection[uuid.UUID],
    spent_kinds: Collection[tuple[uuid.UUID, str]], look_ahead: int,
) -> MarketplaceCommand | None:  # fmt: skip
    """Lock the most urgent and oldest due command of the next `look_ahead` that nobody else holds; None: there is none.

    Of accounts in `spent` none, of those in `spent_ordinary` none but urgent ones, which `urgent` wants alone, and of
    those in `spent_kinds` none of that kind. None whose listing, or whole account, has a command in flight; and no
    price or size of what is not up yet: that would be answered "no such listing", and a create reads both itself.
    """
    lock_announce(Level.COMMANDS, waits=False)
    wish = {
        "now": now(), "lowest": 0 if urgent else _LOWEST, "spent": list(spent), "spent_ordinary": list(spent_ordinary),
        "kinds_of": [account_id for account_id, _ in spent_kinds], "kinds": [kind for _, kind in spent_kinds],
        "look_ahead": look_ahead,
    }  # fmt: skip
    return next(iter(MarketplaceCommand.objects.raw(_CLAIMABLE, wish)), None)


def commands_claimable(limit: int, **conditions: object) -> list[MarketplaceCommand]:
    """Lock up to `limit` pending commands that nobody else holds, the urgent and the old ones first."""
    lock_announce(Level.COMMANDS)
    due = MarketplaceCommand.objects.filter(**conditions).order_by("priority", "not_before", "pk")
    return list(due.select_for_update(of=("self",), skip_locked=True, no_key=True)[:limit])


def push_halt_lock(halt_id: uuid.UUID) -> PushHalt | None:
    """Lock one brake of staff's; None where there is none. Brakes come first, with the accounts that they stand on."""
    lock_announce(Level.ACCOUNTS)
    with lock_waiting("this brake"):
        return PushHalt.objects.select_for_update(of=("self",), no_key=True).filter(pk=halt_id).first()
