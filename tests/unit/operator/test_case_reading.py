"""A case file is checked whole when it is read, and every fault names its line."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.operator.casefile.model import AlertStep, AwaitStep, CommandStep
from services.operator.casefile.packaged import CASES_FOLDER, DEFAULT_CASE, PACKAGED, case_path
from services.operator.casefile.reading import read_case
from services.shared.located.faults import FaultyFile
from services.shared.located.nodes import parse_located
from tests.unit.operator.small_case import CASE, small_case, write_case


def _line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def _faults(folder: Path, text: str) -> dict[int, str]:
    with pytest.raises(FaultyFile) as caught:
        read_case(write_case(folder, text))
    return {fault.line: fault.text for fault in caught.value.faults}


@pytest.mark.parametrize("name", PACKAGED)
def test_every_case_that_comes_with_tierlink_is_sound(name: str) -> None:
    case = read_case(case_path(name))
    assert case.id == name.upper()
    # No report gives a moment, a person or a value: whoever acts in a case is made up, and says so.
    assert all(step.synthetic for step in case.steps if isinstance(step, CommandStep))
    assert case.site.directory == read_case(DEFAULT_CASE).site.directory
    assert "synthetic" in case.source.en


def test_a_case_is_named_or_given_by_its_path() -> None:
    assert case_path("j1") == case_path("J1") == DEFAULT_CASE
    assert case_path("./j1") == Path("j1")
    assert case_path("some/case.yaml") == Path("some/case.yaml")
    others = {path.stem for path in CASES_FOLDER.glob("*.yaml")} - set(PACKAGED)
    assert all("communities:" in (CASES_FOLDER / f"{name}.yaml").read_text("utf-8") for name in others)


def test_the_main_case_goes_the_whole_way() -> None:
    case = read_case(DEFAULT_CASE)
    assert len(case.steps) > 40
    assert case.duration > timedelta(days=30)
    assert "horqin-township-20" in case.site.directory.facility_ids()


def test_the_sample_directories_are_those_of_the_field_cases() -> None:
    directory = read_case(DEFAULT_CASE).site.directory
    assert directory.facility_name("jimsar-general").en == (
        "Jimsar County General Hospital, People's Hospital campus"
    )
    assert [ward.beds_count for ward in directory.wards["jimsar-general"]] == [6, 8, 20]
    assert {path.name for path in CASES_FOLDER.glob("*.yaml")} >= {"jimsar.yaml", "horqin.yaml", "j1.yaml"}


def test_steps_are_read_with_their_kinds_times_and_people(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    assert [type(step) for step in case.steps] == [
        CommandStep,
        AlertStep,
        CommandStep,
        CommandStep,
        CommandStep,
        AwaitStep,
        CommandStep,
    ]
    assert case.steps[3].at == timedelta(minutes=30)
    assert case.steps[5].at == timedelta(hours=1, minutes=10)  # the step before it says when
    assert case.steps[6].at == case.duration == timedelta(days=2, hours=1)
    alert = case.steps[1]
    assert isinstance(alert, AlertStep)
    assert alert.of == "open"


@pytest.mark.parametrize(
    ("wrong", "instead_of", "fault"),
    [
        (
            "    do: OpenEpisodes",
            "    do: OpenEpisode",
            "there is no RPC OpenEpisodes; did you mean OpenEpisode?",
        ),
        (
            "    who: physican",
            "    who: physician",
            "physican is none of the people; did you mean physician?",
        ),
        ('    at: "1:75"', '    at: "01:00"', "at must be hh:mm or 9d hh:mm"),
        (
            '    with: {patient: "${patient}", pathway: STROK}',
            '    with: {patient: "${patient}", pathway: STROKE}',
            "pathway must be one of GENERAL, STROKE",
        ),
        (
            '    with: {patient: "${patient}", path: STROKE}',
            '    with: {patient: "${patient}", pathway: STROKE}',
            "OpenEpisodeRequest has no field path",
        ),
        (
            "    with: {patient: 12, pathway: STROKE}",
            '    with: {patient: "${patient}", pathway: STROKE}',
            "quotes",
        ),
        (
            "    expect: {episode.states: OPEN}",
            "    expect: {episode.state: OPEN}",
            "Episode has no field states",
        ),
        (
            "    expect: {episode.state: OPENED}",
            "    expect: {episode.state: OPEN}",
            "EpisodeState has no value",
        ),
        (
            "    save: {episode: episode.title}",
            "    save: {episode: episode.name}",
            "Episode has no field title",
        ),
        ("    save: {Episode: episode.name}", "    save: {episode: episode.name}", "Episode is no name"),
        (
            "    until: {episode.milestones: {most: 2}}",
            "    until: {episode.milestones: {at_least: 2}}",
            "most is none",
        ),
        ('    with: {name: "${alarm}"}', '    with: {name: "${alert}"}', "${alarm} has no value here"),
        ("    within_s: 9999", "    within_s: 5", "within_s must be from 1 to 600"),
        ("    unless: {}", "    who: physician", "has no unless"),
        ("directory: [nowhere.yaml]", "directory: small.yaml", "there is no file nowhere.yaml"),
        (
            "  physician: {name: 医师, facility: elsewhere, roles: [clinician]}",
            "  physician: {name: 医师, facility: branch, roles: [clinician]}",
            "facility elsewhere is not in the directory",
        ),
        (
            "  physician: {name: 医师, facility: branch, roles: [king]}",
            "  physician: {name: 医师, facility: branch, roles: [clinician]}",
            "king is none of clinician",
        ),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, wrong: str, instead_of: str, fault: str) -> None:
    text = CASE.replace(instead_of, wrong, 1)
    assert text != CASE
    found = _faults(tmp_path, text)
    line = _line_of(text, wrong.strip())
    assert line in found, found
    assert fault in found[line]


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = CASE.replace("OpenEpisode", "OpenEpisod", 1).replace("kind: DOOR_IN", "kind: DOR_IN")
    text = text.replace("status: MET", "status: GOOD")
    faults = _faults(tmp_path, text)
    assert len(faults) >= 3
    assert list(faults) == sorted(faults)


def test_what_the_player_draws_is_not_in_the_file(tmp_path: Path) -> None:
    text = CASE.replace("pathway: STROKE}", 'pathway: STROKE, request_id: "x"}', 1)
    assert "drawn" in next(iter(_faults(tmp_path, text).values()))


def test_a_step_cannot_use_what_a_later_one_saves(tmp_path: Path) -> None:
    text = CASE.replace('"P-${unique}"', '"P-${episode}"')
    assert any("${episode} has no value here" in fault for fault in _faults(tmp_path, text).values())


def test_yaml_surprises_are_none() -> None:
    node = parse_located("a: 10:30\nb: NO\nc: 2026-01-02\nd: 7\ne: true\nf: 1.5\ng: ~\n", Path("x"))
    assert node.plain() == {
        "a": "10:30",
        "b": "NO",
        "c": "2026-01-02",
        "d": 7,
        "e": True,
        "f": 1.5,
        "g": None,
    }


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("a: [1", "is no YAML"),
        ("", "is empty"),
        ("a: 1\na: 2\n", "a is given twice"),
        ("? [1]\n: 2\n", "a key must be a text"),
        ("a: &x [1, *x]\n", "is too deep"),
    ],
)
def test_what_is_no_mapping_of_values_is_refused(content: str, fault: str) -> None:
    with pytest.raises(FaultyFile, match=fault):
        parse_located(content, Path("x"))


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FaultyFile, match="cannot be read"):
        read_case(tmp_path / "missing.yaml")


def test_a_directory_fault_names_the_directory_file(tmp_path: Path) -> None:
    path = write_case(tmp_path)
    directory = tmp_path / "small.yaml"
    directory.write_text(directory.read_text("utf-8").replace("type: GENERAL", "type: GENRAL"), "utf-8")
    with pytest.raises(FaultyFile, match=r"small\.yaml:11:[0-9]+: type must be one of GENERAL"):
        read_case(path)
