"""The inventory file over SFTP, on a real server in this process."""

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_NO_SUCH_FILE, SFTP_PERMISSION_DENIED

from marketplaces.adapters import _bounds
from marketplaces.adapters.gametime import ADAPTER, client
from marketplaces.contracts import Draft, Grant, Link, ListingRef
from marketplaces.errors import GrantExpired, PermanentError, TemporaryError, UnknownOutcome
from tests.marketplaces.conftest import START, World


class Door(paramiko.ServerInterface):
    """Lets one user in by password."""

    def __init__(self, asked: list[str]) -> None:
        self.asked = asked

    def check_auth_password(self, username: str, password: str) -> int:
        self.asked.append(username)
        good = (username, password) == ("seller", "pw")
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED


class Room(paramiko.SFTPServerInterface):
    """Files of one folder."""

    def __init__(self, server: paramiko.ServerInterface, *, place: "Place") -> None:
        super().__init__(server)
        self.place = place

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        name = self.place.folder / Path(path).name
        return paramiko.SFTPAttributes.from_stat(name.stat()) if name.exists() else SFTP_NO_SUCH_FILE

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        name = self.place.folder / Path(path).name
        if self.place.refuses and flags & os.O_WRONLY:
            return SFTP_PERMISSION_DENIED
        if not flags & os.O_CREAT and not name.exists():
            return SFTP_NO_SUCH_FILE
        handle = paramiko.SFTPHandle(flags)
        file = name.open("wb" if flags & os.O_WRONLY else "rb")
        handle.readfile = handle.writefile = file  # type: ignore[attr-defined]  # the library reads what is set here
        return handle


@dataclass
class Place:
    """The server: its folder, its key, and whether it refuses to be written to."""

    folder: Path
    key: paramiko.PKey
    port: int = 0
    refuses: bool = False
    transports: list[paramiko.Transport] = field(default_factory=list)
    # Whoever was asked in by password.
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        line = quote(f"{self.key.get_name()} {self.key.get_base64()}")
        return f"sftp://127.0.0.1:{self.port}/inventory.csv?host_key={line}"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, paramiko.RSAKey.generate(2048))
    door = socket.create_server(("127.0.0.1", 0))
    made.port = door.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                line, _ = door.accept()
            except OSError:
                return
            transport = paramiko.Transport(line)
            transport.add_server_key(made.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Room, place=made)
            made.transports.append(transport)
            try:
                transport.start_server(server=Door(made.asked))
            except (paramiko.SSHException, EOFError):
                continue

    threading.Thread(target=serve, daemon=True).start()
    yield made
    door.close()
    for transport in made.transports:
        transport.close()


@pytest.fixture
def link(world: World) -> Link:
    return world.link("gametime")


def over(link: Link, place: Place, password: str = "pw") -> Link:
    grant = Grant(f"{link.grant.access_token}\nseller\n{password}")
    return replace(link, drop_url=place.address, grant=grant)


def test_the_file_goes_and_comes(link: Link, place: Place, draft: Draft) -> None:
    line = over(link, place)
    ADAPTER.connect(line, code="", redirect_uri="", code_verifier="")
    made = ADAPTER.create(line, draft)
    there = (place.folder / "inventory.csv").read_bytes()
    assert draft.external_id.encode() in there
    assert link.file.arrived() == there
    assert ADAPTER.fetch(line, ListingRef(draft.external_id, made.listing_id, "", 4)) == made
    os.utime(place.folder / "inventory.csv", (START.timestamp(), START.timestamp()))
    drop = client.drop_of(line)
    assert drop.written_at() == START
    (place.folder / "inventory.csv").unlink()
    assert drop.written_at() is None


def test_a_wrong_password_is_an_expired_grant(link: Link, place: Place, draft: Draft) -> None:
    with pytest.raises(GrantExpired):
        ADAPTER.create(over(link, place, "other"), draft)
    assert not link.file.last()


def test_a_server_with_another_key_is_sent_nothing(link: Link, place: Place, draft: Draft) -> None:
    line = over(link, place)
    place.key = paramiko.RSAKey.generate(2048)
    other = replace(line, drop_url=place.address)
    place.key = paramiko.RSAKey.generate(2048)
    with pytest.raises(PermanentError, match="key is not the one"):
        ADAPTER.create(other, draft)
    assert not (place.folder / "inventory.csv").exists()
    assert place.asked == []


@pytest.mark.parametrize(
    "given", ["", "?host_key=", "?host_key=ssh-rsa", "?host_key=ssh-rsa%20%21%21", "?host_key=x%20AAAA"]
)
def test_an_address_without_a_good_key_is_refused(link: Link, place: Place, draft: Draft, given: str) -> None:
    line = replace(over(link, place), drop_url=f"sftp://127.0.0.1:{place.port}/inventory.csv{given}")
    with pytest.raises(PermanentError, match="host_key"):
        ADAPTER.create(line, draft)


def test_a_server_that_refuses_or_is_away_has_taken_nothing(link: Link, place: Place, draft: Draft) -> None:
    place.refuses = True
    with pytest.raises(PermanentError, match="refuses the file"):
        ADAPTER.create(over(link, place), draft)
    assert not link.file.last()
    away = replace(over(link, place), drop_url=place.address.replace(f":{place.port}/", ":1/"))
    with pytest.raises(TemporaryError) as caught:
        ADAPTER.create(away, draft)
    assert not isinstance(caught.value, UnknownOutcome)


def test_a_file_that_drips_or_is_too_large_is_cut_off(
    link: Link, place: Place, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = over(link, place)
    (place.folder / "inventory.csv").write_bytes(b"x" * 200_000)
    with monkeypatch.context() as patch:
        patch.setattr(_bounds, "MOST_BYTES", 100_000)
        with pytest.raises(PermanentError, match="too large"):
            ADAPTER.fetch(line, ListingRef(draft.external_id, "", "", 4))
    monkeypatch.setattr(_bounds, "TOTAL_S", -1.0)
    with pytest.raises(TemporaryError):
        ADAPTER.fetch(line, ListingRef(draft.external_id, "", "", 4))
