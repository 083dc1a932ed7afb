"""Histories up to each state, told by the commands that lead there."""

from dataclasses import replace
from typing import Any

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.record_values import SummaryCompletion
from services.referral.domain.referral_values import (
    AcceptingClinician,
    BedAssignment,
    ClinicalSummary,
    Consent,
    CrewLevel,
    DischargeSummary,
    HandoverDocument,
    Outcome,
    ReferralState,
    Transport,
)
from services.referral.domain.rehabilitation import RehabilitationPlan, RehabilitationTask
from services.referral.domain.values import BedType, CodedReason, Pathway, Urgency
from services.shared.kernel.actor import Actor
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    AMBULANCE,
    CHANGJI,
    GENERAL,
    GENERAL_OFFICE,
    SYSTEM,
    TOWN,
    WUCAIWAN,
    WUCAIWAN_OFFICE,
)
from tests.unit.referral.referral.records import RECORD

REASON = CodedReason(code="NO_CAPACITY", text="满员")
NO_REASON = CodedReason(code="")
PATIENT = "patient-7"
DOCTOR = AcceptingClinician(user="u-li", name="李医生", department="神经内科")
PLAN = RehabilitationPlan(
    tasks=(RehabilitationTask(description="肢体训练", due_on="2026-03-10"),),
    medications=("阿司匹林 100 mg",),
    red_flags=("再发偏瘫",),
    first_follow_up_on="2026-03-09",
)
ADVANCED = Transport(crew_level=CrewLevel.ADVANCED, vehicle="新B·120")
HANDOVER = HandoverDocument(summary="溶栓后好转", medications_given=("阿替普酶",))
SUMMARY = DischargeSummary(outcome=Outcome.IMPROVED, summary="病情稳定", diagnosis_code="I63.9")

CREATE = c.CreateReferral(
    patient=PATIENT,
    destinations=("jimsar-general",),
    urgency=Urgency.EMERGENCY,
    pathway=Pathway.STROKE,
    bed_type=BedType.STROKE_UNIT,
    clinical_summary=ClinicalSummary(
        diagnosis_name="急性脑梗死",
        referral_reason="溶栓后转上级",
        symptoms="右侧肢体无力",
        treatment_given="阿替普酶静脉溶栓",
        allergies="无",
        sex="M",
        age_years=58,
        nihss=9,
    ),
    consent=Consent(recorded=True, given_by="PATIENT"),
    record=RECORD,
)
ROUTINE = replace(CREATE, urgency=Urgency.ROUTINE, pathway=Pathway.GENERAL, bed_type=None)
#: An emergency with the minimum, and all that follows later.
BARE_SUMMARY = ClinicalSummary(diagnosis_name="脑梗死", referral_reason="溶栓后转上级")
BARE = replace(CREATE, record=None, clinical_summary=BARE_SUMMARY)
REST = SummaryCompletion(symptoms="偏瘫", treatment_given="溶栓", allergies="青霉素", diagnosis_code="I63.9")
ALL = c.CompleteRecord(record=RECORD, clinical_summary=REST)
OUT_OF_COUNTY = replace(ROUTINE, destinations=("changji-prefecture",))
ACCEPT = c.AcceptReferral(accepting_clinician=DOCTOR)
ARRANGE = c.ArrangeTransport(transport=ADVANCED)
DEPART = c.DepartPatient(handover_document=HANDOVER)
ARRIVE = c.ReportArrival(patient=PATIENT)
COMPLETE = c.CompleteTreatment(discharge_summary=SUMMARY)
BACK = c.ReferBack(destination_facility="jimsar-town", rehabilitation_plan=PLAN)
CLOSE = c.CloseReferral(outcome_report_acknowledged=True)
CANCEL = c.CancelReferral(reason=REASON)
DIED = c.RecordDeath
ERROR = c.MarkEnteredInError(reason=REASON)


def hold(number: int = 1, **values: Any) -> BedAssignment:
    defaults: dict[str, Any] = {
        "hold": f"holds/{number}",
        "facility": "jimsar-general",
        "ward": "jg-stroke",
        "bed": f"bed-{number}",
        "fencing_token": number,
    }
    return BedAssignment(**{**defaults, **values})


def bed(news: BedNews, number: int = 1, **values: Any) -> c.FollowBed:
    return c.FollowBed(news=news, bed=hold(number, **values))


def told(*steps: tuple[c.Command, Actor], chart: Chart | None = None) -> Chart:
    """A chart after the commands."""
    chart = chart or Chart()
    for command, actor in steps:
        chart.when(command, actor)
    return chart


def requested(command: c.CreateReferral = CREATE, actor: Actor = WUCAIWAN) -> Chart:
    return told((command, actor))


def awaiting_approval() -> Chart:
    return told((OUT_OF_COUNTY, GENERAL))


def info_requested() -> Chart:
    return told((c.RequestInformation(questions=("头颅CT？",)), GENERAL), chart=requested())


def declined() -> Chart:
    return told((c.DeclineReferral(reason=REASON), GENERAL), chart=requested())


def accepted(command: c.CreateReferral = CREATE) -> Chart:
    return told((ACCEPT, GENERAL), chart=requested(command))


def bed_held() -> Chart:
    return told((bed(BedNews.HELD), SYSTEM), chart=accepted())


def transport_arranged() -> Chart:
    return told((ARRANGE, WUCAIWAN), chart=bed_held())


def in_transit() -> Chart:
    return told((DEPART, AMBULANCE), chart=transport_arranged())


def no_show() -> Chart:
    return told((c.ReportNoShow(), GENERAL), chart=transport_arranged().later(hours=3))


def arrived() -> Chart:
    return told((ARRIVE, GENERAL), chart=in_transit())


def in_treatment() -> Chart:
    return told((c.StartTreatment(), GENERAL), chart=arrived())


def treated() -> Chart:
    return told((COMPLETE, GENERAL), chart=in_treatment())


def referred_back() -> Chart:
    return told((BACK, GENERAL), chart=treated())


def cancel_requested() -> Chart:
    return told((CANCEL, WUCAIWAN_OFFICE), chart=bed_held())


def closed() -> Chart:
    return told((CLOSE, WUCAIWAN), chart=treated())


def cancelled() -> Chart:
    return told((CANCEL, WUCAIWAN), chart=requested())


def expired() -> Chart:
    chart = declined()
    chart.due("expire")
    return chart


def deceased() -> Chart:
    chart = requested()
    return told((DIED(died_at=chart.now, certifier="张医生"), WUCAIWAN), chart=chart)


def entered_in_error() -> Chart:
    return told((ERROR, WUCAIWAN), chart=requested())


#: One history to each state.
TO_STATE = {
    ReferralState.AWAITING_APPROVAL: awaiting_approval,
    ReferralState.REQUESTED: requested,
    ReferralState.INFO_REQUESTED: info_requested,
    ReferralState.DECLINED: declined,
    ReferralState.ACCEPTED: bed_held,
    ReferralState.TRANSPORT_ARRANGED: transport_arranged,
    ReferralState.IN_TRANSIT: in_transit,
    ReferralState.NO_SHOW: no_show,
    ReferralState.ARRIVED: arrived,
    ReferralState.IN_TREATMENT: in_treatment,
    ReferralState.TREATED: treated,
    ReferralState.CANCEL_REQUESTED: cancel_requested,
    ReferralState.CLOSED: closed,
    ReferralState.CANCELLED: cancelled,
    ReferralState.EXPIRED: expired,
    ReferralState.DECEASED: deceased,
    ReferralState.ENTERED_IN_ERROR: entered_in_error,
}

DOWN = replace(
    ROUTINE,
    destinations=("jimsar-town",),
    pathway=Pathway.REHABILITATION,
    rehabilitation_plan=PLAN,
)


def down_arrived() -> Chart:
    """A referral down to the town branch, where the patient has arrived."""
    return told(
        (DOWN, GENERAL),
        (ACCEPT, TOWN),
        (replace(DEPART, transport=Transport(crew_level=CrewLevel.NONE)), GENERAL),
        (ARRIVE, TOWN),
    )


CHANGJI_ACCEPTS = (ACCEPT, CHANGJI)
APPROVES = (c.ApproveReferral(), GENERAL_OFFICE)
