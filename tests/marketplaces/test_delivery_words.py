"""What a step asks for in words is what its form takes."""

import pytest

from marketplaces.delivery import STEPS, DeliveryStep, HandOver

ASKED_FOR = {
    HandOver.MOBILE_TRANSFER: "number", HandOver.TRANSFER_URL: "link", HandOver.PDF: "PDF", HandOver.QR_CODE: "picture",
    HandOver.BARCODE: "barcode", HandOver.TRACKING: "number", HandOver.RESERVATION_CODE: "code",
    HandOver.DROP_OFF: "receipt",
}  # fmt: skip


@pytest.mark.parametrize("step", [step for step in STEPS if step is not DeliveryStep.UNTOLD])
def test_the_words_of_a_step_name_every_way_in_which_it_ends(step: DeliveryStep) -> None:
    words = STEPS[step].words
    assert [way for way in STEPS[step].ways if ASKED_FOR[way] not in words] == []
