"""Whether two addresses lead to the same place, however they are spelt."""

from ipaddress import ip_address
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def place(url: str) -> tuple[str, int]:
    """Host and port; every name of this machine's loopback is `localhost`. Raises ValueError with one sentence."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise ValueError(f"{url!r} is no web address. Write it as https://host or http://host:port.")
    try:
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except ValueError as error:
        raise ValueError(f"{url!r} has no good port. Write it as https://host or http://host:port.") from error
    return ("localhost" if _is_loopback(host) else host), port


def same_place(one: str, other: str) -> bool:
    """Raises ValueError where one of them is no web address."""
    return place(one) == place(other)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    # A connection to "any address" reaches this machine too.
    return address.is_loopback or address.is_unspecified or bool(mapped and mapped.is_loopback)
