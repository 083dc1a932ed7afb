"""The shipped rules file against the contracts of the events it speaks of, and what a wrong file is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.notification.adapters.rule_catalogue import (
    DEFAULT_RULES,
    RulesFileError,
    load_rules,
    parse_rules,
)
from services.notification.domain.directory import Directory
from services.notification.domain.rule_checks import placeholders
from services.notification.domain.rules import (
    PATHWAY_CENTRE_FACILITY,
    TEXT_PLACEHOLDERS,
    Rule,
)
from services.notification.domain.subject_state import SubjectState
from services.notification.domain.values import Severity, Urgency
from services.notification.domain.wording import Wording, case_number
from tests.unit.notification.occurrences import occurrence
from tests.unit.notification.rule_cases import CATALOGUE
from tests.unit.notification.scenario import NOW, REFERRAL
from tierlink.bed.v1 import bed_events_pb2, bed_service_pb2
from tierlink.notification.v1 import roster_service_pb2
from tierlink.referral.v1 import (
    consultation_events_pb2,
    consultation_service_pb2,
    referral_events_pb2,
    referral_service_pb2,
    standing_events_pb2,
    standing_service_pb2,
)

TEXT = DEFAULT_RULES.read_text(encoding="utf-8")
EVENT_MESSAGES: dict[str, Descriptor] = {
    "referral": referral_events_pb2.ReferralEvent.DESCRIPTOR,
    "consultation": consultation_events_pb2.ConsultationEvent.DESCRIPTOR,
    "standing_order": standing_events_pb2.StandingEvent.DESCRIPTOR,
    "ward": bed_events_pb2.BedEvent.DESCRIPTOR,
}


def message_of(field: FieldDescriptor) -> Descriptor:
    assert field.message_type is not None, field.full_name
    return field.message_type


def payload(aggregate: str, event: str) -> Descriptor:
    fields = EVENT_MESSAGES[aggregate].oneofs_by_name["payload"].fields
    payloads = {message.name: message for message in map(message_of, fields)}
    assert event in payloads, f"{aggregate} has no event {event}"
    return payloads[event]


def field_at(message: Descriptor, path: str) -> FieldDescriptor:
    *parents, last = path.split(".")
    for parent in parents:
        message = message_of(message.fields_by_name[parent])
    return message.fields_by_name[last]


def events_of(rule: Rule) -> Iterator[Descriptor]:
    for event in rule.events:
        yield payload(rule.aggregate, event)


def resolved(rule: Rule, path: str) -> Iterator[FieldDescriptor]:
    """What a rule's path leads to in each of its events; nothing for what lies in the subject."""
    root, _, rest = path.partition(".")
    for event in events_of(rule):
        if root == "event":
            yield field_at(event, rest)
        elif root == "each":
            yield field_at(message_of(field_at(event, rule.each.partition(".")[2])), rest)


@pytest.mark.parametrize("rule", CATALOGUE.rules, ids=lambda rule: rule.code)
def test_paths_lead_to_fields_of_the_right_kind(rule: Rule) -> None:
    for event in events_of(rule):
        if rule.each:
            assert field_at(event, rule.each.partition(".")[2]).is_repeated
    for path in (rule.facility, rule.subject):
        if path and path != PATHWAY_CENTRE_FACILITY:
            for field in resolved(rule, path):
                assert field.type == FieldDescriptor.TYPE_STRING
    if rule.act_by:
        for field in resolved(rule, rule.act_by):
            assert message_of(field).full_name == "google.protobuf.Timestamp"


@pytest.mark.parametrize("rule", CATALOGUE.rules, ids=lambda rule: rule.code)
def test_conditions_ask_for_values_that_their_fields_can_have(rule: Rule) -> None:
    for condition in (*rule.when, *rule.unless):
        for field in resolved(rule, condition.path):
            for value in condition.values:
                if field.enum_type is not None and value:
                    assert any(name.endswith(f"_{value}") for name in field.enum_type.values_by_name)
                else:
                    assert (field.type == FieldDescriptor.TYPE_BOOL) == isinstance(value, bool)


@pytest.mark.parametrize("rule", CATALOGUE.rules, ids=lambda rule: rule.code)
def test_settling_events_exist_and_say_which_alert(rule: Rule) -> None:
    for settled_by in rule.settled_by:
        event = payload(settled_by.aggregate, settled_by.event)
        if settled_by.subject:
            field_at(event, settled_by.subject.partition(".")[2])
        if settled_by.exact and "offer" in placeholders(rule.dedup):
            assert event.fields_by_name["offer"].type == FieldDescriptor.TYPE_STRING
        if settled_by.exact and "task" in placeholders(rule.dedup):
            assert event.fields_by_name["task"].type == FieldDescriptor.TYPE_STRING
        if settled_by.exact and "hold" in placeholders(rule.dedup):
            field_at(event, "hold.name")


def test_ends_are_events() -> None:
    for aggregate, events in CATALOGUE.settle_all.items():
        for event in events:
            payload(aggregate, event)


def test_actions_are_commands_of_the_api() -> None:
    services = [
        service
        for module in (
            referral_service_pb2,
            consultation_service_pb2,
            standing_service_pb2,
            bed_service_pb2,
            roster_service_pb2,
        )
        for service in module.DESCRIPTOR.services_by_name.values()
    ]
    commands = {method.name for service in services for method in service.methods}
    assert {rule.action for rule in CATALOGUE.rules} - {""} <= commands


def test_defaults_say_where_they_come_from() -> None:
    for rule in CATALOGUE.rules:
        if rule.act_within is not None:
            assert rule.act_within.source
            assert rule.act_within.confidence in ("A", "B", "C")
    assert CATALOGUE.escalation[Severity.CRITICAL].repeat_s == 120
    assert CATALOGUE.escalation[Severity.CRITICAL].rounds == 10


def test_emergencies_are_never_quieter_than_the_rest() -> None:
    loudness = (Severity.INFORMATION, Severity.HIGH, Severity.CRITICAL)
    for rule in CATALOGUE.rules:
        heard = [loudness.index(rule.severity[urgency]) for urgency in Urgency]
        assert heard == sorted(heard, reverse=True), rule.code


def test_nothing_that_a_text_may_say_names_a_patient() -> None:
    wording = Wording(
        occurrence=occurrence("ReferralRequested", {"patient": "p-1", "findings": "…", "name": "张三"}),
        subject=SubjectState(name=REFERRAL, kind="referral", version=1),
        directory=Directory(),
        about=REFERRAL,
        facility="",
        act_by=None,
        utc_offset_minutes=480,
    )
    values = wording._values()
    assert values.keys() == TEXT_PLACEHOLDERS
    said = "".join(value.zh + value.en for value in values.values())
    assert "p-1" not in said and "张三" not in said and "…" not in said
    assert NOW.strftime("%M") in said


def test_a_case_number_is_short_and_a_ward_s_is_its_id() -> None:
    assert case_number("referrals/0b9c12ab-0000-4000-8000-000000000001") == "0B9C12AB"
    assert case_number("consultations/77aa12ab-0000-4000-8000-000000000001") == "77AA12AB"
    assert case_number("wards/jg-stroke") == "jg-stroke"
    assert case_number("jg-stroke") == "jg-stroke"


APPROVAL_FACILITY = "facility: event.approval_facility"
DEDUP = 'dedup: "{rule}/{subject}"'
BY_URGENCY = "severity: {EMERGENCY: CRITICAL, URGENT: HIGH, ROUTINE: INFORMATION}"
CASE_ZH = "病例 {case}，待审批至"

#: what is replaced in the shipped file, by what, and what is told
MISTAKES = [
    ("code: APPROVAL_REFUSED", "code: APPROVAL_NEEDED", "APPROVAL_NEEDED: there are two rules of this code"),
    ("severity: HIGH", "severity: LOUD", "LOUD"),
    (APPROVAL_FACILITY, "facility: lead", "APPROVAL_NEEDED: lead is not rooted in event"),
    (APPROVAL_FACILITY, "facility: subject.home", "a subject has no home"),
    (APPROVAL_FACILITY, "facility: each.facility", "each.facility is not rooted in event"),
    (CASE_ZH, "患者 {patient}，待审批至", "APPROVAL_NEEDED: body in zh: {patient} is not known"),
    (CASE_ZH, "病例 {case，待审批至", "APPROVAL_NEEDED: body in zh: unexpected '{'"),
    ('zh: "转诊待审批"', 'zh: ""', "APPROVAL_NEEDED: title is empty in zh"),
    (DEDUP, 'dedup: "{rule}"', "dedup does not begin with {rule}/{subject}"),
    (DEDUP, 'dedup: "{rule}/{subject}/{patient}"', "dedup: {patient} is not known"),
    (BY_URGENCY, "severity: {EMERGENCY: CRITICAL}", "says no role or severity for URGENT"),
    ("events: [ReferralRequested]", "events: []", "is triggered by no event"),
    ("    action: ApproveReferral", "    acton: ApproveReferral", "acton"),
    ("  DAY_SURGERY: DAY_SURGERY\n", "", "centres: DAY_SURGERY is missing"),
    ("rounds: 10,", "rounds: 0,", "needs steps, at least one round"),
    ("    - {user: platform-duty, name: 平台总值班}", "    []", "fallback: names nobody"),
    (
        "    act_within:",
        "    act_by: event.x\n    act_within:",
        "CRITICAL_VALUE_CENTRE: says twice until when",
    ),
    ("subject: event.consultation", "subject: subject.name", "subject.name is not rooted in event"),
    ('zh: "无人值班：', 'zh: "{ward}无人值班：', "unstaffed: title in zh: {ward} is not known"),
    ("rules:\n", "rules: [\n", "expected"),
]


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES, ids=lambda value: value[:20])
def test_a_wrong_file_is_told_what_is_wrong(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(RulesFileError) as refused:
        parse_rules(TEXT.replace(old, new), source="site.yaml")
    assert str(refused.value).startswith("site.yaml:")
    assert told in str(refused.value)


def test_every_mistake_is_told_at_once() -> None:
    wrong = TEXT.replace("{case}", "{patient}").replace("  STROKE: STROKE\n", "")
    with pytest.raises(RulesFileError) as refused:
        parse_rules(wrong, source="site.yaml")
    assert "centres: STROKE is missing" in str(refused.value)
    assert str(refused.value).count("{patient} is not known") > 20


def test_a_missing_severity_is_told() -> None:
    lines = [line for line in TEXT.splitlines() if not line.startswith("  INFORMATION: {steps")]
    with pytest.raises(RulesFileError, match="escalation: INFORMATION is missing"):
        parse_rules("\n".join(lines), source="site.yaml")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RulesFileError, match=r"none\.yaml:0: cannot be read: No such file"):
        load_rules(tmp_path / "none.yaml")
