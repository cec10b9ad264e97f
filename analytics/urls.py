"""Pages whose rows mix apps: desk, season, game, search."""

from django.urls import path

from analytics.views import desk, game, inbox, search, season

app_name = "analytics"
urlpatterns = [
    path("", desk.desk, name="desk"),
    path("desk/needs/", desk.desk_needs, name="desk_needs"),
    path("search/", search.search, name="search"),
    path("portfolio/inbox/", inbox.inbox_list, name="inbox"),
    path("portfolio/<uuid:ticket_id>/", season.season_detail, name="season_detail"),
    path("portfolio/games/<uuid:game_id>/", game.game_detail, name="game_detail"),
    path("portfolio/games/<uuid:game_id>/publish/", game.game_publish, name="game_publish"),
    path("portfolio/games/<uuid:game_id>/net/", game.game_net, name="game_net"),
    path("portfolio/games/<uuid:game_id>/suggest/", game.game_suggest, name="game_suggest"),
]
