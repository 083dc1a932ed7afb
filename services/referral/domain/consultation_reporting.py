"""What follows from a report: its complete wording, the notice of critical values, the expert's visit."""

from dataclasses import replace
from datetime import datetime

from services.referral.domain.consultation_policy import ConsultationPolicy
from services.referral.domain.consultation_state import Consultation
from services.referral.domain.consultation_values import (
    ConsultationReport,
    CriticalValueNotice,
    ExpertVisit,
    ExpertVisitState,
    Recommendation,
    TransferProposal,
)
from services.referral.domain.values import Urgency


def completed(report: ConsultationReport) -> ConsultationReport:
    """The report with its older and newer fields saying the same, whichever the caller gave."""
    visit, transfer = report.expert_visit, report.transfer
    if report.recommendation is Recommendation.EXPERT_VISIT and visit is None and report.expert_visit_at:
        visit = ExpertVisit(expert=report.expert, visit_at=report.expert_visit_at)
    if report.recommendation is Recommendation.TRANSFER:
        transfer = transfer or TransferProposal()
        if report.transfer_destination and not transfer.destinations:
            transfer = replace(transfer, destinations=(report.transfer_destination,))
    return replace(
        report,
        critical_value=report.critical_value or bool(report.critical_values),
        expert_visit=visit,
        expert=visit.expert if visit else "",
        expert_visit_at=visit.visit_at if visit else None,
        transfer=transfer,
        transfer_destination=transfer.destinations[0] if transfer and transfer.destinations else "",
    )


def notice(
    report: ConsultationReport, urgency: Urgency, policy: ConsultationPolicy, now: datetime
) -> CriticalValueNotice | None:
    """The notice of a report's critical values; None without any.

    The report is the telling: no law gives minutes, so both limits are the site's.
    """
    if not report.critical_value:
        return None
    found = [value.found_at for value in report.critical_values if value.found_at is not None]
    limit = policy.critical_value_notified.of(urgency)
    return CriticalValueNotice(
        told_at=now,
        told_late=bool(found) and now - min(found) > limit,
        acknowledge_by=now + policy.critical_value_acknowledged.of(urgency),
    )


def amended_notice(
    state: Consultation, report: ConsultationReport, policy: ConsultationPolicy, now: datetime
) -> CriticalValueNotice | None:
    """The notice after an amendment: what the requester has acknowledged is not asked for again.

    Critical values that nobody typed cannot be compared, so they are told anew.
    """
    before = state.report
    same = before is not None and bool(report.critical_values)
    if same and before is not None and report.critical_values == before.critical_values:
        return state.critical_value_notice
    return notice(report, state.urgency, policy, now)


def visit_due(
    report: ConsultationReport, urgency: Urgency, policy: ConsultationPolicy, now: datetime
) -> datetime | None:
    """Until when the report's visit is recorded; from receipt where it was before the report."""
    visit = report.expert_visit
    return None if visit is None else max(visit.visit_at, now) + policy.expert_visit_recorded.of(urgency)


def amended_visit_due(
    state: Consultation, report: ConsultationReport, policy: ConsultationPolicy, now: datetime
) -> datetime | None:
    """The limit after an amendment: the same visit keeps its own."""
    before = state.report.expert_visit if state.report else None
    if before == report.expert_visit and state.expert_visit_state is not None:
        return state.expert_visit_due_at
    return visit_due(report, state.urgency, policy, now)


def amended_visit(state: Consultation, report: ConsultationReport) -> ExpertVisitState | None:
    """Where the visit stands after an amendment: another one is planned anew."""
    if report.expert_visit is None:
        return None
    before = state.report.expert_visit if state.report else None
    if before == report.expert_visit and state.expert_visit_state is not None:
        return state.expert_visit_state
    return ExpertVisitState.PLANNED
