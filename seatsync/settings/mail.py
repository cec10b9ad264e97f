"""The mail server that EMAIL_URL names, as Django's EMAIL_* settings want it."""

from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from seatsync.settings.addresses import is_host, url_fault

MAIL_FORM = "smtp://user:password@host:587, submission://user:password@host or smtps://user:password@host"
# Each scheme's own port.
PORTS = {"smtp": 25, "submission": 587, "smtps": 465}
TLS_WORDS = {"true": True, "false": False}


class MailServer(NamedTuple):
    """In the order of EMAIL_HOST, _PORT, _HOST_USER, _HOST_PASSWORD, _USE_TLS (STARTTLS), _USE_SSL (TLS at once)."""

    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False


def mail_server(url: str) -> MailServer:
    """Raises ValueError with what is wrong, in words that tell no password.

    A password never travels in the clear unasked: with one, or at port 587, smtp:// means STARTTLS; `?tls=false` and
    `?tls=true` say otherwise.
    """
    if fault := url_fault(url, PORTS.keys()):
        raise ValueError(fault)
    parts = urlsplit(url)
    if not is_host(parts.hostname or ""):
        raise ValueError("has no good host")
    if parts.path.strip("/") or parts.fragment:
        raise ValueError("has something after its host (write a /, # or ? of a password as %2F, %23 or %3F)")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError("has a user without a password, or a password without a user")
    port = parts.port or PORTS[parts.scheme]
    if parts.scheme != "smtps" and port == PORTS["smtps"]:
        raise ValueError("has port 465, which speaks TLS from the start: that is smtps://")
    starttls = parts.scheme == "submission" or bool(user) or port == PORTS["submission"]
    if parts.query:
        starttls = _asked_tls(parts.scheme, parts.query)
    implicit = parts.scheme == "smtps"
    return MailServer(parts.hostname or "", port, user, password, starttls and not implicit, implicit)


def _asked_tls(scheme: str, query: str) -> bool:
    given = dict(parse_qsl(query, keep_blank_values=True))
    wish = TLS_WORDS.get(given.get("tls", "").lower())
    if scheme != "smtp" or set(given) != {"tls"} or wish is None:
        raise ValueError("has something after its ? (only smtp:// may have tls=true or tls=false there)")
    return wish
