"""What a trial says is said alike in the table and on the page, in both languages, and nothing runs in it."""

from typing import Any

from rich.console import Console

from services.operator.texts import Language
from services.operator.what_if.findings import Findings
from services.operator.what_if.page import page
from services.operator.what_if.table import direction, print_findings
from services.shared.kernel.text import BilingualText

_TOTALS = {
    "referrals": 2,
    "offered": 2,
    "accepted": 2,
    "declined": 0,
    "lapsed": 0,
    "late": 0,
    "accepted_median_s": 240,
    "door_in_door_out_median_s": 2400,
    "door_in_door_out_count": 1,
    "door_in_door_out_missed": 0,
    "travel_minutes": 95,
    "travel_count": 1,
}


def _asked(facility: str, basis: str = "RECORDED", cases: int = 0) -> dict[str, Any]:
    return {"facility": facility, "kind": "ACCEPTED", "basis": basis, "cases": cases}


def _course(*asked: dict[str, Any], wait_s: int | None = 240, outcome: str = "ACCEPTED") -> dict[str, Any]:
    return {
        "outcome": outcome,
        "asked": list(asked),
        "accepted_s": wait_s,
        "travel_minutes": 95,
        "door_in_door_out_s": 2400,
    }


def _comparison(name: str, what_if: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "requested_at": "2026-03-02T02:00:00Z",
        "origin": "wucaiwan",
        "urgency": "EMERGENCY",
        "recorded": _course(_asked("general")),
        "what_if": what_if,
        "left_out": [],
        "assumptions": [],
        **changes,
    }


def _document() -> dict[str, Any]:
    changed = _comparison(
        "referrals/changed",
        {**_course(_asked("east", "OWN_MEDIAN", 3), wait_s=360), "travel_minutes": 110},
        left_out=[{"facility": "general", "rules": ["NOT_IN_DIRECTORY"]}],
        assumptions=["RANKING_ASKED"],
    )
    same = _comparison("referrals/same", _course(_asked("general")))
    gone = _comparison("referrals/gone", _course(wait_s=None, outcome="ORIGIN_GONE"))
    return {
        "facilities": {
            "east": {"zh": "城东<医院>", "en": "East <b>Hospital</b>"},
            "wucaiwan": {"zh": "五彩湾", "en": "Wucaiwan"},
        },
        "difference": {
            "recorded": _TOTALS,
            "what_if": {**_TOTALS, "travel_minutes": 110, "accepted": 1, "accepted_median_s": 180},
            "changed": 1,
            "origin_gone": 1,
            "bases": {"RECORDED": 1, "OWN_MEDIAN": 1, "TIME_LIMIT": 0},
        },
        "comparisons": [same, changed, gone],
        "incomplete": 2,
        "in_error": 0,
    }


def test_figures_say_what_differs_and_whether_it_is_worse() -> None:
    found = {each.title.en: each for each in Findings(_document()).measures()}
    road = found["minutes on the road, in all"]
    assert (road.recorded, road.what_if, road.difference, direction(road)) == ("95", "110", "+15", 1)
    accepted = found["accepted"]
    assert (accepted.difference, direction(accepted)) == ("−1", 1)
    wait = found["request to acceptance, median"]
    assert (wait.difference, direction(wait)) == ("−1 min", -1)
    assert found["facilities asked"].difference == ""


def test_those_that_differ_come_first_with_why() -> None:
    changed, *others = Findings(_document()).rows()
    assert [row.name for row in (changed, *others)] == [
        "referrals/changed",
        "referrals/same",
        "referrals/gone",
    ]
    assert [row.is_changed for row in (changed, *others)] == [True, False, False]
    assert (changed.accepted, changed.travel, changed.stay) == ("+2 min", "+15", "")
    assert "general cannot be asked (NOT_IN_DIRECTORY)" in changed.because.en
    assert "by 3 answers of its own" in changed.because.en
    assert "按自身 3 例推定" in changed.because.zh


def test_what_was_left_out_and_assumed_is_said_and_nothing_else() -> None:
    said = [each.en for each in Findings(_document()).remarks()]
    assert any("1 whose origin" in each for each in said)
    assert any(each.startswith("2 without all") for each in said)
    assert not any("entered in error" in each or "nothing to go by" in each for each in said)


def test_the_page_has_both_languages_and_escapes_names() -> None:
    written = page(Findings(_document()), BilingualText(zh="试用 <x>", en="tried <x>"), Language.EN)
    assert "East &lt;b&gt;Hospital&lt;/b&gt;" in written
    assert "<b>Hospital" not in written
    assert "城东&lt;医院&gt;" in written
    assert 'id="en" checked' in written
    assert "<script" not in written
    assert "http" not in written.replace("http-equiv", "")
    assert "$" not in written


def test_the_table_shows_those_that_differ_and_says_how_many_more() -> None:
    document = _document()
    document["comparisons"].append({**document["comparisons"][1], "name": "referrals/second"})
    console = Console(width=200, record=True, file=None, quiet=False)
    with console.capture() as captured:
        print_findings(Findings(document), console, Language.EN, rows_max=1)
    shown = captured.get()
    assert "referrals/changed" in shown
    assert "referrals/same" not in shown
    assert "1 more" in shown
    with console.capture() as captured:
        print_findings(Findings(document), console, Language.ZH, rows_max=9)
    assert "入门至出门" in captured.get()
