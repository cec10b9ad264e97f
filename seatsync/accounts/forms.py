"""Input of the settings pages."""

from django import forms

from seatsync.accounts.services.profile import PHONE, PHONE_REMEDY


class ProfileForm(forms.Form):
    """Name and phone."""

    full_name = forms.CharField(label="Name", max_length=150, required=False)
    phone = forms.RegexField(
        PHONE,
        label="Phone",
        required=False,
        max_length=20,
        help_text="For marketplaces that ask for one. With country code.",
        error_messages={"invalid": PHONE_REMEDY},
    )
