"""The outbox worker: claim a due command, commit, talk to the marketplace, record.

Killed at any line, the next worker finishes it: the lease runs out, the command goes back with "outcome unknown",
and is read back first.
"""

import uuid
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any

import redis
import structlog
from django.db import IntegrityError, transaction

from listings.locks import command_claimable, command_lock
from listings.models import CommandKind, CommandState, MarketplaceCommand
from listings.selectors import command_own
from listings.services.command_alerts import alerts_of_commands_settle
from listings.services.errands import errand_of
from listings.services.execute import execute
from listings.services.leases import lease_seconds
from listings.services.record import Answer, Outcome, record, retries_of
from listings.services.together import execute_together, riders_claim
from listings.services.wake import outbox_wake
from marketplaces.services.limits import Wait, errand_take
from marketplaces.services.slow import answer_timed, slow_accounts
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now, seconds_from_now
from seatsync.core.errors import Conflict
from seatsync.core.jobs import one_by_one
from seatsync.core.limiters import valkey

log = structlog.get_logger(__name__)
CLAIM_LOOK_AHEAD = 20
# As many as the column holds.
MOST_COUNTED = 32_767
# How long a command waits (s) that its marketplace's limit will never let through.
PUT_OFF_S = 60.0
_NEVER = Wait(0.0, PUT_OFF_S)
NO_ANSWER = "the worker did not answer in time"


@dataclass(slots=True)
class Spent:
    """Accounts without tokens in this run: for ordinary commands, for urgent ones too, and for a kind of them alone."""

    ordinary: set[uuid.UUID] = field(default_factory=set)
    urgent: set[uuid.UUID] = field(default_factory=set)
    kinds: set[tuple[uuid.UUID, str]] = field(default_factory=set)


def commands_drain(*, limit: int = 100, urgent: bool = False, for_s: float | None = None) -> int:
    """Carry out due commands (or the urgent ones alone) until none may go now or `limit` is reached; returns how many.

    `for_s`: begin no other after so many seconds. Where there is one there may be more: another worker is woken.
    """
    leases_reap()
    done, spent = 0, Spent()
    ends_at = inf if for_s is None else monotonic() + for_s
    while done < limit and monotonic() < ends_at and (command := command_claim(spent, urgent=urgent)) is not None:
        if not done:
            outbox_wake(urgent=urgent)
        done += carry_out(command)
    return done


def command_claim(spent: Spent | None = None, *, urgent: bool = False) -> MarketplaceCommand | None:
    """Claim one due (or due and urgent) command that its account's limit lets through now; None where there is none.

    An account that is out of tokens, of its own or of a kind, is noted in `spent` and woken when the next one is there.
    """
    spent = spent or Spent()
    while True:
        try:
            with transaction.atomic():
                command = _pick(spent, urgent=urgent)
                if command is None:
                    return None
                wait = _limit_wait(command)
                if wait is not None and not wait.account_s:
                    _put_off(command, wait)
                if wait is None:
                    if _mark_in_flight(command):
                        return command
                    continue
        except IntegrityError:
            # Another worker put a command of the same listing (or account) in flight first.
            continue
        if wait.account_s:
            (spent.urgent if command.priority == 0 else spent.ordinary).add(command.account_id)
        else:
            # Of a thousand whose kind must wait the others are not put off one by one.
            spent.kinds.add((command.account_id, command.kind))
        _wake_once(command, wait)


def _wake_once(command: MarketplaceCommand, wait: Wait) -> None:
    """One drain when the next token is there, however many commands wait for it."""
    urgent, wait_s = command.priority == 0, wait.account_s or wait.kind_s
    whose = urgent if wait.account_s else command.kind
    if valkey().set(f"outbox-wake:{command.account_id}:{whose}", 1, nx=True, px=max(50, int(wait_s * 1000))):
        outbox_wake(urgent=urgent, after_s=wait_s)


def _pick(spent: Spent, *, urgent: bool) -> MarketplaceCommand | None:
    """What waits longest; of accounts whose marketplace is slow only where there is nothing else."""
    slow = slow_accounts() - spent.urgent

    def claimable(passed_over: Collection[uuid.UUID]) -> MarketplaceCommand | None:
        return command_claimable(
            urgent=urgent, spent=passed_over, spent_ordinary=spent.ordinary, spent_kinds=spent.kinds,
            look_ahead=CLAIM_LOOK_AHEAD,
        )  # fmt: skip

    found = claimable(spent.urgent | slow) if slow else None
    return found or claimable(spent.urgent)


def _limit_wait(command: MarketplaceCommand) -> Wait | None:
    """How long until there are tokens for this command; None where they were taken.

    A limit that makes no sense is logged. What takes something down goes uncounted where Valkey is away.
    """
    account, errand = command.account, errand_of(command)
    try:
        return errand_take(account, errand)
    except ValueError:
        log.exception("outbox.no_limit", command_id=str(command.pk), platform=account.platform)
        return _NEVER
    except redis.RedisError:
        if not errand.urgent:
            raise
        log.warning("outbox.no_valkey", command_id=str(command.pk), platform=account.platform)
        return None


def _put_off(command: MarketplaceCommand, wait: Wait) -> None:
    """One command whose own limit lets it through later keeps no other one waiting: it is looked at again then."""
    nothing = "the limit of its marketplace lets nothing through"
    MarketplaceCommand.objects.filter(pk=command.pk).update(
        not_before=seconds_from_now(wait.kind_s),
        last_error=nothing if wait is _NEVER else "its marketplace takes so many of these at a time",
        updated_at=now(),
    )


def carry_out(command: MarketplaceCommand) -> int:
    """Do a claimed command, and with it what can go into the same file; returns how many were done.

    The leading one is recorded last: while any is in flight, so is it, and nobody else writes its account's file.
    """
    riders = riders_claim(command, _mark_in_flight)
    # What is sent for it, and what is logged meanwhile, is found by this try of it.
    with structlog.contextvars.bound_contextvars(request_id=f"{command.pk.hex}.{command.fence}"):
        return _carry_out(command, riders)


def _carry_out(command: MarketplaceCommand, riders: list[MarketplaceCommand]) -> int:
    if not riders:
        # A sweep reads the whole account: that takes long wherever it is.
        reads = command.kind == CommandKind.SYNC_ACCOUNT
        with nullcontext() if reads else answer_timed(command.account):
            answer = execute(command)
        record(command, answer)
        return 1
    with answer_timed(command.account):
        answers = execute_together([command, *riders])
    failed: Exception | None = None
    for one, answer in reversed(answers):
        try:
            record(one, answer)
        except Exception as error:
            # It goes back when its lease is over, as if its worker had died; the others have their answers.
            log.exception("outbox.not_recorded", command_id=str(one.pk))
            failed = error
    if failed is not None:
        raise failed
    return 1 + len(riders)


def _mark_in_flight(command: MarketplaceCommand, rides_with: uuid.UUID | None = None) -> bool:
    """Take the command if it is still as it was read; returns whether it is ours."""
    claim: dict[str, Any] = {
        "state": CommandState.IN_FLIGHT, "attempts": min(command.attempts + 1, MOST_COUNTED),
        "fence": command.fence + 1, "in_flight_since": now(), "lease_until": seconds_from_now(lease_seconds()),
        "rides_with": rides_with,
    }  # fmt: skip
    as_read = MarketplaceCommand.objects.filter(pk=command.pk, state=CommandState.PENDING, fence=command.fence)
    if not as_read.update(**claim, updated_at=now()):
        return False
    for name, value in claim.items():
        setattr(command, name, value)
    return True


def leases_reap() -> int:
    """Put back commands whose worker died: their outcome is unknown and is read back first. Returns how many.

    A command that has used its tries up is recorded as one more failure, so that one which kills whoever carries it
    out ends with a person.
    """
    overdue = MarketplaceCommand.objects.filter(state=CommandState.IN_FLIGHT, lease_until__lt=now())
    found = list(overdue.select_related("account"))
    exhausted = [command for command in found if command.attempts >= retries_of(command).most_tries]
    ended = one_by_one("outbox.reap", exhausted, lambda one: record(one, Answer(Outcome.UNKNOWN, error=NO_ANSWER)))
    others = [command.pk for command in found if command not in exhausted]
    reaped = overdue.filter(pk__in=others).update(
        state=CommandState.PENDING, outcome_unknown=True, not_before=now(), last_error=NO_ANSWER
    )
    if reaped or ended:
        log.warning("outbox.leases_reaped", count=reaped + ended)
    return reaped + ended


@transaction.atomic
def command_retry(*, actor: Actor, command_id: uuid.UUID, read_back: bool = True) -> MarketplaceCommand:
    """Send a command that needed a person once more, reading back first what an earlier try may have done.

    Raises NotFound, or Conflict where it no longer waits for one.
    """
    owner = command_own(actor, command_id).account.user_id
    command = command_lock(command_id)
    if command.state != CommandState.NEEDS_PERSON:
        raise Conflict(f"The command is {command.get_state_display()}.", remedy="Nothing needs to be done.")
    if command.by_hand:
        raise Conflict("It is for your own hands.", field="command", remedy="Do it there, and say that it is done.")
    command.state, command.attempts, command.not_before = CommandState.PENDING, 0, now()
    command.outcome_unknown = read_back or command.outcome_unknown
    command.save(update_fields=["state", "attempts", "not_before", "outcome_unknown", "updated_at"])
    alerts_of_commands_settle([command])
    audit_record(actor=actor, verb="command.retry", object_type="command", object_id=command.pk, subject=owner)
    return command
