"""Addresses for machines: alive, ready, metrics."""

import redis
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.views.decorators.http import require_GET

from listings.models import MarketplaceCommand
from marketplaces.models import InboundEvent
from seatsync.core.addresses import is_this_machine
from seatsync.core.limiters import valkey


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_GET
def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for an icon when what they show names none: a problem, a plain sentence, the admin."""
    return HttpResponseRedirect(static("img/mark.svg"))


@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """200 where database, Valkey and migrations are as they must be; else 503 naming what is not."""
    state = {"database": _database(), "valkey": _valkey(), "migrations": _migrations()}
    ready = all(value == "ok" for value in state.values())
    return JsonResponse(state, status=200 if ready else 503)


def _database() -> str:
    try:
        connection.ensure_connection()
    except DatabaseError:
        return "unreachable"
    return "ok"


def _valkey() -> str:
    try:
        valkey().ping()
    except redis.RedisError:
        return "unreachable"
    return "ok"


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "unknown"
    return "pending" if plan else "ok"


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for programs of this machine and staff only: whom a proxy asks for is anybody."""
    if not is_this_machine(request) and not getattr(request.user, "is_staff", False):
        return HttpResponse(status=404)
    lines = ["# TYPE seatsync_commands gauge"]
    commands = MarketplaceCommand.objects.values("state").annotate(n=Count("pk")).order_by("state")
    lines += [f'seatsync_commands{{state="{row["state"]}"}} {row["n"]}' for row in commands]
    lines.append("# TYPE seatsync_inbound gauge")
    inbound = InboundEvent.objects.values("state").annotate(n=Count("pk")).order_by("state")
    lines += [f'seatsync_inbound{{state="{row["state"]}"}} {row["n"]}' for row in inbound]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")
