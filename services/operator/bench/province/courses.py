"""What happens to one patient, or at one desk: legal calls in order, each by whoever may make it.

The order is that of real cases; the weeks that lie between some of the steps are not. A course ends as it
does when all goes well: nothing that it did is still waited for.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.operator.bench.life import HANDOVER, SUMMARY, TRANSPORT
from services.operator.bench.province.course import BRANCH, COUNTY, DESK, Awaited, Course, Fields, Step

_ARRIVAL = timedelta(minutes=45)
_HOLD = timedelta(hours=1)
_REPORT = {
    "findings": "所见符合申请描述，未见需紧急处理的征象；与既往资料比较无明显变化。",
    "conclusion": "建议就地治疗，随访复查；症状加重时再次申请。",
    "recommendation": "TREAT_LOCALLY",
}
_PLAN_DAYS = 7
#: The call that each alert comes of, and what it is about.
_CAUSES = {
    "OFFER": ("CreateReferral", "referral"),
    "REFERRAL_ACCEPTED": ("AcceptReferral", "referral"),
    "PATIENT_ON_THE_ROAD": ("DepartPatient", "referral"),
    "CONSULTATION_REQUESTED": ("RequestConsultation", "consultation"),
    "CONSULTATION_REPORTED": ("ReportConsultation", "consultation"),
}


def _named(resource: str, **more: Any) -> Fields:
    return lambda course: {"name": course.names[resource], **more}


def _acknowledge(rule: str, who: str) -> Step:
    since, about = _CAUSES[rule]
    awaited = Awaited(alert=rule, about=about, since=since)
    return Step(method="AcknowledgeAlert", who=who, fields=_named("alert"), awaits=awaited)


def _bed(region: str, since: str) -> Awaited:
    return Awaited(bed=region, about="referral", since=since)


def _read(method: str, who: str, kind: str) -> Step:
    return Step(method=method, who=who, fields=_named(kind))


def _availability(who: str) -> Step:
    return Step(method="GetAvailability", who=who, fields=lambda course: {"facilities": [course.county]})


def _milestone(kind: str) -> Step:
    return Step(method="RecordMilestone", who=BRANCH, fields=_named("episode", kind=kind))


def _refer(urgency: str, pathway: str, bed_type: str = "", *, up: bool = True) -> Step:
    def fields(course: Course) -> Mapping[str, Any]:
        given: dict[str, Any] = {
            "patient": course.patient,
            "destinations": [course.county if up else course.branch],
            "urgency": urgency,
            "pathway": pathway,
            "clinical_summary": SUMMARY,
            "consent": {"recorded": True, "given_by": "FAMILY"},
        }
        given |= {key: course.names[key] for key in ("episode", "consultation") if key in course.names}
        if bed_type:
            given["bed_type"] = bed_type
        if not up:
            given["rehabilitation_plan"] = _plan(course.now())
        return given

    return Step(method="CreateReferral", who=BRANCH if up else COUNTY, fields=fields)


def _plan(now: datetime) -> Mapping[str, Any]:
    due_on = (now + timedelta(days=_PLAN_DAYS)).date().isoformat()
    return {
        "tasks": [{"description": "步态与平衡训练，每周三次，分院康复室", "due_on": due_on}],
        "medications": ["阿司匹林肠溶片 100 mg 每日一次"],
        "red_flags": ["突发肢体无力或言语不清"],
        "first_follow_up_on": due_on,
    }


def _accept(who: str) -> Step:
    def fields(course: Course) -> Mapping[str, Any]:
        return {
            "name": course.names["referral"],
            "accepting_clinician": {"user": "bench", "name": "值班医师", "department": "值班"},
            "estimated_arrival_time": (course.now() + _ARRIVAL).isoformat(),
        }

    return Step(method="AcceptReferral", who=who, fields=fields)


def _arrive(who: str) -> Step:
    def fields(course: Course) -> Mapping[str, Any]:
        return {"name": course.names["referral"], "patient": course.patient}

    return Step(method="ReportArrival", who=who, fields=fields)


def _depart(who: str, awaits: Awaited | None = None, **more: Any) -> Step:
    fields = _named("referral", handover_document=HANDOVER, **more)
    return Step(method="DepartPatient", who=who, fields=fields, awaits=awaits)


def _treat(treats: str, sent: str, *meanwhile: Step) -> tuple[Step, ...]:
    """From the arrival to the end."""
    outcome = {"outcome": "IMPROVED", "summary": "病情稳定，带药出院"}
    return (
        Step(method="StartTreatment", who=treats, fields=_named("referral")),
        *meanwhile,
        Step(method="CompleteTreatment", who=treats, fields=_named("referral", discharge_summary=outcome)),
        _read("GetTimeline", sent, "referral"),
        Step(method="CloseReferral", who=sent, fields=_named("referral", outcome_report_acknowledged=True)),
    )


def _up_with_a_bed(pathway: str, bed_type: str) -> tuple[Step, ...]:
    """An emergency from the branch to the county hospital's bed, and out of it."""

    def bed(course: Course) -> Mapping[str, Any]:
        return {"ward": course.names["ward"], "bed": course.names["bed"]}

    return (
        _availability(BRANCH),
        _refer("EMERGENCY", pathway, bed_type),
        _acknowledge("OFFER", COUNTY),
        _read("GetReferral", COUNTY, "referral"),
        _accept(COUNTY),
        _acknowledge("REFERRAL_ACCEPTED", BRANCH),
        _read("GetReferral", BRANCH, "referral"),
        Step(method="ArrangeTransport", who=BRANCH, fields=_named("referral", transport=TRANSPORT)),
        _depart(BRANCH, _bed("HELD", "AcceptReferral")),
        _acknowledge("PATIENT_ON_THE_ROAD", COUNTY),
        _read("GetReferral", COUNTY, "referral"),
        _arrive(COUNTY),
        Step(method="VacateBed", who=DESK, fields=bed, awaits=_bed("OCCUPIED", "ReportArrival")),
        Step(method="MarkBedReady", who=DESK, fields=bed),
        *_treat(COUNTY, BRANCH),
    )


def _transfer(course: Course) -> Mapping[str, Any]:
    report = {**_REPORT, "recommendation": "TRANSFER", "transfer_destination": course.county}
    return {"name": course.names["consultation"], "report": report}


def _question(
    kind: str, urgency: str, pathway: str, *, report: Fields | None = None, **more: Any
) -> tuple[Step, ...]:
    def fields(course: Course) -> Mapping[str, Any]:
        known = {"episode": course.names["episode"]} if "episode" in course.names else {}
        return {
            **known,
            "patient": course.patient,
            "kind": kind,
            "urgency": urgency,
            "pathway": pathway,
            "centre_facility": course.county,
            "question": "请协助诊断，可否就地处理？",
            "clinical_summary": SUMMARY["symptoms"],
            **more,
        }

    return (
        Step(method="RequestConsultation", who=BRANCH, fields=fields),
        _acknowledge("CONSULTATION_REQUESTED", COUNTY),
        Step(method="ClaimConsultation", who=COUNTY, fields=_named("consultation")),
        _read("GetConsultation", COUNTY, "consultation"),
        Step(
            method="ReportConsultation", who=COUNTY, fields=report or _named("consultation", report=_REPORT)
        ),
        _acknowledge("CONSULTATION_REPORTED", BRANCH),
        _read("GetConsultation", BRANCH, "consultation"),
    )


def _hold(course: Course) -> Mapping[str, Any]:
    return {
        "facility": course.county,
        "referral": f"referrals/{course.new_id()}",
        "patient": course.patient,
        "bed_type": "GENERAL",
        "expires_at": (course.now() + _HOLD).isoformat(),
    }


def _give_back(course: Course) -> Mapping[str, Any]:
    return {
        "hold": course.names["hold"],
        "fencing_token": course.fencing_token,
        "reason": {"code": "NOT_NEEDED"},
    }


#: By the names of the mix's rates.
COURSES: Mapping[str, tuple[Step, ...]] = {
    "stroke": (
        Step(
            method="OpenEpisode",
            who=BRANCH,
            fields=lambda course: {"patient": course.patient, "pathway": "STROKE"},
        ),
        *map(_milestone, ("FIRST_MEDICAL_CONTACT", "DOOR_IN", "CT_DONE")),
        *_question("TELECONSULTATION", "EMERGENCY", "STROKE", report=_transfer),
        _milestone("THROMBOLYSIS"),
        *_up_with_a_bed("STROKE", "STROKE_UNIT"),
        Step(method="CloseEpisode", who=BRANCH, fields=_named("episode")),
    ),
    "emergency": _up_with_a_bed("GENERAL", "GENERAL"),
    "outpatient": (
        _refer("ROUTINE", "GENERAL"),
        _read("GetReferral", COUNTY, "referral"),
        _accept(COUNTY),
        _depart(BRANCH, transport={"crew_level": "NONE", "vehicle": "自行前往", "escort": "家属"}),
        _arrive(COUNTY),
        *_treat(COUNTY, BRANCH),
    ),
    "back": (
        _refer("ROUTINE", "GENERAL", up=False),
        _read("GetReferral", BRANCH, "referral"),
        _accept(BRANCH),
        _depart(COUNTY, transport={"crew_level": "NONE", "vehicle": "自行返回", "escort": "家属"}),
        _arrive(BRANCH),
        *_treat(
            BRANCH,
            COUNTY,
            Step(method="RecordFollowUp", who=BRANCH, fields=_named("referral", findings="独立行走")),
            Step(
                method="CompleteTask", who=BRANCH, fields=_named("referral", task="t1", result="步行 400 米")
            ),
        ),
    ),
    "ecg": _question("ECG", "EMERGENCY", "CHEST_PAIN", ecg={"leads": 12}),
    "imaging": _question("IMAGING", "ROUTINE", "GENERAL", imaging={"modality": "CT", "body_part": "胸部"}),
    "laboratory": _question(
        "LAB",
        "ROUTINE",
        "GENERAL",
        laboratory={"sample_type": "BLOOD", "sample_id": "bench", "items": ["血常规"]},
    ),
    "bed_by_telephone": (
        _availability(BRANCH),
        Step(method="HoldBed", who=DESK, fields=_hold),
        Step(method="ListBeds", who=DESK, fields=lambda course: {"facility": course.county}),
        Step(method="ReleaseHold", who=DESK, fields=_give_back),
    ),
    "look": (
        Step(method="ListReferrals", who=COUNTY, fields=lambda _: {"waiting_for_me": True}),
        Step(method="ListAlerts", who=COUNTY, fields=lambda _: {}),
        _availability(COUNTY),
    ),
}


def calls_of(course: str) -> Counter[str]:
    """How often each method is called in a course. Raises KeyError for one that there is not."""
    return Counter(step.method for step in COURSES[course])
