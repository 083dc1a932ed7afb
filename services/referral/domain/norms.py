"""What the norms say of a request: each rule for each destination, with overrides, before and at creation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.referral.domain.directory_state import Directory, Facility
from services.referral.domain.norms_insurance import filing_needed
from services.referral.domain.norms_move import Move, Rule, move_between
from services.referral.domain.norms_rules import (
    GREEN_CHANNEL,
    NEW_DESTINATION,
    RULES,
    approval_needed,
    approved_afterwards,
    skipped_by_channel,
)
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_values import (
    Consent,
    Dispatch,
    NormOverride,
    RuleResult,
)
from services.referral.domain.rehabilitation import RehabilitationPlan
from services.referral.domain.values import CodedReason, Direction, Pathway, Scope, Urgency
from services.shared.kernel.refusals import FailedRule, FieldViolation

RULE_CODES = frozenset(rule.code for rule in (*RULES, NEW_DESTINATION, GREEN_CHANNEL))


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """What the norms say of one destination."""

    facility: Facility
    direction: Direction
    scope: Scope
    travel_minutes: int | None
    norms: tuple[RuleResult, ...]
    #: it would wait for the approval of the lead facility
    needs_approval: bool
    #: approval is reviewed afterwards
    approval_in_retrospect: bool
    insurance_filing_needed: bool
    #: what the green channel skips on this way
    skips: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return all(holds(result) for result in self.norms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked of the norms, for every destination alike."""

    directory: Directory
    policy: ReferralPolicy
    origin: Facility
    urgency: Urgency
    pathway: Pathway
    dispatch: Dispatch = Dispatch.IN_ORDER
    consent: Consent | None = None
    rehabilitation_plan: RehabilitationPlan | None = None
    live_referrals: tuple[str, ...] = ()
    overrides: tuple[NormOverride, ...] = ()
    #: facilities that were asked before; None for a request that is not a re-routing
    asked_before: tuple[str, ...] | None = None
    approved: bool | None = None
    continues: bool = False
    #: the green channel that is asked for
    green_channel: str = ""
    #: every destination of the request, where not all are assessed together
    listed: tuple[str, ...] = ()


def holds(result: RuleResult) -> bool:
    """Whether the norm does not stand in the way: it passed, or was overridden."""
    return result.passed or result.override is not None


def assess(request: Request, destinations: Sequence[Facility]) -> tuple[Assessment, ...]:
    """Every norm for every destination of a ranked list, in its order."""
    reasons = {each.rule: each.reason for each in reversed(request.overrides)}
    together = tuple([each.id for each in destinations])
    at_once = request.dispatch is Dispatch.FIRST_TO_ACCEPT
    channel = request.directory.green_channels.get(request.green_channel)
    rules = (*RULES, *((NEW_DESTINATION,) if request.asked_before is not None else ()))
    rules += (GREEN_CHANNEL,) if channel else ()
    asked, found = request.asked_before or (), list[Assessment]()
    for rank, destination in enumerate(destinations):
        move = replace(
            move_between(
                directory=request.directory,
                policy=request.policy,
                origin=request.origin,
                destination=destination,
                urgency=request.urgency,
                pathway=request.pathway,
            ),
            consent=request.consent,
            rehabilitation_plan=request.rehabilitation_plan,
            live_referrals=request.live_referrals,
            approved=request.approved,
            continues=request.continues,
            asked_before=asked if at_once else asked + together[:rank],
            asked_together=together if at_once else (),
            green_channel=channel,
            listed=request.listed or together,
            rerouted=request.asked_before is not None,
        )
        found.append(_assessment(move, rules, reasons))
    return tuple(found)


def combined(assessments: Sequence[Assessment]) -> tuple[RuleResult, ...]:
    """One result a rule: where it stands in the way, else where it was overridden, else the first one's."""
    results: list[RuleResult] = []
    for each in zip(*[assessment.norms for assessment in assessments], strict=True):
        failed = [result for result in each if not holds(result)]
        overridden = [result for result in each if result.override is not None]
        results.append((failed or overridden or list(each))[0])
    return tuple(results)


def failed_rules(assessments: Iterable[Assessment]) -> tuple[FailedRule, ...]:
    """Every norm that stands in the way at any destination, each text once."""
    failed = [
        FailedRule(code=result.code, text=result.text)
        for assessment in assessments
        for result in assessment.norms
        if not holds(result)
    ]
    return tuple(dict.fromkeys(failed))


def destination_faults(
    directory: Directory, origin: str, destinations: Sequence[str]
) -> list[FieldViolation]:
    """Destinations that are unknown, repeated or the origin; and the want of any."""
    faults: list[FieldViolation] = []
    if not destinations:
        faults.append(_fault("destinations", "EMPTY", "name at least one destination"))
    for index, destination in enumerate(destinations):
        field = f"destinations[{index}]"
        if directory.facility(destination) is None:
            faults.append(
                _fault(field, "UNKNOWN_FACILITY", f"facility {destination} is not in the directory")
            )
        elif destination == origin:
            faults.append(_fault(field, "ORIGIN", "the destination is the origin"))
        elif destination in destinations[:index]:
            faults.append(_fault(field, "DUPLICATE", f"facility {destination} is listed twice"))
    return faults


def override_faults(overrides: Sequence[NormOverride]) -> list[FieldViolation]:
    """Overrides of rules that do not exist."""
    return [
        _fault(f"overrides[{index}].rule", "UNKNOWN_RULE", f"there is no rule {each.rule}")
        for index, each in enumerate(overrides)
        if each.rule not in RULE_CODES
    ]


def _fault(field: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=field, reason=reason, description=description)


def _assessment(move: Move, rules: tuple[Rule, ...], reasons: dict[str, CodedReason]) -> Assessment:
    afterwards = approved_afterwards(move)
    return Assessment(
        facility=move.destination,
        direction=move.direction,
        scope=move.scope,
        travel_minutes=move.directory.travel_minutes(move.origin.id, move.destination.id),
        norms=tuple([_result(rule, move, reasons) for rule in rules]),
        needs_approval=approval_needed(move) and not afterwards and not move.approved,
        approval_in_retrospect=afterwards,
        insurance_filing_needed=filing_needed(move),
        skips=skipped_by_channel(move),
    )


def _result(rule: Rule, move: Move, reasons: dict[str, CodedReason]) -> RuleResult:
    verdict = rule.check(move)
    overridden = rule.overridable and not verdict.passed
    return RuleResult(
        code=rule.code,
        passed=verdict.passed,
        overridable=rule.overridable,
        override=reasons.get(rule.code) if overridden else None,
        text=verdict.text,
    )
