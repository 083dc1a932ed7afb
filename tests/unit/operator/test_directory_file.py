"""A directory file is checked whole: every fault has its line and column, and is what the service refuses."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from services.operator.casefile.directory import read_directories
from services.operator.casefile.directory_places import file_faults, place_of
from services.operator.casefile.packaged import CASES_FOLDER
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_faults import violations
from services.shared.located.faults import FaultyFile
from services.shared.protocodec import MessageCodec
from tests.unit.referral.directory.sites import WHOLE, directories
from tierlink.referral.v1 import directory_service_pb2

_CODEC: MessageCodec[ApplyDirectory, directory_service_pb2.ApplyDirectoryRequest] = MessageCodec(
    ApplyDirectory, directory_service_pb2.ApplyDirectoryRequest
)

BROKEN = """\
communities:
  - {id: a-mc, name: {zh: 甲, en: A}, county: "652327", lead: a, parent: b-mc}
  - {id: b-mc, name: {zh: 乙, en: B}, county: "652327", lead: nobody, parent: a-mc}
facilities:
  - {id: a, name: {zh: 甲, en: A}, level: COUNTY, community: a-mc, region: "652327"}
  - {id: b, name: {zh: 乙, en: B}, level: TOWN, community: a-mc, region: "652327"}
  - id: c
    name: {zh: 丙, en: C}
    level: TOWNSHIP
    community: a-mc
    travel_minutes: {a: 10, nowhere: 20, b: soon}
  - {id: c, name: {zh: 丙, en: C}, level: VILLAGE, community: b-mc}
  - {id: d, name: {zh: 丁, en: D}, level: VILLAGE, comunity: a-mc, capabilities: STROKE}
alliances:
  - {id: x, specialty: STROKE, name: {zh: 联盟, en: Alliance}, members: [a, ghost]}
pooling_areas:
  - {id: pool, regions: ["110000"], exemptions: [mars]}
green_channels:
  - {id: green, name: {zh: 通道, en: Channel}, holder: 学校, facility: ghost}
generate:
  - {count: 3, id: "v-{n}", level: VILLAGE, community: c-mc}
"""


def faults_of(text: str, folder: Path) -> list[str]:
    path = folder / "site.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(FaultyFile) as caught:
        read_directories((path,))
    return [line.removeprefix(f"{path}:") for line in caught.value.lines()]


def test_every_fault_of_a_file_is_named_with_its_line_and_column(tmp_path: Path) -> None:
    assert faults_of(BROKEN, tmp_path) == [
        "2:73: communities in a circle: a-mc → b-mc → a-mc",
        "3:62: lead nobody is not in the directory",
        "6:42: level must be one of VILLAGE, TOWNSHIP, COUNTY, CITY, PROVINCE",
        "11:38: facility nowhere is not in the directory",
        "11:45: travel_minutes[b] must be a whole number",
        "12:10: c is given twice, first at line 7",
        "12:62: c would be a member of two communities, a-mc and b-mc",
        "13:51: Facility has no field comunity",
        "13:81: capabilities must be a list",
        "15:75: facility ghost is not in the directory",
        "17:26: no facility of the directory lies in region 110000",
        "17:50: mars is no region, facility or other area of the directory",
        "19:68: facility ghost is not in the directory",
        "21:56: community c-mc is not in the directory",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("communities: []\n", "1:1: the directory needs facilities"),
        ("facilities: 3\n", "1:1: facilities must be a list"),
        ("facilities: [3]\n", "1:14: must be the fields of Facility"),
        ("facilities:\n  - {id: a}\n", "2:5: Facility needs level"),
        ("facilities:\n  - {id: a, level: COUNTY, name: A}\n", "2:34: must be the fields of BilingualText"),
        ("facility: []\nfacilities: []\n", "1:1: the directory has no facility; did you mean facilities?"),
        ("facilities: [\n", "2:1: is no YAML: expected the node content, but found '<stream end>'"),
        ("facilities:\n- id: a\n  id: b\n", "3:3: id is given twice"),
        (
            "facilities: []\ngenerate: [{count: 2, id: 'v-{m}', level: VILLAGE}]\n",
            "2:23: id must be a pattern such as township-{n:02}",
        ),
        (
            "facilities:\n- {id: a, name: {zh: 甲, en: A}, level: COUNTY, wards: 3}\n",
            "2:55: wards must be a list",
        ),
    ],
)
def test_what_is_no_directory_is_refused(text: str, fault: str, tmp_path: Path) -> None:
    assert fault in faults_of(text, tmp_path)


def test_files_together_are_one_directory(tmp_path: Path) -> None:
    both = read_directories((CASES_FOLDER / "jimsar.yaml", CASES_FOLDER / "horqin.yaml"))
    assert len(both.facilities) == 6 + 3 + 22
    again = tmp_path / "again.yaml"
    again.write_text((CASES_FOLDER / "horqin.yaml").read_text("utf-8"), "utf-8")
    with pytest.raises(FaultyFile, match=r"again\.yaml:4:9: horqin-mc is given twice, first at line 4 of"):
        read_directories((CASES_FOLDER / "horqin.yaml", again))


def test_a_holder_may_have_a_name_in_both_languages(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    facility = "{id: a, name: {zh: 甲, en: A}, level: COUNTY}"
    holder = "{zh: 二小, en: No. 2 School}"
    path.write_text(
        f"facilities: [{facility}]\n"
        f"green_channels: [{{id: g, name: {{zh: 通道, en: G}}, holder: {holder}, facility: a}}]\n",
        "utf-8",
    )
    (channel,) = read_directories((path,)).green_channels
    assert (channel["holder"], channel["holder_name"]) == ("二小", {"zh": "二小", "en": "No. 2 School"})


def test_a_comma_without_quotes_does_not_cut_a_name(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    name = "{zh: 总院，西区, en: General Hospital, People's campus, West}"
    path.write_text(f"facilities:\n- {{id: a, name: {name}, level: COUNTY}}\n", "utf-8")
    (facility,) = read_directories((path,)).facilities
    assert facility["name"] == {"zh": "总院，西区", "en": "General Hospital, People's campus, West"}
    unknown = "facilities:\n- {id: a, name: {zh: 甲, en: A, fr: Le A}, level: COUNTY}\n"
    assert "BilingualText has no field fr" in faults_of(unknown, tmp_path)[0]
    cut = "facilities:\n- {id: a, name: {West, zh: 甲, en: A}, level: COUNTY}\n"
    assert "BilingualText has no field West" in faults_of(cut, tmp_path)[0]


def as_file(command: ApplyDirectory) -> str:
    content: dict[str, Any] = {"facilities": []}
    content |= json_format.MessageToDict(_CODEC.to_message(command), preserving_proto_field_name=True)
    for facility in content["facilities"]:
        facility["level"] = facility["level"].removeprefix("FACILITY_LEVEL_")
        for identifier in facility.get("identifiers", ()):
            identifier["scheme"] = identifier["scheme"].removeprefix("IDENTIFIER_SCHEME_")
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def _breakages(command: ApplyDirectory) -> list[ApplyDirectory]:
    """The directory with one thing wrong, in every way that its content allows."""
    first, *others = command.facilities
    found = [
        replace(command, facilities=(replace(first, community="nowhere"), *others)),
        replace(command, facilities=(replace(first, travel_minutes={"ghost": 3}), *others)),
        replace(command, facilities=(replace(first, travel_minutes={first.id: 3}), *others)),
        replace(command, facilities=(replace(first, region="65232"), *others)),
        replace(command, facilities=(replace(first, capabilities=("STROKE", "STROKE")), *others)),
        replace(command, facilities=(first, *command.facilities)),
    ]
    lists: dict[str, list[dict[str, Any]]] = {
        "communities": [{"lead": "ghost"}, {"parent": "nowhere"}, {"county": "x"}, {"id": first.id}],
        "alliances": [{"members": ("ghost", first.id)}, {"members": (first.id, first.id)}],
        "pooling_areas": [{"regions": ("999999",)}, {"exemptions": ("mars",)}, {"facilities": ()}],
        "recognition_areas": [{"regions": ("11",)}, {"facilities": ("ghost",)}],
        "green_channels": [{"facility": "ghost"}, {"holder": first.id, "facility": first.id}],
    }
    for field, wrong in lists.items():
        entries = getattr(command, field)
        if entries:
            circle = [{"parent": entries[0].id}] if field == "communities" else []
            for values in (*wrong, *circle):
                broken = (replace(entries[0], **values), *entries[1:])
                found.append(replace(command, **{field: broken}))  # type: ignore[arg-type]
            found.append(replace(command, **{field: (*entries, entries[0])}))
    return found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_file_and_the_service_refuse_the_same_at_the_same_places(data: st.DataObject) -> None:
    command = data.draw(directories() | st.just(WHOLE))
    broken = data.draw(st.sampled_from([command, *_breakages(command)]))
    refused = list(violations(broken))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "site.yaml"
        path.write_text(as_file(broken), "utf-8")
        try:
            read = read_directories((path,))
        except FaultyFile as error:
            told = {(fault.line, fault.column) for fault in error.faults}
        else:
            told = set()
            request = build_message(rpc_methods()["ApplyDirectory"].request, read.fields())
            assert _CODEC.from_message(request) == broken  # type: ignore[arg-type]
        # Faults of a circle or a repetition may be told at either end: what counts is that none is missed.
        assert bool(told) == bool(refused), [each.field for each in refused]
        assert len(told) >= len({each.field for each in refused if each.reason != "CYCLE"}) - 1


def test_places_are_found_by_the_services_paths(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(as_file(WHOLE), "utf-8")
    read = read_directories((path,))
    lines = path.read_text("utf-8").splitlines()

    def line(field: str) -> str:
        place = place_of(field, read.places)
        assert place is not None
        return lines[place.node.line - 1].strip()

    assert line("communities[0].lead") == "lead: jimsar-general"
    assert line("facilities[1].travel_minutes[jimsar-general]") == "jimsar-general: 95"
    assert line('facilities[1].travel_minutes["jimsar-general"]') == "jimsar-general: 95"
    assert line("alliances[0].members[1]") == "- changji-prefecture"
    assert line("green_channels[0].surprise") == "- id: park-channel"
    assert place_of("facilities[99].id", read.places) is None
    assert place_of("request_id", read.places) is None
    found, elsewhere = file_faults(read, [("alliances[0].id", "is odd"), ("request_id", "is missing")])
    assert [fault.text for fault in found[str(path)]] == ["alliances[0].id: is odd"]
    assert elsewhere == ["request_id: is missing"]
