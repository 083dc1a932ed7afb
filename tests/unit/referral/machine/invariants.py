"""What holds of every referral after every step of every history, and of all referrals of an episode.

Source: the domain contract: offers, custodian, bed region, deadlines, terminal states, norm ONE_LIVE.
"""

from collections.abc import Iterable

import msgspec

from services.referral.domain.deadlines import Due
from services.referral.domain.evolve import evolve
from services.referral.domain.offers_found import open_offers
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral import Referral, deadlines, facets, is_live
from services.referral.domain.referral_values import OfferState, ReferralState
from tests.unit.referral.machine.witness import Witness
from tests.unit.referral.referral.chart import CODEC, Chart

S = ReferralState
#: Spelt out here: what is terminal must not follow from the code that is tested.
TERMINAL = (S.CLOSED, S.CANCELLED, S.EXPIRED, S.DECEASED, S.ENTERED_IN_ERROR)
ASKED = (S.REQUESTED, S.INFO_REQUESTED)
HERE = (S.ARRIVED, S.IN_TREATMENT, S.TREATED, S.CLOSED)
#: A standing order's visits are watched instead.
BY_VISITS = (S.ACCEPTED, S.ARRIVED, S.IN_TREATMENT)
#: What is due in each state after acceptance.
STEPS = {
    S.ACCEPTED: "departure",
    S.TRANSPORT_ARRANGED: "departure",
    S.IN_TRANSIT: "arrival",
    S.NO_SHOW: "no-show",
    S.ARRIVED: "treatment-start",
    S.IN_TREATMENT: "treatment",
}
TAKEN = (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.IN_TRANSIT, S.NO_SHOW, S.CANCEL_REQUESTED, *HERE)


def check_referral(chart: Chart, witness: Witness, policy: ReferralPolicy) -> None:
    """One referral, beside what its witness believes."""
    state = chart.referral
    _offers(state, witness)
    _custodian(state, witness)
    assert state.bed_region is witness.bed
    assert state.hop_count == witness.hops <= policy.hops_max
    _deadlines(state, policy)
    assert state.version == len(chart.stored)


def check_trail(chart: Chart) -> None:
    """The state is the fold of the stored bytes, and survives its own snapshot byte for byte."""
    state: Referral | None = None
    for number, stored in enumerate(chart.stored, start=1):
        recorded = CODEC.decode(stored)
        assert recorded.metadata.version == number
        state = evolve(state, recorded)
    assert state == chart.state
    snapshot = msgspec.msgpack.encode(chart.state)
    again = msgspec.msgpack.decode(snapshot, type=Referral)
    assert again == chart.state
    assert msgspec.msgpack.encode(again) == snapshot


def check_episode(referrals: Iterable[Referral]) -> None:
    """One live referral an episode, of one patient; what follows from another begins where that one is."""
    found = tuple(referrals)
    assert sum(is_live(each) for each in found) <= 1
    assert sum(facets(each)["live"] is True for each in found) <= 1
    assert len({each.episode for each in found}) <= 1
    assert len({each.patient for each in found}) <= 1
    by_name = {each.name: each for each in found}
    assert len(by_name) == len(found)
    for each in found:
        if each.parent:
            parent = by_name[each.parent]
            # One that ended without the patient may have been followed by another.
            assert each.state in TERMINAL or each.name in (parent.referred_back_to, parent.reopened_as)
            assert each.origin_facility == parent.custodian_facility
        for child in (each.referred_back_to, each.reopened_as):
            assert not child or by_name[child].parent == each.name
        if is_live(each):
            assert each.name == found[-1].name, "an earlier one is live beside what came after it"


def _offers(state: Referral, witness: Witness) -> None:
    accepted = [offer for offer in state.offers if offer.state is OfferState.ACCEPTED]
    assert len(accepted) <= 1
    assert {offer.name for offer in accepted} == witness.accepted
    assert len({offer.name for offer in state.offers}) == len(state.offers)
    assert state.was_accepted == witness.accepted_ever
    if state.state in TAKEN:
        assert accepted[0].facility == state.destination_facility == witness.destination
    if open_offers(state.offers):
        assert state.state in ASKED
        assert not accepted


def _custodian(state: Referral, witness: Witness) -> None:
    """The origin until the departure and on the road; from the arrival whoever reported it."""
    assert state.custodian_facility == witness.custodian
    if not witness.arrived:
        assert state.custodian_facility == state.origin_facility
    elif state.state in HERE:
        assert state.custodian_facility == state.destination_facility
    assert (state.state in HERE) <= witness.arrived
    assert (state.state is S.IN_TRANSIT) <= (witness.departed and not witness.arrived)


def _deadlines(state: Referral, policy: ReferralPolicy) -> None:
    keys = [deadline.key for deadline in deadlines(state)]
    assert len(keys) == len(set(keys))
    if state.state in TERMINAL:
        # One that has ended can be called an error: nothing but that word waits for somebody then.
        assert len(keys) == (state.error_mark is not None)
        assert all(key.startswith(f"{Due.ERROR_MARK}:") for key in keys)
    elif state.state in (*ASKED, S.DECLINED, S.AWAITING_APPROVAL, S.CANCEL_REQUESTED):
        assert keys, "what waits for somebody must not wait for ever"
    elif state.state in STEPS and not (state.standing_order and state.state in BY_VISITS):
        _step(state, keys, policy)


def _step(state: Referral, keys: list[str], policy: ReferralPolicy) -> None:
    """Each step after acceptance is asked after, so often as the policy says; then the list alone tells."""
    waits = [key for key in keys if key.startswith(f"{STEPS[state.state]}:")]
    reminders = state.next_step_reminders
    assert 0 <= reminders <= policy.overdue_reminders_max
    assert len(waits) == (reminders < policy.overdue_reminders_max), "silence after acceptance"
    if reminders:
        assert facets(state)["overdue"] is True
