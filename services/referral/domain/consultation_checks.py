"""Fields of a consultation's commands that do not fit together. Each function says every fault at once."""

from collections.abc import Iterator
from datetime import datetime

from services.referral.domain import consultation_texts as texts
from services.referral.domain.attachments import attachment_faults
from services.referral.domain.consultation_commands import RequestConsultation, ResubmitConsultation
from services.referral.domain.consultation_policy import ConsultationPolicy
from services.referral.domain.consultation_values import (
    ConsultationKind,
    ConsultationReport,
    ExpertVisit,
    Recommendation,
)
from services.referral.domain.values import CodedReason
from services.shared.kernel.refusals import FieldViolation

_DETAIL_OF_KIND: dict[str, ConsultationKind] = {
    "ecg": ConsultationKind.ECG,
    "imaging": ConsultationKind.IMAGING,
    "laboratory": ConsultationKind.LAB,
    "teleconsultation": ConsultationKind.TELECONSULTATION,
}


def detail_faults(
    command: RequestConsultation | ResubmitConsultation, kind: ConsultationKind, now: datetime
) -> Iterator[FieldViolation]:
    """What is sent goes with the kind, and was made before it was sent."""
    for field, owner in _DETAIL_OF_KIND.items():
        if getattr(command, field) is not None and kind is not owner:
            yield _fault(field, "NOT_APPLICABLE", texts.DETAIL_STRAY)
    moments = (
        ("ecg.acquired_at", command.ecg.acquired_at if command.ecg else None),
        ("imaging.acquired_at", command.imaging.acquired_at if command.imaging else None),
        ("laboratory.collected_at", command.laboratory.collected_at if command.laboratory else None),
    )
    for field, moment in moments:
        if moment is not None and moment > now:
            yield _fault(field, "IN_FUTURE", texts.ACQUIRED_IN_FUTURE)


def return_faults(
    reason: CodedReason, kind: ConsultationKind, policy: ConsultationPolicy
) -> Iterator[FieldViolation]:
    """The reason is one of the site's catalogue for this kind."""
    known = policy.return_reason(reason.code, kind)
    if known is None:
        yield _fault("reason.code", "UNKNOWN_REASON", texts.REASON_UNKNOWN)
    elif known.needs_text and not reason.text.strip():
        yield _fault("reason.text", "REQUIRED", texts.REASON_TEXT_MISSING)


def report_faults(
    report: ConsultationReport, requesting_facility: str, policy: ConsultationPolicy, now: datetime
) -> Iterator[FieldViolation]:
    """A visit needs who and when; what belongs to another recommendation is a slip of the hand."""
    yield from _visit_faults(report, requesting_facility)
    yield from _transfer_faults(report, requesting_facility)
    yield from attachment_faults(report.attachments, policy.attachment_schemes, "report.attachments")
    for index, value in enumerate(report.critical_values):
        if value.found_at is not None and value.found_at > now:
            where = f"report.critical_values[{index}].found_at"
            yield _fault(where, "IN_FUTURE", texts.FOUND_IN_FUTURE)


def _visit_faults(report: ConsultationReport, requesting_facility: str) -> Iterator[FieldViolation]:
    named, timed, visit = bool(report.expert.strip()), report.expert_visit_at is not None, report.expert_visit
    if report.recommendation is not Recommendation.EXPERT_VISIT:
        for field, stray in (("expert", named), ("expert_visit_at", timed), ("expert_visit", bool(visit))):
            if stray:
                yield _fault(f"report.{field}", "NOT_APPLICABLE", texts.EXPERT_STRAY)
    elif visit is not None:
        yield from _typed_visit_faults(report, visit, requesting_facility)
    else:
        if not named:
            yield _fault("report.expert", "REQUIRED", texts.EXPERT_MISSING)
        if not timed:
            yield _fault("report.expert_visit_at", "REQUIRED", texts.EXPERT_TIME_MISSING)


def _typed_visit_faults(
    report: ConsultationReport, visit: ExpertVisit, requesting_facility: str
) -> Iterator[FieldViolation]:
    if not visit.expert.strip():
        yield _fault("report.expert_visit.expert", "REQUIRED", texts.EXPERT_MISSING)
    if visit.from_facility == requesting_facility:
        yield _fault("report.expert_visit.from_facility", "AT_DESTINATION", texts.VISIT_OF_REQUESTER)
    if report.expert.strip() and report.expert != visit.expert:
        yield _fault("report.expert", "CONTRADICTS", texts.VISIT_DIFFERS)
    if report.expert_visit_at not in (None, visit.visit_at):
        yield _fault("report.expert_visit_at", "CONTRADICTS", texts.VISIT_DIFFERS)


def _transfer_faults(report: ConsultationReport, requesting_facility: str) -> Iterator[FieldViolation]:
    if report.recommendation is not Recommendation.TRANSFER:
        if report.transfer_destination:
            yield _fault("report.transfer_destination", "NOT_APPLICABLE", texts.DESTINATION_STRAY)
        if report.transfer is not None:
            yield _fault("report.transfer", "NOT_APPLICABLE", texts.DESTINATION_STRAY)
        return
    if report.transfer_destination == requesting_facility:
        yield _fault("report.transfer_destination", "AT_DESTINATION", texts.DESTINATION_IS_ORIGIN)
    destinations = () if report.transfer is None else report.transfer.destinations
    for index, destination in enumerate(destinations):
        where = f"report.transfer.destinations[{index}]"
        if destination == requesting_facility:
            yield _fault(where, "AT_DESTINATION", texts.DESTINATION_IS_ORIGIN)
        if destination in destinations[:index]:
            yield _fault(where, "DUPLICATE", texts.DESTINATION_TWICE)
    if report.transfer_destination and destinations and report.transfer_destination != destinations[0]:
        yield _fault("report.transfer_destination", "CONTRADICTS", texts.DESTINATIONS_DIFFER)


def _fault(field: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=field, reason=reason, description=description)
