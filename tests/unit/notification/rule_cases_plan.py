"""Rules of what follows a referral down: the plan, its follow-ups and red flags."""

from services.notification.domain.values import Severity
from tests.unit.notification.occurrences import ETA, occurrence
from tests.unit.notification.rule_cases import Case
from tests.unit.notification.scenario import BRANCH, HOSPITAL, REFERRAL

#: The patient is with the branch; the hospital referred down.
_DOWN = {"origin_facility": HOSPITAL, "destination_facility": BRANCH, "urgency": "ROUTINE"}
_TASK = {"task": "t3", "kind": "EXERCISE", "description": "训练", "due_at": ETA, "facility": BRANCH}
_FOLLOW_UP_MISSED = occurrence("FollowUpMissed", {"task": "t4", "due_at": ETA, "facility": BRANCH}, **_DOWN)

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
]
