"""What a site may configure of referrals: time limits, crews, approval, pooling areas.

The defaults here are those of `config/policy.yaml`, which has the source and the confidence of each; a test
holds the two together. None of them is a national norm.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from types import MappingProxyType

from services.referral.domain.recognition_policy import NOTHING_RECOGNISED, RecognitionPolicy
from services.referral.domain.record_rules import DEFAULT_RECORD_RULES, RecordRules
from services.referral.domain.referral_values import CrewLevel
from services.referral.domain.standing_values import DEFAULT_STANDING_POLICY, StandingPolicy
from services.referral.domain.values import Pathway, Scope, Urgency

_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86_400

_CREW_RANK = {level: rank for rank, level in enumerate(CrewLevel)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """Time limits of one urgency, in seconds."""

    #: a destination sees its offer
    acknowledge_s: int
    #: a destination decides on its offer
    decide_s: int
    #: a bed is held this long after the expected arrival
    hold_margin_s: int
    #: a bed is held until the end of the day of the visit
    hold_whole_day: bool = False
    #: the origin acknowledges the outcome report after the treatment
    outcome_report_s: int
    #: a destination confirms a cancellation; then it is confirmed by itself (product default)
    confirm_cancellation_s: int
    #: nobody left to ask, or nobody approves: then it expires (product default; longer than an escalation)
    expiry_s: int
    #: the bed service answers what an acceptance asked for (product default)
    bed_answer_s: int
    #: an accepted patient departs, where no arrival is expected (product default, as all that follow)
    departure_s: int
    #: an accepted patient departs this long after the departure that was planned or follows from the arrival
    departure_margin_s: int
    #: a patient on the road arrives this long after the expected arrival
    arrival_margin_s: int
    #: the origin arranges anew, or cancels, for a patient who did not come
    no_show_s: int
    #: the destination starts the treatment of a patient who arrived
    treatment_start_s: int
    #: the destination reports the outcome of a treatment that was started: generous, for stays of weeks
    treatment_s: int
    #: instead of the site's `approval_review_s`
    approval_review_s: int | None = None
    #: the origin completes a record that began incomplete; for an emergency's instead of the limit among the
    #: time targets (product default: a day, and three where nobody hurries)
    record_completion_s: int | None = None


DEFAULT_TERMS: Mapping[Urgency, Terms] = MappingProxyType(
    {
        Urgency.EMERGENCY: Terms(
            acknowledge_s=2 * _MINUTE_S,
            decide_s=10 * _MINUTE_S,
            hold_margin_s=30 * _MINUTE_S,
            outcome_report_s=24 * _HOUR_S,
            confirm_cancellation_s=10 * _MINUTE_S,
            expiry_s=2 * _HOUR_S,
            bed_answer_s=2 * _MINUTE_S,
            departure_s=30 * _MINUTE_S,
            departure_margin_s=10 * _MINUTE_S,
            arrival_margin_s=15 * _MINUTE_S,
            no_show_s=30 * _MINUTE_S,
            treatment_start_s=_HOUR_S,
            treatment_s=14 * _DAY_S,
        ),
        Urgency.URGENT: Terms(
            acknowledge_s=30 * _MINUTE_S,
            decide_s=2 * _HOUR_S,
            hold_margin_s=2 * _HOUR_S,
            outcome_report_s=72 * _HOUR_S,
            confirm_cancellation_s=30 * _MINUTE_S,
            expiry_s=24 * _HOUR_S,
            bed_answer_s=10 * _MINUTE_S,
            departure_s=4 * _HOUR_S,
            departure_margin_s=_HOUR_S,
            arrival_margin_s=_HOUR_S,
            no_show_s=4 * _HOUR_S,
            treatment_start_s=4 * _HOUR_S,
            treatment_s=30 * _DAY_S,
            record_completion_s=_DAY_S,
        ),
        Urgency.ROUTINE: Terms(
            acknowledge_s=24 * _HOUR_S,
            decide_s=48 * _HOUR_S,
            hold_margin_s=2 * _HOUR_S,
            hold_whole_day=True,
            outcome_report_s=7 * _DAY_S,
            confirm_cancellation_s=24 * _HOUR_S,
            expiry_s=7 * _DAY_S,
            bed_answer_s=_HOUR_S,
            departure_s=7 * _DAY_S,
            departure_margin_s=2 * _HOUR_S,
            arrival_margin_s=2 * _HOUR_S,
            no_show_s=3 * _DAY_S,
            treatment_start_s=2 * _DAY_S,
            treatment_s=90 * _DAY_S,
            record_completion_s=3 * _DAY_S,
        ),
    }
)

#: The least crew by urgency (product default, confidence C: a site replaces it by its own transport rules).
DEFAULT_CREW: Mapping[Urgency, CrewLevel] = MappingProxyType(
    {
        Urgency.EMERGENCY: CrewLevel.ADVANCED,
        Urgency.URGENT: CrewLevel.BASIC,
        Urgency.ROUTINE: CrewLevel.NONE,
    }
)

#: The least crew by pathway, whatever the urgency (product default, confidence C).
DEFAULT_PATHWAY_CREW: Mapping[Pathway, CrewLevel] = MappingProxyType(
    {Pathway.CRITICAL_CARE: CrewLevel.CRITICAL_CARE, Pathway.NEONATAL: CrewLevel.ADVANCED}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralPolicy:
    """A site's configuration of referrals."""

    terms_by_urgency: Mapping[Urgency, Terms] = field(default_factory=lambda: DEFAULT_TERMS)
    #: instead of the urgency's terms, for one pathway
    terms_by_pathway: Mapping[tuple[Pathway, Urgency], Terms] = field(default_factory=dict)
    crew_by_urgency: Mapping[Urgency, CrewLevel] = field(default_factory=lambda: DEFAULT_CREW)
    crew_by_pathway: Mapping[Pathway, CrewLevel] = field(default_factory=lambda: DEFAULT_PATHWAY_CREW)
    #: re-routings of one referral
    hops_max: int = 5
    #: so often people are told that a step after acceptance is overdue, the first time included
    overdue_reminders_max: int = 3
    #: moves that need the approval of the origin's lead facility
    approval_scopes: frozenset[Scope] = frozenset({Scope.OUT_OF_COUNTY})
    #: an approval that follows the patient is given within this time: a review, from the acceptance out of
    #: the county or the diversion there
    approval_review_s: int = 72 * _HOUR_S
    #: assumed by road where the directory does not know (product default)
    travel_unknown_s: int = 2 * _HOUR_S
    #: the site's clock, for the end of a day: China Standard Time
    utc_offset_minutes: int = 480
    #: region codes that agree in so many digits share an insurance pooling area: 4 is the prefecture
    pooling_region_digits: int = 4
    #: beginnings of region codes inside which no filing is asked for (a province with one pool: two digits)
    filing_exempt_regions: tuple[str, ...] = ()
    #: how urgent a referral is that a red flag opens (product default)
    red_flag_urgency: Urgency = Urgency.URGENT
    red_flag_urgency_by_pathway: Mapping[Pathway, Urgency] = field(default_factory=dict)
    #: bed counts not confirmed for longer are shown as stale (product default, the bed service's too)
    bed_counts_stale_s: int = 8 * _HOUR_S
    #: reasons of a decline or withdrawal that say there is no room: the free beds then are kept with it
    capacity_reasons: tuple[str, ...] = ("NO_CAPACITY", "NO_BED")
    #: fewer acceptances than this say nothing of how long the next one takes (product default)
    wait_cases_min: int = 5
    #: older acceptances say nothing of it (product default)
    wait_window_s: int = 90 * _DAY_S
    record: RecordRules = DEFAULT_RECORD_RULES
    #: a visit so many days before a planned follow-up fulfils it (product default)
    follow_up_early_days: int = 7
    #: the origin's word that an accepted referral is an error waits so long for a second one: over a long
    #: weekend (product default)
    error_mark_s: int = 72 * _HOUR_S
    recognition: RecognitionPolicy = NOTHING_RECOGNISED
    standing: StandingPolicy = DEFAULT_STANDING_POLICY

    def terms(self, urgency: Urgency, pathway: Pathway) -> Terms:
        """The time limits in force. Raises KeyError when the site leaves an urgency out."""
        return self.terms_by_pathway.get((pathway, urgency)) or self.terms_by_urgency[urgency]

    def review_limit_s(self, urgency: Urgency, pathway: Pathway) -> int:
        """How long the lead facility has for a review afterwards."""
        return self.terms(urgency, pathway).approval_review_s or self.approval_review_s

    def record_limit_s(self, urgency: Urgency, pathway: Pathway) -> int | None:
        """How long the origin has to complete a record; None when the site's own terms leave it out."""
        own = self.terms(urgency, pathway).record_completion_s
        if own is not None:
            return own
        return self.record.completion_limit_s if urgency is Urgency.EMERGENCY else None

    def crew_least(self, urgency: Urgency, pathway: Pathway) -> CrewLevel:
        """The lowest crew that fits the acuity."""
        by_urgency = self.crew_by_urgency.get(urgency, CrewLevel.NONE)
        by_pathway = self.crew_by_pathway.get(pathway, CrewLevel.NONE)
        return max(by_urgency, by_pathway, key=_CREW_RANK.__getitem__)

    def crew_fits(self, crew: CrewLevel, urgency: Urgency, pathway: Pathway) -> bool:
        return _CREW_RANK[crew] >= _CREW_RANK[self.crew_least(urgency, pathway)]

    def travel(self, minutes: int | None) -> timedelta:
        """The time on the road, assumed where it is unknown."""
        return timedelta(seconds=self.travel_unknown_s if minutes is None else minutes * _MINUTE_S)

    def hold_until(
        self, *, urgency: Urgency, pathway: Pathway, arrival: datetime, recorded_at: datetime
    ) -> datetime:
        """Until when a bed is held for an expected arrival (UTC).

        Never before `recorded_at` and the margin, so that a late entry is not born lapsed.
        """
        terms = self.terms(urgency, pathway)
        margin = timedelta(seconds=terms.hold_margin_s)
        end = self.end_of_day(arrival) if terms.hold_whole_day else arrival + margin
        return max(end, recorded_at + margin)

    def red_flag(self, pathway: Pathway) -> Urgency:
        return self.red_flag_urgency_by_pathway.get(pathway, self.red_flag_urgency)

    def same_pooling_area(self, left: str, right: str) -> bool:
        """Whether two region codes share an insurance pooling area; unknown regions ask for nothing."""
        if not left or not right:
            return True
        digits = self.pooling_region_digits
        return left[:digits] == right[:digits]

    def filing_exempt(self, left: str, right: str) -> bool:
        """Whether the rule of an area that holds both regions exempts from filing."""
        return any(left.startswith(area) and right.startswith(area) for area in self.filing_exempt_regions)

    @property
    def zone(self) -> timezone:
        """The site's time zone."""
        return timezone(timedelta(minutes=self.utc_offset_minutes))

    def day_of(self, moment: datetime) -> date:
        """The calendar day at the site."""
        return moment.astimezone(self.zone).date()

    def day_end(self, day: str) -> datetime:
        """The end of a calendar day (YYYY-MM-DD) at the site (UTC). Raises ValueError for no such day."""
        midnight = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), self.zone)
        return midnight.astimezone(UTC)

    def due_from(self, recorded_at: datetime) -> Callable[[str], datetime]:
        """When a task of a plan is missed: at the end of its day.

        Not before the day of receipt is over, so that a plan that is entered late is not born missed.
        """
        earliest = self.end_of_day(recorded_at)
        return lambda day: max(self.day_end(day), earliest)

    def end_of_day(self, moment: datetime) -> datetime:
        """The end of the day at the site on which the moment lies (UTC)."""
        return self.day_end(self.day_of(moment).isoformat())


DEFAULT_POLICY = ReferralPolicy()
