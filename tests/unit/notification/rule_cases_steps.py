"""Rules of the steps after acceptance: late, expected at another time, without a bed, to be reviewed."""

from datetime import timedelta

from services.notification.domain.values import DutyStep, Severity
from tests.unit.notification.occurrences import BED, ETA, occurrence
from tests.unit.notification.rule_cases import Case
from tests.unit.notification.scenario import BRANCH, HOSPITAL, NOW, REFERRAL

_LATE = {"due_at": NOW}
_THREE_DAYS = NOW + timedelta(days=3)
_REVIEW = {"review_facility": HOSPITAL, "review_due_at": _THREE_DAYS}
#: By event: whose it is to act.
_STEPS = {
    "DepartureOverdue": BRANCH,
    "ArrivalOverdue": HOSPITAL,
    "NoShowUnresolved": BRANCH,
    "TreatmentStartOverdue": HOSPITAL,
    "TreatmentOverdue": HOSPITAL,
}

STEP_CASES = [
    Case(
        rule="DEPARTURE_OVERDUE",
        events=(occurrence("DepartureOverdue", {"facility": BRANCH, **_LATE}),),
        facility=BRANCH,
        role="clinician",
        beside=("DEPARTURE_OVERDUE_DESTINATION",),
    ),
    Case(
        rule="DEPARTURE_OVERDUE_DESTINATION",
        events=(occurrence("DepartureOverdue", {"facility": BRANCH, **_LATE}),),
        facility=HOSPITAL,
        role="STROKE",
        severity=Severity.HIGH,
        beside=("DEPARTURE_OVERDUE",),
    ),
    Case(
        rule="NO_SHOW_UNRESOLVED",
        events=(occurrence("NoShowUnresolved", {"facility": BRANCH, **_LATE}),),
        facility=BRANCH,
        role="clinician",
    ),
    Case(
        rule="TREATMENT_START_OVERDUE",
        events=(occurrence("TreatmentStartOverdue", {"facility": HOSPITAL, **_LATE}),),
        facility=HOSPITAL,
        role="STROKE",
    ),
    Case(
        rule="TREATMENT_OVERDUE",
        events=(occurrence("TreatmentOverdue", {"facility": HOSPITAL, **_LATE}),),
        facility=HOSPITAL,
        role="clinician",
        severity=Severity.HIGH,
    ),
    *(
        Case(
            rule="STEP_STILL_OVERDUE",
            events=(occurrence(event_type, {"facility": facility, "again": True, **_LATE}),),
            facility=facility,
            role="STROKE",
            first_step=DutyStep.LEAD,
            key=f"STEP_STILL_OVERDUE/{REFERRAL}",
        )
        for event_type, facility in _STEPS.items()
    ),
    Case(
        rule="ARRIVAL_ESTIMATE_CHANGED",
        events=(occurrence("ArrivalEstimateChanged", {"facility": HOSPITAL, "estimated_arrival_time": ETA}),),
        facility=HOSPITAL,
        role="STROKE",
        severity=Severity.INFORMATION,
        act_by=ETA,
    ),
    Case(
        rule="BED_UNANSWERED",
        events=(occurrence("BedAnswerOverdue", {"facility": HOSPITAL, **_LATE}),),
        facility=HOSPITAL,
        role="bed_desk",
        beside=("BED_UNANSWERED_ORIGIN",),
    ),
    Case(
        rule="BED_UNANSWERED_ORIGIN",
        events=(occurrence("BedAnswerOverdue", {"facility": HOSPITAL, **_LATE}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        beside=("BED_UNANSWERED",),
    ),
    Case(
        rule="BED_RELEASED",
        events=(occurrence("BedReleased", {"bed": BED, "expected": True}),),
        facility=HOSPITAL,
        role="STROKE",
        beside=("BED_RELEASED_ORIGIN",),
    ),
    Case(
        rule="BED_RELEASED_ORIGIN",
        events=(occurrence("BedReleased", {"bed": BED, "expected": True}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        beside=("BED_RELEASED",),
    ),
    Case(
        rule="REVIEW_NEEDED",
        events=(
            occurrence("ReferralAccepted", {"facility": HOSPITAL, "estimated_arrival_time": ETA, **_REVIEW}),
        ),
        facility=HOSPITAL,
        role="referral_office",
        severity=Severity.INFORMATION,
        act_by=_THREE_DAYS,
        beside=("REFERRAL_ACCEPTED",),
    ),
    Case(
        rule="REVIEW_OVERDUE",
        events=(occurrence("ReviewOverdue", {"facility": HOSPITAL, "due_at": NOW}),),
        facility=HOSPITAL,
        role="referral_office",
        severity=Severity.HIGH,
    ),
]
