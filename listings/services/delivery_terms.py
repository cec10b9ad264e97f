"""How a season ticket's seats reach their buyers: what their holder enters once, and each publication promises."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date

from django.db import IntegrityError, transaction

from listings.disclosures import DISCLOSURES
from listings.locks import terms_lock
from listings.models import DELIVERIES, DeliveryTerms, Listing, Sale, SaleState
from listings.states import OPEN
from marketplaces.delivery import DeliveryType
from portfolios.models import SeasonTicket
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict, FieldProblem, InvalidInput, NotAllowed, StaleVersion

_KINDS = tuple(kind for kind, _ in DELIVERIES)


def terms_of(ticket: SeasonTicket) -> DeliveryTerms:
    """The ticket's terms, or those that hold where nothing was entered (not saved)."""
    found = DeliveryTerms.objects.filter(season_ticket=ticket).first()
    return found or DeliveryTerms(tenant_id=ticket.tenant_id, season_ticket=ticket, version=0)


def entered_for(ticket: SeasonTicket) -> str:
    """What its holder has entered that the ticket's seats are delivered as; "" where he has entered nothing."""
    return str(DeliveryTerms.objects.filter(season_ticket=ticket).values_list("delivery", flat=True).first() or "")


def kinds_of(tickets: Iterable[SeasonTicket]) -> set[str]:
    """The kinds of tickets that these season tickets' seats are delivered as; one query."""
    wanted = {ticket.pk for ticket in tickets}
    told = dict(DeliveryTerms.objects.filter(season_ticket__in=wanted).values_list("season_ticket_id", "delivery"))
    return {told.get(pk, usual()) for pk in wanted}


@transaction.atomic
def delivery_terms_set(
    *, actor: Actor, ticket_id: uuid.UUID, delivery: str, in_hand_on: date | None = None,
    disclosures: Sequence[str] = (), version: int | None = None,
) -> DeliveryTerms:  # fmt: skip
    """Enter how the seats of a ticket are delivered; publications from now on promise it.

    `version`: of the terms that were read (0: there were none). Raises NotFound, NotAllowed, InvalidInput by field,
    StaleVersion, or Conflict where a buyer who still waits for his tickets was promised them earlier (I-07).
    """
    ticket = SeasonTicket.objects.get_for(actor, ticket_id)
    if not ticket.may(actor, "manage"):
        raise NotAllowed("You may look at this season ticket but not say how it is delivered.")
    _check(delivery, disclosures)
    terms = terms_lock(ticket.pk) or terms_of(ticket)
    if version is not None and version != terms.version:
        raise _stale()
    _check_promised(ticket, in_hand_on)
    before = {"delivery": terms.delivery, "in_hand_on": str(terms.in_hand_on or ""), "disclosures": terms.disclosures}
    chosen = [code for code in DISCLOSURES if code in set(disclosures)]
    terms.delivery, terms.in_hand_on, terms.disclosures = delivery, in_hand_on, chosen
    terms.version += 1
    try:
        with transaction.atomic():
            terms.save()
    except IntegrityError as error:
        # Of two who entered the first ones at once.
        raise _stale() from error
    audit_record(
        actor=actor, verb="delivery_terms.set", object_type="season_ticket", object_id=ticket.pk,
        subject=ticket.user_id, before=before,
        after={"delivery": delivery, "in_hand_on": str(in_hand_on or ""), "disclosures": chosen},
    )  # fmt: skip
    return terms


def _stale() -> StaleVersion:
    remedy = "Load the page again, and look at it."
    return StaleVersion("Somebody has changed this meanwhile.", field="version", remedy=remedy)


def _check(delivery: str, disclosures: Sequence[str]) -> None:
    problems = []
    if delivery not in _KINDS:
        problems.append(FieldProblem("delivery", f"{delivery!r} is unknown.", f"Use {', '.join(_KINDS)}."))
    unknown = [code for code in disclosures if code not in DISCLOSURES]
    if unknown:
        remedy = f"Use {', '.join(DISCLOSURES)}."
        problems.append(FieldProblem("disclosures", f"{unknown[0]!r} is unknown.", remedy))
    if problems:
        raise InvalidInput("Some of the input is not valid.", problems=tuple(problems))


# The buyer of an unclear sale waits as well.
_WAITING = (SaleState.PROVISIONAL, SaleState.CONFIRMED, SaleState.NEEDS_PERSON)


def _check_promised(ticket: SeasonTicket, in_hand_on: date | None) -> None:
    """Raises Conflict where a later day would break what a buyer was promised."""
    if in_hand_on is None:
        return
    waiting = Sale.objects.filter(listing__season_ticket=ticket, state__in=_WAITING, delivered_at=None)
    for sale in waiting.select_related("listing__game"):
        promised = sale.listing.in_hand_on if sale.listing else None
        if promised is None or promised < in_hand_on:
            when = f"on {promised:%d %b %Y}" if promised else "at once"
            raise Conflict(
                f"The buyer of sale {sale.platform_sale_id} was promised tickets {when}.", field="in_hand_on",
                remedy="Deliver that sale first, or report to its marketplace that you cannot.",
            )  # fmt: skip


def promise(listing: Listing, terms: DeliveryTerms) -> None:
    """A listing that is about to be published promises what the terms say; the caller saves it."""
    listing.delivery, listing.in_hand_on = terms.delivery, terms.in_hand_on
    listing.disclosures = list(terms.disclosures)


def open_with_other_terms(ticket: SeasonTicket, terms: DeliveryTerms) -> int:
    """How many open listings of the ticket promise something else: they keep it until they are published anew."""
    same = {"delivery": terms.delivery, "in_hand_on": terms.in_hand_on, "disclosures": terms.disclosures}
    return Listing.objects.filter(season_ticket=ticket, status__in=OPEN).exclude(**same).count()


def usual() -> str:
    """What holds where nothing was entered."""
    return DeliveryType.MOBILE_TRANSFER.value
