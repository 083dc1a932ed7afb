"""Who is told who a patient is: whoever registered him or treats him, and not whoever names him."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.referral.domain import commands as c
from services.referral.domain.identity_access import IdentityEvidence
from services.referral.domain.referral_state import Referral
from services.referral.domain.values import Urgency
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotFound
from tests.unit.referral.identity.desk import Desk, of_patient
from tests.unit.referral.identity.people import DETAILS
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    COORDINATOR,
    EAST,
    GENERAL,
    GENERAL_OFFICE,
    QITAI,
    QITAI_COORDINATOR,
    TOWN,
    WUCAIWAN,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    CREATE,
    ERROR,
    ROUTINE,
    accepted,
    arrived,
    cancelled,
    closed,
    deceased,
    declined,
    expired,
    requested,
    told,
    transport_arranged,
)
from tests.unit.referral.table.tales import both_asked

NUMBER = IdentityEvidence(document_number=DETAILS.document_number.lower())
WRONG = IdentityEvidence(document_number="110105194912310038", health_card_number="HC-0")


def of_stranger(**changes: Any) -> Referral:
    """A facility that never had the patient names him, and asks the hospital that may know him."""
    command = replace(ROUTINE, destinations=("jimsar-general",), urgency=Urgency.URGENT)
    chart = Chart(name="referrals/5d9f7c5e-0000-4000-8000-00000000000f")
    chart.when(command, TOWN)
    return of_patient(chart, **{"episode": "episodes/of-the-stranger", **changes})


def registered(*referrals: Referral) -> Desk:
    """Wucaiwan has registered the patient; then these referrals are there beside its own."""
    desk = Desk()
    desk.write()
    desk.referrals = [*desk.referrals, *referrals]
    return desk


def tells(desk: Desk, actor: Actor, evidence: IdentityEvidence | None = None) -> bool:
    try:
        return desk.look(actor, evidence=evidence).details == DETAILS
    except NotFound:
        return False


def writes(desk: Desk, actor: Actor, **details: str) -> bool:
    try:
        return desk.write(actor, details=replace(DETAILS, **details)).version > 1
    except NotFound:
        return False


def test_who_only_names_a_patient_is_told_nothing() -> None:
    desk = registered(of_stranger())
    assert not tells(desk, TOWN)
    assert not writes(
        desk, TOWN, document_number="", document_type=None, health_card_number="", insurance_number=""
    )  # type: ignore[arg-type]
    assert tells(desk, WUCAIWAN)


def test_asking_who_registered_him_opens_nothing() -> None:
    desk = Desk(referrals=[of_patient(accepted())])
    desk.write()
    desk.referrals = [of_stranger()]
    desk.store.rows[0] = replace(desk.store.rows[0], facility="jimsar-general")
    assert not tells(desk, TOWN)
    assert tells(desk, GENERAL), "it registered him itself"


def test_when_who_registered_him_accepts_it_vouches() -> None:
    taken = told(
        (c.AcceptReferral(accepting_clinician=ACCEPT.accepting_clinician), GENERAL), chart=requested()
    )
    desk = Desk(referrals=[of_patient(taken)])
    desk.write()
    desk.store.rows[0] = replace(
        desk.store.rows[0], facility="jimsar-general", sealed=desk.store.rows[0].sealed
    )
    assert tells(desk, WUCAIWAN)


def test_a_number_from_the_document_opens_it() -> None:
    desk = registered(of_stranger())
    desk.views.clear()
    assert tells(desk, TOWN, NUMBER)
    assert [view.reason for view in desk.views] == ["TREATMENT (EVIDENCE)"]
    assert tells(desk, TOWN, IdentityEvidence(insurance_number=DETAILS.insurance_number))
    assert tells(desk, TOWN, IdentityEvidence(health_card_number=DETAILS.health_card_number))


def test_a_wrong_number_is_on_record() -> None:
    desk = registered(of_stranger())
    desk.views.clear()
    for evidence in (WRONG, IdentityEvidence()):
        assert not tells(desk, TOWN, evidence)
    assert [view.reason for view in desk.views] == ["EVIDENCE_REFUSED, TREATMENT"] * 2


def test_without_a_part_a_number_is_not_even_compared() -> None:
    desk = registered()
    desk.views.clear()
    for stranger in (TOWN, QITAI, QITAI_COORDINATOR):
        assert not tells(desk, stranger, NUMBER)
    assert desk.views == []


def test_a_coordinator_needs_a_referral_that_is_vouched_for() -> None:
    assert tells(registered(), COORDINATOR)
    assert not tells(registered(), QITAI_COORDINATOR, NUMBER)
    elsewhere = registered(of_stranger(origin_facility="qitai-people"))
    assert not tells(elsewhere, QITAI_COORDINATOR, NUMBER)


def test_a_later_referral_of_the_episode_is_vouched_for_too() -> None:
    onward = of_stranger(episode=accepted().referral.episode)
    assert tells(registered(onward), TOWN)


def test_those_who_are_asked_are_told_while_they_are_asked() -> None:
    desk = registered()
    desk.referrals = [of_patient(both_asked())]
    assert tells(desk, GENERAL_OFFICE)
    assert tells(desk, EAST)
    desk.referrals = [of_patient(told((ACCEPT, GENERAL), chart=both_asked()))]
    assert tells(desk, GENERAL)
    assert not tells(desk, EAST), "its offer was withdrawn"
    desk.referrals = [of_patient(declined())]
    assert not tells(desk, GENERAL)


@pytest.mark.parametrize("story", [cancelled, expired, deceased])
def test_after_an_end_without_arrival_it_ends_within_three_days(story: Any) -> None:
    chart: Chart = story()
    state = of_patient(chart, origin_facility="jimsar-town")
    desk = registered()
    # Of the same episode as the one that who registered him refers.
    desk.referrals = [*desk.referrals, replace(state, episode=desk.referrals[0].episode)]
    desk.now = state.update_time + timedelta(hours=71)
    assert tells(desk, TOWN)
    assert not writes(desk, TOWN)
    desk.now = state.update_time + timedelta(hours=72)
    assert not tells(desk, TOWN)
    assert tells(desk, WUCAIWAN), "it registered him"


@pytest.mark.parametrize("story", [arrived, closed])
def test_who_had_the_patient_keeps_the_record(story: Any) -> None:
    desk = registered()
    desk.referrals = [of_patient(story())]
    desk.now = desk.now + timedelta(days=3650)
    assert tells(desk, GENERAL)


def test_an_error_may_be_another_patients() -> None:
    desk = registered()
    desk.referrals = [of_patient(told((ERROR, WUCAIWAN), (ERROR, GENERAL_OFFICE), chart=arrived()))]
    assert not tells(desk, GENERAL)


def test_who_has_the_patient_writes() -> None:
    desk = registered()
    desk.referrals = [of_patient(transport_arranged())]
    assert not writes(desk, GENERAL), "he has not arrived"
    desk.referrals = [of_patient(arrived())]
    assert writes(desk, GENERAL, telephone="13800000002")
    assert tells(desk, GENERAL, None) or desk.look(GENERAL).version == 2


def test_who_refers_and_has_his_document_writes() -> None:
    desk = registered(of_stranger())
    assert not writes(
        desk, TOWN, document_number="110105194912310038", health_card_number="", insurance_number=""
    )
    assert desk.views[-1].reason == "EVIDENCE_REFUSED"
    assert writes(desk, TOWN, telephone="13800000002")
    assert desk.look(TOWN).version == 2, "it has registered him itself"


def test_the_first_is_whoever_has_a_part_now() -> None:
    over = Desk(referrals=[of_patient(cancelled())])
    with pytest.raises(NotFound):
        over.write()
    asked = Desk(referrals=[of_patient(requested(replace(CREATE)))])
    assert asked.write(GENERAL).version == 1
    with pytest.raises(NotFound):
        asked.write(EAST)


def test_roles_still_count() -> None:
    desk = registered()
    crew = Actor(user="u", name="u", facility="wucaiwan", roles=(Role.AMBULANCE, Role.OPERATOR))
    assert not tells(desk, crew)
