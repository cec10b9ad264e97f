"""What people are told when a marketplace shows something else than we believe."""

from collections.abc import Iterable, Sequence

from listings.models import FoundListing, Listing
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import platform_name
from portfolios.services.ledger import watchers
from seatsync.core.links import page_link
from seatsync.core.money import money_text
from seatsync.live.alerts import alert_raise, alert_recover, alerts_raise, alerts_recover

# So many of what stays up somewhere are named.
MOST_LISTED = 5


def alert_vanished(listing: Listing) -> None:
    """A listing that we believed to be up is not there."""
    _tell_watchers(
        listing,
        kind="listing.vanished",
        title=f"{platform_name(listing.platform)} no longer shows {listing.section}/{listing.row}",
        body=(
            f"{listing.game.words}. No sale was reported. Publish the seats again if the game is on and they are "
            "still for sale."
        ),
        key=f"vanished:{listing.pk}:{listing.version}",
    )


def alert_adopted(listing: Listing) -> None:
    """A listing that somebody made there by hand is kept in step from now on."""
    label = f" {listing.seat_group.label}" if listing.seat_group else ""
    _tell_watchers(
        listing,
        kind="listing.adopted",
        title=f"{platform_name(listing.platform)} shows seats of yours that were listed there by hand",
        body=(
            f"{listing.section} row {listing.row}{label}, {listing.game.words}, at "
            f"{money_text(listing.price, listing.currency)}. They come down there when they sell elsewhere. "
            "The price stays until you give it a floor and a ceiling."
        ),
        key=f"adopted:{listing.pk}",
    )


def alert_other_event(listing: Listing, event_id: str, problem: str) -> None:
    """Its marketplace, asked to add the game, put a listing under an event that is not the game."""
    name = platform_name(listing.platform)
    _tell_watchers(
        listing,
        kind="listing.other_event",
        title=f"{name} put {listing.section}/{listing.row} under another event than {listing.game.words}",
        body=(
            f"It was asked to add the game, and has the seats under event {event_id}: {problem}. They come down "
            "there. Ask it on its own site, then publish them again."
        ),
        key=f"other-event:{listing.pk}",
    )


def alert_second_event(listing: Listing, event_id: str, mapped_id: str) -> None:
    """Its marketplace, asked to add the game, has one listing of it under another event than the rest."""
    name = platform_name(listing.platform)
    _tell_watchers(
        listing,
        kind="listing.second_event",
        title=f"{name} has {listing.game.words} under two events",
        body=(
            f"{listing.section}/{listing.row} lies under event {event_id} there, and the game is mapped to event "
            f"{mapped_id}: who looks at one does not see the other. Take it down and publish the seats again, and they "
            f"go under event {mapped_id}. If that is not the game, ask support to undo its mapping."
        ),
        key=_second_key(listing),
    )


def second_event_settle(listing: Listing) -> None:
    """It lies where the game does, or is offered no more: nobody is asked about it."""
    alerts_recover(user_ids=watchers(listing.season_ticket_id), dedupe_keys=[_second_key(listing)])


def _second_key(listing: Listing) -> str:
    return f"second-event:{listing.pk}"


def alert_holder_leaves(listing: Listing) -> None:
    """Who offers the seats on an account of his own is told that they are for sale no more."""
    alert_raise(
        tenant_id=listing.tenant_id, user_id=listing.account.user_id, kind="listing.holder_leaves", severity="action",
        mode=listing.mode,
        title=f"{listing.section}/{listing.row}, {listing.game.words}: the seats' holder leaves"[:160],
        body=(
            f"What you offer of them at {platform_name(listing.platform)} comes down, and they cannot be offered "
            "again. What you sold stays yours to hand over."
        ),
        object_type="listing", object_id=str(listing.pk), url=page_link("listings:listing_detail", listing.pk),
        dedupe_key=f"holder-leaves:{listing.pk}",
    )  # fmt: skip


def alert_elsewhere(listing: Listing, where: str) -> None:
    """Its marketplace has a listing of ours somewhere else than its seats are: a buyer would not get what he sees."""
    name = platform_name(listing.platform)
    _tell_watchers(
        listing,
        kind="listing.elsewhere",
        title=f"{name} sells {listing.section}/{listing.row} as something else: it comes down",
        body=(
            f"It has the listing of {listing.section} row {listing.row}, {listing.game.words}, {where}. Whoever buys "
            "it there buys other seats than yours. Look there, and publish yours again; what was changed there by hand "
            "on purpose is to be listed anew."
        ),
        severity="critical",
        key=f"elsewhere:{listing.pk}:{listing.version}",
    )


def alert_found(found: FoundListing) -> None:
    """The account holds a listing that was not made here, and whose seats are not certain."""
    seats = f", seats {found.seats_told}" if found.seats_told else ""
    _tell_owner(
        found.account,
        kind="listing.foreign",
        title=f"{platform_name(found.account.platform)} shows a listing that was not made here",
        body=(
            f"Section {found.section}, row {found.row}{seats}, {found.quantity} at "
            f"{money_text(found.price, found.currency)}: {found.why}. It does not come down when its seats sell "
            "elsewhere. Say which seats it is of, that it is not yours, or take it down."
        ),
        severity="critical",
        key=f"foreign:{found.pk}",
        about=("found_listing", str(found.pk)),
    )


def alert_stock(account: MarketplaceAccount, *, adopted: int, waiting: int) -> None:
    """What was found on an account when it was connected."""
    name = platform_name(account.platform)
    kept = f"{adopted} listing{'s' if adopted != 1 else ''} made there {'are' if adopted != 1 else 'is'} kept in step."
    asks = f" {waiting} need{'s' if waiting == 1 else ''} a word from you: whose seats they are is not certain."
    _tell_owner(
        account,
        kind="account.stock",
        title=f"{name} held {adopted + waiting} listings and sales that were not made here"[:160],
        body=(kept if adopted else "None was certain.") + (asks if waiting else ""),
        severity="action" if waiting else "info",
        key=f"stock:{account.pk}",
    )


def alert_stock_unknown(account: MarketplaceAccount, why: str) -> None:
    """What an account holds cannot be read: nothing is written over it before its holder has said."""
    _tell_owner(
        account,
        kind="account.stock_unknown",
        title=f"Say what {platform_name(account.platform)} lists for you already"[:160],
        body=f"{why.rstrip('.')}. Nothing is published there until you have said so, so that nothing of it is lost.",
        severity="action",
        key=f"stock_unknown:{account.pk}",
    )


def alert_stock_known(account: MarketplaceAccount) -> None:
    """Its holder has said."""
    alert_recover(user_id=account.user_id, dedupe_key=f"stock_unknown:{account.pk}")


def alerts_found_over(account: MarketplaceAccount, found: Iterable[FoundListing]) -> None:
    """Its holder has decided on each of these of his account, or it is not there any more."""
    alerts_recover(user_ids=[account.user_id], dedupe_keys=[f"foreign:{one.pk}" for one in found])


def alert_left_up(account: MarketplaceAccount, found: Sequence[FoundListing]) -> None:
    """An account is given up with listings on it of which its holder has not said whose they are: they stay up.

    Nobody is asked any more whose each of them is: that can be said no longer.
    """
    alerts_found_over(account, found)
    alert_recover(user_id=account.user_id, dedupe_key=f"stock:{account.pk}")
    name, many = platform_name(account.platform), len(found) > 1
    listed = [
        f"section {one.section}, row {one.row}, {one.quantity} at {money_text(one.price, one.currency)}"
        for one in found
    ]
    more = f", and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
    what, they = (f"{len(found)} listings stay", "them") if many else ("a listing stays", "it")
    _tell_owner(
        account,
        kind="account.left_up",
        title=f"{name} is disconnected, and {what} up there"[:160],
        body=(
            f"You had not said whose seats they are: {'; '.join(listed[:MOST_LISTED])}{more}. "
            f"We see nothing there any more. Take {they} down on {name}'s own site where the seats are on sale "
            "elsewhere: they may be sold twice."
        ),
        severity="critical",
        key=f"left_up:{account.pk}",
    )


def left_up_over(account: MarketplaceAccount) -> None:
    """Its holder has connected the marketplace again: what it shows is read anew."""
    before = MarketplaceAccount.objects.filter(
        tenant_id=account.tenant_id, user_id=account.user_id, platform=account.platform
    )
    keys = [f"left_up:{pk}" for pk in before.values_list("pk", flat=True)]
    alerts_recover(user_ids=[account.user_id], dedupe_keys=keys)


def _tell_watchers(
    listing: Listing, *, kind: str, title: str, body: str, key: str, severity: str = "action"
) -> None:  # fmt: skip
    alerts_raise(
        tenant_id=listing.tenant_id, user_ids=watchers(listing.season_ticket_id), kind=kind, title=title, body=body,
        severity=severity, mode=listing.mode, object_type="listing", object_id=str(listing.pk),
        url=page_link("listings:listing_detail", listing.pk), dedupe_key=key,
    )  # fmt: skip


def _tell_owner(
    account: MarketplaceAccount,
    *,
    kind: str,
    title: str,
    body: str,
    severity: str,
    key: str,
    about: tuple[str, str] | None = None,
) -> None:
    object_type, object_id = about or ("marketplace_account", str(account.pk))
    alert_raise(
        tenant_id=account.tenant_id,
        user_id=account.user_id,
        mode=account.mode,
        kind=kind,
        title=title,
        body=body,
        severity=severity,
        object_type=object_type,
        object_id=object_id,
        url=page_link("listings:found_list", account.pk),
        dedupe_key=key[:120],
    )
