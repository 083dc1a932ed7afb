"""The alert that nobody will be on duty: to the centre's lead, in time to find somebody."""

from datetime import datetime

from services.notification.domain import roster_texts as words
from services.notification.domain.matching import AlertIntent
from services.notification.domain.roster_state import Roster, offset_minutes
from services.notification.domain.roster_values import CoverageGap
from services.notification.domain.values import DutyStep, Severity
from services.notification.domain.wording import fill
from services.shared.kernel.text import BilingualText

#: Code of the alert, as of a rule.
COVERAGE_GAP = "COVERAGE_GAP"


def gap_key(roster: Roster, gap: CoverageGap) -> str:
    """One gap, one alert: by post and beginning, which stay the same however often it is looked for."""
    post = gap.post
    parts = (post.role, post.step, post.pathway or "", str(post.seat), gap.starts_at.isoformat())
    return f"{COVERAGE_GAP}/{roster.name}/{'/'.join(parts)}"


def gap_intent(
    roster: Roster, gap: CoverageGap, facility: BilingualText, *, found_at: datetime
) -> AlertIntent:
    """Whom a gap concerns. Nobody to call first is pressing; no backup is to be known."""
    is_first = gap.post.step == DutyStep.DUTY
    values = words.gap_values(gap, facility, offset_minutes(roster))
    return AlertIntent(
        rule=COVERAGE_GAP,
        event_type="CoverageChecked",
        dedup_key=gap_key(roster, gap),
        severity=Severity.HIGH if is_first else Severity.INFORMATION,
        facility=roster.facility,
        role=gap.post.role,
        pathway=gap.post.pathway,
        urgency=None,
        subject=roster.name,
        episode="",
        title=fill(words.GAP_TITLE, values),
        body=fill(words.GAP_BODY, values),
        action="ApplyRoster",
        act_by=gap.starts_at,
        first_step=DutyStep.LEAD,
        cause_event_id=f"{roster.name}@{roster.version}",
        occurred_at=found_at,
    )


def gap_resolution(gap: CoverageGap, at: datetime) -> str:
    """Why the alert of a gap is moot."""
    return "CoverageGapPassed" if gap.ends_at <= at else "CoverageRestored"
