"""What a report carries: critical values and their acknowledgement, an expert's visit, a transfer."""

from dataclasses import replace

import pytest

from services.referral.domain.consultation_commands import (
    AmendReport,
    CancelExpertVisit,
    ConfirmExpertVisit,
    RecordExpertVisit,
    ReportConsultation,
)
from services.referral.domain.consultation_values import (
    ConsultationReport,
    ExpertVisitState,
    Recommendation,
    TransferProposal,
)
from services.shared.kernel.refusals import InvalidInput, NotAllowed
from tests.unit.referral.consultation.events import (
    BLURRED,
    BRANCH,
    CT,
    EXPERT,
    EXPERT_COMES,
    REPORT,
    VISIT,
    amended,
    claimed,
    minute,
    reported,
    requested,
    visit_cancelled,
    visit_confirmed,
    visit_held,
)
from tests.unit.referral.consultation.scenario import given

OLD_VISIT = replace(EXPERT_COMES, expert_visit=None)
TRANSFER = replace(REPORT, recommendation=Recommendation.TRANSFER, transfer_destination="jimsar-general")
PROPOSAL = TransferProposal(destinations=("jimsar-general", "changji-prefecture"), diagnosis_name="脑梗死")

# ---- the expert's visit ------------------------------------------------------------


@pytest.mark.parametrize("report", [EXPERT_COMES, replace(EXPERT_COMES, expert="", expert_visit_at=None)])
def test_an_expert_comes_to_the_patient(report: ConsultationReport) -> None:
    story = (
        given(requested(), claimed())
        .when(ReportConsultation(report=report), EXPERT)
        .then(reported(EXPERT_COMES))
    )
    assert story.here.expert_visit_state is ExpertVisitState.PLANNED


def test_older_callers_say_who_and_when() -> None:
    whole = replace(EXPERT_COMES, expert_visit=replace(VISIT, from_facility="", department="", purpose=""))
    given(requested(), claimed()).when(ReportConsultation(report=OLD_VISIT), EXPERT).then(reported(whole))


def test_a_visit_is_confirmed_and_held() -> None:
    story = given(requested(), claimed(), reported(EXPERT_COMES))
    story = story.when(ConfirmExpertVisit(), BRANCH).then(visit_confirmed())
    assert story.here.expert_visit_state is ExpertVisitState.CONFIRMED
    story.when(ConfirmExpertVisit(), BRANCH).refused(NotAllowed, "VISIT_CONFIRMED")
    story = story.when(RecordExpertVisit(summary="手术顺利"), BRANCH, at=90, occurred=60).then(visit_held(60))
    assert story.here.expert_visit_held_at == minute(60)
    for command, by in (
        (ConfirmExpertVisit(), BRANCH),
        (RecordExpertVisit(summary="再记"), BRANCH),
        (CancelExpertVisit(reason=BLURRED), EXPERT),
    ):
        story.when(command, by).refused(NotAllowed, "VISIT_OVER")


def test_a_visit_may_be_held_without_confirmation() -> None:
    story = given(requested(), claimed(), reported(EXPERT_COMES))
    story.when(RecordExpertVisit(summary="手术顺利"), BRANCH, at=60).then(visit_held(60))


@pytest.mark.parametrize(("by", "told_facility"), [(BRANCH, "jimsar-general"), (EXPERT, "wucaiwan")])
def test_either_side_cancels_a_visit_and_the_other_is_told(by: object, told_facility: str) -> None:
    story = given(requested(), claimed(), reported(EXPERT_COMES))
    command = CancelExpertVisit(reason=BLURRED)
    story = story.when(command, by).then(visit_cancelled(told_facility))  # type: ignore[arg-type]
    assert story.here.expert_visit_state is ExpertVisitState.CANCELLED
    assert story.here.expert_visit_cancel_reason == BLURRED
    story.when(command, EXPERT).refused(NotAllowed, "VISIT_OVER")


def test_without_a_visit_there_is_nothing_to_confirm_hold_or_cancel() -> None:
    story = given(requested(), claimed(), reported())
    story.when(ConfirmExpertVisit(), BRANCH).refused(NotAllowed, "NO_EXPERT_VISIT")
    story.when(RecordExpertVisit(summary="x"), BRANCH).refused(NotAllowed, "NO_EXPERT_VISIT")
    story.when(CancelExpertVisit(reason=BLURRED), EXPERT).refused(NotAllowed, "NO_EXPERT_VISIT")


def test_an_amendment_keeps_a_visit_or_plans_it_anew() -> None:
    story = given(requested(), claimed(), reported(EXPERT_COMES), visit_cancelled("wucaiwan"))
    same = replace(EXPERT_COMES, findings="补充所见")
    kept = story.when(AmendReport(report=same, reason=BLURRED), EXPERT).then(
        amended(same, visit=ExpertVisitState.CANCELLED)
    )
    assert kept.here.expert_visit_cancel_reason == BLURRED
    later = replace(VISIT, visit_at=minute(60 * 72))
    moved = replace(EXPERT_COMES, expert_visit=later, expert_visit_at=later.visit_at)
    story = story.when(AmendReport(report=moved, reason=BLURRED), EXPERT).then(
        amended(moved, visit=ExpertVisitState.PLANNED)
    )
    assert story.here.expert_visit_cancel_reason is None
    story = story.when(AmendReport(report=REPORT, reason=BLURRED), EXPERT).then(amended(REPORT))
    assert story.here.expert_visit_state is None


# ---- a transfer, and what does not fit ------------------------------------------------------------


def test_a_transfer_proposes_a_referral() -> None:
    whole = replace(TRANSFER, transfer=TransferProposal(destinations=("jimsar-general",)))
    given(requested(), claimed()).when(ReportConsultation(report=TRANSFER), EXPERT).then(reported(whole))
    typed = replace(TRANSFER, transfer=PROPOSAL)
    given(requested(), claimed()).when(ReportConsultation(report=typed), EXPERT).then(reported(typed))
    bare = replace(TRANSFER, transfer_destination="")
    given(requested(), claimed()).when(
        ReportConsultation(report=replace(bare, transfer=PROPOSAL)), EXPERT
    ).then(reported(typed))
    given(requested(), claimed()).when(ReportConsultation(report=bare), EXPERT).then(
        reported(replace(bare, transfer=TransferProposal()))
    )


@pytest.mark.parametrize(
    ("report", "fields"),
    [
        (replace(OLD_VISIT, expert=" "), ("report.expert",)),
        (replace(OLD_VISIT, expert_visit_at=None), ("report.expert_visit_at",)),
        (replace(OLD_VISIT, expert="", expert_visit_at=None), ("report.expert", "report.expert_visit_at")),
        (
            replace(EXPERT_COMES, recommendation=Recommendation.OBSERVE),
            ("report.expert", "report.expert_visit_at", "report.expert_visit"),
        ),
        (
            replace(EXPERT_COMES, expert="别人", expert_visit_at=minute(1)),
            ("report.expert", "report.expert_visit_at"),
        ),
        (
            replace(EXPERT_COMES, expert="", expert_visit=replace(VISIT, expert=" ")),
            ("report.expert_visit.expert",),
        ),
        (
            replace(EXPERT_COMES, expert_visit=replace(VISIT, from_facility="wucaiwan")),
            ("report.expert_visit.from_facility",),
        ),
        (
            replace(TRANSFER, recommendation=Recommendation.OBSERVE, transfer=PROPOSAL),
            ("report.transfer_destination", "report.transfer"),
        ),
        (replace(TRANSFER, transfer_destination="wucaiwan"), ("report.transfer_destination",)),
        (
            replace(TRANSFER, transfer=TransferProposal(destinations=("jimsar-general", "wucaiwan"))),
            ("report.transfer.destinations[1]",),
        ),
        (
            replace(TRANSFER, transfer=TransferProposal(destinations=("jimsar-general",) * 2)),
            ("report.transfer.destinations[1]",),
        ),
        (
            replace(TRANSFER, transfer=TransferProposal(destinations=("changji-prefecture",))),
            ("report.transfer_destination",),
        ),
        (
            replace(REPORT, attachments=(CT, replace(CT, uri="ftp://x/1"))),
            ("report.attachments[1].uri",),
        ),
    ],
)
def test_a_reports_fields_fit_together(report: ConsultationReport, fields: tuple[str, ...]) -> None:
    given(requested(), claimed()).when(ReportConsultation(report=report), EXPERT).refused(
        InvalidInput, *fields
    )
    given(requested(), claimed(), reported()).when(
        AmendReport(report=report, reason=BLURRED), EXPERT
    ).refused(InvalidInput, *fields)
