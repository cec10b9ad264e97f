"""API of accounts: tokens, the second factor, and who I am."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from seatsync.accounts.models import User
from seatsync.accounts.services import sign_in as signing
from seatsync.accounts.services import tokens
from seatsync.accounts.services.profile import profile_update
from seatsync.core.apiview import ApiView
from seatsync.core.inputs import Input
from seatsync.core.openapi import example


class TokenInput(serializers.Serializer[Any]):
    """Mail address and password."""

    email = serializers.EmailField()
    password = serializers.CharField(max_length=200, trim_whitespace=False)


class MfaInput(serializers.Serializer[Any]):
    """The second step."""

    mfa_token = serializers.CharField(max_length=2000)
    code = serializers.CharField(max_length=20)


class RefreshInput(serializers.Serializer[Any]):
    """A refresh token, single use."""

    refresh = serializers.CharField(max_length=2000)


class TokenOutput(serializers.Serializer[Any]):
    """A pair, or (where a second factor is due) a token for the second step alone."""

    access = serializers.CharField(required=False)
    refresh = serializers.CharField(required=False)
    expires_in_s = serializers.IntegerField(required=False)
    mfa_token = serializers.CharField(required=False)


class MeOutput(serializers.ModelSerializer[User]):
    """The signed-in person."""

    is_verified = serializers.SerializerMethodField(help_text="Whether the mail address is verified.")

    class Meta:
        model = User
        fields = ("id", "email", "full_name", "phone", "is_verified", "kyc_status", "subscription_tier")

    def get_is_verified(self, user: User) -> bool:
        """Whether the address is verified (no model field may bear this name)."""
        return user.email_verified_at is not None


class MeInput(Input):
    """What a person may change of the own profile; a field left out stays as it is."""

    full_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    phone = serializers.CharField(
        max_length=20, required=False, allow_blank=True, help_text="With country code, like +1 206 555 0123."
    )


def _pair(pair: tokens.TokenPair) -> Response:
    return Response({"access": pair.access, "refresh": pair.refresh, "expires_in_s": pair.expires_in_s})


def _let_in(door: signing.Door, user: User) -> Response:
    signing.sign_in_finish(door=door, user=user)
    return _pair(tokens.tokens_issue(user, door.tenant_id))


class _Open(ApiView):
    """Views that sign in: no token is asked for, and none is kept for replay."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    atomic_writes = False


class TokenView(_Open):
    """Trade mail address and password for tokens."""

    serializer_class = TokenInput

    @extend_schema(
        request=TokenInput, responses={200: TokenOutput}, tags=["auth"], auth=[], summary="Sign in",
        examples=[
            example("Sign in", {"email": "holder@example.com", "password": "a-long-password-1"}, request=True),
            example("Tokens", {"access": "eyJ...", "refresh": "eyJ...", "expires_in_s": 600}, status=200),
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """200 with tokens, or with `mfa_token` where a second factor is due; 401 otherwise."""
        data = self.body(TokenInput)
        door = signing.request_door(request._request)
        found = signing.sign_in(door=door, **data)
        if found.mfa_due:
            return Response({"mfa_token": tokens.mfa_token(found.user, door.tenant_id)})
        return _let_in(door, found.user)


class MfaView(_Open):
    """The second step: the code of the authenticator app, or a recovery code."""

    serializer_class = MfaInput

    @extend_schema(request=MfaInput, responses={200: TokenOutput}, tags=["auth"], auth=[], summary="Second factor")
    def post(self, request: Request) -> Response:
        """200 with tokens; 401 for a wrong code."""
        data = self.body(MfaInput)
        door = signing.request_door(request._request)
        user = tokens.mfa_user(data["mfa_token"], door.tenant_id)
        signing.second_factor(door=door, user=user, code=data["code"])
        return _let_in(door, user)


class RefreshView(_Open):
    """Trade a refresh token for a new pair; it is good once."""

    serializer_class = RefreshInput

    @extend_schema(request=RefreshInput, responses={200: TokenOutput}, tags=["auth"], auth=[], summary="New tokens")
    def post(self, request: Request) -> Response:
        """200 with tokens; 401 for a used, old or revoked one."""
        data = self.body(RefreshInput)
        return _pair(tokens.tokens_refresh(data["refresh"]))


class MeView(ApiView):
    """Who I am."""

    serializer_class = MeOutput
    versioned = True

    @extend_schema(responses={200: MeOutput}, tags=["me"], summary="Read the own profile")
    def get(self, request: Request) -> Response:
        """The signed-in person."""
        return Response(MeOutput(self._user()).data)

    @extend_schema(
        request=MeInput, responses={200: MeOutput}, tags=["me"], summary="Change the own profile",
        examples=[example("A name", {"full_name": "Sam Murphy", "phone": "+1 206 555 0123"}, request=True)],
    )  # fmt: skip
    def patch(self, request: Request) -> Response:
        """The person as saved; a new number loses its verification."""
        data = self.body(MeInput)
        user = self._user()
        self.if_match(MeOutput(user).data)
        wish = {"full_name": user.full_name, "phone": user.phone, **data}
        return Response(MeOutput(profile_update(actor=self.actor, **wish)).data)

    def _user(self) -> User:
        return User.objects.get(pk=str(self.actor.user_id))
