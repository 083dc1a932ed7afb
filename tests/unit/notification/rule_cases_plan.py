"""Rules of what follows a referral for weeks: the plan that went down, and standing orders."""

from services.notification.domain.values import Severity
from tests.unit.notification.occurrences import ETA, occurrence
from tests.unit.notification.rule_cases import Case
from tests.unit.notification.scenario import BRANCH, HOSPITAL, REFERRAL

STANDING_ORDER = "standing_orders/5ad1ac15-0000-4000-8000-000000000001"

#: The patient is with the branch; the hospital referred down.
_DOWN = {"origin_facility": HOSPITAL, "destination_facility": BRANCH, "urgency": "ROUTINE"}
_TASK = {"task": "t3", "kind": "EXERCISE", "description": "训练", "due_at": ETA, "facility": BRANCH}
_FOLLOW_UP_MISSED = occurrence("FollowUpMissed", {"task": "t4", "due_at": ETA, "facility": BRANCH}, **_DOWN)

_MISSED_IN_A_ROW = occurrence(
    "VisitsMissedInARow",
    {"facility": HOSPITAL, "origin_facility": BRANCH, "visits": ["v2", "v3"]},
    of=STANDING_ORDER,
    origin_facility=BRANCH,
    destination_facility=HOSPITAL,
    pathway="HEMODIALYSIS",
    urgency="ROUTINE",
)

PLAN_CASES = [
    Case(
        rule="TASK_MISSED",
        events=(occurrence("TaskMissed", _TASK, **_DOWN),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.INFORMATION,
        key=f"TASK_MISSED/{REFERRAL}/t3",
    ),
    Case(
        rule="FOLLOW_UP_MISSED",
        events=(_FOLLOW_UP_MISSED,),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        key=f"FOLLOW_UP_MISSED/{REFERRAL}/t4",
        beside=("FOLLOW_UP_MISSED_ORIGIN",),
    ),
    Case(
        rule="FOLLOW_UP_MISSED_ORIGIN",
        events=(_FOLLOW_UP_MISSED,),
        facility=HOSPITAL,
        role="clinician",
        severity=Severity.INFORMATION,
        key=f"FOLLOW_UP_MISSED_ORIGIN/{REFERRAL}/t4",
        beside=("FOLLOW_UP_MISSED",),
    ),
    Case(
        rule="RED_FLAG",
        events=(occurrence("FollowUpRecorded", {"facility": BRANCH, "red_flag": "再发偏瘫"}, **_DOWN),),
        facility=HOSPITAL,
        role="clinician",
        severity=Severity.HIGH,
    ),
    Case(
        rule="VISITS_MISSED",
        events=(_MISSED_IN_A_ROW,),
        facility=HOSPITAL,
        role="clinician",
        severity=Severity.HIGH,
        key=f"VISITS_MISSED/{STANDING_ORDER}",
        beside=("VISITS_MISSED_ORIGIN",),
    ),
    Case(
        rule="VISITS_MISSED_ORIGIN",
        events=(_MISSED_IN_A_ROW,),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        key=f"VISITS_MISSED_ORIGIN/{STANDING_ORDER}",
        beside=("VISITS_MISSED",),
    ),
]
