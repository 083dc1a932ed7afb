"""Gaps of the coming days: told to the lead once a gap, and settled when they are filled or over."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services.notification.adapters.aggregate_codecs import build_aggregates
from services.notification.adapters.national_calendar import NationalCalendar
from services.notification.adapters.rule_catalogue import load_rules
from services.notification.application.apply_roster import RosterDesk
from services.notification.application.copies import KnownDirectory
from services.notification.application.watch_coverage import CoverageWatch
from services.notification.domain.alert_state import Alert
from services.notification.domain.directory import Directory
from services.notification.domain.roster import COVERAGE, Roster, deadlines
from services.notification.domain.roster_coverage import gaps, single_points
from services.notification.domain.roster_values import Post, Requirement, WeakSpot
from services.notification.domain.roster_watch import OPENED_MAX
from services.notification.domain.values import AlertState, Pathway, Severity
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import StreamQuery
from services.shared.eventstore.work import Work
from services.shared.kernel.ids import derive_id
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.notification.occurrences import DIRECTORY
from tests.unit.notification.rosters import OPERATOR, duty
from tests.unit.notification.scenario import HOSPITAL, SYSTEM, context
from tests.unit.notification.turns import (
    BACKUP,
    STROKE,
    WORKDAYS,
    command,
    leave,
    local,
    roster,
    rotation,
    shift,
)

T = TypeVar("T")
NAME = f"rosters/{HOSPITAL}"
MONDAY = local("2026-01-05 12:00")
FULL = (rotation("a", "b"), rotation("c", post=BACKUP))
LEAD = (duty("chief", step="lead"),)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


class Known(KnownDirectory):
    """The directory of the tests."""

    def current(self) -> Directory:
        return DIRECTORY

    def keep(self, work: Work, entry: Any, version: int) -> None:
        raise AssertionError(entry)

    def remove(self, work: Work, entry_type: Any, key: str, version: int) -> None:
        raise AssertionError(key)

    async def refresh(self) -> None:
        return None


class Site:
    """Rosters and alerts on a store in memory."""

    def __init__(self) -> None:
        self.kinds = build_aggregates()
        self.store = MemoryEventStore()
        self.runner = CommandRunner(self.store)
        catalogue, calendars = load_rules().catalogue, NationalCalendar()
        self.watch = CoverageWatch(
            kinds=self.kinds, catalogue=catalogue, directory=Known(), calendars=calendars
        )
        self.desk = RosterDesk(
            kinds=self.kinds,
            runner=self.runner,
            directory=Known(),
            calendars=calendars,
            catalogue=catalogue,
        )

    def apply(self, at: datetime = MONDAY, **fields: Any) -> "Site":
        wanted = command(**fields)
        told = context(OPERATOR, at=at, request=derive_id(repr(wanted), at.isoformat()))
        run(self.desk.apply(wanted, told, repr(wanted).encode()))
        return self

    def check(self, at: datetime = MONDAY) -> "Site":
        told = context(SYSTEM, at=at, request=derive_id("check", at.isoformat()))
        run(self.runner.react(self.watch.check(NAME, COVERAGE), told, target=NAME, inbox=None))
        return self

    @property
    def roster(self) -> Roster:
        state = run(self.runner.read(self.kinds.roster, NAME)).state
        assert state is not None
        return state

    def alerts(self) -> list[Alert]:
        page = run(self.store.find(StreamQuery(kind="alert", contains={}, limit=200)))
        found = run(self.runner.revive_all(self.kinds.alert, page.streams))
        return sorted(found, key=lambda each: each.dedup_key)

    def open(self) -> list[Alert]:
        return [alert for alert in self.alerts() if alert.state is not AlertState.RESOLVED]


def test_a_gap_is_told_to_the_lead_in_words() -> None:
    site = Site().apply(
        rotations=FULL, duties=LEAD, leaves=(leave("b", "2026-01-06 20:00", "2026-01-07 08:00"),)
    )
    (alert,) = site.check().open()
    assert (alert.rule, alert.severity, alert.role) == ("COVERAGE_GAP", Severity.HIGH, "STROKE")
    assert [one.user for one in alert.escalation[0].recipients] == ["chief"]
    assert alert.act_by == local("2026-01-06 20:00")
    assert alert.body.zh == (
        "吉木萨尔县总医院卒中中心一线值班 2026-01-06 20:00 至 2026-01-07 08:00 无人值班"
        "（请假，无替班），请安排人员并更新值班表。"
    )
    assert "nobody from 2026-01-06 20:00 to 2026-01-07 08:00" in alert.body.en


def test_a_roster_without_gaps_alarms_nobody_and_is_looked_at_again_the_next_morning() -> None:
    site = Site().apply(rotations=FULL).check()
    assert site.alerts() == []
    assert site.roster.coverage_check_at == local("2026-01-06 09:00")
    assert [deadline.key for deadline in deadlines(site.roster)] == [COVERAGE]
    version = site.roster.version
    assert site.check().roster.version == version, "a look that is not due changes nothing"


def test_a_roster_of_plain_duties_is_never_looked_at() -> None:
    site = Site().apply(duties=(duty("a"),))
    assert deadlines(site.roster) == ()


def test_a_gap_is_told_once_however_often_it_is_seen() -> None:
    ended = (rotation("a", ends_on="2026-01-05"), rotation("c", post=BACKUP))
    site = Site().apply(rotations=ended, duties=LEAD).check()
    (first,) = site.open()
    for number in range(6, 12):
        site.check(local(f"2026-01-{number:02d} 09:00"))
    (alert,) = site.open()
    assert (alert.name, alert.version) == (first.name, first.version)
    (gap,) = site.roster.open_gaps
    assert gap.starts_at == local("2026-01-06 08:00")


def test_a_filled_gap_settles_its_alert_and_one_that_comes_back_is_new() -> None:
    away = (leave("b", "2026-01-06 20:00", "2026-01-07 08:00"),)
    filled = (leave("b", "2026-01-06 20:00", "2026-01-07 08:00", "s"),)
    site = Site().apply(rotations=FULL, leaves=away).check()
    site.apply(MONDAY + timedelta(hours=1), rotations=FULL, leaves=filled).check(MONDAY + timedelta(hours=1))
    (settled,) = site.alerts()
    assert (settled.state, settled.resolution) == (AlertState.RESOLVED, "CoverageRestored")
    site.apply(MONDAY + timedelta(hours=2), rotations=FULL, leaves=away).check(MONDAY + timedelta(hours=2))
    (again,) = site.open()
    assert again.name != settled.name and again.dedup_key == settled.dedup_key


def test_a_gap_that_is_over_settles_its_alert() -> None:
    away = (leave("b", "2026-01-06 20:00", "2026-01-07 08:00"),)
    site = Site().apply(rotations=FULL, leaves=away).check()
    for number in (6, 7):
        site.check(local(f"2026-01-{number:02d} 09:00"))
    assert [alert.resolution for alert in site.alerts()] == ["CoverageGapPassed"]
    assert site.roster.open_gaps == ()


def test_no_backup_is_to_be_known_and_wakes_nobody() -> None:
    site = Site().apply(
        rotations=(rotation("a", "b"), rotation("c", post=BACKUP, ends_on="2026-01-05")), duties=LEAD
    )
    (alert,) = site.check().open()
    assert alert.severity is Severity.INFORMATION
    assert alert.next_call_at is None


def test_a_roster_that_is_all_gaps_is_bounded() -> None:
    posts = [replace(STROKE, seat=seat) for seat in range(1, OPENED_MAX + 6)]
    site = Site().apply(requirements=tuple(Requirement(post=post) for post in posts))
    assert len(site.check().open()) == OPENED_MAX
    assert len(site.check(local("2026-01-06 09:00")).open()) == OPENED_MAX + 5


def test_what_need_not_be_held_is_no_gap() -> None:
    desk = Post(role="bed_desk", step="duty")
    office = rotation("a", post=desk, days=WORKDAYS, handover="08:00", until="18:00")
    open_hours = Requirement(post=desk, days=WORKDAYS, starts="08:00", ends="18:00")
    week = (local("2026-01-05 00:00"), local("2026-01-12 00:00"))
    assert len(gaps(roster(rotations=(office,)), *week)) == 6
    assert gaps(roster(rotations=(office,), requirements=(open_hours,)), *week) == ()
    late = replace(open_hours, ends="20:00")
    assert len(gaps(roster(rotations=(office,), requirements=(late,)), *week)) == 5


def test_plain_duties_cover_their_step_together() -> None:
    state = roster(
        duties=(
            replace(duty("a"), ends_at=local("2026-01-06 08:00")),
            replace(duty("b"), starts_at=local("2026-01-06 10:00")),
        )
    )
    (gap,) = gaps(state, local("2026-01-05 00:00"), local("2026-01-08 00:00"))
    assert (gap.starts_at, gap.ends_at) == (local("2026-01-06 08:00"), local("2026-01-06 10:00"))
    assert gap.post == replace(STROKE, seat=0)


def test_a_shift_on_a_post_of_its_own_is_nobody_s_duty_afterwards() -> None:
    extra = shift("z", "2026-02-16 18:00", "2026-02-17 08:00", replace(STROKE, seat=2))
    state = roster(rotations=FULL, shifts=(extra,))
    assert gaps(state, local("2026-02-16 00:00"), local("2026-02-20 00:00")) == ()


def test_where_all_hangs_on_one_person() -> None:
    other = Post(role="CHEST_PAIN", step="duty")
    state = roster(rotations=(rotation("a", "b"), rotation("a", post=other)))
    first, last = local("2026-01-05 08:00"), local("2026-01-07 08:00")
    found = {
        (point.kind, point.user, point.roles, point.starts_at) for point in single_points(state, first, last)
    }
    assert found == {
        (WeakSpot.NO_BACKUP, "a", ("STROKE",), first),
        (WeakSpot.NO_BACKUP, "b", ("STROKE",), local("2026-01-06 08:00")),
        (WeakSpot.NO_BACKUP, "a", ("CHEST_PAIN",), first),
        (WeakSpot.SEVERAL_ROLES, "a", ("CHEST_PAIN", "STROKE"), first),
    }


def test_a_table_that_is_published_later_holds_from_the_next_look_on() -> None:
    site = Site().apply(rotations=(rotation("a", days=WORKDAYS),))
    before = site.roster.special_days
    assert before and site.check().roster.special_days == before
    site.check(local("2027-01-01 09:00"))
    assert site.roster.special_days[-1].date.startswith("2029"), "two years ahead of the look"


def test_an_alert_calls_the_people_of_its_own_pathway_first() -> None:
    own = Post(role="STROKE", step="lead", pathway=Pathway.STROKE)
    leads = (rotation("own", post=own), rotation("any", post=replace(own, pathway=None)))
    stroke = replace(STROKE, pathway=Pathway.STROKE)
    site = Site().apply(rotations=leads, requirements=(Requirement(post=stroke), Requirement(post=STROKE)))
    called = {alert.pathway: alert.escalation[0].recipients[0].user for alert in site.check().open()}
    assert called == {Pathway.STROKE: "own", None: "any"}
