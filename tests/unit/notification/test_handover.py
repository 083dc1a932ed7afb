"""The hand-over: who goes and comes, what is under way, what is late, in words that name no patient."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.notification.adapters.stored_caseload import StoredCaseload
from services.notification.domain.caseload import CasePhase, CaseUnderWay, follow, is_over, is_overdue
from services.notification.domain.handover import changeover, digest
from services.notification.domain.occurrence import Occurrence
from services.notification.domain.subject_state import SubjectState, observe
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Work
from services.shared.kernel.ids import derive_id
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.notification.occurrences import DIRECTORY, occurrence
from tests.unit.notification.rosters import duty
from tests.unit.notification.scenario import (
    BRANCH,
    HOSPITAL,
    NOW,
    REFERRAL,
    SYSTEM,
    TRIGGERED,
    context,
    given,
)
from tests.unit.notification.turns import BACKUP, local, roster, rotation

HOUR = timedelta(hours=1)
OFFER = {"name": "offers/1", "facility": HOSPITAL}
TEAM = roster(
    rotations=(rotation("a", "b"), rotation("c", post=BACKUP)), duties=(duty("chief", step="lead"),)
)


def event(name: str, version: int, at: datetime = NOW, **fields: Any) -> Occurrence:
    return occurrence(name, fields, version=version, at=at)


def after(*events: Occurrence) -> CaseUnderWay:
    case: CaseUnderWay | None = None
    subject: SubjectState | None = None
    for each in events:
        subject = observe(subject, each)
        case = follow(case, each, subject)
    assert case is not None
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(case), type=CaseUnderWay) == case
    return case


REQUESTED = event("ReferralRequested", 1, offers=[OFFER])
ACCEPTED = event("ReferralAccepted", 2, estimated_arrival_time=NOW + HOUR)


def test_whoever_changes_goes_and_comes_and_the_others_stay() -> None:
    change = changeover(TEAM, local("2026-01-06 07:30"))
    assert change.at == local("2026-01-06 08:00")
    assert [slot.holder.user for slot in change.goes_off if slot.holder] == ["a"]
    assert [slot.holder.user for slot in change.comes_on if slot.holder] == ["b"]
    assert {slot.holder.user for slot in change.stays if slot.holder} == {"c", "chief"}


def test_it_is_still_the_same_hand_over_an_hour_later() -> None:
    for clock in ("08:00", "08:30", "09:00"):
        assert changeover(TEAM, local(f"2026-01-06 {clock}")).at == local("2026-01-06 08:00")
    assert changeover(TEAM, local("2026-01-06 09:01")).at == local("2026-01-07 08:00")


def test_without_turns_there_is_nothing_to_change() -> None:
    plain = roster(duties=(duty("a"),))
    change = changeover(plain, NOW)
    assert (change.at, change.goes_off, change.comes_on) == (NOW, (), ())
    assert [slot.holder.user for slot in change.stays if slot.holder] == ["a"]
    assert changeover(None, NOW).stays == ()


def test_one_role_alone() -> None:
    assert changeover(TEAM, local("2026-01-06 07:30"), "bed_desk").comes_on == ()


def test_a_case_is_followed_from_request_to_treatment() -> None:
    case = after(REQUESTED)
    assert (case.phase, case.from_facility, case.to_facility) == (CasePhase.REQUESTED, BRANCH, HOSPITAL)
    assert set(case.facilities) == {BRANCH, HOSPITAL}
    case = after(REQUESTED, ACCEPTED)
    assert (case.phase, case.due_at, case.opened_at) == (CasePhase.ACCEPTED, NOW + HOUR, NOW)
    arrived = after(REQUESTED, ACCEPTED, event("PatientArrived", 3))
    assert (arrived.phase, arrived.due_at) == (CasePhase.ARRIVED, None)
    assert is_over(after(REQUESTED, ACCEPTED, event("TreatmentCompleted", 3)))


def test_late_is_what_was_told_or_expected_until_something_moves() -> None:
    told = after(REQUESTED, event("OfferOverdue", 2))
    assert is_overdue(told, NOW)
    assert is_overdue(after(REQUESTED, event("OfferOverdue", 2), event("OfferAcknowledged", 3)), NOW)
    assert not is_overdue(after(REQUESTED, event("OfferOverdue", 2), replace(ACCEPTED, version=3)), NOW)
    assert is_overdue(after(REQUESTED, ACCEPTED), NOW + 2 * HOUR)
    assert not is_overdue(after(REQUESTED, ACCEPTED), NOW)


def test_an_event_that_was_seen_changes_nothing_and_a_ward_is_no_case() -> None:
    case = after(REQUESTED, ACCEPTED)
    subject = observe(None, REQUESTED)
    assert follow(case, REQUESTED, subject) == case
    ward = replace(REQUESTED, aggregate_kind="ward")
    assert follow(None, ward, subject) is None


def test_a_facility_s_list_has_what_is_under_way_and_loses_what_is_over() -> None:
    store = MemoryEventStore()
    caseload = StoredCaseload(store)
    runner = CommandRunner(store)

    async def keep(before: CaseUnderWay | None, case: CaseUnderWay) -> None:
        async def reaction(work: Work) -> None:
            caseload.put(work, before, case)

        told = context(SYSTEM, request=derive_id(case.name, str(case.version)))
        await runner.react(reaction, told, target=case.name, inbox=None)

    async def listed(facility: str, since: datetime = NOW) -> list[str]:
        found = await caseload.of(facility, since=since.date(), cases_max=10)
        return [case.phase for case in found]

    async def play() -> None:
        requested, accepted = after(REQUESTED), after(REQUESTED, ACCEPTED)
        await keep(None, requested)
        await keep(requested, accepted)
        assert await caseload.load(REFERRAL) == accepted
        assert await listed(HOSPITAL) == ["ACCEPTED"]
        assert await listed(BRANCH) == ["ACCEPTED"]
        assert await listed(BRANCH[:-1]) == []
        assert await listed(HOSPITAL, NOW + timedelta(days=1)) == []
        elsewhere = replace(accepted, version=3, facilities=(BRANCH,))
        await keep(accepted, elsewhere)
        assert await listed(HOSPITAL) == []
        await keep(elsewhere, replace(elsewhere, version=4, phase=CasePhase.OVER))
        assert await listed(BRANCH) == []

    asyncio.run(play())


def test_the_digest_says_it_in_both_languages_late_ones_first() -> None:
    late = replace(after(REQUESTED, ACCEPTED), due_at=NOW - HOUR)
    other = replace(after(REQUESTED), name="referrals/1c9c12ab-0000-4000-8000-000000000002")
    change = changeover(TEAM, local("2026-01-06 07:30"))
    told = digest(change, [given(TRIGGERED).state], [other, late], directory=DIRECTORY, at=NOW, offset=480)
    assert told.zh.splitlines() == [
        "交接班 01-06 08:00",
        "交班：卒中中心一线值班 a医师",
        "接班：卒中中心一线值班 b医师",
        "未解除提醒 1，在途病例 2，其中超时 1",
        "提醒 急诊转诊申请：卒中",
        "超时 0B9C12AB 急诊卒中 五彩湾镇分院→吉木萨尔县总医院 已接收 应于 07-04 09:30",
        "1C9C12AB 急诊卒中 五彩湾镇分院→吉木萨尔县总医院 待接收",
    ]
    assert told.en.splitlines()[0] == "Hand-over 01-06 08:00"
    assert "1 open alerts, 2 cases under way, 1 of them late" in told.en
    assert len(told.en.splitlines()) == len(told.zh.splitlines())
