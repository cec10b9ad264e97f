"""The settings page."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from seatsync.accounts.forms import ProfileForm
from seatsync.accounts.models import User
from seatsync.accounts.selectors import request_actor
from seatsync.accounts.services.profile import profile_update
from seatsync.core.errors import InvalidInput
from seatsync.core.forms import form_add_refusal


@login_required
@require_GET
def settings(request: HttpRequest) -> HttpResponse:
    """Profile, appearance and sign-in."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("a signed-in user is a User")
    form = ProfileForm(initial={"full_name": user.full_name, "phone": user.phone})
    return render(request, "accounts/settings.html", {"form": form})


@login_required
@require_POST
def profile_edit(request: HttpRequest) -> HttpResponse:
    """Save name and phone."""
    form = ProfileForm(request.POST)
    if form.is_valid():
        try:
            profile_update(actor=request_actor(request), **form.cleaned_data)
        except InvalidInput as error:
            form_add_refusal(form, error)
        else:
            messages.success(request, "Your profile is saved.")
            return redirect("accounts:settings")
    return render(request, "accounts/settings.html", {"form": form}, status=422)
