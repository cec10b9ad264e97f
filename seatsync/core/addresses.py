"""Where a request comes from: the one reading of X-Forwarded-For."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


def client_address(request: HttpRequest) -> str:
    """The network address of the client, "" where there is none (a Unix socket).

    Each proxy of TRUSTED_PROXIES appends whom it heard from, so the list is read from its right end, and the first
    address that is no trusted proxy is the client. What stands left of it anybody may have written. An entry that is
    no address ends the walk at the proxy that vouched for it.
    """
    found = _address(request.META.get("REMOTE_ADDR", ""))
    if found is None:
        return ""
    proxies = _networks(tuple(settings.TRUSTED_PROXIES))
    for text in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if not _within(found, proxies):
            break
        before = _address(text)
        if before is None:
            break
        found = before
    return str(found)


def is_this_machine(request: HttpRequest) -> bool:
    """Whether a program of this machine asks, and asks for itself: loopback, with no sign of a proxy in between."""
    found = _address(request.META.get("REMOTE_ADDR", ""))
    return found is not None and found.is_loopback and not any(name in request.headers for name in _FORWARDED)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)


def _address(text: str) -> Address | None:
    """The address in "192.0.2.1", "192.0.2.1:80", "2001:db8::1" or "[2001:db8::1]:80"; None for anything else."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
