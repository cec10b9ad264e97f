"""Bearer tokens for DRF: the user, the tenant that must be this host's, and the actor."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from seatsync.accounts.models import User
from seatsync.accounts.selectors import actor_for
from seatsync.accounts.services.tokens import TokenRefused, access_user
from seatsync.core.errors import CHALLENGE


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        """The caller; None without a bearer header. Raises TokenRefused."""
        scheme, _, token = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        user, tenant_id = access_user(token.strip())
        inner: Any = request._request
        if inner.tenant.pk != tenant_id:
            raise TokenRefused(
                "This token is of another tenant.", field="Authorization", remedy="Sign in at this address."
            )
        inner.api_actor = actor_for(user, tenant_id, getattr(inner, "request_id", ""))
        return user, token

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return CHALLENGE


# The library registers each subclass in a hook without types.
class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema names it."""

    target_class = "seatsync.accounts.api_auth.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The OpenAPI security scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
