"""The record of a referral: what it begins with, its completion, its limit, and what a child inherits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.continuation import opened_child
from services.referral.domain.directory_entries import FacilityIdentifier, IdentifierScheme
from services.referral.domain.directory_state import Facility
from services.referral.domain.events import FollowUpRecorded, RecordCompleted
from services.referral.domain.policy import DEFAULT_POLICY, DEFAULT_TERMS
from services.referral.domain.record_contents import carried_over
from services.referral.domain.record_rules import (
    DEFAULT_RECORD_RULES,
    ELEMENTS,
    CreationElements,
    RecordRules,
)
from services.referral.domain.record_values import Coding, TransferRecord
from services.referral.domain.values import Urgency
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.refusals import InvalidInput
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.minimal_records import LIMIT, bare, limited
from tests.unit.referral.referral.network import DIRECTORY, GENERAL, WUCAIWAN
from tests.unit.referral.referral.records import RECORD, STROKE
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ALL,
    BARE,
    BARE_SUMMARY,
    CREATE,
    DOWN,
    ROUTINE,
    arrived,
    down_arrived,
    requested,
    told,
    treated,
)


def test_a_complete_record_waits_for_nothing() -> None:
    referral = requested().referral
    assert referral.missing_elements == ()
    assert referral.record_due_at is None
    assert referral.record_completed_at == referral.create_time
    assert not limited(requested())


def test_an_emergency_begins_with_the_minimum_and_says_what_is_missing() -> None:
    chart = bare()
    assert chart.referral.missing_elements == DEFAULT_RECORD_RULES.elements_up
    assert chart.referral.record_due_at == chart.now + LIMIT
    assert chart.referral.record_completed_at is None
    assert limited(chart)


def test_a_referral_down_is_asked_for_what_goes_on() -> None:
    chart = requested(replace(DOWN, record=None), GENERAL)
    assert set(DEFAULT_RECORD_RULES.elements_down) - set(chart.referral.missing_elements) == {
        "clinical_summary.treatment_given",
        "clinical_summary.allergies",
    }
    assert down_arrived().referral.missing_elements == ()


@pytest.mark.parametrize(
    ("urgency", "limit"),
    [
        (Urgency.EMERGENCY, timedelta(hours=6)),
        (Urgency.URGENT, timedelta(days=1)),
        (Urgency.ROUTINE, timedelta(days=3)),
    ],
)
def test_an_incomplete_record_has_a_limit_whatever_the_urgency(urgency: Urgency, limit: timedelta) -> None:
    chart = requested(replace(ROUTINE, urgency=urgency, record=None))
    assert chart.referral.missing_elements
    assert chart.referral.record_due_at == chart.now + limit
    for past, late in ((limit, False), (limit + timedelta(seconds=1), True)):
        found = chart.copy().later(seconds=past.total_seconds()).when(ALL, WUCAIWAN)
        assert [event.late for event in found if isinstance(event, RecordCompleted)] == [late]


def test_a_site_may_leave_a_record_without_a_limit() -> None:
    terms = {each: replace(DEFAULT_TERMS[each], record_completion_s=None) for each in Urgency}
    chart = Chart(policy=replace(DEFAULT_POLICY, terms_by_urgency=terms))
    chart.when(replace(ROUTINE, record=None), WUCAIWAN)
    assert chart.referral.record_due_at is None
    late = chart.later(days=30).when(ALL, WUCAIWAN)
    assert [event.late for event in late if isinstance(event, RecordCompleted)] == [False]


def test_each_element_is_missing_until_it_is_given() -> None:
    """Whatever the rules may ask for is found where it is given, and nowhere else."""
    every = replace(DEFAULT_RECORD_RULES, elements_up=ELEMENTS, elements_down=ELEMENTS)
    policy = replace(DEFAULT_POLICY, record=every)
    full = told((CREATE, WUCAIWAN), chart=Chart(policy=policy))
    assert full.referral.missing_elements == ()
    for element in ELEMENTS:
        chart = told((_without(element), WUCAIWAN), chart=Chart(policy=policy))
        assert chart.referral.missing_elements == (element,)


def _without(element: str) -> c.CreateReferral:
    part, _, name = element.partition(".")
    if part == "clinical_summary":
        return replace(CREATE, clinical_summary=replace(CREATE.clinical_summary, **{name: " "}))
    if name == "visit_number":
        return replace(CREATE, record=replace(RECORD, outpatient_number=""))
    nothing = getattr(TransferRecord(), name)
    return replace(CREATE, record=replace(RECORD, **{name: nothing}))


def test_an_inpatient_number_is_a_visit_number_too() -> None:
    record = replace(RECORD, outpatient_number="", inpatient_number="ZY-1")
    assert requested(replace(CREATE, record=record)).referral.missing_elements == ()


def test_a_diagnosis_counts_with_its_day_and_facility() -> None:
    for half in (replace(STROKE, diagnosed_on=""), replace(STROKE, facility_name="")):
        chart = requested(replace(CREATE, record=replace(RECORD, diagnoses=(half,))))
        assert chart.referral.missing_elements == ("record.diagnoses",)


def test_a_site_can_ask_for_elements_at_creation() -> None:
    elements = ("record.narrative", "clinical_summary.allergies")
    required = (CreationElements(urgency=Urgency.ROUTINE, elements=elements),)
    policy = replace(DEFAULT_POLICY, record=RecordRules(required_at_creation=required))
    bare_routine = replace(ROUTINE, record=None, clinical_summary=BARE_SUMMARY)
    refusal = Chart(policy=policy).refused(bare_routine, WUCAIWAN, "REQUIRED", "REQUIRED")
    assert isinstance(refusal, InvalidInput)
    assert [each.field for each in refusal.violations] == ["record.narrative", "clinical_summary.allergies"]
    assert told((ROUTINE, WUCAIWAN), (ACCEPT, GENERAL), chart=Chart(policy=policy))
    assert told((BARE, WUCAIWAN), chart=Chart(policy=policy)).referral.missing_elements


def test_clinical_times_of_the_journey() -> None:
    chart = treated()
    referral = chart.referral
    times = [
        referral.requested_at,
        referral.accepted_at,
        referral.departed_at,
        referral.arrived_at,
        referral.treated_at,
    ]
    assert None not in times
    assert times == sorted(times, key=str)
    assert requested().referral.accepted_at is None
    assert referral.offers[0].facility_name == "吉木萨尔县总医院"


def test_a_child_begins_with_what_is_the_patients() -> None:
    chart = arrived()
    event = FollowUpRecorded(
        findings="再发", red_flag="再发偏瘫", reopened_as="referrals/child", facility="jimsar-general"
    )
    metadata = EventMetadata(
        event_id="e",
        aggregate_id=chart.name,
        version=9,
        type="FollowUpRecorded",
        occurred_at=chart.now,
        recorded_at=chart.now,
        actor=GENERAL,
        request_id="r",
    )
    urgent = replace(DEFAULT_POLICY, red_flag_urgency=Urgency.EMERGENCY)
    opened = opened_child(chart.referral, event, metadata, chart.directory, urgent)
    assert opened is not None
    assert opened[1].record == carried_over(RECORD)
    assert opened[1].record_due_at == chart.now + LIMIT
    assert "record.narrative" in opened[1].missing_elements
    assert "record.disease_history" not in opened[1].missing_elements
    assert carried_over(None) is None


def test_the_directory_gives_the_facilities_codes() -> None:
    """Left out, the origin's code is the directory's; what is given stays."""
    facilities = {
        **DIRECTORY.facilities,
        "wucaiwan": _coded(DIRECTORY.facilities["wucaiwan"], "4576001231"),
        "jimsar-general": _coded(DIRECTORY.facilities["jimsar-general"], "4576001232"),
    }
    directory = replace(DIRECTORY, facilities=facilities)
    chart = told((BARE, WUCAIWAN), chart=Chart(directory=directory))
    assert chart.referral.record == TransferRecord(
        origin_facility_code=Coding(
            system="WS 218", version="2002", code="4576001231", display="五彩湾镇分院"
        )
    )
    assert "record.origin_facility_code" not in chart.referral.missing_elements
    assert chart.referral.offers[0].facility_code == "4576001232"
    given = told((CREATE, WUCAIWAN), chart=Chart(directory=directory)).referral.record
    assert given == RECORD


def _coded(facility: Facility, code: str) -> Facility:
    licence = FacilityIdentifier(scheme=IdentifierScheme.LICENCE, value="45760012365232711A1001")
    own = FacilityIdentifier(scheme=IdentifierScheme.WS218, value=code)
    return replace(facility, identifiers=(licence, own))
