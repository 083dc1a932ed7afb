"""Rules of referrals: the event, whose it is to act, and how loud."""

from services.notification.domain.values import DutyStep, Severity
from tests.unit.notification.occurrences import (
    BED,
    ETA,
    EXHAUSTED,
    SECOND_OFFER,
    TO_PREFECTURE,
    occurrence,
    offer,
)
from tests.unit.notification.rule_cases import Case
from tests.unit.notification.scenario import BRANCH, HOSPITAL, NOW, OFFER, PREFECTURE, REFERRAL, TWO_MINUTES

OFFERS_OPENED = [
    "ReferralApproved",
    "OfferDeclined",
    "OfferLapsed",
    "ReferralRerouted",
    "AcceptanceWithdrawn",
]
OPENED = {"offer": SECOND_OFFER, "facility": PREFECTURE, "offers": [offer()]}

REFERRAL_CASES = [
    Case(
        rule="APPROVAL_NEEDED",
        events=(
            occurrence(
                "ReferralRequested",
                {"needs_approval": True, "approval_facility": HOSPITAL, "expires_at": ETA},
                urgency="ROUTINE",
            ),
        ),
        facility=HOSPITAL,
        role="referral_office",
        severity=Severity.HIGH,
        act_by=ETA,
    ),
    Case(
        rule="APPROVAL_REFUSED",
        events=(occurrence("ApprovalRefused", {"reason": {"code": "LOCAL_CARE"}, "expires_at": ETA}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        act_by=ETA,
    ),
    Case(
        rule="OFFER",
        events=(occurrence("ReferralRequested", {"offers": [offer()]}, version=1),),
        facility=HOSPITAL,
        role="STROKE",
        act_by=NOW + TWO_MINUTES,
        key=f"OFFER/{REFERRAL}/{OFFER}",
    ),
    *(
        Case(
            rule="OFFER",
            events=(occurrence(event_type, OPENED),),
            facility=HOSPITAL,
            role="STROKE",
            act_by=NOW + TWO_MINUTES,
            key=f"OFFER/{REFERRAL}/{OFFER}",
            beside={"OfferLapsed": ("OFFER_LAPSED",), "AcceptanceWithdrawn": ("ACCEPTANCE_WITHDRAWN",)}.get(
                event_type, ()
            ),
        )
        for event_type in OFFERS_OPENED
    ),
    Case(
        rule="OFFER_OVERDUE",
        events=(occurrence("OfferOverdue", {"offer": OFFER, "facility": HOSPITAL}),),
        facility=HOSPITAL,
        role="STROKE",
        first_step=DutyStep.LEAD,
        key=f"OFFER_OVERDUE/{REFERRAL}/{OFFER}",
        beside=("OFFER_UNANSWERED",),
    ),
    Case(
        rule="OFFER_UNANSWERED",
        events=(occurrence("OfferOverdue", {"offer": OFFER, "facility": HOSPITAL}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        beside=("OFFER_OVERDUE",),
    ),
    Case(
        rule="OFFER_LAPSED",
        events=(occurrence("OfferLapsed", OPENED),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.INFORMATION,
        beside=("OFFER",),
    ),
    *(
        Case(
            rule="OFFERS_EXHAUSTED",
            events=(occurrence(event_type, EXHAUSTED),),
            facility=BRANCH,
            role="clinician",
            act_by=ETA,
        )
        for event_type in ("OfferDeclined", "OfferLapsed", "AcceptanceWithdrawn")
    ),
    Case(
        rule="INFORMATION_REQUESTED",
        events=(occurrence("InformationRequested", {"offer": OFFER, "facility": HOSPITAL}),),
        facility=BRANCH,
        role="clinician",
    ),
    Case(
        rule="INFORMATION_PROVIDED",
        events=(
            occurrence("InformationRequested", {"offer": OFFER, "facility": PREFECTURE}),
            occurrence("InformationProvided", {"answers": ["…"]}, version=3),
        ),
        facility=PREFECTURE,
        role="STROKE",
    ),
    Case(rule="REFERRAL_EXPIRED", events=(occurrence("ReferralExpired"),), facility=BRANCH, role="clinician"),
    Case(
        rule="REFERRAL_ACCEPTED",
        events=(occurrence("ReferralAccepted", {"offer": OFFER, "facility": HOSPITAL}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.INFORMATION,
    ),
    Case(
        rule="ACCEPTANCE_WITHDRAWN",
        events=(occurrence("AcceptanceWithdrawn", OPENED),),
        facility=BRANCH,
        role="clinician",
        beside=("OFFER",),
    ),
    Case(
        rule="BYPASS_GRANTED",
        events=(occurrence("BypassGranted", {"facility": HOSPITAL, "reason": {"code": "NO_BED"}}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.INFORMATION,
    ),
    Case(
        rule="ERROR_MARK_REQUESTED",
        events=(
            occurrence(
                "ErrorMarkRequested",
                {
                    "facility": BRANCH,
                    "destination_facility": HOSPITAL,
                    "reason": {"code": "WRONG_PATIENT"},
                    "confirm_by": ETA,
                },
            ),
        ),
        facility=HOSPITAL,
        role="referral_office",
        severity=Severity.HIGH,
        act_by=ETA,
    ),
    Case(
        rule="ERROR_MARK_LAPSED",
        events=(occurrence("ErrorMarkLapsed", {"facility": BRANCH, "destination_facility": HOSPITAL}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.INFORMATION,
    ),
    Case(
        rule="BED_UNAVAILABLE",
        events=(occurrence("BedUnavailable", {"bed": BED}),),
        facility=HOSPITAL,
        role="bed_desk",
        beside=("BED_UNAVAILABLE_ORIGIN",),
    ),
    Case(
        rule="BED_UNAVAILABLE_ORIGIN",
        events=(occurrence("BedUnavailable", {"bed": BED}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        beside=("BED_UNAVAILABLE",),
    ),
    Case(
        rule="BED_HOLD_LAPSED",
        events=(occurrence("BedHoldLapsed", {"bed": BED}),),
        facility=HOSPITAL,
        role="bed_desk",
        beside=("BED_HOLD_LAPSED_ORIGIN",),
    ),
    Case(
        rule="BED_HOLD_LAPSED_ORIGIN",
        events=(occurrence("BedHoldLapsed", {"bed": BED}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        beside=("BED_HOLD_LAPSED",),
    ),
    Case(
        rule="CANCELLATION_REQUESTED",
        events=(occurrence("CancellationRequested", {"reason": {"code": "IMPROVED"}, "confirm_by": ETA}),),
        facility=HOSPITAL,
        role="STROKE",
        severity=Severity.HIGH,
        act_by=ETA,
    ),
    Case(
        rule="PATIENT_ON_THE_ROAD",
        events=(
            occurrence("PatientDeparted", {"destination_facility": HOSPITAL, "estimated_arrival_time": ETA}),
        ),
        facility=HOSPITAL,
        role="STROKE",
        act_by=ETA,
    ),
    Case(
        rule="PATIENT_DIVERTED",
        events=(TO_PREFECTURE,),
        facility=PREFECTURE,
        role="STROKE",
        act_by=ETA,
        key=f"PATIENT_DIVERTED/{REFERRAL}/{PREFECTURE}",
        beside=("PATIENT_DIVERTED_AWAY", "PATIENT_DIVERTED_ORIGIN"),
    ),
    Case(
        rule="PATIENT_DIVERTED_AWAY",
        events=(TO_PREFECTURE,),
        facility=HOSPITAL,
        role="STROKE",
        severity=Severity.INFORMATION,
        beside=("PATIENT_DIVERTED", "PATIENT_DIVERTED_ORIGIN"),
    ),
    Case(
        rule="PATIENT_DIVERTED_ORIGIN",
        events=(TO_PREFECTURE,),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        beside=("PATIENT_DIVERTED", "PATIENT_DIVERTED_AWAY"),
    ),
    Case(
        rule="ARRIVAL_OVERDUE",
        events=(occurrence("ArrivalOverdue", {"facility": HOSPITAL}),),
        facility=HOSPITAL,
        role="STROKE",
        beside=("ARRIVAL_OVERDUE_ORIGIN",),
    ),
    Case(
        rule="ARRIVAL_OVERDUE_ORIGIN",
        events=(occurrence("ArrivalOverdue", {"facility": HOSPITAL}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
        beside=("ARRIVAL_OVERDUE",),
    ),
    Case(
        rule="PATIENT_NO_SHOW",
        events=(occurrence("PatientNoShow", {"facility": HOSPITAL}),),
        facility=BRANCH,
        role="clinician",
    ),
    Case(
        rule="RECORD_OVERDUE",
        events=(occurrence("RecordOverdue", {"facility": BRANCH}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.INFORMATION,
    ),
    Case(
        rule="OUTCOME_REPORT_OVERDUE",
        events=(occurrence("OutcomeReportOverdue", {"facility": HOSPITAL}),),
        facility=BRANCH,
        role="clinician",
        severity=Severity.HIGH,
    ),
]
