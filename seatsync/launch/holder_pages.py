"""What the holder reads on the product's own pages, signed in as a browser is."""

import re
import uuid

import httpx
from django.conf import settings

from seatsync.demo.people import HOLDER_EMAIL, PASSWORD

_SEAT = re.compile(r'title="Seat (\d+): ([^"]+)"')


class PageError(Exception):
    """A page did not answer as it should; the text says which and how."""


class HolderPages:
    """The demo's holder at the pages. Raises PageError where one refuses, and httpx.HTTPError where none answers."""

    def __init__(self) -> None:
        self._http = httpx.Client(base_url=settings.BASE_URL, timeout=20, follow_redirects=True)

    def sign_in(self) -> None:
        """By the form, with its token."""
        path = "/accounts/login/"
        self._text(path)
        form = {"login": HOLDER_EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": self._http.cookies["csrftoken"]}
        answer = self._http.post(path, data=form, headers={"Referer": f"{settings.BASE_URL}{path}"})
        if answer.status_code != 200 or answer.url.path != "/":
            raise PageError(f"Signing in at {path} ended at {answer.url} with {answer.status_code}.")

    def seats(self, game_id: uuid.UUID | str) -> dict[int, str]:
        """The word that the game's page has for each of its seats, by seat number."""
        return {int(number): word for number, word in _SEAT.findall(self._text(f"/portfolio/games/{game_id}/"))}

    def season_figure(self, season_ticket_id: uuid.UUID | str, name: str) -> str:
        """A figure of the season page's strip as it stands there: sold, listed, open and so on."""
        page = self._text(f"/portfolio/{season_ticket_id}/")
        found = re.search(rf'data-live="{name}-{season_ticket_id}">([^<]*)<', page)
        if found is None:
            raise PageError(f"The season's page has no figure {name!r}.")
        return found.group(1)

    def _text(self, path: str) -> str:
        answer = self._http.get(path)
        if answer.status_code != 200 or answer.url.path != path:
            raise PageError(f"GET {path} ended at {answer.url.path} with {answer.status_code}.")
        return answer.text
