"""Input of the connections page."""

from typing import Any

from django import forms
from django.http import QueryDict

from marketplaces.contracts import Traits
from seatsync.core.forms import Form

MODES = [
    ("paper", "Paper: practice, nothing is offered"),
    ("live", "Live"),
    ("assisted", "By hand: it gives you no interface"),
]


class ConnectForm(Form):
    """Which platform to connect, how, and the token where the platform has no consent page."""

    platform = forms.SlugField(max_length=20)
    mode = forms.ChoiceField(label="Mode", choices=MODES)
    token = forms.CharField(
        label="API token", max_length=400, required=False, strip=True, widget=forms.PasswordInput(render_value=False)
    )
    same_account = forms.BooleanField(label="It is the same account, with a new key", required=False)

    def __init__(self, data: QueryDict | None = None, *, traits: Traits | None = None, **more: Any) -> None:
        """`traits`: of the platform that it is sent for, whose own fields of the page are meant by what is refused."""
        super().__init__(data, **more | ({} if traits is None else {"auto_id": f"%s-{traits.key}"}))
        if traits is not None and traits.token_parts:
            self.fields["token"].label = ", ".join(traits.token_parts)


class ConsentForm(Form):
    """What a platform sends the browser back with."""

    state = forms.CharField(max_length=200, required=False)
    code = forms.CharField(max_length=2000, required=False)
    # RFC 6749 4.1.2.1: why there is no code.
    error = forms.CharField(max_length=200, required=False)
