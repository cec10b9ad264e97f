"""Input of the settings pages."""

from django import forms


class ProfileForm(forms.Form):
    """Name and phone."""

    full_name = forms.CharField(label="Name", max_length=150, required=False)
    phone = forms.RegexField(
        r"^\+?[0-9 ()-]{6,20}$",
        label="Phone",
        required=False,
        max_length=20,
        help_text="For marketplaces that ask for one. With country code.",
        error_messages={"invalid": "Write the number like +1 206 555 0123."},
    )
