"""Where a platform takes files: a small transport over HTTP (as the simulator offers it), FTP, FTP over TLS or SFTP."""

import ftplib
import io
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import unquote, urlsplit

import httpx

from marketplaces.adapters import _wire
from marketplaces.adapters._bounds import TIMEOUT_S, Collected, clock
from marketplaces.adapters._sftp import SftpDrop
from marketplaces.contracts import Link
from marketplaces.errors import GrantExpired, PermanentError, TemporaryError, UnknownOutcome

_ABSENT = 550
_SIGN_IN = 530


class Drop(Protocol):
    """One file's place at a platform."""

    def read(self) -> bytes | None:
        """What lies there; None where nothing does, or may be read. Raises TemporaryError or GrantExpired."""
        ...

    def written_at(self) -> datetime | None:
        """When the file was written there last (aware UTC); None where that is not told. Raises as `read` does."""
        ...

    def write(self, content: bytes) -> None:
        """Put the file there. Raises UnknownOutcome where it may have arrived, TemporaryError where it never left."""
        ...


def drop_at(
    link: Link, address: str, *, key: str, user: str, password: str, requests: tuple[str, str]
) -> Drop:  # fmt: skip
    """The file at an address of http(s), ftp, ftps or sftp. Raises PermanentError for any other.

    `requests`: the names of reading and of writing it. Each takes its token, whatever the way.
    """
    parts = urlsplit(address)
    try:
        port = parts.port or 21
    except ValueError as error:
        raise PermanentError(f"the file's address has no good port: {error}") from error
    if parts.scheme in {"http", "https"}:
        return HttpDrop(link, address, key, requests)
    if parts.scheme in {"ftp", "ftps"} and parts.hostname:
        server = FtpDrop(parts.hostname, port, unquote(parts.path), user, password, parts.scheme == "ftps")
        return CountedDrop(link, server, requests)
    if parts.scheme == "sftp" and parts.hostname:
        return CountedDrop(link, SftpDrop(address, user=user, password=password), requests)
    raise PermanentError(f"{parts.scheme or 'nothing'} is not a way to a file: use ftp, ftps, sftp or https")


class CountedDrop:
    """A file on a server that speaks no HTTP: what is asked of it counts as a request all the same."""

    def __init__(self, link: Link, server: Drop, requests: tuple[str, str]) -> None:
        self._link, self._server = link, server
        self._reading, self._writing = requests

    def read(self) -> bytes | None:
        """As the server's. Raises MustWait, unasked, where there is no token yet."""
        _wire.take_token(self._link, self._reading, write=False)
        return self._server.read()

    def written_at(self) -> datetime | None:
        """As the server's. Raises MustWait, unasked, where there is no token yet."""
        _wire.take_token(self._link, self._reading, write=False)
        return self._server.written_at()

    def write(self, content: bytes) -> None:
        """As the server's. Raises MustWait, unsent, where there is no token yet."""
        _wire.take_token(self._link, self._writing, write=True)
        self._server.write(content)


class HttpDrop:
    """A file that is read by GET and written by PUT."""

    def __init__(self, link: Link, address: str, key: str, requests: tuple[str, str]) -> None:
        # Merged: the address may have a query of its own, which `params` would replace.
        self._link, self._address = link, str(httpx.URL(address).copy_merge_params({"source": key}))
        self._reading, self._writing = requests
        self._modified = ""

    def read(self) -> bytes | None:
        """GET; 404 is an empty place."""
        response = _wire.send(self._link, "GET", self._address, request=self._reading, write=False)
        if response.status_code == 404:
            return None
        _wire.refuse(response, response.reason_phrase, write=False, gone=False)
        self._modified = response.headers.get("Last-Modified", "")
        return response.content

    def written_at(self) -> datetime | None:
        """Last-Modified of what was read."""
        return _wire.http_date(self._modified)

    def write(self, content: bytes) -> None:
        """PUT."""
        response = _wire.send(
            self._link, "PUT", self._address, request=self._writing, write=True, content=content,
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
        found = Collected()
        try:
            with self._session() as ftp:
                ftp.retrbinary(f"RETR {self._path}", found.take)
        except ftplib.error_perm as error:
            if _code(error) == _ABSENT:
                return None
            raise PermanentError(f"the file server refuses to read ({_code(error)})") from error
        except (ftplib.Error, OSError, EOFError) as error:
            raise TemporaryError("the file server broke off") from error
        return found.whole

    def written_at(self) -> datetime | None:
        """MDTM (RFC 3659), which is UTC; None where the server does not know it, or no such file."""
        try:
            with self._session() as ftp:
                told = ftp.sendcmd(f"MDTM {self._path}").partition(" ")[2].strip()
        except ftplib.error_perm:
            return None
        except (ftplib.Error, OSError, EOFError) as error:
            raise TemporaryError("the file server broke off") from error
        try:
            return datetime.strptime(told.partition(".")[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            return None

    def write(self, content: bytes) -> None:
        """STOR."""
        in_time = clock()
        try:
            with self._session() as ftp:
                ftp.storbinary(f"STOR {self._path}", io.BytesIO(content), callback=lambda _: in_time())
        except ftplib.error_perm as error:
            raise PermanentError(f"the file server refuses the file ({_code(error)})") from error
        except (ftplib.Error, OSError, EOFError) as error:
            raise UnknownOutcome("the file server broke off") from error

    @contextmanager
    def _session(self) -> Iterator[ftplib.FTP]:
        ftp = self._unconnected()
        try:
            self._enter(ftp)
            yield ftp
        finally:
            ftp.close()

    def _unconnected(self) -> ftplib.FTP:
        if not self._secure:
            return ftplib.FTP(timeout=TIMEOUT_S)  # noqa: S321 - it is what the platform offers
        # What ftplib makes by itself trusts any certificate.
        return ftplib.FTP_TLS(timeout=TIMEOUT_S, context=ssl.create_default_context())  # noqa: S321 - TLS, verified

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
            raise PermanentError(f"the file server refuses us ({_code(error)})") from error
        except ssl.SSLCertVerificationError as error:
            raise PermanentError("the file server's certificate is not good") from error
        except (ftplib.Error, OSError, EOFError) as error:
            raise TemporaryError(f"the file server {self._host} cannot be reached") from error


def _code(error: Exception) -> int:
    """The number of a refusal; its words may repeat what it was sent, a password too."""
    return _wire.int_of(str(error)[:3]) or 0
