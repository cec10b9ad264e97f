"""Settings of a person."""

from django.urls import path

from seatsync.accounts import views

app_name = "accounts"
urlpatterns = [
    path("settings/", views.settings, name="settings"),
    path("settings/profile/", views.profile_edit, name="profile_edit"),
]
