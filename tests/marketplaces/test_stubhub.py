"""StubHub: sign-in, the published schema, and what only it has."""

import importlib.util
import json
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qs, urlsplit

import pytest

from marketplaces.adapters.stubhub import ADAPTER, mapping, webhook
from marketplaces.contracts import ListingRef, RemoteSaleState
from marketplaces.errors import AlreadySold, GrantExpired
from marketplaces.wire import dump
from tests.marketplaces.conftest import BASE, Bench, draft

SHARED = Path(__file__).resolve().parents[3] / "shared" / "marketplaces"
REDIRECT = "http://us/connect/done/"


def published() -> ModuleType:
    if not (SHARED / "check_contract.py").exists():
        pytest.skip("the published specs are not beside this checkout")
    spec = importlib.util.spec_from_file_location("check_contract", SHARED / "check_contract.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("split", sorted(mapping.SPLITS))
@pytest.mark.parametrize("known", [True, False])
def test_every_listing_body_fits_the_published_schema(split: str, known: bool) -> None:
    from dataclasses import replace

    body = json.loads(dump(mapping.listing_body(replace(draft(), split=split), known_event=known)))
    name = "PostSellerListingRequest" if known else "PostRequestedEventSellerListingRequest"
    assert published().violations("stubhub-inventory.json", name, body) == []


def test_every_other_body_fits_the_published_schema(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    check = published().violations
    link = bench.link(ADAPTER)
    sent: list[tuple[str, dict[str, object]]] = []
    original = type(ADAPTER)._change

    def spy(self: object, link: object, method: str, path: str, body: object = None) -> object:
        if body is not None:
            sent.append((path, json.loads(dump(body))))
        return original(self, link, method, path, body)  # type: ignore[arg-type]

    monkeypatch.setattr(type(ADAPTER), "_change", spy)
    ADAPTER.create(link, draft())
    ref = ListingRef("a" * 32, "", "501", 4)
    ADAPTER.reprice(link, ref, Decimal("80.10"), "USD")
    ADAPTER.resize(link, ref, (1, 2))
    ADAPTER.register_webhook(link, url="http://us/hook", secret="s")
    sale_id = bench.control("sell", platform="stubhub", external_id="a" * 32)["sale_id"]
    ADAPTER.confirm(link, sale_id)
    schemas = {
        "externalsellerlistings": ("stubhub-inventory.json", "PatchSellerListingRequest"),
        "events": ("stubhub-inventory.json", "PostSellerListingRequest"),
        "webhooks": ("stubhub-webhooks.json", "PostWebhookRequest"),
        "sales": ("stubhub-sales.json", "PatchSaleRequest"),
    }
    assert len(sent) == 5
    for path, body in sent:
        spec, schema = schemas[path.split("/")[2]]
        assert check(spec, schema, body) == [], path


def consent(bench: Bench, challenge: str) -> str:
    url = ADAPTER.authorize_url(
        base_url=f"{BASE}/stubhub", app=bench.link(ADAPTER).app, state="st", redirect_uri=REDIRECT,
        code_challenge=challenge,
    )  # fmt: skip
    answer = bench.http.get(url)
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == ["st"]
    return query["code"][0]


CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def test_a_code_buys_tokens_once_and_only_with_its_verifier(bench: Bench) -> None:
    link = bench.link(ADAPTER)
    code = consent(bench, CHALLENGE)
    with pytest.raises(GrantExpired):
        ADAPTER.connect(link, code=consent(bench, CHALLENGE), redirect_uri=REDIRECT, code_verifier="wrong")
    grant = ADAPTER.connect(link, code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER)
    assert grant.account_id
    assert grant.expires_at is not None
    with pytest.raises(GrantExpired):
        ADAPTER.connect(link, code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER)


def test_a_refresh_token_is_single_use(bench: Bench) -> None:
    link = bench.link(ADAPTER)
    fresh = ADAPTER.refresh(link)
    assert fresh.refresh_token != link.grant.refresh_token
    with pytest.raises(GrantExpired):
        ADAPTER.refresh(link)


def test_a_delist_after_the_sale_says_so(bench: Bench) -> None:
    link = bench.link(ADAPTER)
    ADAPTER.create(link, draft())
    bench.control("sell", platform="stubhub", external_id="a" * 32)
    with pytest.raises(AlreadySold):
        ADAPTER.delist(link, ListingRef("a" * 32, "", "501", 4))


def test_the_preview_tells_the_proceeds_and_creates_nothing(bench: Bench) -> None:
    preview = ADAPTER.preview(bench.link(ADAPTER), draft(price="84.50"))
    assert (preview.price, preview.proceeds) == (Decimal("84.50"), Decimal("76.05"))
    assert bench.ledger()["listings"] == []


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("UnderReview", RemoteSaleState.PROVISIONAL),
        ("ConfirmSale", RemoteSaleState.AWAITING_CONFIRM),
        ("TransferTDT", RemoteSaleState.AWAITING_FULFILMENT),
        ("Complete", RemoteSaleState.COMPLETE),
        ("Cancelled", RemoteSaleState.CANCELLED),
        ("SomethingNew", RemoteSaleState.UNKNOWN),
    ],
)
def test_sale_states(status: str, state: RemoteSaleState) -> None:
    body = {
        "id": 7, "created_at": "2026-05-01T10:00:00Z", "number_of_tickets": 1, "status": status,
        "proceeds": {"amount": Decimal("144.16"), "currency_code": "USD"}, "unknown_field": [1],
        "_embedded": {"seller_listing": {"ticket_price": {"amount": Decimal("160.18")}}},
    }  # fmt: skip
    sale = mapping.sale_of(body)
    assert (sale.state, sale.gross, sale.fees, sale.seats) == (state, Decimal("160.18"), Decimal("16.02"), ())


def test_topics_are_known() -> None:
    assert "sales" in webhook.TOPICS
