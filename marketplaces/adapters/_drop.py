"""Where a platform takes files: a small transport over HTTP (as the simulator offers it), FTP or FTP over TLS."""

import ftplib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from urllib.parse import unquote, urlsplit

import httpx

from marketplaces.adapters import _wire
from marketplaces.errors import GrantExpired, PermanentError, TemporaryError, UnknownOutcome

TIMEOUT_S = 8.0
# An inventory of a season is some hundred kilobytes; what is larger than this is no inventory.
MOST_BYTES = 20_000_000
_ABSENT = 550
_SIGN_IN = 530


class Drop(Protocol):
    """One file's place at a platform."""

    def read(self) -> bytes | None:
        """What lies there; None where nothing does, or may be read. Raises TemporaryError or GrantExpired."""
        ...

    def write(self, content: bytes) -> None:
        """Put the file there. Raises UnknownOutcome where it may have arrived, TemporaryError where it never left."""
        ...


def drop_at(http: httpx.Client, address: str, *, key: str, user: str, password: str) -> Drop:
    """The file at an address of http(s), ftp or ftps. Raises PermanentError for any other."""
    parts = urlsplit(address)
    if parts.scheme in {"http", "https"}:
        return HttpDrop(http, address, key)
    if parts.scheme in {"ftp", "ftps"} and parts.hostname:
        return FtpDrop(parts.hostname, parts.port or 21, unquote(parts.path), user, password, parts.scheme == "ftps")
    raise PermanentError(f"{parts.scheme or 'nothing'} is not a way to a file: use ftp, ftps or https")


class HttpDrop:
    """A file that is read by GET and written by PUT."""

    def __init__(self, http: httpx.Client, address: str, key: str) -> None:
        self._http, self._address, self._query = http, address, {"source": key}

    def read(self) -> bytes | None:
        """GET; 404 is an empty place."""
        response = _wire.send(self._http, "GET", self._address, write=False, params=self._query)
        if response.status_code == 404:
            return None
        _wire.refuse(response, response.reason_phrase, write=False, gone=False)
        return response.content

    def write(self, content: bytes) -> None:
        """PUT."""
        response = _wire.send(
            self._http, "PUT", self._address, write=True, params=self._query, content=content,
            headers={"Content-Type": "text/csv"},
        )  # fmt: skip
        _wire.refuse(response, response.reason_phrase, write=True, gone=False)


class FtpDrop:
    """A file on an FTP server. Each call signs in anew: servers end idle sessions, and a write is rare."""

    def __init__(self, host: str, port: int, path: str, user: str, password: str, secure: bool) -> None:
        self._host, self._port, self._path = host, port, path.lstrip("/")
        self._user, self._password, self._secure = user, password, secure

    def read(self) -> bytes | None:
        """RETR; a server that shows no such file, or shows none, gives None."""
        found = io.BytesIO()

        def take(part: bytes) -> None:
            if found.tell() + len(part) > MOST_BYTES:
                raise PermanentError("the file there is too large to be an inventory")
            found.write(part)

        try:
            with self._session() as ftp:
                ftp.retrbinary(f"RETR {self._path}", take)
        except ftplib.error_perm as error:
            if _code(error) == _ABSENT:
                return None
            raise PermanentError(f"the file server refuses to read: {error}") from error
        except (ftplib.Error, OSError, EOFError) as error:
            raise TemporaryError(f"the file server broke off: {error}") from error
        return found.getvalue()

    def write(self, content: bytes) -> None:
        """STOR."""
        try:
            with self._session() as ftp:
                ftp.storbinary(f"STOR {self._path}", io.BytesIO(content))
        except ftplib.error_perm as error:
            raise PermanentError(f"the file server refuses the file: {error}") from error
        except (ftplib.Error, OSError, EOFError) as error:
            raise UnknownOutcome(f"the file server broke off: {error}") from error

    @contextmanager
    def _session(self) -> Iterator[ftplib.FTP]:
        ftp = ftplib.FTP_TLS(timeout=TIMEOUT_S) if self._secure else ftplib.FTP(timeout=TIMEOUT_S)  # noqa: S321 - theirs
        try:
            self._enter(ftp)
            yield ftp
        finally:
            ftp.close()

    def _enter(self, ftp: ftplib.FTP) -> None:
        """Connect and sign in; nothing has been sent yet, whatever fails here."""
        try:
            ftp.connect(self._host, self._port)
            ftp.login(self._user, self._password)
            if isinstance(ftp, ftplib.FTP_TLS):
                ftp.prot_p()
        except ftplib.error_perm as error:
            if _code(error) == _SIGN_IN:
                raise GrantExpired("the file server refuses this user and password") from error
            raise PermanentError(f"the file server refuses us: {error}") from error
        except (ftplib.Error, OSError, EOFError) as error:
            raise TemporaryError(f"the file server {self._host} cannot be reached: {error}") from error


def _code(error: Exception) -> int:
    return _wire.int_of(str(error)[:3]) or 0
