"""What a site lays over the product's rules, what its faults are told as, who is called by its policies."""

from dataclasses import replace
from pathlib import Path

import pytest

from services.notification.adapters.rule_catalogue import (
    DEFAULT_RULES,
    RulesFileError,
    RulesInForce,
    parse_rules,
)
from services.notification.domain.calling import summons
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.duty_steps import Rosters
from services.notification.domain.matching import Facts, triggered
from services.notification.domain.rules import Rule
from services.notification.domain.subject_state import observe
from services.notification.domain.values import Pathway, Severity, Urgency
from services.notification.main import show_rules
from tests.unit.notification.occurrences import DIRECTORY, SECOND_OFFER, occurrence, offer
from tests.unit.notification.rosters import duty, roster_of
from tests.unit.notification.rule_cases import CATALOGUE
from tests.unit.notification.scenario import BRANCH, HOSPITAL, NOW, PREFECTURE
from tests.unit.notification.test_calling import INTENT

PACKAGED = DEFAULT_RULES.read_text(encoding="utf-8")

SITE = """
escalation:
  HIGH: {rounds: 3}
policies:
  STROKE_TWO:
    steps: [duty, backup, lead, fallback]
    repeat_s: 60
    rounds: 5
    must_be_staffed: true
    acknowledgements: {roles: [role, bed_desk]}
policy_for:
  - {policy: STROKE_TWO, pathways: [STROKE], urgencies: [EMERGENCY], facilities: [jimsar-general]}
fallback:
  recipients: [{user: county-duty, name: 县域总值班, channels: [sms]}]
rules:
  - code: OFFER
    only: {facilities: [jimsar-general]}
  - code: OFFER_LAPSED
    off: true
  - code: OFFER_TO_THE_OFFICE
    aggregate: referral
    events: [ReferralRequested]
    each: event.offers
    facility: each.facility
    role: referral_office
    severity: INFORMATION
    title: {zh: 新的转诊申请, en: A referral is asked for}
    body: {zh: "病例 {case}，请知悉。", en: "Case {case}, for your information."}
    dedup: "{rule}/{subject}/{offer}"
    settled_by: [ReferralAccepted]
"""


def in_force(site: str = SITE) -> RulesInForce:
    return parse_rules(PACKAGED, source="rules.yaml", site=site)


def rule_of(rules: RulesInForce, code: str) -> Rule:
    (found,) = [rule for rule in rules.catalogue.rules if rule.code == code]
    return found


def test_a_site_changes_what_it_names_and_leaves_the_rest() -> None:
    rules = in_force()
    codes = [rule.code for rule in rules.catalogue.rules]
    assert "OFFER_LAPSED" not in codes
    assert codes[-1] == "OFFER_TO_THE_OFFICE"
    assert len(codes) == len(CATALOGUE.rules)
    offered = rule_of(rules, "OFFER")
    assert offered.only.facilities == (HOSPITAL,)
    assert replace(offered, only=CATALOGUE.rules[2].only) == CATALOGUE.rules[2]
    high = rules.catalogue.escalation[Severity.HIGH]
    assert high == replace(CATALOGUE.escalation[Severity.HIGH], rounds=3)
    assert rules.catalogue.fallback.recipients[0].user == "county-duty"


def test_the_difference_is_told_key_by_key_with_its_place() -> None:
    told = {each.key: (each.before, each.after) for each in in_force().differences}
    assert told["escalation.HIGH.rounds"] == (10, 3)
    assert told["rules.OFFER.only"] == (None, {"facilities": [HOSPITAL]})
    assert told["rules.OFFER_LAPSED.off"] == (None, True)
    assert told["rules.OFFER_TO_THE_OFFICE.role"] == (None, "referral_office")
    assert not [key for key in told if key.startswith("rules.OFFER.") and key != "rules.OFFER.only"]
    lines = {each.key: each.place.line for each in in_force().differences}
    assert SITE.splitlines()[lines["rules.OFFER.only"] - 1].strip().startswith("only:")


def test_what_is_merely_repeated_is_no_difference() -> None:
    repeated = "rules:\n  - {code: APPROVAL_NEEDED, role: referral_office, severity: CRITICAL}\n"
    (only,) = in_force(repeated).differences
    assert (only.key, only.before, only.after) == ("rules.APPROVAL_NEEDED.severity", "HIGH", "CRITICAL")


#: what a site's file says wrongly, on which line, and what is told
FAULTS = [
    ("rules:\n  - {code: OFFER, severty: HIGH}\n", 2, "OFFER has no severty; did you mean severity?"),
    ("rules:\n  - code: OFFER\n    severity: LOUD\n", 3, "OFFER: severity: LOUD is none of"),
    ("rules:\n  - code: OFFER\n    severity: {EMERGENCY: HIGH}\n", 3, "says no role or severity for URGENT"),
    ("rules:\n  - code: OFFER\n    body:\n      zh: '{patient}'\n      en: x\n", 4, "{patient} is not known"),
    ("rules:\n  - code: OFFER\n    only: {pathways: [STROK]}\n", 3, "did you mean STROKE?"),
    ("rules:\n  - code: OFFER\n    only: {events: [Nothing]}\n", 3, "Nothing does not trigger it"),
    ("rules:\n  - code: MINE\n    facility: event.facility\n", 2, "MINE needs aggregate"),
    ("rules:\n  - code: OFFER\n    when: {event.x: 3}\n", 3, "must be a list of texts"),
    ("rules:\n  - code: OFFER\n    dedup: '{rule}'\n", 3, "dedup does not begin with"),
    ("rules:\n  - code: OFFER\n    first_step: boss\n", 3, "boss is none of"),
    ("policy_for:\n  - {policy: NONE}\n", 2, "there is no policy NONE"),
    ("policy_for:\n  - {policy: HIGH, rules: [OFER]}\n", 2, "there is no rule OFER"),
    ("policies:\n  HIGH: {rounds: 2}\n", 2, "HIGH is a severity"),
    ("policies:\n  MINE: {rounds: 2}\n", 2, "MINE needs steps"),
    (
        "escalation:\n  HIGH: {acknowledgements: {count: 2, roles: [role]}}\n",
        2,
        "says either how many people must acknowledge or which roles",
    ),
    ("escalation:\n  HIGH: {steps: [duty, duty]}\n", 2, "has a step twice"),
    ("escalation:\n  LOUD: {rounds: 2}\n", 2, "LOUD is none of"),
    ("centre: {}\n", 1, "has no centre; did you mean centres?"),
    ("fallback:\n  recipients: []\n", 2, "fallback: names nobody"),
]


@pytest.mark.parametrize(("site", "line", "told"), FAULTS, ids=[told[:24] for _, _, told in FAULTS])
def test_a_fault_is_named_by_line_and_key(site: str, line: int, told: str) -> None:
    with pytest.raises(RulesFileError) as refused:
        in_force(site)
    (named,) = [each for each in str(refused.value).splitlines() if told in each]
    assert named.startswith(f"site.yaml:{line}:")


def test_every_fault_of_a_site_is_named_at_once() -> None:
    wrong = "rules:\n  - {code: OFFER, severity: LOUD}\n  - {code: OFFER, role: [x]}\ncentres: {STROKE: 3}\n"
    with pytest.raises(RulesFileError) as refused:
        in_force(wrong)
    assert len(str(refused.value).splitlines()) == 4


def triggered_at(site: str, *facilities: str) -> list[tuple[str, str]]:
    """Rule and facility of each alert that a referral offered to some facilities asks for."""
    offers = [offer(), offer(SECOND_OFFER, PREFECTURE)]
    asked = occurrence("ReferralRequested", {"offers": offers})
    facts = Facts(subject=observe(None, asked), directory=DIRECTORY)
    return [(each.rule, each.facility) for each in triggered(asked, in_force(site).catalogue, facts)]


def test_several_rules_of_one_event_each_with_its_facilities_and_roles() -> None:
    assert triggered_at(SITE) == [
        ("OFFER", HOSPITAL),
        ("OFFER_TO_THE_OFFICE", HOSPITAL),
        ("OFFER_TO_THE_OFFICE", PREFECTURE),
    ]
    by_role = "rules:\n  - {code: OFFER, only: {roles: [%s]}}\n"
    assert triggered_at(by_role % "STROKE") == [("OFFER", HOSPITAL), ("OFFER", PREFECTURE)]
    assert triggered_at(by_role % "referral_office") == []
    by_urgency = "rules:\n  - {code: OFFER, only: {pathways: [STROKE], urgencies: [%s]}}\n"
    assert len(triggered_at(by_urgency % "EMERGENCY")) == 2
    assert triggered_at(by_urgency % "ROUTINE") == []


AT_HOSPITAL = replace(INTENT, facility=HOSPITAL)
STAFFED = roster_of(
    duty("dr-duty"),
    duty("desk", role="bed_desk"),
    duty("dr-backup", step="backup"),
    duty("lead", step="lead"),
    duty("lead", role="bed_desk", step="lead"),
)


def trigger_of(site: str, intent: object = AT_HOSPITAL, *, roster: object = STAFFED) -> TriggerAlert:
    return summons(
        intent,  # type: ignore[arg-type]
        catalogue=in_force(site).catalogue,
        directory=DIRECTORY,
        rosters=Rosters(own=roster, lead=None),  # type: ignore[arg-type]
        at=NOW,
    ).alert


def test_a_policy_of_two_roles_calls_both_in_each_step() -> None:
    command = trigger_of(SITE)
    assert command.acknowledgement_policy is not None
    assert command.acknowledgement_policy.roles == ("STROKE", "bed_desk")
    assert [
        (step.duty, [(person.user, person.roles) for person in step.recipients])
        for step in command.escalation
    ] == [
        ("duty", [("dr-duty", ("STROKE",)), ("desk", ("bed_desk",))]),
        ("backup", [("dr-backup", ("STROKE",))]),
        ("lead", [("lead", ("STROKE", "bed_desk"))]),
        ("fallback", [("county-duty", ("STROKE", "bed_desk"))]),
    ]
    assert {(step.repeat_s, step.rounds) for step in command.escalation} == {(60, 5)}


@pytest.mark.parametrize(
    "other",
    [
        replace(AT_HOSPITAL, facility=BRANCH),
        replace(AT_HOSPITAL, pathway=Pathway.TRAUMA),
        replace(AT_HOSPITAL, urgency=Urgency.URGENT),
    ],
    ids=["facility", "pathway", "urgency"],
)
def test_whom_a_policy_is_not_for_is_escalated_by_severity(other: object) -> None:
    assert trigger_of(SITE, other).acknowledgement_policy is None


def test_the_first_row_that_covers_counts_and_a_row_may_name_a_severity() -> None:
    rows = "policy_for:\n  - {policy: INFORMATION, rules: [OFFER]}\n  - {policy: CRITICAL}\n"
    assert trigger_of(rows).escalation[0].repeat_s == 0
    other = replace(AT_HOSPITAL, rule="OFFER_OVERDUE", severity=Severity.INFORMATION)
    assert trigger_of(rows, other).escalation[0].repeat_s == 120


def test_nobody_on_duty_for_one_of_two_roles_is_itself_an_alert_and_names_it() -> None:
    called = summons(
        AT_HOSPITAL,
        catalogue=in_force().catalogue,
        directory=DIRECTORY,
        rosters=Rosters(own=roster_of(duty("dr-duty")), lead=None),
        at=NOW,
    )
    assert called.unstaffed is not None
    assert "床位管理" in called.unstaffed.title.zh and "卒中" not in called.unstaffed.title.zh
    assert called.unstaffed.escalation[0].recipients[0].roles == ("bed_desk",)
    assert called.unstaffed.acknowledgement_policy is None


def test_the_difference_can_be_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.yaml"
    monkeypatch.setenv("TIERLINK_NOTIFICATION_SITE_RULES", str(site))
    site.write_text("rules:\n  - code: OFFER\n    first_step: lead\n", encoding="utf-8")
    assert show_rules() == 0
    assert capsys.readouterr().out == f'{site}:3: rules.OFFER.first_step: null -> "lead"\n'
    site.write_text("rules:\n  - {code: OFFER, first_step: boss}\n", encoding="utf-8")
    assert show_rules() == 1
    assert f"{site}:2:" in capsys.readouterr().err
