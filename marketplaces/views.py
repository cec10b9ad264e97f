"""The webhook door: authenticate, store, answer."""

import uuid

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from marketplaces.errors import BadSignature
from marketplaces.services.inbox import TooLargeError, inbox_receive
from seatsync.core.edge import body_within, too_large
from seatsync.core.errors import FieldProblem, NotFound, SeatSyncError
from seatsync.core.problems import problem_view

CHALLENGE = 'Signature realm="webhooks"'


@csrf_exempt
def webhook(request: HttpRequest, platform: str, account_id: uuid.UUID) -> HttpResponse:
    """200 once stored; 401 for a wrong secret (nothing stored), 404 for an unknown account, 413 for a huge body."""
    if request.method != "POST":
        detail = "Deliveries are sent by POST. The header Allow names the methods that there are."
        return problem_view(request, 405, "method_not_allowed", detail, headers={"Allow": "POST"})
    body, size = body_within(request, settings.MAIL_LARGEST_BODY)
    try:
        fresh = inbox_receive(
            platform=platform, account_id=account_id, headers=dict(request.headers), body=body, size=size
        )
    except TooLargeError as error:
        return too_large(request, error.most)
    except BadSignature:
        detail = "The delivery does not carry this account's secret."
        remedy = "Sign it with the secret that was given when the webhook was registered."
        return problem_view(
            request, 401, "bad_signature", detail, problems=(FieldProblem("signature", detail, remedy),),
            headers={"WWW-Authenticate": CHALLENGE},
        )  # fmt: skip
    except NotFound:
        return problem_view(request, 404, "not_found", "No such account.")
    except SeatSyncError as error:
        return problem_view(request, error.status, error.code, error.detail, problems=error.problems)
    return JsonResponse({"stored": fresh})
