"""What the settings read from the environment: a bad value stops the start, and .env.example names every variable."""

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from marketplaces.registry import adapter_keys, adapter_list, adapter_names
from seatsync.settings.mail import MailServer, mail_server
from seatsync.settings.safety import INSECURE_ENCRYPTION_KEY

ROOT: Path = django_settings.BASE_DIR
BAD = [
    ("ENVIRONMENT", "prod", "dev, test, production"), ("DEBUG", "maybe", "true or false"),
    ("LOG_LEVEL", "banana", "DEBUG, INFO, WARNING, ERROR, CRITICAL"),
    ("BASE_URL", "not a url", "https://host"), ("BASE_URL", "app.example.com", "https://host"),
    ("BASE_URL", "https://app example.com", "https://host"), ("BASE_URL", "https://app.example.com/seats", "https://host"),
    ("BASE_URL", "https://-app.example.com", "https://host"), ("BASE_URL", "https://300.1.1.1", "https://host"),
    ("BASE_URL", "https://", "https://host"), ("BASE_URL", "https://a.example?x=1", "https://host"),
    ("SIMULATOR_URL", "garbage", "https://host"), ("SIMULATOR_URL", "http://sim:99999", "https://host"),
    ("SIMULATOR_URL", "http://sim/a?b", "https://host"),
    ("WS_URL", "no", "wss://host"), ("WS_URL", "https://ws.example.com", "wss://host"),
    ("STATIC_HOST", "cdn", "https://host"), ("STATIC_HOST", "//cdn.example.com", "https://host"),
    ("ALLOWED_HOSTS", "https://app.example.com", "app.example.com"),
    ("ALLOWED_HOSTS", "a.example:80", "app.example.com"),
    ("ALLOWED_HOSTS", "good.example,b ad", "app.example.com"), ("TRUSTED_PROXIES", "everybody", "10.0.0.0/8"),
    ("MAX_PRICE_STEP_PERCENT", "-5", "1 to 100"), ("MAX_PRICE_STEP_PERCENT", "0", "1 to 100"),
    ("MAX_PRICE_STEP_PERCENT", "101", "1 to 100"), ("MAX_PRICE_STEP_PERCENT", "2.5", "1 to 100"),
    ("MIN_PRICE_DWELL_MINUTES", "0", "1 to 1440"), ("MAX_PRICE_CHANGES_PER_DAY", "0", "1 to 1440"),
    ("MANUAL_PRICE_HOURS", "721", "1 to 720"), ("MARKET_DATA_MAX_AGE_MINUTES", "0", "1 to 10080"),
    ("API_REQUESTS_PER_MINUTE", "0", "1 to 1000000"), ("API_REQUESTS_PER_MINUTE", "-5", "1 to 1000000"),
    ("ADMIN_REQUIRES_OTP", "perhaps", "true or false"), ("DEFAULT_FROM_EMAIL", "banana", "name@example.com"),
    ("DEFAULT_FROM_EMAIL", "Seats <banana>", "name@example.com"),
]  # fmt: skip
# Their values may hold a secret, which is not told.
BAD_SECRETS = [
    ("JWT_SECRET_KEY", "secretword", "kid:secret"), ("JWT_SECRET_KEY", "a:secretword", "kid:secret"),
    ("ENCRYPTION_KEY", "secretword", "Fernet"), ("EMAIL_URL", "http://u:secretword@mail.example", "smtp://"),
    ("BASE_URL", "https://u:secretword@app.example.com", "https://host"),
    ("DATABASE_URL", "postgres://u:secretword@db", "postgres://"), ("REDIS_URL", "redis://:secretword@", "redis://"),
    ("REDIS_URL", "redis://:secretword@cache/first", "redis://"),
]  # fmt: skip


def base(monkeypatch: pytest.MonkeyPatch, **values: str) -> dict[str, Any]:
    """The names of base.py as a fresh start in development would make them."""
    monkeypatch.setenv("ENVIRONMENT", "dev")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "seatsync" / "settings" / "base.py"))


def refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str) -> str:
    """What is said of a value that is not taken: its name first, and what would be."""
    with pytest.raises(ImproperlyConfigured) as caught:
        base(monkeypatch, **{name: value})
    said = str(caught.value)
    assert said.startswith(name)
    assert allowed in said
    return said


@pytest.mark.parametrize(("name", "value", "allowed"), BAD)
def test_a_bad_value_is_refused_with_its_name_and_what_is_allowed(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert value.rpartition(",")[2] in refused(monkeypatch, name, value, allowed)


@pytest.mark.parametrize(("name", "value", "allowed"), BAD_SECRETS)
def test_a_bad_value_that_may_hold_a_secret_is_refused_untold(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "secretword" not in refused(monkeypatch, name, value, allowed)


def test_good_values_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = base(
        monkeypatch, LOG_LEVEL="debug", BASE_URL="https://app.example.com/", WS_URL="wss://ws.example.com:444",
        SIMULATOR_URL="http://sim_1:9100/paper/", STATIC_HOST="https://cdn.example.com", MAX_PRICE_STEP_PERCENT="100",
        ALLOWED_HOSTS=".example.com, 10.0.0.1,[::1],*", API_REQUESTS_PER_MINUTE="1",
        DEFAULT_FROM_EMAIL="Seats <s@example.com>", ENCRYPTION_KEY=INSECURE_ENCRYPTION_KEY,
    )  # fmt: skip
    assert (found["LOG_LEVEL"], found["BASE_URL"]) == ("DEBUG", "https://app.example.com")
    assert (found["SIMULATOR_URL"], found["WS_URL"]) == ("http://sim_1:9100/paper", "wss://ws.example.com:444")
    assert found["STATIC_URL"] == "https://cdn.example.com/static/"
    assert found["ALLOWED_HOSTS"] == [".example.com", "10.0.0.1", "[::1]", "*"]
    assert (found["MAX_PRICE_STEP_PERCENT"], found["API_REQUESTS_PER_MINUTE"]) == (100, 1)
    policy = found["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    for kind in ("default-src", "style-src", "img-src"):
        assert "https://cdn.example.com" in policy[kind], "pages may load what the CDN serves"


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name in example_names() if name not in {"DATABASE_URL", "REDIS_URL", "ENVIRONMENT"}]
    found = base(monkeypatch, **dict.fromkeys(names, ""))
    assert found["ADMIN_REQUIRES_OTP"] is True
    assert (found["DEBUG"], found["LOG_LEVEL"], found["API_REQUESTS_PER_MINUTE"]) == (False, "INFO", 600)
    assert found["ALLOWED_HOSTS"][0] == "localhost"
    assert len(found["JWT_SECRET_KEYS"]) == len(found["ENCRYPTION_KEYS"]) == 1


@pytest.mark.parametrize(("url", "expected"), [
    ("smtp://user%40a.example:p%2Fw%3A1@mail.example:587",
     MailServer("mail.example", 587, "user@a.example", "p/w:1", starttls=True)),
    ("smtp://mail.example", MailServer("mail.example", 25)), ("smtp://10.0.0.9:2525", MailServer("10.0.0.9", 2525)),
    ("smtp://u:p@mail.example", MailServer("mail.example", 25, "u", "p", starttls=True)),
    ("smtp://u:p@mail.example?tls=false", MailServer("mail.example", 25, "u", "p")),
    ("smtp://mail.example:2525/?tls=true", MailServer("mail.example", 2525, starttls=True)),
    ("submission://u:p@mail.example", MailServer("mail.example", 587, "u", "p", starttls=True)),
    ("smtps://u:p@mail.example", MailServer("mail.example", 465, "u", "p", tls=True)),
    ("smtps://u:p@mail.example:10465", MailServer("mail.example", 10465, "u", "p", tls=True)),
])  # fmt: skip
def test_a_mail_servers_address(url: str, expected: MailServer) -> None:
    assert mail_server(url) == expected


@pytest.mark.parametrize(("url", "fault"), [
    ("mail.example", "no such address"), ("http://mail.example", "no such address"),
    ("smtp+tls://m.example", "no such"),
    ("smtp://", "no good host"), ("smtp://ma il", "no good host"), ("smtp://m.example:x", "no number"),
    ("smtp://m.example/box", "after its host"), ("smtp://u@m.example", "without a password"),
    ("smtp://:p@m.example", "without a user"), ("smtp://m.example:465", "smtps://"),
    ("smtp://m.example?tls=maybe", "after its ?"), ("smtp://m.example?ssl=true", "after its ?"),
    ("smtps://m.example?tls=false", "after its ?"), ("submission://m.example?tls=false", "after its ?"),
    ("smtp://u:p#w@m.example", "no number"),
])  # fmt: skip
def test_what_is_no_mail_servers_address(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        mail_server(url)


def test_mail_goes_to_the_server_that_is_named_and_into_files_where_none_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = base(monkeypatch, EMAIL_URL="")
    assert found["EMAIL_BACKEND"].endswith("filebased.EmailBackend")
    found = base(monkeypatch, EMAIL_URL="smtp://u:p%40@mail.example:587")
    assert found["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert [found[f"EMAIL_{name}"] for name in names] == ["mail.example", 587, "u", "p@", True, False]
    assert found["EMAIL_TIMEOUT"] > 0


# .env.example.
def example_names() -> list[str]:
    return re.findall(r"^([A-Z][A-Z_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE)


def names_read() -> Iterator[str]:
    """Every variable that our code names: by a reader of env.py, or in os.environ."""
    for folder in (
        "seatsync",
        "portfolios",
        "marketplaces",
        "listings",
        "intelligence",
        "automation",
        "analytics",
        "bin",
    ):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                yield from _named(node)


def _named(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id=reader), args=[ast.Constant(value=str(name)), *_]) if reader.startswith("env_"):
            yield name
        case ast.Call(
            func=ast.Attribute(value=ast.Attribute(value=ast.Name(id="os"), attr="environ")),
            args=[ast.Constant(value=str(name)), *_],
        ):
            yield name
        case ast.Call(func=ast.Attribute(attr="getenv"), args=[ast.Constant(value=str(name)), *_]):
            yield name
        case ast.Subscript(
            value=ast.Attribute(value=ast.Name(id="os"), attr="environ"), slice=ast.Constant(value=str(name))
        ):
            yield name


def test_the_example_names_every_variable_that_the_code_reads_and_no_other() -> None:
    platforms = {f"{key.upper()}_{end}" for key in adapter_keys() for end in ("CLIENT_ID", "CLIENT_SECRET", "BASE_URL")}
    platforms |= {f"{one.traits.key.upper()}_DROP_URL" for one in adapter_list() if one.traits.whole_account}
    # Not ours: Django's own, chosen by ENVIRONMENT, and the shell's.
    read = set(names_read()) - {"DJANGO_SETTINGS_MODULE", "PATH"}
    assert {"SECRET_KEY", "EMAIL_URL", "SEATSYNC_STAFF_PASSWORD"} <= read, "the scan sees both kinds"
    assert sorted(example_names()) == sorted(read | platforms)


def test_adapters_are_named_without_being_loaded_as_they_name_themselves() -> None:
    assert adapter_names() == adapter_keys()
