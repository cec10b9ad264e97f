"""Which sales of others a price suggestion stands on, and why it left the others out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from analytics.selectors.game import COMPARABLES, Block, GamePage
from intelligence.models import AiPrediction
from marketplaces.models import MarketSnapshot

LEFT_OUT = {"section": "other section", "zone": "other zone"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a sale in one suggestion. `seats` names it where the page's suggestions differ on the sale."""

    used: bool
    words: str
    seats: str = ""


@dataclass(frozen=True, slots=True)
class JudgedSale:
    """A sale of others with its verdicts; none where nothing was suggested."""

    sale: MarketSnapshot
    verdicts: list[Verdict]


@dataclass(frozen=True, slots=True)
class Basis:
    """How many sales a suggestion used and left out."""

    seats: str
    used: int
    dropped: int
    level: str


def sales_judged(page: GamePage) -> list[JudgedSale]:
    """Sales of others with what the suggestions made of each: those that a price stands on, then the newest."""
    asked = [block for block in page.blocks if block.prediction is not None]
    judged = [JudgedSale(sale, _verdicts(asked, sale)) for sale in page.prints]
    used_first = sorted(judged, key=lambda row: not any(verdict.used for verdict in row.verdicts))
    return used_first[:COMPARABLES]


def bases(page: GamePage) -> list[Basis]:
    """What each suggestion of the page stands on."""
    return [_basis(block, block.prediction) for block in page.blocks if block.prediction is not None]


def _basis(block: Block, prediction: AiPrediction) -> Basis:
    evidence = prediction.features.get("evidence", {})
    dropped = sum(kind["n"] for kind in evidence.get("dropped", {}).values())
    return Basis(_seats(block), evidence.get("used", {}).get("n", 0), dropped, prediction.level)


def _verdicts(blocks: Sequence[Block], sale: MarketSnapshot) -> list[Verdict]:
    found = [(block, verdict(block.prediction, sale)) for block in blocks if block.prediction is not None]
    if len({judged for _, judged in found}) == 1:
        return [found[0][1]]
    return [Verdict(judged.used, judged.words, _seats(block)) for block, judged in found]


def _seats(block: Block) -> str:
    return f"{block.section}/{block.row} {block.label}"


def verdict(prediction: AiPrediction, sale: MarketSnapshot) -> Verdict:
    """What a suggestion made of a sale, by the evidence that it kept and the rule that it went by."""
    if _among_used(prediction, sale):
        return Verdict(True, "used")
    if sale.currency != "USD":
        return Verdict(False, "no: not in USD")
    if sale.time >= _asked_at(prediction):
        return Verdict(False, "no: sold since")
    if _of_level(prediction, sale):
        # It would have been used, had it been known: recorded sales come in late.
        return Verdict(False, "no: known since")
    return Verdict(False, f"no: {LEFT_OUT[prediction.level]}")


def _among_used(prediction: AiPrediction, sale: MarketSnapshot) -> bool:
    used = prediction.features.get("evidence", {}).get("used", {"n": 0, "newest": []})
    newest = [(section, price, datetime.fromisoformat(at)) for section, price, at in used["newest"]]
    if (sale.section, str(sale.price), sale.time) in newest:
        return True
    # Of many only the newest are kept; an older one of the same place is among those that are only counted.
    counted = used["n"] > len(newest) and sale.time <= min(at for _, _, at in newest)
    return counted and sale.currency == "USD" and _of_level(prediction, sale)


def _asked_at(prediction: AiPrediction) -> datetime:
    asked = prediction.features.get("asked_at")
    return datetime.fromisoformat(asked) if asked else prediction.created_at


def _of_level(prediction: AiPrediction, sale: MarketSnapshot) -> bool:
    """Whether the rule of the suggestion's level takes sales of this place."""
    if prediction.level == "section":
        return bool(sale.section == prediction.features["section"])
    if prediction.level == "zone":
        return bool(sale.zone == prediction.features["zone"])
    return True
