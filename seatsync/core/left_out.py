"""Secrets left out of a text: as they are, and as what repeats them may have written them (URL, JSON, HTML, base64)."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

LEFT_OUT = "(left out)"
# A shorter one may be a word, or part of one: it may be looked for as a word of its own only.
LONG = 8
_BASE64 = "[A-Za-z0-9+/_-]"


def left_out(text: str, secrets: Iterable[str], *, short_as_words: bool = False) -> str:
    """The text without these. `short_as_words`: one that is short is left out where it stands by itself."""
    found = frozenset(filter(None, secrets))
    return _pattern(found, short_as_words).sub(LEFT_OUT, text) if found else text


@lru_cache(maxsize=256)
def _pattern(secrets: frozenset[str], short_as_words: bool) -> re.Pattern[str]:
    """The longest first: one may be part of another."""
    looks: dict[str, int] = {}
    for secret in secrets:
        for form in _forms(secret):
            looks[_look(form, short_as_words)] = len(form)
        for core in _cores(secret):
            looks[f"{_BASE64}{{0,2}}{re.escape(core)}{_BASE64}{{0,2}}={{0,2}}"] = len(core)
    return re.compile("|".join(sorted(looks, key=lambda look: (-looks[look], look))))


def _look(form: str, short_as_words: bool) -> str:
    if len(form) >= LONG:
        # A host name, and some gateways' words, come back in small letters.
        return f"(?i:{re.escape(form)})"
    return rf"(?<!\w){re.escape(form)}(?!\w)" if short_as_words else re.escape(form)


def _forms(secret: str) -> Iterator[str]:
    """The secret as it may be written in an address, in JSON, in a page, or in base64 by itself."""
    in_json = json.dumps(secret)[1:-1]
    once = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    yield from once
    yield from (quote(form, safe="") for form in once)
    yield from (in_json, in_json.replace("/", "\\/"), json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (html.escape(secret), html.escape(secret, quote=False), repr(secret)[1:-1])
    for whole in _in_base64(secret.encode(errors="surrogatepass")):
        yield whole
        yield whole.rstrip("=")
        yield quote(whole, safe="")


def _cores(secret: str) -> Iterator[str]:
    """What stays the same of a long secret in the base64 of a text that it is part of, such as "user:password"."""
    if len(secret) < LONG:
        return
    raw = secret.encode(errors="surrogatepass")
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        for whole in _in_base64(b"\0" * before + raw):
            yield whole[first:last]


def _in_base64(raw: bytes) -> Iterator[str]:
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
