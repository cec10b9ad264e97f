"""The webhook door: authenticate, store, answer."""

import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from marketplaces.errors import BadSignature
from marketplaces.services.inbox import inbox_receive
from seatsync.core.errors import NotFound, SeatSyncError

LARGEST_BODY = 1_000_000


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, platform: str, account_id: uuid.UUID) -> HttpResponse:
    """200 once stored; 401 for a wrong secret (nothing stored), 404 for an unknown account, 413 for a huge body."""
    if len(request.body) > LARGEST_BODY:
        return JsonResponse({"status": 413, "detail": "The body is larger than 1 MB."}, status=413)
    try:
        fresh = inbox_receive(
            platform=platform, account_id=account_id, headers=dict(request.headers), body=request.body
        )
    except BadSignature:
        return JsonResponse({"status": 401, "detail": "The delivery does not carry this account's secret."}, status=401)
    except NotFound:
        return JsonResponse({"status": 404, "detail": "No such account."}, status=404)
    except SeatSyncError as error:
        return JsonResponse({"status": error.status, "detail": error.detail}, status=error.status)
    return JsonResponse({"stored": fresh})
