"""A file on a server over SSH: known by its host key, which the address carries, or not written to at all."""

import base64
import binascii
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import paramiko
from paramiko.pkey import UnknownKeyType

from marketplaces.adapters._bounds import TIMEOUT_S, Collected, clock
from marketplaces.errors import GrantExpired, PermanentError, TemporaryError, UnknownOutcome

PORT = 22
_PART = 65_536


class SftpDrop:
    """A file over SFTP. Each call signs in anew, as the FTP drop does; nothing of the server is believed but its key.

    The address is sftp://host[:port]/path?host_key=ALGORITHM%20BASE64, as the server's known_hosts line has it.
    """

    def __init__(self, address: str, *, user: str, password: str) -> None:
        parts = urlsplit(address)
        self._host, self._port, self._path = parts.hostname or "", parts.port or PORT, unquote(parts.path)
        # Not as a form's: there a plus sign, which a key may have, is a space.
        given = dict(part.partition("=")[::2] for part in parts.query.split("&"))
        self._key = host_key_of(unquote(given.get("host_key", "")))
        self._user, self._password = user, password

    def read(self) -> bytes | None:
        """The file; None where there is none, or may be read. Raises TemporaryError, GrantExpired or PermanentError."""
        found = Collected()
        try:
            with self._session() as sftp, sftp.open(self._path, "rb") as file:
                while part := file.read(_PART):
                    found.take(part)
        except (FileNotFoundError, PermissionError):
            return None
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise TemporaryError("the file server broke off") from error
        return found.whole

    def written_at(self) -> datetime | None:
        """The file's time of change; None where the server does not tell it. Raises as `read` does."""
        try:
            with self._session() as sftp:
                seconds = sftp.stat(self._path).st_mtime
        except (paramiko.SSHException, EOFError) as error:
            raise TemporaryError("the file server broke off") from error
        except OSError:
            # No such file, or a server that tells of none.
            return None
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    def write(self, content: bytes) -> None:
        """Put the file there. Raises UnknownOutcome where it may have arrived, TemporaryError where it never left."""
        in_time = clock()
        try:
            with self._session() as sftp, sftp.open(self._path, "wb") as file:
                file.set_pipelined(True)
                for start in range(0, len(content), _PART):
                    in_time()
                    file.write(content[start : start + _PART])
        except (PermissionError, FileNotFoundError) as error:
            raise PermanentError("the file server refuses the file") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise UnknownOutcome("the file server broke off") from error

    @contextmanager
    def _session(self) -> Iterator[paramiko.SFTPClient]:
        transport = self._entered()
        try:
            sftp = paramiko.SFTPClient.from_transport(transport)
            if sftp is None:
                raise TemporaryError("the file server opens no channel")
            channel = sftp.get_channel()
            if channel is not None:
                channel.settimeout(TIMEOUT_S)
            yield sftp
        finally:
            transport.close()

    def _entered(self) -> paramiko.Transport:
        """Connected, the server known, and signed in; nothing has been sent yet, whatever fails here."""
        try:
            line = socket.create_connection((self._host, self._port), timeout=TIMEOUT_S)
        except OSError as error:
            raise TemporaryError(f"the file server {self._host} cannot be reached") from error
        transport = paramiko.Transport(line)
        transport.banner_timeout = transport.auth_timeout = TIMEOUT_S
        # A server with several keys shows the one that we know.
        transport.get_security_options().key_types = _kinds_of(self._key)
        try:
            transport.start_client(timeout=TIMEOUT_S)
            self._known(transport)
            transport.auth_password(self._user, self._password)
        except paramiko.AuthenticationException as error:
            transport.close()
            raise GrantExpired("the file server refuses this user and password") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            transport.close()
            raise TemporaryError(f"the file server {self._host} cannot be reached") from error
        except PermanentError:
            transport.close()
            raise
        return transport

    def _known(self, transport: paramiko.Transport) -> None:
        """Before a password is sent. Raises PermanentError for another server than the address names."""
        if transport.get_remote_server_key() != self._key:
            raise PermanentError("the file server's key is not the one that its address names")


def _kinds_of(key: paramiko.PKey) -> list[str]:
    """The algorithms by which a server proves this key: RSA has newer ones than its name."""
    name = key.get_name()
    return ["rsa-sha2-512", "rsa-sha2-256", name] if name == "ssh-rsa" else [name]


def host_key_of(line: str) -> paramiko.PKey:
    """The key of a known_hosts line without its host: "ssh-ed25519 AAAA...". Raises PermanentError where it is none."""
    kind, _, text = line.strip().partition(" ")
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(text.split(" ")[0], validate=True))
    except (paramiko.SSHException, UnknownKeyType, binascii.Error, ValueError) as error:
        raise PermanentError("an sftp address names its server's key: ?host_key=ssh-ed25519%20AAAA...") from error
