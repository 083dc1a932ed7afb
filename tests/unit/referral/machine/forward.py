"""A good next command on a referral, and who gives it: so that random histories get anywhere.

Which row it is and who may take it is read from the table: this only drives. What must come of it is for the
invariants to say, which read nothing from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from services.referral.domain import commands as c
from services.referral.domain import commands_plan as pc
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.offers_found import open_offers
from services.referral.domain.parties import By, Party
from services.referral.domain.record_values import SummaryCompletion
from services.referral.domain.referral import Referral, allowed_commands
from services.referral.domain.referral_values import CrewLevel, NormOverride, Transport
from services.referral.domain.review_values import ReviewVerdict
from services.referral.domain.transition_lookup import ROW_IN
from services.referral.domain.values import CodedReason, Urgency
from services.shared.kernel.actor import Actor
from tests.unit.referral.referral.network import FACILITIES, person
from tests.unit.referral.referral.stories import ACCEPT, ARRIVE, CLOSE, COMPLETE, HANDOVER, PLAN, REASON

#: A request carries eight at most: these are the rules that a reason can override.
OVERRIDES = tuple(
    NormOverride(rule=rule, reason=REASON)
    for rule in ("LEVEL_BY_LEVEL", "CAPABILITY", "NEAREST_CAPABLE", "NEW_DESTINATION")
)
_CREW = Transport(crew_level=CrewLevel.CRITICAL_CARE)

Make = Callable[[Referral, int], c.Command]


def _facility(number: int) -> str:
    return FACILITIES[number % len(FACILITIES)].id


def _task(number: int) -> str:
    return f"t{number % 3 + 1}"


def _expected_later(state: Referral, number: int) -> c.Command:
    """Later than it was last written: who gives it must not be behind the clock."""
    later = timedelta(hours=number % 7 + 1)
    return c.UpdateArrivalEstimate(estimated_arrival_time=state.update_time + later)


def _bypass(state: Referral) -> CodedReason | None:
    return None if state.urgency is Urgency.ROUTINE else REASON


#: By class; the number chooses among values.
GOOD: Mapping[type[c.Command], Make] = {
    c.ApproveReferral: lambda state, n: c.ApproveReferral(),
    c.ReviewReferral: lambda state, n: c.ReviewReferral(verdict=ReviewVerdict.JUSTIFIED, reason=REASON),
    c.AcknowledgeOffer: lambda state, n: c.AcknowledgeOffer(),
    c.RequestInformation: lambda state, n: c.RequestInformation(questions=("CT？",)),
    c.ProvideInformation: lambda state, n: c.ProvideInformation(answers=("未见出血",)),
    c.AcceptReferral: lambda state, n: replace(ACCEPT, bypass_reason=_bypass(state)),
    GrantBypass: lambda state, n: GrantBypass(reason=REASON),
    c.DeclineReferral: lambda state, n: c.DeclineReferral(reason=REASON),
    c.RerouteReferral: lambda state, n: c.RerouteReferral(destinations=(_facility(n),), overrides=OVERRIDES),
    c.WithdrawAcceptance: lambda state, n: c.WithdrawAcceptance(reason=REASON),
    c.ArrangeTransport: lambda state, n: c.ArrangeTransport(transport=_CREW),
    c.DepartPatient: lambda state, n: c.DepartPatient(
        handover_document=HANDOVER,
        transport=_CREW,
        insurance_filing_number="BA-1",
    ),
    c.DivertPatient: lambda state, n: c.DivertPatient(destination_facility=_facility(n), reason=REASON),
    c.UpdateArrivalEstimate: _expected_later,
    c.ReportArrival: lambda state, n: replace(ARRIVE, patient=state.patient),
    c.ReportNoShow: lambda state, n: c.ReportNoShow(),
    c.StartTreatment: lambda state, n: c.StartTreatment(),
    c.CompleteTreatment: lambda state, n: COMPLETE,
    c.ReferBack: lambda state, n: c.ReferBack(destination_facility="jimsar-town", rehabilitation_plan=PLAN),
    c.RecordFollowUp: lambda state, n: c.RecordFollowUp(
        findings="肌力4级", red_flag=PLAN.red_flags[0] if n % 4 == 0 else ""
    ),
    pc.CompleteTask: lambda state, n: pc.CompleteTask(task=_task(n)),
    pc.CancelTask: lambda state, n: pc.CancelTask(task=_task(n), reason=REASON),
    pc.ExplainMissedTask: lambda state, n: pc.ExplainMissedTask(task=_task(n), reason=REASON),
    pc.AmendPlan: lambda state, n: pc.AmendPlan(medications=("阿司匹林 100 mg",), reason=REASON),
    pc.AcknowledgeOutcome: lambda state, n: pc.AcknowledgeOutcome(),
    c.CloseReferral: lambda state, n: CLOSE,
    c.CompleteRecord: lambda state, n: c.CompleteRecord(
        clinical_summary=SummaryCompletion(allergies=f"青霉素{n}")
    ),
}

#: Leads away from the end: taken now and then.
_DETOURS = frozenset(
    {
        c.DeclineReferral,
        c.WithdrawAcceptance,
        c.RequestInformation,
        c.ReportNoShow,
        c.CompleteRecord,
        c.UpdateArrivalEstimate,
        pc.AmendPlan,
        pc.CancelTask,
        GrantBypass,
    }
)


def next_command(state: Referral, number: int) -> tuple[c.Command, Actor] | None:
    """One of the commands that the table allows, given by one who may; None when there is none."""
    allowed = allowed_commands(state)
    kinds = [kind for kind in GOOD if kind.__name__ in allowed]
    if number % 5:
        kinds = [kind for kind in kinds if kind not in _DETOURS] or kinds
    if not kinds:
        return None
    kind = kinds[number // 5 % len(kinds)]
    row = ROW_IN[kind, state.state]
    return GOOD[kind](state, number), _one_of(row.by[number % len(row.by)], state, number)


def _one_of(by: By, state: Referral, number: int) -> Actor:
    waiting = [offer.facility for offer in open_offers(state.offers) or state.offers]
    asked = waiting[number % len(waiting)] if waiting else state.destination_facility
    facility = {
        Party.ORIGIN: state.origin_facility,
        Party.ASKED: asked,
        Party.DESTINATION: state.destination_facility,
        Party.CUSTODIAN: state.custodian_facility,
        Party.APPROVER: state.approval_facility,
        Party.AMBULANCE: "ambulance-120",
        Party.COORDINATOR: state.origin_facility,
        Party.SYSTEM: "",
    }[by.party]
    return person(facility, *by.roles)
