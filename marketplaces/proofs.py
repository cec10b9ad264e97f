"""A webhook's secret that comes in the Authorization header."""

import base64
import binascii
import hmac
from collections.abc import Mapping


def secret_given(headers: Mapping[str, str], secret: str) -> bool:
    """Whether the Authorization header carries `secret`, as a bearer or as a Basic password. Names are lower case."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    proof = given.strip()
    if scheme.lower() == "basic":
        try:
            proof = base64.b64decode(proof, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    known = bool(secret) and scheme.lower() in {"bearer", "basic"}
    return known and hmac.compare_digest(proof.encode(), secret.encode())
