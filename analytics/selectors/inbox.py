"""The inbox: everything that waits for the person, each thing once, with what can be done about it."""

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, Model, Q, QuerySet
from django.urls import reverse

from listings.models import (
    CommandKind,
    CommandState,
    FoundKind,
    FoundListing,
    FoundState,
    Listing,
    MarketplaceCommand,
    Sale,
    SaleState,
)  # fmt: skip
from listings.selectors import (
    found_list,
    hand_tasks,
    mapping_groups,
    mapping_question,
    needs_person,
    sale_due,
    sale_list,
    waits_for_holder,
)  # fmt: skip
from listings.services.give_up import may_give_up
from listings.services.hand_alerts import listing_of_task, title_of
from listings.services.hand_over_due import due_said
from listings.services.sale_alerts import REMINDERS, conflict_asks_by_hand, reject_by
from marketplaces.models import InboundEvent, MarketplaceAccount
from marketplaces.registry import hand_overs_of, platform_name
from marketplaces.selectors import account_list, inbound_failed
from portfolios.models import GameStatus
from seatsync.core.actors import Actor
from seatsync.live.models import Alert, Severity
from seatsync.live.selectors import alerts_open

# Of one kind as many are shown, and as many are looked at; the others come up as these are done.
MOST, LOOKED_AT = 50, 200
# What giving up is called, by what was to be sent.
_LET_BE = {
    CommandKind.CREATE: "Do not publish", CommandKind.CONFIRM_SALE: "I did it there",
    CommandKind.FULFIL: "I did it there",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """Something to do: by a click (`post` is a page's address, `api` the API's), or on another page (`page`)."""

    verb: str
    page: str = ""
    post: str = ""
    api: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits: what, why, since when, until when where there is an end, and what can be done.

    `kind`: confirm, hand_over, decide, mapping, command, take_down, by_hand, found, inbound, reconnect or alert.
    """

    kind: str
    object_type: str
    object_id: uuid.UUID
    title: str
    why: str
    since: datetime
    page: str = ""
    due: datetime | None = None
    severity: str = Severity.ACTION
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The items of one sort under a heading; `more` are not shown."""

    title: str
    items: list[Item]
    more: int = 0


@dataclass(slots=True)
class Inbox:
    """All that waits for a person, the most pressing first; `count` counts what is not shown too."""

    groups: list[Group] = field(default_factory=list)
    count: int = 0

    @property
    def items(self) -> list[Item]:
        """All that is shown, in order."""
        return [item for group in self.groups for item in group.items]

    def add(self, title: str, items: list[Item]) -> None:
        """Take one sort in, where there is any."""
        if items:
            self.groups.append(Group(title, items[:MOST], max(0, len(items) - MOST)))
        self.count += len(items)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What waits, read once: the count in the shell and the page agree because both are made of it."""

    due: list[Sale]
    unclear: list[Sale]
    mappings: list[MarketplaceCommand]
    commands: list[MarketplaceCommand]
    downs: list[MarketplaceCommand]
    hands: list[MarketplaceCommand]
    found: list[FoundListing]
    inbound: list[InboundEvent]
    reconnects: list[MarketplaceAccount]
    # How many publications wait for the answer to each mapping.
    publications: dict[uuid.UUID, int]
    # What was said of each account whose permission has ended, with what is still up there; by its id.
    ended: dict[str, str]
    alerts: list[Alert] = field(default_factory=list)


def inbox(actor: Actor) -> Inbox:
    """Everything that waits for the actor, in a constant number of queries."""
    found, waiting = Inbox(), _waiting(actor)
    found.add("Sales that wait for you", [*map(_sale_due, waiting.due), *map(_sale_unclear, waiting.unclear)])
    found.add("Still up, and should not be", [_down(command) for command in waiting.downs])
    found.add("For your own hands", [_by_hand(command) for command in waiting.hands])
    found.add(
        "Accounts to connect again",
        [_reconnect(account, waiting.ended.get(str(account.pk), "")) for account in waiting.reconnects],
    )
    found.add(
        "Which event or section is yours",
        [_mapping(command, waiting.publications[command.pk]) for command in waiting.mappings],
    )
    found.add("Listed there, and not made here", [_found(item) for item in waiting.found])
    found.add("Could not be sent", [_command(command) for command in waiting.commands])
    found.add("Told to us, and not worked off", [_inbound(event) for event in waiting.inbound])
    found.add("Other alerts", [_alert(alert) for alert in waiting.alerts])
    return found


def inbox_count(actor: Actor) -> int:
    """How much waits for the actor: as many as the inbox has."""
    waiting = _waiting(actor)
    beside = {"publications", "ended"}
    return sum(len(getattr(waiting, part)) for part in _Waiting.__dataclass_fields__ if part not in beside)


def _waiting(actor: Actor) -> _Waiting:
    alerts = list(alerts_open(actor).exclude(severity=Severity.INFO)[:LOOKED_AT])
    told = [alert.object_id for alert in alerts if alert.object_type == "command"]
    commands = list(
        needs_person(actor).select_related(
            "account", "listing__seat_group", "listing__game__home_team", "listing__game__opponent",
            "listing__game__venue", "sale",
        )[:LOOKED_AT]
    )  # fmt: skip
    wants = [command for command in commands if command.listing and command.payload.get("wants")]
    mappings = mapping_groups(wants)
    questions = Counter(map(mapping_question, wants))
    sales, hands = list(_sales(actor)[:LOOKED_AT]), list(hand_tasks(actor)[:LOOKED_AT])
    # What was handed over and refused there, or is to be done there by hand, says itself what is wanted.
    tried = _tried([*commands, *hands])
    waiting = _Waiting(
        due=[sale for sale in sales if sale.state != SaleState.NEEDS_PERSON and str(sale.pk) not in tried],
        unclear=[sale for sale in sales if sale.state == SaleState.NEEDS_PERSON],
        mappings=mappings,
        commands=[command for command in commands if command not in wants],
        downs=list(_downs(told)) if told else [],
        hands=hands,
        found=list(found_list(actor).filter(state=FoundState.WAITING, account__is_active=True)[:LOOKED_AT]),
        inbound=list(inbound_failed(actor)[:LOOKED_AT]),
        reconnects=list(account_list(actor).filter(is_active=True, needs_reconnect=True)[:LOOKED_AT]),
        publications={command.pk: questions[mapping_question(command)] for command in mappings},
        ended={alert.object_id: alert.body for alert in alerts if alert.kind == "account.reconnect"},
    )
    said = _said_of(waiting, commands)
    waiting.alerts.extend(alert for alert in alerts if alert.object_id not in said.get(alert.kind, ()))
    return waiting


def _said_of(waiting: _Waiting, commands: list[MarketplaceCommand]) -> dict[str, set[str]]:
    """The objects of which an entry says itself what an alert of a kind says, by that kind."""
    of_commands = _ids([*commands, *waiting.downs, *waiting.hands])
    tried = _tried([*commands, *waiting.hands])
    of_sales = _ids([*waiting.due, *waiting.unclear]) | tried
    return {
        "command.needs_person": of_commands, "hand.task": of_commands, "listing.foreign": _ids(waiting.found),
        "inbound.failed": _ids(waiting.inbound), "account.reconnect": _ids(waiting.reconnects),
        "sale.sold": of_sales, "sale.provisional": of_sales, "sale.again": _ids(waiting.due) | tried,
        **dict.fromkeys(REMINDERS, of_sales),
        # Of one that is only to be handed over its entry says nothing of a doubt.
        "sale.unclear": _ids(waiting.unclear),
    }  # fmt: skip


def _tried(commands: Iterable[MarketplaceCommand]) -> set[str]:
    """The sales of which these commands hand the tickets over."""
    return {str(command.sale_id) for command in commands if command.kind == CommandKind.FULFIL}


def _ids(found: Iterable[Model]) -> set[str]:
    return {str(one.pk) for one in found}


def _sales(actor: Actor) -> QuerySet[Sale]:
    """Sales that wait for the holder, the nearest deadline first, and those that are unclear."""
    waiting = sale_list(actor).filter(waits_for_holder() | Q(state=SaleState.NEEDS_PERSON)).annotate(due=sale_due())
    return waiting.order_by(F("due").asc(nulls_last=True), "sold_at")


def _downs(told: Iterable[str]) -> QuerySet[MarketplaceCommand]:
    """What takes something down, and of which its holder was told that it does not come through."""
    going = [CommandState.PENDING, CommandState.IN_FLIGHT]
    return MarketplaceCommand.objects.filter(pk__in=list(told), priority=0, state__in=going).select_related(
        "account", "listing__seat_group", "listing__game__opponent", "listing__game__home_team", "sale"
    )


def _seats(listing: Listing | None) -> str:
    if listing is None:
        return ""
    label = f" {listing.seat_group.label}" if listing.seat_group else ""
    return f" {listing.section}/{listing.row}{label}, {listing.game.words}"


def _sale_due(sale: Sale) -> Item:
    page, name = reverse("listings:sale_detail", args=[sale.pk]), platform_name(sale.platform)
    seats = f"{sale.quantity} seat{'' if sale.quantity == 1 else 's'}"
    game = f", {sale.game.words}" if sale.game else ""
    due: datetime | None = getattr(sale, "due", None)
    if sale.state == SaleState.PROVISIONAL:
        return Item(
            "confirm", "sale", sale.pk, f"Confirm {seats}{game}", f"Held for a buyer on {name}.", sale.noticed_at,
            page, due, acts=(Act("Look at the sale", page=page),),
        )  # fmt: skip
    hand_over = (
        Act("Hand the tickets over", page=reverse("listings:sale_fulfil", args=[sale.pk]))
        if hand_overs_of(sale.platform)
        else Act("See how to hand over", page=page)
    )
    again = sale.asked_again_at is not None
    why = f"{name} wants the tickets again. {sale.delivery_note}".strip() if again else f"Sold on {name}, {_by(sale)}."
    return Item(
        "hand_over", "sale", sale.pk, f"Hand over {seats}{' again' if again else ''}{game}", why, sale.noticed_at,
        page, due, acts=(hand_over,),
    )  # fmt: skip


def _by(sale: Sale) -> str:
    """How it is known by when it is to be handed over."""
    if said := due_said(sale):
        return f"to be handed over {said}" if sale.ship_by_reckoned else f"a deadline {said}"
    if sale.game is not None and sale.game.status == GameStatus.POSTPONED:
        return "which told no deadline, and the game is postponed"
    return "which told no deadline: the game begins then" if sale.game else "which told no deadline"


def _sale_unclear(sale: Sale) -> Item:
    page = reverse("listings:sale_resolve", args=[sale.pk])
    why = sale.state_reason or "Its marketplace left it unclear which seats it took"
    return Item(
        "decide", "sale", sale.pk, f"Decide on sale {sale.platform_sale_id} of {platform_name(sale.platform)}",
        f"{why.rstrip('.')}.", sale.noticed_at, reverse("listings:sale_detail", args=[sale.pk]),
        severity=Severity.CRITICAL, acts=(Act("Decide", page=page),),
    )  # fmt: skip


def _page_of(command: MarketplaceCommand) -> str:
    """The page of what a command concerns: a listing, a sale, or its account."""
    if command.listing_id:
        return reverse("listings:listing_detail", args=[command.listing_id])
    if command.sale_id:
        return reverse("listings:sale_detail", args=[command.sale_id])
    return reverse("listings:account_detail", args=[command.account_id])


def _down(command: MarketplaceCommand) -> Item:
    name, page = platform_name(command.account.platform), _page_of(command)
    return Item(
        "take_down", "command", command.pk, f"{name} does not {command.act}{_seats(command.listing)}",
        f"Tried {command.attempts} times and still going on: {command.last_error.rstrip('.')}. Take it down on its own "
        "site; that is noticed here.",
        command.created_at, page, severity=Severity.CRITICAL, acts=(Act("Look at it", page=page),),
    )  # fmt: skip


def _by_hand(command: MarketplaceCommand) -> Item:
    urgent, sale, listing = command.priority == 0, command.sale, listing_of_task(command)
    refused = sale if command.kind == CommandKind.REJECT_SALE else None
    asks = ""
    if urgent and sale is not None:
        were = "was" if sale.quantity == 1 else "were"
        asks = f"{sale.quantity} {were} sold on {platform_name(sale.platform)}. "
    asks = asks if refused is None else f"{conflict_asks_by_hand(refused)} "
    game = f"{listing.game.words}. " if listing is not None else ""
    done = Act(
        "Done", post=reverse("listings:hand_done", args=[command.pk]), api=reverse("api:hand_done", args=[command.pk])
    )
    return Item(
        "by_hand", "command", command.pk, title_of(command),
        f"{game[:1].upper()}{game[1:]}{asks}The words to copy are under By hand.", command.created_at,
        reverse("listings:hand_list"), None if refused is None else reject_by(refused),
        Severity.CRITICAL if urgent else Severity.ACTION, acts=(done,),
    )  # fmt: skip


def _found(item: FoundListing) -> Item:
    page = f"{reverse('listings:found_list', args=[item.account_id])}?open={item.pk}#found-{item.pk}"
    what = "A sale" if item.kind == FoundKind.SALE else "A listing"
    return Item(
        "found", "found_listing", item.pk,
        f"{what} at {platform_name(item.account.platform)}: section {item.section}, row {item.row}, "
        f"{item.quantity} ticket{'' if item.quantity == 1 else 's'}",
        f"{item.why[:1].upper()}{item.why[1:]}.", item.first_seen_at, page, acts=(Act("Say what it is", page=page),),
    )  # fmt: skip


def _reconnect(account: MarketplaceAccount, said: str) -> Item:
    page = reverse("listings:account_detail", args=[account.pk])
    return Item(
        "reconnect", "marketplace_account", account.pk, f"Connect {platform_name(account.platform)} again",
        said or "Its permission has ended. Nothing can be listed, repriced or taken down there until then.",
        account.last_error_at or account.updated_at, page, severity=Severity.CRITICAL,
        acts=(Act("Connect it again", page=reverse("marketplaces:account_list")),),
    )  # fmt: skip


def _mapping(command: MarketplaceCommand, publications: int) -> Item:
    wants, name = command.payload["wants"], platform_name(command.account.platform)
    page = f"{reverse('listings:mapping_list')}?command={command.pk}#mapping-{command.pk}"
    listing = command.listing
    if listing is None:
        raise LookupError(f"command {command.pk} has no listing")
    what = listing.game.words if wants == "event" else f"section {listing.section} of {listing.game.venue.name}"
    plural = f"{publications} publications wait" if publications != 1 else "1 publication waits"
    return Item(
        "mapping", "command", command.pk, f"{name}: {what}", f"{plural} for it. {command.last_error}",
        command.updated_at, page, acts=(Act(f"Choose the {wants}", page=page),),
    )  # fmt: skip


def _command(command: MarketplaceCommand) -> Item:
    name, page = platform_name(command.account.platform), _page_of(command)
    again = Act(
        "Try again", post=reverse("listings:command_retry", args=[command.pk]),
        api=reverse("api:command_retry", args=[command.pk]),
    )  # fmt: skip
    let_be = Act(
        _LET_BE.get(CommandKind(command.kind), "Leave it at that"),
        post=reverse("listings:command_give_up", args=[command.pk]),
        api=reverse("api:command_give_up", args=[command.pk]),
    )  # fmt: skip
    return Item(
        "command", "command", command.pk, f"{name} could not {command.act}{_seats(command.listing)}",
        command.last_error or "It gave no reason.", command.updated_at, page,
        acts=(again, let_be) if may_give_up(command) else (again,),
    )  # fmt: skip


def _inbound(event: InboundEvent) -> Item:
    again = Act(
        "Try again", post=reverse("marketplaces:inbound_retry", args=[event.pk]),
        api=reverse("api:inbound_retry", args=[event.pk]),
    )  # fmt: skip
    return Item(
        "inbound", "inbound_event", event.pk,
        f"{platform_name(event.account.platform)}: {event.topic or 'no topic'} "
        f"concerning {event.resource_id or 'no object'}",
        event.last_error or "It gave no reason.", event.received_at,
        reverse("listings:account_detail", args=[event.account_id]), acts=(again,),
    )  # fmt: skip


def _alert(alert: Alert) -> Item:
    seen = Act(
        "Acknowledge", post=reverse("live:alert_acknowledge", args=[alert.pk]),
        api=reverse("api:alert_acknowledge", args=[alert.pk]),
    )  # fmt: skip
    return Item(
        "alert", "alert", alert.pk, alert.title, alert.body, alert.raised_at, alert.url, severity=alert.severity,
        acts=(seen,),
    )  # fmt: skip
