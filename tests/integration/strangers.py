"""Requests by which a stranger would reach for something that is there: a valid one for each RPC."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tests.integration.hospital import COUNTY, new_id

WHY = {"reason": {"code": "ANY"}}
NOW = datetime.now(UTC)
PLAN = {
    "tasks": [{"description": "肢体训练", "due_on": "2027-01-01"}],
    "medications": ["阿司匹林"],
    "red_flags": ["胸痛"],
    "first_follow_up_on": "2027-01-01",
}
REPORT = {"findings": "无", "conclusion": "无", "recommendation": "RECOMMENDATION_OBSERVE"}
RESULT = {"kind": "RESULT_KIND_LAB", "item_name": "血钾", "performed_at": NOW, "facility": COUNTY}
SUMMARY = {"discharge_summary": {"outcome": "OUTCOME_IMPROVED", "summary": "好转"}}
CLINICIAN = {"accepting_clinician": {"user": "dr-b", "name": "B"}}
TRANSPORT = {"transport": {"crew_level": "CREW_LEVEL_BASIC"}}
TASK = {"task": "t1"}
VISIT = {"visit": "v1"}
CLOCK = {"key": "door-to-needle"}


@dataclass(frozen=True)
class There:
    """One patient's things, between the branch and the county hospital."""

    referrals: str
    episodes: str
    consultations: str
    standing_orders: str
    patient: str

    def absent(self) -> "There":
        """The like of it, and nothing of it exists."""
        names = {
            field: f"{field}/{new_id()}"
            for field in ("referrals", "episodes", "consultations", "standing_orders")
        }
        return replace(self, **names, patient=f"P-{new_id()[:8]}")


Fields = Callable[[There], dict[str, Any]]


def _of(collection: str, fields: Mapping[str, Any]) -> Fields:
    return lambda there: {"name": getattr(there, collection), **fields}


def _commands(collection: str, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Fields]:
    return {name: _of(collection, fields) for name, fields in found.items()}


_QUESTION: dict[str, Any] = {
    "kind": "CONSULTATION_KIND_TELECONSULTATION",
    "urgency": "URGENCY_EMERGENCY",
    "pathway": "PATHWAY_STROKE",
    "centre_facility": COUNTY,
    "question": "是否溶栓？",
}
_STANDING = {"weekdays": [1], "at": "23:59", "starts_on": "2027-01-01", "ends_on": "2027-02-01"}

#: By RPC; every name in them must look as if nothing were there.
REQUESTS: dict[str, Fields] = {
    **_commands(
        "referrals",
        {
            "GetReferral": {},
            "GetTimeline": {"whole_episode": True},
            "VerifyTimeline": {},
            "ApproveReferral": {},
            "RefuseApproval": WHY,
            "ReviewReferral": {"verdict": 1, **WHY},
            "AcknowledgeOffer": {},
            "RequestInformation": {"questions": ["？"]},
            "ProvideInformation": {"answers": ["。"]},
            "AcceptReferral": CLINICIAN,
            "DeclineReferral": WHY,
            "RerouteReferral": {"destinations": [COUNTY]},
            "WithdrawAcceptance": WHY,
            "GrantBypass": WHY,
            "ArrangeTransport": TRANSPORT,
            "DepartPatient": {"handover_document": {"summary": "交接"}, **TRANSPORT},
            "DivertPatient": {"destination_facility": COUNTY, **WHY},
            "UpdateArrivalEstimate": {"estimated_arrival_time": NOW},
            "ReportArrival": {"patient": "P-1"},
            "ReportNoShow": {},
            "StartTreatment": {},
            "CompleteTreatment": SUMMARY,
            "ReferBack": {"destination_facility": COUNTY, "rehabilitation_plan": PLAN},
            "RecordFollowUp": {"findings": "平稳"},
            "CompleteTask": TASK,
            "CancelTask": {**TASK, **WHY},
            "ExplainMissedTask": {**TASK, **WHY},
            "AmendPlan": WHY,
            "AcknowledgeOutcome": {},
            "CloseReferral": {},
            "CancelReferral": WHY,
            "ConfirmCancellation": {},
            "RecordDeath": {"died_at": NOW, "certifier": "张"},
            "MarkEnteredInError": WHY,
            "WithdrawErrorMark": {},
            "AddResults": {"results": [RESULT]},
            "RecordRepeat": {"result": f"results/{new_id()}", "reason": 1},
            "CompleteRecord": {"record": {"narrative": "补记"}},
        },
    ),
    **_commands(
        "consultations",
        {
            "GetConsultation": {},
            "ClaimConsultation": {},
            "ReleaseClaim": {},
            "ReturnConsultation": WHY,
            "ResubmitConsultation": {},
            "ReportConsultation": {"report": REPORT},
            "AmendReport": {"report": REPORT, **WHY},
            "AcknowledgeCriticalValue": {},
            "ConfirmExpertVisit": {},
            "RecordExpertVisit": {"summary": "已手术"},
            "CancelExpertVisit": WHY,
            "CancelConsultation": WHY,
        },
    ),
    **_commands(
        "episodes",
        {
            "GetEpisode": {},
            "RecordMilestone": {"kind": 1},
            "CorrectMilestone": {"milestone": f"milestones/{new_id()}", "corrected_time": NOW, **WHY},
            "ExcludeClock": {**CLOCK, **WHY},
            "LiftClockExclusion": {**CLOCK, **WHY},
            "CloseEpisode": {},
        },
    ),
    **_commands(
        "standing_orders",
        {
            "GetStandingOrder": {},
            "RecordVisit": VISIT,
            "ReportMissedVisit": VISIT,
            "MoveVisit": {**VISIT, "starts_at": NOW, "asked_by": 1, **WHY},
            "SuspendStanding": {"from_on": "2027-01-01", **WHY},
            "ResumeStanding": {"from_on": "2027-01-01"},
            "EndStanding": WHY,
        },
    ),
    "ScheduleStanding": lambda there: {
        "referral": there.referrals,
        "plan": {**_STANDING, "duration_minutes": 240},
    },
    "RequestConsultation": lambda there: {
        "episode": there.episodes,
        "patient": there.patient,
        **_QUESTION,
    },
    "CreateReferral": lambda there: {
        "episode": there.episodes,
        "patient": there.patient,
        "destinations": [COUNTY],
        "urgency": "URGENCY_EMERGENCY",
        "pathway": "PATHWAY_STROKE",
        "clinical_summary": {"diagnosis_name": "脑梗死", "referral_reason": "溶栓"},
        "consent": {"recorded": True, "given_by": "FAMILY"},
    },
    "ExplainReferral": lambda there: {
        "episode": there.episodes,
        "urgency": "URGENCY_EMERGENCY",
        "pathway": "PATHWAY_STROKE",
    },
    "GetIdentity": lambda there: {"patient": there.patient, **WHY},
    "RecordIdentity": lambda there: {"patient": there.patient, "details": {"name": "某"}},
}
