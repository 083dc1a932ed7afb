"""What settles the alerts of a late step, and how reminders follow one another."""

import pytest

from services.notification.domain.occurrence import Occurrence
from services.notification.domain.values import AlertState
from tests.unit.notification.desk import Desk
from tests.unit.notification.occurrences import BED, ETA, asked_for_consultation, occurrence
from tests.unit.notification.rule_cases_crews import ARRANGED, CARRIED_ELSEWHERE, CREW
from tests.unit.notification.scenario import BRANCH, CONSULTATION, HOSPITAL, NOW

AT_ORIGIN = {"facility": BRANCH, "due_at": NOW}
AT_DESTINATION = {"facility": HOSPITAL, "due_at": NOW}
DEPARTURE = occurrence("DepartureOverdue", AT_ORIGIN)
AGAIN = occurrence("DepartureOverdue", {**AT_ORIGIN, "again": True})
NO_SHOW = occurrence("NoShowUnresolved", AT_ORIGIN)
UNSTARTED = occurrence("TreatmentStartOverdue", AT_DESTINATION)
UNFINISHED = occurrence("TreatmentOverdue", AT_DESTINATION)
EXPECTED = {"facility": HOSPITAL, "estimated_arrival_time": ETA}
RELEASED = occurrence("BedReleased", {"bed": BED, "expected": True})
REVIEW = occurrence("ReviewOverdue", AT_DESTINATION)
OFF = occurrence("CancellationRequested", {"carrier_facility": CREW})
CALLED_AN_ERROR = occurrence(
    "ErrorMarkRequested", {"facility": BRANCH, "destination_facility": HOSPITAL, "confirm_by": NOW}
)
LAPSED = occurrence("ErrorMarkLapsed", {"facility": BRANCH, "destination_facility": HOSPITAL})


@pytest.mark.parametrize(
    ("before", "rule", "settling"),
    [
        (DEPARTURE, "DEPARTURE_OVERDUE", occurrence("PatientDeparted", EXPECTED)),
        (DEPARTURE, "DEPARTURE_OVERDUE", occurrence("TransportArranged")),
        (DEPARTURE, "DEPARTURE_OVERDUE_DESTINATION", occurrence("PatientArrived")),
        (AGAIN, "STEP_STILL_OVERDUE", occurrence("PatientDeparted", EXPECTED)),
        (AGAIN, "STEP_STILL_OVERDUE", occurrence("ReferralCancelled")),
        (occurrence("ArrivalOverdue", AT_DESTINATION), "ARRIVAL_OVERDUE",
         occurrence("ArrivalEstimateChanged", EXPECTED)),
        (NO_SHOW, "NO_SHOW_UNRESOLVED", occurrence("TransportArranged")),
        (UNSTARTED, "TREATMENT_START_OVERDUE", occurrence("TreatmentStarted")),
        (UNFINISHED, "TREATMENT_OVERDUE", occurrence("TreatmentCompleted")),
        (occurrence("ArrivalEstimateChanged", EXPECTED), "ARRIVAL_ESTIMATE_CHANGED",
         occurrence("PatientArrived")),
        (occurrence("BedAnswerOverdue", AT_DESTINATION), "BED_UNANSWERED",
         occurrence("BedUnavailable", {"bed": BED})),
        (occurrence("BedAnswerOverdue", AT_DESTINATION), "BED_UNANSWERED_ORIGIN",
         occurrence("BedHeld", {"bed": BED})),
        (RELEASED, "BED_RELEASED", occurrence("BedHeld", {"bed": BED})),
        (RELEASED, "BED_RELEASED_ORIGIN", occurrence("PatientArrived")),
        (REVIEW, "REVIEW_OVERDUE", occurrence("ReferralReviewed", {"facility": HOSPITAL})),
        (REVIEW, "REVIEW_OVERDUE", occurrence("ReviewNotDone", {"facility": HOSPITAL})),
        (ARRANGED, "CREW_NAMED", occurrence("PatientDeparted", EXPECTED)),
        (ARRANGED, "CREW_NAMED", occurrence("CancellationRequested")),
        (CARRIED_ELSEWHERE, "CREW_DIVERTED", occurrence("PatientArrived")),
        (CARRIED_ELSEWHERE, "PATIENT_DIVERTED_ORIGIN", occurrence("PatientArrived")),
        (OFF, "CREW_STOOD_DOWN", ARRANGED),
        (CALLED_AN_ERROR, "ERROR_MARK_REQUESTED", occurrence("ErrorMarkWithdrawn", {"facility": BRANCH})),
        (CALLED_AN_ERROR, "ERROR_MARK_REQUESTED", LAPSED),
        (LAPSED, "ERROR_MARK_LAPSED", CALLED_AN_ERROR),
        (LAPSED, "ERROR_MARK_LAPSED", occurrence("EnteredInError")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.event_type,
)  # fmt: skip
def test_what_is_done_settles_its_alert(before: Occurrence, rule: str, settling: Occurrence) -> None:
    desk = Desk().see(before)
    (name,) = [state.name for state in desk.live() if state.rule == rule]
    desk.see(settling)
    assert desk.alerts[name].state is AlertState.RESOLVED
    assert desk.alerts[name].resolution == settling.event_type


def test_each_reminder_is_a_new_alert_to_the_lead_and_the_first_stays_open() -> None:
    """One that was acknowledged and led to nothing would otherwise be the end of it."""
    desk = Desk().see(DEPARTURE, AGAIN, AGAIN)
    told = [state for state in desk.alerts.values() if state.rule == "STEP_STILL_OVERDUE"]
    assert sorted(state.state.value for state in told) == ["RESOLVED", "TRIGGERED"]
    assert "DEPARTURE_OVERDUE" in desk.open_rules()
    desk.see(occurrence("PatientDeparted", EXPECTED))
    assert desk.open_rules() == ["PATIENT_ON_THE_ROAD"]


def of_consultation(event_type: str) -> Occurrence:
    return occurrence(event_type, {"due_at": NOW}, of=CONSULTATION)


def test_a_resubmission_settles_that_it_was_late() -> None:
    desk = Desk().see(asked_for_consultation(), of_consultation("ResubmissionOverdue"))
    assert "RESUBMISSION_OVERDUE" in desk.open_rules()
    desk.see(of_consultation("ConsultationResubmitted"))
    assert desk.open_rules() == ["CONSULTATION_REQUESTED"]


@pytest.mark.parametrize("event_type", ["ExpertVisitHeld", "ExpertVisitCancelled", "ReportAmended"])
def test_a_word_on_the_visit_settles_that_there_was_none(event_type: str) -> None:
    desk = Desk().see(asked_for_consultation(), of_consultation("ExpertVisitOverdue"))
    assert {"EXPERT_VISIT_OVERDUE", "EXPERT_VISIT_OVERDUE_CENTRE"} <= set(desk.open_rules())
    desk.see(of_consultation(event_type))
    assert not {"EXPERT_VISIT_OVERDUE", "EXPERT_VISIT_OVERDUE_CENTRE"} & set(desk.open_rules())


def test_a_crew_is_told_of_a_cancellation_after_it_too() -> None:
    """What ends the referral settles all that is about it, and this is triggered by the end itself."""
    desk = Desk().see(ARRANGED, OFF)
    assert "CREW_NAMED" not in desk.open_rules() and "CREW_STOOD_DOWN" in desk.open_rules()
    desk.see(occurrence("ReferralCancelled", {"carrier_facility": CREW}))
    assert desk.open_rules() == ["CREW_STOOD_DOWN"]
