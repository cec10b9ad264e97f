"""Input of the connections page."""

from django import forms

MODES = [
    ("paper", "Paper: practice, nothing is offered"),
    ("live", "Live"),
    ("assisted", "By hand: it gives you no interface"),
]


class ConnectForm(forms.Form):
    """Which platform to connect, how, and the token where the platform has no consent page."""

    platform = forms.SlugField(max_length=20)
    mode = forms.ChoiceField(label="Mode", choices=MODES)
    token = forms.CharField(
        label="API token", max_length=400, required=False, strip=True, widget=forms.PasswordInput(render_value=False)
    )


class ConsentForm(forms.Form):
    """What a platform sends the browser back with."""

    state = forms.CharField(max_length=200, required=False)
    code = forms.CharField(max_length=2000, required=False)
