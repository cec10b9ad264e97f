"""Season tickets and the seat ledger."""

from django.urls import path

from portfolios import views

app_name = "portfolios"
urlpatterns = [
    path("portfolio/", views.season_ticket_list, name="season_ticket_list"),
    path("portfolio/new/", views.season_ticket_new, name="season_ticket_new"),
    path("portfolio/<uuid:ticket_id>/correct/", views.season_ticket_correct, name="season_ticket_correct"),
    path("portfolio/<uuid:ticket_id>/delete/", views.season_ticket_remove, name="season_ticket_remove"),
    path("portfolio/games/<uuid:game_id>/seats/", views.seats_state, name="seats_state"),
]
