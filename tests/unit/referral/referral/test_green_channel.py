"""A referral that names a green channel: what becomes of it, and what stays as it is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain.directory_entries import GreenChannel
from services.referral.domain.events import ReferralRequested
from services.referral.domain.referral_values import Consent, ReferralState
from services.referral.domain.review_values import ReviewState
from services.referral.domain.values import Pathway
from services.shared.kernel.refusals import InvalidInput
from services.shared.kernel.text import BilingualText
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import CHANGJI, DIRECTORY, WUCAIWAN
from tests.unit.referral.referral.stories import ACCEPT, OUT_OF_COUNTY, told

CHANNEL = GreenChannel(
    id="school",
    name=BilingualText(zh="二小通道", en="School"),
    holder="第二小学",
    facility="changji-prefecture",
)
BY_CHANNEL = replace(OUT_OF_COUNTY, green_channel="school")


def chart(channel: GreenChannel = CHANNEL) -> Chart:
    found = told()
    found.directory = replace(DIRECTORY, green_channels={channel.id: channel})
    return found


def test_it_waits_for_nobody_and_is_reviewed_afterwards() -> None:
    waiting = chart()
    waiting.refused(OUT_OF_COUNTY, WUCAIWAN, "LEVEL_BY_LEVEL")
    through = chart()
    (event,) = through.when(BY_CHANNEL, WUCAIWAN)
    assert isinstance(event, ReferralRequested)
    assert through.referral.state is ReferralState.REQUESTED
    assert [offer.facility for offer in event.offers] == ["changji-prefecture"]
    assert (event.needs_approval, event.approval_in_retrospect) == (False, True)
    assert event.approval_facility == "jimsar-general"
    (said,) = [each for each in event.norms if each.code == "GREEN_CHANNEL"]
    assert "审批排队（事后补审）" in said.text.zh


def test_the_lead_reviews_what_the_channel_let_through() -> None:
    through = chart()
    through.when(BY_CHANNEL, WUCAIWAN)
    through.when(ACCEPT, CHANGJI)
    review = through.referral.review
    assert review is not None
    assert (review.state, review.facility) == (ReviewState.PENDING, "jimsar-general")
    assert review.due_at == through.now + timedelta(hours=72)


def test_clinical_guards_stand() -> None:
    chart().refused(replace(BY_CHANNEL, consent=Consent()), WUCAIWAN, "CONSENT")
    chart().refused(replace(BY_CHANNEL, pathway=Pathway.HEMODIALYSIS), WUCAIWAN, "CAPABILITY")
    busy = chart()
    busy.live = ("referrals/other",)
    busy.refused(BY_CHANNEL, WUCAIWAN, "ONE_LIVE")


def test_a_channel_of_somebody_else_is_refused() -> None:
    other = chart(replace(CHANNEL, holder="jimsar-town"))
    other.refused(BY_CHANNEL, WUCAIWAN, "LEVEL_BY_LEVEL", "GREEN_CHANNEL")


def test_a_channel_that_nobody_made_is_a_wrong_field() -> None:
    with pytest.raises(InvalidInput) as caught:
        told().when(BY_CHANNEL, WUCAIWAN)
    assert [each.field for each in caught.value.violations] == ["green_channel"]
