"""A paper account knows nothing of the live registration, and a live one nothing of the simulator's (I-20)."""

import pytest

from marketplaces.models import Mode
from marketplaces.services.links import app_credentials


def test_i20_each_mode_has_its_own_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUBHUB_CLIENT_ID", "ours")
    monkeypatch.setenv("STUBHUB_CLIENT_SECRET", "the live secret")
    paper, live = (app_credentials("stubhub", mode) for mode in (Mode.PAPER, Mode.LIVE))
    assert (live.client_id, live.client_secret) == ("ours", "the live secret")
    assert {"ours", "the live secret"} & {paper.client_id, paper.client_secret} == set()
