"""Rules of consultations and wards: the event, whose it is to act, and how loud."""

from datetime import timedelta

from services.notification.domain.values import DutyStep, Severity
from tests.unit.notification.occurrences import (
    CRITICAL_REPORT,
    HALF_HOUR,
    HOLD,
    WARD,
    asked_for_consultation,
    occurrence,
    of_consultation,
)
from tests.unit.notification.rule_cases import Case
from tests.unit.notification.scenario import BRANCH, HOSPITAL, NOW, REFERRAL

#: An amendment of a report whose critical values the requester has acknowledged.
KNOWN = {"critical_value_notice": {"acknowledge_by": NOW, "acknowledged": True}}

OTHER_CASES = [
    *(
        Case(
            rule="CONSULTATION_REQUESTED",
            events=events,
            facility=HOSPITAL,
            role="ECG",
            act_by=NOW + HALF_HOUR,
        )
        for events in (
            (asked_for_consultation(),),
            of_consultation("ConsultationResubmitted"),
            of_consultation("ClaimReleased", {"by_deadline": True}),
        )
    ),
    Case(
        rule="CONSULTATION_REQUESTED",
        events=(asked_for_consultation(kind="TELECONSULTATION", pathway="STROKE"),),
        facility=HOSPITAL,
        role="STROKE",
        act_by=NOW + HALF_HOUR,
    ),
    Case(
        rule="CONSULTATION_OVERDUE",
        events=of_consultation("ConsultationOverdue", {"due_at": NOW + HALF_HOUR}),
        facility=HOSPITAL,
        role="ECG",
        first_step=DutyStep.LEAD,
        act_by=NOW + HALF_HOUR,
    ),
    Case(
        rule="CONSULTATION_RETURNED",
        events=of_consultation("ConsultationReturned", {"reason": {"code": "MISSING_LEAD"}}),
        facility=BRANCH,
        role="clinician",
    ),
    Case(
        rule="RESUBMISSION_OVERDUE",
        events=of_consultation("ResubmissionOverdue", {"due_at": NOW}),
        facility=BRANCH,
        role="clinician",
        first_step=DutyStep.LEAD,
        act_by=NOW,
    ),
    Case(
        rule="EXPERT_VISIT_OVERDUE",
        events=of_consultation("ExpertVisitOverdue", {"due_at": NOW}),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        beside=("EXPERT_VISIT_OVERDUE_CENTRE",),
    ),
    Case(
        rule="EXPERT_VISIT_OVERDUE_CENTRE",
        events=of_consultation("ExpertVisitOverdue", {"due_at": NOW}),
        facility=HOSPITAL,
        role="ECG",
        severity=Severity.INFORMATION,
        beside=("EXPERT_VISIT_OVERDUE",),
    ),
    Case(
        rule="CONSULTATION_REPORTED",
        events=of_consultation("ConsultationReported", {"report": {"critical_value": False}}),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
    ),
    Case(
        rule="REPORT_AMENDED",
        events=of_consultation("ReportAmended", {"report": {}, "reason": {"code": "TYPO"}}),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
    ),
    *(
        Case(
            rule=rule,
            events=of_consultation(event_type, CRITICAL_REPORT),
            facility=facility,
            role=role,
            act_by=NOW + timedelta(minutes=minutes),
            beside=(*beside, *also),
        )
        for event_type, also in (("ConsultationReported", ()), ("ReportAmended", ("REPORT_AMENDED",)))
        for rule, facility, role, minutes, beside in (
            ("CRITICAL_VALUE", BRANCH, "clinician", 30, ("CRITICAL_VALUE_CENTRE",)),
            ("CRITICAL_VALUE_CENTRE", HOSPITAL, "CHEST_PAIN", 10, ("CRITICAL_VALUE",)),
        )
    ),
    Case(
        rule="REPORT_AMENDED",
        events=of_consultation("ReportAmended", {**CRITICAL_REPORT, **KNOWN}),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
    ),
    Case(
        rule="CRITICAL_VALUE_OVERDUE",
        events=of_consultation("CriticalValueOverdue", {"acknowledge_by": NOW}),
        facility=BRANCH,
        role="clinician",
        first_step=DutyStep.LEAD,
        act_by=NOW,
    ),
    Case(
        rule="EXPERT_VISIT_CANCELLED",
        events=of_consultation(
            "ExpertVisitCancelled", {"reason": {"code": "ROADS_CLOSED"}, "told_facility": BRANCH}
        ),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
    ),
    Case(
        rule="BED_HOLD_OVERDUE",
        events=(occurrence("BedHoldOverdue", {"hold": HOLD}, of=WARD, facility=HOSPITAL),),
        facility=HOSPITAL,
        role="bed_desk",
        severity=Severity.HIGH,
        key=f"BED_HOLD_OVERDUE/{REFERRAL}/holds/1",
    ),
    Case(
        rule="BED_BLOCK_OVERDUE",
        events=(
            occurrence(
                "BedBlockOverdue",
                {"bed": "w-02", "reason": {"code": "BROKEN"}},
                of=WARD,
                facility=HOSPITAL,
            ),
        ),
        facility=HOSPITAL,
        role="bed_desk",
        severity=Severity.INFORMATION,
        key=f"BED_BLOCK_OVERDUE/{WARD}/w-02",
    ),
    Case(
        rule="COUNTS_DIFFER",
        events=(occurrence("CountsConfirmed", {"differs": True}, of=WARD, facility=HOSPITAL),),
        facility=HOSPITAL,
        role="bed_desk",
        severity=Severity.HIGH,
        key=f"COUNTS_DIFFER/{WARD}",
    ),
]
