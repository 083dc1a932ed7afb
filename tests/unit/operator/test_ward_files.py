"""The wards of a directory file: whom their beds may take, how many are kept; every mistake by its place."""

from pathlib import Path
from typing import Any

import pytest

from services.operator.casefile.directory import read_directories
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from services.shared.located.faults import FaultyFile

_HEAD = "facilities:\n- id: a\n  name: {zh: 甲, en: A}\n  level: COUNTY\n  wards:\n"


def _path(wards: str, folder: Path) -> Path:
    path = folder / "site.yaml"
    path.write_text(_HEAD + "".join(f"  {line}\n" for line in wards.splitlines()), "utf-8")
    return path


def request(wards: str, folder: Path) -> Any:
    """ApplyWards as the file asks for it."""
    found = read_directories((_path(wards, folder),)).wards["a"]
    fields = {"facility": "a", "wards": [ward.fields() for ward in found]}
    return build_message(rpc_methods()["ApplyWards"].request, fields)


def faults(wards: str, folder: Path) -> list[str]:
    path = _path(wards, folder)
    with pytest.raises(FaultyFile) as caught:
        read_directories((path,))
    return [line.removeprefix(f"{path}:") for line in caught.value.lines()]


def test_beds_for_anybody_are_a_number(tmp_path: Path) -> None:
    text = "- {id: w, type: ICU, beds: 8, reserved: 2, name: {zh: 重症, en: Intensive care}}"
    (ward,) = request(text, tmp_path).wards
    assert (ward.bed_count, ward.reserved_for_referrals, ward.name.zh) == (8, 2, "重症")
    assert not ward.beds


def test_what_is_said_of_a_ward_is_of_all_its_beds(tmp_path: Path) -> None:
    text = "- {id: w, type: NICU, beds: 3, age: {from: 0, to: 1}, sex: F, isolation: true}"
    (ward,) = request(text, tmp_path).wards
    assert [bed.id for bed in ward.beds] == ["w-01", "w-02", "w-03"]
    for bed in ward.beds:
        assert (bed.constraints.sex, bed.constraints.isolation) == ("F", True)
        assert bed.constraints.HasField("min_age_years")
        assert (bed.constraints.min_age_years, bed.constraints.max_age_years) == (0, 1)


def test_groups_are_numbered_through(tmp_path: Path) -> None:
    text = """\
- id: w
  type: GENERAL
  age: {from: 14}
  beds:
    - {count: 2, sex: F}
    - {count: 1}
    - {count: 1, isolation: true}"""
    (ward,) = request(text, tmp_path).wards
    assert [(bed.id, bed.constraints.sex, bed.constraints.isolation) for bed in ward.beds] == [
        ("w-01", "F", False),
        ("w-02", "F", False),
        ("w-03", "", False),
        ("w-04", "", True),
    ]
    assert {bed.constraints.min_age_years for bed in ward.beds} == {14}
    assert not any(bed.constraints.HasField("max_age_years") for bed in ward.beds)


def test_every_mistake_is_named_with_its_line_and_column(tmp_path: Path) -> None:
    text = """\
- {id: w, type: GENERAL, beds: 4, reserved: 5}
- {id: w, type: NICE, beds: 0}
- {id: x, type: ICU, beds: 2, sex: W, age: {from: 60, to: 14}, isolaton: true}
- {id: y, type: ICU, beds: [{count: 300, sex: F}, {count: 201, isolation: 1}], sex: M, age: {}}
- {id: z, type: ICU, beds: [{sex: F}], age: {from: -1, til: 3}, reserved: two}
- {id: v, type: ICU, beds: []}
- {id: u, type: ICU}"""
    assert faults(text, tmp_path) == [
        "6:37: reserved is more than the 4 beds of the ward",
        "7:6: ward w is given twice, first at line 6",
        "7:13: type must be one of GENERAL, ICU, CCU, STROKE_UNIT, MATERNITY, NICU, ISOLATION,"
        " REHABILITATION, DIALYSIS_STATION",
        "7:25: beds must be from 1 to 500",
        "8:33: sex must be one of F, M",
        "8:41: age: from is more than to",
        "8:66: a ward has no isolaton; did you mean isolation?",
        "9:24: a ward has at most 500 beds, this one 501",
        "9:44: sex is given for the whole ward already, at line 9",
        "9:66: isolation must be true or false",
        "9:90: age needs from, to, or both, in years",
        "10:31: a group of beds needs count",
        "10:48: from must be from 0 to 150",
        "10:58: age has no til",
        "10:67: reserved must be a whole number",
        "11:24: beds must not be empty",
        "12:5: a ward needs beds",
    ]


def test_the_wards_of_generated_facilities_come_from_one_place(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(
        "facilities: []\n"
        "generate:\n"
        "- {count: 2, id: 't-{n}', level: TOWNSHIP, wards: [{id: w, type: GENERAL, beds: 3}]}\n",
        "utf-8",
    )
    assert read_directories((path,)).wards.keys() == {"t-1", "t-2"}
