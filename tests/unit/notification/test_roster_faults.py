"""Every fault of a roster at once, each at its field, zh and en."""

from typing import Any

import pytest

from services.notification.domain import roster as rosters
from services.notification.domain.roster_fault_texts import FAULTS
from services.notification.domain.roster_values import (
    DayKind,
    Post,
    Requirement,
)
from services.shared.kernel.refusals import InvalidInput
from tests.unit.notification.rosters import OPERATOR, duty
from tests.unit.notification.scenario import context
from tests.unit.notification.turns import (
    BACKUP,
    REST_DAYS,
    STROKE,
    WORKDAYS,
    command,
    day,
    leave,
    local,
    rotation,
    shift,
    swap,
)

NOW = local("2026-01-04 12:00")


def faults(**fields: Any) -> list[tuple[str, str]]:
    known: dict[str, Any] = {name: fields.pop(name) for name in ("facilities", "roles") if name in fields}
    try:
        rosters.decide(None, command(**fields), context(OPERATOR, at=NOW), **known)
    except InvalidInput as refusal:
        assert all(" · " in violation.description for violation in refusal.violations)
        return [(violation.field, violation.reason) for violation in refusal.violations]
    return []


CASES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"rotations": (rotation("a"),), "facilities": ("elsewhere",)}, [("facility", "UNKNOWN_FACILITY")]),
    ({"rotations": (rotation("a", post=Post(role="STORKE", step="duty")),), "roles": ("STROKE",)},
     [("rotations[0].post.role", "UNKNOWN_ROLE")]),
    ({"rotations": (rotation("a", post=Post(role="STROKE", step="boss")),)},
     [("rotations[0].post.step", "UNKNOWN_STEP")]),
    ({"rotations": (rotation(),)}, [("rotations[0].people", "NOBODY")]),
    ({"rotations": (rotation("a", starts_on="2026-02-30", handover="25:00", until="8"),)},
     [("rotations[0].starts_on", "NOT_A_DATE"), ("rotations[0].handover", "NOT_A_TIME"),
      ("rotations[0].until", "NOT_A_TIME")]),
    ({"rotations": (rotation("a", ends_on="2026-01-01"), rotation("b", starts_on="2016-01-01"))},
     [("rotations[0].ends_on", "ENDS_BEFORE_START"), ("rotations[1].starts_on", "TOO_LONG_AGO")]),
    ({"shifts": (duty("a"),), "duties": (shift("b", "2026-01-05 08:00", "2026-01-06 08:00"),)},
     [("duties[0].seat", "SEAT_OF_A_PLAIN_DUTY"), ("shifts[0]", "SHIFT_WITHOUT_TIMES")]),
    ({"leaves": (leave("a", "2026-01-05 08:00", "2026-01-05 08:00", "a"),)},
     [("leaves[0].ends_at", "ENDS_BEFORE_START"), ("leaves[0].substitute", "OWN_SUBSTITUTE")]),
    ({"calendar": (day("2026-10-1", DayKind.HOLIDAY), day("2026-10-02", DayKind.HOLIDAY),
                   day("2026-10-02", DayKind.WORKDAY))},
     [("calendar[0].date", "NOT_A_DATE"), ("calendar[2].date", "DAY_TWICE")]),
    ({"requirements": (Requirement(post=STROKE, starts="08:00"),)}, [("requirements[0]", "HALF_A_SPAN")]),
    ({"utc_offset_minutes": 1440}, [("utc_offset_minutes", "NOT_AN_OFFSET")]),
    ({"duties": (duty("a"),), "rotations": (rotation("b"),)},
     [("rotations[0].post", "PLAIN_AND_ROTATING")]),
    ({"rotations": (rotation("a"), rotation("b"))}, [("rotations[1]", "ROTATIONS_OVERLAP")]),
    ({"shifts": (shift("a", "2026-01-05 08:00", "2026-01-05 20:00"),
                 shift("b", "2026-01-05 19:00", "2026-01-06 08:00"))},
     [("shifts[1]", "SHIFTS_OVERLAP")]),
    ({"rotations": (rotation("a", "b"),),
      "swaps": (swap(("b", "2026-01-05 08:00"), ("b", "2026-01-06 09:00")),)},
     [("swaps[0].first.user", "ANOTHERS_TURN"), ("swaps[0].second", "NO_SUCH_TURN"),
      ("swaps[0]", "SWAP_WITH_ONESELF")]),
    ({"rotations": (rotation("a", "b"),),
      "swaps": (swap(("a", "2026-01-05 08:00"), ("b", "2026-01-06 08:00")),
                swap(("a", "2026-01-05 08:00"), ("b", "2026-01-08 08:00")))},
     [("swaps[1].first", "TURN_SWAPPED_TWICE")]),
    ({"rotations": (rotation("a", "b"), rotation("b", "c", "a", post=BACKUP))},
     [("rotations[0]", "PERSON_TWICE"), ("rotations[1]", "PERSON_TWICE")]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), CASES, ids=lambda value: "")
def test_faults_are_named_at_their_fields(fields: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = faults(**fields)
    if expected[0][1] == "PERSON_TWICE":
        assert found and {reason for _, reason in found} == {"PERSON_TWICE"}
    else:
        assert found == expected


def test_every_code_has_a_case_here_or_with_the_plain_duties() -> None:
    reached = {reason for _, expected in CASES for _, reason in expected}
    plain = {"REQUIRED", "ANOTHER_FACILITY", "DUPLICATE"}
    assert FAULTS.keys() - reached - plain == set()


@pytest.mark.parametrize(
    "pair",
    [
        (rotation("a", days=WORKDAYS), rotation("b", days=REST_DAYS)),
        (rotation("a", handover="08:00", until="18:00"), rotation("b", handover="18:00", until="08:00")),
        (rotation("a", ends_on="2026-01-31"), rotation("b", starts_on="2026-02-02")),
        (rotation("a"), rotation("b", post=Post(role="STROKE", step="duty", seat=2))),
    ],
)
def test_rotations_that_never_meet_are_no_fault(pair: tuple[Any, ...]) -> None:
    assert faults(rotations=pair) == []


@pytest.mark.parametrize(
    "other",
    [
        rotation("b", days=REST_DAYS, handover="07:00"),
        rotation("b", days=REST_DAYS, handover="09:00", until="07:00"),
    ],
)
def test_a_night_that_goes_over_into_another_rotation_s_day_is_a_fault(other: Any) -> None:
    early = rotation("a", days=WORKDAYS, handover="08:00")
    expected = [] if other.handover == "09:00" else [("rotations[1]", "ROTATIONS_OVERLAP")]
    assert faults(rotations=(early, other)) == expected


def test_one_person_may_answer_for_several_roles_and_stand_in() -> None:
    """A township health centre has one physician at night."""
    other = Post(role="clinician", step="duty")
    assert faults(rotations=(rotation("a"), rotation("a", post=other))) == []
    away = leave("a", "2026-01-05 08:00", "2026-01-06 08:00", "b")
    assert faults(rotations=(rotation("a"), rotation("b", post=BACKUP)), leaves=(away,)) == []


def test_a_dry_run_has_the_same_faults() -> None:
    assert faults(rotations=(rotation("a"), rotation("b")), dry_run=True) == [
        ("rotations[1]", "ROTATIONS_OVERLAP")
    ]
