"""Questions to the norms: one rule of one move."""

from dataclasses import replace

from services.referral.domain.norms import (
    Assessment,
    Request,
    assess,
)
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.referral_values import (
    Consent,
    RuleResult,
)
from services.referral.domain.values import Pathway, Urgency
from tests.unit.referral.referral.network import DIRECTORY


def request(origin: str, urgency: Urgency, pathway: Pathway = Pathway.GENERAL, **values: object) -> Request:
    found = Request(
        directory=DIRECTORY,
        policy=DEFAULT_POLICY,
        origin=DIRECTORY.facilities[origin],
        urgency=urgency,
        pathway=pathway,
        consent=Consent(recorded=True),
    )
    return replace(found, **values)  # type: ignore[arg-type]


def assessment(asked: Request, *destinations: str) -> Assessment:
    """What the norms say of the last of the destinations."""
    return assess(asked, [asked.directory.facilities[each] for each in destinations])[-1]


def rule(asked: Request, code: str, *destinations: str) -> RuleResult:
    (found,) = [each for each in assessment(asked, *destinations).norms if each.code == code]
    return found


def passes(asked: Request, code: str, *destinations: str) -> bool:
    return rule(asked, code, *destinations).passed
