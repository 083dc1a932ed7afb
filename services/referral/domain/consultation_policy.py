"""What a site may configure of consultations: time limits, reasons of a return, where attachments may lie."""

from dataclasses import dataclass
from datetime import timedelta

from services.referral.domain.consultation_details import ImagingRequest, Modality
from services.referral.domain.consultation_values import ConsultationKind
from services.referral.domain.values import Pathway, Urgency
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class UrgencyLimit:
    """A time limit by urgency."""

    emergency_s: int
    otherwise_s: int
    #: None: an URGENT one has no limit of its own
    urgent_s: int | None = None

    def of(self, urgency: Urgency) -> timedelta:
        """The limit for `urgency`."""
        if urgency is Urgency.EMERGENCY:
            return timedelta(seconds=self.emergency_s)
        is_urgent = urgency is Urgency.URGENT and self.urgent_s is not None
        return timedelta(seconds=(self.urgent_s or 0) if is_urgent else self.otherwise_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnReason:
    """Why a question may be returned."""

    code: str
    label: BilingualText
    #: of which kinds; empty is all of them
    kinds: tuple[ConsultationKind, ...] = ()
    #: the code alone says nothing
    needs_text: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsultationPolicy:
    """A site's configuration; each limit has its source and confidence in the catalogue of limits."""

    #: from request, or resubmission, to report
    result_due: UrgencyLimit
    #: from claim until it falls back to the centre's queue
    claim_lease: UrgencyLimit
    #: kinds that the site holds to limits of their own, such as a city's rule for remote ECG
    result_due_by_kind: tuple[tuple[ConsultationKind, UrgencyLimit], ...] = ()
    #: the same for images by modality, which goes before the kind's: a city's rule for X-ray
    result_due_by_modality: tuple[tuple[Modality, UrgencyLimit], ...] = ()
    #: illnesses that cannot wait so long, whatever travels: the shorter limit counts
    result_due_by_pathway: tuple[tuple[Pathway, UrgencyLimit], ...] = ()
    #: from the centre's seeing a critical value until the requester is told
    critical_value_notified: UrgencyLimit
    #: from telling until the requester acknowledges
    critical_value_acknowledged: UrgencyLimit
    #: from the return until the requester resubmits
    resubmission_due: UrgencyLimit
    #: from the planned time of an expert's visit until it is recorded
    expert_visit_recorded: UrgencyLimit
    return_reasons: tuple[ReturnReason, ...]
    #: schemes of the places where attachments may lie, in lower case
    attachment_schemes: tuple[str, ...]

    def result_due_within(
        self,
        kind: ConsultationKind,
        urgency: Urgency,
        pathway: Pathway,
        imaging: ImagingRequest | None = None,
    ) -> timedelta:
        """How long the centre has for its result: by what travels, and no longer than the pathway's."""
        found = [limit.of(urgency) for each, limit in self.result_due_by_pathway if each is pathway]
        return min([self._by_what_travels(kind, urgency, imaging), *found])

    def _by_what_travels(
        self, kind: ConsultationKind, urgency: Urgency, imaging: ImagingRequest | None
    ) -> timedelta:
        for modality, limit in self.result_due_by_modality:
            if imaging is not None and imaging.modality is modality:
                return limit.of(urgency)
        for exception, limit in self.result_due_by_kind:
            if exception is kind:
                return limit.of(urgency)
        return self.result_due.of(urgency)

    def return_reason(self, code: str, kind: ConsultationKind) -> ReturnReason | None:
        """The reason of a code where it fits the kind, else None."""
        for reason in self.return_reasons:
            if reason.code == code and (not reason.kinds or kind in reason.kinds):
                return reason
        return None
