"""Every address of the product, tried by everybody with every method: who may enter, and what the others are told."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse

from seatsync.accounts.models import User
from seatsync.accounts.services.tokens import tokens_issue
from seatsync.core.limiters import valkey
from tests.access.conftest import World
from tests.access.routes import ADMIN_OPEN, ROUTES, Kind, Route, addresses
from tests.api.document import PROBLEM, document
from tests.builders import verified_client

pytestmark = pytest.mark.django_db
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
PEOPLE = ("nobody", "other", "outsider", "co", "owner", "staff")
# What a season ticket's co-owner shares; accounts, alerts and what goes over accounts are the owner's own.
SHARED = {"ticket", "game", "free_seat", "listing", "sale", "group", "brake", "hand_listing", "hand_seat"}
FAR_AWAY = "203.0.113.9"


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside has not happened afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def client_of(world: World, who: str, *, api: bool) -> Client:
    if who == "nobody":
        return Client(REMOTE_ADDR=FAR_AWAY)
    user = world.user(who)
    if api:
        token = tokens_issue(user, user.memberships.get().tenant_id).access
        return Client(headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR=FAR_AWAY)
    client = Client(REMOTE_ADDR=FAR_AWAY)
    client.force_login(user)
    return client


def address(world: World, name: str, route: Route) -> str:
    if route.kind is Kind.UNKNOWN:
        return "/api/v1/nothing/here/"
    words = {key: value[1:] if value[0] == "=" else world.ids[value] for key, value in route.names.items()}
    query = urlencode({key: world.ids[value] for key, value in route.query.items()})
    return reverse(name, kwargs=words) + (f"?{query}" if query else "")


def ask(client: Client, method: str, path: str, body: Any, *, api: bool) -> Any:
    valkey().flushdb()
    if api:
        return client.generic(method, path, json.dumps(body), content_type="application/json")
    if method == "POST":
        return client.post(path, body)
    return client.generic(method, path)


def served(world: World, name: str, path: str, *, api: bool) -> set[str]:
    """The methods that the address knows, by its own refusal of one that none knows (or the API's document)."""
    if api:
        known = {method for method in METHODS if document().operation(method, path)}
        known |= {"GET"} if name in {"api:schema", "api:docs"} else set()
        return known | ({"HEAD"} if "GET" in known else set())
    with undone():
        answer = client_of(world, "owner", api=False).generic("TRACE", path)
    if answer.status_code != 405:
        return set(METHODS)
    return set(answer.headers["Allow"].replace(" ", "").split(","))


def named(route: Route) -> set[str]:
    """The objects of the world that an address or its body names."""

    def inside(wish: Any) -> set[str]:
        if isinstance(wish, dict | list):
            return set().union(*map(inside, wish.values() if isinstance(wish, dict) else wish), set())
        return {wish[1:]} if isinstance(wish, str) and wish.startswith("@") else set()

    words = {*route.names.values(), *route.query.values(), *route.over}
    return {word for word in words if not word.startswith("=")} | inside(route.body)


def expected(route: Route, who: str, method: str, *, api: bool) -> str:
    """In one word what this person is to be told: in, sign-in, wrong-tenant, nothing, not allowed."""
    kind = route.kind
    if kind in {Kind.OBJECT, Kind.PERSONAL} or method == route.body_method:
        by_id = "nothing"
    elif kind is Kind.FACTOR:
        by_id = "in or nothing"
    else:
        by_id = "in"
    if kind is Kind.UNKNOWN:
        return "nothing"
    if kind is Kind.OPEN:
        return "in"
    if kind is Kind.METRICS:
        return "in" if who == "staff" else "nothing"
    if kind is Kind.WEBHOOK:
        return "no secret"
    if who == "nobody" or (api and who == "outsider"):
        return "sign in"
    if kind is Kind.FACTOR and who in {"staff", "co"}:
        return by_id
    if who == "co" and by_id == "nothing":
        return _of_co_owner(route, method)
    strangers = {"other", "outsider", "staff"} if kind is Kind.PERSONAL else {"other", "outsider"}
    return by_id if who in strangers else "in"


def _of_co_owner(route: Route, method: str) -> str:
    if route.kind is Kind.PERSONAL or not named(route) <= SHARED:
        return "nothing"
    return "not allowed" if method in route.holder_methods else "in"


def judge(word: str, answer: Any, *, api: bool) -> bool:
    status: int = answer.status_code
    if word == "sign in":
        if api:
            return status == 401 and "Bearer" in answer.headers["WWW-Authenticate"]
        return status == 302 and bool(answer.headers["Location"].startswith(reverse("account_login")))
    if word == "no secret":
        return status == 401
    if word == "not allowed":
        return status == 403
    if word == "nothing":
        return status == 404
    entered = status not in {401, 403, 404} and not (
        status == 302 and answer.headers["Location"].startswith(f"{reverse('account_login')}?")
    )
    return entered or (word == "in or nothing" and status == 404)


def everything() -> list[tuple[str, URLPattern]]:
    return [(name, pattern) for name, pattern in addresses() if not name.startswith("admin:")]


def test_every_address_is_classified() -> None:
    named = {name for name, _ in everything()}
    assert named - set(ROUTES) == set(), "say in tests/access/routes.py who may enter"
    assert set(ROUTES) - named == set(), "no such address any more"
    assert len(everything()) == len(named), "two addresses with one name"


@pytest.mark.parametrize("name", ROUTES)
def test_who_may_enter(world: World, name: str) -> None:
    route, api = ROUTES[name], name.startswith("api:")
    path = address(world, name, route)
    body = world.filled(route.body)
    known, wrong = served(world, name, path, api=api), list[tuple[Any, ...]]()
    for who in PEOPLE:
        client = client_of(world, who, api=api)
        for method in METHODS:
            with undone():
                answer = ask(client, method, path, body, api=api)
            said = (who, method, answer.status_code, answer.content[:200])
            if answer.status_code >= 500:
                wrong.append(said)
            elif method in known:
                word = expected(route, who, method, api=api)
                if method in route.staff_methods and who != "staff" and word == "in":
                    word = "not allowed"
                wrong += [(word, *said)] if not judge(word, answer, api=api) else []
            elif who == "owner" and route.kind not in {Kind.UNKNOWN, Kind.METRICS}:
                wrong += [("405", *said)] if answer.status_code != 405 else []
            if api and answer.status_code >= 400 and method != "HEAD":
                wrong += [("no problem", *said)] if answer.headers["Content-Type"] != PROBLEM else []
    assert not wrong


@pytest.mark.parametrize("name", [name for name in ROUTES if not name.startswith("api:")])
def test_a_page_takes_no_post_from_another_site(world: World, name: str) -> None:
    """Only machines that prove themselves otherwise may post without our own form's token."""
    route = ROUTES[name]
    path = address(world, name, route)
    if "POST" not in served(world, name, path, api=False) or route.kind is Kind.WEBHOOK:
        return
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.user("owner"))
    assert client.post(path, world.filled(route.body)).status_code == 403


# ---- the admin


def admin_paths() -> Iterator[tuple[str, str]]:
    rows: dict[str, str] = {}
    for model in admin.site._registry:
        rows[f"{model._meta.app_label}_{model._meta.model_name}"] = _row(model)
    for name, pattern in addresses():
        if not name.startswith("admin:"):
            continue
        if name == "admin:unknown":
            yield name, "/admin/nothing/here/"
            continue
        words = sorted(pattern.pattern.regex.groupindex)
        model_name = name.removeprefix("admin:").rpartition("_")[0]
        values = {"app_label": "core", "content_type_id": "1"}
        values |= dict.fromkeys(("object_id", "path", "id", "pk"), rows.get(model_name, "1"))
        try:
            yield name, reverse(name, kwargs={word: values[word] for word in words})
        except NoReverseMatch:
            yield name, reverse(name, args=[values.get(word, "1") for word in words])


def _row(model: type[Model]) -> str:
    found = model._default_manager.order_by("pk").values_list("pk", flat=True).first()
    return str(found) if found is not None else "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f01"


def test_the_admin_is_for_staff_with_a_second_factor(world: World) -> None:
    root = User.objects.create_superuser("root@example.com", "a-long-password-1")
    shut = {who: client_of(world, who, api=False) for who in PEOPLE}
    half = Client()
    half.force_login(root)
    shut["superuser without a second factor"] = half
    full, login, wrong, seen = verified_client(root), reverse("admin:login"), list[tuple[Any, ...]](), 0
    for name, path in admin_paths():
        seen += 1
        # Whoever stays outside changes nothing: nobody's visit has to be undone.
        for method, who in product(("GET", "POST"), shut if name not in ADMIN_OPEN else ()):
            answer = shut[who].generic(method, path)
            if answer.status_code != 302 or not answer.headers["Location"].startswith(login):
                wrong.append((who, method, path, answer.status_code))
        with undone():
            answer = full.get(path)
        if answer.status_code >= 500 or answer.headers.get("Location", "").startswith(login):
            wrong.append(("staff", "GET", path, answer.status_code))
    assert seen > 100
    assert not wrong


def test_production_demands_the_second_factor_whatever_the_environment_says() -> None:
    secrets = {
        "ENVIRONMENT": "production", "ADMIN_REQUIRES_OTP": "false", "SECRET_KEY": "s" * 60,
        "JWT_SECRET_KEY": f"a:{'j' * 60}",
        "ENCRYPTION_KEY": "c2VhdHN5bmMtcHJvZHVjdGlvbi10ZXN0LTMyLWJ5dGU=", "ALLOWED_HOSTS": "seats.example",
        "BASE_URL": "https://seats.example", "SIMULATOR_URL": "",
        "DATABASE_URL": "postgres://a@127.0.0.1:1/a", "REDIS_URL": "redis://127.0.0.1:1/0",
        "EMAIL_URL": "smtp://mail.example", "DJANGO_SETTINGS_MODULE": "seatsync.settings.production",
    }  # fmt: skip
    said = subprocess.run(
        [sys.executable, "-c", "from seatsync.settings import production; print(production.ADMIN_REQUIRES_OTP)"],
        env={**os.environ, **secrets}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.strip() == "True"
