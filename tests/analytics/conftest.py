"""The scripted market, and a browser for each kind of person."""

from collections.abc import Callable

import pytest
from django.test import Client

from seatsync.accounts.models import User
from seatsync.core.actors import Actor

SignIn = Callable[[Actor], Client]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """A client signed in as an actor's person."""

    def enter(actor: Actor) -> Client:
        client = Client()
        client.force_login(User.objects.get(pk=actor.id))
        return client

    return enter
