"""Each check is red where its one thing is wrong, and no other thing makes it so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.faults.evidence import AuditVerdict, Evidence, Receipt, RequestRow
from tests.faults.history import UNKNOWN, History
from tests.faults.run import CHECKS, judge
from tests.faults.whole import (
    EVENTS,
    REFERRAL,
    TOPIC,
    WARD_EVENTS,
    at,
    call,
    event,
    hold,
    record,
    store,
    ward_event,
    whole,
)

Spoil = Callable[[History, Evidence], Evidence]


def _stores(evidence: Evidence, service: str, **changes: Any) -> Evidence:
    changed = replace(evidence.stores[service], **changes)
    return replace(evidence, stores={**evidence.stores, service: changed})


def _lost_command(_: History, evidence: Evidence) -> Evidence:
    return _stores(evidence, "referral", requests=evidence.stores["referral"].requests[:1])


def _another_version(_: History, evidence: Evidence) -> Evidence:
    rows = (evidence.stores["referral"].requests[0], RequestRow(request_id="q-2", stream=REFERRAL, version=1))
    return _stores(evidence, "referral", requests=rows)


def _carried_out_twice(_: History, evidence: Evidence) -> Evidence:
    events = (*EVENTS, event(3, "ReferralAccepted", "q-2"))
    return _stores(evidence, "referral", events=events, versions={REFERRAL: 3})


def _refused_and_stored(history: History, evidence: Evidence) -> Evidence:
    history.calls[1] = replace(history.calls[1], outcome="FAILED_PRECONDITION")
    return evidence


def _gap_in_the_versions(_: History, evidence: Evidence) -> Evidence:
    events = (EVENTS[0], event(3, "ReferralAccepted", "q-2"))
    return _stores(evidence, "referral", events=events)


def _row_behind_its_events(_: History, evidence: Evidence) -> Evidence:
    return _stores(evidence, "referral", versions={REFERRAL: 1})


def _events_without_a_row(_: History, evidence: Evidence) -> Evidence:
    return _stores(evidence, "referral", versions={})


def _not_published(_: History, evidence: Evidence) -> Evidence:
    return replace(evidence, records=evidence.records[:1])


def _nothing_published(_: History, evidence: Evidence) -> Evidence:
    return replace(evidence, records=())


def _published_otherwise(_: History, evidence: Evidence) -> Evidence:
    altered = replace(evidence.records[0], value=b"altered")
    return replace(evidence, records=(altered, *evidence.records[1:]))


def _published_out_of_order(_: History, evidence: Evidence) -> Evidence:
    return replace(evidence, records=(record(EVENTS[1], 0), record(EVENTS[0], 1)))


def _published_by_nobody(_: History, evidence: Evidence) -> Evidence:
    stranger = replace(evidence.records[0], event_id="e-9", offset=9)
    return replace(evidence, records=(*evidence.records, stranger))


def _left_in_the_outbox(_: History, evidence: Evidence) -> Evidence:
    return _stores(evidence, "bed", outbox_count=1)


def _deadline_not_met(_: History, evidence: Evidence) -> Evidence:
    return _stores(evidence, "referral", overdue=(f"{REFERRAL} ACCEPT",))


def _not_at_rest(_: History, evidence: Evidence) -> Evidence:
    return replace(evidence, unsettled=("bed: 3 records to read",))


def _event_not_handled(_: History, evidence: Evidence) -> Evidence:
    return _stores(evidence, "bed", inbox={(TOPIC, REFERRAL): 1})


def _aggregate_not_handled(_: History, evidence: Evidence) -> Evidence:
    return _stores(evidence, "bed", inbox={(TOPIC, "referrals/r-2"): 1})


def _parked(_: History, evidence: Evidence) -> Evidence:
    return _stores(evidence, "bed", parked=(f"{TOPIC} {REFERRAL}",))


def _another_reply(_: History, evidence: Evidence) -> Evidence:
    return replace(evidence, repeated=(replace(evidence.repeated[0], again=b"another"),))


def _refused_the_second_time(_: History, evidence: Evidence) -> Evidence:
    return replace(evidence, repeated=(replace(evidence.repeated[0], status="NOT_FOUND"),))


def _broken_chain(_: History, evidence: Evidence) -> Evidence:
    return replace(evidence, audits=(AuditVerdict(service="referral", findings=("HASH_MISMATCH",)),))


def _told_twice(_: History, evidence: Evidence) -> Evidence:
    again = replace(evidence.receipts[0], key="d-2")
    return replace(evidence, receipts=(*evidence.receipts, again))


def _told_of_nothing(_: History, evidence: Evidence) -> Evidence:
    return replace(evidence, receipts=(Receipt(key="d-9", alert="", recipient="", at=at(0)),))


def _effect_after_the_answer(history: History, evidence: Evidence) -> Evidence:
    """Version 2 was answered before version 1 was asked for."""
    history.calls[0] = replace(history.calls[0], begun_at=at(9), ended_at=at(9.5))
    return evidence


def _bed_given_twice(_: History, evidence: Evidence) -> Evidence:
    second = ward_event(3, 0, 1, bed_held=hold("holds/2", "referrals/r-2", 2))
    return replace(
        evidence, stores={**evidence.stores, "bed": store("bed", (*WARD_EVENTS, second), inbox={})}
    )


def _counts_that_lie(_: History, evidence: Evidence) -> Evidence:
    lying = ward_event(2, 1, 0, bed_held=hold("holds/1", REFERRAL, 1))
    return replace(
        evidence, stores={**evidence.stores, "bed": store("bed", (WARD_EVENTS[0], lying), inbox={})}
    )


def _token_used_twice(_: History, evidence: Evidence) -> Evidence:
    events = (
        *WARD_EVENTS,
        ward_event(3, 1, bed_released=hold("holds/1", REFERRAL, 1)),
        ward_event(4, 0, 1, bed_held=hold("holds/2", "referrals/r-2", 1)),
    )
    return replace(evidence, stores={**evidence.stores, "bed": store("bed", events, inbox={})})


def _ended_with_a_bed(_: History, evidence: Evidence) -> Evidence:
    events = (*EVENTS, event(3, "ReferralCancelled", "q-3"))
    found = _stores(evidence, "referral", events=events, versions={REFERRAL: 3})
    found = replace(found, records=(*evidence.records, record(events[2], 3)))
    return _stores(found, "bed", inbox={(TOPIC, REFERRAL): 3})


def _recorded_in_the_past(_: History, evidence: Evidence) -> Evidence:
    wrong = replace(EVENTS[1], recorded_at=EVENTS[1].recorded_at - timedelta(minutes=5))
    return _stores(evidence, "referral", events=(EVENTS[0], wrong))


def _recorded_in_the_future(_: History, evidence: Evidence) -> Evidence:
    wrong = replace(EVENTS[1], recorded_at=EVENTS[1].recorded_at + timedelta(hours=2))
    return _stores(evidence, "referral", events=(EVENTS[0], wrong))


SPOILT: dict[Spoil, str] = {
    _recorded_in_the_past: "moments_are_true",
    _recorded_in_the_future: "moments_are_true",
    _lost_command: "acknowledged_commands_are_there_once",
    _another_version: "acknowledged_commands_are_there_once",
    _carried_out_twice: "acknowledged_commands_are_there_once",
    _refused_and_stored: "acknowledged_commands_are_there_once",
    _gap_in_the_versions: "versions_follow_each_other",
    _row_behind_its_events: "versions_follow_each_other",
    _events_without_a_row: "versions_follow_each_other",
    _not_published: "every_event_is_published_in_order",
    _nothing_published: "every_event_is_published_in_order",
    _published_otherwise: "every_event_is_published_in_order",
    _published_out_of_order: "every_event_is_published_in_order",
    _published_by_nobody: "every_event_is_published_in_order",
    _left_in_the_outbox: "nothing_is_left_behind",
    _deadline_not_met: "nothing_is_left_behind",
    _not_at_rest: "nothing_is_left_behind",
    _event_not_handled: "every_event_is_handled_once",
    _aggregate_not_handled: "every_event_is_handled_once",
    _parked: "every_event_is_handled_once",
    _another_reply: "the_same_request_has_the_same_reply",
    _refused_the_second_time: "the_same_request_has_the_same_reply",
    _broken_chain: "chains_are_intact",
    _told_twice: "one_effect_an_alert_and_recipient",
    _told_of_nothing: "one_effect_an_alert_and_recipient",
    _effect_after_the_answer: "commands_take_effect_while_they_are_called",
    _bed_given_twice: "no_bed_has_two_holders",
    _counts_that_lie: "no_bed_has_two_holders",
    _token_used_twice: "no_bed_has_two_holders",
    _ended_with_a_bed: "who_is_gone_holds_no_bed",
}


def test_where_everything_is_right_nothing_is_found() -> None:
    assert judge(*whole()) == {}


def test_what_a_caller_gave_up_may_have_been_done_or_not() -> None:
    history, evidence = whole()
    history.calls[1] = replace(history.calls[1], outcome=UNKNOWN, version=0, name="")
    history.calls.append(call(3, "CancelReferral", 0, outcome=UNKNOWN, name=""))
    assert judge(history, evidence) == {}


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__.strip("_"))
def test_what_is_wrong_is_found(spoil: Spoil) -> None:
    history, evidence = whole()
    found = judge(history, spoil(history, evidence))
    assert SPOILT[spoil] in found, found


def test_every_check_is_shown_to_find_something() -> None:
    assert set(SPOILT.values()) == {check.__name__ for check in CHECKS}
