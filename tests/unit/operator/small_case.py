"""A case of a few steps, for tests."""

from pathlib import Path

from services.operator.casefile.model import Case
from services.operator.casefile.reading import read_case

DIRECTORY = """
communities:
  - {id: mc, name: {zh: 医共体, en: Community}, county: "000000", lead: branch}
facilities:
  - id: branch
    name: {zh: 分院, en: Branch}
    level: TOWNSHIP
    community: mc
    region: "000000"
    capabilities: []
    wards: [{id: w, type: GENERAL, beds: 2}]
"""

CASE = """
id: T1
title: {zh: 测试, en: Test}
directory: small.yaml
people:
  physician: {name: 医师, facility: branch, roles: [clinician]}
rosters:
  branch: [{role: clinician, step: duty, who: physician}]
variables:
  patient: "P-${unique}"
about: {episode: "${episode}", referral: "referrals/00000000-0000-0000-0000-000000000000"}
steps:
  - id: open
    at: "01:00"
    who: physician
    do: OpenEpisode
    text: {zh: 开始, en: Begins}
    with: {patient: "${patient}", pathway: STROKE}
    expect: {episode.state: OPEN}
    save: {episode: episode.name}
  - alert: physician
    match: {rule: ARRIVED, subject: "${episode}"}
    within_s: 5
    save: {alert: name}
  - at: "01:02"
    who: physician
    do: AcknowledgeAlert
    with: {name: "${alert}"}
  - at: "00:30"
    who: physician
    do: RecordMilestone
    with: {name: "${episode}", kind: DOOR_IN}
  - at: "01:10"
    who: physician
    do: RecordMilestone
    with: {name: "${episode}", kind: THROMBOLYSIS}
  - await: GetEpisode
    who: physician
    with: {name: "${episode}"}
    until: {episode.milestones: {at_least: 2}}
    within_s: 5
  - at: "2d 01:00"
    who: physician
    do: CloseEpisode
    with: {name: "${episode}"}
clocks:
  - {key: door-to-needle, facility: branch, elapsed: "00:40", status: MET}
alerts:
  - {rule: ARRIVED, facility: branch, subject: "${episode}",
     state: RESOLVED, acknowledged_by: physician, within: "00:05"}
"""


def write_case(folder: Path, text: str = CASE) -> Path:
    """The files of a case in a folder; the path of the case file."""
    (folder / "small.yaml").write_text(DIRECTORY, "utf-8")
    path = folder / "case.yaml"
    path.write_text(text, "utf-8")
    return path


def small_case(folder: Path, text: str = CASE) -> Case:
    """The case, read."""
    return read_case(write_case(folder, text))
