"""Long readings that a limit breaks off: they go on another time, and ask nothing that they were told before.

Nobody sleeps until there is a token. A poll or a sweep ends with MustWait, and what it was told so far is kept for
minutes, encrypted, in Valkey; when it is begun anew it comes at once to where it was.
"""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx
import redis
import structlog
from cryptography.fernet import InvalidToken

from marketplaces.errors import MustWait, TemporaryError
from marketplaces.models import MarketplaceAccount
from seatsync.core.clock import now
from seatsync.core.crypto import fernet
from seatsync.core.limiters import valkey

# So long after it was told something last a reading is worth going on with. Not after its beginning: a long one, at a
# slow limit, would never end. How old the oldest of it is, it says (`began`), and who reads goes by that.
KEPT_FOR = timedelta(minutes=5)
# A reading that was told more is begun anew.
MOST_BYTES = 16_000_000
log = structlog.get_logger(__name__)


class KeptAnswers:
    """What one reading was told, by question; see Answers in marketplaces/contracts.py."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._told: dict[str, tuple[int, str, bytes]] = {}
        self._began: datetime | None = None
        self._last: datetime | None = None
        self._passed: set[str] = set()
        self._stored = self._load()

    @property
    def began(self) -> datetime:
        """When it was told the first of it; now where it was told nothing yet."""
        return self._began or now()

    def known(self, key: str) -> httpx.Response | None:
        """The answer to a question, where it was told before."""
        found = self._told.get(key)
        if found is None:
            return None
        status, media_type, content = found
        return httpx.Response(status, headers={"content-type": media_type}, content=content)

    def note(self, key: str, response: httpx.Response) -> None:
        """This was told."""
        self._last = now()
        self._began = self._began or self._last
        self._told[key] = response.status_code, response.headers.get("content-type", ""), response.content

    def passed(self, step: str) -> bool:
        """Whether a step of the reading was done before."""
        return step in self._passed

    def note_passed(self, step: str) -> None:
        """It is done, and not to be done again."""
        self._passed.add(step)

    def store(self) -> None:
        """Keep it for when the reading goes on."""
        last = self._last or self.began
        left = last + KEPT_FOR - now()
        told = {key: [status, kind, b64encode(content).decode()] for key, (status, kind, content) in self._told.items()}
        moments = {"began": self.began.isoformat(), "last": last.isoformat()}
        facts = moments | {"told": told, "passed": sorted(self._passed)}
        packed = zlib.compress(json.dumps(facts).encode(), 1)
        if not told or left <= timedelta(0) or len(packed) > MOST_BYTES:
            self.forget()
            return
        try:
            valkey().set(self._key, fernet().encrypt(packed), px=max(1, int(left.total_seconds() * 1000)))
        except redis.RedisError:
            log.warning("reading.not_kept", key=self._key)

    def forget(self) -> None:
        """It is through."""
        if not self._stored:
            return
        try:
            valkey().delete(self._key)
        except redis.RedisError:
            log.warning("reading.not_forgotten", key=self._key)

    def _load(self) -> bool:
        try:
            sealed = valkey().get(self._key)
        except redis.RedisError:
            return False
        if not isinstance(sealed, bytes):
            return False
        try:
            found = json.loads(zlib.decompress(fernet().decrypt(sealed)))
        except InvalidToken:
            # Under a key that is no more: it is read anew.
            return True
        self._began, self._passed = datetime.fromisoformat(found["began"]), set(found["passed"])
        self._last = datetime.fromisoformat(found.get("last", found["began"]))
        self._told = {key: (status, kind, b64decode(content)) for key, (status, kind, content) in found["told"].items()}
        return True


@contextmanager
def reading_of(account: MarketplaceAccount, what: str, *, patient: bool = False) -> Iterator[KeptAnswers]:
    """Around a reading: what it was told is kept where a limit breaks it off, and forgotten otherwise.

    `patient`: so long a reading that it would never end if every trouble of the moment made it begin anew; it is kept.
    """
    answers = KeptAnswers(f"reading:{account.pk}:{what}")
    try:
        yield answers
    except TemporaryError as error:
        # What was told before a limit was met, ours or theirs, is as good as it was.
        if patient or isinstance(error, MustWait) or error.status == HTTPStatus.TOO_MANY_REQUESTS:
            answers.store()
        else:
            answers.forget()
        raise
    except BaseException:
        answers.forget()
        raise
    answers.forget()
