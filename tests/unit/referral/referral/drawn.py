"""Commands as chance gives them: each good in itself, whatever the referral makes of it."""

from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from services.referral.domain import commands as c
from services.referral.domain import commands_plan as pc
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.norms import RULE_CODES
from services.referral.domain.record_values import SummaryCompletion, TransferRecord
from services.referral.domain.referral_values import CrewLevel, Dispatch, NormOverride, Transport
from services.referral.domain.rehabilitation import RehabilitationTask, RehabilitationTaskKind
from services.referral.domain.review_values import ReviewVerdict
from services.referral.domain.values import BedType, Pathway, Urgency
from services.shared.kernel.actor import Role
from tests.unit.referral.referral.network import FACILITIES, person
from tests.unit.referral.referral.records import RECORD
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ADVANCED,
    CLOSE,
    COMPLETE,
    CREATE,
    HANDOVER,
    NO_REASON,
    PATIENT,
    PLAN,
    REASON,
)

facilities = st.sampled_from([facility.id for facility in FACILITIES])
reasons = st.sampled_from([REASON, REASON, REASON, NO_REASON])
destinations = st.lists(facilities, min_size=1, max_size=3, unique=True).map(tuple)
overrides = st.just(tuple(NormOverride(rule=rule, reason=REASON) for rule in sorted(RULE_CODES)))
dispatches = st.sampled_from([None, Dispatch.IN_ORDER, Dispatch.FIRST_TO_ACCEPT])
patients = st.sampled_from([PATIENT, PATIENT, PATIENT, "somebody-else"])
crews = st.sampled_from(list(CrewLevel))
tasks = st.sampled_from(["t1", "t2", "t3", "t9"])
amendments = st.lists(
    st.builds(
        RehabilitationTask,
        description=st.just("复查血压"),
        due_on=st.dates(date(2026, 3, 1), date(2026, 5, 1)).map(str),
        id=st.sampled_from(["", "t1", "t2"]),
        kind=st.sampled_from([None, *RehabilitationTaskKind]),
    ),
    max_size=2,
).map(tuple)
anybody = st.builds(person, facilities, st.sampled_from(list(Role)))

creations = st.builds(
    lambda **values: replace(CREATE, **values),
    destinations=destinations,
    dispatch=dispatches,
    urgency=st.sampled_from(list(Urgency)),
    pathway=st.sampled_from(list(Pathway)),
    bed_type=st.sampled_from([None, BedType.GENERAL]),
    overrides=overrides,
    rehabilitation_plan=st.sampled_from([None, PLAN]),
    record=st.sampled_from([None, RECORD]),
)

#: Ends are left out here: drawn as often as the others, they would cut every history short.
BY_KIND: dict[type[c.Command], st.SearchStrategy[c.Command]] = {
    c.ApproveReferral: st.just(c.ApproveReferral()),
    c.AcknowledgeOffer: st.just(c.AcknowledgeOffer()),
    c.ReviewReferral: st.builds(
        c.ReviewReferral, verdict=st.sampled_from(list(ReviewVerdict)), reason=reasons
    ),
    c.RequestInformation: st.builds(
        c.RequestInformation, questions=st.sampled_from([("CT？",), ("CT？",), ()])
    ),
    c.ProvideInformation: st.builds(
        c.ProvideInformation, answers=st.sampled_from([("未见出血",), ("未见出血",), ()])
    ),
    c.AcceptReferral: st.builds(
        replace, st.just(ACCEPT), bypass_reason=st.sampled_from([None, None, REASON])
    ),
    GrantBypass: st.builds(GrantBypass, reason=reasons),
    c.ReportNoShow: st.just(c.ReportNoShow()),
    c.DeclineReferral: st.builds(c.DeclineReferral, reason=reasons),
    c.RerouteReferral: st.builds(
        c.RerouteReferral, destinations=destinations, dispatch=dispatches, overrides=overrides
    ),
    c.ArrangeTransport: st.builds(
        c.ArrangeTransport,
        transport=st.builds(Transport, crew_level=crews),
        emergency_room_bypass=st.booleans(),
    ),
    c.DepartPatient: st.builds(
        c.DepartPatient,
        handover_document=st.just(HANDOVER),
        transport=st.sampled_from([None, ADVANCED, Transport(crew_level=CrewLevel.CRITICAL_CARE)]),
        emergency_room_bypass=st.booleans(),
        insurance_filing_number=st.sampled_from(["", "BA-1"]),
    ),
    c.DivertPatient: st.builds(c.DivertPatient, destination_facility=facilities, reason=reasons),
    c.ReportArrival: st.builds(c.ReportArrival, patient=patients),
    c.StartTreatment: st.just(c.StartTreatment()),
    c.CompleteTreatment: st.just(COMPLETE),
    c.ReferBack: st.builds(c.ReferBack, destination_facility=facilities, rehabilitation_plan=st.just(PLAN)),
    c.RecordFollowUp: st.builds(
        c.RecordFollowUp, findings=st.just("肌力4级"), red_flag=st.sampled_from(["", PLAN.red_flags[0]])
    ),
    pc.CompleteTask: st.builds(pc.CompleteTask, task=tasks),
    pc.CancelTask: st.builds(pc.CancelTask, task=tasks, reason=reasons),
    pc.ExplainMissedTask: st.builds(pc.ExplainMissedTask, task=tasks, reason=reasons),
    pc.AmendPlan: st.builds(pc.AmendPlan, tasks=amendments, reason=reasons),
    pc.AcknowledgeOutcome: st.just(pc.AcknowledgeOutcome()),
    c.WithdrawAcceptance: st.builds(c.WithdrawAcceptance, reason=reasons),
    c.CloseReferral: st.just(CLOSE),
    c.CompleteRecord: st.builds(
        c.CompleteRecord,
        record=st.sampled_from([None, TransferRecord(), RECORD, TransferRecord(narrative="补记")]),
        clinical_summary=st.sampled_from([None, SummaryCompletion(allergies="青霉素")]),
    ),
}

commands: st.SearchStrategy[c.Command] = st.one_of(
    *BY_KIND.values(),
    st.builds(c.RefuseApproval, reason=reasons),
    st.builds(c.CancelReferral, reason=reasons),
    st.just(c.ConfirmCancellation()),
    st.just(c.WithdrawErrorMark()),
    st.builds(c.MarkEnteredInError, reason=reasons, second_approver=st.sampled_from(["", "u-wang"])),
)
