"""The part of a catalogue that says what consultations are held to. Limits are chosen by their keys."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec

from services.referral.domain.clocks_targets import SourcedLimit
from services.referral.domain.consultation_details import Modality
from services.referral.domain.consultation_policy import ConsultationPolicy, ReturnReason, UrgencyLimit
from services.referral.domain.consultation_values import ConsultationKind
from services.referral.domain.values import Pathway
from services.shared.kernel.text import BilingualText

_Chosen = TypeVar("_Chosen", ConsultationKind, Modality, Pathway)

_Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Code = Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9_]{1,63}$")]
_Scheme = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9+.-]{0,31}$")]

#: Schemes that carry the bytes themselves, or mean a place that only one machine sees.
_NO_REFERENCES = frozenset({"data", "blob", "javascript", "file"})


class _Label(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    zh: _Words
    en: _Words


class _ReturnReason(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    code: _Code
    label: _Label
    kinds: tuple[ConsultationKind, ...] = ()
    needs_text: bool = False

    def value(self) -> ReturnReason:
        return ReturnReason(
            code=self.code,
            label=BilingualText(zh=self.label.zh, en=self.label.en),
            kinds=self.kinds,
            needs_text=self.needs_text,
        )


class ConsultationChoices(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What one file says; what it leaves out stays as the files before it said."""

    result_due: str = ""
    claim_lease: str = ""
    critical_value_notified: str = ""
    critical_value_acknowledged: str = ""
    resubmission_due: str = ""
    expert_visit_recorded: str = ""
    result_due_by_kind: dict[ConsultationKind, str] = {}
    result_due_by_modality: dict[Modality, str] = {}
    result_due_by_pathway: dict[Pathway, str] = {}
    #: added, or in the place of those of the same code
    return_reasons: tuple[_ReturnReason, ...] = ()
    #: in the place of all others
    attachment_schemes: tuple[_Scheme, ...] = ()

    def overlaid(self, other: "ConsultationChoices") -> "ConsultationChoices":
        """These choices with those of a later file over them."""
        reasons = {each.code: each for each in (*self.return_reasons, *other.return_reasons)}
        return ConsultationChoices(
            result_due=other.result_due or self.result_due,
            claim_lease=other.claim_lease or self.claim_lease,
            critical_value_notified=other.critical_value_notified or self.critical_value_notified,
            critical_value_acknowledged=other.critical_value_acknowledged or self.critical_value_acknowledged,
            resubmission_due=other.resubmission_due or self.resubmission_due,
            expert_visit_recorded=other.expert_visit_recorded or self.expert_visit_recorded,
            result_due_by_kind=self.result_due_by_kind | other.result_due_by_kind,
            result_due_by_modality=self.result_due_by_modality | other.result_due_by_modality,
            result_due_by_pathway=self.result_due_by_pathway | other.result_due_by_pathway,
            return_reasons=tuple(reasons.values()),
            attachment_schemes=other.attachment_schemes or self.attachment_schemes,
        )

    def policy(self, limits: Mapping[str, SourcedLimit]) -> ConsultationPolicy:
        """What follows for decisions. Raises ValueError that says what does not fit together."""
        forbidden = sorted(_NO_REFERENCES.intersection(self.attachment_schemes))
        if forbidden:
            raise ValueError(f"allows attachments under {forbidden}: no references")
        return ConsultationPolicy(
            result_due=_limit(limits, self.result_due),
            claim_lease=_limit(limits, self.claim_lease),
            result_due_by_kind=_limits(limits, self.result_due_by_kind),
            result_due_by_modality=_limits(limits, self.result_due_by_modality),
            result_due_by_pathway=_limits(limits, self.result_due_by_pathway),
            critical_value_notified=_limit(limits, self.critical_value_notified),
            critical_value_acknowledged=_limit(limits, self.critical_value_acknowledged),
            resubmission_due=_limit(limits, self.resubmission_due),
            expert_visit_recorded=_limit(limits, self.expert_visit_recorded),
            return_reasons=tuple(each.value() for each in self.return_reasons),
            attachment_schemes=self.attachment_schemes,
        )


def _limit(limits: Mapping[str, SourcedLimit], key: str) -> UrgencyLimit:
    if key not in limits:
        raise ValueError(f"names no limit {key!r}")
    found = limits[key]
    return UrgencyLimit(
        emergency_s=found.emergency_s or found.limit_s,
        otherwise_s=found.limit_s,
        urgent_s=found.urgent_s,
    )


def _limits(
    limits: Mapping[str, SourcedLimit], chosen: Mapping[_Chosen, str]
) -> tuple[tuple[_Chosen, UrgencyLimit], ...]:
    return tuple((each, _limit(limits, key)) for each, key in chosen.items())
