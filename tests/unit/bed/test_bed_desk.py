"""The bed desk: who was told that there is no bed, who waits for one, and what they follow."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from services.bed.domain import bed_desk
from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain.bed_desk import BedDesk
from services.bed.domain.desk_commands import DESK_REQUESTS, JoinWaitingList, LeaveWaitingList
from services.bed.domain.desk_events import (
    DeskEvent,
    WaitingChanged,
    WaitingJoined,
    WaitingLeft,
    WaitingServed,
    WardListed,
)
from services.bed.domain.state import Ward
from services.bed.domain.values import BedConstraints, BedState, BedType, CodedReason, Urgency, WaitingEntry
from services.bed.domain.waiting import WAITING_MAX
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotAllowed, NotPermitted

from .scenario import (
    BED_DESK,
    BED_IN,
    HOSPITAL,
    HOUR,
    NOW,
    R1,
    R2,
    R3,
    REASON,
    SYSTEM,
    bed_event_codec,
    context,
    described,
    fold,
    hold_bed,
    person,
    recorded,
)

TYPE = BedType.STROKE_UNIT
FULL = fold(described(1), *BED_IN[BedState.HELD])
#: what the desk tells of R2, and how R2 waits
UNAVAILABLE = happened.BedUnavailable(
    referral=R2, patient="p-2", facility=HOSPITAL, bed_type=TYPE, reason="NO_FREE_BED"
)
ASKED = hold_bed(R2, record_refusal=True, urgency=Urgency.URGENT)
ENTRY = WaitingEntry(
    referral=R2,
    patient="p-2",
    facility=HOSPITAL,
    bed_type=TYPE,
    urgency=Urgency.URGENT,
    asked_at=NOW,
    hold_until=NOW + HOUR,
)


def entry(referral: str, urgency: Urgency = Urgency.URGENT, minutes: int = 0) -> WaitingEntry:
    return replace(ENTRY, referral=referral, urgency=urgency, asked_at=NOW + timedelta(minutes=minutes))


def desk(*events: DeskEvent) -> BedDesk | None:
    """The desk after the events; every state on the way reads back, and every event survives its message."""
    state: BedDesk | None = None
    for version, event in enumerate(events, start=1):
        seen = recorded(event, version, stream=bed_desk.stream_id(HOSPITAL))
        state = bed_desk.evolve(state, seen)
        snapshot = msgspec.msgpack.encode(state)
        read = msgspec.msgpack.decode(snapshot, type=BedDesk)
        assert read == state
        assert msgspec.msgpack.encode(read) == snapshot
        stored = bed_event_codec().encode(seen.metadata, event, bed_desk.envelope(state))
        assert bed_event_codec().decode(stored) == seen
    return state


def when(
    state: BedDesk | None,
    command: bed_desk.Command,
    by: Actor | None = None,
    *wards: Ward,
    at: datetime = NOW,
) -> tuple[DeskEvent, ...]:
    by = by or (BED_DESK if type(command) in DESK_REQUESTS else SYSTEM)
    return bed_desk.decide(state, command, context(by, at=at), facility=HOSPITAL, wards=wards)


def refused(state: BedDesk | None, command: bed_desk.Command, *wards: Ward) -> NotAllowed:
    with pytest.raises(NotAllowed) as caught:
        when(state, command, BED_DESK, *wards)
    assert caught.value.resource_name == "desks/jimsar-general"
    assert all(rule.text.zh and rule.text.en for rule in caught.value.failed_rules)
    return caught.value


def codes(refusal: NotAllowed) -> list[str]:
    return [rule.code for rule in refusal.failed_rules]


def test_an_accepted_referral_without_a_bed_is_told_so_and_waits() -> None:
    assert when(None, ASKED, SYSTEM, FULL) == (UNAVAILABLE, WaitingJoined(entry=ENTRY))


def test_where_no_ward_could_take_the_patient_it_waits_too_for_a_ward_may_come() -> None:
    told, joined = when(None, ASKED)
    assert (told, type(joined)) == (replace(UNAVAILABLE, reason="NO_SUITABLE_WARD"), WaitingJoined)


def test_an_acceptance_that_is_heard_late_waits_since_it_was_given() -> None:
    late = replace(ASKED, asked_at=NOW)
    (_, joined) = when(None, late, SYSTEM, FULL, at=NOW + HOUR)
    assert joined == WaitingJoined(entry=ENTRY)
    (_, joined) = when(None, replace(ASKED, asked_at=NOW + 2 * HOUR), SYSTEM, FULL, at=NOW + HOUR)
    assert joined == WaitingJoined(entry=replace(ENTRY, asked_at=NOW + HOUR))


def test_one_who_waits_already_is_told_again_and_keeps_the_place() -> None:
    waiting = desk(WaitingJoined(entry=ENTRY))
    assert when(waiting, ASKED, SYSTEM, FULL, at=NOW + HOUR) == (UNAVAILABLE,)
    later = replace(ASKED, sex="F", expires_at=NOW + 2 * HOUR)
    changed = replace(ENTRY, sex="F", hold_until=NOW + 2 * HOUR)
    assert when(waiting, later, SYSTEM, FULL, at=NOW + HOUR) == (
        UNAVAILABLE,
        WaitingChanged(entry=changed),
    )


@pytest.mark.parametrize(
    ("wards", "code", "standing"), [((FULL,), "NO_FREE_BED", "FULL"), ((), "NO_SUITABLE_WARD", "NO_WARD")]
)
def test_who_waits_for_the_answer_is_refused(wards: tuple[Ward, ...], code: str, standing: str) -> None:
    refusal = refused(None, hold_bed(R2), *wards)
    assert (codes(refusal), refusal.state, refusal.allowed_commands) == (
        [code],
        standing,
        ("JoinWaitingList",),
    )


def test_the_list_is_by_urgency_then_time_then_id() -> None:
    first, second, third, last = (
        entry(R3, Urgency.EMERGENCY, 30),
        entry(R1, Urgency.URGENT, 5),
        entry(R2, Urgency.URGENT, 5),
        entry("referrals/00000009", Urgency.ROUTINE, 0),
    )
    state = desk(*(WaitingJoined(entry=each) for each in (last, third, first, second)))
    assert state is not None
    assert state.waiting == (first, second, third, last)
    urgent = replace(last, urgency=Urgency.EMERGENCY)
    state = desk(
        *(WaitingJoined(entry=each) for each in (last, third, first, second)), WaitingChanged(entry=urgent)
    )
    assert state is not None
    assert state.waiting == (urgent, first, second, third)


JOIN = JoinWaitingList(
    facility=HOSPITAL,
    referral=R2,
    patient="p-2",
    bed_type=TYPE,
    urgency=Urgency.URGENT,
    hold_until=NOW + HOUR,
)


def test_a_person_lets_a_referral_wait_by_the_platforms_clock() -> None:
    early = bed_desk.decide(
        None,
        JOIN,
        context(at=NOW - HOUR, recorded_at=NOW),
        facility=HOSPITAL,
        wards=(FULL,),
    )
    assert early == (WaitingJoined(entry=ENTRY),)
    assert when(desk(WaitingJoined(entry=ENTRY)), JOIN, None, FULL, at=NOW + HOUR) == ()


def test_nobody_waits_for_what_is_there_or_cannot_come() -> None:
    refusal = refused(None, JOIN, fold(described(1)))
    assert (codes(refusal), refusal.state) == (["BED_AVAILABLE"], "OPEN")
    women = fold(described(1, w_01=BedConstraints(sex="F")))
    assert codes(refused(None, JOIN, women)) == ["NO_SUITABLE_WARD"]


def test_the_list_is_bounded() -> None:
    many = desk(*(WaitingJoined(entry=entry(f"referrals/{number}")) for number in range(WAITING_MAX)))
    assert codes(refused(many, JOIN, FULL)) == ["WAITING_LIST_FULL"]
    assert when(many, ASKED, SYSTEM, FULL) == (UNAVAILABLE,)


def test_a_referral_is_taken_off_the_list() -> None:
    waiting = desk(WaitingJoined(entry=ENTRY))
    leave = LeaveWaitingList(facility=HOSPITAL, referral=R2, reason=REASON)
    left = WaitingLeft(entry=ENTRY, reason=REASON)
    assert when(waiting, leave) == (left,)
    gone = desk(WaitingJoined(entry=ENTRY), left)
    assert gone is not None
    assert (gone.waiting, bed_desk.claims(gone)) == ((), ())
    assert codes(refused(gone, leave)) == ["NOT_WAITING"]


def test_who_waits_follows_the_referral() -> None:
    waiting = desk(WaitingJoined(entry=ENTRY))
    moved = replace(ENTRY, hold_until=NOW + 2 * HOUR)
    assert when(waiting, ask.AdjustHold(referral=R2, expires_at=NOW + 2 * HOUR)) == (
        WaitingChanged(entry=moved),
    )
    on_road = replace(ENTRY, patient_in_transit=True)
    assert when(waiting, ask.MarkInTransit(referral=R2)) == (WaitingChanged(entry=on_road),)
    here = replace(ENTRY, patient_arrived=True)
    assert when(waiting, ask.OccupyOnArrival(referral=R2)) == (WaitingChanged(entry=here),)
    assert when(waiting, ask.AdjustHold(referral=R2, expires_at=NOW + HOUR)) == ()
    for command in (ask.MarkInTransit(referral=R1), ask.GiveUpHold(referral=R1, reason=REASON)):
        assert when(waiting, command) == when(None, command) == ()


def test_the_end_of_a_referral_ends_the_wait_and_a_refusal_only_its_own() -> None:
    waiting = desk(WaitingJoined(entry=ENTRY))
    ended = WaitingLeft(entry=ENTRY, reason=REASON)
    assert when(waiting, ask.GiveUpHold(referral=R2, reason=REASON)) == (ended,)
    assert when(waiting, ask.GiveUpHold(referral=R2, reason=REASON, facility=HOSPITAL)) == (ended,)
    assert when(waiting, ask.GiveUpHold(referral=R2, reason=REASON, facility="wucaiwan")) == ()


def test_who_waits_has_the_claims_that_a_held_bed_would_have() -> None:
    state = desk(WaitingJoined(entry=ENTRY))
    assert state is not None
    assert bed_desk.claims(state) == (
        ("referral-bed", R2, "desks/jimsar-general"),
        ("referral-promise", R2, "desks/jimsar-general"),
    )
    served = desk(
        WaitingJoined(entry=ENTRY), WaitingServed(entry=ENTRY, hold="holds/1", ward="w", bed="w-01")
    )
    assert served is not None
    assert bed_desk.claims(served) == ()


def test_a_ward_is_listed_once_for_each_type() -> None:
    (listed,) = bed_desk.listed(None, FULL)
    assert listed == WardListed(facility=HOSPITAL, ward="w", bed_type=TYPE)
    assert bed_desk.listed(desk(listed), FULL) == ()
    other = replace(FULL, bed_type=BedType.ICU)
    assert bed_desk.listed(desk(listed), other) == (replace(listed, bed_type=BedType.ICU),)


def test_what_is_read_off_a_desk() -> None:
    state = desk(UNAVAILABLE, UNAVAILABLE)
    assert state == BedDesk(
        name="desks/jimsar-general", version=2, facility=HOSPITAL, unavailable_count=2, update_time=NOW
    )
    assert (bed_desk.deadlines(state), bed_desk.allowed_commands(state)) == ((), ("JoinWaitingList",))
    assert bed_desk.facets(state) == {"parties": [HOSPITAL], "live": True, "facility": HOSPITAL}
    carried = bed_desk.envelope(state)
    assert (carried.counts, carried.bed_type, carried.facility) == (None, None, HOSPITAL)


@pytest.mark.parametrize(
    "by",
    [person(Role.CLINICIAN, facility="wucaiwan"), person(Role.AMBULANCE), person(Role.COORDINATOR)],
)
def test_who_may_ask_the_desk(by: Actor) -> None:
    leave = LeaveWaitingList(facility=HOSPITAL, referral=R2, reason=CodedReason(code="X"))
    for command in (ASKED, JOIN, leave, ask.GiveUpHold(referral=R2, reason=REASON)):
        with pytest.raises(NotPermitted):
            when(desk(WaitingJoined(entry=ENTRY)), command, by, FULL)
    assert when(None, JOIN, person(Role.REFERRAL_OFFICE), FULL)
